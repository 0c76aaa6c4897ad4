/**
 * All that one type of statement means, in one file a type. `registry.ts` lists them, and nothing else decides by a
 * type's name: printing, verifying, the rules and the forges ask the registry.
 *
 * A type's shape joins the union by declaration merging, in its own file:
 *
 *     declare module '../../model/statement.ts' {
 *       interface StatementShapes { readonly stop: { readonly known: StopKnown; readonly claimed: StopClaims } }
 *     }
 */
import type { ErrorCode } from '../../model/error-codes.ts';
import type { Claimed, Known, StatementOf, StatementType } from '../../model/statement.ts';

export interface StatementKind<T extends StatementType> {
  /** Of its signature (`ssh-keygen -n`): `pam-<type>-v1@pam`. */
  readonly namespace: `pam-${string}-v1@pam`;
  /** Its lines behind the five that every statement begins with, in order. */
  readonly lines: (statement: StatementOf<T>) => readonly Line[];
  /** Reads what its signer alone can know. Shapes are checked, truth is not. Throws `E_STATEMENT`. */
  readonly claims: (lines: ReadonlyMap<string, string>) => Claimed<T>;
  /** The code of each line that says something else than the verifier knows; `OTHER_WORDS` of those not named. */
  readonly faults: Readonly<Record<string, ErrorCode>>;
  /** How it reaches those who judge it; `null`: beside its request, as the signature file of the proposal. */
  readonly travels: Travels | null;
  /** Builds that took armors as they came recorded some of these in spellings that ssh-keygen refuses. */
  readonly oddArmorsRecorded?: true;
  /** A whole one, its free text as hostile as it may be: for pages and for `test/conformance/statements.test.ts`. */
  readonly example: Known<T> & Claimed<T>;
}

export type Line = readonly [key: string, value: string];

export const OTHER_WORDS: ErrorCode = 'E_APR_GRANT';

/** On plain Git every statement is a branch of its topic. A forge with reviews takes it as one of them, or as a comment. */
export interface Travels {
  /** What its topic names (`topics.ts`). */
  readonly about: TopicKind;
  /** As a review that approves, as one that asks for changes, or as a comment. */
  readonly as: 'approve' | 'object' | 'comment';
  /**
   * Posted with one of these intents it stands. With `comment` among them, it is a comment where the forge takes no
   * such review from this account: of its own pull request, or of a closed one.
   */
  readonly stands: readonly ('approve' | 'object' | 'comment')[];
  /** `signer`: it counts only where its signer's own account posted it so. `any`: however it came. */
  readonly account: 'signer' | 'any';
}

export type TopicKind = 'request' | 'policy';
