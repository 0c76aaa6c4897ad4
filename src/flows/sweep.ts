/**
 * Sweep: end every grant that is past its end, whose incident closed, or that was stopped. Doubt never stops it:
 * an unreachable forge, junk on the ledger, a clock that looks wrong or one failing target are reported, and
 * every other revocation goes on.
 *
 *   1  what the ledger alone says must end: its end has come, its key is compromised ...
 *   2  what the forge and the incidents say; somebody may have made asking them slow
 *   3  what a target still shows of grants that are over
 *   4  a revocation list that is missing, once nothing that has to end waits for it
 */
import type { Reason } from '../model/decision.ts';
import { type LedgerEvent, reasonNote, type StoppedEvent } from '../model/entry.ts';
import type { PamError } from '../model/error.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { IncidentState } from '../model/incident.ts';
import type { RequestId } from '../model/names.ts';
import { mayBeLive, type OpenRecord } from '../model/open-record.ts';
import type { Signed } from '../model/statement.ts';
import { sortPostings } from '../rules/judge-postings.ts';
import { lanesOf, turned } from '../rules/lanes.ts';
import {
  type Ending,
  planSweep,
  stopsNotTaken,
  type SweepFacts,
  type SweepPlan,
} from '../rules/plan-sweep.ts';
import { executesOn } from '../rules/rights.ts';
import { CLOCK_TOLERANCE_SECONDS, holdersOf } from '../trust/keyring.ts';
import { appendEntry } from './append-entry.ts';
import { askTargets, beginRound, type Round } from './ask-targets.ts';
import { revokeAtTarget } from './carry-out-revoke.ts';
import { type Desk, type Executor, mainRef } from './desk.ts';
import { fetchState, type Freshness } from './fetch-state.ts';
import { endingsOf, findAgain } from './find-again.ts';
import { droppedTroubles, thatFit } from './fit-entry.ts';
import { incidentStates } from './gather.ts';
import { held, readOrHold, type Tell } from './net.ts';
import type { LedgerView } from './read-ledger.ts';
import { readStatements, topicOf } from './read-statements.ts';
import { outcomeRecorder, recordBeat } from './record-outcomes.ts';
import { prepareTargets } from './prepare-targets.ts';
import { recordPolicy } from './record-policy.ts';
import { CUT_SHORT, type RunResult, type RunStep } from './run-result.ts';

export interface SweepScope {
  /** These targets only; empty = all that this executor may revoke on. */
  readonly targets: readonly string[];
  /** These ids only. */
  readonly ids?: ReadonlySet<RequestId>;
  /** Stops that are at hand already, wherever else they can be read. */
  readonly stops?: ReadonlyMap<RequestId, readonly Signed[]>;
}

interface Run {
  readonly desk: Desk;
  readonly executor: Executor;
  readonly scope: SweepScope;
  readonly round: Round;
  readonly troubles: Reason[];
  /** What this run took up; none of it is taken up twice. */
  readonly taken: Set<RequestId>;
  readonly drops: RunStep[];
  readonly revokes: RunStep[];
  /** It left a trace in the ledger. */
  wrote: boolean;
}

export async function sweep(desk: Desk, executor: Executor, scope: SweepScope): Promise<RunResult> {
  const run: Run = {
    desk,
    executor,
    scope,
    round: beginRound(desk.clock()),
    troubles: [],
    taken: new Set(),
    drops: [],
    revokes: [],
    wrote: false,
  };
  const tells = tellIn(run);
  const stale: Freshness = { fresh: false, why: 'the last fetch failed' };
  const freshness = await held(tells, 'not fetched', stale, async () => await fetchState(desk));
  if (!freshness.fresh) tells({ code: 'E_FORGE_STALE', message: `not fetched: ${freshness.why}` });
  const read = await readOrHold(desk, executor);
  const due = (await isInForce(run, read)) ? await endAll(run, read, onItsOwn(run)) : read;
  const same = { view: due, recorded: null };
  const policy: { view: LedgerView; recorded: number | null } = desk.interrupted()
    ? same
    : await held(tells, 'a policy could not be recorded', same, () => recordPolicy(desk, executor, due));
  for (const trouble of [...policy.view.troubles, ...clockTroubles(desk, policy.view)]) tells(trouble);
  const last = desk.interrupted() ? policy.view : await endTheRest(run, policy.view);
  await prepareTargets(desk, executor, last.state, tells, scope.targets);
  const { seq, head } = (await leaveTrace(run, last)).state;
  if (desk.interrupted()) run.troubles.push(CUT_SHORT);
  const { recorded } = policy;
  const first = recorded === null ? [] : [plain('policy', '-', `policy ${recorded} is in force`)];
  const steps = [...first, ...run.drops, ...run.revokes];
  return { steps, ledger: { seq, head }, waiting: [], troubles: run.troubles };
}

/** Once each: what is looked at several times in a run may be wrong each time. */
const tellIn =
  ({ troubles }: Run): Tell =>
  ({ code, message }) => {
    if (!troubles.some((one) => one.message === message)) troubles.push({ code, ok: false, message });
  };

const plain = (action: RunStep['action'], id: RunStep['id'], what: string): RunStep => ({
  action,
  id,
  target: null,
  result: 'done',
  error: null,
  what,
});

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

/** What has to end by this state and at this moment. */
type Plan = (view: LedgerView, now: Instant) => Pick<SweepPlan, 'end' | 'drop'>;

interface Outside {
  readonly stops: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly incidents: ReadonlyMap<string, IncidentState>;
}

const NOTHING_ASKED: Outside = { stops: new Map(), incidents: new Map() };

const onItsOwn = (run: Run): Plan => withFacts(run, NOTHING_ASKED);

const withFacts =
  (run: Run, outside: Outside): Plan =>
  (view, now) => {
    const { end, drop } = planAll(run.desk, view, outside, now);
    return {
      end: end.filter(({ record }) => isMine(run, view, record)),
      drop: drop.filter(({ id }) => run.scope.ids?.has(id) ?? true),
    };
  };

const planAll = (desk: Desk, view: LedgerView, outside: Outside, now: Instant): SweepPlan =>
  planSweep(factsOf(desk, view, outside), now);

function factsOf(desk: Desk, { state }: LedgerView, outside: Outside): SweepFacts {
  const { root, policy, index } = state;
  return { root, policy, providers: desk.providers, index, ...outside };
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
    async () => await findAgain(desk, run.round, mine, run.troubles),
  );
  return await endAll(run, view, (newest) => ({ end: endingsOf(desk, newest, leftovers), drop: [] }));
}

function isMine(
  { executor, scope, taken }: Run,
  { state: { policy } }: LedgerView,
  one: OpenRecord,
): boolean {
  if (taken.has(one.id)) return false;
  const target = one.grant?.target ?? '';
  if (scope.targets.length > 0 && !scope.targets.includes(target)) return false;
  if (scope.ids !== undefined && !scope.ids.has(one.id)) return false;
  return executesOn(policy, executor.name, target, 'revoke') || !Object.hasOwn(policy.targets, target);
}

async function stopsOn(run: Run, { state }: LedgerView): Promise<Outside['stops']> {
  const { desk, scope } = run;
  const tell = tellIn(run);
  const given = scope.stops ?? NOTHING_ASKED.stops;
  const stoppable = [...state.index.records.values()].filter(
    (one) => one.seen !== null && one.final_at === null,
  );
  // Access first; beyond that nobody is always the last, whom somebody else's flood leaves no time.
  const live = turned(stoppable.filter(mayBeLive), desk.chance());
  const others = turned(
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

async function incidentsOf(run: Run, view: LedgerView): Promise<Outside['incidents']> {
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

async function endAll(run: Run, first: LedgerView, plan: Plan): Promise<LedgerView> {
  const what = 'not all that is due could be ended';
  return await held(tellIn(run), what, first, async () => await endPlanned(run, first, plan));
}

/** Records what needs a record first, then asks the targets, then records what they showed. */
async function endPlanned(run: Run, first: LedgerView, plan: Plan): Promise<LedgerView> {
  const { desk, executor } = run;
  const { end, drop, view } = await recordEndings(run, first, plan);
  run.drops.push(...drop.map(({ id }) => plain('stop', id, 'stopped before it began')));
  if (end.length === 0) return view;
  for (const { id } of end) run.taken.add(id);
  const recorder = outcomeRecorder(desk, executor, view, tellIn(run));
  const steps = new Map<RequestId, RunStep>();
  const errands = end.map((ending) => ({ ...ending, record: recordNow(view, ending) }));
  const left = await askTargets(desk, run.round, lanesOf(desk.providers, errands), async (ending) => {
    desk.progress(`revoking ${ending.id} on ${ending.record.grant?.target ?? ''}`);
    const outcome = await revokeAtTarget(desk, view, ending.record, run.taken);
    steps.set(ending.id, revokeStep(ending, outcome.error));
    await held(tellIn(run), UNRECORDED, undefined, async () => await recorder.note({ ending, outcome }));
    return outcome.error;
  });
  for (const { errand, why } of left) steps.set(errand.id, { ...revokeStep(errand, why), result: 'skipped' });
  run.revokes.push(...end.flatMap(({ id }) => steps.get(id) ?? []));
  const last = await held(tellIn(run), UNRECORDED, view, async () => await recorder.rest());
  run.wrote ||= last !== view;
  return last;
}

const UNRECORDED = 'outcomes could not be recorded';

/** As it stands now that its ending is recorded. */
const recordNow = ({ state }: LedgerView, { id, record }: Ending): OpenRecord =>
  state.index.records.get(id) ?? record;

function revokeStep({ id, record, why }: Ending, failure: PamError | null): RunStep {
  const { grant } = record;
  const what = `${grant?.permissions.join(', ')} from ${grant?.login}: ${why}`;
  const error = failure === null ? null : reasonNote(failure);
  const target = grant?.target ?? null;
  return { action: 'revoke', id, target, result: error === null ? 'done' : 'failed', error, what };
}

interface Recorded {
  readonly end: readonly Ending[];
  readonly drop: readonly StoppedEvent[];
  readonly view: LedgerView;
}

/** Every ending that needs a record gets one; what could not be recorded is left out. */
async function recordEndings(run: Run, first: LedgerView, plan: Plan): Promise<Recorded> {
  const { desk, executor } = run;
  let planned = whatFits(plan(first, desk.clock()));
  if (planned.events.length === 0) return { ...planned, view: first };
  const recorded = await held(tellIn(run), 'endings could not be recorded', undefined, async () => {
    const { view, entry, dropped } = await appendEntry(desk, executor, first, async (newest, now) => {
      planned = whatFits(plan(newest, now));
      const { events } = planned;
      return await Promise.resolve(events.length === 0 ? null : { events, begins: true });
    });
    run.wrote ||= entry !== null;
    for (const trouble of droppedTroubles(dropped)) tellIn(run)(trouble);
    return { ...onRecord(planned, entry?.events ?? []), view };
  });
  if (recorded !== undefined) return recorded;
  const { end } = plan(first, desk.clock());
  // Without a record only the recorded end itself is a cause to act on (DESIGN rule 4).
  return { end: end.filter(restsOnItsEnd), drop: [], view: first };
}

/** Access that must end comes first; what does not fit waits for the next run, and is not acted on in this one. */
function whatFits({ end, drop }: ReturnType<Plan>): ReturnType<Plan> & {
  readonly events: readonly LedgerEvent[];
} {
  const wanted: readonly LedgerEvent[] = [...end.flatMap(({ event }) => event ?? []), ...drop];
  const fitting = new Set(thatFit(wanted));
  return {
    end: end.filter(({ event }) => event === null || fitting.has(event)),
    drop: drop.filter((event) => fitting.has(event)),
    events: [...fitting],
  };
}

/** What did not get its record is not acted on. */
function onRecord({ end, drop }: ReturnType<Plan>, events: readonly LedgerEvent[]): ReturnType<Plan> {
  const written = new Set(events);
  return {
    end: end.filter((one) => (one.event !== null && written.has(one.event)) || restsOnItsEnd(one)),
    drop: drop.filter((event) => written.has(event)),
  };
}

const restsOnItsEnd = ({ event }: Ending): boolean =>
  event === null || (event.type === 'ending' && event.cause === 'expired');

async function leaveTrace(run: Run, view: LedgerView): Promise<LedgerView> {
  if (run.desk.interrupted()) return view;
  const { desk, executor, wrote } = run;
  return await held(tellIn(run), 'that this sweep ran could not be recorded', view, async () => {
    return await recordBeat(desk, executor, view, wrote);
  });
}
