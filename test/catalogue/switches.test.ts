/**
 * `switches.yaml` is tried by hand only, so it would rot in silence: each text that it replaces must still stand
 * in its file exactly once, each test file must exist, and no row may be without a switch and without a reason.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Elsewhere } from './judge-coverage.ts';
import { rowsOfCatalogue } from './rows.ts';
import { judgeSwitches, type Switch, type Without } from './switches.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const catalogue = `${root}../shared/security/catalogue.md`;
const field = `${root}test/catalogue/field.md`;
const ours = (name: string): unknown => parse(readFileSync(`${root}test/catalogue/${name}`, 'utf8'));
// Our own files; what is wrong with them fails below.
const switches = ['switches.yaml', 'switches-field.yaml'].flatMap(
  (name) => (ours(name) ?? []) as readonly Switch[],
);
const without = ours('without.yaml') as readonly Without[];
const elsewhere = ours('elsewhere.yaml') as readonly Elsewhere[];

it('every switch of a rule can still be turned', () => {
  const rotten = switches.flatMap(({ rows, test, off }) => {
    const texts = off.map(({ file, find, put }) => {
      const times = readFileSync(`${root}${file}`, 'utf8').split(find).length - 1;
      return times === 1 && find !== put ? [] : [`${rows.join()}: ${times} times in ${file}: ${find}`];
    });
    const file = existsSync(`${root}${test}`) ? [] : [`${rows.join()}: there is no ${test}`];
    return [...texts.flat(), ...file, ...(off.length === 0 ? [`${rows.join()}: turns nothing`] : [])];
  });
  expect(rotten).toEqual([]);
  expect(switches.length).toBeGreaterThan(30);
});

// The catalogue lies beside the project; `npm run catalogue` asks the same and does not go on without it.
it.runIf(existsSync(catalogue))('every row has a switch, or a reason why it has none', () => {
  const tables = [catalogue, field].map((path) => readFileSync(path, 'utf8'));
  const rows = tables.flatMap(rowsOfCatalogue).map(({ id }) => id);
  expect(new Set(rows).size).toBe(rows.length);
  expect(judgeSwitches(rows, switches, without, elsewhere)).toEqual([]);
});

it('a row cannot slip through', () => {
  const many = Array.from({ length: 160 }, (_, at) => `Q${at}`);
  const all = [{ rows: many.slice(2), why: 'x' }];
  const on = (...rows: string[]) => [{ rows, test: '', off: [] }];
  expect(judgeSwitches(many, on('Q0', 'Q1'), all, [])).toEqual([]);
  expect(judgeSwitches(many, on('Q0'), all, [])).toEqual(['Q1 has no switch, and nothing says why']);
  const again = 'Q2 has a reason to have no switch, and a switch or a second reason';
  expect(judgeSwitches(many, on('Q0', 'Q1', 'Q2'), all, [])).toEqual([again]);
  expect(judgeSwitches(many, on('Q0', 'Q1'), all, [{ rows: ['Q2'], verdict: 'later', why: 'y' }])).toEqual([
    again,
  ]);
  expect(judgeSwitches(many, on('Q0', 'Q1', 'X9'), all, [])).toEqual(['X9 is no row of the catalogue']);
  expect(judgeSwitches(many, on('Q0', 'Q1'), [...all, { rows: [], why: ' ' }], [])).toEqual([
    ': no reason is given',
  ]);
  expect(judgeSwitches(['Q0'], on('Q0'), [], [])).toEqual(['only 1 rows were found in the catalogue']);
});
