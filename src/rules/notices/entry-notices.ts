/**
 * What one entry of the ledger is worth telling; each event says it in its own file (`rules/events/`). Pure: the state before and after the
 * entry, and what the run that wrote it knows of requests, which no entry holds. Only a run that wrote an entry asks, so a walk
 * over old entries tells nothing.
 */
import type { Entry, LedgerEvent } from '../../model/entry.ts';
import { expected } from '../../model/error.ts';
import type { Notice } from '../../model/notice.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import type { Request } from '../../model/request.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { isAboutRequest } from '../events/event-kind.ts';
import { kindOf } from '../events/registry.ts';
import type { Situation } from '../situation.ts';
import { aboutGrant, aboutSeen, blankNotice, waitingNotice } from './notice-about.ts';

export interface WrittenEntry {
  readonly before: ChainState;
  readonly after: ChainState;
  readonly entry: Entry;
}

export interface KnownRequests {
  /** What `apply` gathered; `null`: a sweep reads no request. */
  readonly situation: Situation | null;
  readonly readRequest: (bytes: string, id: string) => Request;
}

/** In the order of the entry; `left_out` is 0. */
export function noticesOfEntry(written: WrittenEntry, known: KnownRequests): readonly Notice[] {
  const { events } = written.entry;
  const last = new Map(events.map((event, at) => [event.id, at]));
  // Seen and granted, or refused, in one entry: nothing of it waits for people any more.
  const telling = events.filter((event, at) => event.type !== 'seen' || last.get(event.id) === at);
  return telling.flatMap((event) => noticeOf(written, event, known) ?? []);
}

function noticeOf(written: WrittenEntry, event: LedgerEvent, known: KnownRequests): Notice | undefined {
  const { before, after, entry } = written;
  const id = isAboutRequest(event) ? event.id : null;
  const was = id === null ? undefined : before.index.records.get(id);
  const is = id === null ? undefined : after.index.records.get(id);
  const words = (): string | null => wordsOf(was, known);
  const told = kindOf(event).notice?.(event, { at: entry.at, before: was, after: is, words });
  if (told === undefined) return undefined;
  if (event.type === 'seen' && is !== undefined) return openedNotice(written, is, known.situation);
  const about = is ?? was;
  return {
    ...blankNotice(after, entry.at, told.event),
    ...(about?.seen == null ? {} : aboutSeen(after.policy, about.id, about.seen)),
    ...(about?.grant == null ? {} : aboutGrant(after.policy, about.grant)),
    id,
    why: told.why,
    next: id === null ? 'pam log' : told.event === 'granted' ? `pam status ${id}` : `pam log ${id}`,
  };
}

/** With the request itself, where this run read it. */
function openedNotice(
  { after, entry }: WrittenEntry,
  record: OpenRecord,
  situation: Situation | null,
): Notice | undefined {
  const { id, seen } = record;
  if (seen === null) return undefined;
  const found = situation?.candidates.find(
    (one) => one.id === id && one.requestSha256 === seen.request_sha256,
  );
  const waiting =
    situation === null || found === undefined
      ? undefined
      : waitingNotice(situation, after, found, record, entry.at, 'opened');
  const bare = { ...blankNotice(after, entry.at, 'opened'), ...aboutSeen(after.policy, id, seen) };
  return waiting?.notice ?? { ...bare, next: `pam show ${id}` };
}

/** The requester's own; the ledger holds them until the outcome is known. */
function wordsOf(record: OpenRecord | undefined, { readRequest }: KnownRequests): string | null {
  const bytes = record?.grant?.evidence?.request;
  if (record === undefined || bytes === undefined) return null;
  try {
    return readRequest(bytes, record.id).justification;
  } catch (error) {
    expected(error);
    return null;
  }
}
