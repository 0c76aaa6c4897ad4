import type { Duration, Instant } from './instant.ts';
import type { Fingerprint, Sha256 } from './names.ts';

export const LEDGER_NAMESPACE = 'pam-ledger-v1@pam';
export const CHECKPOINT_NAMESPACE = 'pam-checkpoint-v1@pam';

/** What every statement says first. */
export interface Signing {
  readonly root: Sha256;
  readonly signer: string;
  readonly signedAt: Instant;
}

/**
 * What people sign (DESIGN section 4), by type, in two parts: `known`, what a verifier rebuilds from what it knows
 * itself, and `claimed`, what its signer alone can know. Each type says so in its own file (`trust/statements/`), which
 * adds a line here by declaration merging.
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface
export interface StatementShapes {}
export type StatementType = keyof StatementShapes;
export type Known<T extends StatementType> = StatementShapes[T]['known'];
export type Claimed<T extends StatementType> = StatementShapes[T]['claimed'];
export type StatementOf<T extends StatementType> = { readonly type: T } & Signing & Known<T> & Claimed<T>;
export type Statement = { [T in StatementType]: StatementOf<T> }[StatementType];
/** Of a type whose signer claims nothing. */
export type NoClaims = object;

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

/** A statement's text and the OpenSSH armor over it: what travels and what the ledger keeps. */
export interface Signed {
  readonly text: string;
  readonly armor: string;
}
