/**
 * A recorded grant, decided again from its evidence, with the policy and the index of that moment, by the same `decide`,
 * and compared with what was written.
 */
import type { EventOf, GrantTerms } from '../model/entry.ts';
import type { Instant } from '../model/instant.ts';
import type { OpenRecord } from '../model/open-record.ts';
import type { Request } from '../model/request.ts';
import { joinSigned } from '../trust/armor.ts';
import { sha256 } from '../trust/digest.ts';
import { decide, type Snapshot } from './decide.ts';
import type { AddFinding, AuditFacts } from './events/event-kind.ts';
import { roleOf } from './exact-grant.ts';
import { termsOf } from './grant-terms.ts';

/**
 * A recorded grant, rebuilt from its evidence.
 * @returns whether the evidence approves it at all
 */
export function auditGrant(
  facts: AuditFacts,
  event: EventOf<'granting'> | EventOf<'scheduled'>,
  record: OpenRecord | null,
  add: AddFinding,
): boolean {
  const { before, after } = facts;
  const now = after.entry.at;
  const request = facts.readRequest(event.evidence.request, event.id);
  const seen = record?.seen ?? null;
  if (seen !== null && !sameRequest(seen, request)) {
    add('error', 'E_LED_SEEN', `what was seen of ${event.id} is not what its request says`);
  }
  // Builds before `stopper_keys` compared neither statement nor times: their entries stand, and audit says what it finds.
  const untimed = seen?.stopper_keys === undefined;
  if (seen !== null && sha256(joinSigned(event.evidence.statement)) !== seen.signature_sha256) {
    const message = `${event.id} rests on another statement of its requester than the one that was seen`;
    add(untimed ? 'warning' : 'error', 'E_LED_SEEN', message);
  }
  const snapshot: Snapshot = {
    root: before.root,
    policy: before.policy,
    providers: facts.providers,
    id: event.id,
    request,
    requestText: event.evidence.request,
    requestSha256: sha256(event.evidence.request),
    signatureSha256: seen?.signature_sha256 ?? sha256(''),
    statement: event.evidence.statement,
    record,
    beside: null,
    // Merged, incident open, nothing else halting: the executor's word, and audit says so.
    merged: true,
    incident: request.incident === undefined ? null : { state: 'open' },
    evidenceOnly: false,
    halts: [],
    remarks: [],
    approvals: event.evidence.approvals,
    stops: [],
    witnesses: facts.witnesses,
    untimed,
  };
  const decision = decide(snapshot, now);
  if (decision.verdict !== 'approved') {
    const failing = decision.reasons
      .filter((one) => !one.ok)
      .map(({ code, message }) => `${message} [${code}]`);
    add('error', 'E_LED_GRANT', `${event.id} was granted although: ${failing.join('; ')}`);
    return false;
  }
  if (untimed) auditTimes(snapshot, now, add);
  const allowed = termsOf(snapshot, decision, now);
  for (const [key, values] of differences(event.grant, allowed)) {
    add(
      'error',
      'E_LED_GRANT',
      `${event.id}: ${key} is ${values.written}, the evidence allows ${values.allowed}`,
    );
  }
  return true;
}

/** Standing access that a grant was built on: only where its role allows that. */
export function auditStanding(facts: AuditFacts, event: EventOf<'granting'>, add: AddFinding): void {
  const { id, grant, preexisting } = event;
  if (preexisting.length === 0) return;
  const { role } = facts.readRequest(event.evidence.request, id);
  const mayPreexist = roleOf(facts.before.policy, role)?.may_preexist === true;
  const stray = preexisting.filter((one) => !grant.permissions.includes(one));
  if (!mayPreexist || stray.length > 0) {
    add('error', 'E_LED_STANDING', `${id} was built on standing access that its role does not allow`);
  }
  add('note', 'W_STANDING', `${grant.login} had ${preexisting.join(', ')} before ${id}`);
}

/** An earlier build counted approvals that are older than the request or than `decide_within`. */
function auditTimes(snapshot: Snapshot, now: Instant, add: AddFinding): void {
  const { verdict, reasons } = decide({ ...snapshot, untimed: false }, now);
  if (verdict === 'approved') return;
  const old = reasons.filter(({ ok, code }) => !ok && code === 'E_APR_TIME').map(({ message }) => message);
  add('warning', 'E_APR_TIME', `${snapshot.id} was granted although: ${old.join('; ')}`);
}

function sameRequest(
  seen: Pick<EventOf<'seen'>, 'requester' | 'subject' | 'role'>,
  request: Request,
): boolean {
  return (
    seen.requester === request.requester && seen.subject === request.subject && seen.role === request.role
  );
}

function differences(
  written: GrantTerms,
  allowed: GrantTerms | undefined,
): readonly (readonly [string, { readonly written: string; readonly allowed: string }])[] {
  const keys = new Set([...Object.keys(written), ...Object.keys(allowed ?? {})]);
  return [...keys].flatMap((key) => {
    const name = key as keyof GrantTerms;
    const a = JSON.stringify(written[name]);
    const b = JSON.stringify(allowed?.[name]) ?? 'nothing';
    return a === b ? [] : [[key, { written: a, allowed: b }] as const];
  });
}
