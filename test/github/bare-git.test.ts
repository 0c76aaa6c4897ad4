/** Branches are read from their files: the same as git lists. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commit, git, newRepository, withRemote } from '../adapters/git-workbench.ts';
import { BareGit } from './bare-git.ts';

it('branches that lie alone, that are packed, or both, in the order of git', () => {
  const seed = newRepository();
  const { bare } = withRemote(seed);
  const push = (...names: readonly string[]): void => {
    const refs = names.map((name) => `HEAD:refs/heads/${name}`);
    git(seed, 'push', '-q', bare, ...refs, 'HEAD:refs/tags/v1');
  };
  const byGit = (): readonly (readonly string[])[] =>
    git(bare, 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads')
      .split('\n')
      .map((line) => line.split(' '));
  push('pam/b', 'pam/a', 'pam-ledger', 'gone');
  git(bare, 'pack-refs', '--all');
  commit(seed, { more: 'x' });
  git(seed, 'push', '-q', bare, 'HEAD:refs/heads/pam/a', ':refs/heads/gone', 'HEAD:refs/heads/aa');
  writeFileSync(join(bare, 'refs/heads/pam/c.lock'), '');
  const heads = new BareGit(bare).heads();
  expect([...heads]).toEqual(byGit());
  expect([...heads.keys()]).toEqual(['aa', 'main', 'pam-ledger', 'pam/a', 'pam/b']);
  expect(heads.get('pam/a')).not.toBe(heads.get('pam/b'));
});

it('a commit that is there is found, and one that comes later too', () => {
  const seed = newRepository();
  const { bare } = withRemote(seed);
  const known = new BareGit(bare);
  const later = commit(seed, { more: 'x' });
  // Asked twice: only what was found is remembered.
  const asked = [later, later, later.slice(0, 12), 'main'];
  expect(asked.map((one) => known.commitId(one))).toEqual(asked.map(() => undefined));
  git(seed, 'push', '-q', bare, 'HEAD:refs/heads/later');
  expect([known.commitId(later), known.commitId(later)]).toEqual([later, later]);
});
