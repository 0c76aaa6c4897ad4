/**
 * Apply: gather -> decide -> plan -> record the intents -> ask the targets -> record the outcomes. The ledger
 * moves twice at the most; between the two every grant that may exist is on record.
 */
import type { Reason } from '../../model/decision.ts';
import { reasonNote } from '../../model/entry.ts';
import { PamError } from '../../model/error.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import type { Policy } from '../../model/policy.ts';
import { stopsNotTaken } from '../../rules/plan-sweep.ts';
import { type OpenNotice, waitingNotices } from '../../rules/notices/open-notices.ts';
import type { Situation } from '../../rules/situation.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { type Appended, appendEntry, orderedClock } from '../ledger/append-entry.ts';
import { abandonIntent, carryOutGrant, type Outcome, stillGranting } from '../at-targets/carry-out-grant.ts';
import type { Desk, Executor } from '../desk.ts';
import { aboutAll } from '../gather/about.ts';
import { fetchState } from '../ledger/fetch-state.ts';
import { headFromHere } from '../ledger/kept-head.ts';
import { droppedTroubles, thatFit } from '../ledger/fit-entry.ts';
import { type PlannedIntents, planIntents, recordedOf } from './plan-intents.ts';
import { type LedgerView, readLedger } from '../ledger/read-ledger.ts';
import { type Courier, tellingPeople } from '../notices/tell-people.ts';
import { prepareTargets } from '../at-targets/prepare-targets.ts';
import { recordPolicy } from './record-policy.ts';
import { CUT_SHORT, type RunResult, type RunStep } from './run-result.ts';
import { takeBack } from '../at-targets/take-back.ts';
import { beingGranted, policyStep, recordedSteps, settledStep } from './tell-apply.ts';

/** @param courier when this run waits for what it tells people */
export async function apply(
  desk: Desk,
  executor: Executor,
  only?: ReadonlySet<RequestId>,
  courier?: Courier,
): Promise<RunResult> {
  return await tellingPeople(desk, executor, courier, async (heard) => {
    const { result, state, situation } = await applyQuietly(heard, executor, only);
    const now = desk.clock();
    const open = (): readonly OpenNotice[] =>
      situation === null ? [] : waitingNotices(situation, state, executor.name, now);
    return { result, leaves: { state, situation, open } };
  });
}

async function applyQuietly(
  desk: Desk,
  executor: Executor,
  only: ReadonlySet<RequestId> | undefined,
): Promise<Applied> {
  const known = await headFromHere(desk, executor);
  const freshness = await fetchState(desk, aboutAll(known?.state, desk.clock()));
  const read = await readLedger(desk, executor, known);
  const { view: start, recorded } = await recordPolicy(desk, executor, read);
  needGrantRight(start.state.policy, executor);
  const steps: RunStep[] = recorded === null ? [] : [policyStep(recorded)];
  let wanted: PlannedIntents | undefined;
  const { view, entry, dropped } = await appendEntry(desk, executor, start, async (now, clock) => {
    if (desk.interrupted()) return null;
    const at = orderedClock(now, clock);
    wanted = await planIntents(desk, executor, now, freshness, at, only);
    const { events, situation } = wanted;
    return events.length === 0 || situation.main === null
      ? null
      : { events, main: situation.main, at, begins: true };
  });
  if (desk.interrupted() && entry === null)
    return { state: view.state, situation: null, result: cutShort(view, steps, []) };
  if (wanted === undefined) throw new PamError('E_BUG', 'nothing was planned');
  const planned = recordedOf(wanted, entry);
  const { plan, situation, failed } = planned;
  const applied = ({ state }: LedgerView, result: RunResult): Applied => ({ state, situation, result });
  const unknown = [...(only ?? [])].find(
    (id) => !situation.candidates.some((one) => one.id === id) && !view.state.index.records.has(id),
  );
  if (unknown !== undefined) {
    throw new PamError('E_ID_UNKNOWN', `there is no request ${unknown}`, {
      hint: '`pam status` lists what is open',
    });
  }
  steps.push(...failed, ...recordedSteps(planned));
  const outcomes = await carryOut(desk, view, planned);
  const told = await recordOutcomes(desk, executor, view, planned, outcomes);
  // Its intent stays on record, and the next run finishes it.
  const open = new Set(told.dropped.map(({ event }) => event.id));
  const granted = grantedIn(view, outcomes).filter(({ id }) => !open.has(id));
  const back = await takeBack(desk, executor, told.view, granted);
  const { view: last, overtaken } = back;
  for (const { id, target, outcome, what } of outcomes) {
    const failure = outcome.error ?? overtaken.get(id) ?? null;
    const error = failure === null ? null : reasonNote(failure);
    steps.push({ action: 'grant', id, target, result: error === null ? 'done' : 'failed', error, what });
  }
  for (const id of only ?? beingGranted(last))
    if (!steps.some((one) => one.id === id)) steps.push(...settledStep(last, id));
  const left = droppedTroubles([...dropped, ...told.dropped, ...back.dropped]);
  const troubles = [...situation.halts, ...situation.unread, ...untakenStops(desk, last, situation), ...left];
  await prepareTargets(desk, executor, last.state, (one) => troubles.push({ ...one, ok: false }));
  if (desk.interrupted()) return applied(last, cutShort(last, steps, troubles));
  const { seq, head } = last.state;
  return applied(last, { steps, ledger: { seq, head }, waiting: plan.waiting, troubles });
}

interface Applied {
  readonly result: RunResult;
  readonly state: ChainState;
  /** `null`: it was interrupted before it had planned anything. */
  readonly situation: Situation | null;
}

/** By the state that this run leaves behind: what it recorded needs no word. */
function untakenStops(desk: Desk, { state }: LedgerView, { stops, incidents }: Situation): readonly Reason[] {
  const { root, policy, index } = state;
  return stopsNotTaken({ root, policy, providers: desk.providers, index, stops, incidents }, desk.clock());
}

/** What was begun is recorded by now; nothing else was. */
const cutShort = (
  { state: { seq, head } }: LedgerView,
  steps: readonly RunStep[],
  troubles: readonly Reason[],
): RunResult => ({ steps, ledger: { seq, head }, waiting: [], troubles: [...troubles, CUT_SHORT] });

interface Granted {
  readonly id: RequestId;
  readonly target: string;
  readonly outcome: Outcome;
  readonly what: string;
}

async function carryOut(
  desk: Desk,
  view: LedgerView,
  { plan, intents }: PlannedIntents,
): Promise<readonly Granted[]> {
  const done: Granted[] = [];
  for (const intent of intents) {
    if (desk.interrupted()) break;
    const { grant } = intent;
    desk.progress(`granting ${intent.id} on ${grant.target}`);
    const what = `${grant.permissions.join(', ')} to ${grant.login} until ${grant.end}, approved by ${grant.approvers.join(', ')}`;
    done.push({
      id: intent.id,
      target: grant.target,
      outcome: await carryOutGrant(desk, view, intent),
      what,
    });
  }
  for (const { record } of plan.abandon) {
    if (desk.interrupted()) break;
    const outcome = await abandonIntent(desk, view, record);
    done.push({ id: record.id, target: record.grant?.target ?? '', outcome, what: 'abandoned' });
  }
  return done;
}

async function recordOutcomes(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  { situation: { main } }: PlannedIntents,
  outcomes: readonly Granted[],
): Promise<Pick<Appended, 'view' | 'dropped'>> {
  if (main === null || outcomes.every(({ outcome }) => outcome.event === null)) return { view, dropped: [] };
  let last = view;
  let left: Appended['dropped'] = [];
  // What was written is no longer being granted, so each round has less to write.
  for (let wrote = true; wrote; ) {
    const {
      view: after,
      entry,
      dropped,
    } = await appendEntry(desk, executor, last, async (now, clock) => {
      const all = outcomes.flatMap(({ id, outcome }) =>
        outcome.event !== null && stillGranting(now, id) ? [outcome.event] : [],
      );
      const events = thatFit(all);
      return events.length === 0 ? null : { events, main, at: orderedClock(now, clock) };
    });
    last = after;
    // What is left out is drafted in each round again, and left out again.
    left = dropped;
    wrote = entry !== null;
  }
  return { view: last, dropped: left };
}

/** What this run saw granted, as it stood when the intents were recorded. */
function grantedIn(view: LedgerView, outcomes: readonly Granted[]): readonly OpenRecord[] {
  return outcomes.flatMap(({ id, outcome }) => {
    const record = view.state.index.records.get(id);
    return outcome.event?.type === 'granted' && record !== undefined ? [record] : [];
  });
}

function needGrantRight(policy: Policy, { name }: Executor): void {
  const executes = Object.hasOwn(policy.services, name) ? policy.services[name]?.executes : undefined;
  if (executes?.may.includes('grant') === true) return;
  throw new PamError('E_POL_EXECUTOR', `${name} may not grant`, {
    hint: 'policy/people.yaml says what an executor may; `pam sweep` only needs `revoke`',
  });
}
