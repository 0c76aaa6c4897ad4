import type { Duration, Instant } from './instant.ts';
import type { Fingerprint, RequestId, Sha256 } from './names.ts';

/**
 * What people sign (DESIGN section 4). A statement is data here; `trust/statement-text.ts` prints it, and a
 * verifier *rebuilds* that text from what it knows instead of believing what it was given.
 */
export type StatementType = 'request' | 'approval' | 'stop' | 'policy' | 'delegation' | 'review';

export const NAMESPACES = {
  request: 'pam-request-v1@pam',
  approval: 'pam-approval-v1@pam',
  stop: 'pam-stop-v1@pam',
  policy: 'pam-policy-v1@pam',
  delegation: 'pam-delegation-v1@pam',
  review: 'pam-review-v1@pam',
} as const satisfies Record<StatementType, string>;
export const LEDGER_NAMESPACE = 'pam-ledger-v1@pam';
export const CHECKPOINT_NAMESPACE = 'pam-checkpoint-v1@pam';

interface Signing {
  readonly root: Sha256;
  readonly signer: string;
  readonly signedAt: Instant;
}

/** Exactly what one approval covers: nothing in it is left to interpret. */
export interface ExactGrant {
  readonly subject: string;
  readonly target: string;
  readonly login: string;
  /** Filled in and sorted. */
  readonly permissions: readonly string[];
  readonly loginKey: Fingerprint | null;
  readonly duration: Duration;
  readonly start: Instant | null;
}

export type Capacity = 'named' | 'fallback' | `delegate:${string}`;

/** A place on the ledger: entry number and that entry's digest. */
export interface LedgerPoint {
  readonly seq: number;
  readonly head: Sha256;
}

/** Entry digests by sequence number: the points of the chain that approvals name. */
export type Witnesses = Pick<ReadonlyMap<number, Sha256>, 'get'>;

export interface RequestStatement extends Signing {
  readonly type: 'request';
  readonly request: RequestId;
  readonly requestSha256: Sha256;
}
export interface ApprovalStatement extends Signing {
  readonly type: 'approval';
  readonly request: RequestId;
  readonly requestSha256: Sha256;
  readonly grant: ExactGrant;
  readonly capacity: Capacity;
  readonly because: string | null;
  /** The newest entry that the signer's own machine had verified. */
  readonly ledger: LedgerPoint;
}
export interface StopStatement extends Signing {
  readonly type: 'stop';
  readonly request: RequestId;
  readonly because: string | null;
}
export interface PolicyStatement extends Signing {
  readonly type: 'policy';
  readonly seq: number;
  readonly policySha256: Sha256;
  readonly previousSha256: Sha256 | null;
}
export type Statement = RequestStatement | ApprovalStatement | StopStatement | PolicyStatement;

/** A statement's text and the OpenSSH armor over it: what travels and what the ledger keeps. */
export interface Signed {
  readonly text: string;
  readonly armor: string;
}
