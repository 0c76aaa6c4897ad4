/** How the program starts: as packed, without modules, and with compiled code only where that can be trusted. */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { beforeEach, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from '../../src/commands/table.ts';
import { type How, program, type Ran, runStock, tempDir } from './program.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const privateCopy = join(program(), '..', '..');

describe('help', () => {
  test.each(COMMANDS)('says of `$line` what its own file says', async ({ line, summary, load }) => {
    const real = new Command('pam');
    (await load()).register(real, () => {
      throw new Error('no command is run here');
    });
    const [command] = real.commands;
    const stub = new Command('pam').command(line);
    // Both have the flags that every command takes.
    for (const one of [command, stub]) one?.option('--json');
    expect(command === undefined ? '' : real.createHelp().subcommandTerm(command)).toBe(
      real.createHelp().subcommandTerm(stub),
    );
    expect(command?.summary()).toBe('');
    expect(summary).not.toBe('');
  });
});

describe('the package', () => {
  test('runs where there is no node_modules', { timeout: 240_000 }, async () => {
    const source = tempDir();
    cpSync(privateCopy, source, { recursive: true });
    for (const path of ['LICENSE', 'README.md', 'schemas']) {
      cpSync(join(project, path), join(source, path), { recursive: true });
    }
    const home = tempDir();
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home };
    const must = async (file: string, args: readonly string[], how: Partial<How> = {}): Promise<Ran> => {
      const ran = await runStock(file, args, { cwd: source, env, ...how });
      expect([ran.err, ran.code]).toEqual([expect.any(String), 0]);
      return ran;
    };
    const elsewhere = tempDir();
    await must('npm', ['pack', '--ignore-scripts', '--offline', '--pack-destination', elsewhere]);
    await must('tar', ['-xzf', join(elsewhere, `pam-${packageJson.version}.tgz`), '-C', elsewhere]);
    const unpacked = join(elsewhere, 'package');
    expect(readdirSync(join(unpacked, 'dist')).filter((name) => !name.endsWith('.cjs'))).toEqual([]);

    const pam = async (...args: readonly string[]): Promise<string> =>
      (await must(process.execPath, [join(unpacked, 'bin/pam.js'), ...args], { cwd: home })).out;
    expect(await pam('--version')).toBe(`${packageJson.version}\n`);
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, 'alice')]);
    await pam('init', 'access', '--as', 'alice', '--key', join(home, 'alice'));
    expect(await pam('-C', 'access', 'status', '--color', 'always')).toContain('Nothing is live');
    expect(JSON.parse(await pam('-C', 'access', 'audit', '--json'))).toMatchObject({ findings: [] });
    expect(existsSync(join(unpacked, 'node_modules'))).toBe(false);

    // What is bundled apart is loaded by what uses it: the parser by a text that is not plain, and the policy is.
    rmSync(join(unpacked, 'dist/yaml.cjs'));
    expect(await pam('-C', 'access', 'status')).toContain('Nothing is live');
    writeFileSync(join(home, 'access/pam.yaml'), 'a: &b c\n');
    const args = [join(unpacked, 'bin/pam.js'), '-C', 'access', 'status'];
    const parsed = await runStock(process.execPath, args, { cwd: home, env });
    expect(parsed.err).toContain('yaml.cjs');
  });
});

/** Of the same length, so that V8 alone would not notice. */
const [OLD, NEW] = ['run as if started there', 'RUN AS IF STARTED THERE'];

describe('compiled code', () => {
  let copy: string;
  const pieces = readdirSync(join(privateCopy, 'dist')).filter(
    (name) => name.endsWith('.cjs') && readFileSync(join(privateCopy, 'dist', name), 'utf8').includes(OLD),
  );
  const [piece = ''] = pieces;
  if (pieces.length !== 1)
    throw new Error(`not one piece of the program says "${OLD}", but ${pieces.length}`);

  /** The one that says it: the bundler names its pieces. */
  const file = (): string => join(copy, 'dist', piece);
  const cache = (): string => `${file()}.cache`;
  const help = async (): Promise<string> =>
    (await runStock(process.execPath, [join(copy, 'bin', 'pam.js'), '--help'], { cwd: copy, env: {} })).out;

  /** A program that says something else than its compiled code, which looks newer. */
  beforeEach(() => {
    copy = tempDir();
    cpSync(privateCopy, copy, { recursive: true });
    writeFileSync(file(), readFileSync(file(), 'utf8').replace(OLD, NEW));
    utimesSync(file(), 1000, 1000);
    utimesSync(cache(), 1001, 1001);
  });

  test('is used', async () => {
    expect(await help()).toContain(OLD);
  });

  const ROOT = process.getuid?.() === 0;
  test.each<[string, () => void]>([
    ['there is none', () => rmSync(cache())],
    ['it is no compiled code', () => writeFileSync(cache(), Buffer.alloc(4096, 7))],
    ['it is cut', () => writeFileSync(cache(), readFileSync(cache()).subarray(0, 1000))],
    ['it is of an older program', () => utimesSync(cache(), 999, 999)],
    ['everybody may write it', () => chmodSync(cache(), 0o666)],
    ['its group may write it', () => chmodSync(cache(), 0o664)],
    ...(ROOT ? [['it is somebody else’s', () => chownSync(cache(), 12345, 0)] as [string, () => void]] : []),
  ])('is not used where %s', async (_, change) => {
    change();
    expect(await help()).toContain(NEW);
  });
});
