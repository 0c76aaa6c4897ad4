/**
 * The decision on one request: pure, from one snapshot and one instant, with every reason. Audit calls the same
 * function on what the ledger recorded and must get the same answer.
 *
 *   refused   a rule says no, a person stopped it, or evidence is bad and nothing better makes up for it
 *   pending   nothing is wrong: approvals, the merge or a later time are missing
 *   approved  every rule holds (a `start` ahead makes it scheduled; the planner sees to that)
 *
 * One file: a reader who asks why something was granted finds every rule here, in its turn.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { CountedApproval, Decision, Helper, Reason } from '../model/decision.ts';
import { expected } from '../model/error.ts';
import { dayOf, earlier, type Instant, plus, secondsBetween, secondsOf } from '../model/instant.ts';
import type { IncidentState } from '../model/incident.ts';
import type { RequestId, Sha256 } from '../model/names.ts';
import type { OpenRecord, SeenPart } from '../model/open-record.ts';
import type { Policy, Role } from '../model/policy.ts';
import type { Request } from '../model/request.ts';
import type { ExactGrant, Signed, Witnesses } from '../model/statement.ts';
import { claimsOf } from '../trust/statement-text.ts';
import { type VerifiedStatement, verifyStatement } from '../trust/verify-statement.ts';
import { latestPerPerson, eligibility, type Seat, seat } from './count-approvals.ts';
import { exactGrant, roleOf } from './exact-grant.ts';
import { checkScope } from './fill-scope.ts';
import { type DecisionReason, judgeRequest } from './judge-request.ts';
import { judgeStops } from './judge-stop.ts';
import { beneficiaries } from './people.ts';
import type { ProviderFacts } from './provider-facts.ts';
import { isUsedUp, USED_UP } from './see-request.ts';
import { type ApprovalTimes, verifyApprovals } from './verify-approvals.ts';
import { helpers, judgeApprovers, tellHelpers } from './who-can-approve.ts';

export interface Snapshot {
  readonly root: Sha256;
  /** The policy in force. */
  readonly policy: Policy;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  readonly id: RequestId;
  readonly request: Request;
  /** The file's bytes, which are UTF-8. */
  readonly requestText: string;
  readonly requestSha256: Sha256;
  readonly signatureSha256: Sha256;
  /** The requester's statement; `null` for a draft, which is then judged as far as it goes. */
  readonly statement: Signed | null;
  /** What the ledger knows of this id. */
  readonly record: OpenRecord | null;
  /** Undecided requests of the requester beside this one; `null` when this id is open or decided already. */
  readonly beside: number | null;
  /** Main holds exactly these two files. */
  readonly merged: boolean;
  readonly approvals: readonly Signed[];
  readonly stops: readonly Signed[];
  readonly incident: IncidentState | null;
  readonly witnesses: Witnesses;
  /** Judge what people decided, not how far the request has come: before it is merged, say. */
  readonly evidenceOnly: boolean;
  /** What stops every grant of this run: policy unsigned, junk on the ledger, sweeps missing ... */
  readonly halts: readonly Reason[];
  /** What clicks at the forge say: they hold back, and never approve. */
  readonly remarks: readonly DecisionReason[];
  /** Only for auditing what an earlier build wrote: it did not measure approvals against the request's statement. */
  readonly untimed?: boolean;
}

export function decide(snapshot: Snapshot, now: Instant): Decision {
  const { policy, request } = snapshot;
  const seenAt = seenOf(snapshot)?.at ?? null;
  const stops = judgeStops(snapshot, now);
  const isStopped = stops.some(({ ok, kind }) => !ok && kind === 'rule');
  const judged: DecisionReason[] = [
    ...snapshot.halts.map((one): DecisionReason => ({ ...one, kind: 'wait' })),
    ...judgeId(snapshot, now),
    ...judgeStatement(snapshot, now),
    ...judgeRequest({ policy, request, incident: snapshot.incident, now, seenAt, beside: snapshot.beside }),
    ...stops,
    // Where a signature stops it for good, the same person's click would only say that it waits.
    ...snapshot.remarks.filter(
      ({ kind, code }) => !(isStopped && kind === 'wait' && code === 'E_POL_DENIED'),
    ),
    ...judgeProgress(snapshot, now),
  ];
  const role = roleOf(policy, request.role);
  const exact = exactGrant(policy, snapshot.providers, request, now);
  if (role === undefined || exact === undefined) {
    if (role !== undefined && checkScope(role, request.scope ?? {}).length === 0)
      judged.push(no('E_POL_TARGET', `policy has no login key or target for ${request.subject}`));
    return conclude(judged, null, NO_APPROVALS);
  }
  const { loginKeyLine: _line, ...grant } = exact;
  const approvals = judgeApprovals(snapshot, role, grant, now);
  judged.push(...approvals.reasons);
  return conclude(judged, grant, approvals);
}

const NO_APPROVALS = { counted: [], next: null, helpers: [] } as const;

/** What the ledger saw, if it saw these very bytes: other bytes have clocks of their own. */
function seenOf({ record, requestSha256 }: Snapshot): SeenPart | null {
  return record?.seen?.request_sha256 === requestSha256 ? record.seen : null;
}

const no = (code: ErrorCode, message: string): DecisionReason => ({ code, ok: false, message, kind: 'rule' });
const wait = (code: ErrorCode, ok: boolean, message: string): DecisionReason => ({
  code,
  ok,
  message,
  kind: 'wait',
});

function conclude(
  judged: readonly DecisionReason[],
  grant: ExactGrant | null,
  { counted, next, helpers: found }: Pick<Approvals, 'counted' | 'next' | 'helpers'>,
): Decision {
  const failing = judged.filter((one) => !one.ok);
  const final = failing.some((one) => one.kind === 'rule');
  const short = failing.some((one) => one.kind === 'wait');
  const bad = failing.some((one) => one.kind === 'evidence');
  // Bad evidence beside enough good evidence is noise that anybody could make; alone it is worth a "no".
  const verdict = final || (short && bad) ? 'refused' : short ? 'pending' : 'approved';
  const reasons = [...judged.filter((one) => one.ok), ...failing].map(({ code, ok, message }) => ({
    code,
    ok,
    message,
  }));
  return { verdict, final, reasons, grant, counted, next, helpers: found };
}

/** Used once for ever, dated within a day of when it was first seen, and never again after it was refused. */
function judgeId(snapshot: Snapshot, now: Instant): DecisionReason[] {
  const { id, record, request } = snapshot;
  const day = dayOf(id);
  const seenAt = seenOf(snapshot)?.at ?? now;
  if (
    day === undefined ||
    secondsBetween(day, seenAt) < -86_400 ||
    secondsBetween(day, seenAt) >= 2 * 86_400
  ) {
    return [no('E_REQ_ID_DATE', `the id's date is more than a day away from ${seenAt}`)];
  }
  if (record === null) return [];
  if (isUsedUp(record)) return [no('E_REQ_CONSUMED', USED_UP)];
  if (record.refused.includes(snapshot.requestSha256)) {
    return [no('E_REQ_CONSUMED', 'these bytes were refused before; ask again with a new id')];
  }
  if (record.seen !== null && record.seen.requester !== request.requester) {
    return [no('E_REQ_ID_TAKEN', `the id belongs to ${record.seen.requester}'s request`)];
  }
  if (record.state === 'seen' || record.state === 'unseen' || record.state === 'refused') return [];
  if (record.state === 'scheduled' || record.state === 'granting') {
    return record.seen?.request_sha256 === snapshot.requestSha256
      ? []
      : [no('E_REQ_CONSUMED', `the id is used up: another version of it is ${record.state}`)];
  }
  if (record.state === 'stopped') return [];
  return [no('E_REQ_CONSUMED', `the id is used up: it is ${record.state}; ask again with a new one`)];
}

function judgeStatement(snapshot: Snapshot, now: Instant): DecisionReason[] {
  const { request, statement } = snapshot;
  if (statement === null) return [];
  const seen = seenOf(snapshot);
  try {
    const { signedAt } = claimsOf(statement.text);
    const known = seen?.signature_sha256 === snapshot.signatureSha256;
    // The clock is that of the first `seen`; these bytes may have been signed anew since, and recorded then.
    const recordedAt = known ? later(seen.at, earlier(signedAt, now)) : now;
    const { claims } = verifyRequester(snapshot, statement, recordedAt);
    return [{ code: 'E_SIG_REQUESTER', ok: true, message: `signed by ${claims.signer}`, kind: 'rule' }];
  } catch (cause) {
    const error = expected(cause);
    return [no(error.code, `${request.requester}'s signature on the request: ${error.message}`)];
  }
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** The requester signed exactly these bytes. Throws otherwise. */
export function verifyRequester(
  facts: Pick<Snapshot, 'root' | 'policy' | 'id' | 'request' | 'requestSha256'>,
  statement: Signed,
  recordedAt: Instant,
): VerifiedStatement<'request'> {
  const { root, id, requestSha256, request } = facts;
  const known = { root, signer: request.requester, request: id, requestSha256 };
  return verifyStatement(facts.policy, 'request', statement, known, recordedAt);
}

/** Seen, in time, merged: the road from proposal to main. */
function judgeProgress(snapshot: Snapshot, now: Instant): DecisionReason[] {
  const { record, policy, request } = snapshot;
  const seen = record?.seen ?? null;
  const role = roleOf(policy, request.role);
  const current = seen !== null && seen.request_sha256 === snapshot.requestSha256;
  const reasons: DecisionReason[] = [];
  if (!current || record === null) {
    if (!snapshot.evidenceOnly)
      reasons.push(
        wait('E_POL_SEEN', false, 'no executor has seen these bytes yet; `pam apply` records them'),
      );
  } else if (role !== undefined && record.state === 'seen') {
    const until = plus(seen.at, secondsOf(role.decide_within));
    reasons.push(
      now <= until
        ? { code: 'E_POL_DECIDE_WITHIN', ok: true, message: `to be decided by ${until}`, kind: 'rule' }
        : no('E_POL_DECIDE_WITHIN', `it had to be decided by ${until}; ask again`),
    );
  }
  if (snapshot.evidenceOnly) return reasons;
  const same = snapshot.merged && (!current || seen.signature_sha256 === snapshot.signatureSha256);
  reasons.push(wait('E_POL_MERGED', same, same ? 'merged' : 'not merged into main yet'));
  return reasons;
}

interface Approvals {
  readonly reasons: readonly DecisionReason[];
  readonly counted: readonly CountedApproval[];
  readonly next: Instant | null;
  readonly helpers: readonly Helper[];
}

function judgeApprovals(snapshot: Snapshot, role: Role, grant: ExactGrant, now: Instant): Approvals {
  const { policy, request, record } = snapshot;
  // The owners of the service when it was seen gain by it too, also where it has others now.
  const excluded = new Set([
    ...beneficiaries(policy, request.requester, request.subject),
    ...(record?.seen?.owners ?? []),
  ]);
  const facts = {
    ...snapshot,
    grant,
    beneficiaries: excluded,
    recordedAt: record?.grant?.recorded.at ?? now,
    times: approvalTimes(snapshot, role),
  };
  const { good, bad } = verifyApprovals(facts, snapshot.approvals);
  const clocks = { now, seenAt: seenOf(snapshot)?.at ?? null };
  const people = latestPerPerson(good);
  const seats = seat(policy, role.approval, people, clocks);
  const evidence: DecisionReason[] = bad.map((one) => ({ ...one, kind: 'evidence' }));
  for (const approval of people) {
    const problems = role.approval.map((rule) => eligibility(policy, rule, approval, clocks));
    const problem = problems.find((one) => one !== undefined && one.code !== 'E_APR_SCOPE') ?? problems[0];
    if (problem !== undefined && problems.every((one) => one !== undefined)) {
      evidence.push({ ...problem, ok: false, kind: 'evidence' });
    }
  }
  const held = seats.every((one) => one.held);
  const found = held ? [] : helpers({ policy, role, excluded, approvals: people, clocks });
  const told = seats.map((one, at) => seatReason(one, at, seats.length, found, now));
  const counted = seats.flatMap((one) => one.counted);
  // People are told at once; an executor waits, for a later policy may name more approvers.
  const never = snapshot.evidenceOnly ? judgeApprovers(policy, role, excluded) : [];
  return {
    reasons: [...evidence, ...told, ...never],
    counted,
    next: nextOpening(seats, clocks),
    helpers: found,
  };
}

/** What the times of an approval are measured against. */
export function approvalTimes({ statement, untimed }: Snapshot, role: Role): ApprovalTimes | null {
  if (untimed === true) return null;
  return { requested: statement === null ? null : signedAtOf(statement), within: role.decide_within };
}

/** `null`: it is no statement, and refused for that elsewhere. */
function signedAtOf({ text }: Signed): Instant | null {
  try {
    return claimsOf(text).signedAt;
  } catch (error) {
    expected(error);
    return null;
  }
}

function seatReason(
  one: Seat,
  at: number,
  rules: number,
  found: readonly Helper[],
  now: Instant,
): DecisionReason {
  const names = one.counted.map((approval) => describe(approval));
  const of = rules > 1 ? ` (rule ${at + 1} of ${rules})` : '';
  const need = `${one.counted.length} of ${one.rule.threshold}${of}`;
  if (one.held) return wait('E_APR_THRESHOLD', true, `approved by ${names.join(', ')}: ${need}`);
  const own = found.filter(({ rule }) => rule === at);
  // Another's signature may free the one that sits elsewhere now for this rule.
  const told = tellHelpers(own.length > 0 ? own : found, now);
  const code = one.counted.length === 0 ? 'E_APR_MISSING' : 'E_APR_THRESHOLD';
  return wait(code, false, `approvals ${need}; ${told === '' ? 'no one may approve' : told}`);
}

function describe({ signer, capacity, because }: CountedApproval): string {
  return capacity === 'named' ? signer : `${signer} (${capacity}: ${because ?? ''})`;
}

/** When the next fallback step opens for a rule that does not hold. */
function nextOpening(
  seats: readonly Seat[],
  clocks: { readonly now: Instant; readonly seenAt: Instant | null },
): Instant | null {
  const { seenAt } = clocks;
  if (seenAt === null) return null;
  const openings = seats
    .filter((one) => !one.held)
    .flatMap((one) => one.rule.fallback.map((step) => plus(seenAt, secondsOf(step.after))))
    .filter((due) => due > clocks.now);
  return openings.reduce<Instant | null>((a, b) => (a === null ? b : earlier(a, b)), null);
}
