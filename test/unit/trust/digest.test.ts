import { describe, expect, it } from 'vitest';
import { sha256, sortBytes, treeDigest } from '../../../src/trust/digest.ts';

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

describe('digests', () => {
  it('are those of FIPS 180-4', () => {
    expect(sha256('')).toBe(`sha256:${EMPTY}`);
    expect(sha256(Buffer.from('abc'))).toBe(`sha256:${ABC}`);
    expect(sha256('é')).toBe(sha256(Buffer.from([0xc3, 0xa9])));
  });

  it('a set of files is its sorted lines, as sha256sum prints them', () => {
    const files = new Map([
      ['policy/b', 'abc'],
      ['a', ''],
    ]);
    // Sorted by line, so by digest first.
    expect(treeDigest(files)).toBe(sha256(`sha256:${ABC}  policy/b\nsha256:${EMPTY}  a\n`));
    expect(treeDigest(new Map([...files].reverse()))).toBe(treeDigest(files));
    expect(treeDigest(new Map())).toBe(`sha256:${EMPTY}`);
  });

  it('a moved, renamed or changed file is another set', () => {
    const digests = [
      new Map([['a', 'x']]),
      new Map([['b', 'x']]),
      new Map([['a', 'y']]),
      new Map([
        ['a', 'x'],
        ['b', 'x'],
      ]),
    ].map((files) => treeDigest(files));
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('order is of code units, not of a language', () => {
    expect(sortBytes(['b', 'a', 'Z', 'ä', 'a'])).toEqual(['Z', 'a', 'a', 'b', 'ä']);
  });
});
