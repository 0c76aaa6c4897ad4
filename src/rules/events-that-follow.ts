/**
 * Which events of a draft follow (DESIGN rule 13). Readers throw away an entry with one event that does not follow, so
 * a writer leaves such an event out, and says so: one bad event must not keep the others off the ledger. Each event is
 * judged by the same functions that judge it in an entry of others, at the place that it gets.
 */
import type { Entry, LedgerEvent } from '../model/entry.ts';
import { expected, PamError } from '../model/error.ts';
import type { Fingerprint, RequestId } from '../model/names.ts';
import type { OpenRecord } from '../model/open-record.ts';
import { SortedMap } from '../model/sorted-map.ts';
import type { ChainState } from '../trust/chain-state.ts';
import type { FoldContext } from './events/event-kind.ts';
import { EVENTS, kindOf } from './events/registry.ts';
import type { SeenEvent } from './events/seen.ts';
import { keysLeftOut, stepIn } from './fold-index.ts';
import { contextOf, judgeEvent } from './follow-chain.ts';
import { needStopperKeys } from './see-request.ts';

export interface Dropped {
  readonly event: LedgerEvent;
  readonly why: PamError;
}

export interface Following {
  /** In their order; fresh handles carry the number of their new place. */
  readonly events: readonly LedgerEvent[];
  readonly dropped: readonly Dropped[];
}

type Place = Pick<Entry, 'seq' | 'at' | 'executor' | 'main'>;

/**
 * @param place what is known of the entry that they are to stand in
 * @param faultOf why no entry can hold an event as it is; `undefined` when one can
 */
export function eventsThatFollow(
  state: ChainState,
  place: Place,
  key: Fingerprint,
  drafted: readonly LedgerEvent[],
  faultOf: (event: LedgerEvent) => string | undefined,
): Following {
  const context = contextOf(state, place, key);
  let records = SortedMap.of(state.index.records);
  const events: LedgerEvent[] = [];
  const dropped: Dropped[] = [];
  const without = new Set<RequestId>();
  for (const one of drafted) {
    const event = numbered(one, records, context.seq, events.length);
    try {
      const fault = faultOf(event);
      if (fault !== undefined)
        throw new PamError('E_LED_SHAPE', `no entry can hold ${event.type} of ${event.id}: ${fault}`);
      if (EVENTS[event.type].begins === true && event.id !== '-' && without.has(event.id))
        throw new PamError('E_LED_STEP', `${event.type} of ${event.id} rests on an event that was left out`);
      records = needFollows(state, place, context, { event, events, records });
      events.push(event);
    } catch (cause) {
      const why = expected(cause);
      dropped.push({ event: one, why });
      if (one.id !== '-') without.add(one.id);
    }
  }
  return { events, dropped };
}

/** @returns the records once its step is taken. @throws PamError why it does not follow */
function needFollows(
  state: ChainState,
  place: Place,
  context: FoldContext,
  at: {
    readonly event: LedgerEvent;
    readonly events: readonly LedgerEvent[];
    readonly records: SortedMap<RequestId, OpenRecord>;
  },
): SortedMap<RequestId, OpenRecord> {
  const { event, events, records } = at;
  const before = event.id === '-' ? undefined : state.index.records.get(event.id);
  judgeEvent(state, place, event, before);
  const now = event.id === '-' ? undefined : records.get(event.id);
  kindOf(event).follows?.({ state, at: context.at, before, now }, event);
  if (event.type === 'seen') {
    const keyed = events.find((one): one is SeenEvent => one.type === 'seen' && 'stopper_keys' in one);
    needStopperKeys(
      state.index.records,
      keyed === undefined || event.stopper_keys !== undefined ? [event] : [keyed, event],
      keysLeftOut,
    );
  }
  return stepIn(records, event, events.length, context);
}

/** The handle of a first intent holds the number of its place, so it is another one when something before it is gone. */
function numbered(
  event: LedgerEvent,
  records: ReadonlyMap<RequestId, OpenRecord>,
  seq: number,
  place: number,
): LedgerEvent {
  if (event.type !== 'granting' || records.get(event.id)?.grant?.granting != null) return event;
  const serial = seq * 65_536 + place;
  return event.handle.serial === serial ? event : { ...event, handle: { ...event.handle, serial } };
}
