/**
 * `npm run bench [-- [--quick] [row ...]]`: how fast is it here? See README.md beside this file. Nothing in it is a
 * test: it fails only where something does not work, never for being slow.
 */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { instantOf } from '../../src/model/instant.ts';
import type { Machine } from './access.ts';
import { auditLargeRow, auditRow, oneSignatureRow } from './audit-rows.ts';
import {
  appendInTurn,
  appendMany,
  appendRow,
  crowdRows,
  endAllOf,
  endingsRow,
  endSome,
  sweepRows,
} from './executor-rows.ts';
import { type History, makeHistory } from './make-history.ts';
import { PLACE, PROJECT } from './measure.ts';
import { conversationsRow, farRows, offlineRows } from './network-rows.ts';
import { firstSweepRow, idleRow } from './open-rows.ts';
import { FULL, HEAD, line, QUICK, type Row, type Scale } from './report.ts';
import { REASONS } from './reasons.ts';
import { checkManyRow, startRows } from './start-rows.ts';

interface Pasts {
  readonly small: () => Promise<History>;
  readonly large: () => Promise<History>;
}

/** A job gives one row or more; the names are those that one may ask for. */
const JOBS: readonly {
  readonly rows: readonly string[];
  readonly run: (scale: Scale, pasts: Pasts) => Promise<Row | readonly Row[]>;
}[] = [
  { rows: ['version', 'help', 'status', 'check-one'], run: startRows },
  { rows: ['signature'], run: oneSignatureRow },
  { rows: ['check-many'], run: checkManyRow },
  { rows: ['audit'], run: auditRow },
  {
    rows: ['sweep', 'sweep-ci'],
    run: async (scale, { small, large }) => await sweepRows(scale, await small(), await large()),
  },
  {
    rows: ['append'],
    run: async (scale, { small, large }) => await appendRow(scale, await small(), await large()),
  },
  { rows: ['idle-open'], run: idleRow },
  { rows: ['first-open'], run: firstSweepRow },
  { rows: ['endings'], run: endingsRow },
  { rows: ['crowd', 'crowd-single'], run: crowdRows },
  {
    rows: ['audit-large', 'audit-since'],
    run: async (scale, { large }) => await auditLargeRow(scale, await large()),
  },
  { rows: ['offline-status', 'offline-show', 'offline-proposals'], run: offlineRows },
  { rows: ['conversations'], run: conversationsRow },
  { rows: ['far-status', 'far-show', 'far-approve', 'far-sweep'], run: farRows },
];

function pastsOf(scale: Scale): Pasts {
  const now = instantOf(Date.now());
  const made = new Map<number, Promise<History>>();
  const past = async (size: number): Promise<History> => {
    const known =
      made.get(size) ??
      makeHistory(join(PLACE, `past-${size}.git`), { past: size, live: 49, due: true, now, remote: true });
    made.set(size, known);
    return await known;
  };
  return { small: async () => await past(scale.small), large: async () => await past(scale.large) };
}

async function bench(args: readonly string[]): Promise<void> {
  const scale = args.includes('--quick') ? QUICK : FULL;
  const names = args.filter((arg) => !arg.startsWith('-'));
  const unknown = names.find((name) => !JOBS.some(({ rows }) => rows.includes(name)));
  if (unknown !== undefined)
    throw new Error(`no row ${unknown}; there are ${JOBS.flatMap(({ rows }) => rows).join(', ')}`);
  const pasts = pastsOf(scale);
  const done: Row[] = [];
  const [cpu] = cpus();
  process.stdout.write(
    `node ${process.version}, ${cpus().length} x ${cpu?.model.trim() ?? ''}, ${scale.quick ? 'quick' : 'full'}\n\n${HEAD}\n`,
  );
  for (const { rows, run } of JOBS) {
    if (names.length > 0 && !rows.some((row) => names.includes(row))) continue;
    for (const row of [await run(scale, pasts)].flat()) {
      done.push(row);
      process.stdout.write(`${line(row)}\n`);
    }
  }
  for (const { name, met } of done)
    if (met === false) process.stdout.write(`\n${name}: ${REASONS[name] ?? 'not looked into'}.\n`);
  const machine = {
    node: process.version,
    cpus: cpus().length,
    cpu: cpu?.model,
    memory_gib: Math.round(totalmem() / 2 ** 30),
  };
  const document = {
    schema: 'pam.bench/1',
    at: instantOf(Date.now()),
    quick: scale.quick,
    machine,
    rows: done,
  };
  writeFileSync(join(PROJECT, 'bench.json'), `${JSON.stringify(document, null, 2)}\n`);
}

/** This very program, as a process of its own with one thing to do. */
const ALONE: Readonly<Record<string, (...args: readonly string[]) => Promise<void>>> = {
  '--append': async (count = '', machine = '') =>
    await appendMany(JSON.parse(machine) as Machine, Number(count)),
  '--append-in-turn': async (rounds = '', machines = '') =>
    await appendInTurn(JSON.parse(machines) as readonly Machine[], Number(rounds)),
  '--end-all': async (count = '', machine = '') =>
    await endAllOf(JSON.parse(machine) as Machine, Number(count)),
  '--end-some': async (place = '', count = '', machine = '') =>
    await endSome(JSON.parse(machine) as Machine, Number(place), Number(count)),
};

const [first = '', ...rest] = process.argv.slice(2);
const alone = ALONE[first];
await (alone === undefined ? bench(process.argv.slice(2)) : alone(...rest));
