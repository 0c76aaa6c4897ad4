/**
 * Group Q, slow targets: one that is silent, or that takes its time, keeps only itself waiting; what a run leaves is
 * reported and tried by the next one. And what has to end by the ledger's own word ends before anybody is asked who
 * might be slow.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import { askTargets, beginBudget, BUDGET_SECONDS } from '../../src/flows/at-targets/ask-targets.ts';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import type { Forge } from '../../src/model/forge.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import type { OpenRecord } from '../../src/model/open-record.ts';
import type { Order } from '../../src/model/target.ts';
import { queuesOf } from '../../src/rules/queue-by-system.ts';
import { commandProvider } from '../../src/targets/command/command.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { BEGIN, makeWorld, type World } from '../crash/access-repository.ts';
import { join } from 'node:path';

const minutes = (count: number) => plus(BEGIN, count * 60);
const HOUR = minutes(60);

interface Due {
  readonly world: World;
  /** `slot` s0 ... s4 on `north`, in the order of their ends. */
  readonly north: readonly RequestId[];
  /** `southerner`, the last of all to end. */
  readonly south: RequestId;
}

let template: Due;
beforeAll(async () => {
  const world = await makeWorld(join(tempDir(), 'world'));
  const north: RequestId[] = [];
  for (const slot of [4, 2, 0, 1, 3]) {
    north[slot] = await world.ask({
      role: 'slot',
      scope: { slot: `s${slot}` },
      duration: `${10 + slot}m`,
    });
  }
  const south = await world.ask({ role: 'southerner', duration: '50m' });
  await world.apply();
  if (world.held().length !== 6) throw new Error('not everything was granted');
  template = { world, north, south };
}, 120_000);

const due = (): Due => {
  const world = template.world.copy(join(tempDir(), 'world'));
  world.now = HOUR;
  return { ...template, world };
};

const stepsOf = ({ steps }: RunResult): readonly (readonly [RequestId | '-', string, string | null])[] =>
  steps.map(({ id, result, error }) => [id, result, error?.code ?? null]);

/** The real plugin, with something before each of its revocations. */
const before =
  (meet: (target: string, order: Order) => Promise<void>) =>
  (desk: Desk): Desk => {
    const command = desk.providers.get('command');
    if (command === undefined) throw new Error('no provider');
    const open: typeof command.open = async (place) => {
      const session = await command.open(place);
      return {
        ...session,
        revoke: async (order, scene) => {
          await meet(place.target, order);
          await session.revoke(order, scene);
        },
      };
    };
    return { ...desk, providers: new Map([...desk.providers, ['command', { ...command, open }]]) };
  };

const revokedOnRecord = async (world: World): Promise<number> =>
  (await world.peek()).records.filter(({ state }) => state === 'ended').length;

describe('a target that is silent', { timeout: 180_000 }, () => {
  /** The real plugin provider, with less patience. */
  const impatient = (desk: Desk): Desk => ({
    ...desk,
    providers: new Map([
      ...desk.providers,
      ['command', commandProvider({ timeoutMs: 2500, maxBytes: 64 * 1024 })],
    ]),
  });

  it('[Q6] three times in a row: the rest of it is not tried and reported, other targets are ended', async () => {
    const { world, north, south } = due();
    const [a, b, c, d, e] = north;
    world.manners('north', { revoke: 'hang' });
    const first = await world.sweep({ executor: 'pam-sweep', change: impatient });
    expect(stepsOf(first)).toEqual([
      [a, 'failed', 'E_PRV_TIMEOUT'],
      [b, 'failed', 'E_PRV_TIMEOUT'],
      [c, 'failed', 'E_PRV_TIMEOUT'],
      [d, 'skipped', 'E_SWEEP_SILENT'],
      [e, 'skipped', 'E_SWEEP_SILENT'],
      [south, 'done', null],
    ]);
    expect(exitOfRun(first)).toBe(3);
    expect(world.calls('revoke').map(({ id }) => id)).not.toContain(d);
    const attempts = new Map((await world.peek()).records.map((one) => [one.id, one.attempts]));
    expect(north.map((id) => attempts.get(id))).toEqual([1, 1, 1, 0, 0]);
    // Those that were left come first now, so that three that hang do not keep the others waiting for ever.
    const second = await world.sweep({ executor: 'pam-sweep', change: impatient });
    expect(stepsOf(second).map(([id, how]) => [id, how])).toEqual([
      [a, 'failed'],
      [b, 'skipped'],
      [c, 'skipped'],
      [d, 'failed'],
      [e, 'failed'],
    ]);
    expect(exitOfRun(second)).toBe(1);
    world.manners('north', {});
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect(world.held()).toEqual([]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('[Q6] nothing but not tried: that is no success', async () => {
    const result = { steps: [], ledger: { seq: 1, head: 'sha256:' }, waiting: [], troubles: [] };
    const step = { action: 'revoke', id: template.south, target: 'south', what: '' } as const;
    const error = { code: 'E_SWEEP_BUDGET', message: '' };
    const run = (...how: readonly ('done' | 'skipped')[]) =>
      exitOfRun({
        ...result,
        steps: how.map((one) => ({ ...step, result: one, error: one === 'done' ? null : error })),
      } as unknown as RunResult);
    expect([run('skipped'), run('done', 'skipped'), run('done')]).toEqual([1, 3, 0]);
    await Promise.resolve();
  });

  it('[Q6] answers in between: it is slow and not silent, and all of it is tried', async () => {
    const { world, north, south } = due();
    let count = 0;
    const moody = before(async (target) => {
      if (target !== 'north') return;
      count += 1;
      if (count % 3 !== 0) world.manners('north', { revoke: 'hang' });
      else world.manners('north', {});
      await Promise.resolve();
    });
    const result = await world.sweep({ executor: 'pam-sweep', change: (desk) => moody(impatient(desk)) });
    expect(stepsOf(result).map(([, how]) => how)).toEqual([
      'failed',
      'failed',
      'done',
      'failed',
      'failed',
      'done',
    ]);
    expect(stepsOf(result).map(([id]) => id)).toEqual([...north, south]);
  });
});

describe('targets that take their time', { timeout: 180_000 }, () => {
  it('[Q6] the oldest end first, none begun when the time is up, the remainder reported and left', async () => {
    const { world, north } = due();
    const [a, b, c, d, e] = north;
    const slow = before(async (target) => {
      if (target === 'north') world.now = plus(world.now, BUDGET_SECONDS / 3);
      await Promise.resolve();
    });
    const first = await world.sweep({ executor: 'pam-sweep', change: slow });
    expect(stepsOf(first).slice(0, 5)).toEqual([
      [a, 'done', null],
      [b, 'done', null],
      [c, 'done', null],
      [d, 'skipped', 'E_SWEEP_BUDGET'],
      [e, 'skipped', 'E_SWEEP_BUDGET'],
    ]);
    expect(exitOfRun(first)).toBe(3);
    expect(
      world
        .calls('revoke')
        .filter(({ realm }) => realm === 'north')
        .map(({ id }) => id),
    ).toEqual([a, b, c]);
    expect(stepsOf(await world.sweep({ executor: 'pam-sweep' }))).toEqual([
      [d, 'done', null],
      [e, 'done', null],
    ]);
    expect(world.held()).toEqual([]);
  });

  it('[Q6] what was shown is on record before a long run ends', async () => {
    const { world } = due();
    const onRecord: number[] = [];
    const slow = before(async (target) => {
      if (target !== 'north') return;
      onRecord.push(await revokedOnRecord(world));
      world.now = plus(world.now, 40);
    });
    await world.sweep({ executor: 'pam-sweep', change: slow });
    expect(onRecord).toHaveLength(5);
    // Whoever killed it before its last call would have lost two at the most.
    expect(onRecord.at(-1)).toBeGreaterThanOrEqual(3);
    expect(await revokedOnRecord(world)).toBe(6);
  });

  it('[Q6] a short run writes one entry for all outcomes', async () => {
    const { world } = due();
    const seq = async (): Promise<number> => (await world.audit()).seq;
    const started = await seq();
    await world.sweep({ executor: 'pam-sweep' });
    // Shared access is announced first, in one entry as well.
    expect(await seq()).toBe(started + 2);
    const types = (await world.events()).filter((one) => one.seq > started).map(({ type }) => type);
    expect(types.toSorted()).toEqual([...Array(6).fill('ending'), ...Array(6).fill('revoked')]);
  });

  it('[Q6] side by side: none waits for another, and none is asked two things at once', async () => {
    const { world } = due();
    const asked = new Set<string>();
    const busy = new Set<string>();
    const meeting = before(async (target) => {
      if (busy.has(target)) throw new Error(`${target} is asked two things at once`);
      busy.add(target);
      asked.add(target);
      for (let tries = 0; asked.size < 2; tries += 1) {
        if (tries > 1500) throw new Error('the other target was never asked');
        await sleep(10);
      }
      busy.delete(target);
    });
    const result = await world.sweep({ executor: 'pam-sweep', change: meeting });
    expect(stepsOf(result).filter(([, how]) => how !== 'done')).toEqual([]);
    expect(world.held()).toEqual([]);
  });

  it('[Q6] no more than eight at once, and none is forgotten', async () => {
    const { world } = due();
    const record = await world.record(template.south);
    const questions = Array.from({ length: 40 }, (_, at) => ({ record: on(record, at % 20) }));
    let [busy, most, asked] = [0, 0, 0];
    const desk = await world.desk();
    const queues = queuesOf(desk.providers, questions);
    const left = await askTargets(desk, beginBudget(HOUR), queues, async () => {
      busy += 1;
      most = Math.max(most, busy);
      await sleep(1);
      busy -= 1;
      asked += 1;
      return null;
    });
    expect({ most, asked, left }).toEqual({ most: 8, asked: 40, left: [] });
  });

  it('[Q6] Ctrl-C: the question at hand is the last, its outcome is recorded, and what is left is told', async () => {
    const { world, north } = due();
    let stop = false;
    const pressed = (desk: Desk): Desk => ({
      ...before(async (target) => {
        stop ||= target === 'north';
        await sleep(50);
      })(desk),
      interrupted: () => stop,
    });
    const result = await world.sweep({ executor: 'pam-sweep', change: pressed });
    const atNorth = result.steps.filter(({ id }) => north.some((one) => one === id));
    expect(atNorth.map(({ id }) => id)).toEqual(north);
    expect(atNorth[0]).toMatchObject({ result: 'done' });
    for (const one of atNorth.slice(1))
      expect(one).toMatchObject({ result: 'skipped', error: { code: 'E_INTERRUPTED' } });
    expect(exitOfRun(result)).toBe(130);
    expect(await world.record(north[0] ?? template.south)).toMatchObject({ state: 'ended' });
    expect(world.calls('revoke').filter(({ realm }) => realm === 'north')).toHaveLength(1);
  });
});

const on = (record: OpenRecord, system: number): OpenRecord =>
  record.grant === null
    ? record
    : { ...record, grant: { ...record.grant, target: `system-${system}`, config: { system } } };

describe('what the ledger alone says must end', { timeout: 180_000 }, () => {
  /** What is held whenever the forge is asked for statements. */
  const atTheForge = (world: World, held: (readonly string[])[]) => {
    const watched = (forge: Forge): Forge => ({
      ...forge,
      statements: async (wanted) => {
        held.push(world.held());
        return await forge.statements(wanted);
      },
    });
    return (desk: Desk): Desk => ({ ...desk, forge: async (config) => watched(await desk.forge(config)) });
  };

  it('[Q1] ends before the forge is asked anything, be it about policy; stops are found in the same run', async () => {
    const { world, south } = due();
    world.now = minutes(20);
    await world.commitPolicy({ note: 'nobody signed this' });
    await world.stop(south, 'dana');
    const held: (readonly string[])[] = [];
    const result = await world.sweep({ executor: 'pam-sweep', change: atTheForge(world, held) });
    expect(held.length).toBeGreaterThan(1);
    for (const one of held) expect(one).toEqual(['south dana read']);
    expect(exitOfRun(result)).toBe(0);
    expect(world.held()).toEqual([]);
    expect((await world.record(south)).ending?.cause).toBe('stopped');
  });

  it('[Q1] what another one did not end yet is taken up without asking, and once only', async () => {
    const { world, south } = due();
    world.now = minutes(20);
    await world.stop(south, 'dana');
    world.manners('south', { revoke: 'fail' });
    await world.sweep({ executor: 'pam-sweep' });
    const calls = world.calls('revoke').length;
    const held: (readonly string[])[] = [];
    const again = await world.sweep({ executor: 'pam-sweep', change: atTheForge(world, held) });
    expect(stepsOf(again)).toEqual([[south, 'failed', 'E_PRV_PLUGIN']]);
    expect(world.calls('revoke')).toHaveLength(calls + 1);
    world.manners('south', {});
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
  });

  it('[Q6] targets are looked at again only after everything has ended', async () => {
    const { world, south } = due();
    world.now = minutes(20);
    await world.sweep({ executor: 'pam-sweep' });
    world.putOnShelf('north dana slot:s1');
    world.now = HOUR;
    const calls = world.calls().length;
    const { steps } = await world.sweep({ executor: 'pam-sweep' });
    const made = world.calls().slice(calls);
    const ended = made.findIndex(({ op, id }) => op === 'revoke' && id === south);
    const lookedAgain = made.findIndex(({ realm }) => realm === 'north');
    expect(ended).toBe(0);
    expect(lookedAgain).toBeGreaterThan(ended);
    expect(steps.map(({ id, result }) => [id, result])).toEqual([
      [south, 'done'],
      [template.north[1], 'done'],
    ]);
    expect(world.held()).toEqual([]);
  });

  it('[Q6] when nothing is left of the time, what was not looked at again is said in one line a target', async () => {
    const { world } = due();
    world.now = minutes(20);
    await world.sweep({ executor: 'pam-sweep' });
    world.now = HOUR;
    const slow = before(async () => {
      world.now = plus(world.now, BUDGET_SECONDS);
      await Promise.resolve();
    });
    const result = await world.sweep({ executor: 'pam-sweep', change: slow });
    expect(result.troubles.map(({ code, message }) => [code, /for 5 of today/u.test(message)])).toEqual([
      ['E_SWEEP_BUDGET', true],
    ]);
    expect(exitOfRun(result)).toBe(3);
  });
});
