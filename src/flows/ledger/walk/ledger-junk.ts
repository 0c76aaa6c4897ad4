/**
 * What was stepped over on the ledger branch, and whose word it is. Anybody may push there, so bytes that no executor
 * signed, copies of what stands on the chain and other beginnings are audit's warning; what an executor of this
 * ledger signed and what does not follow is its error (docs/spec.md, "Junk").
 */
import type { ErrorCode } from '../../../model/error-codes.ts';
import { readEntry } from '../../../documents/entry-file.ts';
import type { Entry } from '../../../model/entry.ts';
import { expected } from '../../../model/error.ts';
import type { Repository, Unreadable } from '../../../model/git.ts';
import type { CommitInfo } from '../../../model/commit-log.ts';
import type { Fingerprint, Oid, Sha256 } from '../../../model/names.ts';
import type { Policy } from '../../../model/policy.ts';
import type { LedgerPoint } from '../../../model/statement.ts';
import type { Finding } from '../../../rules/audit-entry.ts';
import { holdersOf } from '../../../trust/keyring.ts';

/** Writers keep far below it (`append-entry.ts`); what is larger is junk and is not even read. */
export const ENTRY_MAX_BYTES = 1024 * 1024;
/** A ledger commit's root holds five things; a stranger's tree may have megabytes, and there may be many of them. */
export const LEDGER_TREES = { treeBytes: 64 * 1024 };

/** Of a commit that an honest clone holds whole. */
export const LACKING = 'E_GIT_PARTIAL';

/** How a fork is left, for people who read that there is one. */
export const FORK_WAY_OUT =
  'admins choose the side to be followed, name the other entry in `settled` of pam.yaml, and ratify that on a machine that follows the right side';

export interface Junk {
  readonly commit: Oid;
  /** The same commit with its tree and parents. */
  readonly at: CommitInfo;
  readonly code: ErrorCode;
  readonly message: string;
  /** A good signature stands over what the commit has as its entry; `null`: none does. */
  readonly signed: SignedJunk | null;
  /** It is an entry, and an executor in force signed it, but it follows another one: a fork, unless it is a copy. */
  readonly stray: Stray | null;
}

export interface SignedJunk {
  readonly key: Fingerprint;
  /** Digest of the entry's bytes. */
  readonly head: Sha256;
  /** What it says about its place; `null` where it was not read (a stranger's key) or cannot be. */
  readonly entry: EntryPlace | null;
}

export interface EntryPlace {
  readonly seq: number;
  readonly root: Sha256 | null;
  readonly previous: Sha256 | null;
  /** A genesis: of this ledger or of another. */
  readonly begins: boolean;
}

export interface Stray extends LedgerPoint {
  /** The same bytes by the same key, however often they were copied. */
  readonly identity: string;
}

export function placeOf({ seq, root, previous, events }: Entry): EntryPlace {
  const begins = seq === 0 && root === null && previous === null && events[0]?.type === 'genesis';
  return { seq, root, previous, begins };
}

export function junkOf(
  at: CommitInfo,
  { code, message }: { readonly code: ErrorCode; readonly message: string },
  signed: SignedJunk | null,
  stray: Stray | null,
): Junk {
  return { commit: at.oid, at, code, message, signed, stray };
}

/** Keys that a policy lists for its executors, revoked and expired ones included. */
export function executorKeys(policy: Policy): readonly Fingerprint[] {
  return [...holdersOf(policy)].flatMap(([key, { kind, id }]) =>
    kind === 'service' && policy.services[id]?.executes !== undefined ? [key] : [],
  );
}

const CHUNK = 64;

/**
 * Bytes of a key that was no executor's where they were met are not parsed there. Once every policy of the chain is
 * known, those of its executors' keys are: an old key's entry may be a copy, or stand on another side of a fork.
 */
export async function withPlaces<T extends Junk>(
  repository: Repository,
  junk: readonly T[],
  executors: ReadonlySet<Fingerprint>,
): Promise<readonly T[]> {
  const unread = junk.filter(({ signed }) => signed?.entry === null && executors.has(signed.key));
  const places = new Map<Oid, EntryPlace>();
  for (let from = 0; from < unread.length; from += CHUNK) {
    const chunk = unread.slice(from, from + CHUNK);
    const paths = chunk.map(({ commit }) => ({ treeish: commit, path: 'entry.json' }));
    const blobs = await repository.read(paths, ENTRY_MAX_BYTES, LEDGER_TREES);
    for (const [at, { commit }] of chunk.entries()) {
      const place = placeIn(blobs[at]);
      if (place !== undefined) places.set(commit, place);
    }
  }
  return junk.map((one) => {
    const entry = places.get(one.commit);
    return entry === undefined || one.signed === null ? one : { ...one, signed: { ...one.signed, entry } };
  });
}

function placeIn(found: Uint8Array | Unreadable | undefined): EntryPlace | undefined {
  try {
    return found instanceof Uint8Array ? placeOf(readEntry(found)) : undefined;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

export interface Heard {
  /** Keys that any policy of this chain lists for an executor. */
  readonly executors: ReadonlySet<Fingerprint>;
  /** Digests of the chain's entries, at least of those that the junk's entries name by number. */
  readonly chain: ReadonlyMap<number, Sha256>;
  /** Did this key sign the chain's entry of that number? The same bytes under another signature are no copy. */
  readonly wrote: (key: Fingerprint, seq: number) => boolean;
  /** What policy settled, and what follows it. */
  readonly dead: ReadonlySet<Sha256>;
}

/** @param seq of the entry that would stand there */
export function judgeJunk(junk: Junk, seq: number, { executors, chain, wrote, dead }: Heard): Finding {
  const { commit, code, message, signed } = junk;
  const entry = signed?.entry ?? null;
  const where = `commit ${commit.slice(0, 12)} skipped (expected entry ${seq})`;
  const warning = (why: string): Finding => ({
    code: 'W_LED_JUNK',
    severity: 'warning',
    seq,
    message: `${where}: ${why}`,
  });
  // It may be an entry of the chain that this clone lacks: then it cannot be called junk.
  if (code === LACKING)
    return { code: 'E_LED_JUNK', severity: 'error', seq, message: `${where}: ${message}` };
  if (signed === null || !executors.has(signed.key) || entry?.begins === true) return warning(message);
  if (entry !== null && chain.get(entry.seq) === signed.head && wrote(signed.key, entry.seq))
    return warning(`a copy of entry ${entry.seq}`);
  if (dead.has(signed.head)) return warning('policy settled that it is not followed');
  return {
    code: code === 'E_LED_SHAPE' ? 'E_LED_JUNK' : code,
    severity: 'error',
    seq,
    message: `${where}: ${message}`,
  };
}
