/**
 * Where the ledger begins. Beginnings are told apart by their entry's digest, the trust root: the first commit that
 * holds the given root is the beginning, and a copy of it further up is junk. So a pusher cannot end reading
 * with a second one, nor hide an entry: what lies before the beginning in the order of commits is walked after it.
 */
import { readEntry } from '../../../documents/entry-file.ts';
import type { CommitInfo, Commits } from '../../../model/commit-log.ts';
import { EXIT, gaveNoAnswer, PamError } from '../../../model/error.ts';
import { cannotRead, isUnreadable, type Repository, type Unreadable } from '../../../model/git.ts';
import type { Sha256 } from '../../../model/names.ts';
import type { Provider } from '../../../model/target.ts';
import { beginChain } from '../../../rules/follow-chain.ts';
import { sha256 } from '../../../trust/digest.ts';
import { ENTRY_MAX_BYTES, LACKING, LEDGER_TREES } from './ledger-junk.ts';
import { bornNewer, newerBeginning } from './newer-version.ts';
import { candidateOf, judgeTree, readRaw, type Step } from './walk-ledger.ts';
import { policyFilesOf } from './ledger-files.ts';

export interface Genesis {
  readonly step: Step;
  /** Its place in the list of commits. */
  readonly place: number;
}

/** How every genesis begins in the one spelling that `printEntry` writes. */
const OPENING = '{"root":null,"seq":0,';
const CHUNK = 64;
/** So many roots are named when there are several. */
const MOST_NAMED = 4;

/**
 * The commit that holds the genesis of this root; without a root, of the only one there is.
 * @param commits parents before children, of a merge the first parent's side first
 * @throws PamError `E_POL_GENESIS`
 */
export async function findGenesis(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commits: Commits,
  root: Sha256 | undefined,
): Promise<Genesis> {
  if (commits.length === 0) throw noCommit();
  const found = new Map<Sha256, Genesis>();
  const lacking: Unreadable[] = [];
  let newer: number | undefined;
  // Nearly always the very first one; the rest is read in larger pieces.
  for (let from = 0, size = 1; from < commits.length; from += size, size = CHUNK) {
    const chunk = commits.slice(from, from + size);
    for (const [at, commit] of await openings(repository, chunk, root, lacking)) {
      const step = await beginningIn(repository, providers, commit);
      if (typeof step === 'number') {
        newer ??= step;
        continue;
      }
      if (step === undefined || found.has(step.after.root)) continue;
      found.set(step.after.root, { step, place: from + at });
      if (root !== undefined) break;
    }
    if (root !== undefined && found.size > 0) break;
  }
  const [first, second] = [...found.values()];
  if (first !== undefined && second === undefined) return first;
  if (first === undefined && newer !== undefined) throw newerBeginning(newer);
  const [unread] = lacking;
  if (first === undefined && unread !== undefined) throw cannotRead(unread, 'the beginning of the ledger');
  throw root === undefined && first !== undefined ? several([...found.keys()]) : noneOf(root);
}

/** Commits whose entry may be a beginning, with their place in the chunk; nothing of them is verified yet. */
async function openings(
  repository: Repository,
  chunk: readonly CommitInfo[],
  root: Sha256 | undefined,
  lacking: Unreadable[],
): Promise<readonly (readonly [number, CommitInfo])[]> {
  const wanted = chunk.map(({ tree }) => ({ treeish: tree, path: 'entry.json' }));
  const blobs = await repository.read(wanted, ENTRY_MAX_BYTES, LEDGER_TREES);
  return [...chunk.entries()].filter(([at, { parents }]) => {
    const bytes = blobs[at];
    if (isUnreadable(bytes) && bytes.unreadable === LACKING) lacking.push(bytes);
    // A merge holds no entry.
    if (!(bytes instanceof Uint8Array) || parents.length > 1) return false;
    const opens = Buffer.from(bytes.subarray(0, OPENING.length)).toString('latin1') === OPENING;
    return opens && (root === undefined || sha256(bytes) === root);
  });
}

/** Bytes that anybody may have pushed: what is no beginning is junk, and is told when it is walked. */
async function beginningIn(
  repository: Repository,
  providers: ReadonlyMap<string, Provider>,
  commit: CommitInfo,
): Promise<Step | NewerVersion | undefined> {
  const [raw] = await readRaw(repository, [commit]);
  if (raw === undefined || !('bytes' in raw)) return undefined;
  try {
    const files = await policyFilesOf(repository, commit.oid);
    const after = beginChain(candidateOf(await raw.signed, readEntry(raw.bytes), files, providers));
    judgeTree(after, raw);
    return { before: null, after, commit };
  } catch (error) {
    if (!(error instanceof PamError) || gaveNoAnswer(error)) throw error;
    return await bornNewer(repository, Buffer.from(raw.bytes).toString('latin1'), commit.tree);
  }
}

/** Of a ledger that began with a higher one than this program knows. */
type NewerVersion = number;

function several(roots: readonly Sha256[]): PamError {
  const more = roots.length > MOST_NAMED ? ` and ${roots.length - MOST_NAMED} more` : '';
  const told = roots.slice(0, MOST_NAMED).join(' and ');
  return new PamError('E_POL_GENESIS', `the ledger has more than one beginning: ${told}${more}`, {
    exit: EXIT.integrity,
    hint: 'ask your team for the trust root and give it with --root',
  });
}

/** A server that checks nothing lets a branch be a blob, a tree or a tag of one. */
const noCommit = (): PamError =>
  new PamError('E_LED_MISSING', 'the ledger branch points at no commit', {
    hint: 'it was replaced at the remote: put it back from any clone that holds it',
  });

function noneOf(root: Sha256 | undefined): PamError {
  return new PamError('E_POL_GENESIS', `the ledger does not begin with ${root ?? 'a genesis'}`, {
    exit: EXIT.integrity,
    hint: 'this is another access repository than the one that was pinned, or its ledger was replaced',
  });
}
