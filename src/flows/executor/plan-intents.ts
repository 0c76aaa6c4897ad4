/**
 * What this try of an append would record: decided with the state and the clock of this very try, and with what the
 * targets show. Nothing is written and nothing is changed here.
 */
import type { Reason } from '../../model/decision.ts';
import { type Entry, type LedgerEvent, type ReasonNote, reasonNote } from '../../model/entry.ts';
import type { GrantingEvent } from '../../rules/events/granting.ts';
import { expected, PamError } from '../../model/error.ts';
import { earlier, type Instant, plus } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import { roleOf } from '../../rules/exact-grant.ts';
import { ACT_WITHIN_SECONDS } from '../../rules/events/record-steps.ts';
import { type ApplyPlan, planApply, type Ready } from '../../rules/plan-apply.ts';
import { executesOn } from '../../rules/people.ts';
import type { Situation } from '../../rules/situation.ts';

import { standingAccess } from '../at-targets/carry-out-grant.ts';
import type { Desk, Executor } from '../desk.ts';
import type { Freshness } from '../ledger/fetch-state.ts';
import { thatFit } from '../ledger/fit-entry.ts';
import { gather } from '../gather/gather.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import type { RunStep } from './run-result.ts';

export interface PlannedIntents {
  readonly plan: ApplyPlan;
  readonly situation: Situation;
  readonly intents: readonly GrantingEvent[];
  /** Ready by every rule, but the target could not be asked. */
  readonly failed: readonly RunStep[];
  /** What to write down, in this order. */
  readonly events: readonly LedgerEvent[];
}

export async function planIntents(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  freshness: Freshness,
  now: Instant,
  only: ReadonlySet<RequestId> | undefined,
): Promise<PlannedIntents> {
  const situation = await gather(desk, view, freshness, now, only);
  // Offline nothing can be recorded, so nothing may begin: not even a clock.
  const readOnly = desk.offline && desk.remote !== null;
  if (
    readOnly ||
    situation.main === null ||
    situation.halts.some(({ code }) => code === 'E_LED_CLOCK' || code === 'E_LED_MAIN')
  ) {
    const plan = { see: [], stop: [], refuse: [], ready: [], abandon: [], waiting: [] };
    return { plan, situation, intents: [], failed: [], events: [] };
  }
  const plan = mineOf(planApply(situation, now, only), view, executor);
  const failed: RunStep[] = [];
  const standing: { readonly ready: Ready; readonly preexisting: readonly string[] }[] = [];
  const refuse = [...plan.refuse];
  for (const ready of plan.ready) {
    if (ready.action === 'schedule') continue;
    try {
      const preexisting = await standingAccess(desk, view, ready, now);
      const refusal = standingRefusal(view, ready, preexisting);
      if (refusal === undefined) standing.push({ ready, preexisting });
      else
        refuse.push({
          type: 'refused',
          id: ready.id,
          request_sha256: ready.snapshot.requestSha256,
          reasons: [refusal],
        });
    } catch (cause) {
      const error = expected(cause);
      const { target } = ready.terms;
      failed.push({
        action: 'grant',
        id: ready.id,
        target,
        result: 'failed',
        error: reasonNote(error),
        what: `${ready.terms.permissions.join(', ')} to ${ready.terms.login}`,
      });
    }
  }
  // What does not fit waits for the next run; an intent never without the `seen` that it stands on.
  const before = thatFit([...plan.see, ...plan.stop, ...refuse, ...plan.ready.flatMap(scheduled)]);
  const left = new Set(plan.see.filter((one) => !before.includes(one)).map(({ id }) => id));
  const wanted = standing
    .filter(({ ready }) => !left.has(ready.id))
    .map(({ ready, preexisting }, at) => intentOf(view, ready, preexisting, now, before.length + at));
  const intents = thatFit(wanted);
  const events: LedgerEvent[] = [...before, ...intents];
  // Junk above our own entries: say that we were here, so that the next reader finds a head above it.
  if (events.length === 0 && view.troubles.some((one) => one.code === 'E_LED_JUNK')) {
    events.push({ type: 'heartbeat', id: '-', live: 0 });
  }
  return { plan: { ...plan, refuse }, situation, intents, failed, events };
}

/** What of the plan stands on record now: nothing else is acted on, or said to be done. */
export function recordedOf(planned: PlannedIntents, entry: Entry | null): PlannedIntents {
  const { plan } = planned;
  const events = entry?.events ?? [];
  const written = new Set<LedgerEvent>(events);
  const isWritten = (event: LedgerEvent): boolean => written.has(event);
  const isScheduled = (id: RequestId): boolean =>
    events.some((event) => event.type === 'scheduled' && event.id === id);
  return {
    ...planned,
    plan: {
      ...plan,
      see: plan.see.filter(isWritten),
      stop: plan.stop.filter(isWritten),
      refuse: plan.refuse.filter(isWritten),
      ready: plan.ready.filter(({ action, id }) => action !== 'schedule' || isScheduled(id)),
    },
    // Their handles carry the number of their place in the entry that was written.
    intents: events.filter((event) => event.type === 'granting'),
    events,
  };
}

function standingRefusal(
  view: LedgerView,
  ready: Ready,
  preexisting: readonly string[],
): ReasonNote | undefined {
  // An intent on record was judged when it was written; a refusal cannot follow it.
  if (ready.action === 'resume') return undefined;
  const role = roleOf(view.state.policy, ready.terms.role);
  if (preexisting.length === 0 || role?.may_preexist === true) return undefined;
  const { login, target } = ready.terms;
  const message = `${login} has ${preexisting.join(', ')} on ${target} already, and nothing on record explains it`;
  return { code: 'E_POL_STANDING', message };
}

function scheduled(ready: Ready): LedgerEvent[] {
  if (ready.action !== 'schedule') return [];
  return [{ type: 'scheduled', id: ready.id, evidence: evidenceOf(ready), grant: ready.terms }];
}

function intentOf(
  view: LedgerView,
  ready: Ready,
  preexisting: readonly string[],
  now: Instant,
  place: number,
): GrantingEvent {
  const first = view.state.index.records.get(ready.id)?.grant?.granting;
  return {
    type: 'granting',
    id: ready.id,
    evidence: evidenceOf(ready),
    grant: ready.terms,
    handle: first?.handle ?? { serial: (view.state.seq + 1) * 65_536 + place },
    preexisting,
    act_by: earlier(plus(now, ACT_WITHIN_SECONDS), ready.terms.end),
  };
}

function evidenceOf(ready: Ready): GrantingEvent['evidence'] {
  const { snapshot, decision } = ready;
  const recorded = snapshot.record?.grant?.evidence;
  if (recorded != null) return recorded;
  if (snapshot.statement === null)
    throw new PamError('E_BUG', `${ready.id} is approved without its statement`);
  return {
    request: snapshot.requestText,
    statement: snapshot.statement,
    approvals: decision.counted.map((one) => one.signed),
  };
}

/** What is ready on a target of another executor waits for that one. */
function mineOf(plan: ApplyPlan, { state }: LedgerView, { name }: Executor): ApplyPlan {
  const { policy, index } = state;
  const mine = (target: string | null): boolean =>
    target === null || executesOn(policy, name, target, 'grant');
  const waiting = plan.ready.flatMap(({ id, terms, decision }) => {
    if (mine(terms.target)) return [];
    const message = `${name} may not grant on ${terms.target}`;
    const reason: Reason = { code: 'E_POL_EXECUTOR', ok: false, message };
    return [
      { id, decision: { ...decision, verdict: 'pending' as const, reasons: [...decision.reasons, reason] } },
    ];
  });
  return {
    ...plan,
    // What was scheduled there is refused there, too.
    refuse: plan.refuse.filter(({ id }) => mine(index.records.get(id)?.grant?.target ?? null)),
    ready: plan.ready.filter(({ terms }) => mine(terms.target)),
    abandon: plan.abandon.filter(({ record }) => mine(record.grant?.target ?? null)),
    waiting: [...plan.waiting, ...waiting],
  };
}
