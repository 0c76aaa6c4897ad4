/** What `apply` and `sweep` would do now, without doing any of it: both planners over one verified state. */
import type { Reason } from '../../model/decision.ts';
import type { Instant } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import { mayBeLive } from '../../model/open-record.ts';
import { type ApplyPlan, planApply } from '../../rules/plan-apply.ts';
import { planSweep, stopsNotTaken } from '../../rules/plan-sweep.ts';
import type { Desk } from '../desk.ts';
import { aboutAll } from '../gather/about.ts';
import { gather, incidentStates } from '../gather/gather.ts';
import { freshLedger } from '../gather/look-at-request.ts';

export interface PlanStep {
  readonly action: 'grant' | 'revoke' | 'schedule' | 'refuse';
  readonly id: RequestId;
  readonly subject: string | null;
  readonly target: string | null;
  readonly permissions: readonly string[];
  readonly until: string | null;
  readonly why: string;
}

export interface Planned {
  readonly steps: readonly PlanStep[];
  readonly troubles: readonly Reason[];
  /** Requests that wait, with why. */
  readonly waiting: ApplyPlan['waiting'];
  /** The instant that it was planned at. */
  readonly now: Instant;
}

export async function planRun(desk: Desk, only?: ReadonlySet<RequestId>): Promise<Planned> {
  const { view, freshness } = await freshLedger(desk, aboutAll);
  const now = desk.clock();
  const situation = await gather(desk, view, freshness, now, only);
  const apply = planApply(situation, now, only);
  const { root, policy, index } = view.state;
  const running = [...index.records.values()].filter(mayBeLive);
  const named = running.flatMap(({ grant }) => grant?.incident ?? []);
  const incidents = await incidentStates(desk, view, situation.main ?? undefined, named);
  const stops = situation.stops;
  const facts = { root, policy, providers: desk.providers, index, stops, incidents };
  const sweep = planSweep(facts, now);
  const steps: PlanStep[] = [];
  for (const { id, action, terms } of apply.ready) {
    const { subject, target, permissions, end, approvers } = terms;
    const why = `approved by ${approvers.join(', ')}`;
    steps.push({
      action: action === 'schedule' ? 'schedule' : 'grant',
      id,
      subject,
      target,
      permissions,
      until: end,
      why,
    });
  }
  for (const { id, reasons } of apply.refuse) {
    const why = reasons.map(({ message }) => message).join('; ');
    steps.push({ action: 'refuse', id, subject: null, target: null, permissions: [], until: null, why });
  }
  for (const { id, record, why } of sweep.end) {
    if (only !== undefined && !only.has(id)) continue;
    const { grant } = record;
    steps.push({
      action: 'revoke',
      id,
      subject: grant?.subject ?? null,
      target: grant?.target ?? null,
      permissions: grant?.permissions ?? [],
      until: grant?.end ?? null,
      why,
    });
  }
  for (const { record } of apply.abandon) {
    const { grant, id } = record;
    const why = 'an intent without outcome whose evidence no longer holds';
    const { subject = null, target = null, permissions = [], end: until = null } = grant ?? {};
    steps.push({ action: 'revoke', id, subject, target, permissions, until, why });
  }
  const key = (step: PlanStep): string => `${step.until ?? ''} ${step.target ?? ''} ${step.id}`;
  const troubles = [...situation.halts, ...situation.unread, ...stopsNotTaken(facts, now)];
  return { steps: steps.sort((a, b) => (key(a) < key(b) ? -1 : 1)), waiting: apply.waiting, troubles, now };
}
