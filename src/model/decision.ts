import type { ErrorCode } from './error-codes.ts';
import type { Duration, Instant } from './instant.ts';
import type { Sha256 } from './names.ts';
import type { Capacity, ExactGrant, Signed } from './statement.ts';
import type { Fingerprint } from './names.ts';

/** One rule's answer. `code` is the one that the rule fails with, also when it holds. */
export interface Reason {
  readonly code: ErrorCode;
  readonly ok: boolean;
  readonly message: string;
}

/**
 * - `approved`: every rule holds.
 * - `pending`: nothing is wrong; more approvals, a merge or a later time are needed.
 * - `refused`: a rule failed, a person stopped it, or the evidence is bad.
 */
export type Verdict = 'approved' | 'pending' | 'refused';

export interface Decision {
  readonly verdict: Verdict;
  /** Nothing can make these request bytes good any more: worth a `refused` event. */
  readonly final: boolean;
  readonly reasons: readonly Reason[];
  /** `null` while the request or the policy is too broken to say. */
  readonly grant: ExactGrant | null;
  readonly counted: readonly CountedApproval[];
  /** The next moment at which time alone changes something (a fallback opens, a start comes). */
  readonly next: Instant | null;
  /** Empty once every rule holds, and where none could help. */
  readonly helpers: readonly Helper[];
}

/** A person whose approval would bring a request nearer to its approval. */
export interface Helper {
  readonly person: string;
  /** The number of the rule, from 0, that the approval would count for. */
  readonly rule: number;
  /** From when on, in which capacity; `null`: a fallback whose clock begins once an executor has seen the request. */
  readonly from: Instant | null;
  readonly capacity: 'named' | 'fallback';
  /** Of a fallback: how long after it was seen. */
  readonly after?: Duration;
}

/** An approval whose signature and exact words were verified. */
export interface VerifiedApproval {
  readonly signer: string;
  readonly signedAt: Instant;
  readonly capacity: Capacity;
  readonly because: string | null;
  readonly ledger: { readonly seq: number; readonly head: Sha256 };
  readonly key: Fingerprint;
  readonly presence: Flags;
  readonly attested: boolean;
  readonly signed: Signed;
}

/** An approval that counts for one rule of the role. */
export interface CountedApproval extends VerifiedApproval {
  readonly rule: number;
}

/** FIDO flags in a signature; both `false` for software keys. */
export interface Flags {
  readonly touched: boolean;
  readonly verified: boolean;
}
