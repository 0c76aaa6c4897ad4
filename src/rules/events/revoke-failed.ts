import type { ReasonNote } from '../../model/entry.ts';
import type { RequestId } from '../../model/names.ts';
import type { EventKind } from './event-kind.ts';
import { mayRevoke } from './record-steps.ts';
import { eventSchema, NOTE, REQUEST_ID } from './schema-parts.ts';

/** Taking away failed; the next sweep tries again. */
export interface RevokeFailedEvent {
  readonly type: 'revoke_failed';
  readonly id: RequestId;
  readonly attempt: number;
  readonly error: ReasonNote;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly revoke_failed: RevokeFailedEvent;
  }
}

export const revokeFailed: EventKind<'revoke_failed'> = {
  schema: eventSchema('revoke_failed', 'Taking away failed; it is tried again.', {
    id: REQUEST_ID,
    attempt: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    error: NOTE,
  }),
  right: 'revoke',
  entry: 'any',
  rank: 1,
  line: ({ id, attempt, error }) => `revoke failed ${id}: attempt ${attempt}, ${error.code}`,
  sentence: ({ id, attempt, error }) =>
    `${id}: could not be revoked (attempt ${attempt}): ${error.message} [${error.code}]`,
  step: (record, _event, { at, wrong }) => {
    if (record === undefined || !mayRevoke(record, at)) throw wrong('it is not to be revoked');
    return { ...record, attempts: record.attempts + 1 };
  },
  // The first try of an early ending; each further one would tell the same, and past its end it is `overdue`.
  notice: ({ attempt, error }, { before, at }) =>
    attempt === 1 && before?.grant != null && at < before.grant.end
      ? { event: 'failed', why: `it could not be taken away: ${error.message} [${error.code}]` }
      : undefined,
};
