/** The judge of the catalogue can say no. */
import { describe, expect, it } from 'vitest';
import { type CoverageFacts, judgeCoverage } from './judge-coverage.ts';
import { isNearlyARow, rowsOf, rowsOfCatalogue } from './rows.ts';

const many = Array.from({ length: 160 }, (_, at) => ({ id: `Q${at}`, setup: 'x' }));
const others = many.slice(2).map(({ id }) => id);
const proof = (...rows: string[]) => ({ rows, file: 'test/a.test.ts', name: `[${rows.join(', ')}] x` });
const facts: CoverageFacts = {
  rows: many,
  elsewhere: [{ rows: others, verdict: 'later', why: 'the other issue' }],
  run: { at: 2, narrowed: [], files: ['test/a.test.ts'], passed: [proof('Q0', 'Q1')], titles: [] },
  testFiles: ['test/a.test.ts'],
  changedAt: 1,
};
const problems = (change: Partial<CoverageFacts>, run: Partial<CoverageFacts['run']> = {}) =>
  judgeCoverage({ ...facts, ...change, run: { ...facts.run, ...run } }).problems;

describe('the coverage of the catalogue', () => {
  it('is satisfied by a test or a reason for each row, and prints a line for each', () => {
    const { lines, problems: none } = judgeCoverage(facts);
    expect(none).toEqual([]);
    expect(lines).toHaveLength(161);
    expect(lines[0]).toBe('Q0   1 test    [Q0, Q1] x');
    expect(lines[2]).toBe('Q2   later     the other issue');
    expect(lines.at(-1)).toBe('160 rows: 2 proven by 1 test, 158 elsewhere, 0 missing');
  });

  it.each<[string, Partial<CoverageFacts>, Partial<CoverageFacts['run']>, string]>([
    ['a row with neither', { elsewhere: [] }, {}, 'Q2 has no test: x'],
    [
      'a row with both',
      {},
      { passed: [proof('Q0', 'Q1', 'Q2')] },
      'Q2 has tests and stands in elsewhere.yaml',
    ],
    [
      'an unknown row in a title',
      {},
      { passed: [proof('Q0', 'Q1', 'Q999')] },
      'which is no row of the catalogue',
    ],
    [
      'an unknown row in elsewhere.yaml',
      { elsewhere: [{ rows: [...others, 'Q999'], verdict: 'later', why: '' }] },
      {},
      'elsewhere.yaml names Q999',
    ],
    ['a title that nearly names a row', {}, { titles: ['Q0: x'] }, '"Q0: x" nearly names a row'],
    [
      'a run of some files',
      { testFiles: ['test/a.test.ts', 'test/b.test.ts'] },
      {},
      'without test/b.test.ts',
    ],
    ['a run of some titles', {}, { narrowed: ['only titles like x'] }, 'a partial one (only titles like x)'],
    ['a run of older sources', { changedAt: 3 }, {}, 'changed after the last test run'],
    ['a catalogue that could not be read', { rows: many.slice(0, 9) }, {}, 'only 9 rows were found'],
  ])('is not satisfied by %s', (_, change, run, sentence) => {
    expect(problems(change, run)).toEqual(expect.arrayContaining([expect.stringContaining(sentence)]));
  });

  it('reads rows out of titles and tables', () => {
    expect(rowsOf(['group A', '[A1] x', '[B2, B13] y', '[C3][C18] z', '[X5] [X100] w'])).toEqual([
      'A1',
      'B2',
      'B13',
      'C3',
      'C18',
      'X5',
      'X100',
    ]);
    expect(rowsOf(['x [A1] y', 'A1 x', '[A] x', '[A1]x'])).toEqual([]);
    expect(['[A1] x', 'refuses [A1] x', 'SHA256 x', 'a [b]'].filter(isNearlyARow)).toEqual([]);
    expect(
      ['[ A1] x', '[a1] x', 'A1 x', 'A1, B2: x', '[A1; B2] x'].filter((one) => !isNearlyARow(one)),
    ).toEqual([]);
    const table = '| # | Setup | Must |\n|---|---|---|\n| A1 | one | no |\n| B13 | two `a\\|b` | no | L |\n';
    expect(rowsOfCatalogue(table).map(({ id }) => id)).toEqual(['A1', 'B13']);
  });
});
