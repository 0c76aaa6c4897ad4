/** Pull requests follow the bare repository, and GitHub's refusals. */
import { describe, expect, test } from 'vitest';
import { git, head } from '../adapters/git-workbench.ts';
import { join } from 'node:path';
import { tempDir } from '../adapters/git-workbench.ts';
import { stage } from './stage.ts';

interface ShownPull {
  readonly state: string;
  readonly merged: boolean;
  readonly merged_at: string | null;
  readonly merged_by: { readonly login: string } | null;
  readonly merge_commit_sha: string | null;
  readonly mergeable: boolean | null;
  readonly user: { readonly login: string; readonly id: number };
  readonly head: {
    readonly sha: string;
    readonly repo: { readonly full_name: string; readonly fork: boolean };
  };
  readonly base: { readonly sha: string };
}
const shown = (body: unknown): ShownPull => body as ShownPull;

describe('opening', () => {
  test.each([
    ['no difference', { head: 'same', base: 'main' }, 'No commits between main and same'],
    ['a second one of the same branches', { head: 'twice', base: 'main' }, 'already exists for acme:twice'],
    ['no common history', { head: 'orphan', base: 'main' }, 'no history in common'],
    ['a head that is not there', { head: 'nowhere', base: 'main' }, '"field":"head"'],
    ['a base that is not there', { head: 'twice', base: 'nowhere' }, '"field":"base"'],
    ['a fork that nobody has', { head: 'eve:twice', base: 'main' }, '"field":"head"'],
  ])('%s is 422', async (_, branches, words) => {
    const { ask, open, clone, bare } = await stage();
    await open('alice', 'twice');
    git(clone, 'push', '-q', 'origin', 'origin/main:refs/heads/same');
    git(bare, 'update-ref', 'refs/heads/orphan', git(bare, 'commit-tree', 'main^{tree}', '-m', 'alone'));
    const said = await ask('alice', 'POST', 'pulls', { title: 'x', ...branches });
    expect(said.status).toBe(422);
    expect(JSON.stringify(said.body)).toContain(words);
  });

  test('without a title, a login or a permission it is 422, 401, 403', async () => {
    const { ask, askWith, fine, push } = await stage({ private: false });
    push('one', { a: '1' });
    const pull = { title: 'x', head: 'one', base: 'main' };
    expect((await ask('alice', 'POST', 'pulls', { ...pull, title: ' ' })).status).toBe(422);
    expect((await ask(null, 'POST', 'pulls', pull)).status).toBe(401);
    const reads = fine('alice', { pull_requests: 'read' });
    const said = await askWith(reads, 'POST', 'pulls', pull);
    expect(said.status).toBe(403);
    expect(said.headers.get('x-accepted-github-permissions')).toBe('pull_requests=write');
    const writes = fine('alice', { pull_requests: 'write' });
    expect((await askWith(writes, 'POST', 'pulls', pull)).status).toBe(201);
  });

  test('from a fork', async () => {
    const { hub, ask, bare, clone, push } = await stage();
    hub.setRole('mallory', 'read');
    const fork = join(tempDir(), 'fork.git');
    git(clone, 'clone', '-q', '--bare', bare, fork);
    hub.fork('mallory', fork);
    push('theirs', { a: '1' });
    git(clone, 'push', '-q', fork, 'HEAD:refs/heads/theirs');
    git(clone, 'push', '-q', 'origin', ':refs/heads/theirs');
    const said = await ask('mallory', 'POST', 'pulls', { title: 'x', head: 'mallory:theirs', base: 'main' });
    expect(said.status).toBe(201);
    expect(shown(said.body).head).toMatchObject({
      sha: head(clone),
      label: 'mallory:theirs',
      repo: { full_name: 'mallory/access', fork: true },
    });
    expect(git(bare, 'rev-parse', 'refs/pull/1/head')).toBe(head(clone));
  });

  test('Actions may only when the repository says so', async () => {
    const { hub, askWith, push } = await stage();
    push('one', { a: '1' });
    const actions = hub.actionsToken({ pull_requests: 'write' });
    const pull = { title: 'x', head: 'one', base: 'main' };
    expect((await askWith(actions, 'POST', 'pulls', pull)).status).toBe(403);
    hub.settings.workflow.can_approve_pull_request_reviews = true;
    expect((await askWith(actions, 'POST', 'pulls', pull)).status).toBe(201);
  });
});

describe('pushes', () => {
  test('move the head; what was there stays reachable', async () => {
    const { ask, open, push, bare } = await stage();
    const number = await open('alice', 'one');
    const first = shown((await ask('alice', 'GET', `pulls/${number}`)).body).head.sha;
    const second = push('one', { other: 'x' });
    expect(second).not.toBe(first);
    expect(shown((await ask('alice', 'GET', `pulls/${number}`)).body).head.sha).toBe(second);
    expect(git(bare, 'rev-parse', `refs/pull/${number}/head`)).toBe(second);
  });

  test('files and commits are those of the branch, compared with where it left main', async () => {
    const { ask, open, push } = await stage();
    const number = await open('alice', 'one');
    push('main', { elsewhere: 'x' });
    const files = await ask('alice', 'GET', `pulls/${number}/files`);
    expect(files.body).toMatchObject([
      { filename: 'requests/one.yaml', status: 'added', additions: 1, patch: '@@ -0,0 +1 @@\n+id: one' },
    ]);
    expect((await ask('alice', 'GET', `pulls/${number}/commits`)).body).toHaveLength(1);
  });

  test('a branch that goes closes its pull request', async () => {
    const { ask, open, clone } = await stage();
    const number = await open('alice', 'one');
    git(clone, 'push', '-q', 'origin', ':refs/heads/one');
    const pull = shown((await ask('alice', 'GET', `pulls/${number}`)).body);
    expect(pull).toMatchObject({ state: 'closed', merged: false });
  });

  test('a head put back behind main closes it', async () => {
    const { ask, open, clone } = await stage();
    const number = await open('alice', 'one');
    git(clone, 'push', '-q', '-f', 'origin', 'origin/main:refs/heads/one');
    const pull = shown((await ask('alice', 'GET', `pulls/${number}`)).body);
    expect(pull).toMatchObject({ state: 'closed', merged: false });
  });

  test.each(['merge', 'fast-forward'])('a %s pushed by hand merges it, by nobody', async (how) => {
    const { ask, open, clone, tip } = await stage();
    const number = await open('alice', 'one');
    git(clone, 'checkout', '-q', '--detach', 'origin/main');
    git(
      clone,
      'merge',
      '-q',
      how === 'merge' ? '--no-ff' : '--ff-only',
      'origin/one',
      ...(how === 'merge' ? ['-m', 'm'] : []),
    );
    git(clone, 'push', '-q', 'origin', 'HEAD:main');
    const pull = shown((await ask('alice', 'GET', `pulls/${number}`)).body);
    expect(pull).toMatchObject({
      state: 'closed',
      merged: true,
      merged_by: null,
      merge_commit_sha: tip('main'),
    });
    const brought = await ask('alice', 'GET', `commits/${pull.head.sha}/pulls`);
    expect(brought.body).toMatchObject([{ number }]);
  });

  test('base.sha stands where the base was when the head last moved', async () => {
    const { ask, open, push, tip } = await stage();
    const number = await open('alice', 'one');
    const base = async (): Promise<string> =>
      shown((await ask('alice', 'GET', `pulls/${number}`)).body).base.sha;
    const first = tip('main');
    const second = push('main', { elsewhere: 'x' });
    expect(await base()).toBe(first);
    push('one', { more: 'x' }, 'origin/one');
    expect(await base()).toBe(second);
  });

  test('the trial merge of an open one is no merge', async () => {
    const { ask, open, push, bare } = await stage();
    const number = await open('alice', 'one');
    const pull = shown((await ask('alice', 'GET', `pulls/${number}`)).body);
    expect(pull).toMatchObject({ merged: false, merged_at: null, mergeable: true });
    expect(git(bare, 'rev-parse', `refs/pull/${number}/merge`)).toBe(pull.merge_commit_sha);
    push('main', { 'requests/one.yaml': 'other' });
    expect(shown((await ask('alice', 'GET', `pulls/${number}`)).body)).toMatchObject({
      mergeable: false,
      merge_commit_sha: null,
    });
  });
});

describe('changing', () => {
  test('the author, or who may write', async () => {
    const { ask, open } = await stage();
    const number = await open('alice', 'one');
    expect((await ask('rita', 'PATCH', `pulls/${number}`, { title: 'mine' })).status).toBe(403);
    expect((await ask('bob', 'PATCH', `pulls/${number}`, { title: 'ours' })).status).toBe(200);
  });

  test('closed, opened again, and not once the branch is gone or it is merged', async () => {
    const { hub, ask, open, clone } = await stage();
    const number = await open('alice', 'one');
    const state = async (to: string): Promise<number> =>
      (await ask('alice', 'PATCH', `pulls/${number}`, { state: to })).status;
    expect(await state('closed')).toBe(200);
    expect(await state('open')).toBe(200);
    expect(await state('closed')).toBe(200);
    git(clone, 'push', '-q', 'origin', ':refs/heads/one');
    expect(await state('open')).toBe(422);
    const other = await open('alice', 'two');
    hub.merge(other);
    expect((await ask('alice', 'PATCH', `pulls/${other}`, { state: 'open' })).status).toBe(422);
  });

  test('reviewers are collaborators, and not the author', async () => {
    const { ask, open } = await stage();
    const number = await open('alice', 'one');
    const request = async (...reviewers: string[]): Promise<number> =>
      (await ask('alice', 'POST', `pulls/${number}/requested_reviewers`, { reviewers })).status;
    expect(await request('alice')).toBe(422);
    expect(await request('mallory')).toBe(422);
    expect(await request('nobody')).toBe(422);
    expect(await request('bob', 'Rita')).toBe(201);
    const asked = async (): Promise<unknown> =>
      (await ask('alice', 'GET', `pulls/${number}/requested_reviewers`)).body;
    expect(await asked()).toMatchObject({ users: [{ login: 'bob' }, { login: 'rita' }] });
    await ask('bob', 'POST', `pulls/${number}/reviews`, { event: 'APPROVE' });
    expect(await asked()).toMatchObject({ users: [{ login: 'rita' }] });
  });
});

describe('lists', () => {
  test('state, base and head choose; newest first', async () => {
    const { hub, ask, open } = await stage();
    for (const branch of ['one', 'two', 'three']) await open('alice', branch);
    hub.merge(2);
    const numbers = async (query: string): Promise<number[]> =>
      ((await ask('alice', 'GET', `pulls${query}`)).body as { number: number }[]).map(({ number }) => number);
    expect(await numbers('')).toEqual([3, 1]);
    expect(await numbers('?state=closed')).toEqual([2]);
    expect(await numbers('?state=all&direction=asc')).toEqual([1, 2, 3]);
    expect(await numbers('?head=acme:one')).toEqual([1]);
    expect(await numbers('?head=one')).toEqual([3, 1]);
    expect(await numbers('?base=other')).toEqual([]);
  });
});
