import type { ErrorCode } from './error-codes.ts';
import type { PamError } from './error.ts';
import type { Instant } from './instant.ts';
import type { Oid, RequestId, Sha256 } from './names.ts';
import type { Files } from './policy.ts';
import type { Signed, StatementType } from './statement.ts';

/** The door to where proposals and statements travel. What it returns is bytes, places and clicks, never authority. */
export interface Forge {
  readonly kind: string;
  /** Proposals for these ids and for ids dated on one of these days (`YYYYMMDD`). */
  readonly proposals: (wanted: Wanted) => Promise<readonly Proposal[]>;
  /**
   * Statements about requests, `policy-<seq>` ...: everything found, unjudged, oldest first. Keys: topic names.
   * @param doubt hears what could not be read, and the rest is given all the same; without it that is an error
   */
  readonly statements: (
    topics: readonly Topic[],
    doubt?: Doubt,
  ) => Promise<ReadonlyMap<string, readonly Found[]>>;
  /** Opens a proposal. Throws `E_REQ_ID_TAKEN` when the id is in use. */
  readonly propose: (
    proposal: NewProposal,
  ) => Promise<{ readonly branch: string; readonly proposal: string }>;
  /** Publishes a statement under its topic. Publishing the same one twice is success. */
  readonly publish: (posting: Posting) => Promise<void>;
  /** Only plain Git: the commit that `publish` would push, and where to, for a push that brings other branches too. */
  readonly write?: (
    posting: Pick<Posting, 'topic' | 'signed' | 'author'>,
  ) => Promise<{ readonly oid: Oid; readonly ref: string }>;
  /** Only forges with pull requests: what `42`, `#42` or a pull request's URL stands for. */
  readonly lookUp?: (reference: string) => Promise<PullRequest>;
  /** Only forges with pull requests: those that are open. */
  readonly open?: () => Promise<readonly PullRequest[]>;
  /**
   * Only forges with pull requests: one comment of pam's at each of these places, made once and updated in place where its
   * text is another; a place elsewhere is left out. One that cannot be told keeps no other from it; the first error is thrown at the end.
   */
  readonly tell?: (told: ReadonlyMap<string, string>) => Promise<void>;
  /** Only forges with accounts: whose token this is; `null` when it is no person's. */
  readonly whoami?: () => Promise<Account | null>;
  /** What a team has to switch on at the forge, and whether it is on (`doctor`). */
  readonly settings?: (sweeps: Sweeps) => Promise<readonly Setting[]>;
  /** The same as plans, in the order in which they are made; reads, and changes nothing until one is made. */
  readonly planSettings?: (wanted: WantedSettings) => Promise<readonly SettingPlan[]>;
}

/** What the forge has to be told once, beside its branches. */
export interface WantedSettings {
  /** `null` where this machine has not pinned it. */
  readonly root: Sha256 | null;
  /** Of the program that the jobs will run; `null` where there is none. */
  readonly bundle: Sha256 | null;
  /** Names of the services; `null` where policy has none that does that. */
  readonly executors: { readonly apply: string | null; readonly sweep: string | null };
}

/** One setting: what it is, how it stands, and how it is made. */
export interface SettingPlan {
  readonly title: string;
  /** `by hand`: pam cannot do it. `unknown`: it could not be looked at. */
  readonly state: 'there' | 'missing' | 'by hand' | 'unknown';
  /** What a person could type instead; or why it is not known. */
  readonly command: string;
  /** Made twice, it is the same. Throws `PamError`. */
  readonly make: () => Promise<void>;
}

/** What policy and ledger say of sweeps, by which the forge's own runs are judged. */
export interface Sweeps {
  /** `sweep_within` in seconds; `null` where policy has none. */
  readonly within: number | null;
  /** When a sweep last wrote an entry, on whatever machine. */
  readonly last: Instant | null;
}

/** The caller grants nothing by that topic, and ends what the part that was read ends. */
export type Doubt = (topic: string, error: PamError) => void;

/** What a command is about to ask, so that one conversation brings it. */
export interface About {
  readonly ids: readonly RequestId[];
  /** `YYYYMMDD`: all requests of these days. */
  readonly days: readonly string[];
  /** The version that the next policy would have. */
  readonly policy?: number;
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
  readonly fault?: { readonly code: ErrorCode; readonly message: string };
}

/** What statements are about: a request id, `policy-<seq>` ... */
export interface Topic {
  readonly name: string;
  /** The proposal that `seen` recorded, or that a person named: statements are read there alone. `null`: not known yet. */
  readonly place: string | null;
}

/** An account at the forge. The numeric id is the identity; a login may change hands. */
export interface Account {
  readonly id: number;
  readonly login: string;
  /** The forge says that a person uses it: no bot, no app, no ghost. */
  readonly human: boolean;
}

/** What its author meant by the click. On GitHub: APPROVED, CHANGES_REQUESTED, COMMENTED or a plain comment, DISMISSED. */
export type Intent = 'approve' | 'object' | 'comment' | 'dismissed';

export interface Found {
  readonly place: string;
  /** `null`: a click without a signed text. It never approves; it may hold back (`rules/judge-postings.ts`). */
  readonly signed: Signed | null;
  /** Who posted it and what for; `null` where the forge knows no accounts (plain Git). */
  readonly posted: { readonly by: Account; readonly intent: Intent } | null;
}

export interface Posting {
  readonly topic: Topic;
  readonly signed: Signed;
  readonly author: string;
  /** How it is posted stands with its type (`trust/statements/`). */
  readonly type: StatementType;
  /** One sentence for people, above the signed block: "alice approves: ...". */
  readonly sentence: string;
  /** The head of the proposal that was judged; `null` when there is none (any more). */
  readonly head: Oid | null;
}

export interface NewProposal {
  readonly id: RequestId;
  readonly request: Uint8Array;
  readonly signature: Uint8Array;
  readonly author: string;
  readonly message: string;
  /** What a human decides from; forges with pull requests put it in title, body, reviewers and labels. */
  readonly facts: ProposalFacts;
}

export interface ProposalFacts {
  readonly requester: string;
  readonly subject: string;
  readonly role: string;
  readonly description: string;
  readonly risk: string;
  readonly target: string;
  readonly permissions: readonly string[];
  readonly duration: string;
  readonly start: string | null;
  readonly justification: string;
  readonly ticket: string | null;
  readonly incident: string | null;
  readonly controls: readonly string[];
  /** Pre-checks, as `check` would print them. */
  readonly reasons: readonly { readonly code: ErrorCode; readonly ok: boolean; readonly message: string }[];
  /** Who may approve as named approvers (not the beneficiaries), with their login where policy has one. */
  readonly approvers: readonly { readonly name: string; readonly login: string | null }[];
}

export interface PullRequest {
  /** Its html_url. */
  readonly place: string;
  readonly number: number;
  readonly head: Oid;
  readonly open: boolean;
  /** A request's proposal; a policy change (only `pam.yaml` and `policy/`), with the policy files at its head; or anything else. */
  readonly holds:
    | { readonly kind: 'request'; readonly id: RequestId }
    | { readonly kind: 'policy'; readonly files: Files }
    | { readonly kind: 'other'; readonly fault?: { readonly code: ErrorCode; readonly message: string } };
}

export interface Setting {
  readonly code: ErrorCode;
  /** `null`: this token may not see it. */
  readonly ok: boolean | null;
  readonly message: string;
  readonly hint?: string;
}
