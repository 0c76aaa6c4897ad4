/** What a machine remembers: by which place, in which files, and what an earlier build kept elsewhere. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryOf } from '../../src/memory/earlier-memory.ts';
import { memoryOf } from '../../src/memory/kept-heads.ts';
import { isSha256, type Sha256 } from '../../src/model/names.ts';
import { tempDir } from './git-workbench.ts';

function rootOf(digit: string): Sha256 {
  const root = `sha256:${digit.repeat(64)}`;
  if (!isSha256(root)) throw new Error('no root');
  return root;
}

const ROOT = rootOf('a');
const headAt = (seq: number, root = ROOT): { text: string; signature: null; commit: null } => ({
  text: `${JSON.stringify({ schema: 'pam.checkpoint/1', root, seq, head: rootOf('b'), at: 'x' })}\n`,
  signature: null,
  commit: null,
});

/** As an earlier build did: everything in the directory of the whole URL. */
function earlier(state: string, url: string, seq: number, root = ROOT): string {
  const directory = directoryOf(join(state, 'pam'), url);
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of [
    ['place', `${url}\n`],
    ['root', `${root}\n`],
    ['branches', 'trunk book\n'],
    ['person.head.json', headAt(seq, root).text],
  ] as const)
    writeFileSync(join(directory, name), text);
  return directory;
}

const allText = (dir: string): string =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name), 'utf8'))
    .join('');

const SECRET = 's3cret';
const URLS: readonly (readonly [url: string, same: string])[] = [
  [`https://x:${SECRET}@forge.example/a.git`, 'https://forge.example/a.git'],
  [`https://${SECRET}@forge.example/a.git`, 'https://other:token@forge.example/a.git'],
  [`https://forge.example/a.git?private_token=${SECRET}`, 'https://forge.example/a.git'],
  [`https://forge.example/a.git#${SECRET}`, 'https://forge.example/a.git'],
  [`ssh://${SECRET}@forge.example/a.git`, 'ssh://git@forge.example/a.git'],
  [`${SECRET}@forge.example:a.git`, 'git@forge.example:a.git'],
];

describe('[X15] user and password of a URL', () => {
  it.each(URLS)('%s: in no file, and another token loses nothing', async (url, same) => {
    const state = tempDir();
    await memoryOf(state, url).pinRoot(ROOT);
    await memoryOf(state, url).keepBranches({ main: 'main', ledger: 'pam-ledger' });
    await memoryOf(state, url).keepHead('person', headAt(3));
    expect(allText(state)).not.toContain(SECRET);
    expect(await memoryOf(state, same).pinnedRoot()).toBe(ROOT);
    expect(await memoryOf(state, same).keptHead('person')).toEqual(headAt(3));
  });

  it.each(URLS)('%s: what an earlier build kept is taken over once, and its files go', async (url, same) => {
    const state = tempDir();
    earlier(state, url, 3);
    const memory = memoryOf(state, same);
    expect(await memory.pinnedRoot()).toBe(ROOT);
    expect(await memory.branches()).toEqual({ main: 'trunk', ledger: 'book' });
    expect(await memory.keptHead('person')).toEqual(headAt(3));
    expect(allText(state)).not.toContain(SECRET);
    await memory.pinRoot(rootOf('c'));
    expect(await memoryOf(state, url).pinnedRoot()).toBe(rootOf('c'));
  });

  it('a path, a lone clone and another host stay themselves', async () => {
    const state = tempDir();
    const places = [
      '/srv/x@y:z?a#b',
      'file:///srv/x@y',
      'https://a.example/x',
      'https://b.example/x',
      'a.example:x',
    ];
    for (const [at, place] of places.entries()) await memoryOf(state, place).pinRoot(rootOf(`${at}`));
    for (const [at, place] of places.entries())
      expect(await memoryOf(state, place).pinnedRoot()).toBe(rootOf(`${at}`));
  });
});

describe('[X16] heads by trust root', () => {
  it('another spelling of the URL, or a mirror, has them too; another root has not', async () => {
    const state = tempDir();
    await memoryOf(state, 'https://a.example/x').keepHead('executor.pam-apply', headAt(7));
    const mirror = memoryOf(state, '/srv/mirror');
    expect(await mirror.keptHead('executor.pam-apply', ROOT)).toEqual(headAt(7));
    expect(await mirror.keptHead('executor.pam-sweep', ROOT)).toBeUndefined();
    expect(await mirror.keptHead('executor.pam-apply', rootOf('d'))).toBeUndefined();
    expect(await mirror.keptHead('executor.pam-apply')).toBeUndefined();
  });

  it('of several earlier ones the highest of this root, and an unsigned one is no executor’s', async () => {
    const state = tempDir();
    const old = earlier(state, 'https://a.example/x', 3);
    earlier(state, 'https://a.example/x.git', 9);
    earlier(state, 'https://a.example/y', 12, rootOf('d'));
    writeFileSync(join(old, 'executor.pam-apply.head.json'), headAt(20).text);
    const memory = memoryOf(state, 'git@a.example:x');
    expect(await memory.keptHead('person', ROOT)).toEqual(headAt(9));
    expect(await memory.keptHead('executor.pam-apply', ROOT)).toBeUndefined();
    expect(existsSync(join(old, 'person.head.json'))).toBe(false);
    expect(await memory.keptHead('person', rootOf('d'))).toEqual(headAt(12, rootOf('d')));
  });
});

describe('[X16] what cannot be read is as if it were absent, and is told', () => {
  it.each<[string, (path: string) => void]>([
    ['a link', (path) => symlinkSync('/dev/zero', path)],
    ['a pipe', (path) => void execFileSync('mkfifo', [path])],
    ['a directory', (path) => mkdirSync(path)],
    ['too large', (path) => writeFileSync(path, 'x'.repeat(100_000))],
  ])('%s', async (_, put) => {
    const state = tempDir();
    const notes: string[] = [];
    const memory = memoryOf(state, '/srv/x', (line) => void notes.push(line));
    await memory.pinRoot(ROOT);
    rmSync(join(memory.directory, 'root'));
    put(join(memory.directory, 'root'));
    expect(await memory.pinnedRoot()).toBeUndefined();
    expect(notes.join()).toContain(memory.directory);
  });
});
