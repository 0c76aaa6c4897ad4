/**
 * Digests of older entries, for the points of the ledger that approvals name. No signature is verified again:
 * every entry holds the digest of the one before it, down from a head that was verified.
 */
import { readEntry } from '../documents/entry-file.ts';
import type { Entry } from '../model/entry.ts';
import type { Oid, Sha256 } from '../model/names.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { sha256 } from '../trust/digest.ts';
import type { Desk } from './desk.ts';
import { ENTRY_MAX_BYTES } from './walk-ledger.ts';
import { withHistory } from './with-history.ts';

const CHUNK = 128;
/** What is asked for is mostly near: the whole history is listed only if it has to be. */
const LOOKS = [256, 8192, undefined] as const;

export interface Known {
  readonly state: ChainState;
  readonly commit: Oid;
}

/** Entries below a verified head, newest first, each believed by the digest that the one above it names. */
export async function* entriesBelow(
  desk: Desk,
  from: Known,
): AsyncGenerator<{ readonly entry: Entry; readonly head: Sha256 }, void, undefined> {
  let expected: Sha256 = from.state.head;
  for await (const { bytes } of entriesFrom(desk, from.commit)) {
    if (bytes === undefined || sha256(bytes) !== expected) continue;
    const entry = readEntry(bytes);
    yield { entry, head: expected };
    if (entry.previous === null) return;
    expected = entry.previous;
  }
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
export async function commitOfEntry(desk: Desk, tip: Oid, head: Sha256): Promise<Oid | undefined> {
  for await (const { oid, bytes } of entriesFrom(desk, tip)) {
    if (bytes !== undefined && sha256(bytes) === head) return oid;
  }
  return undefined;
}

/** What stands as `entry.json` in each commit, newest first; nothing of it is believed yet. */
async function* entriesFrom(
  desk: Desk,
  tip: Oid,
): AsyncGenerator<{ readonly oid: Oid; readonly bytes: Uint8Array | undefined }, void, undefined> {
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
      const blobs = await desk.repository.readSmall(paths, ENTRY_MAX_BYTES);
      for (const [place, oid] of chunk.entries()) yield { oid, bytes: blobs[place] };
    }
    for (const oid of commits) looked.add(oid);
    if (most === undefined || listed.length < most) return;
  }
}
