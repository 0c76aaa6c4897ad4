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

  it('has no gap and takes no place twice', () => {
    expect(() => digests.add(COUNT + 1, sha256('x'))).toThrow(TypeError);
    expect(() => digests.add(COUNT - 1, sha256('x'))).toThrow(TypeError);
    expect(digests.get(COUNT - 1)).toBe(sha256(String(COUNT - 1)));
  });
});
