/** Which executor may write which event. Anything it may not write voids the whole entry. */
import type { LedgerEvent } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import type { OpenRecord } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import { EVENTS } from './events/registry.ts';

/** Throws `E_LED_KIND` unless the executor may write this event, on this target where one is concerned. */
export function judgeRight(
  policy: Policy,
  executor: string,
  event: LedgerEvent,
  record: OpenRecord | undefined,
): void {
  const rights = Object.hasOwn(policy.services, executor) ? policy.services[executor]?.executes : undefined;
  const needs = EVENTS[event.type].right;
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
  const alone = events.some(({ type }) => EVENTS[type].entry === 'alone');
  return !alone || events.length === 1;
}
