/**
 * May these bytes be seen, and if not, is that worth a line in the ledger? A merged file that can never be seen is
 * refused once, by digest; an unmerged one is its proposer's business.
 */
import type { Reason } from '../model/decision.ts';
import { reasonNote } from '../model/entry.ts';
import type { RefusedEvent } from './events/refused.ts';
import type { SeenEvent } from './events/seen.ts';
import { expected } from '../model/error.ts';
import { dayOf, type Instant, secondsBetween } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import type { OpenIndex, OpenRecord } from '../model/open-record.ts';
import type { Signed } from '../model/statement.ts';
import { joinSigned } from '../trust/armor.ts';
import { sha256 } from '../trust/digest.ts';
import { verifyRequester } from './decide.ts';
import { faultOfOpening, openBeside } from './open-requests.ts';
import { hasRoomFor, isUsedUp, MAX_REFUSED, stopperKeysOf, USED_UP } from './see-request.ts';
import { type Candidate, isRequest, type Situation } from './situation.ts';

/** @param index with what this run sees before this one */
export function seeing(
  situation: Situation,
  seenSoFar: OpenIndex,
  one: Candidate,
  now: Instant,
): SeenEvent | undefined {
  const { id, request, statement } = one;
  const { policy, root, index } = situation.state;
  const record = index.records.get(id);
  if (!isRequest(request) || statement === null || problemOf(situation, one, now) !== undefined)
    return undefined;
  const known = record?.state;
  if (known !== undefined && known !== 'unseen' && known !== 'refused' && known !== 'seen') return undefined;
  if (record?.refused.includes(one.requestSha256) === true) return undefined;
  const seen = record?.seen ?? null;
  if (
    seen !== null &&
    seen.request_sha256 === one.requestSha256 &&
    seen.signature_sha256 === one.signatureSha256
  ) {
    return undefined;
  }
  if (!isPlainlySigned(one, statement)) return undefined;
  const beside = openBeside(seenSoFar, request);
  if (faultOfOpening(policy, request.requester, beside) !== undefined) return undefined;
  try {
    verifyRequester({ root, policy, id, request, requestSha256: one.requestSha256 }, statement, now);
  } catch (error) {
    expected(error);
    return undefined;
  }
  return {
    type: 'seen',
    id,
    request_sha256: one.requestSha256,
    signature_sha256: one.signatureSha256,
    proposal: one.place,
    requester: request.requester,
    subject: request.subject,
    role: request.role,
    stopper_keys: stopperKeysOf(policy, request),
  };
}

/** The file is the one spelling of its statement, so that its digest can be found again from what is recorded. */
const isPlainlySigned = ({ signatureSha256 }: Candidate, statement: Signed): boolean =>
  sha256(joinSigned(statement)) === signatureSha256;

export function refusal(situation: Situation, one: Candidate, now: Instant): RefusedEvent | undefined {
  if (!one.merged) return undefined;
  const record = situation.state.index.records.get(one.id);
  const state = record?.state;
  if (
    state !== undefined &&
    state !== 'unseen' &&
    state !== 'seen' &&
    state !== 'refused' &&
    state !== 'scheduled'
  ) {
    return undefined;
  }
  const problem = problemOf(situation, one, now);
  if (problem === undefined) return undefined;
  return mayRefuse(record, one.requestSha256) ? refusedEvent(one, [problem]) : undefined;
}

/** Bytes are refused once, and only so many of them under one id: the ledger takes no more. */
export function mayRefuse(record: OpenRecord | undefined, digest: Sha256): boolean {
  if (record === undefined) return true;
  const { state, seen, refused } = record;
  // The version that is open can always be refused, or refused others would keep it open for ever.
  const open = (state === 'seen' || state === 'scheduled') && seen?.request_sha256 === digest;
  return !refused.includes(digest) && (open || refused.length < MAX_REFUSED);
}

/** Why these bytes can never be seen; `undefined` when they can, or were. */
function problemOf(situation: Situation, one: Candidate, now: Instant): Reason | undefined {
  const { state } = situation;
  const record = state.index.records.get(one.id);
  if (record?.seen?.request_sha256 === one.requestSha256) return undefined;
  const { request, statement, id } = one;
  if (!isRequest(request)) return request;
  const day = dayOf(id);
  const age = day === undefined ? Number.NaN : secondsBetween(day, now);
  if (!(age >= -86_400 && age < 2 * 86_400)) {
    return { code: 'E_REQ_ID_DATE', ok: false, message: "the id's date is more than a day away" };
  }
  if (isUsedUp(record)) return { code: 'E_REQ_CONSUMED', ok: false, message: USED_UP };
  if (!mayRefuse(record, one.requestSha256)) {
    const why = 'these bytes, or too many other versions, were refused before';
    return { code: 'E_REQ_CONSUMED', ok: false, message: why };
  }
  if (record?.seen != null && record.seen.requester !== request.requester) {
    return {
      code: 'E_REQ_ID_TAKEN',
      ok: false,
      message: `the id belongs to ${record.seen.requester}'s request`,
    };
  }
  if (!hasRoomFor(record, one.requestSha256)) {
    const why = 'too many versions were seen under this id; ask again with a new one';
    return { code: 'E_REQ_CONSUMED', ok: false, message: why };
  }
  if (statement === null)
    return { code: 'E_SIG_MISSING', ok: false, message: 'the requester did not sign it' };
  if (!isPlainlySigned(one, statement)) {
    const why = 'its signature file is not written as pam and ssh-keygen write it';
    return { code: 'E_ARMOR', ok: false, message: why };
  }
  try {
    const { root, policy } = state;
    verifyRequester({ root, policy, id, request, requestSha256: one.requestSha256 }, statement, now);
    return undefined;
  } catch (cause) {
    const error = expected(cause);
    return { code: error.code, ok: false, message: error.message };
  }
}

/** So many tell a requester enough; the ledger takes no more. */
const MOST_REASONS = 32;

export function refusedEvent(one: Candidate, reasons: readonly Reason[]): RefusedEvent {
  const failing = reasons
    .filter((reason) => !reason.ok)
    .slice(0, MOST_REASONS)
    .map(reasonNote);
  return { type: 'refused', id: one.id, request_sha256: one.requestSha256, reasons: failing };
}
