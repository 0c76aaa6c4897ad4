/** Doubt stops granting and never stops revoking: what the real executor does when it cannot believe what it sees. */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { apply } from '../../src/flows/executor/apply.ts';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import type { Remote } from '../../src/model/git.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { BEGIN, type ExecutorName, makeWorld, type World } from '../crash/access-repository.ts';
import { codeOfLater } from '../support/error-code.ts';
import { tempDir } from './git-workbench.ts';

const minutes = (count: number) => plus(BEGIN, count * 60);
const SHELF = 'north dana read';

interface Prepared {
  readonly world: World;
  /** Live until minute 30. */
  readonly live: RequestId;
  /** Asked for, approved and merged; whoever may grant grants it. */
  readonly ready: RequestId;
}

let lone: Prepared;
let shared: Prepared;
beforeAll(async () => {
  [lone, shared] = await Promise.all([prepare(false), prepare(true)]);
}, 120_000);

async function prepare(remote: boolean): Promise<Prepared> {
  const world = await makeWorld(join(tempDir(), 'world'), { remote });
  const live = await world.ask({ role: 'reader', duration: '30m' });
  await world.apply();
  expect(world.held()).toEqual([SHELF]);
  const ready = await world.ask({ role: 'southerner', duration: '4h' });
  return { world, live, ready };
}

const copyOf = (prepared: Prepared): Prepared => ({
  ...prepared,
  world: prepared.world.copy(join(tempDir(), 'world')),
});

const codesOf = ({ troubles }: RunResult): readonly string[] => troubles.map(({ code }) => code);

async function grantsNothing(world: World, exit: number, codes: readonly string[]): Promise<void> {
  const before = world.calls('grant');
  const result = await world.apply();
  expect({ exit: exitOfRun(result), codes: codesOf(result) }).toEqual({ exit, codes });
  expect(world.calls('grant')).toEqual(before);
}

async function grants({ world, ready }: Prepared): Promise<void> {
  await world.apply();
  expect((await world.record(ready)).state).toBe('live');
}

async function sweeps(
  world: World,
  exit: number,
  codes: readonly string[],
  executor: ExecutorName = 'pam-sweep',
): Promise<void> {
  const result = await world.sweep({ executor });
  expect({ exit: exitOfRun(result), codes: codesOf(result) }).toEqual({ exit, codes });
  expect(world.held()).toEqual([]);
}

const LEDGER = 'refs/heads/pam-ledger';

describe('the ledger branch in a lone clone', () => {
  it.each([
    ['rewound', ['update-ref', LEDGER, `${LEDGER}~2`]],
    ['deleted', ['update-ref', '-d', LEDGER]],
  ])(
    '[J5][M1] %s: nothing is granted; the sweep revokes and puts it back on the kept head',
    async (_, damage) => {
      const { world, live, ready } = copyOf(lone);
      await world.sweep();
      await world.sweep({ executor: 'pam-sweep' });
      const tip = world.git('rev-parse', LEDGER);
      world.git(...damage);
      await grantsNothing(world.copy(join(tempDir(), 'apply')), 20, ['E_LED_ROLLBACK']);
      world.now = minutes(30);
      await sweeps(world, 20, ['E_LED_ROLLBACK']);
      expect(world.git('rev-parse', `${LEDGER}~2`)).toBe(tip);
      expect((await world.record(live)).state).toBe('ended');
      await grants({ world, live, ready });
      expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
    },
  );

  it.each([
    ['a commit of anything', (world: World) => `${world.git('rev-parse', 'main')}^{tree}`],
    ['an entry once more', (world: World) => `${world.git('rev-parse', LEDGER)}^{tree}`],
  ])(
    '[M2] junk on top, %s: nothing is granted in that run, and the next stands above it',
    async (_, treeOf) => {
      const { world, live, ready } = copyOf(lone);
      const junk = world.git('commit-tree', treeOf(world), '-p', LEDGER, '-m', 'junk');
      world.git('update-ref', LEDGER, junk);
      const applied = world.copy(join(tempDir(), 'apply'));
      await grantsNothing(applied, 20, ['E_LED_JUNK']);
      await grants({ world: applied, live, ready });
      expect(applied.git('merge-base', '--is-ancestor', junk, LEDGER)).toBe('');
      world.now = minutes(30);
      await sweeps(world, 20, ['E_LED_JUNK']);
      expect((await world.record(live)).state).toBe('ended');
      await sweeps(world, 0, []);
    },
  );

  it('[M3] replaced by another history of the same root: nothing is appended, the sweep still revokes', async () => {
    const { world, live } = copyOf(lone);
    const other = copyOf(lone).world;
    await other.apply();
    await world.sweep({ executor: 'pam-sweep' });
    await world.ask({ role: 'keeper' });
    await world.apply();
    await world.sweep({ executor: 'pam-sweep' });
    const good = world.git('rev-parse', LEDGER);
    // A head of its own, so that it is remembered.
    await world.stop(live, 'dana');
    world.now = minutes(1);
    await world.sweep({ executor: 'pam-sweep' });
    const best = world.git('rev-parse', LEDGER);
    expect(best).not.toBe(good);
    expect(world.held()).toEqual(['north dana keep', 'south dana read']);
    world.git('fetch', '-q', other.dir, `+${LEDGER}:${LEDGER}`);
    const forked = world.git('rev-parse', LEDGER);
    await expect(world.apply()).rejects.toMatchObject({ code: 'E_LED_FORK', exit: 20 });
    world.now = minutes(5 * 60);
    const result = await world.sweep({ executor: 'pam-sweep' });
    expect(exitOfRun(result)).toBe(20);
    expect(world.held()).toEqual([]);
    expect(world.git('rev-parse', LEDGER)).toBe(forked);
    // Somebody puts the right one back: what was done is recorded now.
    world.git('update-ref', LEDGER, best);
    await sweeps(world, 0, []);
    expect((await world.peek()).records.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended']);
  });
});

describe('the ledger branch of a remote', () => {
  it.each([
    ['rewound', ['update-ref', LEDGER, `${LEDGER}~2`]],
    ['deleted', ['update-ref', '-d', LEDGER]],
  ])('[J5][M1] %s: nothing is granted; the sweep revokes and pushes it again', async (_, damage) => {
    const { world, live, ready } = copyOf(shared);
    await world.sweep();
    await world.sweep({ executor: 'pam-sweep' });
    const bare = world.remote ?? '';
    const tip = world.git('--git-dir', bare, 'rev-parse', LEDGER);
    world.git('--git-dir', bare, ...damage);
    await grantsNothing(world.copy(join(tempDir(), 'apply')), 20, ['E_LED_ROLLBACK']);
    world.now = minutes(30);
    await sweeps(world, 20, ['E_LED_ROLLBACK']);
    expect(world.git('--git-dir', bare, 'rev-parse', `${LEDGER}~2`)).toBe(tip);
    await grants({ world, live, ready });
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('[G6] a checkout of one commit, as CI makes it, is deepened: it grants, sweeps and remembers', async () => {
    const { world, ready } = copyOf(shared);
    const bare = `file://${world.remote ?? ''}`;
    const ci = world.another('ci');
    const checkout = (): void => {
      rmSync(ci.dir, { recursive: true });
      world.git('clone', '-q', '--depth', '1', '--branch', 'main', bare, ci.dir);
    };
    checkout();
    expect(ci.git('rev-list', '--count', 'HEAD')).toBe('1');
    await grants({ world: ci, live: ready, ready });
    expect(ci.notes.filter((line) => line.includes('walked from its root'))).toHaveLength(1);
    // The next job: a new checkout, and what was remembered of the last one.
    const other = await world.ask({ role: 'reader', duration: '4h' });
    checkout();
    ci.notes.length = 0;
    await grants({ world: ci, live: ready, ready: other });
    expect(ci.notes.filter((line) => line.includes('walked from its root'))).toEqual([]);
    ci.now = minutes(5 * 60);
    checkout();
    expect(exitOfRun(await ci.sweep())).toBe(0);
    expect(ci.held()).toEqual([]);
    expect((await world.audit()).ok).toBe(true);
  });

  it.each([
    ['rewound', 'E_LED_ROLLBACK'],
    ['replaced', 'E_LED_FORK'],
  ])(
    '[M1][X93] %s before a new checkout, on a machine that remembers: nothing is granted or appended',
    async (how, code) => {
      const { world } = copyOf(shared);
      const other = copyOf(shared).world;
      await world.sweep();
      await world.sweep({ executor: 'pam-sweep' });
      const bare = world.remote ?? '';
      if (how === 'rewound') world.git('--git-dir', bare, 'update-ref', LEDGER, `${LEDGER}~1`);
      else {
        await world.ask({ role: 'keeper' });
        await world.apply();
        await world.sweep({ executor: 'pam-sweep' });
        await other.ask({ role: 'keeper' });
        await other.apply();
        await other.sweep({ executor: 'pam-sweep' });
        world.git('--git-dir', bare, 'fetch', '-q', other.remote ?? '', `+${LEDGER}:${LEDGER}`);
      }
      const tip = world.git('--git-dir', bare, 'rev-parse', LEDGER);
      rmSync(world.dir, { recursive: true });
      execFileSync('git', ['clone', '-q', `file://${bare}`, world.dir]);
      world.git('remote', 'set-url', 'origin', bare);
      const calls = world.calls('grant');
      // With nothing to append it reports, else it is refused.
      let codes: readonly string[] = [];
      const refused = await codeOfLater(world.apply().then((ran) => (codes = codesOf(ran))));
      expect([refused, ...codes]).toContain(code);
      expect(world.calls('grant')).toEqual(calls);
      world.now = minutes(5 * 60);
      const result = await world.sweep({ executor: 'pam-sweep' });
      expect([exitOfRun(result), codesOf(result)]).toEqual([20, expect.arrayContaining([code])]);
      expect(world.held()).toEqual([]);
      expect(world.git('--git-dir', bare, 'rev-parse', LEDGER)).toBe(tip);
    },
  );

  it.each([
    [
      'another history',
      (bare: (...args: readonly string[]) => string) => {
        const tree = bare('rev-parse', `${LEDGER}^{tree}`);
        bare('update-ref', LEDGER, bare('commit-tree', tree, '-m', 'orphan'));
      },
    ],
    [
      'a branch below its name',
      (bare: (...args: readonly string[]) => string) => {
        const tip = bare('rev-parse', LEDGER);
        bare('update-ref', '-d', LEDGER);
        bare('update-ref', `${LEDGER}/x`, tip);
      },
    ],
  ] as const)(
    '[X94] %s in place of the ledger, so that it takes no entry: a stop ends access all the same',
    async (_, damage) => {
      const { world, live } = copyOf(shared);
      await world.sweep({ executor: 'pam-sweep' });
      await world.stop(live, 'dana');
      const remote = world.remote ?? '';
      damage((...args) => world.git('--git-dir', remote, ...args));
      const { steps, troubles } = await world.sweep({ executor: 'pam-sweep' });
      expect(steps).toMatchObject([{ action: 'revoke', id: live, result: 'done' }]);
      expect(troubles.map(({ message }) => message).join('\n')).toContain('endings could not be recorded');
      expect(world.held()).toEqual([]);
    },
  );

  it('[X95] a fetch that never seems to end: what rests on its recorded end does not wait for it', async () => {
    const { world, live } = copyOf(shared);
    await world.sweep({ executor: 'pam-sweep' });
    world.now = minutes(30);
    const seen: string[][] = [];
    const slow = (remote: Remote): Remote => ({
      ...remote,
      fetch: async (...args) => {
        for (let tries = 0; tries < 300 && world.held().length > 0; tries += 1) await sleep(100);
        seen.push([...world.held()]);
        return await remote.fetch(...args);
      },
    });
    const desk = await world.desk();
    const { remote } = desk;
    if (remote === null) throw new Error('there is a remote');
    const line = { ...remote, open: async () => slow(await remote.open()) };
    const patience = { own: 50, shared: 100 };
    const scope = { targets: [], patience };
    const result = await sweep({ ...desk, remote: line }, world.executor('pam-sweep'), scope);
    expect(seen[0]).toEqual([]);
    expect({ exit: exitOfRun(result), codes: codesOf(result) }).toEqual({ exit: 0, codes: [] });
    expect(result.steps).toMatchObject([{ action: 'revoke', id: live, result: 'done' }]);
    expect((await world.record(live)).state).toBe('ended');
    expect((await world.audit()).ok).toBe(true);
  });

  it('[G17][X10] objects that fsck refuses, on branches that anybody may push, hold nothing up', async () => {
    const { world, live, ready } = copyOf(shared);
    const bare = world.remote ?? '';
    const plantIn = (branch: string): void => {
      const blob = world.git('--git-dir', bare, 'rev-parse', 'main:pam.yaml');
      const bytes = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
      const args = ['--git-dir', bare, 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin'];
      const tree = execFileSync('git', args, { input: bytes, encoding: 'utf8' }).trim();
      const parent = branch === LEDGER ? ['-p', LEDGER] : [];
      const commit = world.git('--git-dir', bare, 'commit-tree', tree, ...parent, '-m', 'hostile');
      world.git('--git-dir', bare, 'update-ref', branch, commit);
    };
    for (const n of ['a', 'b', 'c']) {
      plantIn(`refs/heads/pam/20261122-reader-aaaaa${n}`);
      plantIn(`refs/heads/pam-statements/${live}.012345678${n}abcdef`);
    }
    await world.stop(live, 'dana');
    await grants({ world, live, ready });
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect((await world.record(live)).state).toBe('ended');
    // On the ledger branch itself it is junk, and what is due is revoked and recorded on top of it.
    plantIn(LEDGER);
    world.now = minutes(5 * 60);
    const swept = await world.sweep({ executor: 'pam-sweep' });
    expect(codesOf(swept)).toEqual(['E_LED_JUNK']);
    expect(world.held()).toEqual([]);
    expect((await world.record(ready)).state).toBe('ended');
  });

  it('[Z20] offline: asks the remote nothing, revokes what is past its end, says 3, and records later', async () => {
    const { world, live } = copyOf(shared);
    await world.sweep();
    const remote = world.remote ?? '';
    renameSync(remote, `${remote}.away`);
    world.now = minutes(30);
    const offline = await sweep(await world.offline(), world.executor('pam-sweep'), { targets: [] });
    expect(exitOfRun(offline)).toBe(3);
    expect(codesOf(offline)).toEqual(['E_FORGE_STALE', 'E_OFFLINE', 'E_OFFLINE']);
    expect(world.held()).toEqual([]);
    const applied = await apply(await world.offline(), world.executor());
    expect({ steps: applied.steps, codes: codesOf(applied) }).toEqual({
      steps: [],
      codes: ['E_FORGE_STALE'],
    });
    renameSync(`${remote}.away`, remote);
    await sweeps(world, 0, []);
    expect((await world.record(live)).state).toBe('ended');
  });

  it('[M2] junk pushed on top by somebody else', async () => {
    const { world, live } = copyOf(shared);
    const junk = world.git('commit-tree', 'origin/main^{tree}', '-p', 'origin/pam-ledger', '-m', 'junk');
    world.git('push', '-q', 'origin', `${junk}:${LEDGER}`);
    await grantsNothing(world.copy(join(tempDir(), 'apply')), 20, ['E_LED_JUNK']);
    world.now = minutes(30);
    await sweeps(world, 20, ['E_LED_JUNK']);
    expect((await world.record(live)).state).toBe('ended');
  });

  it('unreachable: nothing is granted, the sweep works from what it holds and records when it is back', async () => {
    const { world, live, ready } = copyOf(shared);
    const bare = world.remote ?? '';
    const away = join(world.home, 'away.git');
    renameSync(bare, away);
    const calls = world.calls('grant');
    await expect(world.apply()).rejects.toMatchObject({ code: 'E_GIT_NETWORK', exit: 1 });
    expect(world.calls('grant')).toEqual(calls);
    world.now = minutes(30);
    const result = await world.sweep({ executor: 'pam-sweep' });
    expect(exitOfRun(result)).toBe(3);
    expect(codesOf(result)).toContain('E_FORGE_STALE');
    expect(world.held()).toEqual([]);
    renameSync(away, bare);
    expect((await world.record(live)).state).toBe('live');
    await sweeps(world, 0, []);
    expect((await world.record(live)).state).toBe('ended');
    await grants({ world, live, ready });
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });
});

describe('a clock that looks wrong', () => {
  it('[I2, I3] an apply entry from the future: apply grants nothing, sweep revokes and says 3', async () => {
    const { world, live, ready } = copyOf(lone);
    const ahead = await world.ask({ role: 'keeper', duration: '8h' });
    world.now = minutes(60);
    await world.apply({ executor: 'pam-apply-two', only: [ahead] });
    expect((await world.record(ahead)).state).toBe('live');
    world.now = minutes(30);
    await grantsNothing(world, 20, ['E_LED_CLOCK']);
    const result = await world.sweep({ executor: 'pam-sweep' });
    expect({ exit: exitOfRun(result), codes: codesOf(result) }).toEqual({ exit: 3, codes: ['E_CLOCK'] });
    expect(world.held()).toEqual(['north dana keep']);
    expect((await world.record(live)).state).toBe('ended');
    world.now = minutes(60);
    await grants({ world, live, ready });
  });

  it('[I2] five minutes behind is nothing: the entry is dated like the one before', async () => {
    const { world, live, ready } = copyOf(lone);
    world.now = plus(BEGIN, -300);
    await grants({ world, live, ready });
    const times = (await world.events()).filter(({ type }) => type === 'granting').map(({ at }) => at);
    expect(times).toEqual([BEGIN, BEGIN]);
    expect(await world.audit()).toMatchObject({ ok: true });
  });

  it('[I2] five minutes and a second is too much', async () => {
    const { world } = copyOf(lone);
    world.now = plus(BEGIN, -301);
    await grantsNothing(world, 20, ['E_LED_CLOCK']);
    expect(world.held()).toEqual([SHELF]);
  });
});

describe('policy on main', () => {
  it.each([
    ['changed and not signed', { note: 'nobody signed this' }],
    ['broken', { broken: true }],
  ])('%s: grants stop, sweeps go on', async (_, wish) => {
    const { world, live, ready } = copyOf(lone);
    await world.commitPolicy(wish);
    await grantsNothing(world, 5, ['E_POL_UNSIGNED']);
    world.now = minutes(30);
    await sweeps(world, 0, []);
    expect((await world.record(live)).state).toBe('ended');
    await world.commitPolicy({});
    await grants({ world, live, ready });
  });

  it('signed by an admin: in force with the next run', async () => {
    const { world, live, ready } = copyOf(lone);
    await world.commitPolicy({ note: 'better' });
    await grantsNothing(world, 5, ['E_POL_UNSIGNED']);
    await world.ratify();
    await grants({ world, live, ready });
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('signed by somebody who is no admin: not in force', async () => {
    const { world } = copyOf(lone);
    await world.commitPolicy({ note: 'better' });
    await expect(world.ratify('bob')).rejects.toMatchObject({ code: 'E_POL_ADMIN' });
    await grantsNothing(world, 5, ['E_POL_UNSIGNED']);
  });
});

/** The next sweep ends the live grant before its recorded end, and writes down why first: this is why. */
async function endsEarly({ world, live }: Prepared): Promise<string | undefined> {
  world.now = minutes(2);
  await sweeps(world, 0, []);
  const [why, done] = (await world.events()).filter((one) => one.id === live).slice(-2);
  expect(done?.type).toBe('revoked');
  expect((await world.audit()).ok).toBe(true);
  const cause = (await world.record(live)).ending?.cause;
  expect(why?.type === 'ending' ? why.cause : why?.type).toBe(cause);
  return cause;
}

async function staysAfterSweep({ world, live }: Prepared): Promise<string> {
  world.now = minutes(2);
  await world.sweep({ executor: 'pam-sweep' });
  expect(world.held()).toEqual([SHELF]);
  return (await world.record(live)).state;
}

describe('what a live grant rests on', () => {
  const revokedKey = async (world: World, name: string, since: string, reason = 'compromised') => {
    const fingerprint = await (await world.desk()).keyOf(world.signer(name).keyFile);
    const more = reason === 'compromised' ? { since } : {};
    return { revokedKeys: [{ fingerprint, at: minutes(1), reason, ...more }] };
  };

  it("its approver's key was compromised before it was granted: it ends", async () => {
    const prepared = copyOf(lone);
    const { world } = prepared;
    world.now = minutes(1);
    await world.commitPolicy(await revokedKey(world, 'bob', BEGIN));
    await world.ratify();
    expect(await endsEarly(prepared)).toBe('compromised');
  });

  it("its executor's key was compromised before it was granted: another executor ends it", async () => {
    const prepared = copyOf(lone);
    const { world } = prepared;
    world.now = minutes(1);
    await world.commitPolicy(await revokedKey(world, 'pam-apply', BEGIN));
    await world.ratify();
    expect(await endsEarly(prepared)).toBe('compromised');
  });

  it('the key was compromised only later: it runs to its end', async () => {
    const prepared = copyOf(lone);
    const { world } = prepared;
    world.now = minutes(1);
    await world.commitPolicy(await revokedKey(world, 'bob', plus(BEGIN, 1)));
    await world.ratify();
    expect(await staysAfterSweep(prepared)).toBe('live');
    world.now = minutes(30);
    await sweeps(world, 0, []);
  });

  it('the key was lost, not stolen: it runs to its end', async () => {
    const prepared = copyOf(lone);
    const { world } = prepared;
    world.now = minutes(1);
    await world.commitPolicy(await revokedKey(world, 'bob', BEGIN, 'lost'));
    await world.ratify();
    expect(await staysAfterSweep(prepared)).toBe('live');
  });

  it('its subject left: it ends', async () => {
    const prepared = copyOf(lone);
    prepared.world.now = minutes(1);
    await prepared.world.commitPolicy({ withoutSubject: 'dana' });
    await prepared.world.ratify();
    expect(await endsEarly(prepared)).toBe('subject');
  });

  it('its target left policy: it is revoked with the config that was recorded', async () => {
    const prepared = copyOf(lone);
    prepared.world.now = minutes(1);
    await prepared.world.commitPolicy({ withoutTarget: 'north' });
    await prepared.world.ratify();
    expect(await endsEarly(prepared)).toBe('target');
    expect(prepared.world.calls('revoke')).toMatchObject([{ realm: 'north', permissions: ['read'] }]);
  });

  it('none of it while nobody signed the policy that says so', async () => {
    const prepared = copyOf(lone);
    prepared.world.now = minutes(1);
    await prepared.world.commitPolicy({ withoutSubject: 'dana' });
    expect(await staysAfterSweep(prepared)).toBe('live');
  });

  it('its subject gives it back: it ends', async () => {
    const prepared = copyOf(lone);
    await prepared.world.stop(prepared.live, 'dana');
    expect(await endsEarly(prepared)).toBe('stopped');
  });
});

describe('the incident that a grant was for', () => {
  const incident = (status: string) => ({
    'incidents/INC-1.yaml': `version: 1\nid: INC-1\nstatus: ${status}\n`,
  });

  async function during(): Promise<Prepared> {
    const { world } = copyOf(lone);
    world.commitToMain(incident('open'));
    const fix = await world.ask({ role: 'fixer', duration: '2h', incident: 'INC-1' });
    await world.apply({ only: [fix] });
    world.now = minutes(30);
    await world.sweep();
    expect(world.held()).toEqual(['north dana fix']);
    const ready = await world.ask({ role: 'fixer', requester: 'erin', incident: 'INC-1' });
    return { world, live: fix, ready };
  }

  it('is closed: it ends, and nothing more is granted for it', async () => {
    const { world, live, ready } = await during();
    world.commitToMain(incident('closed'));
    world.now = minutes(31);
    await sweeps(world, 0, []);
    expect((await world.record(live)).ending?.cause).toBe('incident');
    await world.apply();
    expect((await world.peek()).records.find(({ id }) => id === ready)?.state).not.toBe('live');
    expect(world.held().filter((one) => one.endsWith('fix'))).toEqual([]);
  });

  it.each([
    ['nobody can read', '{'],
    ['has another status', 'version: 1\nid: INC-1\nstatus: shut\n'],
    ['is another one', 'version: 1\nid: INC-2\nstatus: closed\n'],
  ])('%s: nothing ends early, nothing begins, and the sweep says 3', async (_, text) => {
    const { world, live, ready } = await during();
    world.commitToMain({ 'incidents/INC-1.yaml': text });
    world.now = minutes(31);
    const result = await world.sweep({ executor: 'pam-sweep' });
    expect({ exit: exitOfRun(result), codes: codesOf(result) }).toEqual({ exit: 3, codes: ['E_INCIDENT'] });
    await world.apply({ only: [ready] });
    expect(world.held()).toEqual(['north dana fix']);
    world.now = minutes(120);
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
    expect((await world.record(live)).state).toBe('ended');
  });
});
