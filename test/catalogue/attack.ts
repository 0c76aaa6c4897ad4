/**
 * One row of the catalogue along the whole path. `attack` copies a prepared scene, lets the attacker act, runs the
 * flows that must see it, and then asserts four things:
 *
 *   1. each of those flows reports the row's code (and `apply` and `check` the exit class that goes with it);
 *   2. no grant or revoke call reached a target, and the targets are as they were;
 *   3. the ledger is unchanged, or grew by `seen`, `refused` and `heartbeat` only;
 *   4. nobody else is stopped: a good request is granted, the live grant is swept at its end, and audit agrees.
 *
 * A row may differ; it says so in words (`grantsStop`, `ledgerIsAttacked`, `alsoRecords`, `auditFinds`).
 * `permit` is the same for what must not be refused. `refuse` is for one pure rule.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { audit } from '../../src/flows/audit/audit.ts';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { exitOfApply, exitOfRun } from '../../src/flows/executor/run-result.ts';
import type { Reason } from '../../src/model/decision.ts';
import { EXIT, type Exit, exitOf, PamError } from '../../src/model/error.ts';
import type { RequestId } from '../../src/model/names.ts';
import { codeOf } from '../support/error-code.ts';
import type { DeskChange, RunOptions, World } from '../crash/access-repository.ts';
import { GOOD_HELD, LIVE_ENDS, LIVE_HELD, merge, type Scene } from './scene.ts';

/**
 * Which flow must report it. `person`: the attack itself is a person's command (request, approve, deny, merge,
 * ratify ...), and `do` must fail with the code.
 */
export type By = 'person' | 'check' | 'apply' | 'sweep' | 'audit';

export interface Attack {
  readonly code: string;
  readonly by: By | readonly By[];
  /** Makes the attack. Gives the id that it is about, if it is about one. */
  readonly do: (scene: Scene) => Promise<RequestId | void>;
  /** What `apply` and `check` exit with, where it is not the class that the code stands for. */
  readonly exit?: Partial<Record<By, Exit>>;
  /** What the executors find changed around them: an incident source that is down, say. */
  readonly desk?: DeskChange;
  /** The row stops every grant; why that is right. The sweep goes on all the same. */
  readonly grantsStop?: string;
  /** The attack is on the ledger itself, so comparing its entries says nothing; what holds instead. */
  readonly ledgerIsAttacked?: string;
  /** Further types of events that this row may leave, with why. */
  readonly alsoRecords?: { readonly types: readonly string[]; readonly why: string };
  /** Codes that audit rightly reports of what the attack left behind. */
  readonly auditFinds?: readonly string[];
}

interface Told {
  readonly by: By;
  readonly codes: readonly string[];
  readonly exit: Exit;
}

const HARMLESS: ReadonlySet<string> = new Set(['seen', 'refused', 'heartbeat']);
const minutesToRun = 60_000;

/** @param rows `[A1]` or `[A1, B2]` */
export function attack(scene: () => Scene, rows: string, title: string, row: Attack): void {
  it(
    `${rows} ${title}`,
    async () => {
      const at = scene();
      const { world } = at;
      const before = await stateOf(world);
      const { told, id } = await make(at, row);
      const reports = told.map(({ by, codes, exit }) => ({ by, codes: codes.filter(isCode(row)), exit }));
      expect(reports, `reported: ${JSON.stringify(told)}`).toEqual(
        told.map(({ by, exit }) => ({ by, codes: [row.code], exit: exitFor(by, row, id) ?? exit })),
      );
      await expectUntouched(world, before, row);
      // A person's command that left nothing at all can have stopped nobody.
      if (row.by !== 'person' || refsOf(world) !== before.refs) await expectOthersGoOn(at, row);
    },
    minutesToRun,
  );
}

/** The other side: what looks odd and must be granted, end as recorded, and satisfy audit. */
export function permit(
  scene: () => Scene,
  rows: string,
  title: string,
  row: { readonly do: (scene: Scene) => Promise<RequestId>; readonly holds: readonly string[] },
): void {
  it(
    `${rows} ${title}`,
    async () => {
      const at = scene();
      const { world } = at;
      const id = await row.do(at);
      const { codes } = await run('check', world, id);
      expect({ check: codes }).toEqual({ check: [] });
      const { steps } = await world.apply();
      expect(steps.filter((one) => one.id === id)).toMatchObject([{ action: 'grant', result: 'done' }]);
      expect(world.held()).toEqual([LIVE_HELD, ...row.holds].sort());
      const { end } = (await world.record(id)).grant ?? {};
      if (end === undefined) throw new Error('nothing was granted');
      world.now = end;
      await world.sweep({ executor: 'pam-sweep' });
      expect(world.held()).not.toEqual(expect.arrayContaining([row.holds[0]]));
      expect(await auditErrors(world)).toEqual([]);
    },
    minutesToRun,
  );
}

/** For one pure rule; at least one row of each group goes the whole way as well. */
export function refuse(rows: string, title: string, act: () => unknown, code: string): void {
  it(`${rows} ${title}`, () => {
    expect(codeOf(act)).toBe(code);
  });
}

interface Before {
  readonly seq: number;
  readonly head: string;
  /** Every ref, and what is not committed. */
  readonly refs: string;
  readonly calls: number;
  readonly held: readonly string[];
  readonly krl: string | null;
}

async function stateOf(world: World): Promise<Before> {
  const { seq, head } = await audit(await world.desk(), undefined);
  return {
    seq,
    head,
    refs: refsOf(world),
    calls: world.calls().length,
    held: world.held(),
    krl: krlOf(world),
  };
}

const refsOf = ({ git }: World): string => git('for-each-ref') + git('status', '--porcelain');

function krlOf({ home }: World): string | null {
  const file = join(home, 'krl');
  return existsSync(file) ? readFileSync(file, 'hex') : null;
}

async function make(
  scene: Scene,
  row: Attack,
): Promise<{ readonly told: readonly Told[]; readonly id: RequestId | undefined }> {
  const wanted = typeof row.by === 'string' ? [row.by] : row.by;
  const told: Told[] = [];
  let id: RequestId | undefined;
  try {
    id = (await row.do(scene)) ?? undefined;
    if (wanted.includes('person')) told.push({ by: 'person', codes: [], exit: EXIT.done });
  } catch (error) {
    if (!(error instanceof PamError) || !wanted.includes('person')) throw error;
    told.push({ by: 'person', codes: codesOfError(error), exit: error.exit });
  }
  for (const by of wanted) if (by !== 'person') told.push(await run(by, scene.world, id, row.desk));
  // Whatever has to report it: the executor meets it too, and nothing may come of that.
  for (const by of ['apply', 'sweep'] as const)
    if (!wanted.includes(by)) await run(by, scene.world, id, row.desk);
  return { told, id };
}

/** One flow, and every code that it reports about `id`, or about the run. */
export async function run(
  by: Exclude<By, 'person'>,
  world: World,
  id: RequestId | undefined,
  change?: DeskChange,
): Promise<Told> {
  try {
    return { by, ...(await flows[by](world, id, change === undefined ? {} : { change })) };
  } catch (error) {
    if (error instanceof PamError) return { by, codes: codesOfError(error), exit: error.exit };
    throw error;
  }
}

type Flow = (world: World, id: RequestId | undefined, options: RunOptions) => Promise<Omit<Told, 'by'>>;

const flows: Readonly<Record<Exclude<By, 'person'>, Flow>> = {
  /** As `pam check --proposal` judges it. */
  check: async (world, id) => {
    if (id === undefined) throw new Error('check judges one id: let `do` give it');
    const { judged, candidate } = await lookAtRequest(await world.desk(), id);
    if (judged === null) {
      const fault = candidate !== null && 'ok' in candidate.request ? [candidate.request] : [];
      return { codes: failing(fault), exit: EXIT.invalid };
    }
    const { reasons, verdict } = judged.decision;
    const exit = verdict === 'approved' ? EXIT.done : verdict === 'pending' ? EXIT.pending : EXIT.refused;
    return { codes: failing(reasons), exit };
  },
  apply: async (world, id, options) => {
    const result = await world.apply(options);
    const mine = <T extends { readonly id: string }>(some: readonly T[]): readonly T[] =>
      id === undefined ? some : some.filter((one) => one.id === id);
    const codes = [
      ...failing(result.troubles),
      ...mine(result.steps).flatMap(({ error }) => error?.code ?? []),
      ...mine(result.waiting).flatMap(({ decision }) => failing(decision.reasons)),
    ];
    return { codes, exit: exitOfApply(result, id === undefined ? [] : [id]) };
  },
  sweep: async (world, _id, options) => {
    const result = await world.sweep({ ...options, executor: 'pam-sweep' });
    const codes = [...failing(result.troubles), ...result.steps.flatMap(({ error }) => error?.code ?? [])];
    return { codes, exit: exitOfRun(result) };
  },
  audit: async (world) => {
    const { ok, findings } = await world.audit();
    return { codes: findings.map(({ code }) => code), exit: ok ? EXIT.done : EXIT.integrity };
  },
};

const failing = (reasons: readonly Reason[]): string[] =>
  reasons.filter(({ ok }) => !ok).map(({ code }) => code);

const codesOfError = (error: PamError): string[] => [error.code, ...error.issues.map(({ code }) => code)];

const isCode =
  ({ code }: Attack) =>
  (one: string, at: number, all: readonly string[]): boolean =>
    one === code && all.indexOf(one) === at;

/** The class of the code, where the flow answers for one id. */
function exitFor(by: By, row: Attack, id: RequestId | undefined): Exit | undefined {
  const stated = row.exit?.[by];
  if (stated !== undefined) return stated;
  return by === 'person' || (id !== undefined && by !== 'sweep' && by !== 'audit')
    ? exitOf(row.code)
    : undefined;
}

async function expectUntouched(world: World, before: Before, row: Attack): Promise<void> {
  const calls = world.calls().slice(before.calls);
  expect(calls.filter(({ op }) => op !== 'inspect')).toEqual([]);
  expect({ held: world.held(), krl: krlOf(world) }).toEqual({ held: before.held, krl: before.krl });
  if (row.ledgerIsAttacked !== undefined) return;
  const { seq, head } = await audit(await world.desk(), undefined);
  expect(seq === before.seq ? head : before.head).toBe(before.head);
  const entered = (await world.events()).filter((one) => one.seq > before.seq);
  const allowed = new Set([...HARMLESS, ...(row.alsoRecords?.types ?? [])]);
  expect(entered.filter(({ type }) => !allowed.has(type))).toEqual([]);
}

async function expectOthersGoOn(scene: Scene, row: Attack): Promise<void> {
  const { world, good } = scene;
  const others = row.grantsStop === undefined ? [GOOD_HELD] : [];
  if (row.grantsStop === undefined) await merge(world, good);
  await run('apply', world, good, row.desk);
  expect(world.held()).toEqual([LIVE_HELD, ...others]);
  world.now = LIVE_ENDS;
  await run('sweep', world, undefined, row.desk);
  expect(world.held()).toEqual(others);
  const found = await auditErrors(world);
  expect(found.filter((code) => row.auditFinds?.includes(code) !== true)).toEqual([]);
}

async function auditErrors(world: World): Promise<readonly string[]> {
  const { findings } = await world.audit();
  return findings.filter(({ severity }) => severity === 'error').map(({ code }) => code);
}
