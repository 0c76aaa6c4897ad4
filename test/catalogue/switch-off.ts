/**
 * `npm run switch-off [row...]`: is each row's test able to fail? For each entry of `switches.yaml` the rule is
 * switched off in a private copy of the tree and the row's tests are run there; they must fail.
 *
 * Not part of CI: it runs one test file for every entry, which takes minutes. Run it after a rule or its test
 * moved. Runs at the root of the project, bundled by esbuild.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { rowsOf } from './rows.ts';
import type { Switch } from './switches.ts';

interface Outcome {
  readonly ok: boolean;
  readonly words: string;
}

/** What vitest's JSON reporter says, as far as it matters here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

const FAILS = 'fails without its rule';

// Our own file, read by our own script.
const switches = ['switches.yaml', 'switches-field.yaml'].flatMap(
  (name) => (parse(readFileSync(`test/catalogue/${name}`, 'utf8')) ?? []) as readonly Switch[],
);
const asked = process.argv.slice(2);
const unknown = asked.filter((row) => !switches.some(({ rows }) => rows.includes(row)));
for (const row of unknown) process.stderr.write(`error: switches.yaml has no entry for ${row}\n`);

const home = mkdtempSync(join(tmpdir(), 'pam-switch-off-'));
const copy = join(home, 'main');
let bad = unknown.length;
try {
  copyTree();
  for (const one of switches) {
    const rows = asked.length === 0 ? one.rows : one.rows.filter((row) => asked.includes(row));
    if (rows.length === 0) continue;
    const outcomes = withRuleOff(one, rows);
    for (const [at, row] of rows.entries()) {
      const { ok, words } = outcomes[at] ?? { ok: false, words: 'was not tried' };
      process.stdout.write(`${row.padEnd(4)} ${words}\n`);
      if (!ok) bad += 1;
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
process.exitCode = bad === 0 ? 0 : 1;

/** Everything that git knows or would know; modules and the pages beside the project by link. */
function copyTree(): void {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { encoding: 'utf8' });
  for (const path of listed.split('\0').slice(0, -1)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(path, join(copy, path), { verbatimSymlinks: true });
  }
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  symlinkSync(resolve('../shared'), join(home, 'shared'));
}

function withRuleOff({ test, off }: Switch, rows: readonly string[]): readonly Outcome[] {
  const before = new Map<string, string>();
  try {
    for (const { file, find, put } of off) {
      const text = readFileSync(join(copy, file), 'utf8');
      const times = text.split(find).length - 1;
      if (times !== 1) {
        return rows.map(() => ({
          ok: false,
          words: `CANNOT BE SWITCHED OFF: found ${times} times in ${file}: ${find}`,
        }));
      }
      if (!before.has(file)) before.set(file, text);
      writeFileSync(
        join(copy, file),
        text.replace(find, () => put),
      );
    }
    const build = spawnSync('npm', ['run', '--silent', 'build'], { cwd: copy, encoding: 'utf8' });
    if (build.status !== 0) return rows.map(() => ({ ok: false, words: `DOES NOT BUILD: ${build.stderr}` }));
    return runTests(test, rows);
  } finally {
    for (const [file, text] of before) writeFileSync(join(copy, file), text);
  }
}

function runTests(test: string, rows: readonly string[]): readonly Outcome[] {
  const file = join(home, 'report.json');
  rmSync(file, { force: true });
  const titles = `\\[[^\\]]*\\b(?:${rows.join('|')})\\b[^\\]]*\\]`;
  const args = ['run', '--config', 'test/vitest.config.ts', test, '-t', titles];
  const reporting = ['--reporter=json', `--outputFile=${file}`, '--reporter=default'];
  const env = { ...process.env, NO_COLOR: '1', PAM_LONG: '1' };
  const ran = spawnSync('node_modules/.bin/vitest', [...args, ...reporting], {
    cwd: copy,
    env,
    encoding: 'utf8',
    // A difference between large values is printed whole; at Node's limit the run would be killed, and look dead.
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  const report = reportIn(file);
  // Dying is how some rules fail when they are off: two files of brackets abort the process.
  if (report === undefined) {
    const dead = { ok: ran.status !== 0, words: ran.status === 0 ? 'NO REPORT' : `${FAILS} (the run dies)` };
    return rows.map(() => dead);
  }
  const first = /^\w*Error: .*$/mu.exec(`${ran.stdout}\n${ran.stderr}`)?.[0] ?? '';
  return rows.map((row) => outcomeOf(row, test, report, first));
}

/** @param why the first error that was printed, for a run that came to no test */
function outcomeOf(row: string, test: string, { testResults }: Report, why: string): Outcome {
  const mine = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ ancestorTitles, title }) => rowsOf([...ancestorTitles, title]).includes(row));
  const failed = mine.filter(({ status }) => status === 'failed').length;
  const passed = mine.filter(({ status }) => status === 'passed').length;
  if (failed > 0) return { ok: true, words: `${FAILS} (${failed} of ${failed + passed} tests)` };
  if (mine.length === 0) return { ok: false, words: `NO SUCH TEST in ${test}` };
  if (passed > 0) return { ok: false, words: 'STILL PASSES' };
  // A busy machine is no proof.
  if (why === '' || why.includes('timed out')) return { ok: false, words: `WAS NOT RUN: ${why}` };
  return { ok: true, words: `${FAILS} (before its first test: ${why})` };
}

function reportIn(file: string): Report | undefined {
  try {
    // vitest wrote it just now.
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}
