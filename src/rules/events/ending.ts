import type { RequestId } from '../../model/names.ts';
import type { EventKind } from './event-kind.ts';
import { eventSchema, REQUEST_ID } from './schema-parts.ts';

/** `expired` is recorded only where other grants may need the same access; elsewhere the recorded end says it. */
export type EndCause = (typeof CAUSES)[number];
const CAUSES = ['expired', 'incident', 'compromised', 'subject', 'target', 'evidence', 'found'] as const;

/** It ends before its recorded end, and why. */
export interface EndingEvent {
  readonly type: 'ending';
  readonly id: RequestId;
  readonly cause: EndCause;
  readonly because: string;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly ending: EndingEvent;
  }
}

export const ending: EventKind<'ending'> = {
  schema: eventSchema('ending', 'It ends before its recorded end, and why.', {
    id: REQUEST_ID,
    cause: { type: 'string', enum: CAUSES },
    because: { type: 'string', maxLength: 16_384 },
  }),
  right: 'any',
  entry: 'any',
  rank: 3,
  line: ({ id, cause }) => `end ${id}: ${cause}`,
  sentence: ({ id, because }) => `${id}: ends early: ${because}`,
  step: (record, { cause, because }, { at, wrong }) => {
    const running = record?.state === 'granting' || record?.state === 'live';
    const foundAgain = cause === 'found' && (record?.state === 'ended' || record?.state === 'failed');
    if (record === undefined || !(running || foundAgain)) throw wrong(`it is ${record?.state ?? 'unknown'}`);
    if (cause === 'expired' && (record.grant === null || record.grant.end > at))
      throw wrong('its end has not come');
    return { ...record, state: 'ending', ending: { at, cause, because }, final_at: null };
  },
};
