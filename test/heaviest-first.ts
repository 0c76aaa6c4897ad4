/**
 * Which files begin first. Without a word about it vitest takes the largest file first where it has no memory of an earlier
 * run, as in a fresh clone; then a file of minutes may be alone at the end, and one of two cores has nothing to do.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take longest, the longest first. Only what is far out of place costs time: no need to keep this exact. */
const HEAVIEST: readonly string[] = [
  'crash/crash',
  'adapters/executor-race',
  'catalogue/h-forge',
  'fuzz/hostile-places',
  'cli/team',
  'catalogue/q-slow-targets',
  'adapters/github-forge',
  'adapters/executor-doubt',
  'cli/large-ledger',
  'cli/github-road',
  'adapters/executor-trouble',
  'cli/doctor',
  'cli/commands',
  'conformance/one-more',
  'conformance/one-more-forge',
  'adapters/ledger-cases',
  'adapters/executor-targets',
  'catalogue/q-floods',
  'fuzz/hostile-trees',
  'crash/interrupts',
  'cli/interrupted-commands',
  'cli/doctor-github',
  'properties/history',
  'cli/terminal',
].map((name) => `test/${name}.test.ts`);

/** Its place in the list, or the end of it. */
const placeOf = (path: string): number => {
  const at = HEAVIEST.indexOf(path);
  return at < 0 ? HEAVIEST.length : at;
};

/** @param paths relative to the root of the project; those that are not known stay in their order, after the others */
export const heaviestFirst = <T>(files: readonly T[], pathOf: (file: T) => string): T[] =>
  files.toSorted((a, b) => placeOf(pathOf(a)) - placeOf(pathOf(b)));

/** A list that names what is gone says less than it seems to. */
export const missingIn = (paths: readonly string[]): readonly string[] =>
  HEAVIEST.filter((path) => !paths.includes(path));

export class HeaviestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    return heaviestFirst(await super.sort(files), ({ moduleId }) => relative(root, moduleId));
  }
}
