/**
 * What a forge with pull requests has to answer. All that is the same at each of them stands in this room, above these
 * questions: which pull request counts, what it holds, which postings belong to it, how a statement is posted. Answers
 * come from outside: an adapter reads them strictly, and every error of its is `E_FORGE_...`.
 */
import type { PamError } from '../../model/error.ts';
import type { Account, Found, Intent, NewProposal } from '../../model/forge.ts';
import type { Oid, RequestId } from '../../model/names.ts';

export interface PullPort {
  /** As in `pam.yaml`. */
  readonly kind: string;
  /** As people write it. */
  readonly title: string;
  /** What the repository is called there, for messages. */
  readonly repository: string;
  /** The remote's ref with the head of a pull request, those of forks too. */
  readonly headRef: (number: number) => string;
  /** The number in the page of a pull request of this repository; `undefined` for any other place. */
  readonly numberIn: (place: string) => number | undefined;
  /** Anew for each piece of work: all its questions together end within a time, and a list is asked for once. */
  readonly begin: () => PullWork;
}

export interface PullWork {
  readonly pulls: Pulls;
  /** What was posted at these will be asked for: a forge that answers for many at once does, and keeps it for that. */
  readonly readAhead: (pulls: readonly PullPlace[]) => Promise<void>;
  /** Every review, oldest first. @param doubt hears what keeps it from being whole */
  readonly reviews: (pull: PullPlace, doubt: PullDoubt) => Promise<readonly Dated[]>;
  /** Every comment, oldest first. */
  readonly comments: (pull: PullPlace, doubt: PullDoubt) => Promise<readonly PostedComment[]>;
  /** Opens the pull request of a branch that was pushed; gives its page. */
  readonly create: (proposal: NewProposal, branch: string) => Promise<string>;
  /** @param arrived asked when the network failed: is it there? */
  readonly review: (pull: Pull, review: Review, arrived: () => Promise<boolean>) => Promise<void>;
  /** `E_FORGE_FORBIDDEN` where the forge takes no more of them. */
  readonly comment: (pull: PullPlace, body: string, arrived?: () => Promise<boolean>) => Promise<void>;
  readonly edit: (pull: PullPlace, comment: Pick<PostedComment, 'id'>, body: string) => Promise<void>;
  /** Asks for a sweep now, where a job does it; what refuses is told by nothing: its own time will come. */
  readonly startSweep: () => Promise<void>;
  /** Whose token this is; `null` when it is no person's. */
  readonly whoami: () => Promise<Account | null>;
  /** Is it this token's own account, a person's or not? */
  readonly ownAccount: () => Promise<(account: Account) => boolean>;
}

/** The lists of pull requests against main. */
export interface PullLists {
  /** All that are open. `E_FORGE_LIMIT` when there are too many to read. */
  readonly open: () => Promise<readonly Pull[]>;
  /** Closed ones, newest first, as far back as one looks. */
  readonly closed: () => Promise<readonly Pull[]>;
  /** Open or not, of this branch of the repository itself. */
  readonly ofBranch: (branch: string, id: RequestId) => Promise<readonly Pull[]>;
  readonly numbered: (number: number) => Promise<Pull>;
  /** Merged ones that brought this commit to main. */
  readonly ofCommit: (commit: Oid) => Promise<readonly Pull[]>;
}

export interface Pulls extends Pick<PullLists, 'open' | 'closed' | 'numbered' | 'ofCommit'> {
  /** Those with the head branch `pam/<id>`, open or not; the first is the one that counts. */
  readonly of: (id: RequestId) => Promise<readonly Pull[]>;
}

export interface Pull {
  readonly number: number;
  /** Its page, for people and for the ledger. */
  readonly place: string;
  readonly open: boolean;
  readonly merged: boolean;
  readonly headBranch: string;
  /** The head as the API says it: where a review goes, never what is judged. */
  readonly apiHead: Oid;
  readonly apiBase: Oid;
  /** From a branch of this very repository, not of a fork. */
  readonly own: boolean;
  readonly baseBranch: string;
  readonly author: Account;
}

export type PullPlace = Pick<Pull, 'number' | 'place'>;

export type PullDoubt = (error: PamError) => void;

export interface Dated extends Found {
  /** As the forge says it: for the order alone. */
  readonly at: string;
  readonly posted: { readonly by: Account; readonly intent: Intent };
}

export interface PostedComment {
  readonly id: number;
  readonly by: Account;
  readonly body: string;
  readonly at: string;
  readonly place: string;
}

export type Event = 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT';

export interface Review {
  readonly event: Event;
  readonly body: string;
  /** The head that was judged. */
  readonly commit: Oid;
}
