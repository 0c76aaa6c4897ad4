import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import type { Signed } from '../../model/statement.ts';
import { claimsOf } from '../../trust/statement-text.ts';
import { needEntitledStop } from '../judge-stop.ts';
import type { EventKind, StepPlace } from './event-kind.ts';
import { over } from './record-steps.ts';
import { eventSchema, REQUEST_ID, SIGNED } from './schema-parts.ts';
import { signerIn } from './signer-in.ts';

/** An entitled person stopped it: denied, withdrawn or revoked. Final. */
export interface StoppedEvent {
  readonly type: 'stopped';
  readonly id: RequestId;
  readonly statement: Signed;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly stopped: StoppedEvent;
  }
}

export const stopped: EventKind<'stopped'> = {
  schema: eventSchema('stopped', 'Somebody entitled stopped it. Final.', {
    id: REQUEST_ID,
    statement: SIGNED,
  }),
  right: 'any',
  entry: 'any',
  rank: 4,
  line: ({ id, statement }) => `stop ${id}: by ${signerIn(statement.text)}`,
  sentence: ({ id, statement }) => `${id}: stopped by ${whoAndWhy(statement)}`,
  statements: ({ statement }) => [{ ...statement, type: 'stop' }],
  step: stop,
  // A stop of what is live is told once it is carried out, as `revoked`.
  notice: ({ statement }, { after }) =>
    after?.state === 'stopped' ? { event: 'refused', why: `stopped by ${whoAndWhy(statement)}` } : undefined,
  // Only a stop signed by an entitled person ends a request, whichever executor key is stolen.
  follows: ({ state, at, before, now }, event) => needEntitledStop(state, event, [before, now], at),
};

/** It was verified with its entry, and is only read here. */
function whoAndWhy({ text }: Signed): string {
  const { signer, because } = claimsOf(text, 'stop');
  return because === null ? signer : `${signer}: ${because}`;
}

function stop(record: OpenRecord | undefined, { statement }: StoppedEvent, place: StepPlace): OpenRecord {
  const { at, wrong } = place;
  const ending = { at, cause: 'stopped', because: whoAndWhy(statement) };
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
