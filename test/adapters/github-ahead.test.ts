/** What was posted at many pull requests, read in one question: the same as REST's lists say, or not taken at all. */
import { describe, expect, test } from 'vitest';
import { readAhead } from '../../src/forges/github/read-ahead.ts';
import { githubPort } from '../../src/forges/github/github-port.ts';
import { readComments, readReviews } from '../../src/forges/github/postings.ts';
import { PamError } from '../../src/model/error.ts';
import type { PullPlace } from '../../src/forges/pulls/pull-port.ts';
import { type GitHub, openGitHub } from '../../src/github/api.ts';
import type { Spoil } from '../github/graphql.ts';
import { type Stage, stage } from '../github/stage.ts';
import { env } from './git-workbench.ts';

const place = (number: number): PullPlace => ({
  number,
  place: `https://github.com/acme/access/pull/${number}`,
});

const noDoubt = (): never => {
  throw new Error('nothing is in doubt here');
};

const talkTo = (the: Stage, token = the.hub.token('alice')): GitHub =>
  openGitHub(
    { owner: 'acme', name: 'access', id: undefined },
    { ...env, GITHUB_API_URL: the.hub.url, GH_ENTERPRISE_TOKEN: token },
  );

/** Pull requests 1 to `count`; the first two have all that may be posted. */
async function talkative(count: number, the: Stage): Promise<void> {
  for (let number = 1; number <= count; number += 1) await the.open('bob', `branch-${number}`);
  const say = async (login: string, what: string, body: object): Promise<number> =>
    ((await the.ask(login, 'POST', what, body)).body as { readonly id: number }).id;
  await say('alice', 'pulls/1/reviews', { event: 'APPROVE', body: 'yes' });
  await say('carol', 'pulls/1/reviews', { event: 'REQUEST_CHANGES', body: 'no `x`\n\n<b>' });
  // Only its author sees it.
  await say('carol', 'pulls/1/reviews', { body: 'not sent yet' });
  await say('bob', 'issues/1/comments', { body: 'a comment' });
  const actions = the.hub.actionsToken({ pull_requests: 'write', metadata: 'read' });
  await the.askWith(actions, 'POST', 'issues/2/comments', { body: 'of a job' });
  the.hub.register('gone', { role: 'write' });
  await say('gone', 'issues/2/comments', { body: 'by an account that is no more' });
  await say('gone', 'pulls/2/reviews', { event: 'COMMENT', body: 'so is this' });
  the.hub.deleteAccount('gone');
}

const restOf = async (
  github: GitHub,
  number: number,
): Promise<{ readonly reviews: unknown; readonly comments: unknown }> => ({
  reviews: await readReviews(github, place(number), noDoubt),
  comments: await readComments(github, place(number), noDoubt),
});

const asked = (the: Stage, operation: string): number =>
  the.hub.requests.filter((one) => one.operation === operation).length;

describe('reading ahead', () => {
  test('says what the lists of REST say, whoever posted and however', async () => {
    const the = await stage();
    await talkative(3, the);
    const github = talkTo(the);
    const found = await readAhead(github, [1, 2, 3].map(place));
    expect([...found.keys()]).toEqual([1, 2, 3]);
    for (const number of [1, 2, 3]) expect(found.get(number)).toEqual(await restOf(github, number));
    expect(found.get(1)?.reviews).toHaveLength(2);
    expect(found.get(2)?.comments.map(({ by }) => by)).toEqual([
      { id: 41_898_282, login: 'github-actions[bot]', human: false },
      { id: 0, login: 'ghost', human: false },
    ]);
  });

  test('a hundred pull requests are two questions, two are none', async () => {
    const the = await stage();
    const github = talkTo(the);
    const numbers = Array.from({ length: 100 }, (_, at) => at + 1);
    // None of them is there: what the answer lacks is not taken.
    expect((await readAhead(github, [...numbers, ...numbers].map(place))).size).toBe(0);
    expect(asked(the, 'graphql')).toBe(2);
    expect((await readAhead(github, [1, 2].map(place))).size).toBe(0);
    expect(asked(the, 'graphql')).toBe(2);
  });

  test('at an Enterprise server it is asked beside /api/v3', async () => {
    const the = await stage({ prefix: '/api/v3' });
    await talkative(3, the);
    expect((await readAhead(talkTo(the), [1, 2, 3].map(place))).size).toBe(3);
  });

  test('each answer serves once, so that one who asks again hears what is new', async () => {
    const the = await stage();
    await talkative(3, the);
    const work = githubPort({ github: talkTo(the), main: 'main', note: noDoubt }).begin();
    await work.readAhead([1, 2, 3].map(place));
    expect(await work.comments(place(3), noDoubt)).toEqual([]);
    expect(asked(the, 'issues/list-comments')).toBe(0);
    await the.ask('bob', 'POST', 'issues/3/comments', { body: 'new' });
    expect(await work.comments(place(3), noDoubt)).toMatchObject([{ body: 'new' }]);
  });

  test('[X117] what a dismissed review had said is asked of its events, so it is not taken ahead', async () => {
    const the = await stage();
    await talkative(3, the);
    const listed = (await the.ask('carol', 'GET', 'pulls/1/reviews')).body as readonly {
      readonly id: number;
    }[];
    await the.ask('bob', 'PUT', `pulls/1/reviews/${listed[1]?.id}/dismissals`, { message: 'x' });
    const github = talkTo(the);
    expect([...(await readAhead(github, [1, 2, 3].map(place))).keys()]).toEqual([2, 3]);
    const intents = (await readReviews(github, place(1), noDoubt)).map(({ posted }) => posted.intent);
    expect(intents).toEqual(['approve', 'object']);
  });

  const node = { fullDatabaseId: '5', body: 'x', createdAt: '2026-11-22T18:00:00Z', author: null };
  const odd =
    (comments: unknown): Spoil =>
    (pull) => ({ ...pull, comments });
  const more = { pageInfo: { hasNextPage: true }, nodes: [] };
  const whole = { hasNextPage: false };
  const SPOILT: readonly (readonly [string, Spoil])[] = [
    ['GitHub did not find the resources for', () => null],
    ['is another one', (pull) => ({ ...pull, number: 7 })],
    ['has more comments than a page', odd(more)],
    ['has more reviews than a page', (pull) => ({ ...pull, reviews: more })],
    ['has a hole in its list', odd({ pageInfo: whole, nodes: [null] })],
    ['has no list', odd({ pageInfo: whole, nodes: null })],
    ['has the same comment twice', odd({ pageInfo: whole, nodes: [node, node] })],
    ['has a comment without a number', odd({ pageInfo: whole, nodes: [{ ...node, fullDatabaseId: null }] })],
    ['has a number that is none', odd({ pageInfo: whole, nodes: [{ ...node, fullDatabaseId: '1e3' }] })],
    [
      'has an author without a number',
      odd({
        pageInfo: whole,
        nodes: [{ ...node, author: { __typename: 'User', login: 'alice', databaseId: null } }],
      }),
    ],
  ];

  test('[X115] a pull request that is not there whole, or odd, is read by itself; the others are taken', async () => {
    const the = await stage();
    await talkative(4, the);
    const github = talkTo(the);
    for (const [what, spoil] of SPOILT) {
      the.hub.graph.spoil = (pull, number) => (number === 2 ? spoil(pull, number) : pull);
      const found = await readAhead(github, [1, 2, 3, 4].map(place));
      expect([what, ...found.keys()]).toEqual([what, 1, 3, 4]);
    }
  });

  test('[X115] a pull request that makes every answer too heavy costs its few neighbours theirs, and no other', async () => {
    const nothing = { pageInfo: { hasNextPage: false }, nodes: [] };
    let questions = 0;
    const askGraph: GitHub['askGraph'] = async (text) => {
      questions += 1;
      if (text.includes('n3: ')) throw new PamError('E_FORGE_NETWORK', 'GitHub gives up after ten seconds');
      const numbers = [...text.matchAll(/\bn(\d+): /gu)].map(([, number]) => Number(number));
      const entries = numbers.map((number) => [
        `n${number}`,
        { number, reviews: nothing, comments: nothing },
      ]);
      return await Promise.resolve({ repository: Object.fromEntries(entries) as unknown });
    };
    const github = { askGraph } as GitHub; // It asks for nothing else.
    const numbers = Array.from({ length: 60 }, (_, at) => at + 1);
    const found = await readAhead(github, numbers.map(place));
    expect(numbers.filter((number) => !found.has(number))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(questions).toBeLessThan(15);
  });

  test('[X115] an answer that cannot be used is no answer, and nothing is lost by it', async () => {
    const the = await stage();
    await talkative(3, the);
    const pulls = [1, 2, 3].map(place);
    for (const name of ['502', 'html-200', 'truncated-json', 'not-a-list', 'poisoned-304'] as const) {
      the.hub.hostile('graphql', name);
      expect([name, (await readAhead(talkTo(the), pulls)).size]).toEqual([name, 0]);
      the.hub.honest();
    }
    // Its points used up, and without the right to read.
    the.hub.graph.limit = 0;
    expect((await readAhead(talkTo(the), pulls)).size).toBe(0);
    the.hub.graph.limit = 1000;
    const blind = the.hub.token('alice', { contents: 'read', metadata: 'read' });
    expect((await readAhead(talkTo(the, blind), pulls)).size).toBe(0);
    expect((await readAhead(talkTo(the), pulls)).size).toBe(3);
  });
});
