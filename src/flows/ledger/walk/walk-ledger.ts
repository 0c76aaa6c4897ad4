/**
 * Walks ledger commits, entry by entry. The chain is of entries, not of commits: a commit whose entry does not
 * follow, or that holds anything but what its entry makes, is stepped over and reported.
 */
import { readEntry } from '../../../documents/entry-file.ts';
import { readPolicy } from '../../../documents/policy-files.ts';
import type { Entry } from '../../../model/entry.ts';
import type { CommitInfo, Commits } from '../../../model/commit-log.ts';
import { gaveNoAnswer, handledLater, PamError } from '../../../model/error.ts';
import { isUnreadable, type Repository, type Unreadable } from '../../../model/git.ts';
import type { Oid, Sha256 } from '../../../model/names.ts';
import type { Files } from '../../../model/policy.ts';
import type { Provider } from '../../../model/target.ts';
import type { ChainState } from '../../../trust/chain-state.ts';
import { sha256, treeDigest } from '../../../trust/digest.ts';
import { directoryId } from '../../../trust/git-tree-id.ts';
import { keyInAnyNamespace } from '../../../trust/sshsig.ts';
import { type SignedEntry, verifyEntry, verifyEntryAside } from '../../../trust/signed-entry.ts';
import { type NextEntry, followChain, isExecutorKey } from '../../../rules/follow-chain.ts';
import { newlySettled, settlesItsOwn } from '../../../rules/judge-settled.ts';
import { ledgerDirectory, policyFilesOf } from './ledger-files.ts';
import {
  ENTRY_MAX_BYTES,
  LACKING,
  LEDGER_TREES,
  type Junk,
  junkOf,
  placeOf,
  type SignedJunk,
  type Stray,
} from './ledger-junk.ts';
import { type Newer, newerVersion } from './newer-version.ts';
import { type HistoryDesk, standingBelow } from './witness.ts';

/** Two of them are held at a time. */
const CHUNK = 64;

export interface Step {
  readonly before: ChainState | null;
  readonly after: ChainState;
  readonly commit: CommitInfo;
}

export type Walked =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'junk'; readonly junk: Junk }
  /** From here on the ledger is written by rules that this program does not know: nothing above is walked. */
  | { readonly kind: 'newer'; readonly newer: Newer };

/** A commit without an entry, or with one that cannot be read. */
export interface NoEntry extends CommitInfo {
  readonly fault?: Unreadable;
}

export interface Raw {
  readonly commit: CommitInfo;
  readonly bytes: Uint8Array;
  readonly armor: string;
  /** Rejects with the codes of `verifyEntry`. */
  readonly signed: Promise<SignedEntry>;
}

export interface Walking {
  /** What was judged where it would follow, and did not, as `Stray.identity`: this walk adds to it. */
  readonly voided?: Set<string>;
  /** Other cores have work of their own, so signatures are checked on this one. */
  readonly singleCore?: boolean;
  /** Entries that a policy on the side to be followed settled: junk, also where they would follow. */
  readonly settled?: ReadonlySet<Sha256>;
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
  { voided = new Set<string>(), singleCore = false, settled = new Set() }: Walking = {},
): AsyncGenerator<Walked, void, undefined> {
  let current = state;
  let ahead = readAhead(repository, commits, 0, singleCore);
  for (let from = 0; from < commits.length; from += CHUNK) {
    const chunk = await ahead;
    ahead = readAhead(repository, commits, from + CHUNK, singleCore);
    for (const raw of chunk) {
      const walked = await walkOne(repository, providers, raw, current, { voided, settled });
      yield walked;
      if (walked.kind === 'newer') return;
      if (walked.kind === 'step') current = walked.step.after;
    }
  }
}

/** The next commits are read, and their signatures checked on other cores, while these are followed. */
function readAhead(
  repository: Repository,
  commits: Commits,
  from: number,
  singleCore: boolean,
): Promise<readonly (Raw | NoEntry)[]> {
  const read = readRaw(repository, commits.slice(from, from + CHUNK), singleCore);
  handledLater(read);
  return read;
}

async function walkOne(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  raw: Raw | NoEntry,
  before: ChainState,
  { voided, settled }: { readonly voided: Set<string>; readonly settled: ReadonlySet<Sha256> },
): Promise<Walked> {
  if (!('bytes' in raw)) return { kind: 'junk', junk: junkOf(raw, whyNoEntry(raw), null, null) };
  let stray: Stray | null = null;
  let found: SignedJunk | null = null;
  try {
    const signed = await raw.signed;
    const head = sha256(raw.bytes);
    found = { key: signed.key, head, entry: null };
    const byExecutor = signedByExecutor(before, signed);
    const entry = readEntry(raw.bytes);
    found = { ...found, entry: placeOf(entry) };
    // A merge could decide which of two histories is read, so it holds no entry, whatever its files are and whichever key signed them.
    if (raw.commit.parents.length > 1)
      throw new PamError('E_LED_SHAPE', 'a commit with two parents holds no entry');
    if (settled.has(head)) throw new PamError('E_LED_SETTLED', 'policy settled that it is not followed');
    // The same bytes by the same key: what `previous` names is all that an entry's truth depends on.
    const identity = `${signed.key} ${head}`;
    const follows = entry.previous === before.head;
    if (byExecutor && entry.root === before.root && !follows && !voided.has(identity)) {
      stray = { seq: entry.seq, head, identity };
    }
    if (follows) {
      const version = await newerVersion(repository, before, entry, raw.commit);
      if (version !== undefined)
        return { kind: 'newer', newer: { commit: raw.commit.oid, seq: entry.seq, version } };
    }
    const files =
      entry.events[0]?.type === 'policy' ? await policyFilesOf(repository, raw.commit.oid) : undefined;
    // Until proven otherwise; a policy is proven by files, which another commit may hold.
    if (byExecutor && follows && files === undefined) voided.add(identity);
    const after = followChain(before, candidateOf(signed, entry, files, providers));
    voided.delete(identity);
    judgeTree(after, raw);
    await judgeSettled(repository, before, after, raw.commit.oid);
    return { kind: 'step', step: { before, after, commit: raw.commit } };
  } catch (error) {
    // The caller of the walk brings a cut history; no content of a commit can make one.
    const unknown = !(error instanceof PamError) || gaveNoAnswer(error) || error.code === 'E_GIT_SHALLOW';
    if (unknown) throw error;
    const signed = error.code === 'E_NAMESPACE' ? signedElse(raw) : found;
    return { kind: 'junk', junk: junkOf(raw.commit, error, signed, stray) };
  }
}

/** What an executor's key signed as something else is that executor's word, too. */
function signedElse({ bytes, armor }: Raw): SignedJunk | null {
  const key = keyInAnyNamespace({ message: bytes, armor });
  return key === undefined ? null : { key: key.fingerprint, head: sha256(bytes), entry: null };
}

/** What this clone lacks may be an entry of the chain, so it is told apart from junk. */
function whyNoEntry({ fault }: NoEntry): PamError {
  if (fault === undefined) return new PamError('E_LED_SHAPE', 'the commit holds no entry');
  const code = fault.unreadable === LACKING ? LACKING : 'E_LED_SHAPE';
  return new PamError(code, `its entry cannot be read: ${fault.why}`);
}

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

export function candidateOf(
  signed: SignedEntry,
  entry: Entry,
  files: Files | undefined,
  providers: ReadonlyMap<string, Provider>,
): NextEntry {
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

/** A policy that settles an entry of its own chain is junk there: so one side of a fork can be followed, not both. */
async function judgeSettled(
  repository: Repository,
  before: ChainState,
  after: ChainState,
  commit: Oid,
): Promise<void> {
  if (after.policy === before.policy) return;
  const named = newlySettled(before.policy, after.policy);
  const [own] = await standingBelow(atHand(repository), { state: before, commit }, named);
  if (own !== undefined) throw settlesItsOwn(own);
}

/** What is walked is at hand; where it is cut, the caller of the walk brings more. */
const atHand = (repository: Repository): HistoryDesk => ({
  repository,
  remote: null,
  hint: { main: '', ledger: '' },
  progress: () => undefined,
});

export function judgeTree(after: ChainState, { commit, bytes, armor }: Raw): void {
  if (directoryId(ledgerDirectory(after, bytes, armor), commit.tree) === commit.tree) return;
  throw new PamError('E_LED_TREE', 'the commit holds something else than its entry makes');
}

/** What each commit holds, merges included: what an executor signed is reported, wherever it stands. */
export async function readRaw(
  repository: Repository,
  commits: readonly CommitInfo[],
  singleCore = false,
): Promise<readonly (Raw | NoEntry)[]> {
  const wanted = commits.flatMap(({ tree }) =>
    ['entry.json', 'entry.json.sig'].map((path) => ({ treeish: tree, path })),
  );
  const blobs = await repository.read(wanted, ENTRY_MAX_BYTES, LEDGER_TREES);
  const found = new Map<Oid, Raw | NoEntry>();
  for (const [at, commit] of commits.entries()) {
    const bytes = blobs[at * 2];
    const signature = blobs[at * 2 + 1];
    const fault = [bytes, signature].find(isUnreadable);
    if (fault !== undefined) found.set(commit.oid, { ...commit, fault });
    if (!(bytes instanceof Uint8Array) || !(signature instanceof Uint8Array)) continue;
    const armor = Buffer.from(signature).toString('latin1');
    const signed = singleCore
      ? Promise.resolve().then(() => verifyEntry(bytes, armor))
      : verifyEntryAside(bytes, armor);
    handledLater(signed);
    found.set(commit.oid, { commit, bytes, armor, signed });
  }
  return commits.map((commit) => found.get(commit.oid) ?? commit);
}
