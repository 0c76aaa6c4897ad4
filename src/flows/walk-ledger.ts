/**
 * Walks ledger commits, entry by entry. The chain is of entries, not of commits: a commit whose entry does not
 * follow, or that holds anything but what its entry makes, is stepped over and reported.
 */
import { readBeats, readEntry, readOpenRecord } from '../documents/entry-file.ts';
import { readPolicy } from '../documents/policy-files.ts';
import { POLICY_BYTES } from '../documents/yaml.ts';
import type { Entry } from '../model/entry.ts';
import type { CommitInfo, Commits } from '../model/commit-log.ts';
import { EXIT, gaveNoAnswer, PamError } from '../model/error.ts';
import { cannotRead, isUnreadable, readable, type Repository, type Unreadable } from '../model/git.ts';
import type { Oid, RequestId, Sha256 } from '../model/names.ts';
import { BEATS_PATH, type OpenIndex, type OpenRecord } from '../model/open-record.ts';
import { type Files, POLICY_PATHS } from '../model/policy.ts';
import type { Provider } from '../model/target.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { sha256, treeDigest } from '../trust/digest.ts';
import { type Directory, directoryId, directoryOf } from '../trust/git-tree-id.ts';
import { type SignedEntry, verifyEntry, verifyEntryAside } from '../trust/signed-entry.ts';
import type { LedgerPoint } from '../model/statement.ts';
import { beginChain, type Candidate, followChain, isExecutorKey } from '../rules/follow-chain.ts';
import { asItWasRead, indexDigest, openDirectory } from '../rules/print-index.ts';

/** Writers keep far below it (`append-entry.ts`); what is larger is junk and is not even read. */
export const ENTRY_MAX_BYTES = 1024 * 1024;
/** A ledger commit's root holds five things; a stranger's tree may have megabytes, and there may be many of them. */
export const LEDGER_TREES = { treeBytes: 64 * 1024 };
/** Two of them are held at a time. */
const CHUNK = 64;

export interface Step {
  readonly before: ChainState | null;
  readonly after: ChainState;
  readonly commit: CommitInfo;
}

export interface Junk {
  readonly commit: Oid;
  readonly code: string;
  readonly message: string;
  /** It is an entry, and an executor in force signed it, but it follows another one: a fork, unless it is a copy. */
  readonly stray: Stray | null;
}

export interface Stray extends LedgerPoint {
  /** The same bytes by the same key, however often somebody copies them. */
  readonly told: string;
}

export type Walked =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'junk'; readonly junk: Junk };

/** A commit without an entry, or with one that cannot be read. */
interface NoEntry extends CommitInfo {
  readonly fault?: Unreadable;
}

interface Raw {
  readonly commit: CommitInfo;
  readonly bytes: Uint8Array;
  readonly armor: string;
  /** Rejects with the codes of `verifyEntry`. */
  readonly signed: Promise<SignedEntry>;
}

export interface Walking {
  /** What was judged where it would follow, and did not, as `Stray.told`: this walk adds to it. */
  readonly voided?: Set<string>;
  /** Other cores have work of their own, so signatures are checked on this one. */
  readonly crowded?: boolean;
}

/**
 * Every commit in turn, as a step or as junk. What was judged where it would follow, and does not, follows nowhere:
 * a copy of it further up is no second history.
 * @param commits parents before children
 */
export async function* walkLedger(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commits: Commits,
  state: ChainState,
  { voided = new Set<string>(), crowded = false }: Walking = {},
): AsyncGenerator<Walked, void, undefined> {
  let current = state;
  let ahead = readAhead(repository, commits, 0, crowded);
  for (let from = 0; from < commits.length; from += CHUNK) {
    const chunk = await ahead;
    ahead = readAhead(repository, commits, from + CHUNK, crowded);
    for (const raw of chunk) {
      const walked = await walkOne(repository, providers, raw, current, voided);
      yield walked;
      if (walked.kind === 'step') current = walked.step.after;
    }
  }
}

/** The next commits are read, and their signatures checked on other cores, while these are followed. */
function readAhead(
  repository: Repository,
  commits: Commits,
  from: number,
  crowded: boolean,
): Promise<readonly (Raw | NoEntry)[]> {
  const read = readRaw(repository, commits.slice(from, from + CHUNK), crowded);
  // Whoever stops walking before asks no more; whoever goes on gets the error.
  read.catch(() => undefined);
  return read;
}

async function walkOne(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  raw: Raw | NoEntry,
  before: ChainState,
  voided: Set<string>,
): Promise<Walked> {
  const junk = (commit: Oid, error: PamError, stray: Stray | null): Walked => ({
    kind: 'junk',
    junk: { commit, code: error.code, message: error.message, stray },
  });
  if (!('bytes' in raw)) return junk(raw.oid, whyNoEntry(raw), null);
  let stray: Stray | null = null;
  try {
    const signed = await raw.signed;
    const byExecutor = signedByExecutor(before, signed);
    const entry = readEntry(raw.bytes);
    const head = sha256(raw.bytes);
    // The same bytes by the same key: what `previous` names is all that an entry's truth depends on.
    const told = `${signed.key} ${head}`;
    const follows = entry.previous === before.head;
    if (byExecutor && entry.root === before.root && !follows && !voided.has(told)) {
      stray = { seq: entry.seq, head, told };
    }
    const files =
      entry.events[0]?.type === 'policy' ? await policyFilesOf(repository, raw.commit.oid) : undefined;
    // Until proven otherwise; a policy is proven by files, which another commit may hold.
    if (byExecutor && follows && files === undefined) voided.add(told);
    const after = followChain(before, candidateOf(signed, entry, files, providers));
    voided.delete(told);
    judgeTree(after, raw);
    return { kind: 'step', step: { before, after, commit: raw.commit } };
  } catch (error) {
    if (!(error instanceof PamError) || gaveNoAnswer(error)) throw error;
    return junk(raw.commit.oid, error, stray);
  }
}

/** What this clone lacks may be an entry of the chain: whoever reads on must know that it was not junk that was met. */
function whyNoEntry({ fault }: NoEntry): PamError {
  if (fault === undefined) return new PamError('E_LED_SHAPE', 'the commit holds no entry');
  const code = fault.unreadable === LACKING ? LACKING : 'E_LED_SHAPE';
  return new PamError(code, `its entry cannot be read: ${fault.why}`);
}

/** Of a commit that an honest clone holds whole. */
export const LACKING = 'E_GIT_PARTIAL';

/**
 * Anybody may push junk, so it must cost little: the signature first. Bytes of a stranger's key are parsed only where
 * they may be a policy that brings its own executor, and then its admins are counted before it is read.
 */
function signedByExecutor(before: ChainState, { bytes, key }: SignedEntry): boolean {
  if (isExecutorKey(before.policy, key)) return true;
  if (bytes.length <= POLICY_ENTRY_MAX_BYTES && Buffer.from(bytes).includes('"events":[{"type":"policy"'))
    return false;
  throw new PamError('E_LED_KEY', 'no executor in force signed it');
}

/** A policy entry holds one event with a statement of each admin. */
const POLICY_ENTRY_MAX_BYTES = 256 * 1024;

function candidateOf(
  signed: SignedEntry,
  entry: Entry,
  files: Files | undefined,
  providers: ReadonlyMap<string, Provider>,
): Candidate {
  const brought = (): Files => {
    if (files === undefined) throw new PamError('E_LED_SHAPE', 'no policy came with the entry');
    return files;
  };
  return {
    signed,
    entry,
    broughtDigest: () => treeDigest(brought()),
    brought: () => ({ files: brought(), policy: readPolicy(brought(), treeDigest(brought()), providers) }),
  };
}

function judgeTree(after: ChainState, { commit, bytes, armor }: Raw): void {
  if (directoryId(ledgerDirectory(after, bytes, armor), commit.tree) === commit.tree) return;
  throw new PamError('E_LED_TREE', 'the commit holds something else than its entry makes');
}

const policyDirectories = new WeakMap<Files, Directory>();

/** Policy seldom changes, and its directories are as old as its files. */
function policyDirectory(files: Files): Directory {
  const known = policyDirectories.get(files) ?? directoryOf(files);
  policyDirectories.set(files, known);
  return known;
}

/** Executors append with one parent; a merge holds no entry, so it cannot decide which of two histories is read. */
async function readRaw(
  repository: Repository,
  commits: readonly CommitInfo[],
  crowded = false,
): Promise<readonly (Raw | NoEntry)[]> {
  const linear = commits.filter(({ parents }) => parents.length <= 1);
  const wanted = linear.flatMap(({ tree }) =>
    ['entry.json', 'entry.json.sig'].map((path) => ({ treeish: tree, path })),
  );
  const blobs = await repository.read(wanted, ENTRY_MAX_BYTES, LEDGER_TREES);
  const found = new Map<Oid, Raw | NoEntry>();
  for (const [at, commit] of linear.entries()) {
    const bytes = blobs[at * 2];
    const signature = blobs[at * 2 + 1];
    const fault = [bytes, signature].find(isUnreadable);
    if (fault !== undefined) found.set(commit.oid, { ...commit, fault });
    if (!(bytes instanceof Uint8Array) || !(signature instanceof Uint8Array)) continue;
    const armor = Buffer.from(signature).toString('latin1');
    const signed = crowded
      ? Promise.resolve().then(() => verifyEntry(bytes, armor))
      : verifyEntryAside(bytes, armor);
    // It is judged when its turn comes.
    signed.catch(() => undefined);
    found.set(commit.oid, { commit, bytes, armor, signed });
  }
  return commits.map((commit) => found.get(commit.oid) ?? commit);
}

/** However many they are, a few are in memory at a time. */
async function* readInChunks(
  repository: Repository,
  commits: readonly CommitInfo[],
): AsyncGenerator<Raw | NoEntry, void, undefined> {
  for (let from = 0; from < commits.length; from += CHUNK)
    yield* await readRaw(repository, commits.slice(from, from + CHUNK));
}

export interface Genesis {
  readonly step: Step;
  readonly junk: readonly Junk[];
}

/** The commit that holds the genesis of this root; without a root, of the only one there is. */
export async function findGenesis(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commits: Commits,
  root: Sha256 | undefined,
): Promise<Genesis> {
  const found: Step[] = [];
  const junk: Junk[] = [];
  // One by one: a long history is never held as so many objects.
  const orphans: CommitInfo[] = [];
  for (const commit of commits) if (commit.parents.length === 0) orphans.push(commit);
  let lacking: Unreadable | undefined;
  for await (const raw of readInChunks(repository, orphans)) {
    if ('fault' in raw && raw.fault?.unreadable === LACKING) lacking = raw.fault;
    if (!('bytes' in raw) || (root !== undefined && sha256(raw.bytes) !== root)) continue;
    try {
      const files = await policyFilesOf(repository, raw.commit.oid);
      const after = beginChain(candidateOf(await raw.signed, readEntry(raw.bytes), files, providers));
      judgeTree(after, raw);
      found.push({ before: null, after, commit: raw.commit });
    } catch (error) {
      if (!(error instanceof PamError) || gaveNoAnswer(error)) throw error;
      junk.push({ commit: raw.commit.oid, code: error.code, message: error.message, stray: null });
    }
  }
  const [first, second] = found;
  if (first !== undefined && second === undefined) return { step: first, junk };
  if (first === undefined && lacking !== undefined) throw cannotRead(lacking, 'the beginning of the ledger');
  const told = found.map(({ after }) => after.root).join(' and ');
  throw new PamError(
    'E_POL_GENESIS',
    first === undefined
      ? `the ledger does not begin with ${root ?? 'a genesis'}`
      : `the ledger has more than one beginning: ${told}`,
    {
      exit: EXIT.integrity,
      hint:
        first === undefined
          ? 'this is another access repository than the one that was pinned, or its ledger was replaced'
          : 'ask your team for the trust root and give it with --root',
    },
  );
}

/** Exactly what a ledger commit holds: what writers make of an entry, and readers expect. */
export function ledgerDirectory(
  state: Pick<ChainState, 'policyFiles' | 'index'>,
  bytes: Uint8Array,
  armor: string,
): Directory {
  return new Map([
    ['entry.json', bytes],
    ['entry.json.sig', Buffer.from(armor, 'latin1')],
    ...policyDirectory(state.policyFiles),
    ...openDirectory(state.index),
  ]);
}

/** Throws where those files cannot be read, or are no policy: what that means is for whoever asked. */
export async function policyFilesOf(repository: Repository, treeish: Oid): Promise<Files> {
  const listed = [
    ...readable(await repository.names(treeish, 'policy', POLICY_TREES), 'policy'),
    ...readable(await repository.names(treeish, 'pam.yaml', POLICY_TREES), 'pam.yaml'),
  ];
  const odd = listed.find((one) => one.mode !== '100644' || !POLICY_PATHS.some((path) => path === one.path));
  if (odd !== undefined) {
    throw new PamError('E_POL_FILES', `${odd.path} (mode ${odd.mode}) does not belong to a policy`, {
      exit: EXIT.invalid,
    });
  }
  const blobs = await repository.read(
    POLICY_PATHS.map((path) => ({ treeish, path })),
    POLICY_BYTES,
  );
  return new Map(
    POLICY_PATHS.flatMap((path, at) => {
      const found = blobs[at];
      if (isUnreadable(found) && found.unreadable === 'E_GIT_SIZE') {
        const message = `${path} has more than the ${POLICY_BYTES} bytes that are allowed`;
        throw new PamError('E_YAML_SIZE', message, { exit: EXIT.invalid });
      }
      const bytes = readable(found, path);
      return bytes === undefined ? [] : [[path, bytes] as const];
    }),
  );
}

/** Any more than a handful of files is no policy. */
const POLICY_TREES = { entries: 64 };

/**
 * The state that stands in one commit, for a head that was verified before: the entry is known by its digest, and
 * policy and `open/` by the digests that it signs. Throws `E_GIT_...` where something of it cannot be read.
 */
export async function stateAt(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commit: Oid,
  known: { readonly root: ChainState['root']; readonly head: ChainState['head'] },
): Promise<ChainState | undefined> {
  const found = await repository.read(
    ['entry.json', 'entry.json.sig'].map((path) => ({ treeish: commit, path })),
    ENTRY_MAX_BYTES,
  );
  const [bytes, signature] = found.map((one) => readable(one, 'entry.json'));
  if (bytes === undefined || signature === undefined || sha256(bytes) !== known.head) return undefined;
  const entry: Entry = readEntry(bytes);
  const armor = Buffer.from(signature).toString('latin1');
  const { key } = verifyEntry(bytes, armor);
  const policyFiles = await policyFilesOf(repository, commit);
  const index = await readIndex(repository, commit);
  if (treeDigest(policyFiles) !== entry.policy || indexDigest(index) !== entry.index) return undefined;
  const policy = readPolicy(policyFiles, entry.policy, providers);
  const { root, head } = known;
  return { root, seq: entry.seq, head, entry, key, policy, policyFiles, index };
}

async function readIndex(repository: Repository, commit: Oid): Promise<OpenIndex> {
  const listed = readable(await repository.names(commit, 'open'), 'open');
  const files = listed.filter((one) => one.mode === '100644');
  const blobs = await repository.read(
    files.map(({ path }) => ({ treeish: commit, path })),
    1024 * 1024,
  );
  const records = new Map<RequestId, OpenRecord>();
  let beats: OpenIndex['beats'] = null;
  for (const [at, { path }] of files.entries()) {
    // The caller compares the digest of all this with a signed entry; until then it only has the right shape.
    const bytes = readable(blobs[at], path) ?? new Uint8Array();
    if (path === BEATS_PATH) {
      beats = readBeats(bytes);
      asItWasRead(beats, bytes);
    } else {
      const record = readOpenRecord(bytes);
      records.set(record.id, record);
      asItWasRead(record, bytes);
    }
  }
  return { records, beats };
}
