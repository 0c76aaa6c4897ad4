/** Where many proposals left main is asked for at once, and the answer is git's own for each, or none. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gitBranches } from '../../src/forges/git-branches.ts';
import { openRepository } from '../../src/git/repository.ts';
import type { Oid } from '../../src/model/names.ts';
import {
  codeOf,
  commit,
  counting,
  env,
  git,
  head,
  home,
  instant,
  newRepository,
  oidOf,
  tempDir,
} from './git-workbench.ts';

const now = () => instant('2026-11-22T18:00:00Z');

/** A commit with these parents and nothing else that matters. @param at seconds since 1970 */
function commitOn(dir: string, parents: readonly string[], at = 1_700_000_000): Oid {
  const tree = git(dir, 'rev-parse', 'main^{tree}');
  const text = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author a <a> ${at} +0000`,
    `committer a <a> ${at} +0000`,
    '',
    `${Math.random()}`,
    '',
  ].join('\n');
  return writeObject(dir, 'commit', text);
}

const writeObject = (dir: string, type: string, text: string): Oid =>
  oidOf(
    execFileSync('git', ['-C', dir, 'hash-object', '-w', '--literally', '-t', type, '--stdin'], {
      env,
      input: text,
      encoding: 'utf8',
    }).trim(),
  );

describe('where many heads left main', () => {
  it('[X108] a parent in capitals is one for git, so git is asked', async () => {
    const dir = newRepository();
    const old = head(dir);
    const main = commit(dir, { n: '1' });
    const hostile = commitOn(dir, [old, main.toUpperCase()]);
    const other = commitOn(dir, [old]);
    const repository = await openRepository(dir, env);
    const bases = await repository.mergeBases([hostile, other], main);
    expect(git(dir, 'merge-base', hostile, main)).toBe(main);
    expect([undefined, main]).toContain(bases.get(hostile));
    expect([undefined, old]).toContain(bases.get(other));
  });

  it('is what git says of each, or nothing', async () => {
    const dir = newRepository();
    const root = head(dir);
    const one = commit(dir, { n: '1' });
    const side = commitOn(dir, [root]);
    git(dir, 'merge', '-q', '--no-ff', '-m', 'merge', side);
    const two = commit(dir, { n: '2' });
    const ancient = commitOn(dir, [two], 1);
    git(dir, 'update-ref', 'refs/heads/main', ancient);
    const main = commitOn(dir, [ancient]);
    git(dir, 'update-ref', 'refs/heads/main', main);
    const chain = (length: number, from: Oid, at?: number): Oid =>
      Array.from({ length }).reduce<Oid>((below) => commitOn(dir, [below], at), from);
    const simple = [
      commitOn(dir, [main]),
      commitOn(dir, [one]),
      commitOn(dir, [side]),
      commitOn(dir, [two], 1),
      commitOn(dir, [two], 4_000_000_000),
      chain(3, root),
      chain(8, one),
      main,
      two,
      side,
    ];
    const hard = [
      chain(9, one),
      commitOn(dir, []),
      chain(2, commitOn(dir, [])),
      commitOn(dir, [one, side]),
      commitOn(dir, [main, commitOn(dir, [])]),
      commitOn(dir, ['1'.repeat(40)]),
      oidOf('2'.repeat(40)),
      oidOf(git(dir, 'rev-parse', 'main^{tree}')),
      writeObject(dir, 'commit', `author a <a> 1 +0000\nparent ${main}\n`),
      writeObject(dir, 'commit', `tree ${'3'.repeat(40)}\nauthor a <a> 1 +0000\nparent ${main}\n\nx\n`),
      writeObject(dir, 'commit', ''),
    ];
    const repository = await openRepository(dir, env);
    const bases = await repository.mergeBases([...simple, ...hard, ...simple], main);
    const gits = simple.map((each) => [each, git(dir, 'merge-base', each, main)] as const);
    expect(bases).toEqual(new Map(gits));
  });

  it('is not told where history is cut, or the other is no commit', async () => {
    const seed = newRepository();
    for (const n of ['1', '2', '3']) commit(seed, { n });
    const dir = join(tempDir(), 'shallow');
    git(home, 'clone', '-q', '--depth', '2', `file://${seed}`, dir);
    const repository = await openRepository(dir, env);
    const below = head(dir, 'HEAD~1');
    const heads = [commitOn(dir, [below]), commitOn(dir, [below])];
    expect(await repository.mergeBases(heads, head(dir))).toEqual(new Map());
    expect(await repository.mergeBases(heads, oidOf('1'.repeat(40)))).toEqual(new Map());
  });
});

describe('an ancestor', () => {
  it('is what git says it is, and needs no git of its own among the newest commits', async () => {
    const dir = newRepository();
    const root = head(dir);
    const below = [commitOn(dir, [root]), commitOn(dir, [root])];
    const merge = commitOn(dir, below);
    const tip = Array.from({ length: 40 }).reduce<Oid>((last) => commitOn(dir, [last]), merge);
    const near = commitOn(dir, [merge]);
    const { env: watched, started } = counting();
    const repository = await openRepository(dir, watched);
    for (const one of [near, merge, ...below, root]) {
      expect(await repository.isAncestor(one, near)).toBe(true);
    }
    expect(started()).toEqual(['cat-file']);
    expect(await repository.isAncestor(near, merge)).toBe(false);
    expect(await repository.isAncestor(near, tip)).toBe(false);
    expect(await repository.isAncestor(root, tip)).toBe(true);
    expect(started()).toEqual(['cat-file', 'merge-base', 'merge-base', 'merge-base']);
    const lacking = oidOf('1'.repeat(40));
    expect(await codeOf(repository.isAncestor(lacking, lacking))).toBe('E_GIT_OBJECT');
    expect(await codeOf(repository.isAncestor(lacking, commitOn(dir, [lacking])))).toBe('E_GIT_OBJECT');
  });
});

describe('a hundred proposals', () => {
  it('take as many programs as a few', async () => {
    const dir = newRepository();
    commit(dir, { 'pam.yaml': 'x\n' });
    commit(dir, { 'pam.yaml': 'y\n' });
    const propose = (count: number): void => {
      const commits = Array.from({ length: count }, (_, at) => {
        const id = `20261122-orders-dba-${String(at).padStart(6, 'a')}`;
        const path = `requests/2026/11/${id}.yaml`;
        const top = `commit refs/heads/pam/${id}\ncommitter dana <d> 1700000000 +0000\ndata 1\nx\n`;
        const files = [path, `${path}.sig`].map((name) => `M 100644 inline ${name}\ndata 2\nx\n\n`);
        return `${top}from refs/heads/main~${at % 2}\n${files.join('')}`;
      });
      const input = commits.join('');
      execFileSync('git', ['-C', dir, 'fast-import', '--quiet', '--force'], { env, input });
    };
    const programs = async (): Promise<readonly string[]> => {
      const { env: watched, started } = counting();
      const repository = await openRepository(dir, watched);
      const forge = gitBranches({ repository, main: 'main', now, chance: Math.random });
      const found = await forge.proposals({ ids: [], days: ['20261122'] });
      expect(found.map(({ fault }) => fault)).toEqual(found.map(() => undefined));
      return [`${found.length}`, ...started()];
    };
    propose(3);
    expect(await programs()).toEqual(['3', 'cat-file', 'merge-base']);
    propose(100);
    expect(await programs()).toEqual(['100', 'cat-file', 'rev-list']);
  });
});
