/** Files that others may have put into a clone: each kind of what is no plain file, and where pam meets it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layDesk } from '../../src/context.ts';
import { plainFilesBelow, readPlainFile } from '../../src/files/plain-file.ts';
import { openRepository } from '../../src/git/repository.ts';
import { codeOf, commit, env, git, instant, newRepository, tempDir, write } from './git-workbench.ts';

const pipe = (path: string): void => void execFileSync('mkfifo', [path]);

/** Puts one thing at a path; what is said of it, or the text that is read. */
const KINDS: readonly (readonly [kind: string, put: (path: string) => void, said: string | RegExp])[] = [
  ['a file', (path) => writeFileSync(path, 'text'), 'text'],
  ['an empty file', (path) => writeFileSync(path, ''), ''],
  ['as large as allowed', (path) => writeFileSync(path, 'x'.repeat(100)), 'x'.repeat(100)],
  ['a byte larger', (path) => writeFileSync(path, 'x'.repeat(101)), /more than the 100 bytes/u],
  ['a terabyte of nothing', (path) => (writeFileSync(path, ''), truncateSync(path, 2 ** 40)), /more than/u],
  [
    'a link to a file',
    (path) => (writeFileSync(`${path}.to`, 'x'), symlinkSync(`${path}.to`, path)),
    /a link/u,
  ],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path), /a link/u],
  ['a link to itself', (path) => symlinkSync(path, path), /a link/u],
  ['a link to nothing', (path) => symlinkSync('/nowhere', path), /a link/u],
  ['a pipe', pipe, /no regular file/u],
  ['a directory', (path) => mkdirSync(path), /no regular file/u],
];

describe('[X14] one helper opens files', () => {
  it.each(KINDS)('%s', (_, put, said) => {
    const path = join(tempDir(), 'it');
    put(path);
    const file = readPlainFile(path, 100);
    const told = file.state === 'read' ? file.bytes.toString() : file.state === 'absent' ? '' : file.why;
    expect(file.state).toBe(typeof said === 'string' ? 'read' : 'unreadable');
    expect(told).toMatch(typeof said === 'string' ? new RegExp(`^${said}$`, 'u') : said);
  });

  it('nothing there, or a file where a directory would be', () => {
    const dir = tempDir();
    write(dir, 'file', 'x');
    for (const path of ['none', 'none/below', 'file/below'])
      expect(readPlainFile(join(dir, path), 100, dir)).toEqual({ state: 'absent' });
  });

  it('no link on the way, and nothing outside', () => {
    const dir = tempDir();
    write(dir, 'real/file', 'x');
    symlinkSync('real', join(dir, 'linked'));
    symlinkSync('/', join(dir, 'real/root'));
    expect(readPlainFile(join(dir, 'real/file'), 100, dir).state).toBe('read');
    for (const path of ['linked/file', 'real/root/etc/hostname', '../elsewhere'])
      expect(readPlainFile(join(dir, path), 100, dir).state).toBe('unreadable');
    expect(plainFilesBelow(dir, 100)).toEqual(['real/file']);
    expect(plainFilesBelow(dir, 2)).toBeUndefined();
  });
});

describe('[X14] what git would open in a clone', () => {
  it.each([
    ['objects/info/alternates', 'E_GIT_FILES'],
    ['objects/pack/pack-0123456789012345678901234567890123456789.idx', 'E_GIT_FILES'],
    ['objects/ab/0123456789012345678901234567890123456789', 'E_GIT_FILES'],
    ['config', 'E_GIT_FILES'],
    ['config.worktree', 'E_GIT_FILES'],
    ['HEAD', 'E_GIT_FILES'],
    ['shallow', undefined],
    ['info/grafts', undefined],
    ['refs/heads/side', undefined],
  ])('%s is a pipe: an error or nothing, never a wait', async (path, code) => {
    const dir = newRepository();
    const place = join(dir, '.git', path);
    mkdirSync(join(place, '..'), { recursive: true });
    rmSync(place, { force: true });
    pipe(place);
    const use = async (): Promise<unknown> => {
      const repository = await openRepository(dir, env);
      const tip = await repository.resolve('refs/heads/main');
      return tip === undefined ? undefined : await repository.history(tip);
    };
    expect(await codeOf(use())).toBe(code);
  });
});

it('[X14] the config becomes a pipe: no remote, and no git that would wait for it', async () => {
  const dir = newRepository();
  git(dir, 'remote', 'add', 'origin', '/srv/x');
  const repository = await openRepository(dir, env);
  rmSync(join(dir, '.git/config'));
  pipe(join(dir, '.git/config'));
  expect(await codeOf(repository.remote('origin'))).toBe('E_GIT_REMOTE');
});

describe('[X12] pam.yaml is a hint', () => {
  const outside = {
    env: { ...env, HOME: tempDir() },
    cwd: '/',
    clock: () => instant('2026-11-29T00:00:00Z'),
    interrupted: () => false,
    note: () => undefined,
    progress: () => undefined,
  };
  it.each([...KINDS.slice(3), ['no YAML', (path: string) => writeFileSync(path, '\0: ['), ''] as const])(
    '%s in the work tree, and too large on main: as if absent',
    async (_, put) => {
      const dir = newRepository();
      commit(dir, { 'pam.yaml': `# ${'x'.repeat(300_000)}\n` });
      git(dir, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
      rmSync(join(dir, 'pam.yaml'));
      put(join(dir, 'pam.yaml'));
      const desk = await layDesk(outside, { dir, root: undefined, offline: false });
      expect(desk.hint).toEqual({ main: 'main', ledger: 'pam-ledger', forge: { kind: 'git' } });
    },
  );
});
