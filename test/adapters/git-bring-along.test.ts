import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bringAlong, type BroughtAlong } from '../../src/git/bring-along.ts';
import { openRepository } from '../../src/git/repository.ts';
import type { Oid } from '../../src/model/names.ts';
import { commit, env, git, head, instant, newRepository, tempDir, write } from './git-workbench.ts';

const branch = 'refs/heads/main';

/** A clone at `from`, and a commit `to` on top of it that exists only as objects. */
async function scene(): Promise<{ dir: string; from: Oid; to: Oid; along: () => Promise<BroughtAlong> }> {
  const dir = newRepository();
  const from = commit(dir, { old: 'old\n', gone: 'x\n', 'd/f': '1\n' });
  const repository = await openRepository(dir, env);
  const to = await repository.writeCommit({
    parents: [from],
    base: from,
    files: new Map([
      ['requests/2026/11/r.yaml', Buffer.from('new\n')],
      ['old', Buffer.from('changed\n')],
      ['gone', null],
    ]),
    message: 'merge',
    author: 'dana',
    at: instant('2026-11-22T18:00:00Z'),
  });
  return { dir, from, to, along: async () => await bringAlong(repository, env, { branch, from, to }) };
}

describe('bringing a checked-out main along', () => {
  it('moves branch, index and files; the person sees a clean clone', async () => {
    const { dir, to, along } = await scene();
    write(dir, 'untracked', 'mine\n');
    expect(await along()).toEqual({ state: 'moved' });
    expect(head(dir)).toBe(to);
    expect(git(dir, 'symbolic-ref', 'HEAD')).toBe(branch);
    expect(git(dir, 'status', '--porcelain')).toBe('?? untracked');
    expect(readFileSync(join(dir, 'requests/2026/11/r.yaml'), 'utf8')).toBe('new\n');
    expect(existsSync(join(dir, 'gone'))).toBe(false);
  });

  it('works in a linked work tree', async () => {
    const { dir, from, to } = await scene();
    git(dir, 'checkout', '-q', '--detach');
    const linked = join(tempDir(), 'linked');
    git(dir, 'worktree', 'add', '-q', linked, 'main');
    const repository = await openRepository(linked, env);
    expect(await bringAlong(repository, env, { branch, from, to })).toEqual({ state: 'moved' });
    expect(git(linked, 'status', '--porcelain')).toBe('');
    expect(head(dir)).toBe(from);
  });

  const leaves: Readonly<Record<string, (dir: string) => void>> = {
    'uncommitted changes': (dir) => {
      write(dir, 'd/f', 'edited\n');
    },
    'staged changes': (dir) => {
      write(dir, 'd/g', 'staged\n');
      git(dir, 'add', 'd/g');
    },
    'a removed file': (dir) => {
      rmSync(join(dir, 'd/f'));
    },
    'another branch': (dir) => git(dir, 'checkout', '-q', '-b', 'topic'),
    'a detached head': (dir) => git(dir, 'checkout', '-q', '--detach'),
    'a local commit': (dir) => commit(dir, { mine: '1' }),
    'an untracked file in the way': (dir) => {
      write(dir, 'requests/2026/11/r.yaml', 'precious\n');
    },
    'a merge in progress': (dir) => {
      write(dir, '.git/MERGE_HEAD', `${head(dir)}\n`);
    },
    'another git running': (dir) => {
      write(dir, '.git/index.lock', '');
    },
    'a work tree elsewhere': (dir) => git(dir, 'config', 'core.worktree', tempDir()),
  };
  it.each(Object.entries(leaves))('leaves everything as it is: %s', async (_name, make) => {
    const { dir, from, to } = await scene();
    make(dir);
    const before = [head(dir, branch), readFileSync(join(dir, '.git/index'), 'latin1').length];
    const result = await bringAlong(await openRepository(dir, env), env, { branch, from, to });
    expect(result).toMatchObject({ state: 'left', why: expect.stringMatching(/^[a-z].{10,}[^.]$/u) });
    expect([head(dir, branch), readFileSync(join(dir, '.git/index'), 'latin1').length]).toEqual(before);
    expect(readFileSync(join(dir, 'old'), 'utf8')).toBe('old\n');
    const there = existsSync(join(dir, 'requests'))
      ? readFileSync(join(dir, 'requests/2026/11/r.yaml'), 'utf8')
      : 'precious\n';
    expect(there).toBe('precious\n');
  });

  it('[G10] runs no hook and no filter', async () => {
    const { dir, along } = await scene();
    const canary = join(tempDir(), 'canary');
    for (const name of [
      'post-checkout',
      'post-merge',
      'post-index-change',
      'reference-transaction',
      'fsmonitor',
    ]) {
      write(dir, `.git/hooks/${name}`, `#!/bin/sh\ntouch ${canary}\n`);
      execFileSync('chmod', ['+x', join(dir, '.git/hooks', name)]);
    }
    write(dir, '.git/info/attributes', '* filter=x\n');
    for (const part of ['smudge', 'clean', 'process'])
      git(dir, 'config', `filter.x.${part}`, `touch ${canary}; cat`);
    git(dir, 'config', 'core.fsmonitor', join(dir, '.git/hooks/fsmonitor'));
    rmSync(canary, { force: true });
    expect(await along()).toEqual({ state: 'moved' });
    expect(existsSync(canary)).toBe(false);
  });

  it('goes forward only', async () => {
    const { dir, from, to, along } = await scene();
    await along();
    const back = await bringAlong(await openRepository(dir, env), env, { branch, from: to, to: from });
    expect(back).toEqual({ state: 'left', why: 'that is not a fast-forward' });
  });
});
