/**
 * `open/` after an entry = `open/` before it plus its events. This is the state machine of a request: an event
 * that does not follow throws `E_LED_STEP`, and an entry with such an event is junk. Only an `apply` entry (one
 * with `main`) drops records, by its own `at`, so that every reader drops the same ones.
 */
import type { LedgerEvent } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import { dayOf, earlier, type Instant, plus } from '../model/instant.ts';
import type { RequestId } from '../model/names.ts';
import type { OpenIndex, OpenRecord } from '../model/open-record.ts';
import { type Leaf, SortedMap } from '../model/sorted-map.ts';
import { type FoldContext, isAboutRequest } from './events/event-kind.ts';
import { kindOf } from './events/registry.ts';
import { foldShelves, NO_SHELVES } from './shelves/registry.ts';
import { needStopperKeys } from './see-request.ts';

type Records = SortedMap<RequestId, OpenRecord>;

export const EMPTY_INDEX: OpenIndex = { ...NO_SHELVES, records: SortedMap.of([]) };

export function foldIndex(index: OpenIndex, events: readonly LedgerEvent[], context: FoldContext): OpenIndex {
  needStopperKeys(index.records, events, keysLeftOut);
  let records = SortedMap.of(index.records);
  for (const [at, event] of events.entries()) records = stepIn(records, event, at, context);
  if (context.main !== null) records = withoutThoseOver(records, context.at);
  return { ...foldShelves(index, events, context), records };
}

function withoutThoseOver(records: Records, at: Instant): Records {
  let left = records;
  for (const leaf of records.leaves) {
    if (at < firstOver(leaf)) continue;
    for (const record of leaf.values) if (at >= overFrom(record)) left = left.without(record.id);
  }
  return left;
}

export const keysLeftOut = ({ id }: { readonly id: RequestId }): PamError =>
  new PamError('E_LED_STEP', `seen of ${id} does not follow: it leaves out who may stop it with which key`);

/** Each event with the records that it finds: those that earlier events of its own entry left, too. */
export function* recordsBefore(
  before: OpenIndex['records'],
  events: readonly LedgerEvent[],
  context: FoldContext,
): Generator<readonly [LedgerEvent, OpenIndex['records']], void, undefined> {
  let records = SortedMap.of(before);
  for (const [at, event] of events.entries()) {
    yield [event, records];
    if (at + 1 < events.length) records = stepIn(records, event, at, context);
  }
}

/**
 * What the event makes of the records.
 * @param place the number of the event in its entry, from 0
 * @throws PamError `E_LED_STEP`
 */
export function stepIn(records: Records, event: LedgerEvent, place: number, context: FoldContext): Records {
  const { step } = kindOf(event);
  if (step === undefined || !isAboutRequest(event)) return records;
  const { type, id } = event;
  const wrong = (why: string): PamError =>
    new PamError('E_LED_STEP', `${type} of ${id} does not follow: ${why}`);
  return records.with(id, step(records.get(id), event, { ...context, place, wrong }));
}

/** Before this none of these is over: so an entry looks at what it changed, and at little else. */
function firstOver(leaf: Leaf<RequestId, OpenRecord>): Instant {
  const known = knownFirst.get(leaf) ?? leaf.values.map(overFrom).reduce(earlier, NEVER);
  knownFirst.set(leaf, known);
  return known;
}

const knownFirst = new WeakMap<Leaf<RequestId, OpenRecord>, Instant>();

/** From when on nothing about it can matter: two days after the id's date and a day after its end. */
function overFrom(record: OpenRecord): Instant {
  if (record.final_at === null) return NEVER;
  const known = knownOver.get(record) ?? overSince(record, record.final_at);
  knownOver.set(record, known);
  return known;
}

/** A record never changes, and all of a leaf are asked whenever one of them does. */
const knownOver = new WeakMap<OpenRecord, Instant>();

function overSince({ id, grant }: OpenRecord, finalAt: Instant): Instant {
  const day = dayOf(id);
  const ended = grant === null ? finalAt : later(finalAt, grant.end);
  const gone = plus(ended, 86_400);
  return day === undefined ? gone : later(gone, plus(day, 3 * 86_400));
}

/** Later than any instant that a document can hold. */
const NEVER = 'never' as Instant;

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
