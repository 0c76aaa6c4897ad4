/** What a line that cannot be understood is answered with. No access repository is needed for it. */
import { expect, test } from 'vitest';
import { type Ran, tempDir } from './program.ts';
import { runHere } from './run-here.ts';

const pam = async (...args: readonly string[]): Promise<Ran> => {
  const home = tempDir();
  return await runHere(args, { cwd: home, env: { PATH: process.env['PATH'] ?? '', HOME: home } });
};

test.each([
  [['request', 'web', '--nope'], 'pam request --help'],
  [['show'], 'pam show --help'],
  [['merge', 'a', 'b'], 'pam merge --help'],
  [['status', '--color', 'pink'], 'pam --help'],
  [['aprove'], 'pam --help'],
  [['--nope', 'status'], 'pam --help'],
])('the hint after `pam %j` is the page of what was meant', async (args, page) => {
  const { code, out, err } = await pam(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/\[E_USAGE\]\nhint: /u);
  expect(err).toContain(`hint: ${page}\n`);
});

test.each([
  [[], 'a request needs a role, --for <duration> and --reason <text>'],
  [['web'], 'a request needs --for <duration> and --reason <text>'],
  [['web', '--for', '5m'], 'a request needs --reason <text>'],
  [['--for', '5m', '--because', 'it is down'], 'a request needs a role'],
])('`pam request` with %j names all that is missing', async (words, sentence) => {
  const { code, err } = await pam('request', ...words);
  expect({ code, err }).toEqual({
    code: 2,
    err: `error: ${sentence} [E_USAGE]\nhint: pam request --help\n`,
  });
});
