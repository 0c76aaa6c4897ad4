/** The state of the double: what GitHub keeps beside Git. Whatever Git knows is asked there (`bare-git.ts`). */
import type { Account, Accounts } from './accounts.ts';
import type { BareGit } from './bare-git.ts';
import type { Spoil } from './graphql.ts';
import type { Limits } from './limits.ts';
import type { Permissions, Tokens } from './tokens.ts';

export type MergeMethod = 'merge' | 'squash' | 'rebase';

export interface Repository {
  id: number;
  owner: Account;
  name: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  /** `owner/name` of before, in lower case: GitHub redirects from there until somebody takes the name. */
  readonly formerNames: Set<string>;
  readonly createdAt: Date;
  readonly methods: Record<MergeMethod, boolean>;
}

export interface Fork {
  readonly id: number;
  readonly owner: Account;
  readonly git: BareGit;
}

export interface Merged {
  readonly sha: string;
  /** The base branch just before: `from..sha` is what this pull request brought. */
  readonly from: string;
  readonly at: Date;
  /** `undefined` when somebody pushed the merge by hand: a push by file path has no account. */
  readonly by: Account | undefined;
}

export interface Pull {
  readonly id: number;
  readonly number: number;
  readonly author: Account;
  title: string;
  body: string | null;
  draft: boolean;
  readonly fork: Fork | undefined;
  readonly headRef: string;
  baseRef: string;
  /** As last seen; it stays when the branch goes. */
  headSha: string;
  baseSha: string;
  /** What `base.sha` says: the base branch when the head last moved, however far it went since. */
  shownBase: string;
  state: 'open' | 'closed';
  merged: Merged | undefined;
  closedAt: Date | undefined;
  readonly createdAt: Date;
  updatedAt: Date;
  readonly labels: Set<string>;
  readonly requested: Set<Account>;
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'PENDING' | 'DISMISSED';

export interface Review {
  readonly id: number;
  readonly pull: Pull;
  readonly author: Account;
  body: string;
  state: ReviewState;
  readonly commit: string;
  submittedAt: Date | undefined;
}

/** Of the pull request's events: who took a review away, and what it had said. */
export interface Dismissal {
  readonly id: number;
  readonly pull: Pull;
  readonly review: Review;
  readonly by: Account;
  readonly state: ReviewState;
  readonly message: string;
  readonly at: Date;
}

export interface Comment {
  readonly id: number;
  readonly pull: Pull;
  readonly author: Account;
  body: string;
  readonly createdAt: Date;
  updatedAt: Date;
}

export interface Run {
  readonly id: number;
  /** File name, as `sweep.yml`. */
  readonly workflow: string;
  readonly event: string;
  readonly branch: string;
  status: string;
  conclusion: string | null;
  readonly at: Date;
  readonly by: Account;
  /** Also of a run that is started again: the workflow as it was then. */
  readonly sha: string;
  attempt: number;
  /** Of a dispatch. */
  readonly inputs: Readonly<Record<string, string>>;
}

export interface App {
  readonly id: number;
  readonly slug: string;
  /** PEM, the public half of the App's key. */
  readonly publicKey: string;
  readonly permissions: Permissions;
  readonly installation: number;
  readonly bot: Account;
}

/** Plain objects in the words of GitHub's description: a test sets what `doctor` must notice. */
export interface Settings {
  actions: Record<string, unknown>;
  workflow: { default_workflow_permissions: 'read' | 'write'; can_approve_pull_request_reviews: boolean };
  /** How the `sub` of a job's OpenID Connect token is made. */
  subject: Record<string, unknown>;
  selectedActions: Record<string, unknown>;
  /** Of the repository. */
  variables: Record<string, string>;
  environments: EnvironmentSetting[];
  rulesets: RulesetSetting[];
  /** Branch to classic protection. */
  protections: Record<string, Record<string, unknown>>;
  /** File name to the state that Actions says, `active` without one. */
  workflowStates: Record<string, string>;
}

export interface EnvironmentSetting {
  readonly name: string;
  readonly branches?: readonly string[];
  readonly policy?: { readonly protected_branches: boolean; readonly custom_branch_policies: boolean } | null;
  readonly reviewers?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Names only; nothing shows what they hold. */
  readonly secrets?: readonly string[];
}

export interface RulesetSetting {
  readonly name: string;
  readonly enforcement?: 'active' | 'disabled' | 'evaluate';
  /** `~DEFAULT_BRANCH`, `~ALL`, `refs/heads/pam-ledger`, `refs/heads/pam/*`. */
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  readonly rules: readonly { readonly type: string; readonly parameters?: Record<string, unknown> }[];
  readonly bypass?: readonly Record<string, unknown>[];
}

/** What GraphQL is asked, and what a test makes of its answers. */
export interface Graph {
  asked: number;
  limit: number;
  spoil: Spoil | undefined;
}

export interface Hub {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  /** Of the web pages that answers point to. */
  readonly web: string;
  readonly git: BareGit;
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly limits: Limits;
  readonly graph: Graph;
  readonly repository: Repository;
  readonly forks: Fork[];
  readonly pulls: Pull[];
  readonly reviews: Review[];
  readonly comments: Comment[];
  readonly dismissals: Dismissal[];
  readonly runs: Run[];
  readonly apps: App[];
  readonly dispatches: Dispatch[];
  readonly settings: Settings;
  readonly now: () => Date;
  readonly nextId: () => number;
}

export interface Dispatch {
  /** A workflow's file name, or `repository`. */
  readonly to: string;
  readonly by: string;
  readonly ref?: string;
  readonly eventType?: string;
  readonly payload: unknown;
}

/** GitHub has no fractions of a second. */
export const instant = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;
export const instantOrNull = (at: Date | undefined): string | null => (at === undefined ? null : instant(at));
export const fullName = (repository: Repository): string => `${repository.owner.login}/${repository.name}`;
/** Unlike anything but itself; what is inside is nobody's business. */
export const nodeId = (kind: string, id: number | string): string =>
  `${kind}_${Buffer.from(String(id)).toString('base64url')}`;
