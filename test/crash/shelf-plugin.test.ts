/** The shelf answers in a shell what it answers in node, and leaves to node what it must. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../adapters/git-workbench.ts';
import { PLUGIN, pluginFiles } from './shelf-plugin.ts';

const AT_ONCE = `pam-provider-${PLUGIN}`;

function shelf(manners?: string): string {
  const home = tempDir();
  for (const dir of ['plugins', 'shelf/held', 'shelf/manners'])
    mkdirSync(join(home, dir), { recursive: true });
  for (const [name, text] of Object.entries(pluginFiles()))
    writeFileSync(join(home, 'plugins', name), text, { mode: 0o755 });
  writeFileSync(join(home, 'plugins', 'package.json'), '{ "type": "commonjs" }\n');
  if (manners !== undefined) writeFileSync(join(home, 'shelf', 'manners', 'north.json'), manners);
  return home;
}

interface Question {
  readonly op: string;
  readonly login?: string;
  readonly permissions: readonly string[];
  readonly handle?: unknown;
}

/** What it answers to each in turn, and what the shelf then holds. `node`: another program of that name. */
function seen(home: string, program: 'at once' | 'node', questions: readonly Question[], node?: string) {
  const env = { PATH: `${node === undefined ? '' : `${node}:`}${process.env['PATH'] ?? ''}` };
  const [file, args]: readonly [string, readonly string[]] =
    program === 'node'
      ? [process.execPath, [join(home, 'plugins', 'shelf.cjs')]]
      : [join(home, 'plugins', AT_ONCE), []];
  const answers = questions.map(({ op, login = 'dana', permissions, handle = {} }) => {
    const order = { id: '20261122-reader-7k3fq2', subject: 'dana', login, permissions };
    const options = { realm: 'north' };
    const question = { version: 1, op, ...order, until: '2026-11-22T18:30:00Z', options, handle };
    const { status, stdout, stderr } = spawnSync(file, args, {
      cwd: '/',
      env,
      encoding: 'utf8',
      input: `${JSON.stringify(question)}\n`,
    });
    return { status, stdout, stderr };
  });
  const calls = join(home, 'shelf', 'calls');
  return {
    answers,
    held: readdirSync(join(home, 'shelf', 'held')).sort(),
    calls: existsSync(calls) ? readFileSync(calls, 'utf8') : '',
  };
}

const grant = (...permissions: readonly string[]): Question => ({ op: 'grant', permissions });
const inspect = (...permissions: readonly string[]): Question => ({ op: 'inspect', permissions });
const revoke = (...permissions: readonly string[]): Question => ({ op: 'revoke', permissions });

const PLAIN: readonly Question[] = [
  inspect('read'),
  grant('read', 'slot:s1', 'a:b:c'),
  { ...inspect('write', 'slot:s1'), handle: { row: '20261122-reader-7k3fq2' } },
  revoke('read', 'slot:s1'),
  inspect('read', 'slot:s1'),
];
const ODD: readonly Question[] = [
  grant('a b', 'x,y', 'p]q', 'quo"te', 'back\\slash', 'percent%41', 'two","three', 'ä'),
  { ...grant('read'), login: 'da na' },
  { op: 'inspect', permissions: [] },
];

it.each([
  ['plain names', PLAIN, undefined],
  ['plain names, and manners that say nothing', PLAIN, '{}'],
  ['odd names', ODD, undefined],
  ['a lie', [grant('read'), inspect('read')], '{"grant":"lie"}'],
  ['a failure', [grant('read')], '{"grant":"fail-after"}'],
] as const)('both say the same and hold the same: %s', (_, questions, manners) => {
  const here = seen(shelf(manners), 'at once', questions);
  expect(here).toEqual(seen(shelf(manners), 'node', questions));
  expect(here.calls.split('\n')).toHaveLength(questions.length + 1);
});

it('node is started for what is not plain only', () => {
  const node = tempDir();
  writeFileSync(join(node, 'node'), '#!/bin/sh\nexit 42\n', { mode: 0o755 });
  const codes = (questions: readonly Question[], manners?: string) =>
    seen(shelf(manners), 'at once', questions, node).answers.map(({ status }) => status);
  expect(codes(PLAIN)).toEqual(PLAIN.map(() => 0));
  expect(codes(ODD)).toEqual(ODD.map(() => 42));
  expect(codes(PLAIN, '{"grant":"slow"}')).toEqual(PLAIN.map(() => 42));
});
