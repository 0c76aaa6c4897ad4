/**
 * Reviews and comments of many pull requests in one question of GraphQL, where REST takes two for each: a job's token has
 * 1,000 of them an hour, for all jobs of the repository together. It is read as strictly, and is only ever instead of
 * REST's lists: a pull request that it does not hold whole (more than a page, an error, another shape) is asked for there.
 */
import type { GitHub } from '../../github/api.ts';
import { type Fields, fieldsOf, listOf, misshapen, textOf, textOrNull } from '../../github/answer-shape.ts';
import { failureOf, PamError } from '../../model/error.ts';
import type { Account } from '../../model/forge.ts';
import type { Dated, PostedComment, PullPlace } from '../pulls/pull-port.ts';
import { readAuthor } from './accounts.ts';
import { bodyOf, commentOf, isDismissed, reviewOf } from './postings.ts';
import { READ_PULLS } from './pulls.ts';

export interface Ahead {
  readonly reviews: readonly Dated[];
  readonly comments: readonly PostedComment[];
}

/** What GitHub answers in time as a rule; it gives up on a question after ten seconds. */
const IN_ONE = 50;
/** One question for two of them is no gain, and REST is the plainer way. */
const WORTHWHILE = 3;
/** Fewer of them at once may be answered: it took too long, or the answer was too large. */
const TOO_MUCH: ReadonlySet<string> = new Set(['E_FORGE_NETWORK', 'E_FORGE_LIMIT']);
const LEAST_AT_ONCE = 12;

/** By number; only those that were read whole. */
export async function readAhead(
  github: GitHub,
  pulls: readonly PullPlace[],
): Promise<ReadonlyMap<number, Ahead>> {
  const found = new Map<number, Ahead>();
  const wanted = [...new Map(pulls.map((one) => [one.number, one])).values()];
  let atOnce = IN_ONE;
  for (let start = 0; wanted.length - start >= WORTHWHILE; ) {
    const error = await failureOf(readSome(github, wanted.slice(start, start + atOnce), found));
    if (error?.code === 'E_INTERRUPTED') throw error;
    if (error === undefined) start += atOnce;
    else if (!TOO_MUCH.has(error.code)) break;
    else if (atOnce > LEAST_AT_ONCE) atOnce = Math.ceil(atOnce / 2);
    // A few that are too heavy keep the others from nothing: what an answer does not say is asked for one by one.
    else start += atOnce;
  }
  return found;
}

async function readSome(
  github: GitHub,
  pulls: readonly PullPlace[],
  found: Map<number, Ahead>,
): Promise<void> {
  const doing = `read what was posted at ${pulls.length} pull requests`;
  const data = await github.askGraph(questionAbout(pulls.map(({ number }) => number)), {
    doing,
    needs: READ_PULLS,
  });
  const repository = fieldsOf(fieldsOf(data, 'the answer')['repository'], 'the repository');
  for (const pull of pulls) {
    const whole = wholeOf(repository[aliasOf(pull.number)], pull);
    if (whole !== undefined) found.set(pull.number, whole);
  }
}

const aliasOf = (number: number): string => `n${number}`;

function questionAbout(numbers: readonly number[]): string {
  const pulls = numbers.map((number) => `${aliasOf(number)}: pullRequest(number: ${number}) { ...posted }`);
  return `query ($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name, followRenames: false) {
    ${pulls.join('\n    ')}
  }
}
fragment posted on PullRequest {
  number
  reviews(first: 100) { pageInfo { hasNextPage } nodes { fullDatabaseId body state submittedAt author { ...who } } }
  comments(first: 100) { pageInfo { hasNextPage } nodes { fullDatabaseId body createdAt author { ...who } } }
}
fragment who on Actor {
  __typename
  login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}`;
}

/** `undefined` where anything of it is missing or odd: then REST's lists are read for it. */
function wholeOf(data: unknown, pull: PullPlace): Ahead | undefined {
  try {
    const fields = fieldsOf(data, 'a pull request');
    if (fields['number'] !== pull.number) throw misshapen('another pull request than was asked for');
    const reviews: Dated[] = [];
    for (const one of nodesOf(fields['reviews'])) {
      const what = 'a review';
      const review = reviewOf(pull, {
        id: idOf(one),
        state: textOf(one, 'state', what),
        at: textOrNull(one, 'submittedAt', what) ?? reviews.at(-1)?.at ?? '',
        body: bodyOf(one, what),
        by: authorOf(one['author']),
      });
      if (review === undefined) continue;
      if (isDismissed(review)) throw misshapen('what it had said stands elsewhere');
      reviews.push(review);
    }
    const comments = nodesOf(fields['comments']).map((one) => {
      const what = 'a comment';
      const at = textOrNull(one, 'createdAt', what) ?? '';
      return commentOf(pull, { id: idOf(one), at, body: bodyOf(one, what), by: authorOf(one['author']) });
    });
    return { reviews, comments };
  } catch (error) {
    if (error instanceof PamError) return undefined;
    throw error;
  }
}

/** All of a list, or nothing: REST has its pages. */
function nodesOf(data: unknown): readonly Fields[] {
  const fields = fieldsOf(data, 'a list');
  if (fieldsOf(fields['pageInfo'], 'a page')['hasNextPage'] !== false) throw misshapen('there is more of it');
  const nodes = listOf(fields['nodes'], 'a list').map((one) => fieldsOf(one, 'one of a list'));
  const ids = nodes.map(idOf);
  if (new Set(ids).size !== ids.length) throw misshapen('something comes twice');
  return nodes;
}

/** Numbers beyond 32 bits come as text. */
function idOf(fields: Fields): number {
  const text = textOf(fields, 'fullDatabaseId', 'a posting');
  const id = /^[1-9]\d{0,15}$/u.test(text) ? Number(text) : 0;
  if (!Number.isSafeInteger(id) || id === 0) throw misshapen('a posting has no number');
  return id;
}

/** As REST says it: there a bot's login ends so, and `type` is what GraphQL calls `__typename`. */
function authorOf(data: unknown): Account {
  if (data === null || data === undefined) return readAuthor(null, 'an author');
  const fields = fieldsOf(data, 'an author');
  const login = textOf(fields, 'login', 'an author');
  const type = textOf(fields, '__typename', 'an author');
  const asRest = type === 'Bot' && !login.endsWith('[bot]') ? `${login}[bot]` : login;
  return readAuthor({ id: fields['databaseId'], login: asRest, type }, 'an author');
}
