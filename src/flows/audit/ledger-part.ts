/** A stretch of the ledger, to be audited by itself, and what was found in it: plain data, for other processes. */
import type { Fingerprint, Oid, Sha256 } from '../../model/names.ts';
import type { Finding, Wrote } from '../../rules/audit-entry.ts';
import type { Junk } from '../ledger/walk/ledger-junk.ts';
import type { Newer } from '../ledger/walk/newer-version.ts';

export interface PartJob {
  readonly root: Sha256;
  /** Where it starts. `head`: digest of the entry there; `null` = whatever stands in that commit. */
  readonly below: { readonly commit: Oid; readonly head: Sha256 | null };
  /** The entry below is the genesis, and counts here. */
  readonly genesis: boolean;
  /** Other cores have parts of their own. */
  readonly singleCore: boolean;
  /** The commits above it, as `CommitLog` holds them. */
  readonly commits: Uint8Array;
  /** Entries that are not followed, as `walkLedger` has it. */
  readonly settled: ReadonlySet<Sha256>;
}

/** An entry and the commit that it was found in. */
export interface Point {
  readonly commit: Oid;
  readonly seq: number;
  readonly head: Sha256;
}

export interface JunkAt extends Junk {
  readonly seq: number;
}

export interface Counts {
  readonly entries: number;
  readonly grants: number;
  readonly revocations: number;
  readonly policies: number;
  readonly signedByPeople: number;
}

export interface PartFound extends Counts {
  readonly below: Point;
  readonly last: Point;
  readonly byExecutor: Readonly<Record<string, number>>;
  /** Entries, and policy versions with a statement, by the key that signed them. */
  readonly writers: ReadonlyMap<string, Wrote>;
  readonly findings: readonly Finding[];
  /** Commits whose message is not their entry's. */
  readonly otherMessages: readonly Finding[];
  /** What was stepped over, each with the number of the entry that would stand there. */
  readonly junk: readonly JunkAt[];
  /** Where a policy of a higher version stands: nothing above it was read. */
  readonly newer: Newer | null;
  /** Keys that its policies list for executors. */
  readonly executors: readonly Fingerprint[];
  /** As `walkLedger` has it. */
  readonly voided: ReadonlySet<string>;
  /** Digests of its entries, 32 bytes each. */
  readonly digests: Uint8Array;
}

/** Processes that audit parts beside each other. */
export interface Auditors {
  readonly count: number;
  /** Below so many commits they take longer to start than they save. */
  readonly worthwhile: number;
  /** A part's commits, at most: so much does one of them hold at a time. */
  readonly longest: number;
  /** In the order of the jobs, each of which is made when a worker is free to do it. */
  readonly found: (jobs: number, jobAt: (place: number) => PartJob) => AsyncIterable<PartFound | null>;
}
