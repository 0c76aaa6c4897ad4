/**
 * What was posted at a pull request: every review and every comment, all pages. Clicks are intent, signatures are
 * authority, and neither is judged here (`rules/judge-postings.ts`).
 */
import type { GitHub, Route } from '../../github/api.ts';
import { type Fields, fieldsOf, numberOf, textOf, textOrNull } from '../../github/answer-shape.ts';
import { badPaging } from '../../github/next-page.ts';
import { PamError } from '../../model/error.ts';
import type { Account, Found, Intent } from '../../model/forge.ts';
import { readSignedBlock } from '../signed-block.ts';
import { readAuthor } from './accounts.ts';
import type { Pull } from './pulls.ts';
import { READ_PULLS } from './pulls.ts';

/** Of each kind at one pull request: more is a flood. */
const MOST = 2000;
/** GitHub takes 65,536 characters; four bytes are the most that one can have. */
const BODY_MAX_BYTES = 4 * 65_536;
const READINGS = 3;

export interface PostedComment {
  readonly id: number;
  readonly by: Account;
  readonly body: string;
  readonly at: string;
  readonly place: string;
}

/** With when it was posted, so that what stands at several pull requests can be put in order. */
export interface Timed {
  readonly at: string;
  readonly found: Found & { readonly posted: { readonly by: Account; readonly intent: Intent } };
}

export async function readPostings(
  github: GitHub,
  pull: Pick<Pull, 'number' | 'place'>,
): Promise<readonly Timed[]> {
  const reviews = await readReviews(github, pull);
  const comments = await readComments(github, pull);
  const said = comments.map(
    ({ by, body, at, place }): Timed => ({
      at,
      found: { place, signed: readSignedBlock(body) ?? null, posted: { by, intent: 'comment' } },
    }),
  );
  return [...reviews, ...said].filter(
    ({ found: { signed, posted } }) => signed !== null || posted.intent !== 'comment',
  );
}

/** Of one person the newest click counts, so order matters: by time, and as GitHub lists them within a second. */
export function oldestFirst(postings: readonly Timed[]): readonly Found[] {
  return [...postings].sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at))).map(({ found }) => found);
}

async function readReviews(
  github: GitHub,
  { number, place }: Pick<Pull, 'number' | 'place'>,
): Promise<readonly Timed[]> {
  const what = `a review of pull request ${number}`;
  const answers = await readWhole(
    github,
    'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    number,
    'reviews',
  );
  const reviews: Timed[] = [];
  for (const fields of answers) {
    const state = textOf(fields, 'state', what).toUpperCase();
    // Only its author sees it: it is not posted yet.
    if (state === 'PENDING') continue;
    // GitHub lists them in time; one that says no time stays where it is.
    const at = textOrNull(fields, 'submitted_at', what) ?? reviews.at(-1)?.at ?? '';
    reviews.push({
      at,
      found: {
        place: `${place}#pullrequestreview-${numberOf(fields, 'id', what)}`,
        signed: readSignedBlock(bodyOf(fields, what)) ?? null,
        posted: { by: readAuthor(fields['user'], what), intent: INTENTS[state] ?? 'comment' },
      },
    });
  }
  return reviews;
}

const INTENTS: Readonly<Partial<Record<string, Intent>>> = Object.assign(
  Object.create(null) as Record<string, Intent>,
  { APPROVED: 'approve', CHANGES_REQUESTED: 'object', COMMENTED: 'comment', DISMISSED: 'dismissed' } as const,
);

export async function readComments(
  github: GitHub,
  { number, place }: Pick<Pull, 'number' | 'place'>,
): Promise<readonly PostedComment[]> {
  const what = `a comment on pull request ${number}`;
  const answers = await readWhole(
    github,
    'GET /repos/{owner}/{repo}/issues/{pull_number}/comments',
    number,
    'comments',
  );
  return answers.map((fields) => {
    const id = numberOf(fields, 'id', what);
    return {
      id,
      by: readAuthor(fields['user'], what),
      body: bodyOf(fields, what),
      at: textOrNull(fields, 'created_at', what) ?? '',
      place: `${place}#issuecomment-${id}`,
    };
  });
}

function bodyOf(fields: Fields, what: string): string {
  const body = textOrNull(fields, 'body', what) ?? '';
  if (Buffer.byteLength(body) > BODY_MAX_BYTES) {
    throw new PamError('E_FORGE_LIMIT', `${what} is longer than GitHub takes them`);
  }
  return body;
}

/**
 * A comment that its author removes while pages are read makes those behind it move up by one, past the reader: a
 * stop could be missed that way. So more than one page is read until two readings agree.
 */
async function readWhole(
  github: GitHub,
  route: Route,
  number: number,
  kind: string,
): Promise<readonly Fields[]> {
  const wanted = { doing: `read the ${kind} of pull request ${number}`, needs: READ_PULLS, most: MOST };
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
  }
  throw badPaging(`the ${kind} of pull request ${number} keep changing`);
}

const ONE_PAGE = 100;
