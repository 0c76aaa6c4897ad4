/** The GitHub forge against a double of GitHub that runs on a real bare repository. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { githubPort } from '../../src/forges/github/github-port.ts';
import { readPostings } from '../../src/forges/pulls/postings.ts';
import type { PullWork } from '../../src/forges/pulls/pull-port.ts';
import { pullRequests } from '../../src/forges/pulls/pull-requests.ts';
import { statementBranch } from '../../src/forges/statement-branches.ts';
import { openRepository } from '../../src/git/repository.ts';
import { type GitHub, openGitHub } from '../../src/github/api.ts';
import { throughDoor } from '../../src/github/through-door.ts';
import { PamError } from '../../src/model/error.ts';
import type { Forge, Found, NewProposal, Posting, Topic } from '../../src/model/forge.ts';
import { parseInstant } from '../../src/model/instant.ts';
import { isRequestId, requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import type { Signed } from '../../src/model/statement.ts';
import { openDoors } from '../../src/process/doors.ts';
import { joinSigned, printArmor } from '../../src/trust/armor.ts';
import { type Stage, stage } from '../github/stage.ts';
import { NO_FACTS } from '../support/posting.ts';
import { json, rawApi, withRepository } from './raw-api.ts';
import { commit, env, git, head, oidOf, tempDir } from './git-workbench.ts';

const ID = id('20261122-reader-aaaaaa');
const OTHER = id('20261122-reader-bbbbbb');
const NOW = parseInstant('2026-11-22T18:00:00Z') ?? never();

function never(): never {
  throw new Error('this cannot be');
}
function id(text: string): RequestId {
  return isRequestId(text) ? text : never();
}

const filesOf = (one: RequestId): Record<string, string> => ({
  [requestPath(one)]: `id: ${one}\n`,
  [signaturePath(one)]: `signed ${one}\n`,
});

const statement = (what: string): Signed => ({
  text: `pam-statement: v1\ntype: ${what}\n`,
  armor: printArmor(Buffer.from(`signature of ${what}`)),
});
const fenced = (signed: Signed, fence = '```'): string => `${fence}text\n${joinSigned(signed)}${fence}\n`;

interface Hands extends Stage {
  readonly notes: string[];
  readonly forge: (
    login: string,
    how?: {
      readonly token?: string;
      readonly clone?: string;
      readonly id?: number;
      readonly env?: Record<string, string>;
      readonly around?: (github: GitHub) => GitHub;
    },
  ) => Promise<Forge>;
  /** Pushes the branch `pam/<id>` and opens its pull request; gives its number. */
  readonly proposed: (login: string, one: RequestId, files?: Record<string, string>) => Promise<number>;
  readonly say: (login: string, what: string, body: object) => Promise<{ readonly id: number }>;
}

async function hands(): Promise<Hands> {
  const at = await stage();
  git(at.clone, 'remote', 'set-url', 'origin', at.bare);
  const notes: string[] = [];
  const say: Hands['say'] = async (login, what, body) => {
    const said = await at.ask(login, 'POST', what, body);
    if (said.status > 299) throw new Error(`${said.status} ${JSON.stringify(said.body)}`);
    return said.body as { readonly id: number };
  };
  return {
    ...at,
    notes,
    say,
    forge: async (
      login,
      {
        token = at.hub.token(login),
        clone = at.clone,
        id: number,
        env: more = {},
        around = (inner: GitHub) => inner,
      } = {},
    ) => {
      git(clone, 'fetch', '-q', 'origin', '+refs/heads/main:refs/remotes/origin/main');
      const repository = await openRepository(clone, env);
      const remote = { name: 'origin', remote: await repository.remote('origin') };
      const github = openGitHub(
        { owner: 'acme', name: 'access', id: number },
        { ...env, GITHUB_API_URL: at.hub.url, GH_ENTERPRISE_TOKEN: token, ...more },
        { timeoutMs: 2000, maxBytes: 16 * 1024 * 1024 },
      );
      const note = (line: string): void => void notes.push(line);
      const port = githubPort({ github: around(github), main: 'main', note });
      return pullRequests({ port, repository, remote, main: 'main', now: () => NOW, chance: () => 0, note });
    },
    proposed: async (login, one, files = filesOf(one)) => {
      at.push(`pam/${one}`, files);
      return numberOf(await say(login, 'pulls', { title: 'x', head: `pam/${one}`, base: 'main' }));
    },
  };
}

const numberOf = (made: unknown): number => (made as { readonly number: number }).number;
const place = (number: number): string => `https://github.com/acme/access/pull/${number}`;
const at = (name: string, number?: number): Topic => ({
  name,
  place: number === undefined ? null : place(number),
});
const posting = (
  topic: Topic,
  signed: Signed,
  type: Posting['type'],
  more: Partial<Posting> = {},
): Posting => ({
  topic,
  signed,
  type,
  author: 'alice',
  sentence: 'alice says so',
  head: null,
  ...more,
});
const proposal = (one: RequestId, facts: Partial<NewProposal['facts']> = {}): NewProposal => ({
  id: one,
  request: Buffer.from(`id: ${one}\n`),
  signature: Buffer.from(`signed ${one}\n`),
  author: 'bob',
  message: `request ${one}\n`,
  facts: {
    ...NO_FACTS,
    requester: 'bob',
    subject: 'bob',
    role: 'reader',
    target: 'north',
    duration: '1h',
    risk: 'standard',
    ...facts,
  },
});

const comment = (number: number, body: string): object => ({
  id: number,
  user: { id: 1001, login: 'alice', type: 'User' },
  body,
  created_at: '2026-11-22T18:00:00Z',
});
const pull = (number: number): object => ({
  number,
  html_url: place(number),
  state: 'open',
  merged_at: null,
  head: { ref: `pam/${ID}`, sha: 'a'.repeat(40), repo: { id: 4711 } },
  base: { ref: 'main', sha: 'b'.repeat(40), repo: { id: 4711 } },
  user: { id: 1002, login: 'bob', type: 'User' },
});
const nextOf = ({ req }: ServerResponse, page: number, last: number): Readonly<Record<string, string>> =>
  page < last ? { link: `<http://${req.headers.host}/x?page=${page + 1}>; rel="next"` } : {};
/** With the limits that are in force. */
const githubAt = (url: string): GitHub =>
  openGitHub(
    { owner: 'acme', name: 'access', id: undefined },
    { ...env, GITHUB_API_URL: url, GH_ENTERPRISE_TOKEN: 'x' },
  );
const workAt = (url: string): PullWork =>
  githubPort({ github: githubAt(url), main: 'main', note: never }).begin();

async function found(forge: Forge, topic: Topic): Promise<readonly Found[]> {
  return (await forge.statements([topic])).get(topic.name) ?? never();
}

async function codeFrom(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof PamError) return error.code;
    throw error;
  }
}

describe('proposals', () => {
  test('are open pull requests of a branch pam/<id>, as Git has them', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    await the.open('bob', 'docs');
    const forge = await the.forge('alice');
    expect(await forge.proposals({ ids: [], days: ['20261122'] })).toEqual([
      {
        id: ID,
        place: place(number),
        head: the.tip(`pam/${ID}`),
        files: {
          request: new Uint8Array(Buffer.from(`id: ${ID}\n`)),
          signature: new Uint8Array(Buffer.from(`signed ${ID}\n`)),
        },
      },
    ]);
    expect(await forge.proposals({ ids: [], days: ['20261123'] })).toEqual([]);
    expect(await forge.proposals({ ids: [ID], days: ['20261122'], skip: new Set([ID]) })).toEqual([]);
  });

  test('closed ones are found by their id', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    await the.ask('bob', 'PATCH', `pulls/${number}`, { state: 'closed' });
    const forge = await the.forge('alice');
    expect(await forge.proposals({ ids: [], days: ['20261122'] })).toEqual([]);
    expect(await forge.proposals({ ids: [ID, OTHER], days: [] })).toMatchObject([
      { id: ID, place: place(number) },
    ]);
  });

  test.each([
    ['another file', { 'src/x.ts': '' }],
    ['a second request', filesOf(OTHER)],
    ['policy', { 'policy/people.yaml': '' }],
    ['attributes', { '.gitattributes': '*.yaml -diff\n' }],
  ])('[A11] with %s beside it is no proposal', async (_what, more) => {
    const the = await hands();
    const number = await the.proposed('bob', ID, { ...filesOf(ID), ...more });
    const forge = await the.forge('alice');
    expect(await forge.proposals({ ids: [ID], days: [] })).toMatchObject([
      { files: undefined, fault: { code: 'E_PR_SCOPE' } },
    ]);
    expect((await forge.lookUp?.(String(number)))?.holds).toMatchObject({
      kind: 'other',
      fault: { code: 'E_PR_SCOPE' },
    });
  });

  test("[H14] of a fork are read from the pull request's own head, and two never share an id", async () => {
    const the = await hands();
    const fork = join(tempDir(), 'fork.git');
    git(the.bare, 'clone', '-q', '--bare', the.bare, fork);
    const clone = join(tempDir(), 'fork');
    git(fork, 'clone', '-q', fork, clone);
    commit(clone, filesOf(ID), 'ask');
    git(clone, 'push', '-q', 'origin', `HEAD:refs/heads/pam/${ID}`);
    the.hub.setRole('mallory', 'read');
    the.hub.fork('mallory', fork);
    await the.say('mallory', 'pulls', { title: 'x', head: `mallory:pam/${ID}`, base: 'main' });
    const forge = await the.forge('alice');
    expect(await forge.proposals({ ids: [ID], days: [] })).toMatchObject([
      { id: ID, head: head(clone), place: place(1) },
    ]);
    expect(await forge.proposals({ ids: [], days: ['20261122'] })).toMatchObject([{ head: head(clone) }]);
    // A branch of the repository itself comes first, though it came later: forks are anybody's.
    const own = await the.proposed('bob', ID);
    expect(await forge.proposals({ ids: [], days: ['20261122'] })).toMatchObject([{ place: place(own) }]);
    expect((await forge.lookUp?.('#1'))?.holds).toMatchObject({ fault: { code: 'E_REQ_ID_TAKEN' } });
    expect((await forge.lookUp?.(place(own)))?.holds).toEqual({ kind: 'request', id: ID });
    expect(await forge.open?.()).toMatchObject([
      { number: own, open: true, holds: { kind: 'request', id: ID } },
      { number: 1, open: true, holds: { kind: 'other', fault: { code: 'E_REQ_ID_TAKEN' } } },
    ]);
    // One that was given up counts only where there is no other.
    await the.ask('bob', 'PATCH', `pulls/${own}`, { state: 'closed' });
    expect(await forge.proposals({ ids: [ID], days: [] })).toMatchObject([{ place: place(1) }]);
    expect((await forge.open?.())?.map(({ number, holds }) => [number, holds.kind])).toEqual([
      [1, 'request'],
    ]);
  });

  test('a shallow checkout brings what it lacks', async () => {
    const the = await hands();
    for (let count = 0; count < 5; count += 1) the.push('main', { [`docs/${count}.md`]: '' });
    the.push(`pam/${ID}`, filesOf(ID), 'origin/main~4');
    await the.say('bob', 'pulls', { title: 'x', head: `pam/${ID}`, base: 'main' });
    const shallow = join(tempDir(), 'shallow');
    git(the.bare, 'clone', '-q', '--depth', '1', `file://${the.bare}`, shallow);
    const forge = await the.forge('alice', { clone: shallow });
    expect(await forge.proposals({ ids: [], days: ['20261122'] })).toMatchObject([{ id: ID, files: {} }]);
  });

  test('[X10] one whose objects fsck refuses holds no request; the others are read', async () => {
    const the = await hands();
    const bad = await the.proposed('bob', ID);
    await the.proposed('bob', OTHER);
    const blob = git(the.bare, 'rev-parse', `refs/heads/pam/${ID}:${requestPath(ID)}`);
    const input = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
    const args = ['--git-dir', the.bare, 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin'];
    const tree = execFileSync('git', args, { input, encoding: 'utf8' }).trim();
    const hostile = git(the.bare, 'commit-tree', tree, '-p', the.tip('main'), '-m', 'hostile');
    git(the.bare, 'update-ref', `refs/heads/pam/${ID}`, hostile);
    const read = await (await the.forge('alice')).proposals({ ids: [], days: ['20261122'] });
    expect(read).toMatchObject([
      { id: ID, place: place(bad), files: undefined },
      { id: OTHER, files: {} },
    ]);
  });
});

describe('statements', () => {
  const APPROVAL = statement('approval');
  const STOP = statement('stop');

  test('[X117] an unsigned "no" that another account dismissed still stands, its author\'s own is taken back', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    const reviews = `pulls/${number}/reviews`;
    const intents = async (): Promise<readonly unknown[]> =>
      (await found(await the.forge('alice'), at(ID, number))).map(({ posted }) => posted?.intent);
    const no = await the.say('alice', reviews, { event: 'REQUEST_CHANGES', body: 'no' });
    // Bob asked for it, and may write.
    const dismiss = async (login: string, review: number): Promise<void> =>
      void (await the.ask(login, 'PUT', `${reviews}/${review}/dismissals`, { message: 'settled' }));
    await dismiss('bob', no.id);
    expect(await intents()).toEqual(['object']);
    const yes = await the.say('carol', reviews, { event: 'APPROVE', body: 'yes' });
    await dismiss('bob', yes.id);
    expect(await intents()).toEqual(['object', 'dismissed']);
    const own = await the.say('carol', reviews, { event: 'REQUEST_CHANGES', body: 'no' });
    await dismiss('carol', own.id);
    expect(await intents()).toEqual(['object', 'dismissed', 'dismissed']);
    // Who may write may also edit it: a block that looks signed makes no yes of it.
    await the.ask('bob', 'PUT', `${reviews}/${no.id}`, { body: fenced(STOP) });
    expect((await intents())[0]).toBe('object');
    // Where what happened cannot be read, nothing is taken for taken back.
    the.hub.hostile('issues/list-events', '502');
    expect(await intents()).toEqual(['object', 'object', 'object']);
  });

  test('reviews and comments, clicks with and without a signed block, oldest first', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    const reviews = `pulls/${number}/reviews`;
    const comments = `issues/${number}/comments`;
    await the.say('carol', comments, { body: 'what is this for?' });
    const one = await the.say('alice', reviews, { event: 'REQUEST_CHANGES', body: 'no' });
    the.hub.later(1);
    const two = await the.say('alice', reviews, {
      event: 'APPROVE',
      body: `alice approves\n\n${fenced(APPROVAL)}`,
    });
    the.hub.later(1);
    const three = await the.say('carol', comments, { body: fenced(STOP) });
    the.hub.later(1);
    const four = await the.say('carol', reviews, { event: 'COMMENT', body: fenced(APPROVAL) });
    const five = await the.say('carol', reviews, { event: 'APPROVE', body: fenced(STOP) });
    await the.ask('alice', 'PUT', `${reviews}/${five.id}/dismissals`, { message: 'x' });
    await the.say('rita', reviews, { body: fenced(STOP) });
    const alice = { id: 1001, login: 'alice', human: true };
    const carol = { id: 1003, login: 'carol', human: true };
    const review = (what: { readonly id: number }): string => `${place(number)}#pullrequestreview-${what.id}`;
    expect(await found(await the.forge('alice'), at(ID, number))).toEqual([
      { place: review(one), signed: null, posted: { by: alice, intent: 'object' } },
      { place: review(two), signed: APPROVAL, posted: { by: alice, intent: 'approve' } },
      {
        place: `${place(number)}#issuecomment-${three.id}`,
        signed: STOP,
        posted: { by: carol, intent: 'comment' },
      },
      { place: review(four), signed: APPROVAL, posted: { by: carol, intent: 'comment' } },
      { place: review(five), signed: STOP, posted: { by: carol, intent: 'dismissed' } },
    ]);
  });

  test('[H6] no person: bots, Apps and ghosts', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    the.hub.settings.workflow.can_approve_pull_request_reviews = true;
    const actions = the.hub.actionsToken({ pull_requests: 'write', issues: 'write', contents: 'read' });
    await the.askWith(actions, 'POST', `pulls/${number}/reviews`, {
      event: 'APPROVE',
      body: fenced(APPROVAL),
    });
    the.hub.later(1);
    await the.say('carol', `pulls/${number}/reviews`, { event: 'APPROVE', body: fenced(APPROVAL) });
    the.hub.later(1);
    await the.say('carol', `issues/${number}/comments`, { body: fenced(STOP) });
    the.hub.deleteAccount('carol');
    const ghost = { id: 0, login: 'ghost', human: false };
    expect((await found(await the.forge('alice'), at(ID, number))).map(({ posted }) => posted)).toEqual([
      { by: { id: 41_898_282, login: 'github-actions[bot]', human: false }, intent: 'approve' },
      { by: ghost, intent: 'approve' },
      { by: ghost, intent: 'comment' },
    ]);
  });

  test('[H1, Z25] all pages are read: the decisive one is the last of 101', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    for (let count = 0; count < 100; count += 1)
      await the.say('carol', `pulls/${number}/reviews`, { event: 'COMMENT', body: `${count}` });
    await the.say('alice', `pulls/${number}/reviews`, { event: 'REQUEST_CHANGES', body: fenced(STOP) });
    expect(await found(await the.forge('alice'), at(ID, number))).toMatchObject([
      { signed: STOP, posted: { intent: 'object' } },
    ]);
  });

  test('a comment that is removed while pages are read hides none behind it', async () => {
    let comments = Array.from({ length: 101 }, (_, index) =>
      comment(index + 1, index === 100 ? fenced(STOP) : 'x'),
    );
    const reply = (perPage: number, page: number): readonly object[] =>
      comments.slice((page - 1) * perPage, page * perPage);
    const api = await rawApi(
      withRepository((response, { url }) => {
        const page = Number(new URL(url, 'http://x').searchParams.get('page'));
        if (url.includes('/reviews')) json(response, []);
        else {
          json(response, reply(100, page));
          // Whoever wants the last one missed removes one of their own, once.
          if (page === 1 && comments.length === 101) comments = comments.slice(1);
        }
      }),
    );
    expect(await readPostings(workAt(api.url), { number: 1, place: place(1) })).toMatchObject({
      found: [{ signed: STOP }],
      doubts: [],
    });
  });

  /** What is found about each topic, and what could not be read of it. */
  async function whatCanBe(
    forge: Forge,
    topics: readonly Topic[],
  ): Promise<readonly (readonly [string, readonly (Signed | null)[], string | undefined])[]> {
    const doubts = new Map<string, string>();
    const all = await forge.statements(topics, (topic, { code }) => void doubts.set(topic, code));
    return topics.map(({ name }) => [
      name,
      (all.get(name) ?? never()).map(({ signed }) => signed),
      doubts.get(name),
    ]);
  }

  test('[Q1, H15] a flood of one kind hides no stop of the other, and what is gone hides nothing else', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    await the.say('alice', `pulls/${number}/reviews`, { event: 'REQUEST_CHANGES', body: fenced(STOP) });
    await the.say('alice', `issues/${number}/comments`, { body: fenced(STOP) });
    const forge = await the.forge('alice');
    for (const [kind, trick] of [
      ['reviews', '5000-reviews'],
      ['comments', 'looping-next'],
    ] as const) {
      the.hub.hostile(kind, trick);
      expect(await whatCanBe(forge, [at(OTHER, 999), at(ID, number)])).toEqual([
        [OTHER, [], 'E_FORGE_NOT_FOUND'],
        [ID, [STOP], kind === 'reviews' ? 'E_FORGE_LIMIT' : 'E_FORGE_PAGING'],
      ]);
      the.hub.honest();
    }
  });

  test('[Q1] a flooded pull request of the same branch hides no stop of another', async () => {
    const api = await rawApi(
      withRepository((response, { url }) => {
        const page = Number(new URL(url, 'http://x').searchParams.get('page'));
        if (url.includes('/pulls?')) json(response, page === 1 ? [pull(1), pull(2)] : []);
        else if (url.includes('/pulls/2/reviews')) json(response, { message: 'no list' });
        else json(response, url.includes('/issues/1/') ? [comment(1, fenced(STOP))] : []);
      }),
    );
    const forge = await (await hands()).forge('alice', { env: { GITHUB_API_URL: api.url } });
    expect(await whatCanBe(forge, [at(ID)])).toEqual([[ID, [STOP], 'E_FORGE_SHAPE']]);
  });

  test('[Q1] where nothing more is answered, nothing more is asked, and what was read is kept', async () => {
    const the = await hands();
    const numbers: number[] = [];
    for (let count = 0; count < 6; count += 1)
      numbers.push(await the.proposed('bob', id(`20261122-reader-aaaaa${count}`)));
    const topics = numbers.map((number, count) => at(`20261122-reader-aaaaa${count}`, number));
    await the.say('alice', `issues/${numbers[0]}/comments`, { body: fenced(STOP) });
    const forge = await the.forge('alice');
    the.hub.hostile('reviews', 'rate-limited', { seconds: 3600 });
    the.hub.graph.limit = 0;
    const before = the.hub.requests.length;
    const read = await whatCanBe(forge, topics);
    expect(read[0]).toEqual([topics[0]?.name, [STOP], 'E_FORGE_BUSY']);
    expect(read.map(([, , doubt]) => doubt)).toEqual(topics.map(() => 'E_FORGE_BUSY'));
    const asked = the.hub.requests.slice(before).map(({ path }) => path);
    expect(asked.some((path) => path.includes(`/pulls/${numbers[5]}`))).toBe(false);
  });

  test('[Q1] comments that never stand still: whatever was seen of them is given', async () => {
    let first = 1;
    const api = await rawApi(
      withRepository((response, { url }) => {
        const page = Number(new URL(url, 'http://x').searchParams.get('page'));
        if (url.includes('/reviews')) return json(response, []);
        if (page === 1) first += 1;
        const all = Array.from({ length: 150 }, (_, index) =>
          comment(first + index, first + index === 140 ? fenced(STOP) : 'x'),
        );
        return json(response, all.slice((page - 1) * 100, page * 100), 200, nextOf(response, page, 2));
      }),
    );
    const { found: said, doubts } = await readPostings(workAt(api.url), { number: 1, place: place(1) });
    expect(said.map(({ signed }) => signed)).toEqual([STOP]);
    expect(doubts.map(({ code }) => code)).toEqual(['E_FORGE_PAGING']);
  });

  test('[Q1] as many comments as GitHub takes, each as long as it takes them: a stop is found at the end', async () => {
    const long = '\u0001'.repeat(65_536);
    const api = await rawApi(
      withRepository((response, { url }) => {
        const page = Number(new URL(url, 'http://x').searchParams.get('page'));
        if (url.includes('/reviews') || page > 25) return json(response, []);
        // Sending a hundred long ones once is enough to know that they can be read.
        const body = page === 1 ? long : 'x';
        const some = Array.from({ length: 100 }, (_, index) => comment(page * 100 + index, body));
        if (page === 25) some[99] = comment(9999, fenced(STOP));
        return json(response, some, 200, nextOf(response, page, 25));
      }),
    );
    const { found: said, doubts } = await readPostings(workAt(api.url), { number: 1, place: place(1) });
    expect([said.map(({ signed }) => signed), doubts]).toEqual([[STOP], []]);
  });

  const HOSTILE: readonly (readonly [
    'reviews' | 'comments' | 'repository',
    Parameters<Stage['hub']['hostile']>[1],
    string,
  ])[] = [
    ['reviews', 'html-200', 'E_FORGE_SHAPE'],
    ['reviews', 'truncated-json', 'E_FORGE_SHAPE'],
    ['reviews', 'not-a-list', 'E_FORGE_SHAPE'],
    ['reviews', 'wrong-types', 'E_FORGE_SHAPE'],
    ['comments', 'wrong-types', 'E_FORGE_SHAPE'],
    ['reviews', 'poisoned-304', 'E_FORGE_SHAPE'],
    ['reviews', '502', 'E_FORGE_NETWORK'],
    ['reviews', 'connection-reset', 'E_FORGE_NETWORK'],
    ['reviews', 'slow', 'E_FORGE_NETWORK'],
    ['reviews', 'rate-limited', 'E_FORGE_BUSY'],
    ['reviews', 'secondary-limited', 'E_FORGE_BUSY'],
    ['reviews', 'redirect-to-other-host', 'E_FORGE_REPO'],
    ['repository', 'redirect-to-other-host', 'E_FORGE_REPO'],
    ['reviews', 'moved-repository', 'E_FORGE_REPO'],
    ['repository', 'other-repository-id', 'E_FORGE_REPO'],
    ['reviews', 'looping-next', 'E_FORGE_PAGING'],
    ['reviews', 'missing-next', 'E_FORGE_PAGING'],
    ['comments', 'next-to-other-host', 'E_FORGE_PAGING'],
    ['reviews', 'duplicate-pages', 'E_FORGE_PAGING'],
    ['reviews', '5000-reviews', 'E_FORGE_LIMIT'],
    ['reviews', 'huge-body', 'E_FORGE_LIMIT'],
    ['comments', 'huge-body', 'E_FORGE_LIMIT'],
    ['reviews', '500-then-ok', 'ok'],
    ['reviews', 'null-user', 'ok'],
    ['reviews', 'null-commit', 'ok'],
    ['reviews', 'missing-submitted-at', 'ok'],
  ];
  test('[H5, H12, H13, H15] hostile answers are errors by name, or read for what they say', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    await the.say('alice', `pulls/${number}/reviews`, { event: 'APPROVE', body: fenced(APPROVAL) });
    await the.say('alice', `issues/${number}/comments`, { body: fenced(STOP) });
    const repository = the.hub.repositoryId();
    const seen: (readonly [string, string, string])[] = [];
    for (const [operation, name] of HOSTILE) {
      const forge = await the.forge('alice', { id: repository });
      the.hub.hostile(operation, name, { seconds: 3600 });
      seen.push([operation, name, await codeFrom(found(forge, at(ID, number)))]);
      the.hub.honest();
    }
    expect(seen).toEqual(HOSTILE);
    const forge = await the.forge('alice');
    the.hub.hostile('pull', 'wrong-types');
    expect(await codeFrom(forge.lookUp?.(`${number}`) ?? never())).toBe('E_FORGE_SHAPE');
    expect(the.hub.elsewhere.requests).toEqual([]);
  });

  test('[H2, H5] what odd reviews count for', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    await the.say('alice', `pulls/${number}/reviews`, { event: 'REQUEST_CHANGES', body: fenced(STOP) });
    const forge = await the.forge('alice');
    the.hub.hostile('reviews', 'null-user');
    expect(await found(forge, at(ID, number))).toMatchObject([
      { signed: STOP, posted: { by: { human: false } } },
    ]);
    the.hub.honest();
    the.hub.hostile('reviews', 'missing-submitted-at');
    expect(await found(forge, at(ID, number))).toMatchObject([
      { signed: STOP, posted: { by: { id: 1001 }, intent: 'object' } },
    ]);
  });

  test('without a place, all pull requests of the branch are read; with one, that alone', async () => {
    const the = await hands();
    const first = await the.proposed('bob', ID);
    await the.ask('bob', 'PATCH', `pulls/${first}`, { state: 'closed' });
    the.push(`pam/${ID}`, { ...filesOf(ID), more: 'x' });
    const second = numberOf(await the.say('bob', 'pulls', { title: 'x', head: `pam/${ID}`, base: 'main' }));
    await the.say('alice', `issues/${first}/comments`, { body: fenced(STOP) });
    the.hub.later(1);
    await the.say('alice', `pulls/${second}/reviews`, { event: 'APPROVE', body: fenced(APPROVAL) });
    const forge = await the.forge('alice');
    expect((await found(forge, at(ID))).map(({ signed }) => signed)).toEqual([STOP, APPROVAL]);
    expect((await found(forge, at(ID, first))).map(({ signed }) => signed)).toEqual([STOP]);
    expect(await found(forge, at(OTHER))).toEqual([]);
    expect(await found(forge, { name: ID, place: 'https://github.com/acme/other/pull/1' })).toHaveLength(2);
  });

  test.each(['merge', 'squash', 'rebase'] as const)(
    '[Z9] on a policy: where the commits of main came from (%s)',
    async (method) => {
      const the = await hands();
      the.push('stricter', { 'policy/roles.yaml': 'roles: {}\n' });
      const number = numberOf(
        await the.say('carol', 'pulls', { title: 'x', head: 'stricter', base: 'main' }),
      );
      await the.say('alice', `pulls/${number}/reviews`, {
        event: 'APPROVE',
        body: fenced(statement('policy')),
      });
      const forge = await the.forge('alice');
      expect(await found(forge, at('policy-2'))).toEqual([]);
      expect(await found(forge, at('policy-2', number))).toHaveLength(1);
      the.hub.merge(number, method);
      for (let count = 0; count < 3; count += 1) the.push('main', { [`docs/${count}.md`]: '' });
      expect(await found(await the.forge('alice'), at('policy-2'))).toMatchObject([
        { signed: statement('policy'), posted: { by: { login: 'alice' }, intent: 'approve' } },
      ]);
    },
  );
});

describe('proposing', () => {
  interface Shown {
    readonly title: string;
    readonly body: string;
    readonly user: { readonly login: string };
    readonly labels: readonly { readonly name: string }[];
    readonly requested_reviewers: readonly { readonly login: string }[];
  }
  const shown = async (the: Hands, number: number): Promise<Shown> =>
    (await the.ask('carol', 'GET', `pulls/${number}`)).body as Shown;

  test('pushes the branch, then opens a pull request that a human can decide from', async () => {
    const the = await hands();
    const forge = await the.forge('bob');
    const made = await forge.propose(
      proposal(ID, {
        permissions: ['read'],
        justification: 'The lock has to go.',
        reasons: [{ code: 'E_POL_TTL', ok: true, message: '1h is at most 8h' }],
        approvers: [
          { name: 'alice', login: 'alice' },
          { name: 'bob', login: 'bob' },
          { name: 'carol', login: null },
        ],
      }),
    );
    expect(made).toEqual({ branch: `pam/${ID}`, proposal: place(1) });
    expect(git(the.bare, 'show', `pam/${ID}:${requestPath(ID)}`)).toBe(`id: ${ID}`);
    const { title, body, user, labels, requested_reviewers: asked } = await shown(the, 1);
    expect({ title, by: user.login }).toEqual({ title: 'reader for bob on north, 1h', by: 'bob' });
    for (const text of [
      '> `The lock has to go.`',
      '1h is at most 8h',
      `pam approve ${ID}`,
      '**Gets:** `read`',
    ])
      expect(body).toContain(text);
    expect(labels.map(({ name }) => name)).toEqual(['pam', 'pam: standard']);
    expect(asked.map(({ login }) => login)).toEqual(['alice']);
    expect(the.notes).toEqual([]);
    expect(await forge.proposals({ ids: [ID], days: [] })).toMatchObject([
      { id: ID, place: place(1), files: {} },
    ]);
  });

  test('a branch that GitHub does not know yet is asked for again, and opened once', async () => {
    const the = await hands();
    the.hub.hostile('open', '422', { times: 2 });
    expect((await (await the.forge('bob')).propose(proposal(ID))).proposal).toBe(place(1));
    expect((await the.ask('carol', 'GET', 'pulls')).body).toHaveLength(1);
    the.hub.hostile('open', '422');
    expect(await codeFrom((await the.forge('bob')).propose(proposal(OTHER)))).toBe('E_FORGE_REFUSED');
  });

  test('an id that is in use is E_REQ_ID_TAKEN, and nothing is opened', async () => {
    const the = await hands();
    const forge = await the.forge('bob');
    await forge.propose(proposal(ID));
    expect(await codeFrom(forge.propose(proposal(ID)))).toBe('E_REQ_ID_TAKEN');
    expect((await the.ask('carol', 'GET', 'pulls')).body).toHaveLength(1);
  });

  test('an approver who may not read the repository keeps nobody else from being asked', async () => {
    const the = await hands();
    const approvers = ['alice', 'mallory', 'carol'].map((name) => ({ name, login: name }));
    await (await the.forge('bob')).propose(proposal(ID, { approvers }));
    expect((await shown(the, 1)).requested_reviewers.map(({ login }) => login)).toEqual(['alice', 'carol']);
    expect(the.notes).toEqual(['GitHub did not ask mallory for a review: tell them about pull request 1']);
  });

  test('a token that may not open one says so, and where the branch is', async () => {
    const the = await hands();
    const token = the.fine('bob', { contents: 'write', pull_requests: 'read' });
    const forge = await the.forge('bob', { token });
    await expect(forge.propose(proposal(ID))).rejects.toMatchObject({
      code: 'E_FORGE_FORBIDDEN',
      hint: expect.stringMatching(/pull_requests.*write.*pam\/2026/u) as unknown,
    });
  });

  test('a run of apply is started by whoever may', async () => {
    const the = await hands();
    the.push('main', { '.github/workflows/pam-apply.yml': 'on: workflow_dispatch\n' });
    await (await the.forge('bob')).propose(proposal(ID));
    expect(the.hub.dispatches).toMatchObject([{ to: 'pam-apply.yml', by: 'bob', ref: 'main' }]);
  });
});

describe('publishing', () => {
  const APPROVAL = statement('approval');
  const STOP = statement('stop');
  const POLICY = statement('policy');
  const ready = async (): Promise<{
    readonly the: Hands;
    readonly number: number;
    readonly alice: Forge;
    readonly bob: Forge;
  }> => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    return { the, number, alice: await the.forge('alice'), bob: await the.forge('bob') };
  };
  const intents = async (forge: Forge, topic: Topic): Promise<readonly unknown[]> =>
    (await found(forge, topic)).map(({ signed, posted }) => [signed?.text, posted?.by.login, posted?.intent]);

  describe('[X106] a stop is a branch as well, which no account can take back', () => {
    const branches = ({ bare }: Hands): readonly string[] =>
      git(bare, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/pam-statements/').split('\n');

    test('it is made before it is posted', async () => {
      const { the, number, alice } = await ready();
      await alice.publish(posting(at(ID, number), STOP, 'stop'));
      expect(branches(the)).toEqual([statementBranch(ID, STOP.text)]);
      // Once, though it stands in two places.
      expect((await found(alice, at(ID, number))).map(({ signed }) => signed)).toEqual([STOP]);
      await alice.publish(posting(at(ID, number), APPROVAL, 'approval'));
      expect(branches(the)).toHaveLength(1);
    });

    test('it is obeyed when nothing is left of what was posted, and an approval on a branch is not read', async () => {
      const { the, number, bob } = await ready();
      const { clone } = the;
      for (const { text, armor } of [STOP, APPROVAL]) {
        const blobs = [text, armor].map((input) =>
          execFileSync('git', ['hash-object', '-w', '--stdin'], {
            cwd: clone,
            input,
            encoding: 'utf8',
          }).trim(),
        );
        const input = `100644 blob ${blobs[0]}\tstatement\n100644 blob ${blobs[1]}\tstatement.sig\n`;
        const tree = execFileSync('git', ['mktree'], { cwd: clone, input, encoding: 'utf8' }).trim();
        const made = git(clone, 'commit-tree', tree, '-m', 'x');
        git(clone, 'push', '-q', 'origin', `${made}:refs/heads/${statementBranch(ID, text)}`);
      }
      expect(await found(bob, at(ID, number))).toEqual([
        { place: statementBranch(ID, STOP.text), signed: STOP, posted: null },
      ]);
    });

    test('where the branch is refused, it is posted all the same, and that is said', async () => {
      const { the, number, alice } = await ready();
      const hook = join(the.bare, 'hooks/pre-receive');
      writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      await alice.publish(posting(at(ID, number), STOP, 'stop'));
      expect(the.notes.join('\n')).toContain('not on a branch of its own');
      expect((await found(alice, at(ID, number))).map(({ signed }) => signed)).toEqual([STOP]);
    });
  });

  describe('[X52] the network fails under the post: GitHub is asked once whether it arrived', () => {
    const LOST = new PamError('E_FORGE_NETWORK', 'cannot post it: the API cannot be reached');
    interface Lost {
      readonly arrives: boolean;
      readonly readable: boolean;
    }
    /** Through doors that heard an interrupt while it was sent. */
    async function publishing({ arrives, readable }: Lost): Promise<{
      readonly error: unknown;
      readonly reviews: number;
      readonly open: boolean;
    }> {
      const { forge, proposed, ask } = await hands();
      const number = await proposed('bob', ID);
      let heard = false;
      const doors = openDoors(() => heard);
      const alice = await forge('alice', {
        around: (inner) => {
          const failing: GitHub = {
            ...inner,
            within: () => failing,
            askAll: async (...args) =>
              heard && !readable ? await Promise.reject(LOST) : await inner.askAll(...args),
            ask: async (route, parameters, wanted) => {
              if (!route.startsWith('POST')) return await inner.ask(route, parameters, wanted);
              if (arrives) await inner.ask(route, parameters, wanted);
              heard = true;
              throw LOST;
            },
          };
          return throughDoor(failing, doors.write);
        },
      });
      const error: unknown = await alice
        .publish(posting(at(ID, number), APPROVAL, 'approval'))
        .then(() => undefined)
        .catch((thrown: unknown) => thrown);
      const open = await doors.pause(0).then(
        () => true,
        () => false,
      );
      const reviews = (await ask('bob', 'GET', `pulls/${number}/reviews`)).body as readonly unknown[];
      return { error, reviews: reviews.length, open };
    }

    test('it did: it is out, and what follows is finished', async () => {
      const { error, reviews, open } = await publishing({ arrives: true, readable: true });
      expect({ error, reviews, open }).toEqual({ error: undefined, reviews: 1, open: true });
    });
    test('it did not: nothing is out, and the interrupt cuts off', async () => {
      const { error, reviews, open } = await publishing({ arrives: false, readable: true });
      expect({ error, reviews, open }).toEqual({ error: LOST, reviews: 0, open: false });
    });
    test('it does not say: neither is claimed', async () => {
      const { error, open } = await publishing({ arrives: true, readable: false });
      expect(error).toMatchObject({
        code: 'E_FORGE_NETWORK',
        message: expect.stringContaining('GitHub did not answer when asked whether it arrived') as unknown,
      });
      expect(open).toBe(true);
    });
  });

  test('an approval is a review of the head that was judged, once', async () => {
    const { the, number, alice } = await ready();
    const judged = oidOf(the.tip(`pam/${ID}`));
    the.push(`pam/${ID}`, { ...filesOf(ID), more: 'x' }, judged);
    await alice.publish(posting(at(ID, number), APPROVAL, 'approval', { head: judged }));
    await alice.publish(posting(at(ID, number), APPROVAL, 'approval', { head: judged }));
    const reviews = (await the.ask('carol', 'GET', `pulls/${number}/reviews`)).body;
    expect(reviews).toMatchObject([{ state: 'APPROVED', commit_id: judged }]);
    expect(JSON.stringify(reviews)).toContain('alice says so');
    expect(await intents(alice, at(ID, number))).toEqual([[APPROVAL.text, 'alice', 'approve']]);
  });

  test('one that was dismissed, or that somebody else copied, is posted again', async () => {
    const { the, number, alice } = await ready();
    await the.say('carol', `pulls/${number}/reviews`, { event: 'APPROVE', body: fenced(APPROVAL) });
    the.hub.later(1);
    await alice.publish(posting(at(ID), APPROVAL, 'approval'));
    const [, own] = (await the.ask('carol', 'GET', `pulls/${number}/reviews`)).body as { id: number }[];
    await the.ask('carol', 'PUT', `pulls/${number}/reviews/${own?.id}/dismissals`, { message: 'x' });
    the.hub.later(1);
    await alice.publish(posting(at(ID), APPROVAL, 'approval'));
    expect(await intents(alice, at(ID))).toEqual([
      [APPROVAL.text, 'carol', 'approve'],
      [APPROVAL.text, 'alice', 'dismissed'],
      [APPROVAL.text, 'alice', 'approve'],
    ]);
  });

  test('a denial asks for changes; on a closed or own pull request it is a review that asks for none', async () => {
    const { the, number, alice, bob } = await ready();
    await alice.publish(posting(at(ID, number), STOP, 'stop'));
    await bob.publish(posting(at(ID, number), statement('stop by bob'), 'stop'));
    await the.ask('bob', 'PATCH', `pulls/${number}`, { state: 'closed' });
    the.hub.later(1);
    await alice.publish(posting(at(ID, number), statement('stop again'), 'stop'));
    expect(await intents(alice, at(ID, number))).toEqual([
      [STOP.text, 'alice', 'object'],
      [statement('stop by bob').text, 'bob', 'comment'],
      [statement('stop again').text, 'alice', 'comment'],
    ]);
    expect((await the.ask('alice', 'GET', `issues/${number}/comments`)).body).toEqual([]);
    // Where no review is taken it is a comment.
    the.hub.hostile('review', '422', { times: 2 });
    await alice.publish(posting(at(ID, number), statement('stop once more'), 'stop'));
    expect((await the.ask('alice', 'GET', `issues/${number}/comments`)).body).toHaveLength(1);
    expect((await intents(alice, at(ID, number))).at(-1)).toEqual([
      statement('stop once more').text,
      'alice',
      'comment',
    ]);
  });

  test('an approval of a closed pull request is not tried: GitHub takes none', async () => {
    const { the, number, alice } = await ready();
    await the.ask('bob', 'PATCH', `pulls/${number}`, { state: 'closed' });
    const before = the.hub.requests.length;
    expect(await codeFrom(alice.publish(posting(at(ID, number), APPROVAL, 'approval')))).toBe(
      'E_FORGE_PLACE',
    );
    expect(the.hub.requests.slice(before).some(({ method }) => method !== 'GET')).toBe(false);
    await the.ask('bob', 'PATCH', `pulls/${number}`, { state: 'open' });
    expect(await codeFrom(alice.publish(posting(at(ID, number), APPROVAL, 'approval')))).toBe('ok');
  });

  test('nobody approves their own pull request, but an admin signs their own policy change', async () => {
    const { the, number, bob, alice } = await ready();
    expect(await codeFrom(bob.publish(posting(at(ID, number), APPROVAL, 'approval')))).toBe('E_FORGE_OWN');
    the.push('stricter', { 'policy/roles.yaml': 'roles: {}\n' });
    const change = numberOf(await the.say('bob', 'pulls', { title: 'x', head: 'stricter', base: 'main' }));
    await bob.publish(posting(at('policy-2', change), POLICY, 'policy'));
    await bob.publish(posting(at('policy-2', change), POLICY, 'policy'));
    the.hub.later(1);
    await alice.publish(posting(at('policy-2', change), statement('policy, alice'), 'policy'));
    expect(await intents(alice, at('policy-2', change))).toEqual([
      [POLICY.text, 'bob', 'comment'],
      [statement('policy, alice').text, 'alice', 'approve'],
    ]);
  });

  test('where there is no pull request, it says so', async () => {
    const { alice, the } = await ready();
    // A stop needs none to be heard.
    expect(await codeFrom(alice.publish(posting(at(OTHER), STOP, 'stop')))).toBe('ok');
    expect(the.notes.join()).toContain('but not on the pull request: there is no pull request');
    expect(await codeFrom(alice.publish(posting(at(OTHER), APPROVAL, 'approval')))).toBe('E_FORGE_PLACE');
    expect(await codeFrom(alice.publish(posting(at('policy-2'), POLICY, 'policy')))).toBe('E_FORGE_PLACE');
  });
});

describe('looking up', () => {
  test('by number, by #number, by address; nothing else', async () => {
    const the = await hands();
    const number = await the.proposed('bob', ID);
    const forge = await the.forge('alice');
    const expected = {
      place: place(number),
      number,
      open: true,
      head: the.tip(`pam/${ID}`),
      holds: { kind: 'request', id: ID },
    };
    for (const reference of [`${number}`, `#${number}`, place(number), `${place(number)}/files`])
      expect(await forge.lookUp?.(reference)).toEqual(expected);
    for (const reference of [
      '0',
      '-1',
      'x',
      place(number).replace('acme', 'evil'),
      place(number).replace('github.com', 'evil.example'),
    ])
      expect(await codeFrom(forge.lookUp?.(reference) ?? never())).toBe('E_USAGE');
    expect(await codeFrom(forge.lookUp?.('999') ?? never())).toBe('E_FORGE_NOT_FOUND');
  });

  test.each([
    [
      'a policy change',
      { 'pam.yaml': 'version: 1\n', 'policy/roles.yaml': 'roles: {}\n' },
      { kind: 'policy' },
    ],
    ['documentation', { 'docs/x.md': '' }, { kind: 'other' }],
    [
      'policy with something else',
      { 'pam.yaml': '', 'docs/x.md': '' },
      { kind: 'other', fault: { code: 'E_PR_SCOPE' } },
    ],
    [
      'policy with a file too many',
      { 'policy/other.yaml': '' },
      { kind: 'other', fault: { code: 'E_POL_FILES' } },
    ],
    ['a request on another branch', filesOf(ID), { kind: 'other', fault: { code: 'E_PR_SCOPE' } }],
  ])('%s, open and merged', async (_what, files: Record<string, string>, holds) => {
    const the = await hands();
    the.push('change', files);
    const number = numberOf(await the.say('carol', 'pulls', { title: 'x', head: 'change', base: 'main' }));
    expect(await (await the.forge('alice')).lookUp?.(`${number}`)).toMatchObject({ open: true, holds });
    the.hub.merge(number, 'merge');
    expect(await (await the.forge('alice')).lookUp?.(`${number}`)).toMatchObject({ open: false, holds });
  });

  test('a policy change comes with the files at its head', async () => {
    const the = await hands();
    the.push('change', { 'policy/roles.yaml': 'roles: {}\n' });
    await the.say('carol', 'pulls', { title: 'x', head: 'change', base: 'main' });
    const looked = await (await the.forge('alice')).lookUp?.('1');
    const files = looked?.holds.kind === 'policy' ? looked.holds.files : never();
    expect(Buffer.from(files.get('policy/roles.yaml') ?? never()).toString()).toBe('roles: {}\n');
  });
});

describe('telling', () => {
  const bodies = async (the: Hands): Promise<readonly unknown[]> =>
    (
      (await the.ask('carol', 'GET', 'issues/1/comments')).body as { user: { login: string }; body: string }[]
    ).map(({ user, body }) => [user.login, body.split('\n').slice(1).join('\n')]);

  test('one comment, updated in place, whoever else writes its mark', async () => {
    const the = await hands();
    await the.proposed('bob', ID);
    const alice = await the.forge('alice');
    await alice.tell?.(new Map([[place(1), 'pending']]));
    const [own] = (await the.ask('carol', 'GET', 'issues/1/comments')).body as { body: string }[];
    await the.say('mallory', 'issues/1/comments', { body: own?.body ?? '' }).catch(() => undefined);
    await the.say('bob', 'issues/1/comments', { body: own?.body ?? '' });
    const token = the.hub.actionsToken({ pull_requests: 'write', issues: 'write', contents: 'read' });
    const actions = await the.forge('alice', { token });
    await actions.tell?.(new Map([[place(1), 'by the check']]));
    await actions.tell?.(new Map([[place(1), 'by the check, again']]));
    await alice.tell?.(new Map([[place(1), 'approved']]));
    expect(await bodies(the)).toEqual([
      ['alice', 'approved'],
      ['bob', 'pending'],
      ['github-actions[bot]', 'by the check, again'],
    ]);
    expect(await actions.whoami?.()).toBeNull();
    expect(await alice.whoami?.()).toEqual({ id: 1001, login: 'alice', human: true });
  });

  test('an App knows its own', async () => {
    const the = await hands();
    await the.proposed('bob', ID);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    the.hub.addApp({
      id: 7,
      slug: 'pam-for-acme',
      publicKey,
      permissions: { pull_requests: 'write', issues: 'write', contents: 'read' },
    });
    const keyFile = join(tempDir(), 'app.pem');
    writeFileSync(keyFile, privateKey);
    const forge = await the.forge('alice', { env: { PAM_GITHUB_APP_ID: '7', PAM_GITHUB_APP_KEY: keyFile } });
    await forge.tell?.(new Map([[place(1), 'pending']]));
    await forge.tell?.(new Map([[place(1), 'approved']]));
    expect(await bodies(the)).toEqual([['pam-for-acme[bot]', 'approved']]);
    expect(await forge.whoami?.()).toBeNull();
  });
});
