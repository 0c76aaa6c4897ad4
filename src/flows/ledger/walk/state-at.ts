/** The state that one ledger commit holds, read back without walking to it. */
import { readEntry, readOpenRecord, readShelf } from '../../../documents/entry-file.ts';
import { readPolicy } from '../../../documents/policy-files.ts';
import type { Entry } from '../../../model/entry.ts';
import { PamError } from '../../../model/error.ts';
import { readable, type Repository } from '../../../model/git.ts';
import type { Oid, RequestId } from '../../../model/names.ts';
import { type OpenIndex, type OpenRecord, openPath } from '../../../model/open-record.ts';
import { SortedMap } from '../../../model/sorted-map.ts';
import type { Provider } from '../../../model/target.ts';
import { asItWasRead, indexDigest } from '../../../rules/print-index.ts';
import { SHELVES, shelvesOf } from '../../../rules/shelves/registry.ts';
import type { ChainState } from '../../../trust/chain-state.ts';
import { sha256, treeDigest } from '../../../trust/digest.ts';
import { verifyEntry } from '../../../trust/signed-entry.ts';
import { policyFilesOf } from './ledger-files.ts';
import { ENTRY_MAX_BYTES } from './ledger-junk.ts';

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
  // The caller compares the digest of all this with a signed entry; until then it only has the right shape.
  const held = new Map(files.map(({ path }, at) => [path, readable(blobs[at], path) ?? new Uint8Array()]));
  const shelves = shelvesOf((name) => {
    const { path } = SHELVES[name];
    const bytes = held.get(path);
    if (bytes === undefined) return null;
    held.delete(path);
    const shelf = readShelf(name, bytes);
    asItWasRead(path, shelf, bytes);
    return shelf;
  });
  const records: [RequestId, OpenRecord][] = [];
  for (const [path, bytes] of held) {
    const record = readOpenRecord(bytes);
    if (openPath(record.id) !== path) throw new PamError('E_LED_SHAPE', `${path} is no file of the index`);
    records.push([record.id, record]);
    asItWasRead(path, record, bytes);
  }
  return { ...shelves, records: SortedMap.of(records) };
}
