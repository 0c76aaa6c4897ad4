/**
 * Digests of older entries, for the points of the ledger that approvals name. No signature is verified again:
 * every entry holds the digest of the one before it, down from a head that was verified.
 */
import { readEntry } from '../../../documents/entry-file.ts';
import type { Entry } from '../../../model/entry.ts';
import { cannotRead, isUnreadable, type Unreadable } from '../../../model/git.ts';
import type { Oid, Sha256 } from '../../../model/names.ts';
import type { ChainState } from '../../../trust/chain-state.ts';
import { sha256 } from '../../../trust/digest.ts';
import type { Desk } from '../../desk.ts';
import { ENTRY_MAX_BYTES, LEDGER_TREES } from './ledger-junk.ts';
import { withHistory } from './with-history.ts';

const CHUNK = 128;
/** What is asked for is mostly near: the whole history is listed only if it has to be. */
const LOOKS = [256, 8192, undefined] as const;

/** All that looking down a history needs. */
export type HistoryDesk = Pick<Desk, 'repository' | 'remote' | 'hint' | 'progress'>;

export interface Known {
  readonly state: ChainState;
  readonly commit: Oid;
}

/** Entries below a verified head, newest first, each believed by the digest that the one above it names. */
export async function* entriesBelow(
  desk: HistoryDesk,
  from: { readonly state: Pick<ChainState, 'head'>; readonly commit: Oid },
): AsyncGenerator<{ readonly entry: Entry; readonly head: Sha256; readonly commit: Oid }, void, undefined> {
  let expected: Sha256 = from.state.head;
  let lacking: Unreadable | undefined;
  for await (const { oid, found } of entriesFrom(desk, from.commit)) {
    lacking = orLacking(found, lacking);
    if (!(found instanceof Uint8Array) || sha256(found) !== expected) continue;
    const entry = readEntry(found);
    yield { entry, head: expected, commit: oid };
    if (entry.previous === null) return;
    expected = entry.previous;
  }
  if (lacking !== undefined) throw cannotRead(lacking, `an entry of the ledger, perhaps ${expected},`);
}

export async function witnessesOf(
  desk: Desk,
  from: Known,
  seqs: readonly number[],
): Promise<ReadonlyMap<number, Sha256>> {
  const wanted = new Set(seqs.filter((seq) => seq <= from.state.seq));
  const found = new Map<number, Sha256>();
  if (wanted.size === 0) return found;
  const least = Math.min(...wanted);
  if (least === from.state.seq) return new Map([[least, from.state.head]]);
  for await (const { entry, head } of entriesBelow(desk, from)) {
    found.set(entry.seq, head);
    if (entry.seq <= least) break;
  }
  return found;
}

/** The newest commit that holds the very entry of that digest, looked for from the tip down. */
export async function commitOfEntry(desk: HistoryDesk, tip: Oid, head: Sha256): Promise<Oid | undefined> {
  for await (const commit of commitsOfEntry(desk, tip, head)) return commit;
  return undefined;
}

/** All of them, newest first: whether a commit holds the entry's files as well is for `stateAt`. */
export async function* commitsOfEntry(
  desk: HistoryDesk,
  tip: Oid,
  head: Sha256,
): AsyncGenerator<Oid, void, undefined> {
  let lacking: Unreadable | undefined;
  for await (const { oid, found } of entriesFrom(desk, tip)) {
    lacking = orLacking(found, lacking);
    if (found instanceof Uint8Array && sha256(found) === head) yield oid;
  }
  if (lacking !== undefined) throw cannotRead(lacking, `an entry of the ledger, perhaps ${head},`);
}

/** Which of these digests stand on the chain that ends with this entry. */
export async function standingBelow(
  desk: HistoryDesk,
  from: { readonly state: Pick<ChainState, 'head'>; readonly commit: Oid },
  digests: readonly Sha256[],
): Promise<readonly Sha256[]> {
  if (digests.length === 0) return [];
  const wanted = new Set(digests);
  const found: Sha256[] = [];
  for await (const { head } of entriesBelow(desk, from)) if (wanted.has(head)) found.push(head);
  return found;
}

type Found = Uint8Array | Unreadable | undefined;

/** What this clone lacks may be the very entry that is looked for: not found is no answer then. */
function orLacking(found: Found, lacking: Unreadable | undefined): Unreadable | undefined {
  return isUnreadable(found) && found.unreadable === 'E_GIT_PARTIAL' ? found : lacking;
}

/** What stands as `entry.json` in each commit, newest first; nothing of it is believed yet. */
async function* entriesFrom(
  desk: HistoryDesk,
  tip: Oid,
): AsyncGenerator<{ readonly oid: Oid; readonly found: Found }, void, undefined> {
  const looked = new Set<Oid>();
  for (const most of LOOKS) {
    const listed = await withHistory(desk, async () => await desk.repository.history(tip, [], most));
    const commits = listed
      .map(({ oid }) => oid)
      .filter((oid) => !looked.has(oid))
      .reverse();
    for (let at = 0; at < commits.length; at += CHUNK) {
      const chunk = commits.slice(at, at + CHUNK);
      const paths = chunk.map((oid) => ({ treeish: oid, path: 'entry.json' }));
      const blobs = await desk.repository.read(paths, ENTRY_MAX_BYTES, LEDGER_TREES);
      for (const [place, oid] of chunk.entries()) yield { oid, found: blobs[place] };
    }
    for (const oid of commits) looked.add(oid);
    if (most === undefined || listed.length < most) return;
  }
}
