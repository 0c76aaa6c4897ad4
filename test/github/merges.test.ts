/** Merging with real commits, and every 405 and 409. */
import { describe, expect, test } from 'vitest';
import { git } from '../adapters/git-workbench.ts';
import { stage, type Stage } from './stage.ts';

const parents = (bare: string, rev: string): string[] =>
  git(bare, 'rev-list', '--parents', '-1', rev).split(' ').slice(1);

/** The pull requests that a commit came with, as GitHub says. */
async function broughtBy({ ask }: Stage, sha: string): Promise<number[]> {
  const said = await ask('alice', 'GET', `commits/${sha}/pulls`);
  return (said.body as { readonly number: number }[]).map(({ number }) => number);
}

describe('a merge', () => {
  test('by merge commit: two parents, and both its commits were brought by it', async () => {
    const on = await stage();
    const number = await on.open('alice', 'one');
    const [before, theirs] = [on.tip('main'), on.tip('one')];
    const said = await on.ask('bob', 'PUT', `pulls/${number}/merge`);
    expect(said.body).toMatchObject({ merged: true, sha: on.tip('main') });
    expect(parents(on.bare, 'main')).toEqual([before, theirs]);
    expect(await broughtBy(on, on.tip('main'))).toEqual([number]);
    expect(await broughtBy(on, theirs)).toEqual([number]);
    expect(await broughtBy(on, before)).toEqual([]);
  });

  test('by squash: one parent, the words asked for, the blobs of the branch', async () => {
    const on = await stage();
    const number = await on.open('alice', 'one');
    const [before, theirs] = [on.tip('main'), on.tip('one')];
    await on.ask('bob', 'PUT', `pulls/${number}/merge`, { merge_method: 'squash', commit_title: 'Ours' });
    expect(parents(on.bare, 'main')).toEqual([before]);
    expect(git(on.bare, 'log', '-1', '--format=%s|%an|%cn', 'main')).toBe('Ours|Alice Ng|GitHub');
    expect(git(on.bare, 'rev-parse', 'main^{tree}')).toBe(git(on.bare, 'rev-parse', 'one^{tree}'));
    expect(await broughtBy(on, on.tip('main'))).toEqual([number]);
    // The branch's own commit never came to main; the pull request still holds it.
    expect(await broughtBy(on, theirs)).toEqual([number]);
  });

  test('by rebase: every commit anew on top of main, even where a fast-forward would do', async () => {
    const on = await stage();
    const number = await on.open('alice', 'one');
    const theirs = on.push('one', { second: 'x' }, 'origin/one');
    await on.ask('bob', 'PUT', `pulls/${number}/merge`, { merge_method: 'rebase' });
    expect(on.tip('main')).not.toBe(theirs);
    expect(git(on.bare, 'rev-parse', 'main^{tree}')).toBe(git(on.bare, 'rev-parse', 'one^{tree}'));
    expect(git(on.bare, 'log', '-2', '--format=%s', 'main').split('\n')).toHaveLength(2);
    expect(git(on.bare, 'log', '-1', '--format=%an|%cn', 'main')).toBe('t|bob');
    expect(await broughtBy(on, on.tip('main'))).toEqual([number]);
    expect(await broughtBy(on, git(on.bare, 'rev-parse', 'main~1'))).toEqual([number]);
  });

  test('by rebase onto a main that went on', async () => {
    const on = await stage();
    const number = await on.open('alice', 'one');
    const moved = on.push('main', { other: 'x' });
    on.hub.merge(number, 'rebase', 'bob');
    expect(parents(on.bare, 'main')).toEqual([moved]);
    expect(git(on.bare, 'ls-tree', '--name-only', 'main').split('\n')).toContain('other');
    expect(git(on.bare, 'show', 'main:requests/one.yaml')).toBe('id: one');
  });

  test('through the queue: a group lands, each by the bot', async () => {
    const on = await stage();
    const numbers = [await on.open('alice', 'one'), await on.open('alice', 'two')];
    on.hub.mergeQueue(numbers, 'squash');
    const pull = await on.ask('alice', 'GET', 'pulls/2');
    expect(pull.body).toMatchObject({
      merged: true,
      merged_by: { login: 'github-merge-queue[bot]', type: 'Bot' },
    });
    expect(await broughtBy(on, on.tip('main'))).toEqual([2]);
    expect(await broughtBy(on, git(on.bare, 'rev-parse', 'main~1'))).toEqual([1]);
  });
});

describe('no merge', () => {
  const refused = async (
    on: Stage,
    body: unknown = {},
    login: string = 'bob',
  ): Promise<readonly [number, string]> => {
    const before = on.tip('main');
    const said = await on.ask(login, 'PUT', 'pulls/1/merge', body);
    expect(on.tip('main')).toBe(before);
    return [said.status, (said.body as { readonly message: string }).message];
  };

  test('409 when sha is not the head', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const old = on.tip('one');
    on.push('one', { other: 'x' });
    expect(await refused(on, { sha: old })).toEqual([
      409,
      'Head branch was modified. Review and try the merge again.',
    ]);
  });

  test('405 on a conflict, by any method', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.push('main', { 'requests/one.yaml': 'other' });
    expect(await refused(on)).toEqual([405, 'Pull Request is not mergeable']);
    expect(await refused(on, { merge_method: 'squash' })).toEqual([405, 'Pull Request is not mergeable']);
    expect(await refused(on, { merge_method: 'rebase' })).toEqual([405, "This branch can't be rebased"]);
  });

  test('405 when closed, merged, a draft, or the method is switched off', async () => {
    const on = await stage();
    on.push('one', { a: '1' });
    await on.ask('alice', 'POST', 'pulls', { title: 'x', head: 'one', base: 'main', draft: true });
    expect(await refused(on)).toEqual([405, 'Pull Request is still a draft']);
    on.hub.allowMethods({ squash: false });
    await on.ask('alice', 'PATCH', 'pulls/1', { state: 'closed' });
    expect(await refused(on)).toEqual([405, 'Pull Request is not mergeable']);
    const other = await on.open('alice', 'two');
    const squash = await on.ask('bob', 'PUT', `pulls/${other}/merge`, { merge_method: 'squash' });
    expect(squash.status).toBe(405);
    expect((await on.ask('bob', 'PUT', `pulls/${other}/merge`)).status).toBe(200);
    expect((await on.ask('bob', 'PUT', `pulls/${other}/merge`)).status).toBe(405);
  });

  test('403 for who may only read, and for a token without contents', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    expect((await refused(on, {}, 'rita'))[0]).toBe(403);
    const token = on.fine('bob', { pull_requests: 'write' });
    expect((await on.askWith(token, 'PUT', 'pulls/1/merge')).status).toBe(403);
  });

  test('405 until a ruleset has its approvals; a dismissed one counts no more', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.settings.rulesets.push({
      name: 'main',
      include: ['refs/heads/main'],
      rules: [{ type: 'pull_request', parameters: { required_approving_review_count: 1 } }],
    });
    expect((await refused(on))[0]).toBe(405);
    await on.ask('rita', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect((await refused(on))[0]).toBe(405);
    const review = await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    const { id } = review.body as { readonly id: number };
    await on.ask('carol', 'PUT', `pulls/1/reviews/${id}/dismissals`, { message: 'no' });
    expect((await refused(on))[0]).toBe(405);
    await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    await on.ask('carol', 'POST', 'pulls/1/reviews', { event: 'REQUEST_CHANGES', body: 'wait' });
    expect((await refused(on))[0]).toBe(405);
    await on.ask('carol', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect((await on.ask('bob', 'PUT', 'pulls/1/merge')).status).toBe(200);
  });

  test('405 where a merge queue is the only way', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.settings.rulesets.push({ name: 'q', include: ['~ALL'], rules: [{ type: 'merge_queue' }] });
    expect(await refused(on)).toEqual([405, 'Changes must be made through the merge queue']);
    on.hub.settings.rulesets.splice(0);
    on.hub.settings.rulesets.push({
      name: 'q',
      enforcement: 'disabled',
      include: ['~ALL'],
      rules: [{ type: 'merge_queue' }],
    });
    expect((await on.ask('bob', 'PUT', 'pulls/1/merge')).status).toBe(200);
  });
});
