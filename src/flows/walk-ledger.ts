/**
 * Walks ledger commits, entry by entry. The chain is of entries, not of commits: a commit whose entry does not
 * follow, or that holds anything but what its entry makes, is stepped over and reported.
 */
import { readEntry } from '../documents/entry-file.ts';
import { readPolicy } from '../documents/policy-files.ts';
import type { Entry } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import type { CommitInfo, Repository } from '../model/git.ts';
import type { Oid, RequestId } from '../model/names.ts';
import { BEATS_PATH, type OpenIndex, type OpenRecord } from '../model/open-record.ts';
import { type Files, POLICY_PATHS } from '../model/policy.ts';
import type { Provider } from '../model/target.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { sha256, treeDigest } from '../trust/digest.ts';
import { gitTreeId } from '../trust/git-tree-id.ts';
import { verifySshsig } from '../trust/sshsig.ts';
import { LEDGER_NAMESPACE } from '../model/statement.ts';
import { beginChain, type Candidate, followChain } from '../rules/follow-chain.ts';
import { indexDigest, printIndex } from '../rules/print-index.ts';

const ENTRY_MAX_BYTES = 4 * 1024 * 1024;
const CHUNK = 256;

export interface Step {
  readonly before: ChainState | null;
  readonly after: ChainState;
  readonly commit: CommitInfo;
}

export interface Junk {
  readonly commit: Oid;
  readonly code: string;
  readonly message: string;
}

export type Walked =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'junk'; readonly junk: Junk };

/**
 * Every commit in turn, as a step or as junk. With `state` null the first commit must hold the genesis.
 * @param commits parents before children
 */
export async function* walkLedger(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commits: readonly CommitInfo[],
  state: ChainState | null,
): AsyncGenerator<Walked, void, undefined> {
  let current = state;
  for (let from = 0; from < commits.length; from += CHUNK) {
    const chunk = commits.slice(from, from + CHUNK);
    const wanted = chunk.flatMap(({ oid }) =>
      ['entry.json', 'entry.json.sig'].map((path) => ({ treeish: oid, path })),
    );
    const blobs = await repository.read(wanted, ENTRY_MAX_BYTES);
    for (const [at, commit] of chunk.entries()) {
      try {
        const bytes = blobs[at * 2];
        const signature = blobs[at * 2 + 1];
        if (bytes === undefined || signature === undefined) {
          throw new PamError('E_LED_SHAPE', 'the commit holds no entry');
        }
        const after = await follow(repository, providers, commit, current, bytes, signature);
        yield { kind: 'step', step: { before: current, after, commit } };
        current = after;
      } catch (error) {
        if (!(error instanceof PamError)) throw error;
        yield { kind: 'junk', junk: { commit: commit.oid, code: error.code, message: error.message } };
      }
    }
  }
}

async function follow(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commit: CommitInfo,
  before: ChainState | null,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<ChainState> {
  const entry = readEntry(bytes);
  const brings = entry.events[0]?.type === 'genesis' || entry.events[0]?.type === 'policy';
  const files = brings ? await policyFilesOf(repository, commit.oid) : undefined;
  const candidate: Candidate = {
    bytes,
    signature: Buffer.from(signature).toString('latin1'),
    entry,
    brought: () => {
      if (files === undefined) throw new PamError('E_LED_SHAPE', 'no policy came with the entry');
      return { files, policy: readPolicy(files, treeDigest(files), providers) };
    },
  };
  const after = before === null ? beginChain(candidate) : followChain(before, candidate);
  if (gitTreeId(ledgerFiles(after, bytes, signature), commit.tree) !== commit.tree) {
    throw new PamError('E_LED_TREE', 'the commit holds something else than its entry makes');
  }
  return after;
}

/** Exactly the files that a ledger commit holds. */
export function ledgerFiles(
  state: Pick<ChainState, 'policyFiles' | 'index'>,
  bytes: Uint8Array,
  signature: Uint8Array | string,
): ReadonlyMap<string, Uint8Array | string> {
  return new Map<string, Uint8Array | string>([
    ['entry.json', bytes],
    ['entry.json.sig', signature],
    ...state.policyFiles,
    ...printIndex(state.index),
  ]);
}

export async function policyFilesOf(repository: Repository, treeish: Oid): Promise<Files> {
  const listed = [
    ...(await repository.list(treeish, 'policy')),
    ...(await repository.list(treeish, 'pam.yaml')),
  ];
  const odd = listed.find((one) => one.mode !== '100644' || !POLICY_PATHS.some((path) => path === one.path));
  if (odd !== undefined) {
    throw new PamError('E_POL_FILES', `${odd.path} (mode ${odd.mode}) does not belong to a policy`);
  }
  const blobs = await repository.read(
    POLICY_PATHS.map((path) => ({ treeish, path })),
    256 * 1024,
  );
  return new Map(
    POLICY_PATHS.flatMap((path, at) => {
      const bytes = blobs[at];
      return bytes === undefined ? [] : [[path, bytes] as const];
    }),
  );
}

/**
 * The state that stands in one commit, for a head that was verified before: the entry is known by its digest, and
 * policy and `open/` by the digests that it signs.
 */
export async function stateAt(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commit: Oid,
  known: { readonly root: ChainState['root']; readonly head: ChainState['head'] },
): Promise<ChainState | undefined> {
  const [bytes, signature] = await repository.read(
    ['entry.json', 'entry.json.sig'].map((path) => ({ treeish: commit, path })),
    ENTRY_MAX_BYTES,
  );
  if (bytes === undefined || signature === undefined || sha256(bytes) !== known.head) return undefined;
  const entry: Entry = readEntry(bytes);
  const armor = Buffer.from(signature).toString('latin1');
  const { key } = verifySshsig({ message: bytes, armor, namespace: LEDGER_NAMESPACE });
  const policyFiles = await policyFilesOf(repository, commit);
  const index = await readIndex(repository, commit);
  if (treeDigest(policyFiles) !== entry.policy || indexDigest(index) !== entry.index) return undefined;
  const policy = readPolicy(policyFiles, entry.policy, providers);
  const { root, head } = known;
  return { root, seq: entry.seq, head, entry, key: key.fingerprint, policy, policyFiles, index };
}

async function readIndex(repository: Repository, commit: Oid): Promise<OpenIndex> {
  const files = (await repository.list(commit, 'open')).filter((one) => one.mode === '100644');
  const blobs = await repository.read(
    files.map(({ path }) => ({ treeish: commit, path })),
    1024 * 1024,
  );
  const records = new Map<RequestId, OpenRecord>();
  let beats: OpenIndex['beats'] = null;
  for (const [at, { path }] of files.entries()) {
    // The caller compares the digest of all this with a signed entry; until then it is only bytes.
    const document: unknown = JSON.parse(Buffer.from(blobs[at] ?? new Uint8Array()).toString('utf8'));
    if (path === BEATS_PATH) beats = document as OpenIndex['beats'];
    else {
      const record = document as OpenRecord;
      records.set(record.id, record);
    }
  }
  return { records, beats };
}
