/** A clone that lies there as git lays it is found from its files: what git itself would answer, or nothing at all. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRepository } from '../../src/git/find-repository.ts';
import { plainClone } from '../../src/git/plain-clone.ts';
import { counting, env, git, home, newRepository, tempDir } from './git-workbench.ts';

const fresh = (): string => realpathSync(newRepository());

/** What git says of it, in the words of `RepositoryPlace`. */
function asGitSays(dir: string): object {
  const [gitDir, workTree, objectFormat] = git(
    dir,
    'rev-parse',
    '--path-format=absolute',
    '--git-common-dir',
    '--show-toplevel',
    '--show-object-format',
  ).split('\n');
  return { gitDir, workTree, objectFormat };
}

describe('a clone as git lays it', () => {
  it.each<[string, (dir: string) => void]>([
    ['just made', () => undefined],
    [
      'with a remote, a branch and settings of its own',
      (dir) => {
        git(dir, 'remote', 'add', 'origin', '/srv/access.git');
        git(dir, 'config', 'branch.main.remote', 'origin');
        git(dir, 'config', 'user.name', 'dana');
      },
    ],
    ['with a detached head', (dir) => git(dir, 'checkout', '-q', '--detach')],
    ['with packed refs', (dir) => git(dir, 'pack-refs', '--all')],
    ['with settings that git includes', (dir) => git(dir, 'config', 'include.path', '/nowhere')],
  ])('%s: is what git says, and git is not asked', async (_, change) => {
    const dir = fresh();
    change(dir);
    const { env: watched, started } = counting();
    expect(await findRepository(dir, watched)).toEqual(asGitSays(dir));
    expect(started()).toEqual([]);
  });

  it('a clone that git made, reached through a link', async () => {
    const clone = join(realpathSync(tempDir()), 'clone');
    git(home, 'clone', '-q', newRepository(), clone);
    const link = join(tempDir(), 'link');
    symlinkSync(clone, link);
    const { env: watched, started } = counting();
    expect(await findRepository(link, watched)).toEqual(asGitSays(clone));
    expect(started()).toEqual([]);
  });
});

const config = (dir: string): string => join(dir, '.git', 'config');
const setIn = (dir: string, from: string, to: string): void =>
  writeFileSync(config(dir), readFileSync(config(dir), 'utf8').replace(from, to));

describe('anything else is left to git', () => {
  it.each<[string, (dir: string) => void]>([
    [
      'another format of objects',
      (dir) => {
        rmSync(dir, { recursive: true });
        execFileSync('git', ['init', '-q', '--object-format=sha256', dir], { env });
      },
    ],
    [
      'an extension',
      (dir) => {
        git(dir, 'config', 'extensions.worktreeConfig', 'true');
        writeFileSync(join(dir, '.git', 'config.worktree'), `[core]\n\tworktree = ${tempDir()}\n`);
      },
    ],
    ['another version', (dir) => setIn(dir, 'repositoryformatversion = 0', 'repositoryformatversion = 1')],
    [
      'a version that stands there twice',
      (dir) => {
        appendFileSync(config(dir), '[core]\n\trepositoryformatversion = 1\n');
      },
    ],
    ['a work tree elsewhere', (dir) => git(dir, 'config', 'core.worktree', tempDir())],
    ['no work tree', (dir) => setIn(dir, 'bare = false', 'bare = true')],
    ['settings that are not as git writes them', (dir) => appendFileSync(config(dir), '# mine\n')],
    [
      'a work tree of another repository',
      (dir) => {
        const other = join(realpathSync(tempDir()), 'linked');
        git(dir, 'worktree', 'add', '-q', other);
        rmSync(dir, { recursive: true });
        renameSync(other, dir);
      },
    ],
    [
      'a directory of refs that lies elsewhere',
      (dir) => {
        const refs = join(tempDir(), 'refs');
        renameSync(join(dir, '.git', 'refs'), refs);
        symlinkSync(refs, join(dir, '.git', 'refs'));
      },
    ],
    [
      'objects that lie elsewhere',
      (dir) => {
        const objects = join(tempDir(), 'objects');
        renameSync(join(dir, '.git', 'objects'), objects);
        symlinkSync(objects, join(dir, '.git', 'objects'));
      },
    ],
    [
      'a repository that lies elsewhere',
      (dir) => {
        const elsewhere = join(tempDir(), 'git');
        renameSync(join(dir, '.git'), elsewhere);
        symlinkSync(elsewhere, join(dir, '.git'));
      },
    ],
    ['no objects', (dir) => rmSync(join(dir, '.git', 'objects'), { recursive: true })],
    ['no head', (dir) => rmSync(join(dir, '.git', 'HEAD'))],
    ['a head that is none', (dir) => writeFileSync(join(dir, '.git', 'HEAD'), 'main\n')],
    [
      'a linked head',
      (dir) => {
        rmSync(join(dir, '.git', 'HEAD'));
        symlinkSync('refs/heads/main', join(dir, '.git', 'HEAD'));
      },
    ],
    ['a common directory', (dir) => writeFileSync(join(dir, '.git', 'commondir'), '/nowhere\n')],
    ...(process.getuid?.() === 0
      ? ([
          ['another user’s work tree', (dir) => chownSync(dir, 12_345, 12_345)],
          ['another user’s repository', (dir) => chownSync(join(dir, '.git'), 12_345, 12_345)],
        ] as [string, (dir: string) => void][])
      : []),
  ])('%s', (_, change) => {
    const dir = fresh();
    expect(plainClone(dir)).toBeDefined();
    change(dir);
    expect(plainClone(dir)).toBeUndefined();
  });

  it('a directory inside, a bare repository, and none', () => {
    const dir = fresh();
    mkdirSync(join(dir, 'inside'));
    const bare = join(realpathSync(tempDir()), 'bare.git');
    git(home, 'init', '-q', '--bare', bare);
    for (const one of [
      join(dir, 'inside'),
      join(dir, '.git'),
      bare,
      realpathSync(tempDir()),
      join(dir, 'none'),
    ])
      expect([one, plainClone(one)]).toEqual([one, undefined]);
  });
});
