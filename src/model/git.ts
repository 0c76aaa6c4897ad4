import type { CommitInfo, CommitLog } from './commit-log.ts';
import { PamError } from './error.ts';
import type { Instant } from './instant.ts';
import type { Oid } from './names.ts';

/**
 * One thing in Git that cannot be read, and why. It says nothing about any other: anybody may push a tree that cannot
 * be parsed beside a thousand good ones.
 * - `E_GIT_PARTIAL`: this clone has no such object. A full clone always has it, so it is never "no such file".
 * - `E_GIT_SIZE`: it is larger than the caller reads, or everything together is.
 * - `E_GIT_UNREADABLE`: it is no tree or blob, its bytes are none, or git ends when it is asked for it.
 */
export interface Unreadable {
  readonly unreadable: 'E_GIT_PARTIAL' | 'E_GIT_SIZE' | 'E_GIT_UNREADABLE';
  /** What, and why: part of a sentence. */
  readonly why: string;
}

export const isUnreadable = (found: unknown): found is Unreadable =>
  typeof found === 'object' && found !== null && 'unreadable' in found;

/** For a caller who needs just that one. Throws `cannotRead`. */
export function readable<T>(found: T | Unreadable, what: string): T {
  if (isUnreadable(found)) throw cannotRead(found, what);
  return found;
}

/** With the code of `Unreadable`, naming `what` it was about. */
export function cannotRead({ unreadable, why }: Unreadable, what: string): PamError {
  const hint = unreadable === 'E_GIT_PARTIAL' ? { hint: FULL_CLONE } : {};
  return new PamError(unreadable, `${what} cannot be read: ${why}`, hint);
}

const FULL_CLONE = 'pam never fetches single objects; use a full clone (made without --filter or --depth)';

/** How much of trees is read for one question. */
export interface Bounds {
  /** Bytes of one tree; 16 MiB when it is left out. */
  readonly treeBytes?: number;
  /** Entries that may be listed, directories looked into not counted; 200,000 when it is left out. */
  readonly entries?: number;
}

/**
 * The door to Git: objects and refs by full name, sealed from the clone's own configuration; and a remote.
 * Everything read through it is hostile bytes. Object ids locate; only digests over bytes prove.
 *
 * Reading trees and blobs is total: what others may have pushed is a value about that one thing, never an
 * exception for all that was asked. Only "git itself did not answer" (`E_RUN...`) is thrown.
 */
export interface Repository {
  /** Absolute path of the repository's git directory. */
  readonly gitDir: string;
  /** Absolute path of the work tree; `null` in a bare repository. */
  readonly workTree: string | null;
  /** The commit that a full ref name points at (`refs/heads/main`); `undefined` when there is none. */
  readonly resolve: (ref: string) => Promise<Oid | undefined>;
  /** Commits by full ref name, for refs that start with one of the prefixes. */
  readonly refs: (prefixes: readonly string[]) => Promise<ReadonlyMap<string, Oid>>;
  /**
   * Commits reachable from `tip` and not from `not`, parents before children; of them the newest `most`, at the cost
   * of so many, and then only sure to be in order along a line of single parents. Of a commit with more than two
   * parents the first two are told.
   * Throws `E_GIT_SHALLOW` when history is cut in between.
   */
  readonly history: (tip: Oid, not?: readonly Oid[], most?: number) => Promise<readonly CommitInfo[]>;
  /** All of them, held as text, for one walk over a long history. */
  readonly commitLog: (tip: Oid, not?: readonly Oid[]) => Promise<CommitLog>;
  /**
   * Commit messages, by commit; none of a commit over 1 MiB or that cannot be read. They prove nothing; audit compares
   * them with what the entries say.
   */
  readonly messages: (commits: readonly Oid[]) => Promise<ReadonlyMap<Oid, string>>;
  readonly isAncestor: (ancestor: Oid, descendant: Oid) => Promise<boolean>;
  readonly mergeBase: (a: Oid, b: Oid) => Promise<Oid | undefined>;
  /**
   * The same of many heads against one commit, for about the cost of one: those that are told by its history and by a few
   * commits on top of it. Nothing is said of the others, of which `mergeBase` may be asked. Never throws for what a commit
   * holds.
   */
  readonly mergeBases: (heads: readonly Oid[], of: Oid) => Promise<ReadonlyMap<Oid, Oid>>;
  /**
   * Everything below a commit's or tree's `path` ('' = all), recursively, in the order of the trees; empty when the path
   * is missing. A directory that cannot be read stands for itself, mode `040000`. Unreadable: what stands at `path`, a
   * tree on the way to it, or a list of too many.
   */
  readonly list: (treeish: Oid, path: string, bounds?: Bounds) => Promise<readonly TreeEntry[] | Unreadable>;
  /** The same for less, since sizes cost a look at every blob. */
  readonly names: (
    treeish: Oid,
    path: string,
    bounds?: Bounds,
  ) => Promise<readonly Omit<TreeEntry, 'size'>[] | Unreadable>;
  /**
   * Blob bytes for `<treeish>:<path>` pairs, in order, each judged by itself; `undefined` where there is no plain file
   * (its mode is checked by `list`, not here). Unreadable: a blob over `maxBytes`, or a tree on the way to it.
   */
  readonly read: (
    wanted: readonly { readonly treeish: Oid; readonly path: string }[],
    maxBytes: number,
    bounds?: Pick<Bounds, 'treeBytes'>,
  ) => Promise<readonly (Uint8Array | Unreadable | undefined)[]>;
  /**
   * Writes one commit object (and what it needs); moves no ref, touches no index and no work tree. Promised, git starts
   * while it is made; if that fails nothing is written, and the error is the promise's.
   */
  readonly writeCommit: (commit: NewCommit | Promise<NewCommit>) => Promise<Oid>;
  /** Moves a ref if and only if it is at `old` (`null` = must not exist). `false` when another writer was faster. */
  readonly moveRef: (ref: string, to: Oid, old: Oid | null) => Promise<boolean>;
  /** Several refs at once, all or none. */
  readonly moveRefs: (moves: readonly RefMove[]) => Promise<boolean>;
  /** The remote of that name; throws `E_GIT_REMOTE` when it is missing or speaks a protocol that pam does not. */
  readonly remote: (name: string) => Promise<Remote>;
}

export interface RefMove {
  readonly ref: string;
  readonly to: Oid;
  readonly old: Oid | null;
}

export interface TreeEntry {
  /** `100644`, `100755`, `120000` (symlink), `160000` (submodule), `040000` (a directory that cannot be read) */
  readonly mode: string;
  readonly path: string;
  readonly oid: Oid;
  /** Bytes; 0 for what is no file; `null` for a file that this clone lacks, or that is no blob. */
  readonly size: number | null;
}

export interface NewCommit {
  readonly parents: readonly Oid[];
  /** The tree: start from this commit's tree, or from nothing. */
  readonly base: Oid | null;
  /** Files to write, mode 100644; `null` removes one. A path ending in `/` with `null` removes a directory. */
  readonly files: ReadonlyMap<string, Uint8Array | null>;
  readonly message: string;
  readonly author: string;
  readonly at: Instant;
  /** Lower-case hex in the committer's address: no other commit has it, however alike all else may be. */
  readonly mark?: string;
  /** Expected id of the whole tree; the write fails with `E_GIT_TREE` when the result differs. */
  readonly tree?: Oid;
}

export type PushResult = 'moved' | 'rejected';

/** A ref of the remote that was not brought, or not followed. */
export interface NotBrought {
  readonly ref: string;
  readonly why: PamError;
  /** Its commit is here all the same; only the tracking ref could not be moved to it. */
  readonly oid?: Oid;
}

export interface Remote {
  readonly url: string;
  /**
   * What the remote has, for patterns such as `refs/heads/pam/20261122-*`: at the last fetch where that asked for all of
   * them, or now.
   * @param anew now, whatever was fetched
   */
  readonly list: (patterns: readonly string[], anew?: 'now') => Promise<ReadonlyMap<string, Oid>>;
  /**
   * Brings objects; follows `+<src>:<dst>` refspecs from a branch, or from the head of one pull request
   * (`refs/pull/12/head`), to a remote-tracking ref. Nothing is believed of what comes, so no object is too odd to come;
   * bytes and time are bounded. Gives what could not be brought: it stays where the clone has it, and keeps no other ref
   * from being brought. Throws `E_GIT_NETWORK` when the remote does not even say which refs it has.
   * @param ahead more of them, for what will be asked next (`list`, `fetch`): brought in the same conversation where that
   *   goes, and left alone where it does not; never an error
   */
  readonly fetch: (refspecs: readonly string[], ahead?: readonly string[]) => Promise<readonly NotBrought[]>;
  /**
   * One branch that went past the bounds of `fetch`, by itself: as many bytes as the disk has room for, and five minutes.
   * It has a connection of its own, so that `fetch` and `push` may go on meanwhile. @returns why not, or `null`
   */
  readonly fetchLarge: (refspec: string) => Promise<PamError | null>;
  /**
   * Pushes objects straight to remote refs, fast-forward only, all or none.
   * `rejected`: the remote was ahead or refused the move. Throws `E_GIT_NETWORK` when the answer is not known.
   */
  readonly push: (moves: readonly { readonly oid: Oid; readonly ref: string }[]) => Promise<PushResult>;
  /**
   * Brings so many more commits of these branches into a clone whose history was cut, or all of them (`null`).
   * `false` when this clone's history is not cut.
   */
  readonly deepen: (branches: readonly string[], by: number | null) => Promise<boolean>;
}
