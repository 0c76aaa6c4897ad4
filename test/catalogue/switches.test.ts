/**
 * `switches.yaml` is tried by hand only, so it would rot in silence: each text that it replaces must still stand
 * in its file exactly once, and each test file must exist.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Switch } from './switches.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Our own file; what is wrong with it fails below.
const switches = parse(readFileSync(`${root}test/catalogue/switches.yaml`, 'utf8')) as readonly Switch[];

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
