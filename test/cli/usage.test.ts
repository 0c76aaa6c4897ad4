/** Help, what a line that cannot be understood is answered with, and completion. No access repository is needed for them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { EXAMPLES } from '../../src/commands/examples.ts';
import { COMMANDS, nameOf, registerCommands, takesExecutor } from '../../src/commands/table.ts';
import { program, type Ran, runStock, tempDir } from './program.ts';
import { runHere } from './run-here.ts';

const pam = async (...args: readonly string[]): Promise<Ran> => {
  const home = tempDir();
  return await runHere(args, { cwd: home, env: { PATH: process.env['PATH'] ?? '', HOME: home } });
};

test.each([
  [['request', 'web', '--nope'], 'pam request --help'],
  [['show'], 'pam show --help'],
  [['merge', 'a', 'b'], 'pam merge --help'],
  [['status', '--color', 'pink'], 'pam status --help'],
  [['--nope', 'status'], 'pam status --help'],
  [['aprove'], '`pam help` lists the commands, and `pam <command> --help` what each takes'],
  [['-nope'], '`pam help` lists the commands, and `pam <command> --help` what each takes'],
  [['init', '--account', 'x'], 'pam init --help'],
  [['apply', 'x', '--watch', '--executor', 'pam-apply', '--executor-key', 'k'], 'pam apply --help'],
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

const names = COMMANDS.map(nameOf);

test('the list of commands stands in groups, each with its heading', async () => {
  const { code, out } = await pam('help');
  expect(code).toBe(0);
  const [, ...parts] = out.split(/\n(?=(?:People|Admins|Executors|Auditors|This machine):\n)/u);
  const listed = parts.map((part) => [...part.matchAll(/^ {2}([a-z]+)[ |]/gmu)].map(([, name]) => name));
  expect(parts.map((part) => part.split(':')[0])).toEqual([
    'People',
    'Admins',
    'Executors',
    'Auditors',
    'This machine',
  ]);
  expect(listed.flat()).toEqual(names);
  expect(listed[2]).toEqual(['plan', 'apply', 'sweep']);
});

test.each(names)(
  'the page of %s: its own options, the executor where it acts as one, two examples or three',
  async (name) => {
    const { code, out } = await pam(name, '--help');
    const source = readFileSync(new URL(`../../src/commands/${name}.ts`, import.meta.url), 'utf8');
    const acts = /\bneedExecutor\(|\bat\.executor\(|, executor \} = at;|\bendAccess\(/u.test(source);
    expect(code).toBe(0);
    expect({ acts, offered: out.includes('--executor-key <file>') }).toEqual({ acts, offered: acts });
    expect(takesExecutor(name)).toBe(acts);
    const examples = out.slice(out.indexOf('\nExamples:\n')).match(/^ {2}pam /gmu) ?? [];
    expect([2, 3]).toContain(examples.length);
  },
);

test.each(
  Object.entries(EXAMPLES).flatMap(([name, lines]) => lines.map(([typed]) => [name, typed] as const)),
)('an example of %s is a line that pam takes: %s', async (name, typed) => {
  const words = (typed.match(/"[^"]*"|\S+/gu) ?? []).map((word) => word.replaceAll('"', ''));
  const parsed = new Command('pam').exitOverride();
  await registerCommands(parsed, words, () => {
    throw new Error('no command is run here');
  });
  let ran: string | undefined;
  for (const one of parsed.commands) {
    for (const flag of ['--as <p>', '--key <f>', '--json', '--root <r>', '--color <w>']) one.option(flag);
    if (takesExecutor(one.name())) one.option('--executor <s>').option('--executor-key <f>');
    one.exitOverride().action(() => void (ran = one.name()));
  }
  await parsed.parseAsync(words, { from: 'user' });
  expect(ran).toBe(name);
});

test('every line takes an executor, before and after its command: a wrapper need not know which it is', async () => {
  expect((await pam('--executor', 'robot', 'schema')).code).toBe(0);
  expect((await pam('schema', '--executor', 'robot')).code).toBe(0);
});

test('`ls` is `status`', async () => {
  expect((await pam('ls', '--help')).out).toBe((await pam('status', '--help')).out);
  expect((await pam('ls', '--nope')).err).toContain('hint: pam status --help');
});

const completed = async (...words: readonly string[]): Promise<readonly string[]> => {
  const { code, out, err } = await pam('completion', 'words', '--', ...words);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.split('\n').slice(0, -1);
};

test.each([
  [['ap'], ['approve', 'apply']],
  [['status', '--col'], ['--color']],
  [
    ['status', '--color', ''],
    ['auto', 'always', 'never'],
  ],
  [
    ['--color', 'never', 'completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['schema', 'ro'], ['roles']],
  [['ls', '--al'], ['--all']],
  [['approve', ''], []],
  [['sweep', '--executor-k'], ['--executor-key']],
  [['nonsense', 'x', '--bec'], []],
  [['nonsense', 'ap'], []],
  [
    ['help', 'ap'],
    ['approve', 'apply'],
  ],
])('completes %j without a clone', async (words, found) => {
  expect(await completed(...words)).toEqual(found);
});

test('the bash script offers what fits, and never evaluates what was typed', async () => {
  const home = tempDir();
  const { out } = await pam('completion', 'bash');
  const script = `pam() { "${process.execPath}" "${program()}" "$@"; }
command() { "$@"; }
${out}
COMP_WORDS=(pam '$(touch ${join(home, 'ran')})' --col); COMP_CWORD=2; _pam; echo "\${COMPREPLY[*]}"
COMP_WORDS=(pam sw); COMP_CWORD=1; _pam; echo "\${COMPREPLY[*]}"
complete -p pam; ls "${home}"
`;
  const ran = await runStock('bash', ['-c', script], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
  });
  expect(ran).toMatchObject({
    code: 0,
    err: '',
    out: '--color\nsweep\ncomplete -o default -F _pam pam\n',
  });
});

test('a shell that there is no script for is told which there are', async () => {
  expect(await pam('completion', 'csh')).toMatchObject({ code: 2, out: '' });
  expect((await pam('completion')).err).toContain('hint: pam completion bash, zsh or fish');
});

test('with --json an error is a document on stderr, and nothing is on stdout', async () => {
  const { code, out, err } = await pam('show', '--json');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(JSON.parse(err)).toEqual({
    schema: 'pam.error/1',
    code: 'E_USAGE',
    message: "missing required argument 'id'",
    hint: 'pam show --help',
    issues: [],
  });
});
