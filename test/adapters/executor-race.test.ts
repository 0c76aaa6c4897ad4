/**
 * Executors that meet: real processes, a clone and a memory each, one bare remote that takes its time. What
 * happened is read from the target's own list of calls, not from the ledger.
 */
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import { appendEntry } from '../../src/flows/ledger/append-entry.ts';
import type { Draft } from '../../src/flows/ledger/make-entry.ts';
import { type LedgerView, readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { PamError } from '../../src/model/error.ts';
import type { Remote } from '../../src/model/git.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { mayBeLive } from '../../src/model/open-record.ts';
import { BEGIN, delayPushes, makeWorld, type World } from '../crash/access-repository.ts';
import type { Round } from '../crash/killable-executor.ts';
import { bundleExecutor, type RunExecutor } from '../crash/run-executor.ts';
import { isFull, isLong, some } from '../size.ts';
import { codeOf, tempDir } from './git-workbench.ts';

const GRANTS = isLong ? 24 : 6;
const minutes = (count: number) => plus(BEGIN, count * 60);

let runExecutor: RunExecutor;
let small: World;
beforeAll(async () => {
  runExecutor = await bundleExecutor(tempDir());
  small = await makeWorld(join(tempDir(), 'world'), { remote: true });
}, 120_000);

const fresh = (): World => small.copy(join(tempDir(), 'world'));

/** Pushes that executors tried, lost races included. */
let pushesTried = 0;

async function together(worlds: readonly World[], runs: readonly (readonly Round[])[], now = BEGIN) {
  const executors = ['pam-apply', 'pam-apply-two'];
  return await Promise.all(
    worlds.map(async ({ home, host }, at) => {
      const executor = executors[at] ?? 'pam-apply';
      const ended = await runExecutor({ home, host, executor, now, ticks: true, runs: runs[at] ?? [] });
      expect(ended.stderr).toBe('');
      pushesTried += ended.steps.filter((step) => step === 'remote.push').length;
      return ended.report?.rounds ?? [];
    }),
  );
}

const countBy = (ids: readonly string[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
};
const once = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, 1]));

/** One line of entries, no commit beside or between them, and nothing that audit has to say. */
async function linear(world: World): Promise<void> {
  await world.records();
  const { ok, findings, seq, totals } = await world.audit();
  expect({ ok, findings }).toEqual({ ok: true, findings: [] });
  expect(totals.entries).toBe(seq + 1);
  const tip = 'refs/remotes/origin/pam-ledger';
  expect(world.git('rev-list', '--count', tip)).toBe(String(seq + 1));
  expect(world.git('rev-list', '--count', '--first-parent', tip)).toBe(String(seq + 1));
}

describe('two executors and one remote', () => {
  let world: World;
  let hosts: readonly World[];
  const ids: RequestId[] = [];
  beforeAll(async () => {
    world = fresh();
    for (let at = 0; at < GRANTS; at++) {
      ids.push(await world.ask({ role: 'slot', scope: { slot: `s${at}` }, duration: '1h' }));
    }
    hosts = [world, world.another('two')];
    delayPushes(world, 300);
  }, 300_000);

  it(`[K11] in ${GRANTS} rounds each id is granted once, and none is lost`, {
    timeout: 600_000,
  }, async () => {
    const rounds = ids.map((id): Round => ({ run: 'apply', only: [id] }));
    // Neighbours swapped for the second, so that both are at work on different ids too.
    const swapped = rounds.map((round, at) => rounds[at % 2 === 0 ? at + 1 : at - 1] ?? round);
    pushesTried = 0;
    const exits = await together(hosts, [rounds, swapped]);
    // Whoever comes second finds it live, or another at work on it: that is well.
    expect(exits).toEqual([rounds.map(() => 0), rounds.map(() => 0)]);
    expect(countBy(world.calls('grant').map(({ id }) => id))).toEqual(once(ids));
    const held = ids.map((_, at) => `north dana slot:s${at}`);
    expect(world.held()).toEqual(held.toSorted());
    for (const { state } of (await world.records()).values()) expect(state).toBe('live');
    const events = await world.events();
    for (const type of ['seen', 'granting', 'granted']) {
      expect(countBy(events.flatMap((one) => (one.type === type ? [one.id] : [])))).toEqual(once(ids));
    }
    // They met: more pushes were tried than the ledger took.
    const written = new Set(
      events.filter(({ executor }) => executor.startsWith('pam-apply')).map(({ seq }) => seq),
    );
    expect(pushesTried).toBeGreaterThan(written.size);
  });

  it('[K1] two sweeps at once on all of them', { timeout: 300_000 }, async () => {
    const now = minutes(90);
    const exits = await together(hosts, [[{ run: 'sweep' }], [{ run: 'sweep' }]], now);
    expect(exits).toEqual([[0], [0]]);
    expect(world.held()).toEqual([]);
    expect(new Set(world.calls('revoke').map(({ id }) => id))).toEqual(new Set(ids));
    const events = await world.events();
    expect(countBy(events.flatMap((one) => (one.type === 'revoked' ? [one.id] : [])))).toEqual(once(ids));
    expect([...(await world.records()).values()].filter(mayBeLive)).toEqual([]);
    world.now = now;
    await linear(world);
  });
});

describe('two hosts that share one key', () => {
  it('[K11] write the same entry in the same second, and only one of them wrote it', async () => {
    const world = fresh();
    const twin = world.another('twin');
    const [here, there] = [await world.desk(), await twin.desk()];
    const [mine, theirs] = [world.executor(), twin.executor()];
    expect(here.clock()).toBe(there.clock());
    const before = await readLedger(here, mine);
    const alsoBefore = await readLedger(there, theirs);
    let asked = 0;
    const beat = async (view: LedgerView): Promise<Draft> => {
      asked += 1;
      const live = view.state.seq;
      return await Promise.resolve({
        events: [{ type: 'heartbeat', id: '-', live: live > before.state.seq ? 1 : 0 }],
      });
    };
    const first = await appendEntry(here, mine, before, beat);
    const second = await appendEntry(there, theirs, alsoBefore, beat);
    expect([first.entry?.seq, second.entry?.seq]).toEqual([before.state.seq + 1, before.state.seq + 2]);
    // Whoever came second was told so, and decided again.
    expect(asked).toBe(3);
  });
});

describe('eight executors and one remote', () => {
  const EXECUTORS = isLong ? 8 : 3;
  /**
   * While one of them writes, all others sign and push in vain: eight with 12 entries each push some 400 times, with 50
   * each some 1,800 times, a quarter of an hour of CPU. What only `PAM_FULL=1` still shows: one that loses 200
   * times in a row is told `E_RACE_LOST`, runs again, and gets through.
   */
  const ENTRIES_OF_EACH = isLong ? 12 : 6;
  const ENTRIES = isFull ? 50 : ENTRIES_OF_EACH;

  it(`[K11, Z18] ${EXECUTORS} processes append ${ENTRIES} entries each: nothing is lost and nothing doubled`, {
    timeout: 900_000,
  }, async () => {
    const world = fresh();
    const hosts = Array.from({ length: EXECUTORS }, (_, at) => (at === 0 ? world : world.another(`n${at}`)));
    // One clock for all: audit would rightly remark on entries of clocks that differ.
    const since = Date.now();
    const numbers = hosts.map((_, host) =>
      Array.from({ length: ENTRIES }, (__, at) => host * ENTRIES + at + 1),
    );
    const ended = await Promise.all(
      hosts.map(async ({ home, host }, at) => {
        const executor = ['pam-apply', 'pam-apply-two', 'pam-sweep'][at % 3] ?? 'pam-sweep';
        const runs = (numbers[at] ?? []).map((live): Round => ({ run: 'beat', live }));
        return await runExecutor({ home, host, executor, now: BEGIN, ticks: true, since, runs });
      }),
    );
    for (const { stderr, code, signal } of ended)
      expect({ stderr, code, signal }).toEqual({ stderr: '', code: 0, signal: null });
    // Whatever went wrong stands where the place of an entry should.
    const wrong = ended
      .flatMap(({ report }) => report?.rounds ?? [])
      .filter((one) => typeof one !== 'number');
    expect(wrong).toEqual([]);
    // The log shows what a clone holds; this one may have been the first to be done.
    await world.records();
    const beats = (await world.events()).flatMap((one) => (one.type === 'heartbeat' ? [one] : []));
    expect(beats.map(({ live }) => live).toSorted((a, b) => a - b)).toEqual(numbers.flat());
    // Each process was told the place of its own entry, and that entry stands there.
    const told = ended.map(({ report }) => report?.rounds ?? []);
    const stands = new Map(beats.map(({ live, seq }) => [live, seq]));
    expect(told).toEqual(numbers.map((each) => each.map((live) => stands.get(live))));
    // However long it took here: whoever audits has a clock that is not behind.
    world.now = plus(BEGIN, Math.ceil((Date.now() - since) / 1000));
    await linear(world);
    const tries = ended.flatMap(({ steps }) => steps.filter((step) => step === 'remote.push')).length;
    expect(tries).toBeGreaterThan(EXECUTORS * ENTRIES);
  });
});

describe('apply and sweep', () => {
  it.each(some([-3, -2, -1, 0, 1], 1))(
    '[K2] an intent is taken up %i s from its end while sweeps run: nothing outlives the end',
    { timeout: 120_000 },
    async (offset) => {
      const world = fresh();
      const id = await world.ask({ role: 'reader', duration: '3m' });
      world.manners('north', { grant: 'fail', revoke: 'fail' });
      await world.apply();
      expect((await world.record(id)).state).toBe('granting');
      // Nothing that a run may do about it yet, and not nothing.
      const what: unknown = expect.stringMatching(/^begun and not finished; .* after 2/u);
      expect((await world.apply()).steps).toMatchObject([{ id, action: 'grant', result: 'skipped', what }]);
      world.manners('north', { grant: 'slow' });
      const hosts = [world, world.another('two')];
      delayPushes(world, 300);
      const applies: Round[] = [{ run: 'apply' }, { run: 'apply' }];
      const sweeps = Array.from({ length: 5 }, (): Round => ({ run: 'sweep' }));
      await together(hosts, [applies, sweeps], plus(minutes(3), offset));
      world.now = minutes(4);
      expect(exitOfRun(await world.sweep())).toBe(0);
      expect(world.held()).toEqual([]);
      expect(['ended', 'failed']).toContain((await world.record(id)).state);
      await linear(world);
    },
  );
});

/** The desk whose calls of one kind, at the target of that name, wait until `first` is done. */
const interleaved =
  (target: string, call: 'grant' | 'revoke', first: () => Promise<void>) =>
  (desk: Desk): Desk => {
    const command = desk.providers.get('command');
    if (command === undefined) throw new Error('no provider');
    const open: typeof command.open = async (place) => {
      const session = await command.open(place);
      if (place.target !== target) return session;
      return {
        ...session,
        grant: async (order) => {
          if (call === 'grant') await first();
          return await session.grant(order);
        },
        revoke: async (order, scene) => {
          if (call === 'revoke') await first();
          await session.revoke(order, scene);
        },
      };
    };
    return { ...desk, providers: new Map(desk.providers).set('command', { ...command, open }) };
  };

describe.runIf(isLong)('access that two grants share: the ledger says whose turn it is', () => {
  const meet = async (): Promise<readonly [World, World, RequestId]> => {
    const world = fresh();
    const id = await world.ask({ role: 'reader', duration: '10m' });
    return [world, world.another('two'), id];
  };

  it('[K1] a grant that arrives while the same access is being revoked waits, and is not lost', async () => {
    const [world, other, first] = await meet();
    await world.apply();
    world.now = minutes(10);
    other.now = minutes(10);
    const second = await world.ask({ role: 'reader', duration: '1h' });
    let waiting: readonly string[] = [];
    const change = interleaved('north', 'revoke', async () => {
      const run = await other.apply({ executor: 'pam-apply-two' });
      waiting = run.waiting.flatMap(({ decision }) =>
        decision.reasons.filter(({ ok }) => !ok).map(({ code }) => code),
      );
    });
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep', change }))).toBe(0);
    expect(waiting).toEqual(['E_PRV_BUSY']);
    expect((await world.record(first)).state).toBe('ended');
    expect(world.held()).toEqual([]);
    await other.apply({ executor: 'pam-apply-two' });
    expect((await world.record(second)).state).toBe('live');
    expect(world.held()).toEqual(['north dana read']);
    expect((await world.sweep()).steps).toEqual([]);
    await linear(world);
  });

  it('[K1] a grant that was recorded before the sweep announced the ending keeps the access', async () => {
    const [world, other, first] = await meet();
    await world.apply();
    world.now = minutes(9);
    other.now = minutes(9);
    const second = await world.ask({ role: 'reader', duration: '1h' });
    // Its intent stands and its call is under way when the sweep of the first one begins and ends.
    const change = interleaved('north', 'grant', async () => {
      world.now = minutes(10);
      other.now = minutes(10);
      expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    });
    expect(exitOfRun(await other.apply({ executor: 'pam-apply-two', change }))).toBe(0);
    expect((await world.record(first)).state).toBe('ended');
    expect((await world.record(second)).state).toBe('live');
    expect(world.held()).toEqual(['north dana read']);
    await linear(world);
  });

  it('[K1] a grant that fails while another one of the same access waits takes nothing from it', async () => {
    const [world, other, first] = await meet();
    const second = await world.ask({ role: 'reader', duration: '1h' });
    const change = interleaved('north', 'grant', async () => {
      await other.apply({ executor: 'pam-apply-two' });
      throw new PamError('E_PRV', 'the line went dead');
    });
    await world.apply({ only: [first], change });
    expect((await world.record(first)).state).toBe('failed');
    expect((await world.record(second)).state).toBe('seen');
    await other.apply({ executor: 'pam-apply-two' });
    expect((await world.record(second)).state).toBe('live');
    expect(world.held()).toEqual(['north dana read']);
    await linear(world);
  });
});

/** The desk with another way to push. */
const pushing =
  (push: (remote: Remote, ...args: Parameters<Remote['push']>) => ReturnType<Remote['push']>) =>
  (desk: Desk): Desk => {
    const { remote } = desk;
    if (remote === null) throw new Error('there is no remote');
    const open = async (): Promise<Remote> => {
      const real = await remote.open();
      return { ...real, push: async (moves) => await push(real, moves) };
    };
    return { ...desk, pause: async () => undefined, remote: { ...remote, open } };
  };

const cut = new PamError('E_GIT_NETWORK', 'the connection was cut');

describe.runIf(isLong)('the answer to a push', () => {
  it('[K6] is lost after it was accepted: read again, no second intent', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    let pushes = 0;
    const result = await world.apply({
      change: pushing(async (remote, moves) => {
        pushes++;
        await remote.push(moves);
        throw cut;
      }),
    });
    expect(exitOfRun(result)).toBe(0);
    expect(pushes).toBe(2);
    expect(countBy(world.calls('grant').map((one) => one.id))).toEqual({ [id]: 1 });
    const types = (await world.events()).filter((one) => one.id === id).map(({ type }) => type);
    expect(types).toEqual(['seen', 'granting', 'granted']);
    await linear(world);
  });

  it('never comes and the push did not arrive: tried again, granted once', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    let pushes = 0;
    const result = await world.apply({
      change: pushing(async (remote, moves) => {
        if (pushes++ % 2 === 0) throw cut;
        return await remote.push(moves);
      }),
    });
    expect(exitOfRun(result)).toBe(0);
    expect(countBy(world.calls('grant').map((one) => one.id))).toEqual({ [id]: 1 });
    await linear(world);
  });

  it('is lost and nobody can be asked: the target is not called, and the intent is finished later', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    const away = join(world.home, 'away.git');
    const bare = join(world.home, 'remote.git');
    const dying = pushing(async (remote, moves) => {
      await remote.push(moves);
      renameSync(bare, away);
      throw cut;
    });
    expect(await codeOf(world.apply({ change: dying }))).toBe('E_GIT_NETWORK');
    renameSync(away, bare);
    expect(world.calls('grant')).toEqual([]);
    expect((await world.record(id)).state).toBe('granting');
    world.now = minutes(1);
    expect(exitOfRun(await world.apply())).toBe(0);
    expect(world.calls('grant')).toEqual([]);
    world.now = minutes(2);
    expect(exitOfRun(await world.apply())).toBe(0);
    expect(countBy(world.calls('grant').map((one) => one.id))).toEqual({ [id]: 1 });
    expect((await world.record(id)).grant).toMatchObject({ end: minutes(60) });
    await linear(world);
  });

  it('is no: what was signed beside the push and did not arrive is never remembered', async () => {
    const world = fresh();
    const executor = world.executor();
    const owner = `executor.${executor.name}`;
    const here = await world.desk();
    const first = await readLedger(here, executor);
    const beat = async (): Promise<Draft> =>
      await Promise.resolve({ events: [{ type: 'heartbeat', id: '-', live: 0 }] });
    const { view } = await appendEntry(here, executor, first, beat);
    const kept = await here.memory.keptHead(owner);
    expect(kept?.commit).toBe(view.commit);
    const refused = pushing(async () => await Promise.resolve('rejected'))(here);
    expect(await codeOf(appendEntry(refused, executor, view, beat))).toBe('E_RACE_LOST');
    const dead = pushing(async () => await Promise.reject(new Error('killed')))(here);
    await expect(appendEntry(dead, executor, view, beat)).rejects.toThrow('killed');
    expect(await here.memory.keptHead(owner)).toEqual(kept);
    expect(await readLedger(await world.desk(), executor)).toMatchObject({ commit: view.commit });
  });

  it('[K5] is always no: E_RACE_LOST, and the target is never asked to grant', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    const hook = join(world.home, 'remote.git', 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\nexit 1\n');
    chmodSync(hook, 0o755);
    const patient = pushing(async (remote, moves) => await remote.push(moves));
    expect(await codeOf(world.apply({ change: patient }))).toBe('E_RACE_LOST');
    expect(world.calls('grant')).toEqual([]);
    expect(world.held()).toEqual([]);
    rmSync(hook);
    expect(exitOfRun(await world.apply())).toBe(0);
    expect(countBy(world.calls('grant').map((one) => one.id))).toEqual({ [id]: 1 });
    await linear(world);
  });

  it('[K5] is always no to a sweep: it ends what has to end, says 3, and records later', async () => {
    const world = fresh();
    const expired = await world.ask({ role: 'reader', duration: '30m' });
    const stopped = await world.ask({ role: 'southerner', duration: '1h' });
    await world.apply();
    await world.stop(stopped, 'dana');
    world.now = minutes(30);
    const hook = join(world.home, 'remote.git', 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\nexit 1\n');
    chmodSync(hook, 0o755);
    const patient = pushing(async (remote, moves) => await remote.push(moves));
    const result = await world.sweep({ change: patient, executor: 'pam-sweep' });
    expect(exitOfRun(result)).toBe(3);
    // A stop is its signer's own record (docs/design.md, "What a sweep does not wait for").
    expect(world.held()).toEqual([]);
    for (const id of [expired, stopped]) expect((await world.record(id)).state).toBe('live');
    rmSync(hook);
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect(world.held()).toEqual([]);
    for (const id of [expired, stopped]) expect((await world.record(id)).state).toBe('ended');
    await linear(world);
  });

  it('a wrong clock on the other host grants nothing twice', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    await world.apply();
    const other = world.another('two');
    other.now = plus(BEGIN, -240);
    expect(exitOfRun(await other.apply({ executor: 'pam-apply-two', only: [id] }))).toBe(0);
    expect(countBy(world.calls('grant').map((one) => one.id))).toEqual({ [id]: 1 });
  });
});
