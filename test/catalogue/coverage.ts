/**
 * `npm run catalogue`, after `npm run test:long`, or after `npm test` and `npm run test:rest`: one line for each row of the attack catalogue, and exit 1 unless each has
 * a passed test and a switch, or a reason. Runs at the root of the project, bundled by esbuild.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { filesOfTheRest } from '../long-files.ts';
import { joinedRuns } from './joined-runs.ts';
import { type Elsewhere, judgeCoverage } from './judge-coverage.ts';
import { type CatalogueRun, REST_FILE, RUN_FILE } from './reporter.ts';
import { rowsOfCatalogue } from './rows.ts';
import { judgeSwitches, type Switch, type Without } from './switches.ts';

const CATALOGUE = '../shared/security/catalogue.md';
/** Rows of the project's own. */
const FIELD = 'test/catalogue/field.md';
const ELSEWHERE = 'test/catalogue/elsewhere.yaml';
const SWITCHES = ['test/catalogue/switches.yaml', 'test/catalogue/switches-field.yaml'];
const WITHOUT = 'test/catalogue/without.yaml';

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
const rows = [
  need(CATALOGUE, 'the attack catalogue lies beside the project, in shared/security'),
  need(FIELD, 'it is a part of the project'),
].flatMap(rowsOfCatalogue);
// Our own files, read by our own script.
const elsewhere = parse(need(ELSEWHERE, 'it says why a row has no test')) as readonly Elsewhere[];
const switches = SWITCHES.flatMap(
  (path) => (parse(need(path, 'it says how to switch a rule off')) ?? []) as readonly Switch[],
);
const without = parse(need(WITHOUT, 'it says why a row has no switch')) as readonly Without[];
const last = JSON.parse(
  need(RUN_FILE, 'run `npm run test:long` first: it writes what passed'),
) as CatalogueRun;
const rest = existsSync(REST_FILE)
  ? (JSON.parse(readFileSync(REST_FILE, 'utf8')) as CatalogueRun)
  : undefined;
const covered = judgeCoverage({
  rows,
  elsewhere,
  run: joinedRuns(last, rest, filesOfTheRest('.')),
  testFiles: sources.filter((path) => path.endsWith('.test.ts')),
  changedAt: Math.max(...sources.map((path) => statSync(path).mtimeMs)),
});
const ids = rows.map(({ id }) => id);
const problems = [...covered.problems, ...judgeSwitches(ids, switches, without, elsewhere)];
for (const line of covered.lines) process.stdout.write(`${line}\n`);
for (const problem of problems) process.stderr.write(`error: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
