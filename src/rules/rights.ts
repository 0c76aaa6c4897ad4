/** Which executor may write which event. Anything it may not write voids the whole entry. */
import type { LedgerEvent } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import type { OpenRecord } from '../model/open-record.ts';
import type { ExecutorRight, Policy } from '../model/policy.ts';

const NEEDS: Readonly<Record<LedgerEvent['type'], ExecutorRight | 'any'>> = {
  genesis: 'grant',
  policy: 'any',
  seen: 'grant',
  refused: 'grant',
  scheduled: 'grant',
  granting: 'grant',
  granted: 'grant',
  failed: 'grant',
  stopped: 'any',
  ending: 'any',
  revoked: 'revoke',
  revoke_failed: 'revoke',
  heartbeat: 'any',
};

export function executesOn(policy: Policy, executor: string, target: string, right: ExecutorRight): boolean {
  const executes = Object.hasOwn(policy.services, executor) ? policy.services[executor]?.executes : undefined;
  if (executes === undefined || !executes.may.includes(right)) return false;
  return executes.targets.includes('*') || executes.targets.includes(target);
}

/** Throws `E_LED_KIND` unless the executor may write this event, on this target where one is concerned. */
export function judgeRight(
  policy: Policy,
  executor: string,
  event: LedgerEvent,
  record: OpenRecord | undefined,
): void {
  const rights = Object.hasOwn(policy.services, executor) ? policy.services[executor]?.executes : undefined;
  const needs = NEEDS[event.type];
  const refuse = (): never => {
    throw new PamError('E_LED_KIND', `${executor} may not write ${event.type}`);
  };
  if (rights === undefined || rights.may.length === 0) return refuse();
  if (needs === 'any') return;
  if (!rights.may.includes(needs)) return refuse();
  const target = 'grant' in event ? event.grant.target : record?.grant?.target;
  if (target === undefined || rights.targets.includes('*')) return;
  // A target that policy no longer knows can be cleaned up by anyone who may revoke at all.
  const gone = needs === 'revoke' && !Object.hasOwn(policy.targets, target);
  if (!gone && !rights.targets.includes(target)) refuse();
}

export function mayWriteTogether(events: readonly LedgerEvent[]): boolean {
  const alone = events.some((one) => one.type === 'genesis' || one.type === 'policy');
  return !alone || events.length === 1;
}
