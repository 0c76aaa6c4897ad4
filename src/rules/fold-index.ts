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
import type { Policy } from '../model/policy.ts';
import { type FoldContext, isAboutRequest } from './events/event-kind.ts';
import { kindOf } from './events/registry.ts';
import { foldShelves, NO_SHELVES } from './shelves/registry.ts';
import { needStopperKeys, stillHoldsStopperKeys } from './see-request.ts';

export const EMPTY_INDEX: OpenIndex = { ...NO_SHELVES, records: new Map() };

export function foldIndex(index: OpenIndex, events: readonly LedgerEvent[], context: FoldContext): OpenIndex {
  const { policy, ...told } = context;
  const asked = JSON.stringify(told);
  const known = folded.get(events);
  if (known?.index === index && known.policy === policy && known.asked === asked) return known.after;
  const after = fold(index, events, context);
  folded.set(events, { index, policy, asked, after });
  return after;
}

/** The writer of an entry folds it twice, to name the digest and to believe it: of the same events, the same index. */
const folded = new WeakMap<
  readonly LedgerEvent[],
  {
    readonly index: OpenIndex;
    readonly policy: Policy;
    readonly asked: string;
    readonly after: OpenIndex;
  }
>();

function fold(index: OpenIndex, events: readonly LedgerEvent[], context: FoldContext): OpenIndex {
  needStopperKeys(index.records, events, keysLeftOut);
  const records = new Map(index.records);
  let due = knownDue.get(index.records) ?? firstDue(index.records);
  events.forEach((event, at) => {
    const record = stepIn(records, event, at, context);
    if (record !== undefined) due = earlier(due, overFrom(record));
  });
  if (context.main !== null && context.at >= due) {
    for (const [id, record] of records) if (context.at >= overFrom(record)) records.delete(id);
    due = firstDue(records);
  } else {
    stillHoldsStopperKeys(index.records, events, records);
  }
  knownDue.set(records, due);
  return { ...foldShelves(index, events, context), records };
}

export const keysLeftOut = ({ id }: { readonly id: RequestId }): PamError =>
  new PamError('E_LED_STEP', `seen of ${id} does not follow: it leaves out who may stop it with which key`);

/**
 * Each event with the records that it finds: those that earlier events of its own entry left, too. It is one map, which
 * changes with the next event.
 */
export function* recordsBefore(
  records: OpenIndex['records'],
  events: readonly LedgerEvent[],
  context: FoldContext,
): Generator<readonly [LedgerEvent, OpenIndex['records']], void, undefined> {
  let changed: Map<RequestId, OpenRecord> | undefined;
  for (const [at, event] of events.entries()) {
    const last = events[at - 1];
    if (last !== undefined) stepIn((changed ??= new Map(records)), last, at - 1, context);
    yield [event, changed ?? records];
  }
}

/**
 * @param place the number of the event in its entry, from 0
 * @returns what the event made of its record, if it is about one
 * @throws PamError `E_LED_STEP`; the records are as they were then
 */
export function stepIn(
  records: Map<RequestId, OpenRecord>,
  event: LedgerEvent,
  place: number,
  context: FoldContext,
): OpenRecord | undefined {
  const { step } = kindOf(event);
  if (step === undefined || !isAboutRequest(event)) return undefined;
  const { type, id } = event;
  const wrong = (why: string): PamError =>
    new PamError('E_LED_STEP', `${type} of ${id} does not follow: ${why}`);
  const record = step(records.get(id), event, { ...context, place, wrong });
  records.set(id, record);
  return record;
}

/** Before this no record of these is over: so most entries look at what they change, and at nothing else. */
const knownDue = new WeakMap<OpenIndex['records'], Instant>();

function firstDue(records: OpenIndex['records']): Instant {
  let due = NEVER;
  for (const record of records.values()) due = earlier(due, overFrom(record));
  return due;
}

/** From when on nothing about it can matter: two days after the id's date and a day after its end. */
function overFrom(record: OpenRecord): Instant {
  if (record.final_at === null) return NEVER;
  const known = knownOver.get(record) ?? overSince(record, record.final_at);
  knownOver.set(record, known);
  return known;
}

/** A record never changes, and all are asked whenever one of them goes. */
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
