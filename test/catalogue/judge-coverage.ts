/** Does each row of the catalogue have a passed test, or a reason why it has none? Pure, so that it is tested. */
import type { CatalogueRun, ProvenTest } from './reporter.ts';
import { type CatalogueRow, isNearlyARow } from './rows.ts';

/** A row without a test: its time comes with an issue (`later`), or DESIGN put something else in its place. */
export interface Elsewhere {
  readonly rows: readonly string[];
  readonly verdict: 'later' | 'replaced';
  readonly why: string;
}

export interface CoverageFacts {
  readonly rows: readonly CatalogueRow[];
  readonly elsewhere: readonly Elsewhere[];
  readonly run: CatalogueRun;
  /** Every test file there is, relative to the root of the project. */
  readonly testFiles: readonly string[];
  /** When a source or test file was last changed, in milliseconds. */
  readonly changedAt: number;
}

export interface Coverage {
  readonly lines: readonly string[];
  /** Sentences; none when every row is accounted for. */
  readonly problems: readonly string[];
}

/** Fewer would mean that the tables were not read. */
const LEAST_ROWS = 150;

export function judgeCoverage(facts: CoverageFacts): Coverage {
  const { rows, elsewhere, run } = facts;
  const unfit = unfitRun(facts);
  if (unfit.length > 0) return { lines: [], problems: unfit };
  const known = new Set(rows.map(({ id }) => id));
  const tests = new Map<string, ProvenTest[]>();
  for (const test of run.passed) {
    for (const id of test.rows) tests.set(id, [...(tests.get(id) ?? []), test]);
  }
  const reasons = new Map<string, Elsewhere>();
  const problems: string[] = [];
  for (const one of elsewhere) {
    for (const id of one.rows) {
      if (reasons.has(id)) problems.push(`${id} stands in elsewhere.yaml twice`);
      if (!known.has(id)) problems.push(`elsewhere.yaml names ${id}, which is no row of the catalogue`);
      if (tests.has(id)) problems.push(`${id} has tests and stands in elsewhere.yaml: take it out there`);
      reasons.set(id, one);
    }
  }
  for (const [id, [first]] of tests) {
    if (!known.has(id)) problems.push(`"${first?.name}" names ${id}, which is no row of the catalogue`);
  }
  for (const title of run.titles.filter(isNearlyARow)) {
    problems.push(`"${title}" nearly names a row: write it like [A1] or [A1, B2], at the start of a title`);
  }
  const lines = rows.map(({ id, setup }) => {
    const proof = tests.get(id);
    if (proof !== undefined) return told(id, count(proof.length, 'test'), proof[0]?.name ?? '');
    const reason = reasons.get(id);
    if (reason !== undefined) return told(id, reason.verdict, reason.why);
    problems.push(`${id} has no test: ${setup}`);
    return told(id, 'MISSING', setup);
  });
  const proven = rows.filter(({ id }) => tests.has(id)).length;
  const away = rows.filter(({ id }) => !tests.has(id) && reasons.has(id)).length;
  const missing = rows.length - proven - away;
  const total = `${rows.length} rows: ${proven} proven by ${count(run.passed.length, 'test')}, ${away} elsewhere, ${missing} missing`;
  return { lines: [...lines, total], problems };
}

function unfitRun({ rows, run, testFiles, changedAt }: CoverageFacts): string[] {
  if (rows.length < LEAST_ROWS)
    return [`only ${rows.length} rows were found: are the tables of the catalogue intact?`];
  const ran = new Set(run.files);
  const left = testFiles.filter((file) => !ran.has(file));
  return [
    ...run.narrowed.map(
      (how) => `the last test run was a partial one (${how}): run \`npm run test:long\` first`,
    ),
    ...(left.length === 0
      ? []
      : [`the last test run was a partial one (without ${few(left)}): run \`npm run test:long\` first`]),
    ...(changedAt > run.at
      ? ['sources or tests changed after the last test run: run `npm run test:long` first']
      : []),
  ];
}

const told = (id: string, what: string, words: string): string =>
  `${id.padEnd(4)} ${what.padEnd(9)} ${words}`;
const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;
const few = (files: readonly string[]): string =>
  files.length > 3 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ');
