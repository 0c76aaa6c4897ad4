/** Manners: which stream, which colour, which flag from where, and what happens outside of an access repository. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectQuiet, parse } from './expectations.ts';
import { program, tempDir } from './program.ts';
import { askBastion, bench, type Bench, must, stock, stockGit, write } from './workbench.ts';

let team: Bench;
let id: string;
beforeAll(async () => {
  team = await bench({ processes: true, remote: false });
  id = await askBastion(team.dana);
});

describe('the command line', () => {
  test('help and version are answers: on stdout, exit 0', async () => {
    for (const args of [[], ['--help'], ['-h'], ['help']]) {
      const said = expectQuiet(await team.dana.pam(args));
      for (const name of [
        'init',
        'ratify',
        'catalog',
        'request',
        'check',
        'show',
        'approve',
        'deny',
        'merge',
        'plan',
        'apply',
        'sweep',
        'revoke',
        'status',
        'log',
        'audit',
        'doctor',
        'schema',
      ]) {
        expect(said).toMatch(new RegExp(`^ {2}${name}[ |]`, 'mu'));
      }
    }
    expect(expectQuiet(await team.dana.pam(['approve', '--help']))).toMatch(/^Usage: pam approve/u);
    expect(expectQuiet(await team.dana.pam(['help', 'approve']))).toMatch(/^Usage: pam approve/u);
    for (const word of ['--version', 'version'])
      expect(expectQuiet(await team.dana.pam([word]))).toMatch(/^\d+\.\d+\.\d+\n$/u);
  });

  test('what it does not know is wrong usage: 2, on stderr, with a way on', async () => {
    for (const args of [
      ['aprove'],
      ['status', '--nope'],
      ['show'],
      ['status', '--color', 'pink'],
      ['request'],
    ]) {
      const ran = await team.dana.pam(args);
      expect({ args, code: ran.code, out: ran.out }).toEqual({ args, code: 2, out: '' });
      expect(ran.err).toMatch(/^error: .*\[E_USAGE\]\nhint: /u);
    }
    expect((await team.dana.pam(['aprove'])).err).toMatch(/approve/u);
  });

  test('names of commands are also good names for roles, schemas and reasons', async () => {
    expectQuiet(await team.dana.pam(['schema', 'request']));
    expect((await team.dana.pam(['catalog', 'status'])).err).toContain('E_POL_ROLE');
    expectQuiet(await team.dana.pam(['log', '--person', 'audit']));
  });

  test('flags count before and after the command; -C is where it works', async () => {
    const plain = expectQuiet(await team.dana.pam(['catalog', '--json']));
    expect(expectQuiet(await team.dana.pam(['--json', 'catalog']))).toBe(plain);
    const elsewhere = tempDir();
    for (const args of [
      ['-C', team.dana.clone, 'catalog', '--json'],
      ['catalog', '--json', '-C', team.dana.clone],
    ]) {
      expect(expectQuiet(await team.dana.pam(args, { cwd: elsewhere }))).toBe(plain);
    }
    expect(
      expectQuiet(await team.dana.pam(['catalog', '--json'], { cwd: join(team.dana.clone, 'policy') })),
    ).toBe(plain);
  });

  test('who I am: --as over PAM_PERSON over git config, and the key likewise', async () => {
    const home = tempDir();
    write(home, '.gitconfig', `[pam]\n\tperson = bob\n[user]\n\tsigningkey = ${team.key('bob')}\n`);
    const { PAM_PERSON: _person, PAM_KEY: _key, ...bare } = team.bob.env;
    const run = async (args: readonly string[], env: Readonly<Record<string, string>>) =>
      parse(
        (
          await must(
            stock({ ...team.bob, env: { ...bare, HOME: home, ...env } }, process.execPath, [
              program(),
              ...args,
              '--json',
            ]),
          )
        ).out,
      );
    expect(await run(['approve', id, '--print'], {})).toMatchObject({ signer: 'bob' });
    expect(await run(['approve', id, '--print'], { PAM_PERSON: 'alice' })).toMatchObject({ signer: 'alice' });
    expect(await run(['approve', id, '--print', '--as', 'bob'], { PAM_PERSON: 'alice' })).toMatchObject({
      signer: 'bob',
    });
    expect(await run(['approve', id, '--yes'], {})).toMatchObject({ signer: 'bob' });
    // The clone is not asked: a stranger's repository must not say who I am.
    const stranger = stock({ ...team.bob, env: { ...bare, HOME: tempDir() } }, process.execPath, [
      program(),
      'approve',
      id,
      '--print',
    ]);
    stockGit(team.bob.clone, team.bob.env, ['config', 'pam.person', 'alice']);
    expect((await stranger).code).toBe(2);
    stockGit(team.bob.clone, team.bob.env, ['config', '--unset', 'pam.person']);
  });
});

describe('outside of an access repository', () => {
  const commands = [
    ['ratify'],
    ['catalog'],
    ['request', 'x', '--for', '1m', '--reason', 'x'],
    ['check'],
    ['show', '20261122-x-aaaaaa'],
    ['approve', '20261122-x-aaaaaa'],
    ['deny', '20261122-x-aaaaaa'],
    ['merge', '20261122-x-aaaaaa'],
    ['plan'],
    ['status'],
    ['revoke', '20261122-x-aaaaaa', '--reason', 'x'],
    ['log'],
    ['audit'],
  ];

  test('every command says so, and how to get into one', async () => {
    const nowhere = tempDir();
    const empty = tempDir();
    stockGit(empty, team.dana.env, ['init', '-q', '-b', 'main']);
    for (const args of commands) {
      const [none, bare] = await Promise.all([
        team.dana.pam(args, { cwd: nowhere }),
        team.dana.pam(args, { cwd: empty }),
      ]);
      expect.soft({ args, code: none.code, out: none.out }).toEqual({ args, code: 1, out: '' });
      expect
        .soft(none.err)
        .toMatch(/^error: \S+ is not in a git repository \[E_GIT_NONE\]\nhint: .*-C <dir>\n$/u);
      expect.soft({ args, out: bare.out }).toEqual({ args, out: '' });
      expect.soft(bare.code).toBeGreaterThan(0);
      expect.soft(bare.err).toMatch(/^error: .* branch .*\nhint: .*pam init/mu);
    }
    for (const command of ['apply', 'sweep']) {
      expect((await team.apply.pam([command], { cwd: nowhere })).err).toContain('[E_GIT_NONE]');
    }
  });
});

describe('colour', () => {
  const ESC = '\u001b[';
  const cases: readonly (readonly [
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    coloured: boolean,
  ])[] = [
    ['a pipe has none', [], {}, false],
    ['--color always', ['--color', 'always'], {}, true],
    ['--color always beats NO_COLOR', ['--color', 'always'], { NO_COLOR: '1' }, true],
    ['--color never beats FORCE_COLOR', ['--color', 'never'], { FORCE_COLOR: '1' }, false],
    ['FORCE_COLOR', [], { FORCE_COLOR: '1' }, true],
    ['NO_COLOR beats FORCE_COLOR', [], { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['an empty NO_COLOR is none', [], { NO_COLOR: '', FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR beats TERM=dumb', [], { FORCE_COLOR: '1', TERM: 'dumb' }, true],
    ['FORCE_COLOR=0 is a no', [], { FORCE_COLOR: '0' }, false],
  ];

  test.each(cases)('%s', async (_name, args, env, coloured) => {
    const [answer, error] = await Promise.all([
      team.dana.pam(['show', id, ...args], { env }),
      team.dana.pam(['catalog', 'nope', ...args], { env }),
    ]);
    expect({ stdout: answer.out.includes(ESC), stderr: error.err.includes(ESC) }).toEqual({
      stdout: coloured,
      stderr: coloured,
    });
  });

  test('JSON is never coloured', async () => {
    expect((await team.dana.pam(['show', id, '--json', '--color', 'always'])).out).not.toContain(ESC);
    expect((await team.dana.pam(['catalog', 'nope', '--json', '--color', 'always'])).err).not.toContain(ESC);
  });

  const script = existsSync('/usr/bin/script');
  test.skipIf(!script)(
    'each stream for itself: stdout a terminal, stderr a file, and the other way round',
    async () => {
      const place = tempDir();
      const inner = `${process.execPath} ${program()}`;
      const onTerminal = async (
        command: string,
        env: Readonly<Record<string, string>> = {},
      ): Promise<string> =>
        (
          await stock({ ...team.dana, env: { ...team.dana.env, TERM: 'xterm', ...env } }, 'script', [
            '-qec',
            command,
            '/dev/null',
          ])
        ).out;
      expect(await onTerminal(`${inner} show ${id} 2>${place}/err`)).toContain(ESC);
      expect(await onTerminal(`${inner} show ${id} 2>${place}/err`, { TERM: 'dumb' })).not.toContain(ESC);
      expect(await onTerminal(`${inner} catalog nope >${place}/out`)).toContain(ESC);
      expect(await onTerminal(`${inner} show ${id} | cat`)).not.toContain(ESC);
      const wide = await onTerminal(`${inner} catalog`);
      expect(wide).not.toContain('\t');
      expect(wide).toMatch(/^ {2}bastion-root {2}admin {8}bastion /mu);
    },
  );
});

describe('streams that end early', () => {
  test('a reader that has seen enough is no error', async () => {
    for (const command of ['log', 'schema entry', `show ${id} --json`, 'audit --json']) {
      const ran = await stock(team.dana, 'bash', [
        '-c',
        `set -o pipefail; "$0" "$1" ${command} | true; echo "\${PIPESTATUS[0]}"`,
        process.execPath,
        program(),
      ]);
      expect({ command, err: ran.err }).toEqual({ command, err: '' });
      expect(['0', '141']).toContain(ran.out.trim());
    }
  });

  test('[O6] a closed stdin is no terminal: --yes works, without it the flag is named', async () => {
    const asked = await team.alice.pam(['approve', id], { stdin: null });
    expect({ code: asked.code, out: asked.out }).toEqual({ code: 2, out: '' });
    expect(asked.err).toMatch(/hint: add --yes\n$/u);
    const piped = await team.alice.pam(['approve', id], { stdin: 'y\n' });
    expect(piped.code).toBe(2);
    expect((await team.alice.pam(['approve', id, '--no-input'], { stdin: null })).code).toBe(2);
    expect((await team.alice.pam(['approve', id, '--yes'], { stdin: null })).code).toBe(0);
  });

  test('interrupted by SIGTERM in the middle nothing is left behind that stops the next run', async () => {
    const ran = await stock(team.apply, 'bash', [
      '-c',
      '"$0" "$1" apply & sleep 0.25; kill -TERM $!; wait $!; exit 0',
      process.execPath,
      program(),
    ]);
    expect(ran.code).toBe(0);
    expect((await must(team.apply.pam(['apply', '--json']))).code).toBe(0);
  });
});
