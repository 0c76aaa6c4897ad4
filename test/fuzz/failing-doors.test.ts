/**
 * The net below a sweep: every door that it reads and writes through fails, at every call, as a refusal of ours, as a
 * bug of ours, as a git that died; once, or from then on. The doors are those of the desk itself, so a new method of a
 * port is tried without being named here. In memory, with real flows, signatures and ledger bytes.
 */
import { describe, expect, it } from 'vitest';
import { apply } from '../../src/flows/executor/apply.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { proposeRequest } from '../../src/flows/people/make-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { exitOfSweep } from '../../src/flows/executor/run-result.ts';
import { prepareApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { prepareStop, signStop } from '../../src/flows/people/sign-stop.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import { PamError } from '../../src/model/error.ts';
import type { Oid, RequestId } from '../../src/model/names.ts';
import { begin } from '../properties/history-stage.ts';
import { BEGIN, deskOf, type Host, newHost, Targets, type Wires } from '../properties/history-world.ts';
import { MemoryObjects } from '../properties/memory-repository.ts';
import { Random } from './random.ts';
import { broken, seed } from './table.ts';
import { isFull } from '../size.ts';

interface Scene {
  readonly desk: Desk;
  readonly targets: Targets;
  /** Newest ledger commit of the remote. */
  readonly tip: () => Oid | undefined;
}

interface Made {
  readonly objects: MemoryObjects;
  readonly remote: ReadonlyMap<string, Oid>;
  readonly there: ReadonlyMap<string, number>;
  readonly kept: Host;
  readonly wires: Wires;
}

const SWEEPER = { name: 'pam-sweep', keyFile: 'pam-sweep' };
const DUE = 'shelf dana read';
const STOPPED = 'shelf erin keep';
const LIVE = 'shelf dana keep';
const HOUR = 3600;

/** One grant past its end, one with a stop that nobody recorded yet, one that runs on; a sweeper that kept a head. */
async function make(): Promise<Made> {
  const beginning = await begin();
  let now = BEGIN + 60;
  let nonces = 0;
  const targets = new Targets(() => now);
  const wires: Wires = {
    objects: new MemoryObjects(beginning.objects),
    remote: new Map(beginning.remote),
    targets,
    now: () => now,
    root: beginning.root,
    nonce: (bytes) => (nonces++).toString(16).padStart(bytes * 2, '0'),
  };
  const people = newHost('people');
  const ask = async (requester: string, role: string, duration: string): Promise<RequestId> => {
    const desk = await deskOf(wires, people);
    const wish = { role, duration, justification: 'It has to be done.', controls: [], scope: {} };
    const { request } = await proposeRequest(desk, { id: requester, keyFile: requester }, wish);
    const looked = await lookAtRequest(desk, request.id);
    await signApproval(desk, looked, prepareApproval(looked, 'bob', null), { id: 'bob', keyFile: 'bob' });
    await mergeRequest(desk, await lookAtRequest(desk, request.id), 'grace');
    return request.id;
  };
  await ask('dana', 'reader', '10m');
  const stopped = await ask('erin', 'keeper', '4h');
  await ask('dana', 'keeper', '4h');
  await apply(await deskOf(wires, newHost('apply')), { name: 'pam-apply', keyFile: 'pam-apply' });
  const kept = newHost('sweep');
  await sweep(await deskOf(wires, kept), SWEEPER, { targets: [] });
  const desk = await deskOf(wires, people);
  const looked = await lookAtRequest(desk, stopped);
  await signStop(desk, looked, prepareStop(looked, 'erin', 'done'), { id: 'erin', keyFile: 'erin' });
  now += HOUR;
  return {
    objects: wires.objects,
    remote: new Map(wires.remote),
    there: new Map(targets.there),
    kept,
    wires,
  };
}

let made: Promise<Made> | undefined;

/** The same moment once more, for one sweep. @param remembers the sweeper has a kept head */
async function scene(remembers: boolean): Promise<Scene> {
  const { objects, remote, there, kept, wires } = await (made ??= make());
  const targets = new Targets(() => BEGIN + 60 + HOUR);
  for (const [key, until] of there) targets.there.set(key, until);
  const table = new Map(remote);
  const mine: Wires = { ...wires, objects: new MemoryObjects(objects), remote: table, targets };
  const host = { ...newHost('sweep'), table: new Map(kept.table) };
  const head = await kept.memory.keptHead('executor.pam-sweep');
  if (remembers && head !== undefined) await host.memory.keepHead('executor.pam-sweep', head);
  const desk = await deskOf(mine, host);
  return { desk, targets, tip: () => table.get('refs/heads/pam-ledger') };
}

type Door = 'repository' | 'remote' | 'forge' | 'memory' | 'incidents' | 'self';
const DOORS = ['repository', 'remote', 'forge', 'memory', 'incidents', 'self'] as const;

/** Of the desk itself: what reads, signs or asks. */
const OF_THE_DESK: ReadonlySet<string> = new Set(['keyOf', 'sign', 'forge', 'incidents', 'nonce']);

const FAILURES = {
  'a refusal': () => new PamError('E_GIT_SIZE', 'too large'),
  'git that died': () => new PamError('E_GIT', 'git ended before it answered'),
  'a bug': () => new TypeError("Cannot read properties of undefined (reading 'length')"),
  'no room': () => new RangeError('Invalid string length'),
} as const;
type Failure = keyof typeof FAILURES;

interface Fault {
  readonly door: Door;
  readonly method: string;
  /** From 0. */
  readonly call: number;
  readonly forEver: boolean;
  readonly failure: Failure;
}

type Calls = Map<string, number>;

/** The desk, its calls counted and one of them failing. */
function watched(desk: Desk, calls: Calls, fault?: Fault): Desk {
  const failing = <T extends object>(door: Door, of: T, only?: ReadonlySet<string>): T => {
    const entries = Object.entries(of).map(([method, value]: [string, unknown]) => {
      if (typeof value !== 'function' || only?.has(method) === false) return [method, value];
      const call = (...args: readonly unknown[]): unknown => {
        const name = `${door}.${method}`;
        const count = calls.get(name) ?? 0;
        calls.set(name, count + 1);
        const hit = fault?.door === door && fault.method === method;
        if (hit && (fault.forEver ? count >= fault.call : count === fault.call))
          throw FAILURES[fault.failure]();
        return Reflect.apply(value, of, args) as unknown;
      };
      return [method, call];
    });
    // The same methods under the same names.
    return Object.fromEntries(entries) as T;
  };
  const repository = failing('repository', desk.repository);
  const { remote } = desk;
  return failing(
    'self',
    {
      ...desk,
      repository,
      memory: failing('memory', desk.memory),
      remote:
        remote === null ? null : { ...remote, open: async () => failing('remote', await remote.open()) },
      forge: async (config) => failing('forge', await desk.forge(config)),
      incidents: (config, main) => failing('incidents', desk.incidents(config, main)),
    },
    OF_THE_DESK,
  );
}

async function callsOf(remembers: boolean): Promise<Calls> {
  const calls: Calls = new Map();
  const { desk, targets } = await scene(remembers);
  const result = await sweep(watched(desk, calls), SWEEPER, { targets: [] });
  expect({ exit: exitOfSweep(result), keys: targets.keys() }).toEqual({ exit: 0, keys: [LIVE] });
  return calls;
}

/** Without these there is no state at all on a machine that remembers nothing, and no way to the objects on any. */
const OBJECTS = /^repository\.(?:read|readSmall|names)$/u;
const HISTORY = /^repository\.(?:resolve|history|commitLog)$/u;

async function survives(fault: Fault, remembers: boolean): Promise<string> {
  const { desk, targets, tip } = await scene(remembers);
  const before = tip();
  const name = `${fault.door}.${fault.method}`;
  const told = JSON.stringify({ ...fault, remembers });
  const result = await sweep(watched(desk, new Map(), fault), SWEEPER, { targets: [] }).catch(
    (error: unknown) => error,
  );
  const keys = targets.keys();
  const must = (so: boolean, what: string): void => {
    if (!so) broken(`${what}: ${told}: ${String(result)}`);
  };
  must(keys.includes(LIVE), 'access that runs on was taken away');
  if (result instanceof Error) {
    // Nothing is known that could be revoked, and that is said.
    must(fault.forEver && (OBJECTS.test(name) || (!remembers && HISTORY.test(name))), 'it ended the sweep');
    return 'blind';
  }
  // It was awaited, and no error.
  const run = result as Awaited<ReturnType<typeof sweep>>;
  const exit = exitOfSweep(run);
  must([0, 3, 20].includes(exit), `exit ${exit}`);
  // Nothing is remembered, and an entry on the way cannot be read: then an older state is all there is.
  const older = !remembers && OBJECTS.test(name) && exit !== 0;
  must(older || !keys.includes(DUE), 'what was due is still there');
  // In silence only what changed nothing: everything ended, and the ledger says so.
  must(exit !== 0 || (!keys.includes(STOPPED) && tip() !== before), 'a stop was lost in silence');
  return exit === 0 ? 'nothing was lost' : `exit ${exit}`;
}

describe.each([
  ['with a kept head', true],
  ['without one', false],
])('[X91] every door of a sweep fails, %s', (_, remembers) => {
  it(`what is due is revoked all the same (seed ${seed})`, async () => {
    const calls = await callsOf(remembers);
    const ends = new Map<string, number>();
    const random = new Random(seed, 0);
    const kinds = Object.keys(FAILURES) as Failure[];
    // A short run gives each call one of the failures, by chance.
    const failures = (): readonly Failure[] => (isFull ? kinds : [random.pick(kinds) ?? 'a bug']);
    for (const [name, count] of calls) {
      const [door = '', method = ''] = name.split('.');
      const at = DOORS.find((one) => one === door);
      if (at === undefined) throw new Error(`no door ${door}`);
      for (let call = 0; call < count; call++) {
        for (const forEver of [false, true]) {
          for (const failure of failures()) {
            const end = await survives({ door: at, method, call, forEver, failure }, remembers);
            ends.set(end, (ends.get(end) ?? 0) + 1);
          }
        }
      }
    }
    // All of it happened: some faults are told, and some change nothing.
    expect(ends.get('exit 3') ?? 0).toBeGreaterThan(10);
    expect(ends.get('nothing was lost') ?? 0).toBeGreaterThan(0);
  }, 120_000);
});
