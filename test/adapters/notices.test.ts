/** People are told what executors did: the real flows, a ledger in git, a target, and receivers that are real servers. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { shapeFaults } from '../../src/documents/schema.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { lookAtNotices } from '../../src/flows/doctor/look-at-notices.ts';
import type { Chart } from '../../src/flows/doctor/chart.ts';
import { apply as applyFlow } from '../../src/flows/executor/apply.ts';
import { exitOfRun, exitOfSweep, type RunResult } from '../../src/flows/executor/run-result.ts';
import { watch } from '../../src/flows/executor/watch.ts';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { proposeRequest } from '../../src/flows/people/make-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { prepareApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { type Instant, plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import type { Notice, NoticeSession } from '../../src/model/notice.ts';
import { overdueNotices } from '../../src/rules/notices/open-notices.ts';
import { BEGIN, makeWorld, type RunOptions, signedHere, type World } from '../crash/access-repository.ts';
import { startReceiver, type TestReceiver } from '../support/receiver.ts';
import { tempDir } from './git-workbench.ts';

const minutes = (count: number): Instant => plus(BEGIN, count * 60);
const ALL = [
  'opened',
  'approved',
  'fallback',
  'granted',
  'refused',
  'revoked',
  'failed',
  'overdue',
  'policy',
];

let template: World;
/** `emergency` is for break-glass; `helper` has a second approver after a while. */
beforeAll(async () => {
  const world = await makeWorld(join(tempDir(), 'world'));
  // These worlds write YAML as JSON.
  const pam = JSON.parse(readFileSync(join(world.dir, 'pam.yaml'), 'utf8')) as object;
  const { roles } = JSON.parse(readFileSync(join(world.dir, 'policy/roles.yaml'), 'utf8')) as {
    readonly roles: Readonly<Record<string, object>>;
  };
  const fallback = [{ approvers: ['alice'], after: '10m' }];
  const more = {
    helper: { ...roles['slot'], approval: [{ approvers: ['bob'], threshold: 1, fallback }] },
    emergency: { ...roles['slot'], risk: 'break-glass' },
  };
  const notify = [{ kind: 'webhook', url_env: 'PAM_NOTICE_OPS', on: ALL }];
  world.commitToMain({
    'pam.yaml': JSON.stringify({ ...pam, notify }),
    'policy/roles.yaml': JSON.stringify({ roles: { ...roles, ...more } }),
  });
  await world.ratify();
  template = world;
}, 120_000);

let world: World;
let receiver: TestReceiver;
beforeEach(async () => {
  world = template.copy(join(tempDir(), 'world'));
  receiver = await startReceiver();
}, 60_000);
afterEach(async () => await receiver.close());

const tells = (desk: Desk): Desk => ({
  ...desk,
  env: { ...desk.env, PAM_NOTICE_OPS: receiver.url, PAM_NOTICE_LOOPBACK: '1' },
});
const apply = async (options: RunOptions = {}): Promise<RunResult> =>
  await world.apply({ change: tells, ...options });
const sweep = async (options: RunOptions = {}): Promise<RunResult> =>
  await world.sweep({ change: tells, ...options });

/** What was received since the last look. */
function heard(): readonly Notice[] {
  const bodies = receiver.heard.splice(0).map(({ body }) => JSON.parse(body) as Notice);
  for (const body of bodies) expect(shapeFaults('notice', body)).toEqual([]);
  return bodies;
}
const events = (): readonly string[] =>
  heard()
    .map(({ event }) => event)
    .sort();

async function propose(
  role = 'slot',
  slot = 's1',
  justification = 'The lock has to go.',
): Promise<RequestId> {
  const wish = { role, duration: '1h', justification, controls: [], scope: { slot }, incident: undefined };
  return (await proposeRequest(await world.desk(signedHere), world.signer('dana'), wish)).request.id;
}
async function approve(id: RequestId, person = 'bob'): Promise<void> {
  const at = await world.desk(signedHere);
  const looked = await lookAtRequest(at, id);
  await signApproval(at, looked, prepareApproval(looked, person, null), world.signer(person));
}
const merge = async (id: RequestId): Promise<unknown> => {
  const at = await world.desk(signedHere);
  return await mergeRequest(at, await lookAtRequest(at, id), 'alice');
};
/** Every executor has run here once: what it told is remembered from then on. */
async function settle(): Promise<void> {
  await apply();
  await sweep();
  heard();
}

describe('a request, from its opening to its end', { timeout: 120_000 }, () => {
  it('each step is told once, with what people need for the next one', async () => {
    await settle();
    const id = await propose();
    await apply();
    const about = {
      id,
      role: 'slot',
      risk: 'admin',
      requester: 'dana',
      subject: 'dana',
      target: 'north',
      permissions: ['slot:s1'],
      duration: '1h',
      why: 'The lock has to go.',
    };
    expect(heard()).toMatchObject([
      {
        ...about,
        event: 'opened',
        who_now: ['alice', 'bob'],
        next: `pam approve ${id}`,
        place: `pam/${id}`,
        until: null,
        left_out: 0,
      },
    ]);
    await approve(id);
    await apply();
    expect(heard()).toMatchObject([{ ...about, event: 'approved', who_now: [], next: `pam merge ${id}` }]);
    await apply();
    await apply({ executor: 'pam-apply' });
    expect(heard()).toEqual([]);
    await merge(id);
    await apply();
    expect(heard()).toMatchObject([
      { ...about, event: 'granted', until: minutes(60), next: `pam status ${id}` },
    ]);
    world.now = minutes(60);
    expect(exitOfRun(await sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect(heard()).toMatchObject([
      { ...about, event: 'revoked', why: 'its end has come', next: `pam log ${id}` },
    ]);
    await sweep({ executor: 'pam-sweep' });
    await apply();
    expect(heard()).toEqual([]);
  });

  it('a stop is told, of what waits and of what is live, and so is what could not be taken away', async () => {
    await settle();
    const waits = await propose('slot', 's1');
    const live = await world.ask({ role: 'slot', scope: { slot: 's2' } });
    await apply();
    expect(events()).toEqual(['granted', 'opened']);
    await world.stop(waits, 'alice');
    await world.stop(live, 'dana');
    world.manners('north', { revoke: 'fail' });
    expect(exitOfSweep(await sweep())).not.toBe(0);
    const told = heard();
    expect(told).toMatchObject([
      { event: 'failed', id: live, why: expect.stringContaining('it could not be taken away') },
      { event: 'refused', id: waits, why: 'stopped by alice: done' },
    ]);
    await sweep();
    expect(events()).toEqual([]);
    world.manners('north', {});
    await sweep();
    expect(heard()).toMatchObject([{ event: 'revoked', id: live, why: 'stopped by dana: done' }]);
  });

  it('what is past its end and not gone is told once', async () => {
    await settle();
    const id = await world.ask({ role: 'slot', scope: { slot: 's3' } });
    await apply();
    heard();
    world.now = minutes(61);
    world.manners('north', { revoke: 'fail' });
    await sweep();
    expect(heard()).toMatchObject([{ event: 'overdue', id, until: minutes(60), next: `pam status ${id}` }]);
    await sweep();
    expect(heard()).toEqual([]);
    // Whoever takes the memory away does not make it silent.
    rmSync(join(world.home, 'hosts', 'one', 'state'), { recursive: true });
    await sweep();
    expect(heard()).toMatchObject([{ event: 'overdue', id }]);
    world.manners('north', {});
    await sweep();
    expect(events()).toEqual(['revoked']);
  });

  it('an executor tells what is overdue where it may act, and not what it saw gone', async () => {
    await settle();
    const id = await world.ask({ role: 'slot', scope: { slot: 's3' } });
    await apply();
    const { state } = await readLedger(await world.desk(), world.executor());
    const overdue = (executor: string, at: Instant, ...gone: readonly RequestId[]): readonly string[] =>
      overdueNotices(state, executor, new Set(gone), at).map(({ key }) => key);
    expect(overdue('pam-sweep', minutes(60))).toEqual([`overdue ${id}`]);
    expect(overdue('pam-sweep', minutes(59))).toEqual([]);
    expect(overdue('pam-sweep', minutes(60), id)).toEqual([]);
    expect(overdue('dana', minutes(60))).toEqual([]);
  });

  it('bytes that were never open are refused without a word: anybody may push them', async () => {
    await settle();
    world.commitToMain({ 'requests/2026/11/20261122-slot-zzzzzz.yaml': 'junk\n' });
    const { steps } = await apply();
    expect(steps).toMatchObject([{ action: 'refuse', id: '20261122-slot-zzzzzz' }]);
    expect(heard()).toEqual([]);
  });

  it('others may approve now: said when their time has come, and not before', async () => {
    await settle();
    const id = await propose('helper');
    await apply();
    expect(heard()).toMatchObject([{ event: 'opened', who_now: ['bob'] }]);
    world.now = minutes(9);
    await apply();
    expect(heard()).toEqual([]);
    world.now = minutes(10);
    await apply();
    const next = `pam approve ${id} --reason "..."`;
    expect(heard()).toMatchObject([{ event: 'fallback', id, who_now: ['bob', 'alice'], next }]);
    await apply();
    expect(heard()).toEqual([]);
  });

  it('reasons of an emergency are for those who look them up', async () => {
    await settle();
    const id = await propose('emergency');
    await apply();
    expect(heard()).toMatchObject([{ event: 'opened', id, risk: 'break-glass', why: null }]);
  });

  it('a policy is told by the run that put it in force, by its new list', async () => {
    await settle();
    await world.commitPolicy({ note: 'no notices any more' });
    await world.ratify();
    expect(world.notes.join('\n')).not.toContain('W_NOTICE');
    await apply();
    expect(heard()).toEqual([]);
  });
});

describe('nobody is told twice, or of what is long over', { timeout: 120_000 }, () => {
  it('[X144] a machine that walks the ledger for the first time tells nothing of it', async () => {
    await settle();
    const id = await world.ask({ role: 'slot', scope: { slot: 's1' } });
    await apply();
    const open = await propose('helper', 's2');
    await approve(open);
    await apply();
    world.now = minutes(61);
    await sweep();
    expect(events()).toEqual(['approved', 'granted', 'opened', 'revoked']);
    rmSync(join(world.home, 'hosts', 'one', 'state'), { recursive: true });
    await apply();
    await sweep();
    expect((await world.record(id)).state).toBe('ended');
    expect(heard()).toEqual([]);
  });

  it('[X144] junk in its memory is no memory, and one that cannot be written keeps it silent', async () => {
    await settle();
    const id = await propose();
    await apply();
    await approve(id);
    heard();
    const memory = join(world.home, 'hosts', 'one', 'state', 'pam', 'heads');
    const [root = ''] = readdirSync(memory);
    const file = join(memory, root, 'executor.pam-apply.notices.json');
    expect(existsSync(file)).toBe(true);
    writeFileSync(file, '{"schema":"pam.told/1","told":');
    await apply();
    expect(heard()).toEqual([]);
    // What stood open then is known now.
    expect(readFileSync(file, 'utf8')).toContain(`approved ${id}`);
    writeFileSync(file, '{"schema":"pam.told/1","told":[]}\n');
    const full = (desk: Desk): Desk => ({
      ...tells(desk),
      memory: { ...desk.memory, keepNotices: async () => await Promise.reject(new Error('no space left')) },
    });
    const run = await apply({ change: full });
    expect(run.troubles).toMatchObject([
      { code: 'W_NOTICE', message: expect.stringContaining('no space left') },
    ]);
    expect([exitOfRun(run), heard()]).toEqual([0, []]);
  });

  it('[X144] what a run wrote and could not tell any more is lost, and no other run tells it', async () => {
    await settle();
    const id = await propose();
    const died = await applyFlow(
      await world.desk(tells),
      world.executor(),
      undefined,
      async () => await Promise.resolve([]),
    );
    expect(died.steps).toMatchObject([{ action: 'see', id }]);
    await apply();
    await sweep();
    expect(heard()).toEqual([]);
  });
});

describe('[X141] whatever the receiver does', { timeout: 120_000 }, () => {
  const statesOf = async (): Promise<readonly string[]> =>
    [...(await world.records()).values()].map(({ state }) => state);

  it('access is given and taken away, the run is as good as without it, and its address is said nowhere', async () => {
    await settle();
    const elsewhere = await startReceiver();
    const manners: readonly TestReceiver['manner'][] = [
      (answer) => void answer.writeHead(500).end(),
      (answer) => void answer.writeHead(302, { location: elsewhere.url }).end(),
      (answer) => void answer.socket?.destroy(),
    ];
    for (const [at, manner] of manners.entries()) {
      receiver.manner = manner;
      const id = await world.ask({ role: 'slot', scope: { slot: `s${at}` } });
      const applied = await apply();
      expect((await world.record(id)).state).toBe('live');
      expect([exitOfRun(applied), applied.troubles.map(({ code }) => code)]).toEqual([0, ['W_NOTICE']]);
      await world.stop(id, 'dana');
      const swept = await sweep({ executor: 'pam-sweep' });
      expect(exitOfSweep(swept)).toBe(0);
      const said = JSON.stringify([applied, swept, world.notes]);
      for (const secret of ['s3cr3t', '127.0.0.1', receiver.url, elsewhere.url])
        expect(said).not.toContain(secret);
    }
    expect(elsewhere.heard).toEqual([]);
    expect(await statesOf()).toEqual(['ended', 'ended', 'ended']);
    expect(world.held()).toEqual([]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
    await elsewhere.close();
  });

  it('one that does not answer is tried with one notice, not with all of them', async () => {
    await settle();
    receiver.manner = (answer) => void answer.writeHead(500).end();
    const before = receiver.heard.length;
    for (const slot of ['s1', 's2', 's3']) await propose('helper', slot);
    const { troubles } = await apply();
    expect(troubles).toMatchObject([{ message: expect.stringContaining('3 of 3 not received') }]);
    expect(receiver.heard.length - before).toBe(2);
  });

  it('without its address nothing is sent, and the executor says which variable it lacks', async () => {
    await settle();
    await world.ask({ role: 'slot', scope: { slot: 's1' } });
    const run = await world.apply();
    expect(run.troubles).toEqual([
      {
        code: 'W_NOTICE',
        ok: false,
        message: 'notice 1 (webhook): 1 not sent: PAM_NOTICE_OPS is not set here',
      },
    ]);
    expect(exitOfRun(run)).toBe(0);
    // Nothing to tell, nothing to say; nor where people sit.
    expect((await world.apply()).troubles).toEqual([]);
    await propose('slot', 's2');
    expect(world.notes.join('\n')).not.toContain('W_NOTICE');
  });

  it('an executor that stays ends the next grant while it waits for an answer', async () => {
    await settle();
    const first = await world.ask({ role: 'slot', scope: { slot: 's1' }, duration: '30m' });
    const second = await world.ask({ role: 'slot', scope: { slot: 's2' } });
    await apply();
    heard();
    // Never answers, however long it is waited for.
    let tried = 0;
    const send: NoticeSession['send'] = async () => {
      tried += 1;
      return await new Promise(() => undefined);
    };
    const silent = (desk: Desk): Desk => ({
      ...tells(desk),
      notices: new Map(
        [...desk.notices].map(([kind, one]) => [
          kind,
          { ...one, open: async () => await Promise.resolve({ send }) },
        ]),
      ),
    });
    world.now = minutes(30);
    const ended: (readonly string[])[] = [];
    await watch(await world.desk(silent), world.executor(), {
      scope: { targets: [] },
      applies: false,
      every: 1,
      timeout: null,
      wakeMark: () => null,
      each: ({ steps }) => {
        ended.push(steps.map(({ id }) => id));
        if (ended.length === 1) world.now = minutes(60);
        else world.interrupted = true;
      },
    });
    expect(ended).toEqual([[first], [second]]);
    expect(world.held()).toEqual([]);
    expect(tried).toBeGreaterThan(0);
    world.interrupted = false;
  });

  it('[X142] a flood of requests leaves room for the rest, and says how many were left out', async () => {
    await settle();
    const live = await world.ask({ role: 'slot', scope: { slot: 's39' } });
    for (let slot = 0; slot < 21; slot += 1) await propose('slot', `s${slot}`);
    const run = await apply();
    const told = heard();
    expect(told).toHaveLength(20);
    expect(told.filter(({ event }) => event === 'granted')).toMatchObject([{ id: live }]);
    expect(told.map(({ left_out: left }) => left).filter((left) => left > 0)).toEqual([2]);
    expect(run.troubles).toMatchObject([
      { code: 'W_NOTICE', message: 'notice 1 (webhook): 2 left out: a run sends 20' },
    ]);
  });
});

describe('doctor', { timeout: 60_000 }, () => {
  async function diagnose(isTest: boolean, change: (desk: Desk) => Desk = tells) {
    const desk = await world.desk(change);
    const chart: Chart = { checks: [], skipped: [] };
    const view = await readLedger(desk, null);
    const checks = await lookAtNotices(chart, desk, view, world.executor(), isTest);
    return { checks: checks.map(({ state, message }) => `${state} ${message}`), skipped: chart.skipped };
  }

  it('sends a test to each receiver when it is asked to, and says what came of it', async () => {
    expect(await diagnose(true)).toEqual({
      checks: ['ok notice 1 (webhook): a test was received'],
      skipped: [],
    });
    expect(heard()).toMatchObject([{ event: 'test', id: null, why: null }]);
    receiver.manner = (answer) => void answer.writeHead(410).end();
    const gone = 'problem notice 1 (webhook): the test was not received: it answered 410';
    expect((await diagnose(true)).checks).toEqual([gone]);
    const offline = (desk: Desk): Desk => ({ ...tells(desk), offline: true });
    receiver.heard.length = 0;
    expect((await diagnose(true, offline)).skipped).toMatchObject([{ area: 'notices' }]);
    expect(receiver.heard).toEqual([]);
  });

  it('otherwise looks whether an executor has what it needs, and sends nothing', async () => {
    expect((await diagnose(false)).checks).toEqual(['ok notice 1 (webhook) can be sent from here']);
    const unset = 'warning notice 1 (webhook) cannot be sent from here: PAM_NOTICE_OPS is not set here';
    expect((await diagnose(false, (desk) => desk)).checks).toEqual([unset]);
    expect(receiver.heard).toEqual([]);
  });
});
