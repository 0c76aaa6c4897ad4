/**
 * `open/` after an entry = `open/` before it plus its events. This is the state machine of a request: an event
 * that does not follow throws `E_LED_STEP`, and an entry with such an event is junk. Only an `apply` entry (one
 * with `main`) drops records, by its own `at`, so that every reader drops the same ones.
 */
import type { GrantingEvent, LedgerEvent, ScheduledEvent } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import { dayOf, earlier, type Instant, plus } from '../model/instant.ts';
import type { Fingerprint, RequestId, Sha256 } from '../model/names.ts';
import type { Beats, GrantPart, OpenIndex, OpenRecord } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import { sha256 } from '../trust/digest.ts';
import { claimsOf } from '../trust/statement-text.ts';
import { sameJson } from './same-json.ts';
import { MAX_REFUSED, needStopperKeys, see, stillHoldsStopperKeys } from './see-request.ts';

export interface FoldContext {
  readonly seq: number;
  readonly at: Instant;
  readonly executor: string;
  /** Fingerprint of the key that signed the entry. */
  readonly key: Fingerprint;
  readonly main: string | null;
  /** In force before the entry. */
  readonly policy: Policy;
}

export const EMPTY_INDEX: OpenIndex = { records: new Map(), beats: null };
/** No grant call starts later than this after its intent. */
export const ACT_WITHIN_SECONDS = 120;

export function foldIndex(index: OpenIndex, events: readonly LedgerEvent[], context: FoldContext): OpenIndex {
  const { policy, ...told } = context;
  const asked = JSON.stringify(told);
  const known = folded.get(events);
  if (known?.index === index && known.policy === policy && known.asked === asked) return known.after;
  const after = fold(index, events, context);
  folded.set(events, { index, policy, asked, after });
  return after;
}

/** Whoever writes an entry folds it to name the digest, and again to believe it: of the same events, the same index. */
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
  return { records, beats: foldBeats(index.beats, events, context) };
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
  if (!isAboutRequest(event)) return undefined;
  const record = step(records.get(event.id), event, place, context);
  records.set(event.id, record);
  return record;
}

/** Before this no record of these is over: so most entries look at what they change, and at nothing else. */
const knownDue = new WeakMap<OpenIndex['records'], Instant>();

function firstDue(records: OpenIndex['records']): Instant {
  let due = NEVER;
  for (const record of records.values()) due = earlier(due, overFrom(record));
  return due;
}

function foldBeats(beats: Beats | null, events: readonly LedgerEvent[], context: FoldContext): Beats | null {
  const { at, main, executor } = context;
  const policy = events.find((one) => one.type === 'policy');
  if (policy !== undefined) {
    return { apply: null, sweep: null, ...beats, policy: { seq: policy.seq, at } };
  }
  if (beats === null) return null;
  if (main !== null) return { ...beats, apply: { at, main } };
  return { ...beats, sweep: { at, executor } };
}

type RequestEvent = Exclude<LedgerEvent, { readonly type: 'genesis' | 'policy' | 'heartbeat' }>;

function isAboutRequest(event: LedgerEvent): event is RequestEvent {
  return event.id !== '-';
}

function step(
  record: OpenRecord | undefined,
  event: RequestEvent,
  place: number,
  context: FoldContext,
): OpenRecord {
  const wrong = (why: string): PamError =>
    new PamError('E_LED_STEP', `${event.type} of ${event.id} does not follow: ${why}`);
  switch (event.type) {
    case 'seen':
      return see(record, event, context, wrong);
    case 'refused':
      return refuse(
        record,
        event.id,
        event.request_sha256,
        event.reasons[0]?.message ?? '',
        context.at,
        wrong,
      );
    case 'scheduled':
      if (record?.state !== 'seen') throw wrong(`it is ${record?.state ?? 'unknown'}`);
      // Without a start ahead, an executor could keep an approval past `decide_within` and begin when it likes.
      if (event.grant.start === null || event.grant.start <= context.at) throw wrong('no start lies ahead');
      return { ...record, state: 'scheduled', grant: grantPart(record, event, context, wrong) };
    case 'granting':
      return intend(record, event, place, context, wrong);
    case 'granted':
      if (record?.state !== 'granting' || record.grant === null)
        throw wrong(`it is ${record?.state ?? 'unknown'}`);
      return { ...record, state: 'live', grant: { ...record.grant, evidence: null, receipt: event.receipt } };
    case 'failed':
      if (record?.state !== 'granting' || record.grant === null)
        throw wrong(`it is ${record?.state ?? 'unknown'}`);
      return { ...over(record, 'failed', context.at), grant: { ...record.grant, evidence: null } };
    case 'stopped':
      return stop(record, claimsOf(event.statement.text), context.at, wrong);
    case 'ending':
      return endEarly(record, event.cause, event.because, context.at, wrong);
    case 'revoked':
      if (record?.grant === undefined || record.grant === null || !mayRevoke(record, context.at)) {
        throw wrong('neither its recorded end has come nor was an ending recorded');
      }
      return { ...over(record, 'ended', context.at), grant: { ...record.grant, evidence: null } };
    case 'revoke_failed':
      if (record === undefined || !mayRevoke(record, context.at)) throw wrong('it is not to be revoked');
      return { ...record, attempts: record.attempts + 1 };
  }
}

type Wrong = (why: string) => PamError;

function refuse(
  record: OpenRecord | undefined,
  id: RequestId,
  digest: Sha256,
  because: string,
  at: Instant,
  wrong: Wrong,
): OpenRecord {
  if (record === undefined) {
    const blank = { id, seen: null, grant: null, ending: null, attempts: 0 };
    return { ...blank, state: 'unseen', refused: [digest], final_at: at };
  }
  const { state } = record;
  if (state !== 'unseen' && state !== 'seen' && state !== 'refused' && state !== 'scheduled')
    throw wrong(`it is ${state}`);
  // Other bytes under the same id (somebody else's, say) are refused without touching the request that runs. Its own
  // refusal is always possible, or so many refused others would keep it open for ever.
  const current = (state === 'seen' || state === 'scheduled') && record.seen?.request_sha256 === digest;
  if (record.refused.includes(digest) || (!current && record.refused.length >= MAX_REFUSED))
    throw wrong('it was refused already');
  const refused = [...record.refused, digest];
  if (!current) return { ...record, refused };
  // Scheduling used the id up: what was scheduled stays on record, so that no other bytes take its place.
  const grant = record.grant === null ? null : { ...record.grant, evidence: null };
  return { ...over(record, 'refused', at), refused, grant, ending: { at, cause: 'refused', because } };
}

function grantPart(
  record: OpenRecord,
  event: ScheduledEvent | GrantingEvent,
  context: FoldContext,
  wrong: Wrong,
): GrantPart {
  const { grant, evidence } = event;
  if (sha256(evidence.request) !== record.seen?.request_sha256)
    throw wrong('the request is not the one that was seen');
  if (grant.end <= context.at) throw wrong('its end has passed');
  const { at, executor, key } = context;
  return { ...grant, recorded: { at, executor, key }, evidence, granting: null, receipt: null };
}

function intend(
  record: OpenRecord | undefined,
  event: GrantingEvent,
  place: number,
  context: FoldContext,
  wrong: Wrong,
): OpenRecord {
  const state = record?.state;
  if (record === undefined || (state !== 'seen' && state !== 'scheduled' && state !== 'granting')) {
    throw wrong(`it is ${state ?? 'unknown'}`);
  }
  const part = grantPart(record, event, context, wrong);
  const last = earlier(plus(context.at, ACT_WITHIN_SECONDS), event.grant.end);
  if (event.grant.start !== null && context.at < event.grant.start) throw wrong('its start has not come');
  if (event.act_by > last || event.act_by <= context.at)
    throw wrong('act_by is not within two minutes and its end');
  const first = record.grant?.granting ?? null;
  // Until then its executor may be at the target, and only one may be.
  if (first !== null && context.at < first.act_by) throw wrong('an earlier intent may still be acted on');
  if (record.grant !== null) {
    if (event.grant.end !== record.grant.end) throw wrong('a resumed grant keeps its end');
    if (!sameJson(event.evidence, record.grant.evidence)) throw wrong('a resumed grant keeps its evidence');
  }
  if (
    first === null
      ? event.handle.serial !== context.seq * 65_536 + place
      : !sameJson(event.handle, first.handle)
  ) {
    throw wrong('the handle is not the one of its first intent');
  }
  const recorded = record.grant?.recorded ?? part.recorded;
  const { at, executor, key } = context;
  const granting = {
    // Certificates are valid from the first intent, so that reissuing gives the same times.
    at: first?.at ?? at,
    by: { at, executor, key },
    act_by: event.act_by,
    handle: event.handle,
    preexisting: event.preexisting,
  };
  return { ...record, state: 'granting', grant: { ...part, recorded, granting } };
}

function stop(
  record: OpenRecord | undefined,
  claims: { readonly signer: string; readonly because: string | null },
  at: Instant,
  wrong: Wrong,
): OpenRecord {
  const because = `${claims.signer}${claims.because === null ? '' : `: ${claims.because}`}`;
  const ending = { at, cause: 'stopped', because };
  switch (record?.state) {
    case 'seen':
    case 'refused':
    case 'scheduled':
      return { ...over(record, 'stopped', at), grant: null, ending };
    case 'granting':
    case 'live':
      return { ...record, state: 'ending', ending };
    case undefined:
    case 'unseen':
    case 'ending':
    case 'ended':
    case 'failed':
    case 'stopped':
      throw wrong(`it is ${record?.state ?? 'unknown'}`);
  }
}

function endEarly(
  record: OpenRecord | undefined,
  cause: string,
  because: string,
  at: Instant,
  wrong: Wrong,
): OpenRecord {
  const running = record?.state === 'granting' || record?.state === 'live';
  const foundAgain = cause === 'found' && (record?.state === 'ended' || record?.state === 'failed');
  if (record === undefined || !(running || foundAgain)) throw wrong(`it is ${record?.state ?? 'unknown'}`);
  if (cause === 'expired' && (record.grant === null || record.grant.end > at))
    throw wrong('its end has not come');
  return { ...record, state: 'ending', ending: { at, cause, because }, final_at: null };
}

function mayRevoke(record: OpenRecord, at: Instant): boolean {
  const running = record.state === 'granting' || record.state === 'live';
  return record.state === 'ending' || (running && record.grant !== null && record.grant.end <= at);
}

const over = (record: OpenRecord, state: OpenRecord['state'], at: Instant): OpenRecord => ({
  ...record,
  state,
  final_at: at,
});

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
