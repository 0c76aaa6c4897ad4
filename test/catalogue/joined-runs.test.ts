/** Two runs count as one only where they are the whole. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { filesOfTheRest, filesThatAskForSize, inLongRunOnly } from '../long-files.ts';
import { joinedRuns } from './joined-runs.ts';
import { type CatalogueRun, SHORT } from './reporter.ts';

const [QUICK, SAMPLED, LONG] = ['test/a.test.ts', 'test/b.test.ts', 'test/c.test.ts'] as const;
const proof = (file: string, row: string) => ({ rows: [row], file, name: `[${row}] x` });
const short: CatalogueRun = {
  at: 10,
  narrowed: [SHORT],
  files: [QUICK, SAMPLED],
  passed: [proof(QUICK, 'A1'), proof(SAMPLED, 'A2')],
  titles: ['x', 'y'],
};
const rest: CatalogueRun = {
  at: 20,
  narrowed: [],
  files: [SAMPLED, LONG],
  passed: [proof(SAMPLED, 'A2'), proof(SAMPLED, 'A3'), proof(LONG, 'A4')],
  titles: ['y', 'z'],
};
const join = (first: Partial<CatalogueRun>, second: Partial<CatalogueRun> = {}): CatalogueRun =>
  joinedRuns({ ...short, ...first }, { ...rest, ...second }, [SAMPLED, LONG]);

describe('a short run and the rest', () => {
  it('are one whole run, each test of it once', () => {
    expect(join({})).toEqual({
      at: 10,
      narrowed: [],
      files: [QUICK, SAMPLED, LONG],
      passed: [proof(QUICK, 'A1'), ...rest.passed],
      titles: ['x', 'y', 'z'],
    });
  });

  it('are no whole run when one of them was narrowed further', () => {
    expect(join({ narrowed: [SHORT, 'a shard'] }).narrowed).toEqual(['a shard']);
    expect(join({}, { narrowed: ['only titles like x'] }).narrowed).toEqual(['only titles like x']);
  });

  it('do not make a whole file of a sample, nor a test passed that failed at full size', () => {
    expect(join({}, { files: [LONG] }).files).toEqual([QUICK, LONG]);
    expect(join({}, { passed: [] }).passed).toEqual([proof(QUICK, 'A1')]);
  });

  it('are as old as the older of them', () => {
    expect(join({ at: 30 }).at).toBe(20);
  });

  it('count together only where the last run was a short one', () => {
    expect(join({ narrowed: [] })).toEqual({ ...short, narrowed: [] });
    expect(joinedRuns(short, undefined, [SAMPLED, LONG])).toEqual(short);
  });
});

describe('the files of the rest', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));

  it('are those of the long run, and all that ask how much is tested', () => {
    const files = filesOfTheRest(root);
    expect(files).toEqual(expect.arrayContaining([...inLongRunOnly, 'test/crash/crash.test.ts']));
    expect(files).not.toContain('test/architecture.test.ts');
  });

  it('nothing below a test file asks for it: what is shorter in the short run is seen at its file', () => {
    expect(filesThatAskForSize(root).filter((path) => !path.endsWith('.test.ts'))).toEqual([
      'test/catalogue/reporter.ts',
      'test/vitest.config.ts',
    ]);
  });
});
