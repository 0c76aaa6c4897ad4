/**
 * Rows X30 and X34 in whole runs: what is wrong with one id stops only that id. One event that no entry can hold, because of what a target or an incident source said, keeps
 * nothing else off the ledger; it is not acted on, and it is told. Of one flooded topic a random part is read. On a
 * ledger branch in memory.
 */
import { describe, expect, it } from 'vitest';
import { gitBranches } from '../../src/forges/git-branches.ts';
import { branchPlace } from '../../src/forges/branch-place.ts';
import { statementBranch, statementBranches } from '../../src/forges/statement-branches.ts';
import { appendEntry } from '../../src/flows/ledger/append-entry.ts';
import { apply } from '../../src/flows/executor/apply.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { exitOfRun, exitOfSweep, type RunResult } from '../../src/flows/executor/run-result.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import type { LedgerEvent } from '../../src/model/entry.ts';
import { EXIT, type PamError } from '../../src/model/error.ts';
import { requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import type { Signed } from '../../src/model/statement.ts';
import type { Provider } from '../../src/model/target.ts';
import { MemoryObjects, memoryRepository } from '../properties/memory-repository.ts';
import { LedgerBranch, type Machine } from '../support/ledger-branch.ts';
import {
  approve,
  ask,
  at,
  grantLive,
  intentOf,
  Ledger,
  policyOf,
  readyNow,
  requestId,
  seenEvent,
  snapshot,
  stop,
  textsWith,
} from '../support/world.ts';

/** `reader` may build on access that stands already: what the target shows goes into the intent. */
const WORLD = policyOf(
  textsWith(
    'policy/roles.yaml',
    'risk: standard\n',
    'risk: standard\n    may_preexist: true\n',
    textsWith('policy/people.yaml', ', logins: { orders-db: druiz }', ''),
  ),
);
const PEOPLE = ['dana', 'erin', 'alice'] as const;
const idOf = (person: string): RequestId => requestId(`20261122-reader-${person.padEnd(6, '0')}`);
const ODD: Readonly<Record<string, string>> = {
  'half a character': 'half a \ud800',
  'more than any entry holds': 'x'.repeat(500_000),
};
const EXECUTOR = { name: 'pam-apply', keyFile: 'pam-apply' };

const droppedIn = ({ troubles }: RunResult): readonly string[] =>
  troubles
    .filter(({ code }) => code === 'E_EVENT_DROPPED')
    .map(({ message }) => message.split(' was ')[0] ?? '');

async function statesOf(machine: Machine): Promise<Readonly<Record<string, string | undefined>>> {
  const { state } = await machine.read();
  return Object.fromEntries(PEOPLE.map((one) => [one, state.index.records.get(idOf(one))?.state]));
}

const statement = ({ text, armor }: Signed): ReadonlyMap<string, string> =>
  new Map([
    ['statement', text],
    ['statement.sig', armor],
  ]);

/** Three requests on main, each approved by bob on a branch. */
function threeAsked(): LedgerBranch {
  const branch = new LedgerBranch(WORLD);
  const { ledger } = branch.main;
  const files = new Map<string, Uint8Array>(WORLD.files);
  for (const person of PEOPLE) {
    const asked = ask(
      { id: idOf(person), role: 'reader', requester: person, subject: person },
      { root: ledger.state.root },
    );
    files.set(requestPath(asked.id), Buffer.from(asked.bytes));
    files.set(signaturePath(asked.id), asked.signature ?? new Uint8Array());
    const signed = approve(ledger, asked, 'bob', { at: at('12:05') });
    branch.remote.set(
      `refs/heads/${statementBranch(asked.id, signed.text)}`,
      branch.commit(statement(signed), []),
    );
  }
  branch.remote.set('refs/heads/main', branch.commit(files, []));
  branch.now = at('12:10');
  return branch;
}

/** Live until 12:45, as long as the incident is open. */
function grantInIncident(ledger: Ledger, person: string): void {
  const [id, now] = [idOf(person), at('12:00')];
  const fields = { id, role: 'reader', requester: person, subject: person, incident: `INC-${person}` };
  const asked = ask(fields, { root: ledger.state.root, at: now });
  ledger.append([seenEvent(asked)], now);
  const approvals = [approve(ledger, asked, 'bob', { at: now })];
  const open = snapshot(ledger, asked, { approvals, incident: { state: 'open' } });
  ledger.append([intentOf(ledger, readyNow(open, now), now)], now);
  ledger.append([{ type: 'granted', id, receipt: {} }], now);
}

/** The target shows of one person's access what no entry can hold. */
function showing(desk: Desk, odd: readonly string[], what: string): Desk {
  const wrapped = (provider: Provider): Provider => ({
    ...provider,
    open: async (config) => {
      const session = await provider.open(config);
      return {
        ...session,
        inspect: async (order) =>
          odd.includes(order.login)
            ? await Promise.resolve({ state: 'present', which: [what] })
            : await session.inspect(order),
      };
    },
  });
  return { ...desk, providers: new Map([...desk.providers].map(([name, one]) => [name, wrapped(one)])) };
}

describe('[X30] one event that no entry can hold, in a run', () => {
  const picks = [['dana'], ['erin'], ['alice'], ['dana', 'alice'], [...PEOPLE]];
  const cases = Object.entries(ODD).flatMap(([what, text]) => picks.map((odd) => ({ what, text, odd })));

  it.each(cases)('apply: what the target shows of $odd is $what', async ({ text, odd }) => {
    const branch = threeAsked();
    const machine = branch.machine('one');
    await machine.read();
    const calls: string[] = [];
    branch.targets.onCall = ({ op, login }) => void calls.push(`${op} ${login}`);
    const good = PEOPLE.filter((one) => !odd.includes(one));
    const ran = await apply(showing(await machine.desk(), odd, text), EXECUTOR);
    expect(droppedIn(ran).toSorted()).toEqual(odd.map((one) => `granting of ${idOf(one)}`).toSorted());
    expect(exitOfRun(ran)).toBe(EXIT.partly);
    // Nothing at a target without its record, and nothing is said to be granted.
    expect(calls.toSorted()).toEqual(good.map((one) => `grant ${one}`).toSorted());
    const granted = ran.steps.filter(({ action }) => action === 'grant').map(({ id }) => id);
    expect(granted.toSorted()).toEqual(good.map(idOf).toSorted());
    const wanted = PEOPLE.map((one) => [one, odd.includes(one) ? 'seen' : 'live']);
    expect(await statesOf(machine)).toEqual(Object.fromEntries(wanted));
    // Once the target shows something else they are granted.
    expect(exitOfRun(await machine.apply())).toBe(EXIT.done);
    expect(new Set(Object.values(await statesOf(machine)))).toEqual(new Set(['live']));
  });

  it.each(cases)('sweep: what is said of the incident of $odd is $what', async ({ text, odd }) => {
    const ledger = new Ledger(WORLD);
    for (const person of PEOPLE) grantInIncident(ledger, person);
    const branch = new LedgerBranch(WORLD, ledger);
    branch.now = at('12:10');
    const machine = branch.machine('one');
    const calls: string[] = [];
    branch.targets.onCall = ({ op, login }) => void calls.push(`${op} ${login}`);
    const desk = await machine.desk();
    const closed = async (id: string) => {
      const why = odd.some((one) => id === `INC-${one}`) ? text : 'solved';
      return await Promise.resolve({ state: 'closed', why } as const);
    };
    const good = PEOPLE.filter((one) => !odd.includes(one));
    const ran = await sweep(
      { ...desk, incidents: () => ({ state: closed }) },
      { name: 'pam-sweep', keyFile: 'pam-sweep' },
      { targets: [] },
    );
    expect(droppedIn(ran).toSorted()).toEqual(odd.map((one) => `ending of ${idOf(one)}`).toSorted());
    expect(exitOfSweep(ran)).toBe(EXIT.partly);
    expect(calls.toSorted()).toEqual(good.map((one) => `revoke ${one}`).toSorted());
    const wanted = PEOPLE.map((one) => [one, odd.includes(one) ? 'live' : 'ended']);
    expect(await statesOf(machine)).toEqual(Object.fromEntries(wanted));
    // At their recorded end they end, whatever is said.
    branch.now = at('13:30');
    await machine.sweep();
    expect(new Set(Object.values(await statesOf(machine)))).toEqual(new Set(['ended']));
  });

  it('where nothing follows, nothing is written, and each is named', async () => {
    const branch = new LedgerBranch(WORLD);
    const desk = await branch.machine('one').desk();
    const view = await readLedger(desk, EXECUTOR);
    const events: readonly LedgerEvent[] = PEOPLE.map((one) => ({
      type: 'revoked',
      id: idOf(one),
      kept_for: {},
      usage: null,
    }));
    const draft = async () => await Promise.resolve({ events });
    const { entry, view: after, dropped } = await appendEntry(desk, EXECUTOR, view, draft);
    expect([entry, after.tip]).toEqual([null, view.tip]);
    expect(dropped.map(({ event, why }) => [event, why.code])).toEqual(
      events.map((event) => [event, 'E_LED_STEP']),
    );
  });
});

/** Junk on branches of this topic, so that there are `count` of them; their names begin with this digit. */
function flood(branch: LedgerBranch, topic: string, count: number, digit = '0'): void {
  const junk = branch.commit(new Map([['junk', 'x']]), []);
  const there = [...branch.remote.keys()].filter((ref) => ref.includes(`/${topic}.`)).length;
  for (let number = there; number < count; number += 1) {
    const name = digit + number.toString(16).padStart(15, '0');
    branch.remote.set(`refs/heads/pam-statements/${topic}.${name}`, junk);
  }
}

/** The same lots in each run of the test, others in each run of pam. */
function lots(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

async function deskWith(machine: Machine, chance: () => number): Promise<Desk> {
  const desk = await machine.desk();
  const { repository, clock, remote } = desk;
  if (remote === null) throw new TypeError('a desk with a remote');
  const side = { name: remote.name, remote: await remote.open() };
  const forge = (main: string) => gitBranches({ repository, main, now: clock, chance, remote: side });
  return { ...desk, forge: async ({ main }) => await Promise.resolve(forge(main)) };
}

const limitsIn = ({ troubles }: RunResult): readonly string[] =>
  troubles.filter(({ code }) => code === 'E_FORGE_LIMIT').map(({ message }) => message);

describe('[X34] more statements about one id than are read', () => {
  it.each([
    ['behind all others', '0'],
    ['before all others', 'f'],
  ])('a random part is read in each run: a stop %s counts in some run', async (_what, digit) => {
    const ledger = new Ledger(WORLD);
    const { id } = grantLive(ledger, { id: idOf('dana'), role: 'reader' }, 'bob', at('12:00'));
    const branch = new LedgerBranch(WORLD, ledger);
    branch.now = at('12:10');
    const signed = stop(ledger, id, 'dana');
    branch.remote.set(`refs/heads/${statementBranch(id, signed.text)}`, branch.commit(statement(signed), []));
    flood(branch, id, 3000, digit);
    const machine = branch.machine('one');
    const chance = lots();
    let state = 'live';
    for (let runs = 0; state === 'live'; runs += 1) {
      expect(runs).toBeLessThan(15);
      const desk = await deskWith(machine, chance);
      const ran = await sweep(desk, { name: 'pam-sweep', keyFile: 'pam-sweep' }, { targets: [] });
      expect(limitsIn(ran)).toEqual([expect.stringContaining(`3000 statements about ${id}; a random 2000`)]);
      expect(exitOfSweep(ran)).toBe(EXIT.partly);
      state = (await statesOf(machine))['dana'] ?? 'none';
    }
    expect((await machine.read()).state.index.records.get(id)?.ending?.cause).toBe('stopped');
  });

  it('only what is read is fetched', async () => {
    const objects = new MemoryObjects();
    const who = { author: 'mallory', at: at('12:00'), message: 'junk', parents: [], base: null };
    const junk = objects.write({ ...who, files: new Map([['junk', Buffer.from('x')]]) });
    const names = Array.from({ length: 2500 }, (_, one) => one.toString(16).padStart(16, '0'));
    const there = names.map((name) => [`refs/heads/pam-statements/flooded.${name}`, junk] as const);
    const origin = { name: 'origin', url: 'memory:access', table: new Map(there) };
    const here = memoryRepository(objects, new Map(), origin);
    const place = branchPlace(here, { name: 'origin', remote: await here.remote('origin') });
    const told: string[] = [];
    const doubt = (topic: string, { code }: PamError): void => void told.push(`${topic} ${code}`);
    await statementBranches(here, place, lots()).find(['flooded', 'other'], doubt);
    expect(told).toEqual(['flooded E_FORGE_LIMIT']);
    expect((await here.refs(['refs/remotes/origin/'])).size).toBe(2000);
  });

  it.each([
    ['as many as are read', 2000, 'live'],
    ['one more', 2001, undefined],
  ] as const)('nothing is granted while a stop may be among the rest: %s', async (_what, count, state) => {
    const branch = threeAsked();
    flood(branch, idOf('dana'), count);
    const machine = branch.machine('one');
    await machine.read();
    const ran = await apply(await deskWith(machine, lots()), EXECUTOR);
    expect(await statesOf(machine)).toEqual({ dana: state, erin: 'live', alice: 'live' });
    expect([limitsIn(ran).length, exitOfRun(ran)]).toEqual(
      state === 'live' ? [0, EXIT.done] : [1, EXIT.partly],
    );
  });
});
