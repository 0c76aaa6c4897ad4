import { describe, expect, it } from 'vitest';
import { CommitLog } from '../../../src/model/commit-log.ts';
import { isOid, type Oid } from '../../../src/model/names.ts';

function oid(digit: string, length: number): Oid {
  const text = digit.repeat(length);
  if (!isOid(text)) throw new TypeError(text);
  return text;
}

describe.each([40, 64])('a log of commits with ids of %d digits', (length) => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((digit) => oid(digit, length));
  // As git says it: a commit without parents has a blank at the end of its line.
  const text = `${a} ${d} \n${b} ${d} ${a}\n${c} ${d} ${b} ${a}\n`;
  const log = new CommitLog(Buffer.from(text));
  const commits = [
    { oid: a, tree: d, parents: [] },
    { oid: b, tree: d, parents: [a] },
    { oid: c, tree: d, parents: [b, a] },
  ];

  it('is what an array of them would be', () => {
    expect([...log]).toEqual(commits);
    expect(log).toHaveLength(3);
    expect(log.at(1)).toEqual(commits[1]);
    for (const [from, to] of [[0], [1], [0, 2], [1, 2], [2, 9], [3, 9], [9]] as const)
      expect(log.slice(from, to), `${from} ${to}`).toEqual(commits.slice(from, to));
  });

  it('any part is a log, and so is its text', () => {
    expect([...log.part(1)]).toEqual(commits.slice(1));
    expect([...log.part(1, 2).part(0)]).toEqual(commits.slice(1, 2));
    expect([...log.part(3)]).toEqual([]);
    expect([...new CommitLog(structuredClone(log.part(1, 3).text))]).toEqual(commits.slice(1));
    expect(new CommitLog(new Uint8Array())).toHaveLength(0);
  });

  it('holds nothing that is no commit', () => {
    expect(() => log.at(3)).toThrow(TypeError);
    expect(() => log.at(-1)).toThrow(TypeError);
    expect(() => new CommitLog(Buffer.from(text.slice(0, -1)))).toThrow(TypeError);
    expect(() => new CommitLog(Buffer.from(`${a} HEAD\n`)).at(0)).toThrow(TypeError);
  });
});
