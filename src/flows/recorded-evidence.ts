import { readEntry } from '../documents/entry-file.ts';
import type { Evidence } from '../model/entry.ts';
import type { Desk } from './desk.ts';
import type { Looked } from './look-at-request.ts';

/** What the ledger keeps about a grant: from the index while it is undecided, else from the entry that granted it. */
export async function recordedEvidence(desk: Desk, { view, record }: Looked): Promise<Evidence | undefined> {
  if (record?.grant == null) return undefined;
  if (record.grant.evidence !== null) return record.grant.evidence;
  const commits = [...(await desk.repository.history(view.commit))].reverse();
  for (const { oid } of commits) {
    const [bytes] = await desk.repository.read([{ treeish: oid, path: 'entry.json' }], 4 * 1024 * 1024);
    if (bytes === undefined) continue;
    const event = readEntry(bytes).events.find(
      (one) => one.id === record.id && (one.type === 'granting' || one.type === 'scheduled'),
    );
    if (event !== undefined && 'evidence' in event) return event.evidence;
  }
  return undefined;
}
