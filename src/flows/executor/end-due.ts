/** Ending what is due: recorded first where that can be, then done at the targets, then what they showed is recorded. */
import { type LedgerEvent, reasonNote } from '../../model/entry.ts';
import type { StoppedEvent } from '../../rules/events/stopped.ts';
import type { PamError } from '../../model/error.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { queuesOf } from '../../rules/queue-by-system.ts';
import type { Ending } from '../../rules/plan-sweep.ts';
import { appendEntry } from '../ledger/append-entry.ts';
import { askTargets } from '../at-targets/ask-targets.ts';
import { revokeAtTarget } from '../at-targets/carry-out-revoke.ts';
import { droppedTroubles, thatFit } from '../ledger/fit-entry.ts';
import { held } from '../ledger/net.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { type Done, outcomeRecorder } from './record-outcomes.ts';
import type { RunStep } from './run-result.ts';
import { type Plan, plain, type Run, tellIn, type VerifiedView } from './sweep-run.ts';

export const NOT_ALL = 'not all that is due could be ended';

export async function endAll(run: Run, first: LedgerView, plan: Plan): Promise<LedgerView> {
  return await held(tellIn(run), NOT_ALL, first, async () => await endPlanned(run, first, plan));
}

/** Records what needs a record first, then asks the targets, then records what they showed. */
async function endPlanned(run: Run, first: LedgerView, plan: Plan): Promise<LedgerView> {
  const { desk, executor } = run;
  const { end, drop, view } = await recordEndings(run, first, plan);
  run.drops.push(...drop.map(({ id }) => plain('stop', id, 'stopped before it began')));
  if (end.length === 0) return view;
  const recorder = outcomeRecorder(desk, executor, view, tellIn(run));
  await endAtTargets(run, view, end, async (done) => {
    await held(tellIn(run), UNRECORDED, undefined, async () => await recorder.note(done));
  });
  const last = await held(tellIn(run), UNRECORDED, view, async () => await recorder.rest());
  run.wrote ||= last !== view;
  return last;
}

/** @param heard is given each outcome as it comes */
export async function endAtTargets(
  run: Run,
  view: VerifiedView,
  end: readonly Ending[],
  heard: (done: Done) => Promise<void>,
): Promise<void> {
  const { desk } = run;
  for (const { id } of end) run.handled.add(id);
  const steps = new Map<RequestId, RunStep>();
  const questions = end.map((ending) => ({ ...ending, record: recordNow(view, ending) }));
  const left = await askTargets(desk, run.budget, queuesOf(desk.providers, questions), async (ending) => {
    desk.progress(`revoking ${ending.id} on ${ending.record.grant?.target ?? ''}`);
    const outcome = await revokeAtTarget(desk, view, ending.record, run.handled);
    steps.set(ending.id, revokeStep(ending, outcome.error));
    await heard({ ending, outcome });
    return outcome.error;
  });
  for (const { question, why } of left)
    steps.set(question.id, { ...revokeStep(question, why), result: 'skipped' });
  run.revokes.push(...end.flatMap(({ id }) => steps.get(id) ?? []));
}

export const UNRECORDED = 'outcomes could not be recorded';

/** As it stands now that its ending is recorded. */
const recordNow = ({ state }: VerifiedView, { id, record }: Ending): OpenRecord =>
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

/** Every ending that needs a record gets one; an event that no entry takes is left out. */
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
  // A pusher can keep the ledger from taking an entry (a fork, a branch below its name). Then what has to end ends all
  // the same, rule 6 over rule 4: a stop is its signer's own record, and the entry follows once one can be written.
  return { end: plan(first, desk.clock()).end, drop: [], view: first };
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

/** Its end is on the ledger, and no other grant can need the same object. */
export const needsNoRecord = ({ event }: Ending): boolean => event === null;

export const restsOnItsEnd = ({ event }: Ending): boolean =>
  event === null || (event.type === 'ending' && event.cause === 'expired');
