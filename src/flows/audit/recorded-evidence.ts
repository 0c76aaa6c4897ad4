import type { Evidence } from '../../model/entry.ts';
import type { Desk } from '../desk.ts';
import type { Looked } from '../gather/look-at-request.ts';
import { entriesBelow } from '../ledger/walk/witness.ts';

/** What the ledger keeps about a grant: from the index while it is undecided, else from the entry that granted it. */
export async function recordedEvidence(desk: Desk, { view, record }: Looked): Promise<Evidence | undefined> {
  if (record?.grant == null) return undefined;
  if (record.grant.evidence !== null) return record.grant.evidence;
  for await (const { entry } of entriesBelow(desk, view)) {
    const event = entry.events.find(
      (one) => one.id === record.id && (one.type === 'granting' || one.type === 'scheduled'),
    );
    if (event !== undefined && 'evidence' in event) return event.evidence;
  }
  return undefined;
}
