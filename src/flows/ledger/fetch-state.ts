/**
 * Fresh state before it is read: main and the ledger from the remote, bounded; `--offline` skips it and says so. What the
 * command will ask about requests comes in the same conversation.
 */
import { expected } from '../../model/error.ts';
import type { About } from '../../model/forge.ts';
import type { Desk } from '../desk.ts';

export type Freshness =
  | { readonly fresh: true }
  | { readonly fresh: false; readonly why: string; readonly hint?: string };

/**
 * Never throws for a remote that cannot be reached: a caller that needs fresh state looks at the answer.
 * @param about the requests that will be asked for next
 */
export async function fetchState(desk: Desk, about?: About): Promise<Freshness> {
  if (desk.remote === null) return { fresh: true };
  if (desk.offline) {
    desk.note('offline: working from what this clone holds');
    return { fresh: false, why: '--offline was given' };
  }
  const { name } = desk.remote;
  try {
    const remote = await desk.remote.open();
    desk.progress(`fetching from ${name}`);
    const follow = (branch: string): string => `+refs/heads/${branch}:refs/remotes/${name}/${branch}`;
    const ahead = about === undefined ? [] : desk.branchesAbout(about).map(follow);
    const missed = await remote.fetch([desk.hint.ledger, desk.hint.main].map(follow), ahead);
    // The other one is fresh all the same: a huge main must not hide what the ledger says.
    for (const { ref, why } of missed) desk.note(`could not fetch ${branchOf(ref)}: ${why.message}`);
    const [first] = missed;
    if (first === undefined) return { fresh: true };
    return stale(`${branchOf(first.ref)}: ${first.why.message}`, first.why.hint);
  } catch (cause) {
    const error = expected(cause);
    desk.note(`could not fetch: ${error.message}`);
    return stale(error.message, error.hint);
  }
}

const branchOf = (ref: string): string => ref.replace(/^refs\/heads\//u, '');

const stale = (why: string, hint: string | undefined): Freshness => ({
  fresh: false,
  why,
  ...(hint === undefined ? {} : { hint }),
});
