/** One sweep: what it may touch, what it took up, what it has to tell; and what must end, by whichever state and facts. */
import type { Reason } from '../../model/decision.ts';
import type { IncidentState } from '../../model/incident.ts';
import type { Instant } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import type { Signed } from '../../model/statement.ts';
import { planSweep, type SweepFacts, type SweepPlan } from '../../rules/plan-sweep.ts';
import { executesOn } from '../../rules/people.ts';
import type { Budget } from '../at-targets/ask-targets.ts';
import type { Desk, Executor } from '../desk.ts';
import type { Tell } from '../ledger/net.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import type { RunStep } from './run-result.ts';

export interface SweepScope {
  /** These targets only; empty = all that this executor may revoke on. */
  readonly targets: readonly string[];
  /** These ids only. */
  readonly ids?: ReadonlySet<RequestId>;
  /** Stops that are at hand already, wherever else they can be read. */
  readonly stops?: ReadonlyMap<RequestId, readonly Signed[]>;
  /** Milliseconds that access past its end waits for reading: objects of one grant, and those that grants share. */
  readonly patience?: { readonly own: number; readonly shared: number };
}

export interface Run {
  readonly desk: Desk;
  readonly executor: Executor;
  readonly scope: SweepScope;
  readonly budget: Budget;
  readonly troubles: Reason[];
  /** What this run took up; none of it is taken up twice. */
  readonly handled: Set<RequestId>;
  readonly drops: RunStep[];
  readonly revokes: RunStep[];
  /** It left a trace in the ledger. */
  wrote: boolean;
  /** The ledger went past the bounds of a fetch: this run saw the part of it that was here before. */
  ledgerTooLarge: boolean;
}

/** Once each: what is looked at several times in a run may be wrong each time. */
export const tellIn =
  ({ troubles }: Run): Tell =>
  ({ code, message }) => {
    if (!troubles.some((one) => one.message === message)) troubles.push({ code, ok: false, message });
  };

export const plain = (action: RunStep['action'], id: RunStep['id'], what: string): RunStep => ({
  action,
  id,
  target: null,
  result: 'done',
  error: null,
  what,
});

export type VerifiedView = Pick<LedgerView, 'state'>;

/** What has to end by this state and at this moment. */
export type Plan = (view: VerifiedView, now: Instant) => Pick<SweepPlan, 'end' | 'drop'>;

export interface SweepFindings {
  readonly stops: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly incidents: ReadonlyMap<string, IncidentState>;
}

export const NOTHING_ASKED: SweepFindings = { stops: new Map(), incidents: new Map() };

export const onItsOwn = (run: Run): Plan => withFacts(run, NOTHING_ASKED);

export const withFacts =
  (run: Run, outside: SweepFindings): Plan =>
  (view, now) => {
    const { end, drop } = planAll(run.desk, view, outside, now);
    return {
      end: end.filter(({ record }) => isMine(run, view, record)),
      drop: drop.filter(({ id }) => run.scope.ids?.has(id) ?? true),
    };
  };

export const planAll = (desk: Desk, view: VerifiedView, outside: SweepFindings, now: Instant): SweepPlan =>
  planSweep(factsOf(desk, view, outside), now);

export function factsOf(desk: Desk, { state }: VerifiedView, outside: SweepFindings): SweepFacts {
  const { root, policy, index } = state;
  return { root, policy, providers: desk.providers, index, ...outside };
}

export function isMine(
  { executor, scope, handled }: Run,
  { state: { policy } }: VerifiedView,
  one: OpenRecord,
): boolean {
  if (handled.has(one.id)) return false;
  const target = one.grant?.target ?? '';
  if (scope.targets.length > 0 && !scope.targets.includes(target)) return false;
  if (scope.ids !== undefined && !scope.ids.has(one.id)) return false;
  return executesOn(policy, executor.name, target, 'revoke') || !Object.hasOwn(policy.targets, target);
}
