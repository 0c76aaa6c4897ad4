/**
 * `seen`: a version of a request is known to the ledger, and its clocks run. The first `seen` of the same bytes counts,
 * however often they are signed anew and whatever other bytes stood between: a requester can start no new clock by
 * signing. Entries of builds before `stopper_keys` fold as those builds folded them (DESIGN "Fields that came later").
 */
import type { EventOf, LedgerEvent, StopperKeys } from '../model/entry.ts';
import type { PamError } from '../model/error.ts';
import { dayOf, type Instant, secondsBetween } from '../model/instant.ts';
import type { Fingerprint, Sha256 } from '../model/names.ts';
import type { FirstSeen, OpenIndex, OpenRecord, SeenPart } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import { sortBytes } from '../trust/digest.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { ownersOf, stoppersOf } from './people.ts';

/** So many different refused bytes and the id is dead: it bounds what one hostile requester can make us write. */
export const MAX_REFUSED = 16;
/** So many versions of one request may be seen under one id: each stays in its record. */
export const MAX_VERSIONS = 16;

export const USED_UP = 'the id is used up: it was scheduled and then refused';
/** Refused after it was scheduled: other bytes under this id never get a new clock. */
export const isUsedUp = (record: OpenRecord | null | undefined): boolean =>
  record?.state === 'refused' && record.grant !== null;

interface SeeContext {
  readonly at: Instant;
  readonly policy: Policy;
}

/** Everybody who may stop it, with the keys that policy lists for them: names and keys sorted. */
export function stopperKeysOf(
  policy: Policy,
  on: Pick<EventOf<'seen'>, 'requester' | 'subject' | 'role'>,
): StopperKeys {
  const keysOf = (id: string): readonly Fingerprint[] => {
    const identity = Object.hasOwn(policy.people, id)
      ? policy.people[id]
      : Object.hasOwn(policy.services, id)
        ? policy.services[id]
        : undefined;
    const found = (identity?.keys ?? []).map(({ key }) => parsePublicKey(key).fingerprint);
    return [...new Set(found)].sort();
  };
  const names = sortBytes([...stoppersOf(policy, on)]);
  return Object.fromEntries(names.map((name) => [name, keysOf(name)] as const));
}

/** Each version that was seen under this id, the first `seen` of each. */
export const versionsOf = (record: OpenRecord | null | undefined): readonly FirstSeen[] =>
  record?.firsts ?? (record?.seen == null ? [] : [firstOf(record.seen)]);

/** Would one more version of it be too many? The same bytes are no new version. */
export const hasRoomFor = (record: OpenRecord | null | undefined, digest: Sha256): boolean => {
  const versions = versionsOf(record);
  return versions.length < MAX_VERSIONS || versions.some((one) => one.request_sha256 === digest);
};

function firstOf({ request_sha256, at, owners, stoppers, stopper_keys: keys }: SeenPart): FirstSeen {
  return {
    request_sha256,
    at,
    owners,
    stoppers,
    ...(keys === undefined ? {} : { stopper_keys: keys }),
  };
}

/** What `seen` makes of a record. @param wrong why it does not follow, as an error */
export function see(
  record: OpenRecord | undefined,
  event: EventOf<'seen'>,
  context: SeeContext,
  wrong: (why: string) => PamError,
): OpenRecord {
  needRoom(record, event, context, wrong);
  const { requester, subject, role, proposal, request_sha256, signature_sha256 } = event;
  const now: FirstSeen = {
    request_sha256,
    at: context.at,
    owners: ownersOf(context.policy, requester, subject),
    stoppers: [...stoppersOf(context.policy, { requester, subject, role })].sort(),
  };
  const { first, firsts } = firstSeen(record, event, now, wrong);
  return {
    id: event.id,
    state: 'seen',
    refused: record?.refused ?? [],
    seen: { ...first, signature_sha256, proposal, requester, subject, role },
    ...(firsts.length > 1 ? { firsts } : {}),
    grant: null,
    ending: null,
    final_at: null,
    attempts: 0,
  };
}

/** The first `seen` of these bytes, and of each version with it. Without `stopper_keys` every `seen` is a first one. */
function firstSeen(
  record: OpenRecord | undefined,
  event: EventOf<'seen'>,
  now: FirstSeen,
  wrong: (why: string) => PamError,
): { readonly first: FirstSeen; readonly firsts: readonly FirstSeen[] } {
  const { stopper_keys: keys } = event;
  if (keys === undefined) return { first: now, firsts: [] };
  if (!hasRoomFor(record, event.request_sha256)) throw wrong('too many versions were seen');
  const before = versionsOf(record);
  const known = before.find((one) => one.request_sha256 === event.request_sha256);
  // An earlier build may have seen them first, without keys: then these are the first keys.
  const first = { stopper_keys: keys, ...(known ?? now) };
  const firsts =
    known === undefined ? [...before, first] : before.map((one) => (one === known ? first : one));
  return { first, firsts };
}

function needRoom(
  record: OpenRecord | undefined,
  event: EventOf<'seen'>,
  { at }: SeeContext,
  wrong: (why: string) => PamError,
): void {
  const state = record?.state;
  if (state !== undefined && state !== 'unseen' && state !== 'seen' && state !== 'refused')
    throw wrong(`it is ${state}`);
  const day = dayOf(event.id);
  const age = day === undefined ? Number.NaN : secondsBetween(day, at);
  if (!(age >= -86_400 && age < 2 * 86_400)) throw wrong("the id's date is more than a day away");
  if (isUsedUp(record)) throw wrong(USED_UP);
  if (record?.refused.includes(event.request_sha256) === true) throw wrong('these bytes were refused');
  if (record !== undefined && record.refused.length >= MAX_REFUSED)
    throw wrong('too many versions were refused');
  const seen = record?.seen ?? null;
  if (seen === null) return;
  if (seen.requester !== event.requester) throw wrong(`the id belongs to ${seen.requester}`);
  const same =
    seen.request_sha256 === event.request_sha256 && seen.signature_sha256 === event.signature_sha256;
  if (same) throw wrong('it was seen already');
}

/**
 * Does any record hold `stopper_keys`? From then on a `seen` without them is junk, or an executor could start a new
 * clock by leaving them out. It is asked of `open/` alone, so that a reader who begins at a checkpoint agrees with one
 * who read every entry; when the last such record is dropped, the question begins anew.
 */
export function holdsStopperKeys(records: OpenIndex['records']): boolean {
  for (const { firsts, seen } of records.values())
    if ((firsts ?? [seen]).some((one) => one?.stopper_keys !== undefined)) return true;
  return false;
}

/** @throws the error that `wrong` makes for a `seen` without keys behind one that had them */
export function needStopperKeys(
  records: OpenIndex['records'],
  events: readonly LedgerEvent[],
  wrong: (event: EventOf<'seen'>) => PamError,
): void {
  let now: boolean | undefined;
  for (const event of events) {
    if (event.type !== 'seen') continue;
    if (event.stopper_keys !== undefined) now = true;
    else if ((now ??= holdsStopperKeys(records))) throw wrong(event);
  }
}
