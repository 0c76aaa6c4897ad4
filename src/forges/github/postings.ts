/**
 * What was posted at a pull request on GitHub: every review and every comment, all pages.
 */
import type { GitHub, Route } from '../../github/api.ts';
import { type Fields, fieldsOf, numberOf, textOf, textOrNull } from '../../github/answer-shape.ts';
import { badPaging } from '../../github/next-page.ts';
import { PamError } from '../../model/error.ts';
import type { Account, Intent } from '../../model/forge.ts';
import { readSignedBlock } from '../signed-block.ts';
import type { Dated, PostedComment, PullDoubt, PullPlace } from '../pulls/pull-port.ts';
import { readAuthor } from './accounts.ts';
import { type Dismissed, stillObjecting } from './dismissals.ts';
import { READ_PULLS } from './pulls.ts';

/** Of each kind at one pull request: more is a flood. GitHub takes 2,500 comments, so none can hide a stop there. */
const MOST = 3000;
/** GitHub takes 65,536 characters; four bytes are the most that one can have. */
const BODY_MAX_BYTES = 4 * 65_536;
const READINGS = 3;

export async function readReviews(
  github: GitHub,
  { number, place }: PullPlace,
  doubt: PullDoubt,
): Promise<readonly Dated[]> {
  const what = `a review of pull request ${number}`;
  const answers = await readWhole(
    github,
    'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    number,
    'reviews',
    doubt,
  );
  const reviews: Dated[] = [];
  const dismissed: (Dismissed & { readonly at: number })[] = [];
  for (const fields of answers) {
    const id = numberOf(fields, 'id', what);
    const review = reviewOf(
      { place },
      {
        id,
        state: textOf(fields, 'state', what),
        // GitHub lists them in time; one that says no time stays where it is.
        at: textOrNull(fields, 'submitted_at', what) ?? reviews.at(-1)?.at ?? '',
        body: bodyOf(fields, what),
        by: readAuthor(fields['user'], what),
      },
    );
    if (review === undefined) continue;
    if (isDismissed(review)) dismissed.push({ id, author: review.posted.by.id, at: reviews.length });
    reviews.push(review);
  }
  // A "no" that another account lifted still stands. Its text says nothing of that: who may write may have edited it.
  const objecting = await stillObjecting(github, number, dismissed);
  for (const { id, at } of dismissed) {
    const review = reviews[at];
    if (review !== undefined && objecting.has(id))
      reviews[at] = { ...review, posted: { ...review.posted, intent: 'object' } };
  }
  return reviews;
}

/** What it had said is told by the pull request's events alone. */
export const isDismissed = ({ posted }: Dated): boolean => posted.intent === 'dismissed';

interface Written {
  readonly id: number;
  readonly at: string;
  readonly body: string;
  readonly by: Account;
}

/** `undefined` for one that only its author sees: it is not posted yet. */
export function reviewOf(
  { place }: Pick<PullPlace, 'place'>,
  { id, state, at, body, by }: Written & { readonly state: string },
): Dated | undefined {
  const name = state.toUpperCase();
  if (name === 'PENDING') return undefined;
  return {
    at,
    place: `${place}#pullrequestreview-${id}`,
    signed: readSignedBlock(body) ?? null,
    posted: { by, intent: INTENTS[name] ?? 'comment' },
  };
}

export const commentOf = (
  { place }: Pick<PullPlace, 'place'>,
  { id, at, body, by }: Written,
): PostedComment => ({ id, by, body, at, place: `${place}#issuecomment-${id}` });

const INTENTS: Readonly<Partial<Record<string, Intent>>> = Object.assign(
  Object.create(null) as Record<string, Intent>,
  { APPROVED: 'approve', CHANGES_REQUESTED: 'object', COMMENTED: 'comment', DISMISSED: 'dismissed' } as const,
);

export async function readComments(
  github: GitHub,
  { number, place }: PullPlace,
  doubt: PullDoubt,
): Promise<readonly PostedComment[]> {
  const what = `a comment on pull request ${number}`;
  const answers = await readWhole(
    github,
    'GET /repos/{owner}/{repo}/issues/{pull_number}/comments',
    number,
    'comments',
    doubt,
  );
  return answers.map((fields) =>
    commentOf(
      { place },
      {
        id: numberOf(fields, 'id', what),
        by: readAuthor(fields['user'], what),
        body: bodyOf(fields, what),
        at: textOrNull(fields, 'created_at', what) ?? '',
      },
    ),
  );
}

export function bodyOf(fields: Fields, what: string): string {
  const body = textOrNull(fields, 'body', what) ?? '';
  if (Buffer.byteLength(body) > BODY_MAX_BYTES) {
    throw new PamError('E_FORGE_LIMIT', `${what} is longer than GitHub takes them`);
  }
  return body;
}

/**
 * A comment that its author removes while pages are read makes those behind it move up by one, past the reader: a
 * stop could be missed that way. So more than one page is read until two readings agree; where none do, all that was
 * seen is given, and the doubt said.
 */
async function readWhole(
  github: GitHub,
  route: Route,
  number: number,
  kind: string,
  doubt: PullDoubt,
): Promise<readonly Fields[]> {
  const wanted = { doing: `read the ${kind} of pull request ${number}`, needs: READ_PULLS, most: MOST };
  const seen = new Map<number, Fields>();
  let before: string | undefined;
  for (let reading = 0; reading < READINGS; reading += 1) {
    const answers = (await github.askAll(route, { pull_number: number }, wanted)).map((one) =>
      fieldsOf(one, `one of the ${kind}`),
    );
    const ids = answers.map((fields) => numberOf(fields, 'id', `one of the ${kind}`));
    if (new Set(ids).size !== ids.length)
      throw badPaging(`some ${kind} of pull request ${number} come twice`);
    if (ids.length < ONE_PAGE || ids.join() === before) return answers;
    before = ids.join();
    for (const [at, fields] of answers.entries()) seen.set(ids[at] ?? 0, fields);
  }
  doubt(badPaging(`the ${kind} of pull request ${number} keep changing`));
  return [...seen.values()];
}

const ONE_PAGE = 100;
