/** What GitHub enforces about reviews, comments and labels. */
import { describe, expect, test } from 'vitest';
import { git } from '../adapters/git-workbench.ts';
import { stage, type Stage } from './stage.ts';

interface ShownReview {
  readonly id: number;
  readonly state: string;
  readonly body: string;
  readonly user: { readonly id: number; readonly login: string; readonly type: string } | null;
  readonly commit_id: string;
  readonly author_association: string;
  readonly submitted_at?: string;
}

const reviewsOf = async (on: Stage, login: string = 'alice'): Promise<readonly ShownReview[]> =>
  (await on.ask(login, 'GET', 'pulls/1/reviews')).body as ShownReview[];

const post = async (on: Stage, login: string, body: unknown): Promise<readonly [number, string]> => {
  const said = await on.ask(login, 'POST', 'pulls/1/reviews', body);
  const { errors = [], state } = said.body as { readonly errors?: string[]; readonly state?: string };
  return [said.status, state ?? errors.join()];
};

const idOf = async (on: Stage, login: string, event: string): Promise<number> => {
  const said = await on.ask(login, 'POST', 'pulls/1/reviews', { event, body: 'words' });
  return (said.body as ShownReview).id;
};

describe('a review', () => {
  test('of the own pull request may only be a comment', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    expect(await post(on, 'alice', { event: 'APPROVE' })).toEqual([
      422,
      'Can not approve your own pull request',
    ]);
    expect(await post(on, 'alice', { event: 'REQUEST_CHANGES', body: 'x' })).toEqual([
      422,
      'Can not request changes on your own pull request',
    ]);
    expect(await post(on, 'alice', { event: 'COMMENT', body: 'x' })).toEqual([200, 'COMMENTED']);
    expect(await post(on, 'bob', { event: 'APPROVE' })).toEqual([200, 'APPROVED']);
  });

  test('stays the own after the author changed its login', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.rename('alice', 'alice-ng');
    const said = await on.askWith(on.hub.token('alice-ng'), 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect(said.status).toBe(422);
    // Whoever takes the old login is somebody else.
    on.hub.register('alice');
    const other = await on.askWith(on.hub.token('alice'), 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect(other.status).toBe(200);
    expect((other.body as ShownReview).user?.id).not.toBe(1001);
  });

  test('is on a commit of the pull request', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const old = on.tip('one');
    const main = on.tip('main');
    expect(await post(on, 'bob', { event: 'APPROVE', commit_id: main })).toEqual([
      422,
      'The commitOID is not part of the pull request',
    ]);
    for (const commit_id of ['0'.repeat(40), old.slice(0, 12), 'one']) {
      expect((await post(on, 'bob', { event: 'APPROVE', commit_id }))[0]).toBe(422);
    }
    const second = on.push('one', { more: 'x' }, 'origin/one');
    expect(await post(on, 'bob', { event: 'APPROVE', commit_id: old })).toEqual([200, 'APPROVED']);
    expect(await post(on, 'carol', { event: 'APPROVE' })).toEqual([200, 'APPROVED']);
    expect((await reviewsOf(on)).map((one) => one.commit_id)).toEqual([old, second]);
  });

  test('keeps its commit when a force-push takes that away', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const old = on.tip('one');
    await post(on, 'bob', { event: 'APPROVE' });
    on.push('one', { other: 'x' });
    expect(await reviewsOf(on)).toMatchObject([{ state: 'APPROVED', commit_id: old }]);
    expect((await post(on, 'carol', { event: 'APPROVE', commit_id: old }))[0]).toBe(422);
  });

  test('is dismissed by a push where a ruleset says so', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    await post(on, 'bob', { event: 'APPROVE' });
    on.hub.settings.rulesets.push({
      name: 'main',
      include: ['~DEFAULT_BRANCH'],
      rules: [{ type: 'pull_request', parameters: { dismiss_stale_reviews_on_push: true } }],
    });
    on.push('one', { more: 'x' }, 'origin/one');
    expect(await reviewsOf(on)).toMatchObject([{ state: 'DISMISSED' }]);
  });

  test('can still be given on a merged pull request', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.merge(1);
    expect(await post(on, 'bob', { event: 'APPROVE' })).toEqual([200, 'APPROVED']);
  });

  test('approves nothing that was closed without a merge; the other verdicts can still be given', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    git(on.clone, 'push', '-q', 'origin', ':refs/heads/one');
    const refused = await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect([refused.status, refused.body]).toMatchObject([
      422,
      { errors: ['Can only approve open pull requests'] },
    ]);
    expect((await post(on, 'bob', { event: 'REQUEST_CHANGES', body: 'no' }))[0]).toBe(200);
    expect((await post(on, 'carol', { event: 'COMMENT', body: 'no' }))[0]).toBe(200);
  });

  test('needs words, unless it approves; and not too many', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    expect((await post(on, 'bob', { event: 'REQUEST_CHANGES' }))[0]).toBe(422);
    expect((await post(on, 'bob', { event: 'COMMENT', body: ' ' }))[0]).toBe(422);
    expect((await post(on, 'bob', { event: 'APPROVE', body: 'x'.repeat(65_537) }))[0]).toBe(422);
    expect((await post(on, 'bob', { event: 'APPROVE', body: 'x'.repeat(65_536) }))[0]).toBe(200);
  });

  test('without an event waits for its author, one at a time', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    expect(await post(on, 'bob', { body: 'draft' })).toEqual([200, 'PENDING']);
    expect((await post(on, 'bob', { event: 'APPROVE' }))[0]).toBe(422);
    expect(await reviewsOf(on, 'alice')).toEqual([]);
    const [mine] = await reviewsOf(on, 'bob');
    expect(mine).toMatchObject({ state: 'PENDING' });
    expect(mine).not.toHaveProperty('submitted_at');
    const submit = async (login: string): Promise<number> =>
      (await on.ask(login, 'POST', `pulls/1/reviews/${mine?.id}/events`, { event: 'APPROVE' })).status;
    expect(await submit('carol')).toBe(404);
    expect(await submit('bob')).toBe(200);
    expect(await submit('bob')).toBe(422);
    expect(await reviewsOf(on, 'alice')).toMatchObject([{ state: 'APPROVED', body: 'draft' }]);
  });

  test('takes a token that may write pull requests, and an account that may read', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const reads = on.fine('bob', { pull_requests: 'read' });
    const said = await on.askWith(reads, 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect(said.body).toMatchObject({ message: 'Resource not accessible by personal access token' });
    expect((await on.ask('mallory', 'POST', 'pulls/1/reviews', { event: 'APPROVE' })).status).toBe(404);
    expect(await post(on, 'rita', { event: 'APPROVE' })).toEqual([200, 'APPROVED']);
  });

  test('by Actions is no approval unless the repository says so', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const actions = on.hub.actionsToken({ pull_requests: 'write' });
    const approve = async (): Promise<unknown> =>
      (await on.askWith(actions, 'POST', 'pulls/1/reviews', { event: 'APPROVE' })).body;
    expect(await approve()).toMatchObject({
      errors: ['GitHub Actions is not permitted to approve pull requests.'],
    });
    on.hub.settings.workflow.can_approve_pull_request_reviews = true;
    expect(await approve()).toMatchObject({
      state: 'APPROVED',
      user: { login: 'github-actions[bot]', id: 41_898_282, type: 'Bot' },
    });
  });

  test('of a deleted account is nobody’s; its pull request belongs to ghost', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    await post(on, 'bob', { event: 'APPROVE' });
    await on.ask('bob', 'POST', 'issues/1/comments', { body: 'hello' });
    on.hub.deleteAccount('bob');
    on.hub.deleteAccount('alice');
    expect(await reviewsOf(on, 'carol')).toMatchObject([{ user: null, author_association: 'NONE' }]);
    expect((await on.ask('carol', 'GET', 'pulls/1')).body).toMatchObject({
      user: { login: 'ghost', id: 10_137 },
    });
    expect((await on.ask('carol', 'GET', 'issues/1/comments')).body).toMatchObject([
      { user: { login: 'ghost' } },
    ]);
  });

  test('says how its author belongs here', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.register('outside', { role: 'read', member: false });
    on.hub.register('machine', { type: 'Bot' });
    await post(on, 'bob', { event: 'APPROVE' });
    for (const login of ['outside', 'machine']) {
      await on.askWith(on.hub.token(login), 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    }
    on.hub.setRole('outside', 'none');
    expect((await reviewsOf(on)).map((one) => one.author_association)).toEqual(['MEMBER', 'NONE', 'NONE']);
  });
});

describe('dismissing', () => {
  test('takes write access, words, and a verdict; the words of the review stay', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const approval = await idOf(on, 'bob', 'APPROVE');
    const comment = await idOf(on, 'bob', 'COMMENT');
    const dismiss = async (login: string, id: number, message: string = 'old'): Promise<number> =>
      (await on.ask(login, 'PUT', `pulls/1/reviews/${id}/dismissals`, { message })).status;
    expect(await dismiss('rita', approval)).toBe(404);
    expect(await dismiss('carol', comment)).toBe(422);
    expect(await dismiss('carol', approval, '')).toBe(422);
    // Also the author of the pull request: any writer.
    expect(await dismiss('alice', approval)).toBe(200);
    expect(await dismiss('alice', approval)).toBe(422);
    expect((await reviewsOf(on))[0]).toMatchObject({ state: 'DISMISSED', body: 'words' });
  });
});

describe('editing', () => {
  test('a review: its author, and who may write', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const id = await idOf(on, 'bob', 'APPROVE');
    const edit = async (login: string): Promise<number> =>
      (await on.ask(login, 'PUT', `pulls/1/reviews/${id}`, { body: `by ${login}` })).status;
    expect(await edit('rita')).toBe(403);
    expect(await edit('alice')).toBe(200);
    expect(await reviewsOf(on)).toMatchObject([
      { id, state: 'APPROVED', body: 'by alice', user: { login: 'bob' } },
    ]);
  });

  test('a comment: its author, and who may write; never empty', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const said = await on.ask('rita', 'POST', 'issues/1/comments', { body: 'hello' });
    const { id } = said.body as { readonly id: number };
    const edit = async (login: string, body: string): Promise<number> =>
      (await on.ask(login, 'PATCH', `issues/comments/${id}`, { body })).status;
    expect(await edit('rita', 'mine')).toBe(200);
    expect(await edit('bob', 'ours')).toBe(200);
    const other = await on.ask('bob', 'POST', 'issues/1/comments', { body: 'of bob' });
    const { id: bobs } = other.body as { readonly id: number };
    expect((await on.ask('rita', 'PATCH', `issues/comments/${bobs}`, { body: 'x' })).status).toBe(403);
    expect(await edit('rita', ' ')).toBe(422);
    expect((await on.ask('bob', 'PATCH', 'issues/comments/1', { body: 'x' })).status).toBe(404);
    const { body } = await on.ask('bob', 'GET', 'issues/1/comments');
    expect(body).toMatchObject([{ body: 'ours' }, { body: 'of bob' }]);
  });

  test('a comment goes when its author or an account with write deletes it, and leaves nothing', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const say = async (login: string): Promise<number> => {
      const { body } = await on.ask(login, 'POST', 'issues/1/comments', { body: `of ${login}` });
      return (body as { readonly id: number }).id;
    };
    const [ofBob, ofRita] = [await say('bob'), await say('rita')];
    const remove = async (login: string, id: number): Promise<number> =>
      (await on.ask(login, 'DELETE', `issues/comments/${id}`)).status;
    expect(await remove('rita', ofBob)).toBe(403);
    // The requester, whom the comment may stop, is such an account.
    expect(await remove('alice', ofBob)).toBe(204);
    expect(await remove('rita', ofRita)).toBe(204);
    expect(await remove('alice', ofBob)).toBe(404);
    expect((await on.ask('bob', 'GET', 'issues/comments')).body).toEqual([]);
  });

  test('comments of all pull requests, since an instant: also old ones that were edited after it', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    await on.open('alice', 'two');
    const ids: number[] = [];
    for (const number of [1, 2, 1]) {
      const { body } = await on.ask('bob', 'POST', `issues/${number}/comments`, { body: 'x' });
      ids.push((body as { readonly id: number }).id);
      on.hub.later(60);
    }
    const [first = 0, second = 0, third = 0] = ids;
    const list = async (query: string): Promise<unknown> =>
      ((await on.ask('bob', 'GET', `issues/comments${query}`)).body as { readonly id: number }[]).map(
        ({ id }) => id,
      );
    expect(await list('')).toEqual([first, second, third]);
    // Without `sort` the direction is overlooked.
    expect(await list('?direction=desc')).toEqual([first, second, third]);
    on.hub.later(60);
    const { body } = await on.ask('bob', 'PATCH', `issues/comments/${first}`, { body: 'y' });
    const { updated_at: edited } = body as { readonly updated_at: string };
    expect(await list(`?since=${edited}`)).toEqual([first]);
    expect(await list('?sort=updated&direction=desc')).toEqual([first, third, second]);
    expect(await list('?sort=created&direction=desc&per_page=2')).toEqual([third, second]);
    expect((await on.ask('bob', 'GET', 'issues/2/comments')).body).toHaveLength(1);
  });

  test('after 2,500 comments there is no further one', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.flood(1, 'bob', 2499);
    const comment = async (): Promise<number> =>
      (await on.ask('bob', 'POST', 'issues/1/comments', { body: 'x' })).status;
    expect(await comment()).toBe(201);
    expect(await comment()).toBe(403);
  });

  test('labels take triage', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const label = async (login: string, body: unknown): Promise<number> =>
      (await on.ask(login, 'POST', 'issues/1/labels', body)).status;
    expect(await label('rita', { labels: ['pam'] })).toBe(403);
    expect(await label('bob', { labels: ['pam'] })).toBe(200);
    expect(await label('bob', { labels: ['risk: admin'] })).toBe(200);
    expect(await label('bob', { labels: [''] })).toBe(422);
    expect((await on.ask('bob', 'GET', 'pulls/1')).body).toMatchObject({
      labels: [{ name: 'pam' }, { name: 'risk: admin' }],
    });
  });
});
