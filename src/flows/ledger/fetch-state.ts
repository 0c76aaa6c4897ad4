/**
 * Fresh state before it is read: main and the ledger from the remote, bounded; `--offline` skips it and says so. What the
 * command will ask about requests comes in the same conversation.
 */
import { expected, PamError } from '../../model/error.ts';
import type { About } from '../../model/forge.ts';
import type { Desk } from '../desk.ts';

export type Freshness =
  | { readonly fresh: true }
  | {
      readonly fresh: false;
      readonly why: string;
      readonly hint?: string;
      /** There is more of the ledger than a run may fetch beside everything else. */
      readonly ledgerTooLarge?: true;
    };

/**
 * Without an answer of the remote nothing can be said of a request that is not found here.
 * @param id or the end of one
 */
export const needAnswer = (freshness: Freshness, id: string): void => {
  if (freshness.fresh) return;
  const { why, hint } = freshness;
  throw new PamError('E_GIT_NETWORK', `cannot reach the remote, which alone knows ${id}: ${why}`, {
    hint: hint ?? 'try: git ls-remote <the remote>',
  });
};

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
    const follow = followIn(name);
    const ahead = about === undefined ? [] : desk.branchesAbout(about).map(follow);
    const missed = await remote.fetch([desk.hint.ledger, desk.hint.main].map(follow), ahead);
    // The other one is fresh all the same: a huge main must not hide what the ledger says.
    for (const { ref, why } of missed) desk.note(`could not fetch ${branchOf(ref)}: ${why.message}`);
    const [first] = missed;
    if (first === undefined) return { fresh: true };
    const tooLarge = missed.some(
      ({ ref, why }) => branchOf(ref) === desk.hint.ledger && why.code === 'E_GIT_BOUND',
    );
    return {
      ...stale(`${branchOf(first.ref)}: ${first.why.message}`, first.why.hint),
      ...(tooLarge ? { ledgerTooLarge: true } : {}),
    };
  } catch (cause) {
    const error = expected(cause);
    desk.note(`could not fetch: ${error.message}`);
    return stale(error.message, error.hint);
  }
}

/**
 * The ledger by itself, with more patience than `fetchState` has: a large commit that was pushed there must not hide the
 * grants below it from this machine for longer than it takes to fetch it. @returns whether it is here now; never throws
 */
export async function fetchLargeLedger(desk: Desk): Promise<boolean> {
  if (desk.remote === null) return false;
  const { name } = desk.remote;
  desk.note(
    `${desk.hint.ledger} holds more than a run may fetch; it is fetched by itself, which may take minutes`,
  );
  try {
    const why = await (await desk.remote.open()).fetchLarge(followIn(name)(desk.hint.ledger));
    if (why !== null) desk.note(`could not fetch ${desk.hint.ledger}: ${why.message}`);
    return why === null;
  } catch (cause) {
    desk.note(`could not fetch ${desk.hint.ledger}: ${expected(cause).message}`);
    return false;
  }
}

const followIn =
  (name: string) =>
  (branch: string): string =>
    `+refs/heads/${branch}:refs/remotes/${name}/${branch}`;

const branchOf = (ref: string): string => ref.replace(/^refs\/heads\//u, '');

const stale = (why: string, hint: string | undefined): Freshness => ({
  fresh: false,
  why,
  ...(hint === undefined ? {} : { hint }),
});
