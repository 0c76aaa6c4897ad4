import type { ReasonNote } from '../../model/entry.ts';
import type { RequestId } from '../../model/names.ts';
import type { EventKind } from './event-kind.ts';
import { over } from './record-steps.ts';
import { eventSchema, NOTE, REQUEST_ID } from './schema-parts.ts';

/** The target was asked, and shows nothing. */
export interface FailedEvent {
  readonly type: 'failed';
  readonly id: RequestId;
  readonly error: ReasonNote;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly failed: FailedEvent;
  }
}

export const failed: EventKind<'failed'> = {
  schema: eventSchema('failed', 'The target was asked and shows nothing.', { id: REQUEST_ID, error: NOTE }),
  right: 'grant',
  entry: 'apply',
  rank: 5,
  line: ({ id, error }) => `failed ${id}: ${error.code}, nothing at the target`,
  sentence: ({ id, error }) => `${id}: failed: ${error.message} [${error.code}]; nothing at the target`,
  step: (record, _event, { at, wrong }) => {
    if (record?.state !== 'granting' || record.grant === null)
      throw wrong(`it is ${record?.state ?? 'unknown'}`);
    return { ...over(record, 'failed', at), grant: { ...record.grant, evidence: null } };
  },
  notice: ({ error }) => ({ event: 'failed', why: `${error.message} [${error.code}]` }),
};
