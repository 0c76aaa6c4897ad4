import type { Evidence, GrantTerms, Handle } from '../../model/entry.ts';
import { earlier, type Instant, plus } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { auditGrant, auditStanding } from '../audit-grant.ts';
import { sameJson } from '../same-json.ts';
import type { EventKind, StepPlace, TypedStatement } from './event-kind.ts';
import { ACT_WITHIN_SECONDS, grantPart } from './record-steps.ts';
import { eventSchema, EVIDENCE, GRANT, HANDLE, INSTANT, REQUEST_ID } from './schema-parts.ts';

/**
 * The intent, recorded before the target is asked: from here on the access may exist, so whatever else happens, sweeps
 * end it when it is due. `granted` or `failed` says what became of it.
 */
export interface GrantingEvent {
  readonly type: 'granting';
  readonly id: RequestId;
  readonly evidence: Evidence;
  readonly grant: GrantTerms;
  readonly handle: Handle;
  /** Permissions that the subject had before pam came; never revoked. */
  readonly preexisting: readonly string[];
  /** No call to the target starts later. Until then no other executor takes the intent up. */
  readonly act_by: Instant;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly granting: GrantingEvent;
  }
}

export const granting: EventKind<'granting'> = {
  schema: eventSchema('granting', 'The intent, recorded before the target is asked.', {
    id: REQUEST_ID,
    evidence: EVIDENCE,
    grant: GRANT,
    handle: HANDLE,
    preexisting: {
      type: 'array',
      description: 'What the subject had before; never revoked.',
      maxItems: 64,
      items: { type: 'string', minLength: 1, maxLength: 1000 },
    },
    act_by: INSTANT,
  }),
  right: 'grant',
  entry: 'apply',
  rank: 0,
  line: ({ id, grant }) => `grant ${id}: ${isWhat(grant)}`,
  sentence: ({ id, grant: { subject, role, permissions, target, end, approvers } }) =>
    `${id}: ${subject} is to be ${role} (${permissions.join(', ')} on ${target}) until ${end}, approved by ${approvers.join(', ')}`,
  statements: evidenceStatements,
  step: intend,
  begins: true,
  audit: (facts, event, records, add) => {
    if (auditGrant(facts, event, records.get(event.id) ?? null, add)) auditStanding(facts, event, add);
  },
  counted: 'grants',
};

/** Who is what until when, for a line of `git log`. */
export function isWhat({
  subject,
  role,
  end,
  approvers,
}: Pick<GrantTerms, 'subject' | 'role' | 'end' | 'approvers'>): string {
  return `${subject} is ${role} until ${end}, approved by ${approvers.join(', ')}`;
}

export function evidenceStatements({
  evidence: { statement, approvals },
}: {
  readonly evidence: Evidence;
}): readonly TypedStatement[] {
  return [
    { ...statement, type: 'request' },
    ...approvals.map((one) => ({ ...one, type: 'approval' as const })),
  ];
}

function intend(record: OpenRecord | undefined, event: GrantingEvent, place: StepPlace): OpenRecord {
  const { at, executor, key, wrong } = place;
  const state = record?.state;
  if (record === undefined || (state !== 'seen' && state !== 'scheduled' && state !== 'granting')) {
    throw wrong(`it is ${state ?? 'unknown'}`);
  }
  const part = grantPart(record, event, place);
  const last = earlier(plus(at, ACT_WITHIN_SECONDS), event.grant.end);
  if (event.grant.start !== null && at < event.grant.start) throw wrong('its start has not come');
  if (event.act_by > last || event.act_by <= at) throw wrong('act_by is not within two minutes and its end');
  const first = record.grant?.granting ?? null;
  // Until then its executor may be at the target, and only one may be.
  if (first !== null && at < first.act_by) throw wrong('an earlier intent may still be acted on');
  if (record.grant !== null) {
    if (event.grant.end !== record.grant.end) throw wrong('a resumed grant keeps its end');
    if (!sameJson(event.evidence, record.grant.evidence)) throw wrong('a resumed grant keeps its evidence');
  }
  if (
    first === null
      ? event.handle.serial !== place.seq * 65_536 + place.place
      : !sameJson(event.handle, first.handle)
  ) {
    throw wrong('the handle is not the one of its first intent');
  }
  const recorded = record.grant?.recorded ?? part.recorded;
  const begun = {
    // Certificates are valid from the first intent, so that reissuing gives the same times.
    at: first?.at ?? at,
    by: { at, executor, key },
    act_by: event.act_by,
    handle: event.handle,
    preexisting: event.preexisting,
  };
  return { ...record, state: 'granting', grant: { ...part, recorded, granting: begun } };
}
