import type { EventKind } from './event-kind.ts';
import { eventSchema, NO_REQUEST } from './schema-parts.ts';

/** A sweep ran and had nothing else to say. */
export interface HeartbeatEvent {
  readonly type: 'heartbeat';
  readonly id: '-';
  readonly live: number;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly heartbeat: HeartbeatEvent;
  }
}

export const heartbeat: EventKind<'heartbeat'> = {
  schema: eventSchema('heartbeat', 'A sweep ran and had nothing else to say.', {
    id: NO_REQUEST,
    live: { type: 'integer', minimum: 0, maximum: 1_000_000 },
  }),
  right: 'any',
  entry: 'any',
  line: ({ live }) => `heartbeat: ${live} live`,
  sentence: ({ live }) => `sweep was here, ${live} live`,
};
