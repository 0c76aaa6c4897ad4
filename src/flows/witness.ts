/**
 * Digests of older entries, for the points of the ledger that approvals name. No signature is verified again:
 * every entry holds the digest of the one before it, down from a head that was verified.
 */
import { readEntry } from '../documents/entry-file.ts';
import type { Oid, Sha256 } from '../model/names.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { sha256 } from '../trust/digest.ts';
import type { Desk } from './desk.ts';

const ENTRY_MAX_BYTES = 4 * 1024 * 1024;
const CHUNK = 256;

export async function witnessesOf(
  desk: Desk,
  from: { readonly state: ChainState; readonly commit: Oid },
  seqs: readonly number[],
): Promise<ReadonlyMap<number, Sha256>> {
  const wanted = new Set(seqs.filter((seq) => seq <= from.state.seq));
  const found = new Map<number, Sha256>();
  if (wanted.size === 0) return found;
  const least = Math.min(...wanted);
  let expected: Sha256 | null = from.state.head;
  if (least === from.state.seq) return new Map([[least, from.state.head]]);
  const commits = [...(await desk.repository.history(from.commit))].reverse();
  for (let at = 0; at < commits.length && expected !== null; at += CHUNK) {
    const chunk = commits.slice(at, at + CHUNK).map(({ oid }) => ({ treeish: oid, path: 'entry.json' }));
    for (const bytes of await desk.repository.read(chunk, ENTRY_MAX_BYTES)) {
      if (bytes === undefined || sha256(bytes) !== expected) continue;
      const entry = readEntry(bytes);
      found.set(entry.seq, expected);
      expected = entry.seq <= least ? null : entry.previous;
    }
  }
  return found;
}
