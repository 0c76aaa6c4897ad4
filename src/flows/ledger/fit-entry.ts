/** How much one entry holds, and what is said of events that none can hold. */
import { eventFault } from '../../documents/entry-file.ts';
import type { Reason } from '../../model/decision.ts';
import type { LedgerEvent } from '../../model/entry.ts';
import type { Dropped } from '../../rules/events-that-follow.ts';

const MOST_BYTES = 400 * 1024;
const MOST_EVENTS = 1500;

/**
 * Of these events, in their order, as many as fit into (half of) an entry; readers take no larger ones. One that is too
 * large for any entry takes no room: `appendEntry` leaves it out and says so, and the others go on.
 */
export function thatFit<T extends LedgerEvent>(events: readonly T[]): readonly T[] {
  const fitting: T[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = sizeOf(event);
    if (size <= MOST_BYTES) bytes += size;
    if (bytes > MOST_BYTES || fitting.length >= MOST_EVENTS) break;
    fitting.push(event);
  }
  return fitting;
}

/** Why no entry can hold this event as it is; `undefined` when one can. */
export function faultInEntry(event: LedgerEvent): string | undefined {
  const size = sizeOf(event);
  return size > MOST_BYTES ? `it has more than ${MOST_BYTES} bytes` : eventFault(event);
}

/** In bytes; without end where it is nested deeper than this program can follow. */
function sizeOf(event: LedgerEvent): number {
  try {
    return Buffer.byteLength(JSON.stringify(event));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** One trouble of the run for each: what was left out is never passed over in silence. */
export const droppedTroubles = (dropped: readonly Dropped[]): readonly Reason[] =>
  dropped.map(({ event, why }) => ({
    code: 'E_EVENT_DROPPED',
    ok: false,
    message: `${event.type} of ${event.id} was left out of the ledger: ${why.message} [${why.code}]`,
  }));
