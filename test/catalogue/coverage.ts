/**
 * `npm run catalogue`, after `npm test`: one line for each row of the attack catalogue, and exit 1 unless each has
 * a passed test or a reason. Runs at the root of the project, bundled by esbuild.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Elsewhere, judgeCoverage } from './judge-coverage.ts';
import { type CatalogueRun, RUN_FILE } from './reporter.ts';
import { rowsOfCatalogue } from './rows.ts';

const CATALOGUE = '../shared/security/catalogue.md';
const ELSEWHERE = 'test/catalogue/elsewhere.yaml';

function need(path: string, hint: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  process.stderr.write(`error: ${path} is missing\nhint: ${hint}\n`);
  process.exit(1);
}

const filesIn = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((path) => join(dir, path))
    .filter((path) => statSync(path).isFile());

const sources = [...filesIn('src'), ...filesIn('test')];
const { lines, problems } = judgeCoverage({
  rows: rowsOfCatalogue(need(CATALOGUE, 'the attack catalogue lies beside the project, in shared/security')),
  // Our own file, read by our own script.
  elsewhere: parse(need(ELSEWHERE, 'it says why a row has no test')) as readonly Elsewhere[],
  run: JSON.parse(need(RUN_FILE, 'run `npm test` first: it writes what passed')) as CatalogueRun,
  testFiles: sources.filter((path) => path.endsWith('.test.ts')),
  changedAt: Math.max(...sources.map((path) => statSync(path).mtimeMs)),
});
for (const line of lines) process.stdout.write(`${line}\n`);
for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
