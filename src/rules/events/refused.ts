import type { ReasonNote } from '../../model/entry.ts';
import type { RequestId, Sha256 } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { MAX_REFUSED } from '../see-request.ts';
import type { EventKind, StepPlace } from './event-kind.ts';
import { over } from './record-steps.ts';
import { eventSchema, NOTE, REQUEST_ID, SHA256 } from './schema-parts.ts';

/** These bytes will never be granted under this id. */
export interface RefusedEvent {
  readonly type: 'refused';
  readonly id: RequestId;
  readonly request_sha256: Sha256;
  readonly reasons: readonly ReasonNote[];
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly refused: RefusedEvent;
  }
}

export const refused: EventKind<'refused'> = {
  schema: eventSchema('refused', 'These bytes will never be granted.', {
    id: REQUEST_ID,
    request_sha256: SHA256,
    reasons: { type: 'array', minItems: 1, maxItems: 64, items: NOTE },
  }),
  right: 'grant',
  entry: 'apply',
  line: ({ id, reasons }) => `refuse ${id}: ${reasons.map((one) => one.code).join(', ')}`,
  sentence: ({ id, reasons }) =>
    `${id}: refused: ${reasons.map(({ message, code }) => `${message} [${code}]`).join('; ')}`,
  step: refuse,
  // Anybody may push bytes that are refused; only what was open before is worth a word.
  notice: ({ request_sha256: digest, reasons }, { after }) =>
    after?.state === 'refused' && after.seen?.request_sha256 === digest
      ? { event: 'refused', why: reasons.map(({ message, code }) => `${message} [${code}]`).join('; ') }
      : undefined,
};

function refuse(
  record: OpenRecord | undefined,
  { id, request_sha256: digest, reasons }: RefusedEvent,
  { at, wrong }: StepPlace,
): OpenRecord {
  if (record === undefined) {
    const blank = { id, seen: null, grant: null, ending: null, attempts: 0 };
    return { ...blank, state: 'unseen', refused: [digest], final_at: at };
  }
  const { state } = record;
  if (state !== 'unseen' && state !== 'seen' && state !== 'refused' && state !== 'scheduled')
    throw wrong(`it is ${state}`);
  // Other bytes under the same id (of another author, say) are refused without touching the request that runs. Its own
  // refusal is always possible, or so many refused others would keep it open for ever.
  const current = (state === 'seen' || state === 'scheduled') && record.seen?.request_sha256 === digest;
  if (record.refused.includes(digest) || (!current && record.refused.length >= MAX_REFUSED))
    throw wrong('it was refused already');
  const all = [...record.refused, digest];
  if (!current) return { ...record, refused: all };
  // Scheduling used the id up: what was scheduled stays on record, so that no other bytes take its place.
  const grant = record.grant === null ? null : { ...record.grant, evidence: null };
  const because = reasons[0]?.message ?? '';
  return { ...over(record, 'refused', at), refused: all, grant, ending: { at, cause: 'refused', because } };
}
