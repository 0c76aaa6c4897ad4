/**
 * How many undecided requests one requester may have. A requester with two hundred of them keeps approvers from seeing what
 * others ask; so the surplus waits, unseen, until older ones are decided or withdrawn. It is counted where an id becomes
 * open, from the ledger's index alone: every executor counts alike, audit counts again, and nothing that is on its way
 * already, and no ending, is ever touched by it.
 */
import type { RequestId } from '../model/names.ts';
import type { OpenIndex } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';

interface Opened {
  readonly id: RequestId;
  readonly requester: string;
}

/** Undecided requests of the same requester beside this one; `null` when this one is open or decided already. */
export function openBeside(
  { records }: Pick<OpenIndex, 'records'>,
  { id, requester }: Opened,
): number | null {
  const state = records.get(id)?.state;
  if (state !== undefined && state !== 'unseen' && state !== 'refused') return null;
  let count = 0;
  for (const one of records.values())
    if (one.state === 'seen' && one.seen?.requester === requester) count += 1;
  return count;
}

/** A sentence when one more would be too many. */
export function faultOfOpening(policy: Policy, requester: string, beside: number | null): string | undefined {
  const most = policy.config.open_requests;
  if (beside === null || beside < most) return undefined;
  return `${requester} has ${beside} undecided requests, at most ${most} are allowed`;
}
