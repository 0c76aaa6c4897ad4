/**
 * Sweep: end every grant that is past its end, whose incident closed, or that was stopped. Doubt never stops it:
 * an unreachable forge, junk on the ledger, a clock that looks wrong or one failing target are reported, and
 * every other revocation goes on.
 *
 *   1  what the ledger alone says must end: its end has come, its key is compromised ...
 *   2  what the forge and the incidents say; a pusher may have made asking them slow
 *   3  what a target still shows of grants that are over
 *   4  a revocation list that is missing, once nothing that has to end waits for it
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reason } from '../../model/decision.ts';
import { plus } from '../../model/instant.ts';
import { mayBeLive } from '../../model/open-record.ts';
import { needExecutorKey } from '../../rules/executor-key.ts';
import { beatEvery, lastSweepOf } from '../../rules/judge-sweep.ts';
import { sortPostings } from '../../rules/judge-postings.ts';
import { rotated } from '../../rules/queue-by-system.ts';
import { stopsNotTaken } from '../../rules/plan-sweep.ts';
import { CLOCK_TOLERANCE_SECONDS, holdersOf } from '../../trust/keyring.ts';
import { beginBudget } from '../at-targets/ask-targets.ts';
import { type Desk, type Executor, mainRef } from '../desk.ts';
import { endAll, endAtTargets, needsNoRecord, NOT_ALL, restsOnItsEnd, UNRECORDED } from './end-due.ts';
import { fetchLargeLedger, fetchState, type Freshness } from '../ledger/fetch-state.ts';
import { endingsOf, findLeftovers } from '../at-targets/find-leftovers.ts';
import { aboutStops, isStoppable } from '../gather/about.ts';
import { incidentStates } from '../gather/gather.ts';
import { headFromHere } from '../ledger/kept-head.ts';
import { held, readOrHold } from '../ledger/net.ts';
import { prepareTargets } from '../at-targets/prepare-targets.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { readStatements, topicOf } from '../gather/read-statements.ts';
import { type Done, outcomeRecorder, recordBeat } from './record-outcomes.ts';
import { recordPolicy } from './record-policy.ts';
import { CUT_SHORT, type RunResult } from './run-result.ts';
import {
  factsOf,
  isMine,
  NOTHING_ASKED,
  onItsOwn,
  type SweepFindings,
  plain,
  planAll,
  type Run,
  type SweepScope,
  tellIn,
  withFacts,
} from './sweep-run.ts';
import type { Known } from '../ledger/walk/witness.ts';

export async function sweep(desk: Desk, executor: Executor, scope: SweepScope): Promise<RunResult> {
  const first = beginRun(desk, executor, scope);
  const result = await sweepOnce(first);
  if (!first.ledgerTooLarge || desk.interrupted()) return result;
  // What could be read is swept. Grants that this machine has not read yet may lie below what was too large.
  const second = beginRun(desk, executor, scope, first.handled);
  const { fetched, early } = await fetchLargeMeanwhile(second);
  if (fetched) {
    const { steps, ...rest } = await sweepOnce(second, early);
    return { ...rest, steps: [...result.steps, ...steps] };
  }
  const { revokes, troubles } = second;
  return { ...result, steps: [...result.steps, ...revokes], troubles: [...result.troubles, ...troubles] };
}

const beginRun = (
  desk: Desk,
  executor: Executor,
  scope: SweepScope,
  handled: Run['handled'] = new Set(),
): Run => ({
  desk,
  executor,
  scope,
  budget: beginBudget(desk.clock()),
  troubles: [],
  handled,
  drops: [],
  revokes: [],
  wrote: false,
  ledgerTooLarge: false,
});

/** @param early what was ended before, and is to be recorded */
async function sweepOnce(run: Run, early: readonly Done[] = []): Promise<RunResult> {
  const { desk, executor, scope } = run;
  const tells = tellIn(run);
  const read = await readPatiently(run, early);
  const due = (await isInForce(run, read)) ? await endAll(run, read, onItsOwn(run)) : read;
  const same = { view: due, recorded: null };
  const policy: { view: LedgerView; recorded: number | null } = desk.interrupted()
    ? same
    : await held(tells, 'a policy could not be recorded', same, () => recordPolicy(desk, executor, due));
  for (const trouble of [...policy.view.troubles, ...clockTroubles(desk, policy.view)]) tells(trouble);
  const last = desk.interrupted() ? policy.view : await endTheRest(run, policy.view);
  await prepareTargets(desk, executor, last.state, tells, scope.targets);
  const { state } = await leaveTrace(run, last);
  const { seq, head } = state;
  if (desk.interrupted()) run.troubles.push(CUT_SHORT);
  const { recorded } = policy;
  const first = recorded === null ? [] : [plain('policy', '-', `policy ${recorded} is in force`)];
  const steps = [...first, ...run.drops, ...run.revokes];
  // It could not have recorded anything, so it must not pass for a sweep that found nothing to do.
  if (steps.length + run.troubles.length === 0 && scope.ids === undefined)
    needExecutorKey([state.policy], executor.name, await desk.keyOf(executor.keyFile));
  const idle = { lastSweep: lastSweepOf(state), every: beatEvery(state.policy.config) };
  return { steps, ledger: { seq, head }, waiting: [], troubles: run.troubles, idle };
}

/** Milliseconds: longer than fetching and walking takes where nothing makes it slow. */
const PATIENCE = { own: 10_000, shared: 60_000 };

/**
 * A pusher can make fetching and walking slow. What rests on its recorded end, by the head that this machine kept, does
 * not wait for that: soon what no other grant can need, later what others share as well, since a newer grant of the same
 * access may not have been read yet. Outcomes are recorded on top of what was read in the end.
 */
async function readPatiently(run: Run, before: readonly Done[]): Promise<LedgerView> {
  const known = await knownHere(run);
  const reading = readAll(run, known);
  if (known === undefined) return await recordEarly(run, await reading, before);
  const { own, shared } = run.scope.patience ?? PATIENCE;
  const early = await endMeanwhile(run, known, reading, [
    [own, needsNoRecord],
    [shared - own, restsOnItsEnd],
  ]);
  return await recordEarly(run, await reading, [...before, ...early]);
}

const knownHere = async (run: Run): Promise<Known | undefined> =>
  await held(tellIn(run), 'the kept head could not be read', undefined, async () => {
    return await headFromHere(run.desk, run.executor);
  });

type Turn = readonly [afterMs: number, isDue: typeof restsOnItsEnd];

/** While something else takes its time, turn after turn, ends what is due by what is known. */
async function endMeanwhile(
  run: Run,
  known: Known,
  work: Promise<unknown>,
  turns: Iterable<Turn>,
): Promise<readonly Done[]> {
  const early: Done[] = [];
  for (const [wait, isDue] of turns) {
    if (await settledWithin(work, wait)) break;
    await held(tellIn(run), NOT_ALL, undefined, async () => {
      const due = onItsOwn(run)(known, run.desk.clock()).end.filter(isDue);
      await endAtTargets(run, known, due, async (done) => await Promise.resolve(void early.push(done)));
    });
  }
  return early;
}

async function recordEarly(run: Run, read: LedgerView, early: readonly Done[]): Promise<LedgerView> {
  if (early.length === 0) return read;
  const recorder = outcomeRecorder(run.desk, run.executor, read, tellIn(run));
  const last = await held(tellIn(run), UNRECORDED, read, async () => {
    for (const done of early) await recorder.note(done);
    return await recorder.rest();
  });
  run.wrote ||= last !== read;
  return last;
}

/** Again and again, as long as it takes. */
function* everyMinute(): Generator<Turn> {
  for (;;) yield [60_000, restsOnItsEnd];
}

async function fetchLargeMeanwhile(
  run: Run,
): Promise<{ readonly fetched: boolean; readonly early: readonly Done[] }> {
  const fetching = fetchLargeLedger(run.desk);
  const known = await knownHere(run);
  const early = known === undefined ? [] : await endMeanwhile(run, known, fetching, everyMinute());
  return { fetched: await fetching, early };
}

async function readAll(run: Run, known: Known | undefined): Promise<LedgerView> {
  const { desk, executor } = run;
  const tells = tellIn(run);
  const stale: Freshness = { fresh: false, why: 'the last fetch failed' };
  const freshness = await held(
    tells,
    'not fetched',
    stale,
    async () => await fetchState(desk, known && aboutStops(known.state)),
  );
  if (!freshness.fresh) {
    run.ledgerTooLarge = freshness.ledgerTooLarge === true;
    tells({ code: 'E_FORGE_STALE', message: `not fetched: ${freshness.why}` });
  }
  return await readOrHold(desk, executor, known);
}

/** Also when it failed: its error is thrown where it is awaited. */
async function settledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  const gaveUp = new AbortController();
  try {
    return await Promise.race([settled, sleep(ms, false, { signal: gaveUp.signal })]);
  } finally {
    gaveUp.abort();
  }
}

/** A sweep never stops for a clock; it says so. */
function clockTroubles(desk: Desk, view: LedgerView): Reason[] {
  const now = desk.clock();
  const last = view.state.index.beats?.apply?.at;
  if (last === undefined || last <= plus(now, CLOCK_TOLERANCE_SECONDS)) return [];
  return [
    {
      code: 'E_CLOCK',
      ok: false,
      message: `this clock says ${now}, the ledger has an apply entry of ${last}`,
    },
  ];
}

/** Is this executor's key in force already, or does it come with a policy that this very run may record? */
async function isInForce(run: Run, { state }: LedgerView): Promise<boolean> {
  const { desk, executor } = run;
  const { name, keyFile } = executor;
  // What can be revoked without a record needs no key.
  return await held(tellIn(run), `the key of ${name} cannot be read`, true, async () => {
    return holdersOf(state.policy).get(await desk.keyOf(keyFile))?.id === name;
  });
}

async function endTheRest(run: Run, first: LedgerView): Promise<LedgerView> {
  const { desk } = run;
  const asked = { stops: await stopsOn(run, first), incidents: await incidentsOf(run, first) };
  const view = await endAll(run, first, withFacts(run, asked));
  for (const trouble of stopsNotTaken(factsOf(desk, view, asked), desk.clock())) tellIn(run)(trouble);
  const again = planAll(desk, view, NOTHING_ASKED, desk.clock()).recheck;
  const mine = again.filter((record) => isMine(run, view, record));
  const leftovers = await held(
    tellIn(run),
    'what ended today could not be looked at again',
    [],
    async () => await findLeftovers(desk, run.budget, mine, run.troubles),
  );
  return await endAll(run, view, (newest) => ({ end: endingsOf(desk, newest, leftovers), drop: [] }));
}

async function stopsOn(run: Run, { state }: LedgerView): Promise<SweepFindings['stops']> {
  const { desk, scope } = run;
  const tell = tellIn(run);
  const given = scope.stops ?? NOTHING_ASKED.stops;
  const stoppable = [...state.index.records.values()].filter(isStoppable);
  // Live grants first; each group is rotated, so that a flood on one id cannot starve the same others in every run.
  const live = rotated(stoppable.filter(mayBeLive), desk.chance());
  const others = rotated(
    stoppable.filter((one) => !mayBeLive(one)),
    desk.chance(),
  );
  const topics = [...live, ...others].map(topicOf);
  if (topics.length === 0) return given;
  return await held(tell, UNREAD_STOPS, given, async () => {
    const forge = await desk.forge(state.policy.config);
    const { found, flooded, broken } = await readStatements(forge, topics);
    for (const error of flooded.values()) tell(error);
    if (broken !== null) tell({ code: broken.code, message: `${UNREAD_STOPS}: ${broken.message}` });
    const { stops } = sortPostings(state.policy, found);
    return new Map(
      [...new Set([...given.keys(), ...stops.keys()])].map((id) => [
        id,
        [...(given.get(id) ?? []), ...(stops.get(id) ?? [])],
      ]),
    );
  });
}

const UNREAD_STOPS = 'stops could not be read';

async function incidentsOf(run: Run, view: LedgerView): Promise<SweepFindings['incidents']> {
  const { desk } = run;
  const { policy, index } = view.state;
  const live = [...index.records.values()].filter(mayBeLive);
  const named = live.flatMap(({ grant }) => grant?.incident ?? []);
  const none = NOTHING_ASKED.incidents;
  return await held(tellIn(run), 'incidents could not be read', none, async () => {
    const main = await desk.repository.resolve(mainRef(desk, policy.config));
    const incidents = await incidentStates(desk, view, main, named);
    for (const [id, state] of incidents) {
      if (state.state === 'unknown')
        tellIn(run)({ code: 'E_INCIDENT', message: `incident ${id}: ${state.why}` });
    }
    return incidents;
  });
}

async function leaveTrace(run: Run, view: LedgerView): Promise<LedgerView> {
  if (run.desk.interrupted()) return view;
  const { desk, executor, wrote } = run;
  return await held(tellIn(run), 'that this sweep ran could not be recorded', view, async () => {
    return await recordBeat(desk, executor, view, wrote);
  });
}
