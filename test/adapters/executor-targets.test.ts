/** Targets that lie, hang, break and share: what the real executor makes of them, through a real plugin. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import type { Chart } from '../../src/flows/doctor/chart.ts';
import { lookAtTargets } from '../../src/flows/doctor/look-at-targets.ts';
import { readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { exitOfApply, exitOfRun, exitOfSweep, type RunResult } from '../../src/flows/executor/run-result.ts';
import { instantOf, plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { PamError } from '../../src/model/error.ts';
import type { Receipt } from '../../src/model/entry.ts';
import type { Order, Provider } from '../../src/model/target.ts';
import { parseKrl } from '../../src/targets/ssh-ca/krl.ts';
import { commandProvider } from '../../src/targets/command/command.ts';
import { BEGIN, explained, instant, makeWorld, type World } from '../crash/access-repository.ts';
import type { Manner } from '../crash/shelf-plugin.ts';
import { tempDir } from './git-workbench.ts';

let template: World;
beforeAll(async () => {
  template = await makeWorld(join(tempDir(), 'world'));
});

const fresh = (): World => template.copy(join(tempDir(), 'world'));
const minutes = (count: number) => plus(BEGIN, count * 60);

/** The real plugin provider, with less patience. */
const impatient = (desk: Desk): Desk => ({
  ...desk,
  providers: new Map([
    ...desk.providers,
    ['command', commandProvider({ timeoutMs: 1500, maxBytes: 64 * 1024 })],
  ]),
});

const outcomeOf = ({ steps }: RunResult, id: RequestId) => {
  const { action, result, error } = steps.find((one) => one.id === id && one.action !== 'see') ?? {};
  return { action, result, code: error?.code ?? null };
};

async function granted(world: World, role: string, more: { requester?: string; duration?: string } = {}) {
  const id = await world.ask({ role, ...more });
  expect(outcomeOf(await world.apply({ only: [id] }), id)).toMatchObject({ result: 'done' });
  expect((await world.record(id)).state).toBe('live');
  return id;
}

async function eventsOf(world: World, id: RequestId): Promise<readonly string[]> {
  return (await world.events()).filter((one) => one.id === id).map(({ type }) => type);
}

describe('a target that does not do what it is told to grant', () => {
  it.each<[Manner, string]>([
    ['lie', 'E_PRV_READBACK'],
    ['garbage', 'E_PRV_PLUGIN'],
    ['poison', 'E_PRV_PLUGIN'],
    ['fail', 'E_PRV_PLUGIN'],
    ['fail-after', 'E_PRV_PLUGIN'],
    ['hang', 'E_PRV_TIMEOUT'],
  ])('[L20] %s: it is failed and never granted, and nothing is left behind', async (manner, code) => {
    const world = fresh();
    const id = await world.ask({ role: 'writer' });
    world.manners('north', { grant: manner });
    const result = await world.apply({ change: impatient });
    expect(outcomeOf(result, id)).toEqual({ action: 'grant', result: 'failed', code });
    expect(exitOfRun(result)).toBe(1);
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'failed']);
    expect(world.held()).toEqual([]);
    // The id is used up.
    world.manners('north', {});
    world.now = minutes(3);
    const again = await world.apply({ only: [id] });
    expect(outcomeOf(again, id)).toMatchObject({ result: 'skipped', code: 'E_REQ_CONSUMED' });
    expect(exitOfApply(again, [id])).toBe(5);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  /** The target really gives the access, and then the provider says this. */
  const saying =
    (says: () => Promise<Receipt>) =>
    (desk: Desk): Desk => {
      const command = desk.providers.get('command');
      if (command === undefined) throw new Error('no provider');
      const open: Provider['open'] = async (place) => {
        const session = await command.open(place);
        if (place.target !== 'north') return session;
        const grant = async (order: Order) => {
          await session.grant(order);
          return await says();
        };
        return { ...session, grant };
      };
      return { ...desk, providers: new Map(desk.providers).set('command', { ...command, open }) };
    };
  const nested = async () => {
    let handle: Record<string, unknown> = {};
    for (let depth = 0; depth < 20_000; depth += 1) handle = { handle };
    return await Promise.resolve({ handle });
  };

  it.each<readonly [string, (desk: Desk) => Desk, string]>([
    ['an answer of its plugin', (desk) => desk, 'E_PRV_PLUGIN'],
    ['half a character', saying(async () => await Promise.resolve({ message: '\ud800' })), 'E_PRV_RECEIPT'],
    // Reading back gives the receipt to the plugin, which is where that depth is met first.
    ['a receipt nested beyond reading', saying(nested), 'E_PRV'],
    ['a bug', saying(async () => await Promise.reject(new TypeError('no function'))), 'E_PRV'],
  ])(
    '[X72] %s: that target alone fails, and what another one did is on the ledger',
    async (_, change, code) => {
      const world = fresh();
      const bad = await world.ask({ role: 'reader' });
      const good = await world.ask({ role: 'southerner', requester: 'erin' });
      if (code === 'E_PRV_PLUGIN') world.manners('north', { grant: 'poison' });
      const result = await world.apply({ change });
      expect(outcomeOf(result, bad)).toMatchObject({ result: 'failed', code });
      expect(outcomeOf(result, good)).toMatchObject({ result: 'done', code: null });
      expect((await world.record(good)).state).toBe('live');
      expect(await eventsOf(world, bad)).toEqual(['seen', 'granting', 'failed']);
      expect(world.held()).toEqual(['south erin read']);
    },
  );

  it('[L20] does it in part only: failed, and the part is taken back', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'writer' });
    const half = (desk: Desk): Desk => {
      const command = desk.providers.get('command');
      if (command === undefined) throw new Error('no provider');
      const providers = new Map(desk.providers).set('command', {
        ...command,
        open: async (place) => {
          const session = await command.open(place);
          const grant = async (order: Parameters<typeof session.grant>[0]) =>
            await session.grant({ ...order, permissions: order.permissions.slice(1) });
          return { ...session, grant };
        },
      });
      return { ...desk, providers };
    };
    expect(outcomeOf(await world.apply({ change: half }), id)).toMatchObject({ code: 'E_PRV_READBACK' });
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'failed']);
    expect(world.calls('grant')).toMatchObject([{ permissions: ['write'] }]);
    expect(world.held()).toEqual([]);
  });

  it('cannot say what is there before: no intent is written', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    world.manners('north', { inspect: 'unknown' });
    expect(outcomeOf(await world.apply(), id)).toMatchObject({ result: 'failed', code: 'E_PRV_UNKNOWN' });
    expect(await eventsOf(world, id)).toEqual(['seen']);
    expect(world.calls('grant')).toEqual([]);
    world.manners('north', {});
    expect(outcomeOf(await world.apply(), id)).toMatchObject({ result: 'done' });
  });

  /** The real plugin on a host that lacks what a grant needs, from its n-th question on. */
  const lackingFrom =
    (first: number) =>
    (desk: Desk): Desk => {
      const command = desk.providers.get('command');
      if (command === undefined) throw new Error('no provider');
      let asked = 0;
      const open: Provider['open'] = async (place) => ({
        ...(await command.open(place)),
        checkOrder: async ({ login }) => {
          asked += 1;
          if (asked >= first) throw new PamError('E_PRV_LACKS', `the host has no user ${login}`);
          await Promise.resolve();
        },
      });
      return { ...desk, providers: new Map(desk.providers).set('command', { ...command, open }) };
    };

  it('lacks what the grant needs: nothing is begun, and the request waits', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    const refused = outcomeOf(await world.apply({ change: lackingFrom(1) }), id);
    expect(refused).toMatchObject({ result: 'failed', code: 'E_PRV_LACKS' });
    expect(await eventsOf(world, id)).toEqual(['seen']);
    expect(world.calls('grant')).toEqual([]);
    expect(outcomeOf(await world.apply(), id)).toMatchObject({ result: 'done' });
  });

  it('lacks it after the intent only: failed, and nothing is given', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    const failed = outcomeOf(await world.apply({ change: lackingFrom(2) }), id);
    expect(failed).toMatchObject({ result: 'failed', code: 'E_PRV_LACKS' });
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'failed']);
    expect(world.calls('grant')).toEqual([]);
  });

  it('breaks down between granting and revoking: the intent stays until nothing can be shown', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    world.manners('north', { grant: 'fail-after', revoke: 'fail' });
    expect(outcomeOf(await world.apply(), id)).toMatchObject({ result: 'failed' });
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting']);
    expect(world.held()).toEqual(['north dana read']);
    expect(explained((await world.peek()).records)).toEqual(world.held());
    world.manners('north', {});
    world.now = minutes(60);
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'ending', 'revoked']);
    expect(world.held()).toEqual([]);
  });

  it('[L20] leaves a child behind that keeps its pipe: it is over in time, and nothing runs on', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    world.manners('north', { grant: 'fork' });
    const begun = Date.now();
    const outcome = outcomeOf(await world.apply({ change: impatient }), id);
    expect(Date.now() - begun).toBeLessThan(10_000);
    const events = await eventsOf(world, id);
    // Whatever it is called, ledger and target agree.
    expect(events.at(-1)).toBe(outcome.result === 'done' ? 'granted' : 'failed');
    expect(world.held()).toEqual(explained((await world.peek()).records));
  });
});

describe('[K8] a target that does not do what it is told to revoke', () => {
  it.each<[Manner, string]>([
    ['lie', 'E_PRV_READBACK'],
    ['garbage', 'E_PRV_PLUGIN'],
    ['fail', 'E_PRV_PLUGIN'],
    ['hang', 'E_PRV_TIMEOUT'],
  ])('%s: revoke_failed, exit 3 beside a good one and 1 alone, and tried again', async (manner, code) => {
    const world = fresh();
    const bad = await granted(world, 'reader');
    const good = await granted(world, 'southerner', { requester: 'erin' });
    world.manners('north', { revoke: manner });
    world.now = minutes(60);
    const first = await world.sweep({ change: impatient, executor: 'pam-sweep' });
    expect(outcomeOf(first, bad)).toEqual({ action: 'revoke', result: 'failed', code });
    expect(outcomeOf(first, good)).toEqual({ action: 'revoke', result: 'done', code: null });
    expect(exitOfRun(first)).toBe(3);
    expect(world.held()).toEqual(['north dana read']);
    expect(await eventsOf(world, bad)).toEqual(['seen', 'granting', 'granted', 'ending', 'revoke_failed']);
    expect((await world.audit()).findings).toMatchObject([{ code: 'E_LED_OVERDUE' }]);
    const second = await world.sweep({ change: impatient });
    expect(exitOfRun(second)).toBe(1);
    expect((await world.record(bad)).attempts).toBe(2);
    world.manners('north', {});
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect((await eventsOf(world, bad)).slice(4)).toEqual(['revoke_failed', 'revoke_failed', 'revoked']);
    expect(world.held()).toEqual([]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('one target of three fails: the others are ended in the same run, in the order of their ends', async () => {
    const world = fresh();
    const late = await granted(world, 'southerner', { duration: '50m' });
    const broken = await granted(world, 'reader', { duration: '10m' });
    const certificate = await granted(world, 'root', { duration: '20m' });
    world.manners('north', { revoke: 'fail', inspect: 'hang' });
    world.now = minutes(60);
    const result = await world.sweep({ change: impatient });
    expect(exitOfRun(result)).toBe(3);
    expect(result.steps.map(({ id, result: how }) => [id, how])).toEqual([
      [broken, 'failed'],
      [certificate, 'done'],
      [late, 'done'],
    ]);
    expect(world.held()).toEqual(['north dana read']);
  });

  it('a provider that throws anything else does not stop the others', async () => {
    const world = fresh();
    const broken = await granted(world, 'reader', { duration: '10m' });
    const good = await granted(world, 'southerner');
    const buggy = (desk: Desk): Desk => {
      const command = desk.providers.get('command');
      if (command === undefined) throw new Error('no provider');
      const providers = new Map(desk.providers).set('command', {
        ...command,
        open: async (place) => {
          if (place.target === 'north') throw new TypeError('undefined is not a function');
          return await command.open(place);
        },
      });
      return { ...desk, providers };
    };
    world.now = minutes(60);
    const result = await world.sweep({ change: buggy });
    expect(outcomeOf(result, broken)).toMatchObject({ result: 'failed', code: 'E_PRV' });
    expect(outcomeOf(result, good)).toMatchObject({ result: 'done' });
    expect(exitOfRun(result)).toBe(3);
    expect(exitOfRun(await world.sweep({ change: buggy }))).toBe(1);
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect(world.held()).toEqual([]);
    // What ended is looked at again, by the same broken provider, and that stops nothing either.
    const next = await granted(world, 'southerner', { duration: '10m' });
    world.now = minutes(75);
    const again = await world.sweep({ change: buggy });
    expect(outcomeOf(again, next)).toMatchObject({ result: 'done' });
    // It can neither be looked at again nor asked for what has to stand there.
    expect(again.troubles).toMatchObject([{ code: 'E_PRV' }, { code: 'E_BUG' }]);
    expect(exitOfRun(again)).toBe(3);
  });
});

describe('an executor that gives more than it writes down', () => {
  /** The real CA signs another order than the recorded one, and the same hand reads it back. */
  const generous =
    (more: (order: Order) => Order) =>
    (desk: Desk): Desk => {
      const real = desk.providers.get('ssh-ca');
      if (real === undefined) throw new Error('no provider');
      const open: Provider['open'] = async (place) => {
        const session = await real.open(place);
        return {
          ...session,
          grant: async (order) => await session.grant(more(order)),
          inspect: async ({ permissions }) => Promise.resolve({ state: 'present', which: permissions }),
        };
      };
      return { ...desk, providers: new Map(desk.providers).set('ssh-ca', { ...real, open }) };
    };

  it.each<readonly [string, (order: Order) => Order]>([
    [
      'another principal',
      (order) => ({ ...order, permissions: [...order.permissions, 'principal:backdoor'] }),
    ],
    ['an hour more', (order) => ({ ...order, until: plus(order.until, 3600) })],
    ["somebody else's key", (order) => ({ ...order, loginKey: erinsKey })],
  ])('a certificate with %s: audit finds it in the receipt', async (_, more) => {
    const world = fresh();
    erinsKey = readFileSync(join(world.home, 'keys', 'erin.pub'), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
    await granted(world, 'root', { duration: '10m' });
    expect((await world.audit()).ok).toBe(true);
    const id = await world.ask({ role: 'root', duration: '10m' });
    expect(outcomeOf(await world.apply({ change: generous(more) }), id)).toMatchObject({ result: 'done' });
    const { ok, findings, seq } = await world.audit();
    expect({ ok, findings: findings.map((one) => [one.code, one.seq]) }).toEqual({
      ok: false,
      findings: [['E_LED_RECEIPT', seq]],
    });
  });
  let erinsKey = '';
});

describe('access that comes back', () => {
  it('an executor that was paused wakes up and grants after the end: found, ended and revoked again', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    // It answers at once; what it started goes on by itself and acts a second later.
    world.manners('north', { grant: 'late' });
    expect(outcomeOf(await world.apply(), id)).toMatchObject({ result: 'failed', code: 'E_PRV_READBACK' });
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'failed']);
    await expect.poll(() => world.held(), { timeout: 10_000 }).toEqual(['north dana read']);
    world.manners('north', { revoke: 'fail' });
    world.now = minutes(30);
    const failing = await world.sweep({ executor: 'pam-sweep' });
    expect(outcomeOf(failing, id)).toMatchObject({ action: 'revoke', result: 'failed' });
    expect((await world.record(id)).state).toBe('ending');
    world.manners('north', {});
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect((await eventsOf(world, id)).slice(3)).toEqual(['ending', 'revoke_failed', 'revoked']);
    expect(world.held()).toEqual([]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('is looked for during one day after the end, and not for ever', async () => {
    const world = fresh();
    const id = await granted(world, 'reader');
    world.now = minutes(60);
    await world.sweep();
    expect((await world.record(id)).state).toBe('ended');
    const later = world.copy(join(tempDir(), 'later'));
    for (const one of [world, later]) one.putOnShelf('north dana read');
    world.now = plus(minutes(60), 86_399);
    expect(outcomeOf(await world.sweep(), id)).toMatchObject({ action: 'revoke', result: 'done' });
    expect(world.held()).toEqual([]);
    later.now = plus(minutes(60), 86_400);
    const calls = later.calls().length;
    expect((await later.sweep()).steps).toEqual([]);
    expect(later.calls()).toHaveLength(calls);
  });

  it('what another live grant explains is not taken for it', async () => {
    const world = fresh();
    const first = await granted(world, 'reader', { duration: '10m' });
    world.now = minutes(10);
    await world.sweep();
    expect((await world.record(first)).state).toBe('ended');
    const second = await granted(world, 'reader', { duration: '1h' });
    world.now = minutes(20);
    expect((await world.sweep()).steps).toEqual([]);
    expect(world.held()).toEqual(['north dana read']);
    expect((await world.record(second)).state).toBe('live');
  });
});

describe('access that others share', () => {
  it('is kept while another grant needs it, and goes with the last', async () => {
    const world = fresh();
    const reader = await granted(world, 'reader', { duration: '30m' });
    const writer = await granted(world, 'writer', { duration: '1h' });
    expect((await world.record(writer)).grant?.granting?.preexisting).toEqual([]);
    world.now = minutes(30);
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect(world.held()).toEqual(['north dana read', 'north dana write']);
    const [ended] = (await world.events()).filter((one) => one.type === 'revoked');
    expect(ended).toMatchObject({ id: reader, kept_for: { read: [writer] } });
    world.now = minutes(60);
    await world.sweep();
    expect(world.held()).toEqual([]);
    expect((await world.events()).filter((one) => one.type === 'revoked')).toMatchObject([
      { id: reader },
      { id: writer, kept_for: {} },
    ]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('goes at once when all that need it end together', async () => {
    const world = fresh();
    await granted(world, 'reader', { duration: '30m' });
    await granted(world, 'writer', { duration: '1h' });
    world.now = minutes(60);
    await world.sweep();
    expect(world.held()).toEqual([]);
  });

  it('[X58] an option switched in policy between two grants: the second keeps what it needs', async () => {
    const world = fresh();
    const reader = await granted(world, 'reader', { duration: '30m' });
    const targets = readFileSync(join(world.dir, 'policy/targets.yaml'), 'utf8');
    world.commitToMain({
      'policy/targets.yaml': targets.replaceAll('"plugin"', '"native_expiry": true, "plugin"'),
    });
    await world.ratify();
    const writer = await granted(world, 'writer', { duration: '1h' });
    const after = await world.record(writer);
    expect(after.grant?.config).toMatchObject({ native_expiry: true });
    expect(after.grant?.granting?.preexisting).toEqual([]);
    world.now = minutes(30);
    expect(outcomeOf(await world.sweep(), reader)).toMatchObject({ result: 'done' });
    expect(world.held()).toEqual(['north dana read', 'north dana write']);
    world.now = minutes(60);
    await world.sweep();
    expect(world.held()).toEqual([]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('[X59] a certificate that works again is ended again, whatever other certificate says the same', async () => {
    const world = fresh();
    const stopped = await granted(world, 'root');
    await granted(world, 'root');
    const krl = join(world.home, 'krl');
    await world.stop(stopped, 'dana');
    await world.sweep();
    expect((await world.record(stopped)).state).toBe('ended');
    expect((await world.sweep()).steps).toEqual([]);
    const listed = readFileSync(krl);
    // As if the list of an hour ago had been put back in its place.
    rmSync(krl);
    expect(outcomeOf(await world.sweep(), stopped)).toMatchObject({ action: 'revoke', result: 'done' });
    expect(readFileSync(krl).length).toBe(listed.length);
  });

  it("another person's grant of the same permission keeps nothing for this one", async () => {
    const world = fresh();
    await granted(world, 'reader', { duration: '30m' });
    await granted(world, 'reader', { duration: '1h', requester: 'erin' });
    world.now = minutes(30);
    await world.sweep();
    expect(world.held()).toEqual(['north erin read']);
  });

  it('two endings that each kept it for the other: the next sweep takes it away', async () => {
    const world = fresh();
    const reader = await granted(world, 'reader', { duration: '30m' });
    const writer = await granted(world, 'writer', { duration: '30m' });
    world.now = minutes(30);
    // Each ends one of them with a view in which the other is live: nobody removes what both have.
    for (const id of [reader, writer]) {
      const { sweep } = await import('../../src/flows/executor/sweep.ts');
      await sweep(await world.desk(), world.executor(), { targets: [], ids: new Set([id]) });
    }
    await world.sweep();
    expect(world.held()).toEqual([]);
  });
});

describe('access that was there before', () => {
  it('[L22] is no ground to build on', async () => {
    const world = fresh();
    world.putOnShelf('north dana read');
    const id = await world.ask({ role: 'writer' });
    const result = await world.apply();
    expect(outcomeOf(result, id)).toMatchObject({ action: 'refuse', code: 'E_POL_STANDING' });
    expect(exitOfApply(result, [id])).toBe(5);
    expect(await eventsOf(world, id)).toEqual(['seen', 'refused']);
    expect(world.calls('grant')).toEqual([]);
    world.now = minutes(120);
    await world.sweep();
    expect(world.held()).toEqual(['north dana read']);
  });

  it('[L22] is never taken away where the role allows it', async () => {
    const world = fresh();
    world.putOnShelf('north dana keep');
    const id = await granted(world, 'keeper');
    expect((await world.record(id)).grant?.granting?.preexisting).toEqual(['keep']);
    world.now = minutes(60);
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect((await world.record(id)).state).toBe('ended');
    expect(world.held()).toEqual(['north dana keep']);
    expect(world.calls('revoke')).toEqual([]);
    // Nor by the look back at what ended.
    world.now = minutes(90);
    expect((await world.sweep()).steps).toEqual([]);
    expect(world.held()).toEqual(['north dana keep']);
    expect((await world.audit()).findings).toMatchObject([{ code: 'W_STANDING', severity: 'note' }]);
  });

  it('does not count as such when pam put it there, even while its end is overdue', async () => {
    const world = fresh();
    await granted(world, 'reader', { duration: '10m' });
    world.now = minutes(11);
    const writer = await granted(world, 'writer');
    expect((await world.record(writer)).grant?.granting?.preexisting).toEqual([]);
    world.now = minutes(120);
    await world.sweep();
    expect(world.held()).toEqual([]);
  });
});

describe('times', () => {
  it('no grant call starts when its time to act is over, and the next run finishes it', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    const slow = (desk: Desk): Desk => ({
      ...desk,
      clock: () => world.now,
      // Between the intent and the target three minutes pass.
      sign: async (text, namespace, keyFile) => {
        const signed = await desk.sign(text, namespace, keyFile);
        if (text.includes('pam.checkpoint/1')) world.now = plus(world.now, 180);
        return signed;
      },
    });
    const result = await world.apply({ change: slow });
    expect(outcomeOf(result, id)).toMatchObject({ result: 'failed', code: 'E_PRV_TOO_LATE' });
    expect(world.calls('grant')).toEqual([]);
    expect((await world.record(id)).state).toBe('granting');
    expect(outcomeOf(await world.apply(), id)).toMatchObject({ result: 'done' });
    expect((await world.record(id)).grant).toMatchObject({ end: minutes(60), granting: { at: BEGIN } });
  });

  it('a grant is live while now is before its end, and not at it', async () => {
    const world = fresh();
    const id = await granted(world, 'reader');
    world.now = instantOf(Date.parse(minutes(60)) - 1000);
    expect((await world.sweep()).steps).toEqual([]);
    expect(world.held()).toEqual(['north dana read']);
    world.now = instant('2026-11-22T19:00:00Z');
    expect(outcomeOf(await world.sweep(), id)).toMatchObject({ result: 'done' });
    expect(world.held()).toEqual([]);
  });

  it('an intent that was never finished and whose end has passed is abandoned by apply', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    world.manners('north', { grant: 'fail-after', revoke: 'fail' });
    await world.apply();
    world.manners('north', {});
    world.now = minutes(60);
    await world.apply();
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'failed']);
    expect(world.held()).toEqual([]);
  });
});

describe('an id that ends while it is being granted', () => {
  it('is revoked by the very run that granted it', async () => {
    const world = fresh();
    const id = await world.ask({ role: 'reader' });
    let asked = false;
    const slow = (desk: Desk): Desk => {
      const command = desk.providers.get('command');
      if (command === undefined) throw new Error('no provider');
      const providers = new Map(desk.providers).set('command', {
        ...command,
        open: async (place) => {
          const session = await command.open(place);
          const grant = async (order: Parameters<typeof session.grant>[0]) => {
            const receipt = await session.grant(order);
            if (!asked) {
              asked = true;
              await world.stop(id, 'dana');
              await world.sweep({ executor: 'pam-sweep' });
            }
            return receipt;
          };
          return { ...session, grant };
        },
      });
      return { ...desk, providers };
    };
    await world.apply({ change: slow });
    expect(asked).toBe(true);
    expect(world.held()).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'stopped', 'revoked']);
    expect(await world.audit()).toMatchObject({ ok: true });
  });
});

describe('[X80] a revocation list that hosts would not find', () => {
  const krlOf = (world: World): string => join(world.home, 'krl');
  const withEnv =
    (env: Readonly<Record<string, string | undefined>>) =>
    (desk: Desk): Desk => ({ ...desk, env: { ...desk.env, ...env } });
  const nowhere = (world: World) => withEnv({ PAM_BASTION_KRL: join(world.home, 'nowhere', 'krl') });

  it.each(['apply', 'sweep'] as const)('is made by a ledger that begins, and by %s', async (run) => {
    const world = fresh();
    expect(parseKrl(readFileSync(krlOf(world)))).toMatchObject({ number: 0n, sections: [] });
    rmSync(krlOf(world));
    // The variable of another machine's target is not set here.
    await world[run]({ change: withEnv({ PAM_BASTION_KRL: undefined }) });
    expect(existsSync(krlOf(world))).toBe(false);
    expect((await world[run]()).troubles).toEqual([]);
    expect(parseKrl(readFileSync(krlOf(world)))).toMatchObject({ number: 0n, sections: [] });
  });

  it('is made by doctor for an executor of that target', async () => {
    const world = fresh();
    rmSync(krlOf(world));
    const desk = await world.desk();
    const view = await readLedger(desk, world.executor());
    const chart: Chart = { checks: [], skipped: [] };
    await lookAtTargets(chart, desk, view, null);
    await lookAtTargets(chart, desk, view, { name: 'pam-nobody', keyFile: '' });
    expect(existsSync(krlOf(world))).toBe(false);
    await lookAtTargets(chart, desk, view, world.executor());
    expect(parseKrl(readFileSync(krlOf(world))).number).toBe(0n);
    await lookAtTargets(chart, nowhere(world)(desk), view, world.executor());
    expect(chart.checks).toContainEqual(
      expect.objectContaining({ code: 'E_PRV_KRL', message: expect.stringContaining('cannot be made') }),
    );
  });

  it('and was lost with a serial on it: apply never makes one that lets it in again', async () => {
    const world = fresh();
    const stopped = await granted(world, 'root');
    await world.stop(stopped, 'dana');
    await world.sweep();
    const serials = parseKrl(readFileSync(krlOf(world))).sections;
    expect(serials).toHaveLength(1);
    rmSync(krlOf(world));
    await world.apply();
    expect(parseKrl(readFileSync(krlOf(world))).sections).toEqual(serials);
  });

  it('and cannot be made: a trouble of that target, after all that is due has ended elsewhere', async () => {
    const world = fresh();
    const reader = await granted(world, 'reader', { duration: '30m' });
    const southerner = await granted(world, 'southerner', { duration: '30m' });
    world.now = minutes(30);
    const swept = await world.sweep({ change: nowhere(world) });
    for (const id of [reader, southerner]) expect(outcomeOf(swept, id)).toMatchObject({ result: 'done' });
    expect(swept.troubles).toMatchObject([
      { code: 'E_PRV_KRL', message: expect.stringMatching(/^bastion /u) },
    ]);
    expect(exitOfSweep(swept)).toBe(3);
    const late = await world.ask({ role: 'reader' });
    const applied = await world.apply({ change: nowhere(world) });
    expect(outcomeOf(applied, late)).toMatchObject({ result: 'done' });
    expect(applied.troubles).toMatchObject([{ code: 'E_PRV_KRL' }]);
    expect(exitOfRun(applied)).toBe(3);
  });
});

it('[X73] outcomes of an apply that fit into no one entry are written in several', async () => {
  const world = fresh();
  const ids = [
    await world.ask({ role: 'reader' }),
    await world.ask({ role: 'southerner', requester: 'erin' }),
  ];
  const large = (desk: Desk): Desk => {
    const command = desk.providers.get('command');
    if (command === undefined) throw new Error('no provider');
    const open: Provider['open'] = async (place) => {
      const session = await command.open(place);
      const grant = async (order: Order) => {
        await session.grant(order);
        return { handle: { text: 'x'.repeat(250_000) } };
      };
      return { ...session, grant };
    };
    return { ...desk, providers: new Map(desk.providers).set('command', { ...command, open }) };
  };
  const result = await world.apply({ change: large });
  for (const id of ids) {
    expect(outcomeOf(result, id)).toMatchObject({ result: 'done', code: null });
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'granted']);
  }
});
