/**
 * Many forged approvals at once. Each is the only evidence for a request of its own, which is signed by its
 * requester and stands on main: nothing but the rule in question is between it and a grant. One run of `apply` meets
 * them all; each row's test then looks at what became of its own request, and the last one at everybody else.
 */
import { beforeAll, expect, it } from 'vitest';
import type { LogLine } from '../../src/flows/audit/log.ts';
import { gather } from '../../src/flows/gather/gather.ts';
import { freshLedger, type Looked } from '../../src/flows/gather/look-at-request.ts';
import { exitOfApply, type RunResult } from '../../src/flows/executor/run-result.ts';
import { publishApproval } from '../../src/flows/people/sign-approval.ts';
import type { Reason } from '../../src/model/decision.ts';
import { EXIT, type Exit, PamError } from '../../src/model/error.ts';
import type { RequestId } from '../../src/model/names.ts';
import type { Request } from '../../src/model/request.ts';
import type { Signed } from '../../src/model/statement.ts';
import { decide } from '../../src/rules/decide.ts';
import { isRequest, snapshotOf } from '../../src/rules/situation.ts';
import type { World } from '../crash/access-repository.ts';
import { type Forger, forgerOf, publishAll } from './forger.ts';
import { plant, type Planted, requestBy, requestId } from './hostile-hands.ts';
import type { KeyedScene } from './keyed-scene.ts';
import { GOOD_HELD, LIVE_ENDS, LIVE_HELD, merge } from './scene.ts';

export interface Forgery {
  /** With its rows: `[D1] a line more`. */
  readonly title: string;
  /** What `check`, `apply` and, where the statement has its place, `pam approve --statement` report. */
  readonly code: string;
  /** Approvals are short, but nothing is bad: the request waits (8) instead of being refused (5). */
  readonly waits?: true;
  /** `pam approve --statement` says another thing about one statement than the decision says about all. */
  readonly alone?: string;
  readonly wish?: Partial<Request>;
  readonly approvals: (request: Request, forger: Forger) => readonly Signed[];
}

/** What must count, granted in the same run. */
export interface Honest {
  readonly title: string;
  readonly wish?: Partial<Request>;
  readonly approvals: Forgery['approvals'];
  readonly holds: string;
}

interface Crowd {
  readonly world: World;
  readonly result: RunResult;
  readonly events: readonly LogLine[];
  readonly statements: ReadonlyMap<RequestId, readonly Signed[]>;
  /** As `lookAtRequest` gives it to `check`, `show` and `approve`. */
  readonly looked: ReadonlyMap<RequestId, Looked>;
}

const failing = (reasons: readonly Reason[]): readonly string[] =>
  reasons.filter(({ ok }) => !ok).map(({ code }) => code);

export function forgeries(
  prepare: () => KeyedScene,
  forged: readonly Forgery[],
  honest: readonly Honest[],
): void {
  const rows = forged.map((row, at) => ({ ...row, request: requestOf(row, at) }));
  const good = honest.map((row, at) => ({ ...row, request: requestOf(row, forged.length + at) }));
  let crowd: Crowd | undefined;
  const met = (): Crowd => {
    if (crowd === undefined) throw new Error('nothing was applied');
    return crowd;
  };

  beforeAll(async () => {
    const scene = prepare();
    const { world } = scene;
    const forger = await forgerOf(scene);
    const statements = new Map(
      [...rows, ...good].map((row) => [row.request.id, row.approvals(row.request, forger)] as const),
    );
    publishAll(
      world,
      [...statements].flatMap(([topic, some]) => some.map((signed) => ({ topic, signed }))),
    );
    await merge(world, scene.good);
    const files = [...rows, ...good].map(({ request }) => forger.files(request));
    plant(world, 'main', Object.assign({}, ...files) as Record<string, Planted>);
    const result = await world.apply();
    const looked = await lookAtAll(world, [...statements.keys()]);
    crowd = { world, result, events: await world.events(), statements, looked };
  }, 180_000);

  it.each(rows.map((row) => [row.title, row] as const))('%s', async (_, row) => {
    const { world, result, events, statements, looked: all } = met();
    const { id } = row.request;
    const exit: Exit = row.waits === true ? EXIT.pending : EXIT.refused;
    const waiting = result.waiting.filter((one) => one.id === id);
    expect(waiting.map(({ decision }) => failing(decision.reasons))).toEqual([
      expect.arrayContaining([row.code]),
    ]);
    expect(exitOfApply(result, [id])).toBe(exit);
    expect(result.steps.filter((one) => one.id === id).map(({ action }) => action)).toEqual(['see']);
    expect(world.calls().filter((one) => one.id === id)).toEqual([]);
    expect(events.filter((one) => one.id === id).map(({ type }) => type)).toEqual(['seen']);

    const looked = all.get(id);
    expect(failing(looked?.judged?.decision.reasons ?? [])).toContain(row.code);
    expect(looked?.judged?.decision.verdict).toBe(row.waits === true ? 'pending' : 'refused');
    if (row.waits === true || looked === undefined) return;
    const codes = await Promise.all(
      (statements.get(id) ?? []).map((signed) => submitted(world, looked, signed)),
    );
    expect(codes).toContain(row.alone ?? row.code);
  });

  it.each(good.map((row) => [row.title, row] as const))('%s', (_, { request: { id }, holds }) => {
    const { world, result } = met();
    const steps = result.steps.filter((one) => one.id === id);
    expect(steps).toMatchObject([{ action: 'grant', result: 'done', error: null }]);
    expect(world.held()).toContain(holds);
  });

  it('they stop nobody else: the good request is granted, the live grant ends, audit agrees', async () => {
    const { world, result } = met();
    const granted = good.map(({ holds }) => holds);
    // A stop that a person of this policy signed and that does not count is named, and stops nothing.
    expect(result.troubles.filter(({ code }) => code !== 'E_STOP_UNTAKEN')).toEqual([]);
    expect(world.held()).toEqual([LIVE_HELD, GOOD_HELD, ...granted].sort());
    world.now = LIVE_ENDS;
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).not.toContain(LIVE_HELD);
    expect(await world.audit()).toMatchObject({ ok: true });
  });
}

/** `lookAtRequest` for many ids, reading the repository once. */
async function lookAtAll(world: World, ids: readonly RequestId[]): Promise<ReadonlyMap<RequestId, Looked>> {
  const desk = await world.desk();
  const { now } = world;
  const { view, freshness } = await freshLedger(desk);
  const situation = await gather(desk, view, freshness, now, new Set(ids));
  const looked = situation.candidates.flatMap((candidate): Looked[] => {
    const { id, request } = candidate;
    if (!isRequest(request)) return [];
    const record = view.state.index.records.get(id) ?? null;
    const snapshot = { ...snapshotOf(situation, candidate, request, record), evidenceOnly: true };
    const judged = { request, snapshot, decision: decide(snapshot, now) };
    return [{ id, view, situation, candidate, record, judged, now }];
  });
  return new Map(looked.map((one) => [one.id, one]));
}

function requestOf({ wish = {} }: Pick<Forgery, 'wish'>, at: number): Request {
  const id = requestId(`20261122-forged-x${String(at).padStart(5, '0')}`);
  return requestBy({ id, role: 'anyone', subject: wish.requester ?? 'erin', ...wish });
}

/** `pam approve --statement`: the same rules stand before anything is published. */
async function submitted(world: World, looked: Looked, signed: Signed): Promise<string> {
  try {
    await publishApproval(await world.desk(), looked, signed);
    return 'ok';
  } catch (error) {
    if (error instanceof PamError) return error.code;
    throw error;
  }
}
