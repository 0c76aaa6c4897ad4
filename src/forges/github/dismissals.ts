/**
 * Who dismissed a review, and what it had said. Every account with write may dismiss a request for changes, that of the
 * requester too, and the review then says DISMISSED and no more: https://docs.github.com/en/pull-requests/how-tos/review-pull-requests/dismissing-a-pull-request-review
 */
import type { GitHub } from '../../github/api.ts';
import { fieldsOf, numberOf, textOf } from '../../github/answer-shape.ts';
import { expected, PamError } from '../../model/error.ts';
import { readAuthor } from './accounts.ts';
import { READ_PULLS } from './pulls.ts';

/** What happened at one pull request, labels and all: more is a flood, and every page of it costs a request. */
const MOST_EVENTS = 300;

export interface Dismissed {
  readonly id: number;
  /** The numeric id of its author's account. */
  readonly author: number;
}

/**
 * Those that asked for changes and were dismissed by another account than their author's: they stand until the author says
 * otherwise. Where what happened cannot be read, all of them do.
 */
export async function stillObjecting(
  github: GitHub,
  pull: number,
  dismissed: readonly Dismissed[],
): Promise<ReadonlySet<number>> {
  const standing = new Set(dismissed.map(({ id }) => id));
  if (dismissed.length === 0) return standing;
  const authors = new Map(dismissed.map(({ id, author }) => [id, author]));
  try {
    for (const { review, by, state } of await readDismissals(github, pull)) {
      // A deleted account has no number of its own, so that it never takes back what another one said.
      const isAuthor = by !== 0 && by === authors.get(review);
      if (isAuthor || state !== 'changes_requested') standing.delete(review);
    }
  } catch (error) {
    expected(error);
    if (error instanceof PamError && error.code === 'E_INTERRUPTED') throw error;
  }
  return standing;
}

interface Dismissal {
  readonly review: number;
  readonly by: number;
  /** What it was before, as `changes_requested`. */
  readonly state: string;
}

async function readDismissals(github: GitHub, pull: number): Promise<readonly Dismissal[]> {
  const what = `an event of pull request ${pull}`;
  const events = await github.askAll(
    'GET /repos/{owner}/{repo}/issues/{issue_number}/events',
    { issue_number: pull },
    {
      doing: `read what happened to the reviews of pull request ${pull}`,
      needs: READ_PULLS,
      most: MOST_EVENTS,
    },
  );
  return events.flatMap((one): Dismissal[] => {
    const fields = fieldsOf(one, what);
    if (fields['event'] !== 'review_dismissed') return [];
    const review = fieldsOf(fields['dismissed_review'], what);
    return [
      {
        review: numberOf(review, 'review_id', what),
        by: readAuthor(fields['actor'], what).id,
        state: textOf(review, 'state', what).toLowerCase(),
      },
    ];
  });
}
