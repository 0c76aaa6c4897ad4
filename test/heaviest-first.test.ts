import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { heaviestFirst, missingIn } from './heaviest-first.ts';

it('files of minutes begin first, the others stay in their order', () => {
  const files = ['test/b.test.ts', 'test/cli/team.test.ts', 'test/a.test.ts', 'test/crash/crash.test.ts'];
  expect(heaviestFirst(files, (one) => one)).toEqual([
    'test/crash/crash.test.ts',
    'test/cli/team.test.ts',
    'test/b.test.ts',
    'test/a.test.ts',
  ]);
});

it('each of them is there', () => {
  const root = fileURLToPath(new URL('.', import.meta.url));
  const there = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join('test', name));
  expect(missingIn(there)).toEqual([]);
  expect(missingIn(there.filter((name) => !name.includes('crash.test')))).toEqual([
    'test/crash/crash.test.ts',
  ]);
});
