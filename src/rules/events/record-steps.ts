/** Steps of a record that several events take. */
import type { EventOf } from '../../model/entry.ts';
import type { Instant } from '../../model/instant.ts';
import type { GrantPart, OpenRecord } from '../../model/open-record.ts';
import { sha256 } from '../../trust/digest.ts';
import type { StepPlace } from './event-kind.ts';

export const over = (record: OpenRecord, state: OpenRecord['state'], at: Instant): OpenRecord => ({
  ...record,
  state,
  final_at: at,
});

/** May this access be taken away: has its recorded end come, or was an ending recorded? */
export function mayRevoke(record: OpenRecord, at: Instant): boolean {
  const running = record.state === 'granting' || record.state === 'live';
  return record.state === 'ending' || (running && record.grant !== null && record.grant.end <= at);
}

/** What a grant looks like on record before anything was begun. Throws `wrong`. */
export function grantPart(
  record: OpenRecord,
  event: EventOf<'scheduled'> | EventOf<'granting'>,
  { at, executor, key, wrong }: StepPlace,
): GrantPart {
  const { grant, evidence } = event;
  if (sha256(evidence.request) !== record.seen?.request_sha256)
    throw wrong('the request is not the one that was seen');
  if (grant.end <= at) throw wrong('its end has passed');
  return { ...grant, recorded: { at, executor, key }, evidence, granting: null, receipt: null };
}

/** No grant call starts later than this after its intent. */
export const ACT_WITHIN_SECONDS = 120;
