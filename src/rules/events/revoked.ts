import type { Usage } from '../../model/entry.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { faultsOfKept } from '../audit-kept.ts';
import type { EventKind } from './event-kind.ts';
import { mayRevoke, over } from './record-steps.ts';
import { eventSchema, REQUEST_ID, USAGE } from './schema-parts.ts';

/** Taken away, and read back. */
export interface RevokedEvent {
  readonly type: 'revoked';
  readonly id: RequestId;
  /** Permissions left in place, each with the live grants that still need it. */
  readonly kept_for: Readonly<Record<string, readonly RequestId[]>>;
  /** Always `null` today; entries of earlier builds may hold one. */
  readonly usage: Usage | null;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly revoked: RevokedEvent;
  }
}

function endWords(ending: OpenRecord['ending']): string {
  if (ending === null || ending.cause === 'expired') return 'its end has come';
  if (ending.cause === 'stopped') return `stopped by ${ending.because}`;
  return ending.because === '' ? ending.cause : `${ending.cause}: ${ending.because}`;
}

export const revoked: EventKind<'revoked'> = {
  schema: eventSchema('revoked', 'Taken away and read back.', {
    id: REQUEST_ID,
    kept_for: {
      type: 'object',
      description: 'Permissions left in place, each with the grants that need it.',
      additionalProperties: { type: 'array', minItems: 1, items: REQUEST_ID },
    },
    usage: { anyOf: [USAGE, { type: 'null' }] },
  }),
  right: 'revoke',
  entry: 'any',
  rank: 2,
  line: ({ id }) => `revoked ${id}: gone from the target`,
  sentence: ({ id, kept_for: kept }) =>
    `${id}: revoked, gone from the target${Object.keys(kept).length === 0 ? '' : `; kept for others: ${Object.keys(kept).join(', ')}`}`,
  step: (record, _event, { at, wrong }) => {
    if (record?.grant === undefined || record.grant === null || !mayRevoke(record, at)) {
      throw wrong('neither its recorded end has come nor was an ending recorded');
    }
    return { ...over(record, 'ended', at), grant: { ...record.grant, evidence: null } };
  },
  notice: (_event, { before }) => ({ event: 'revoked', why: endWords(before?.ending ?? null) }),
  audit: ({ providers }, event, records, add) => {
    for (const { severity, message } of faultsOfKept(event, records, providers))
      add(severity, 'E_LED_KEPT', message);
  },
  counted: 'revocations',
};
