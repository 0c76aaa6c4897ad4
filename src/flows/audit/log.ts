/** The story, from verified entries only. */
import type { LedgerEvent } from '../../model/entry.ts';
import type { Instant } from '../../model/instant.ts';
import type { RequestId, Sha256 } from '../../model/names.ts';
import type { Desk } from '../desk.ts';
import { walkWhole } from '../ledger/walk/walk-whole.ts';

export interface LogFilter {
  readonly id?: RequestId | undefined;
  readonly since?: Instant | undefined;
  readonly person?: string | undefined;
  readonly role?: string | undefined;
  readonly limit: number;
}

/** The event with its entry's place; a `policy` event's own number is `version` here. */
export type LogLine = LedgerEvent & {
  readonly seq: number;
  readonly at: Instant;
  readonly executor: string;
  readonly version?: number;
};

export interface Log {
  /** Newest last. */
  readonly events: readonly LogLine[];
  readonly seq: number;
  readonly head: Sha256;
  readonly at: Instant;
}

export async function log(desk: Desk, filter: LogFilter): Promise<Log> {
  const events: LogLine[] = [];
  const about = new Map<string, { readonly names: ReadonlySet<string>; readonly role: string }>();
  const whole = await walkWhole(desk, {
    step: ({ after }) => {
      const { seq, at, executor } = after.entry;
      for (const event of after.entry.events) {
        if (event.type === 'seen')
          about.set(event.id, { names: new Set([event.requester, event.subject]), role: event.role });
        if (!matches(filter, event, at, about)) continue;
        events.push({
          ...event,
          ...(event.type === 'policy' ? { version: event.seq } : {}),
          seq,
          at,
          executor,
        });
        if (events.length > filter.limit) events.shift();
      }
    },
  });
  const { seq, head, entry } = whole.last.after;
  return { events, seq, head, at: entry.at };
}

function matches(
  filter: LogFilter,
  event: LedgerEvent,
  at: Instant,
  about: ReadonlyMap<string, { readonly names: ReadonlySet<string>; readonly role: string }>,
): boolean {
  if (filter.id !== undefined && event.id !== filter.id) return false;
  if (filter.since !== undefined && at < filter.since) return false;
  const request = about.get(event.id);
  if (filter.role !== undefined && request?.role !== filter.role) return false;
  if (filter.person === undefined) return true;
  const approvers = 'grant' in event ? event.grant.approvers : [];
  return request?.names.has(filter.person) === true || approvers.includes(filter.person);
}
