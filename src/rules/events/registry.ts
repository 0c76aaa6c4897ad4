/** Every event that a ledger may hold. One more is a file beside this one and a line here. */
import type { EventType, LedgerEvent } from '../../model/entry.ts';
import { ending } from './ending.ts';
import type { EventKind } from './event-kind.ts';
import { failed } from './failed.ts';
import { genesis } from './genesis.ts';
import { granted } from './granted.ts';
import { granting } from './granting.ts';
import { heartbeat } from './heartbeat.ts';
import { policy } from './policy.ts';
import { refused } from './refused.ts';
import { revokeFailed } from './revoke-failed.ts';
import { revoked } from './revoked.ts';
import { scheduled } from './scheduled.ts';
import { seen } from './seen.ts';
import { stopped } from './stopped.ts';

export const EVENTS: { readonly [T in EventType]: EventKind<T> } = {
  genesis,
  policy,
  seen,
  refused,
  scheduled,
  granting,
  granted,
  failed,
  stopped,
  ending,
  revoked,
  revoke_failed: revokeFailed,
  heartbeat,
};

/** The kind of this very event, so that its functions take it. */
export const kindOf = <T extends EventType>(event: LedgerEvent & { readonly type: T }): EventKind<T> =>
  EVENTS[event.type];
