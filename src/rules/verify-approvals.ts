/** From signed texts to verified approvals of one exact grant, and what is wrong with the others. */
import type { Reason, VerifiedApproval } from '../model/decision.ts';
import { expected, PamError } from '../model/error.ts';
import { type Duration, type Instant, plus, secondsOf } from '../model/instant.ts';
import type { RequestId, Sha256 } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import type { ExactGrant, Signed, Witnesses } from '../model/statement.ts';
import { CLOCK_TOLERANCE_SECONDS, compromisedSince, holdersOf } from '../trust/keyring.ts';
import { claimsOf } from '../trust/statement-text.ts';
import { verifySigned, verifyStatement } from '../trust/verify-statement.ts';

export interface ApprovalFacts {
  readonly root: Sha256;
  readonly policy: Policy;
  readonly id: RequestId;
  readonly requestSha256: Sha256;
  readonly grant: ExactGrant;
  readonly beneficiaries: ReadonlySet<string>;
  /** When the ledger recorded these approvals, or the moment of deciding. */
  readonly recordedAt: Instant;
  readonly witnesses: Witnesses;
  /** `null`: not measured, as builds before `stopper_keys` did not. */
  readonly times: ApprovalTimes | null;
}

export interface ApprovalTimes {
  /** `signed-at` of the request's own statement; `null` for a draft. */
  readonly requested: Instant | null;
  /** The role's `decide_within`. */
  readonly within: Duration;
}

export interface Verified {
  readonly good: readonly VerifiedApproval[];
  readonly bad: readonly Reason[];
}

export function verifyApprovals(facts: ApprovalFacts, approvals: readonly Signed[]): Verified {
  const good: VerifiedApproval[] = [];
  const bad: Reason[] = [];
  for (const signed of approvals) {
    try {
      good.push(verifyApproval(facts, signed));
    } catch (cause) {
      // A rule that throws is a "no" (STYLE 2.3); only a bug of ours is passed on.
      const error = expected(cause);
      bad.push({ code: error.code, ok: false, message: error.message });
    }
  }
  return { good, bad };
}

/**
 * The ledger entry that an approval names, if a person of this policy signed it. Signature first: looking an old
 * entry up means walking down to it, and anybody may push a text that names the first one.
 */
export function namedEntry(policy: Policy, signed: Signed): number | undefined {
  try {
    const { signer, ledger } = claimsOf(signed.text, 'approval');
    const { key } = verifySigned('approval', signed);
    const holder = holdersOf(policy).get(key.fingerprint);
    return holder?.kind === 'person' && holder.id === signer ? ledger.seq : undefined;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

export function verifyApproval(facts: ApprovalFacts, signed: Signed): VerifiedApproval {
  const { policy, recordedAt, root, id: request, requestSha256, grant } = facts;
  const known = { root, request, requestSha256, grant };
  const { claims, holder, key, flags } = verifyStatement(policy, 'approval', signed, known, recordedAt);
  if (holder.kind !== 'person') {
    throw new PamError('E_APR_NONHUMAN', `${claims.signer} is a service; only people approve`);
  }
  if (facts.beneficiaries.has(claims.signer)) {
    throw new PamError('E_APR_SELF', `${claims.signer} gains by this request and may not approve it`);
  }
  const since = compromisedSince(policy, key);
  if (since !== undefined && recordedAt >= since) {
    throw new PamError('E_KEY_COMPROMISED', `${claims.signer}'s key ${key} is compromised since ${since}`);
  }
  if (facts.times !== null) needInTime(facts.times, claims, recordedAt);
  if (facts.witnesses.get(claims.ledger.seq) !== claims.ledger.head) {
    throw new PamError(
      'E_APR_LEDGER',
      `${claims.signer} had verified a ledger entry ${claims.ledger.seq} that is not on this ledger`,
    );
  }
  const { signedAt, capacity, because, ledger } = claims;
  const attested = holder.key.attested !== undefined;
  return {
    signer: claims.signer,
    signedAt,
    capacity,
    because,
    ledger,
    key,
    presence: flags,
    attested,
    signed,
  };
}

/**
 * An approval is an answer to one signed request: not older than it, and not older than the time that the role gives
 * for deciding. Else a requester could sign the same bytes anew and let an approval live for ever (DESIGN section 3).
 */
function needInTime(
  { requested, within }: ApprovalTimes,
  { signer, signedAt }: { readonly signer: string; readonly signedAt: Instant },
  decidedAt: Instant,
): void {
  if (requested !== null && plus(signedAt, CLOCK_TOLERANCE_SECONDS) < requested) {
    throw new PamError(
      'E_APR_TIME',
      `${signer} approved at ${signedAt}, before the request was signed (${requested}); a new approval is needed`,
    );
  }
  if (plus(signedAt, secondsOf(within)) < decidedAt) {
    throw new PamError(
      'E_APR_TIME',
      `${signer} approved at ${signedAt}, more than ${within} before the decision; a new approval is needed`,
    );
  }
}
