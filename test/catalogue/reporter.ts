/**
 * Writes `coverage/catalogue.json` at the end of a run: every passed test whose title names rows of the attack
 * catalogue, and which files ran. Always of this run alone; a run of the rest (`npm run test:rest`) has a file of its own
 * beside that of the short run. `coverage.ts` judges them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import { isRest } from '../long-files.ts';
import { isLong } from '../size.ts';
import { rowsOf } from './rows.ts';

export const RUN_FILE = 'coverage/catalogue.json';
export const REST_FILE = 'coverage/catalogue-rest.json';
/** How the run of `npm test` was narrowed. */
export const SHORT = 'the short one';

export interface ProvenTest {
  readonly rows: readonly string[];
  readonly file: string;
  /** Titles from the outermost `describe` to the test. */
  readonly name: string;
}

export interface CatalogueRun {
  /** When it ended, in milliseconds. */
  readonly at: number;
  /** How the run was narrowed or cut; empty for a whole one. */
  readonly narrowed: readonly string[];
  readonly files: readonly string[];
  readonly passed: readonly ProvenTest[];
  /** Every title of a test or `describe`, for those that nearly name a row. */
  readonly titles: readonly string[];
}

export default class CatalogueReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: readonly unknown[], reason: string): void {
    const root = this.#vitest?.config.root ?? process.cwd();
    const tests = modules.flatMap((one) => [...one.children.allTests()].map((test) => ({ one, test })));
    const fileOf = (one: TestModule): string => relative(root, one.moduleId);
    const run: CatalogueRun = {
      at: Date.now(),
      narrowed: this.#narrowed(reason),
      files: modules.map(fileOf).sort(),
      passed: tests.flatMap(({ one, test }) => {
        const titles = titlesOf(test);
        const rows = test.result().state === 'passed' ? rowsOf(titles) : [];
        return rows.length === 0 ? [] : [{ rows, file: fileOf(one), name: titles.join(' > ') }];
      }),
      titles: [...new Set(tests.flatMap(({ test }) => titlesOf(test)))],
    };
    const file = join(root, isRest ? REST_FILE : RUN_FILE);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(run, null, 1)}\n`);
  }

  #narrowed(reason: string): string[] {
    const config = this.#vitest?.config;
    return [
      ...(reason === 'interrupted' ? ['it was interrupted'] : []),
      ...(isLong ? [] : [SHORT]),
      ...(config?.testNamePattern === undefined ? [] : [`only titles like ${config.testNamePattern.source}`]),
      ...(config?.shard === undefined ? [] : ['a shard']),
    ];
  }
}

function titlesOf(test: TestCase): readonly string[] {
  const titles = [test.name];
  for (let at = test.parent; at.type === 'suite'; at = at.parent) titles.unshift(at.name);
  return titles;
}
