/** Long-lived programs and what they answer: real programs, honest ones and broken ones. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRef } from '../../src/git/read-ref.ts';
import { findInTree, parseTree } from '../../src/git/tree.ts';
import { keepOpen, type KeptOpen } from '../../src/process/keep-open.ts';
import { codeOf, tempDir } from './git-workbench.ts';

const shell = (script: string, timeoutMs = 5000): KeptOpen =>
  keepOpen('sh', ['-c', script], { env: { PATH: process.env['PATH'] ?? '' }, cwd: tempDir(), timeoutMs });
const ask = async (open: KeptOpen, question: string): Promise<string> =>
  await open.converse(async (from) => {
    from.say(`${question}\n`);
    return await from.line(1000);
  });

describe('a program that stays open', () => {
  it('answers one conversation after the other, from one process', async () => {
    const open = shell('while read -r word; do echo "$$ $word"; done');
    const answers = await Promise.all(['a', 'b', 'c'].map(async (word) => await ask(open, word)));
    expect(answers.map((one) => one.split(' ')[1])).toEqual(['a', 'b', 'c']);
    expect(new Set(answers.map((one) => one.split(' ')[0])).size).toBe(1);
  });

  it('gives bytes as they come, however they are cut', async () => {
    const open = shell('printf "12"; sleep 0.05; printf "345\\n67"; sleep 0.05; printf "89\\n"; sleep 5');
    const read = await open.converse(async (from) => [
      (await from.bytes(3)).toString(),
      await from.line(10),
      (await from.bytes(2)).toString(),
      await from.line(10),
    ]);
    expect(read).toEqual(['123', '45', '67', '89']);
  });

  it.each([
    ['ends instead of answering', 'echo why >&2; exit 1', 'E_RUN_ENDED'],
    ['never answers', 'sleep 60', 'E_RUN_TIMEOUT'],
    ['answers with a line without end', 'yes | tr -d "\\n"', 'E_RUN_OUTPUT'],
  ])('one that %s is a typed error, and the next question starts it anew', async (_, script, code) => {
    const open = shell(`if [ -e tried ]; then cat; else touch tried; ${script}; fi`, 500);
    expect(await codeOf(ask(open, 'first'))).toBe(code);
    expect(await ask(open, 'second')).toBe('second');
  });

  it('one that is not there is a typed error', async () => {
    const open = keepOpen('no-such-program', [], { env: {}, cwd: tempDir(), timeoutMs: 1000 });
    expect(await codeOf(ask(open, 'anybody?'))).toBe('E_RUN');
  });
});

describe('the bytes of a tree', () => {
  const id = Buffer.alloc(20, 7);
  const tree = (...items: readonly string[]): Buffer =>
    Buffer.concat(items.flatMap((item) => [Buffer.from(`${item}\0`), id]));

  it('are read with the modes that git prints', () => {
    const bytes = tree('100644 a', '100664 b', '100775 c', '120000 d', '40000 e', '160000 f');
    expect(parseTree(bytes, 20)?.map(({ mode, name }) => `${mode} ${name}`)).toEqual([
      '100644 a',
      '100644 b',
      '100755 c',
      '120000 d',
      '040000 e',
      '160000 f',
    ]);
  });

  it.each([
    ['cut', tree('100644 a').subarray(0, 20)],
    ['without a mode', tree(' a')],
    ['with a mode that is no number', tree('1006x4 a')],
    ['without a name end', Buffer.from('100644 abc')],
    ['without a name', tree('100644 ')],
  ])('%s: no tree', (_, bytes) => {
    expect(parseTree(bytes, 20)).toBeUndefined();
    expect(findInTree(bytes, 20, new Set(['a']))).toBeUndefined();
  });
});

describe('a ref as it lies in the files', () => {
  const oid = 'a'.repeat(40);
  const other = 'b'.repeat(40);
  const clone = (): string => {
    const dir = tempDir();
    mkdirSync(join(dir, 'refs', 'heads', 'deep'), { recursive: true });
    writeFileSync(join(dir, 'packed-refs'), `# pack-refs with: peeled\n${other} refs/heads/main\n^${oid}\n`);
    return dir;
  };

  it('loose before packed, then packed, then none', () => {
    const dir = clone();
    expect(readRef(dir, 'refs/heads/main')).toBe(other);
    writeFileSync(join(dir, 'refs', 'heads', 'main'), `${oid}\n`);
    expect(readRef(dir, 'refs/heads/main')).toBe(oid);
    expect(readRef(dir, 'refs/heads/gone')).toBe(null);
    expect(readRef(dir, 'refs/heads/deep')).toBe(null);
    expect(readRef(dir, 'refs/heads/main/below')).toBe(null);
  });

  it('what is not said plainly is no ref', () => {
    const dir = clone();
    writeFileSync(join(dir, 'refs', 'heads', 'main'), 'ref: refs/heads/other\n');
    writeFileSync(join(dir, 'refs', 'heads', 'short'), 'abc\n');
    symlinkSync('/etc/hostname', join(dir, 'refs', 'heads', 'link'));
    for (const name of ['main', 'short', 'link'])
      expect([name, readRef(dir, `refs/heads/${name}`)]).toEqual([name, null]);
  });
});
