import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/trust/digest.ts';
import { EntryDigests } from '../../../src/trust/entry-digests.ts';

describe('digests of entries', () => {
  const COUNT = 3000;
  const digests = new EntryDigests();
  for (let seq = 0; seq < COUNT; seq++) digests.add(seq, sha256(String(seq)));

  it('come back as they were put in', () => {
    for (let seq = 0; seq < COUNT; seq++) expect(digests.get(seq)).toBe(sha256(String(seq)));
  });

  it.each([-1, COUNT, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40])('there is none at %d', (seq) => {
    expect(digests.get(seq)).toBeUndefined();
  });

  it('may begin anywhere, and takes another stretch where it ends', () => {
    const above = new EntryDigests(COUNT);
    above.add(COUNT, sha256('a'));
    const all = new EntryDigests();
    all.addAll(0, digests.bytes);
    all.addAll(COUNT, above.bytes);
    expect([0, COUNT - 1, COUNT, COUNT + 1].map((seq) => all.get(seq))).toEqual([
      sha256('0'),
      sha256(String(COUNT - 1)),
      sha256('a'),
      undefined,
    ]);
    expect([COUNT - 1, COUNT].map((seq) => above.get(seq))).toEqual([undefined, sha256('a')]);
    expect(() => all.addAll(COUNT, above.bytes)).toThrow(TypeError);
  });

  it('has no gap and takes no place twice', () => {
    expect(() => digests.add(COUNT + 1, sha256('x'))).toThrow(TypeError);
    expect(() => digests.add(COUNT - 1, sha256('x'))).toThrow(TypeError);
    expect(digests.get(COUNT - 1)).toBe(sha256(String(COUNT - 1)));
  });
});
