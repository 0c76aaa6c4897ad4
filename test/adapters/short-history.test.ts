/** A short line of commits is told by the git that reads objects: what `rev-list` would say, or it is asked. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/git/repository.ts';
import type { Oid } from '../../src/model/names.ts';
import { codeOf, commit, counting, env, git, head, newRepository, oidOf } from './git-workbench.ts';

const revList = (dir: string, ...args: readonly string[]): readonly string[] =>
  git(dir, 'rev-list', '--reverse', '--topo-order', '--no-commit-header', '--format=%H %T %P', ...args)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim());

interface Told {
  readonly lines: readonly string[];
  readonly asked: readonly string[];
}

async function told(dir: string, tip: Oid, not: readonly Oid[], most?: number): Promise<Told> {
  const { env: watched, started } = counting();
  const repository = await openRepository(dir, watched);
  const commits = await repository.history(tip, not, most);
  return {
    lines: commits.map(({ oid, tree, parents }) => [oid, tree, ...parents].join(' ')),
    asked: started().filter((word) => word !== 'cat-file'),
  };
}

/** Commits in one line on top of the first. */
function onTop(dir: string, length: number): readonly Oid[] {
  return [head(dir), ...Array.from({ length }, (_, at) => commit(dir, { n: `${at}` }))];
}

describe('a short line', () => {
  const dir = newRepository();
  const [first, second, ...rest] = onTop(dir, 6) as [Oid, Oid, ...Oid[]];
  const tip = rest.at(-1) ?? first;
  it.each<[string, readonly Oid[], number | undefined]>([
    ['from the first', [], undefined],
    ['above another', [second], undefined],
    ['above itself', [tip], undefined],
    ['the newest one', [], 1],
    ['the newest ones above another', [first], 3],
    ['as many as there are', [first], 6],
    ['more than there are', [first], 60],
  ])('%s', async (_, not, most) => {
    const { lines, asked } = await told(dir, tip, not, most);
    const count = most === undefined ? [] : [`--max-count=${most}`];
    expect(lines).toEqual(revList(dir, ...count, tip, ...not.map((one) => `^${one}`)));
    expect(asked).toEqual([]);
  });
});

describe('anything else is asked of rev-list', () => {
  it('a long line, a merge, two ends, and an end that is not on it', async () => {
    const dir = newRepository();
    const commits = onTop(dir, 34);
    const [first, second] = [commits[0] ?? head(dir), commits[1] ?? head(dir)];
    const tip = head(dir);
    git(dir, 'checkout', '-q', '-b', 'side', second);
    const side = commit(dir, { side: '1' });
    git(dir, 'merge', '-q', '--no-ff', '-m', 'm', commits[2] ?? tip);
    const merge = commit(dir, { after: '1' });
    const cases: readonly (readonly [Oid, readonly Oid[]])[] = [
      [tip, []],
      [tip, [first]],
      [merge, [second]],
      [tip, [commits[32] ?? tip, second]],
      [commits[3] ?? tip, [side]],
    ];
    for (const [from, not] of cases) {
      const { lines, asked } = await told(dir, from, not);
      expect([...lines].sort()).toEqual(revList(dir, from, ...not.map((one) => `^${one}`)).toSorted());
      expect(asked).toEqual(['rev-list']);
    }
  });

  it('what this clone lacks, and what is no commit', async () => {
    const dir = newRepository();
    const [first, second, third] = onTop(dir, 2) as [Oid, Oid, Oid];
    const repository = await openRepository(dir, env);
    const lacking = oidOf('1'.repeat(40));
    expect(await codeOf(repository.history(third, [lacking]))).toBe('E_GIT_OBJECT');
    expect(await repository.history(oidOf(git(dir, 'rev-parse', 'HEAD^{tree}')))).toEqual([]);
    rmSync(join(dir, '.git/objects', second.slice(0, 2), second.slice(2)));
    const cut = await openRepository(dir, env);
    expect(await codeOf(cut.history(third))).toBe('E_GIT_SHALLOW');
    expect(await codeOf(cut.history(third, [second]))).toBe('E_GIT_OBJECT');
    expect(await codeOf(cut.history(third, [first]))).toBe('E_GIT_SHALLOW');
  });

  it('a commit that is not as git writes it', async () => {
    const dir = newRepository();
    const write = (text: string): Oid =>
      oidOf(
        execFileSync('git', ['-C', dir, 'hash-object', '-w', '--literally', '-t', 'commit', '--stdin'], {
          env,
          input: text,
          encoding: 'utf8',
        }).trim(),
      );
    const tree = git(dir, 'rev-parse', 'HEAD^{tree}');
    const odd = write(
      `tree ${tree}\nparent ${head(dir)}\nodd x\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n`,
    );
    const { lines, asked } = await told(dir, odd, []);
    expect(lines).toEqual(revList(dir, odd));
    expect(asked).toEqual(['rev-list']);
  });
});
