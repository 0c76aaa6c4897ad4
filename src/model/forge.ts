import type { Oid, RequestId } from './names.ts';
import type { Signed } from './statement.ts';

/** The door to where proposals and statements travel. What it returns is bytes and places, never authority. */
export interface Forge {
  readonly kind: string;
  /** Proposals for these ids and for ids dated on one of these days (`YYYYMMDD`). */
  readonly proposals: (wanted: Wanted) => Promise<readonly Proposal[]>;
  /** Statements about requests, `policy-<seq>` ... : everything found, unjudged. */
  readonly statements: (topics: readonly string[]) => Promise<ReadonlyMap<string, readonly Found[]>>;
  /** Opens a proposal. Throws `E_REQ_ID_TAKEN` when the id is in use. */
  readonly propose: (
    proposal: NewProposal,
  ) => Promise<{ readonly branch: string; readonly proposal: string }>;
  /** Publishes a statement under its topic. Publishing the same one twice is success. */
  readonly publish: (topic: string, signed: Signed, author: string) => Promise<void>;
}

export interface Wanted {
  readonly ids: readonly RequestId[];
  readonly days: readonly string[];
  /** Not these, whatever their date. */
  readonly skip?: ReadonlySet<RequestId>;
}

export interface Proposal {
  readonly id: RequestId;
  /** Where it is: a branch name, a pull request's URL. */
  readonly place: string;
  readonly head: Oid;
  /** `undefined` when the proposal does not hold exactly the two files of this id; `fault` says why. */
  readonly files: { readonly request: Uint8Array; readonly signature: Uint8Array } | undefined;
  readonly fault?: { readonly code: string; readonly message: string };
}

export interface NewProposal {
  readonly id: RequestId;
  readonly request: Uint8Array;
  readonly signature: Uint8Array;
  readonly author: string;
  readonly message: string;
}

export interface Found {
  readonly place: string;
  readonly signed: Signed;
}
