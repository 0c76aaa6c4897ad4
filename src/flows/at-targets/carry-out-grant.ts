/**
 * From a recorded intent to an outcome: ask the target to grant, read back, and believe only what was read back.
 * A crash anywhere in here leaves a recorded intent, never an unrecorded grant.
 */
import { eventFault } from '../../documents/entry-file.ts';
import { type Receipt, reasonNote } from '../../model/entry.ts';
import type { FailedEvent } from '../../rules/events/failed.ts';
import type { GrantedEvent } from '../../rules/events/granted.ts';
import type { GrantingEvent } from '../../rules/events/granting.ts';
import { EXIT, Interrupted, PamError } from '../../model/error.ts';
import { type Instant, secondsBetween } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { accessOf, isExplained } from '../../rules/still-needed.ts';
import type { Ready } from '../../rules/plan-apply.ts';
import type { Desk } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { revokeAtTarget } from './carry-out-revoke.ts';
import { LONGEST_CALL_SECONDS, openTarget, orderOf } from './target-desk.ts';

export type Outcome =
  | { readonly event: GrantedEvent; readonly error: null }
  /** `event` is null when not even absence could be shown: the intent stays, and the next run asks again. */
  | { readonly event: FailedEvent | null; readonly error: PamError };

/**
 * What the subject has already, before an intent is written; throws when the target cannot say, or lacks what the grant
 * needs to work.
 */
export async function standingAccess(
  desk: Desk,
  view: LedgerView,
  ready: Ready,
  now: Instant,
): Promise<readonly string[]> {
  const { provider, session } = await openTarget(desk, ready.terms);
  await session.verifyIdentity();
  const recorded = view.state.index.records.get(ready.id)?.grant?.granting;
  if (recorded != null) return recorded.preexisting;
  await session.checkOrder?.(orderOf(ready.id, ready.terms, now));
  if (provider.objects === 'own') return [];
  const shown = await session.inspect(orderOf(ready.id, ready.terms, now));
  if (shown.state === 'unknown') {
    throw new PamError(
      'E_PRV_UNKNOWN',
      `${ready.terms.target} cannot say what ${ready.terms.login} has: ${shown.why}`,
    );
  }
  if (shown.state === 'absent') return [];
  return shown.which.filter(
    (permission) =>
      !isExplained(desk.providers, view.state.index, accessOf(ready.terms, permission), ready.id),
  );
}

export async function carryOutGrant(desk: Desk, view: LedgerView, intent: GrantingEvent): Promise<Outcome> {
  const record = view.state.index.records.get(intent.id);
  if (record?.grant == null) throw new PamError('E_BUG', `no intent is recorded for ${intent.id}`);
  try {
    const receipt = await grantAtTarget(desk, record, intent.act_by);
    return { event: grantedEvent(intent, receipt), error: null };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    if (error instanceof PamError && error.code === 'E_PRV_TOO_LATE') return { event: null, error };
    // One broken provider must not keep the other outcomes of this run off the ledger.
    const cause =
      error instanceof PamError
        ? error
        : new PamError('E_PRV', `granting ${intent.id} failed`, { cause: error, exit: EXIT.failed });
    return await undo(desk, view, record, cause);
  }
}

/** Throws `E_PRV_RECEIPT` where the target gave what no entry can hold. */
function grantedEvent({ id, grant: { target } }: GrantingEvent, receipt: Receipt): GrantedEvent {
  const event: GrantedEvent = { type: 'granted', id, receipt };
  const fault = eventFault(event);
  if (fault === undefined) return event;
  throw new PamError('E_PRV_RECEIPT', `${target} gave a receipt that no entry can hold: ${fault}`);
}

/** The call must start before `act_by` and be over by then. */
async function grantAtTarget(desk: Desk, record: OpenRecord, actBy: Instant): Promise<Receipt> {
  const { grant } = record;
  if (grant === null) throw new PamError('E_BUG', `${record.id} has no grant`);
  const { session } = await openTarget(desk, grant);
  const now = desk.clock();
  const left = secondsBetween(now, actBy);
  if (left <= 0) throw new PamError('E_PRV_TOO_LATE', `the time to act on ${record.id} ended at ${actBy}`);
  const order = orderOf(record.id, grant, now, Math.min(left, LONGEST_CALL_SECONDS));
  // It was so before the intent; what is missing by now makes it fail instead of giving what does not work.
  await session.checkOrder?.(order);
  const receipt = await session.grant(order);
  const shown = await session.inspect({ ...order, receipt, now: desk.clock() });
  const missing =
    shown.state === 'present'
      ? order.permissions.filter((one) => !shown.which.includes(one))
      : order.permissions;
  if (missing.length > 0) {
    throw new PamError('E_PRV_READBACK', `${grant.target} said yes, but ${missing.join(', ')} is not there`);
  }
  return receipt;
}

/** A grant that did not work out is taken back; only when the target shows nothing is it `failed`. */
async function undo(desk: Desk, view: LedgerView, record: OpenRecord, cause: PamError): Promise<Outcome> {
  const gone = await revokeAtTarget(desk, view, record, new Set([record.id]));
  if (gone.error !== null) return { event: null, error: cause };
  return {
    event: { type: 'failed', id: record.id, error: reasonNote(cause) },
    error: cause,
  };
}

/** An intent that may no longer be finished: make sure that nothing is there, then say so. */
export async function abandonIntent(desk: Desk, view: LedgerView, record: OpenRecord): Promise<Outcome> {
  return await undo(
    desk,
    view,
    record,
    new PamError('E_PRV_ABANDONED', 'the intent had no outcome and its evidence no longer holds'),
  );
}

/** Outcomes that still fit the ledger: an executor that finds its id ending or over has to revoke instead. */
export function stillGranting(view: LedgerView, id: RequestId): boolean {
  return view.state.index.records.get(id)?.state === 'granting';
}
