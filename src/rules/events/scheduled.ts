import type { Evidence, GrantTerms } from '../../model/entry.ts';
import type { RequestId } from '../../model/names.ts';
import { auditGrant } from '../audit-grant.ts';
import type { EventKind } from './event-kind.ts';
import { evidenceStatements, isWhat } from './granting.ts';
import { grantPart } from './record-steps.ts';
import { eventSchema, EVIDENCE, GRANT, REQUEST_ID } from './schema-parts.ts';

/** Approved; waits for its start. */
export interface ScheduledEvent {
  readonly type: 'scheduled';
  readonly id: RequestId;
  readonly evidence: Evidence;
  readonly grant: GrantTerms;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly scheduled: ScheduledEvent;
  }
}

export const scheduled: EventKind<'scheduled'> = {
  schema: eventSchema('scheduled', 'Approved; waits for its start.', {
    id: REQUEST_ID,
    evidence: EVIDENCE,
    grant: GRANT,
  }),
  right: 'grant',
  entry: 'apply',
  line: ({ id, grant }) => `schedule ${id}: ${isWhat(grant)} from ${grant.start ?? '-'}`,
  sentence: ({ id, grant }) =>
    `${id}: scheduled from ${grant.start ?? '-'} until ${grant.end}, approved by ${grant.approvers.join(', ')}`,
  statements: evidenceStatements,
  step: (record, event, at) => {
    if (record?.state !== 'seen') throw at.wrong(`it is ${record?.state ?? 'unknown'}`);
    // Without a start ahead, an executor could keep an approval past `decide_within` and begin when it likes.
    if (event.grant.start === null || event.grant.start <= at.at) throw at.wrong('no start lies ahead');
    return { ...record, state: 'scheduled', grant: grantPart(record, event, at) };
  },
  begins: true,
  audit: (facts, event, records, add) => auditGrant(facts, event, records.get(event.id) ?? null, add),
};
