/**
 * A stranger's clone and a stranger's environment: pam runs nothing of theirs, writes nothing where it only reads,
 * and says what it would say in a clean clone. Every canary is first heard in plain git.
 */
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { BEGIN, makeWorld, type World } from '../crash/access-repository.ts';
import { commit, newRepository } from '../adapters/git-workbench.ts';
import { listingOf } from '../support/directory-listing.ts';
import { canary, configText, poison, poisonedEnvironment, TRICKS } from '../support/poison-clone.ts';
import { commandLine, program, type Ran, runProgram, tempDir } from './program.ts';

const LEDGER = 'refs/remotes/origin/pam-ledger';
const sang = (canaries: string): readonly string[] =>
  existsSync(join(canaries, 'sang')) ? readdirSync(join(canaries, 'sang')).sort() : [];

/** Plain git, as somebody who trusts the clone runs it; how it ends is nobody's business. */
function plainGit(
  dir: string,
  args: readonly string[],
  stdin = '',
  more: Record<string, string> = {},
): string {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', LC_ALL: 'C', ...more };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@t'];
  const { stdout } = spawnSync('git', [...identity, ...args], {
    cwd: dir,
    env,
    input: stdin,
    timeout: 20_000,
  });
  return stdout.toString('utf8').trim();
}

describe('the canaries', () => {
  it.each(TRICKS.filter(({ sings }) => sings !== undefined).map((trick) => [trick.name, trick] as const))(
    '[G10] %s sings in plain git',
    (name, { config, sings = [], stdin }) => {
      const dir = newRepository();
      commit(dir, { 'pam.yaml': 'version: 2\n' });
      plainGit(dir, ['branch', 'side', 'HEAD~1']);
      plainGit(dir, ['remote', 'add', 'origin', newRepository()]);
      writeFileSync(join(dir, '.git/info/attributes'), '* filter=canary diff=canary merge=canary\n');
      const canaries = tempDir();
      writeFileSync(join(dir, '.git/config'), configText(config(canary(canaries, name))), { flag: 'a' });
      expect(sang(canaries)).toEqual([]);
      for (const args of sings) plainGit(dir, args, stdin);
      expect(sang(canaries)).toEqual([name]);
    },
  );
});

/** One live grant, one that only `apply` is missing for. */
let fresh: World;
let waiting: RequestId;
beforeAll(async () => {
  fresh = await makeWorld(join(tempDir(), 'world'), { remote: true });
  await fresh.ask({ role: 'reader', duration: '30m' });
  await fresh.apply();
  waiting = await fresh.ask({ role: 'southerner', duration: '30m' });
  program();
});

const copy = (): World => fresh.copy(join(tempDir(), 'world'));

/** The program's clock stands where the world's does. */
const aheadOf = (world: World): number => Math.round((Date.parse(world.now) - Date.now()) / 1000);

async function pam(
  world: World,
  args: readonly string[],
  more: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return await runProgram([...args, '-C', world.dir], {
    cwd: world.home,
    env: { ...world.env, PAM_PERSON: 'alice', ...more.env },
    ahead: aheadOf(world),
  });
}

/** What a command answers, without the seconds that passed between two runs. */
const answer = ({ code, out }: Ran): unknown => ({
  code,
  out: JSON.parse(out.replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/gu, 'then')) as unknown,
});

describe('a poisoned clone in a poisoned environment', () => {
  let clean: World;
  let world: World;
  let canaries: string;
  let env: Readonly<Record<string, string>>;
  beforeAll(() => {
    clean = copy();
    world = copy();
    canaries = tempDir();
    for (const one of [clean, world]) one.git('fetch', '-q', 'origin');
    const gitDir = join(world.dir, '.git');
    const tip = world.git('rev-parse', LEDGER).trim();
    const [below, first] = [`${LEDGER}~1`, `${LEDGER}~2`].map((rev) => world.git('rev-parse', rev).trim());
    // History and content that plain git would read otherwise.
    world.git('replace', `${tip}:entry.json`, `${below}:entry.json`);
    world.git('replace', '--graft', below ?? '');
    writeFileSync(join(gitDir, 'info', 'grafts'), `${tip} ${first}\n`);
    writeFileSync(join(gitDir, 'shallow'), `${first}\n`);
    const store = newRepository();
    writeFileSync(join(gitDir, 'objects', 'info', 'alternates'), `${join(store, '.git', 'objects')}\n`);
    // Names that could be options.
    for (const name of ['--upload-pack=x', '-rf', '--exec=sh']) {
      writeFileSync(join(world.dir, name), '');
      writeFileSync(join(gitDir, 'refs', 'heads', name), `${tip}\n`);
    }
    writeFileSync(join(world.dir, '.gitattributes'), '* filter=canary diff=canary -text\n');
    poison(gitDir, canaries);
    // The secrets of `apply` come from the environment, so the stranger's part is laid around them.
    env = poisonedEnvironment(canaries, join(newRepository(), '.git'));
  });

  it('[G5][G6] plain git is lied to there', () => {
    expect(plainGit(world.dir, ['rev-list', '--count', LEDGER])).not.toBe(
      plainGit(clean.dir, ['rev-list', '--count', LEDGER]),
    );
    expect(plainGit(world.dir, ['show', `${LEDGER}:entry.json`])).not.toBe(
      plainGit(clean.dir, ['show', `${LEDGER}:entry.json`]),
    );
  });

  it('[G5][G6][G9][G10][M12] audit and log say what they say in a clean clone, run nothing, write nothing', async () => {
    const before = listingOf(world.dir);
    const heard = sang(canaries);
    for (const args of [
      ['audit', '--json'],
      ['log', '--json'],
    ]) {
      const ran = await pam(world, args, { env });
      expect({ args, ...(answer(ran) as object) }).toEqual({
        args,
        ...(answer(await pam(clean, args)) as object),
      });
      expect({ args, code: ran.code, err: ran.err }).toEqual({ args, code: 0, err: '' });
    }
    expect(listingOf(world.dir)).toBe(before);
    expect(sang(canaries)).toEqual(heard);
  });

  it('[G9][G10] status, show and plan say what they say in a clean clone, and run nothing', async () => {
    const heard = sang(canaries);
    for (const args of [
      ['status', '--all', '--json'],
      ['show', waiting, '--json'],
      ['plan', '--json'],
    ]) {
      const ran = await pam(world, args, { env });
      expect({ args, ...(answer(ran) as object) }).toEqual({
        args,
        ...(answer(await pam(clean, args)) as object),
      });
    }
    expect(sang(canaries)).toEqual(heard);
  });

  it('[G5][G6][G9][G10] doctor tells what is odd about it, and runs and obeys nothing of it', async () => {
    const heard = sang(canaries);
    const ran = await pam(world, ['doctor', '--json'], { env });
    const { checks } = JSON.parse(ran.out) as {
      readonly checks: readonly { readonly code: string; readonly state: string }[];
    };
    const of = (code: string): readonly string[] =>
      checks.filter((one) => one.code === code).map(({ state }) => state);
    expect({ replaced: of('E_GIT_REPLACED'), verified: of('E_LED_JUNK') }).toEqual({
      replaced: ['ok'],
      verified: ['ok'],
    });
    expect(ran.err).toBe('');
    expect(sang(canaries)).toEqual(heard);
  });

  it('[G9][G10] apply and sweep do their work there, and run nothing of theirs', async () => {
    const heard = sang(canaries);
    const as = (name: string) => [
      '--executor',
      name,
      '--executor-key',
      join(world.home, 'keys', name),
      '--json',
    ];
    const applied = await pam(world, ['apply', ...as('pam-apply')], { env });
    expect({ code: applied.code, err: applied.err }).toEqual({ code: 0, err: '' });
    expect(world.held()).toHaveLength(2);
    world.now = plus(BEGIN, 31 * 60);
    const swept = await pam(world, ['sweep', ...as('pam-sweep')], { env });
    // This machine has never swept before, and says so.
    expect({ code: swept.code, err: swept.err }).toEqual({
      code: 0,
      err: expect.stringMatching(/^no kept head on this machine: [^\n]*\n$/u) as string,
    });
    expect(world.held()).toEqual([]);
    expect(sang(canaries)).toEqual(heard);
    // What was written is true, and a clean clone reads it.
    clean.git('fetch', '-q', 'origin');
    expect(await clean.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('[G10] the same clone and environment sing for plain git', () => {
    const before = sang(canaries);
    plainGit(world.dir, ['status']);
    plainGit(world.dir, ['update-ref', 'refs/heads/heard', 'HEAD']);
    plainGit(clean.dir, ['rev-parse', 'HEAD'], '', { GIT_TRACE: env['GIT_TRACE'] ?? '' });
    plainGit(clean.dir, ['status'], '', {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: env['GIT_CONFIG_VALUE_0'] ?? '',
    });
    plainGit(clean.dir, ['diff', 'HEAD~1', 'HEAD'], '', {
      GIT_EXTERNAL_DIFF: env['GIT_EXTERNAL_DIFF'] ?? '',
    });
    const heard = sang(canaries).filter((name) => !before.includes(name));
    expect(heard).toEqual(
      expect.arrayContaining(['env-config-value', 'env-diff', 'env-trace', 'hook-reference-transaction']),
    );
  });
});

describe('a clone that is laid out oddly', () => {
  const odd: Readonly<Record<string, (world: World) => string>> = {
    'whose .git is a file that points elsewhere': (world) => {
      const away = join(tempDir(), 'away.git');
      cpSync(join(world.dir, '.git'), away, { recursive: true });
      const dir = join(tempDir(), 'pointing');
      mkdirSync(dir);
      writeFileSync(join(dir, '.git'), `gitdir: ${away}\n`);
      return dir;
    },
    'whose objects and refs are links': (world) => {
      const dir = join(tempDir(), 'linked');
      mkdirSync(join(dir, '.git'), { recursive: true });
      for (const part of ['HEAD', 'config']) cpSync(join(world.dir, '.git', part), join(dir, '.git', part));
      for (const part of ['objects', 'refs', 'packed-refs']) {
        symlinkSync(join(world.dir, '.git', part), join(dir, '.git', part));
      }
      return dir;
    },
    'that borrows every object': (world) => {
      const dir = newRepository();
      writeFileSync(join(dir, '.git/objects/info/alternates'), `${join(world.dir, '.git/objects')}\n`);
      plainGit(dir, ['update-ref', LEDGER, world.git('rev-parse', LEDGER).trim()]);
      return dir;
    },
    'whose common directory is another': (world) => {
      const dir = newRepository();
      writeFileSync(join(dir, '.git/commondir'), `${join(world.dir, '.git')}\n`);
      return dir;
    },
    'that is a linked work tree': (world) => {
      const dir = join(tempDir(), 'work-tree');
      world.git('worktree', 'add', '-q', '--detach', dir);
      return dir;
    },
  };

  it.each(Object.entries(odd))('[M12] %s: the same verdict, and nothing is written', async (_, lay) => {
    const world = copy();
    world.git('fetch', '-q', 'origin');
    const { root, head } = await world.audit();
    const dir = lay(world);
    const before = listingOf(dir);
    const ran = await pam({ ...world, dir }, ['audit', '--root', root, '--json']);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({ ok: true, root, head });
    expect(listingOf(dir)).toBe(before);
  });
});

describe('audit with nothing', () => {
  it('[M12] no home, no network, no program but git, a directory that it may not write: the full verdict', async () => {
    const world = copy();
    world.git('fetch', '-q', 'origin');
    const expected = answer(await pam(world, ['audit', '--json']));
    const { root } = await world.audit();
    world.git('remote', 'set-url', 'origin', 'https://127.0.0.1:9/access');
    const bin = join(tempDir(), 'bin');
    mkdirSync(bin);
    const git = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((dir) => join(dir, 'git'))
      .find((one) => existsSync(one));
    symlinkSync(git ?? '/usr/bin/git', join(bin, 'git'));
    const temporary = tempDir();
    const user = process.getuid?.() === 0 ? 65_534 : undefined;
    const opened = [
      tmpdir(),
      world.home,
      join(world.home, '..'),
      temporary,
      join(bin, '..'),
      join(program(), '../..'),
    ];
    for (const dir of opened) spawnSync('chmod', ['a+rX', dir]);
    if (user !== undefined) {
      spawnSync('chown', ['-R', `${user}:${user}`, world.dir]);
      chownSync(temporary, user, user);
    }
    spawnSync('chmod', ['-R', 'a-w', world.dir]);
    const before = listingOf(world.dir);
    const ran = spawnSync(
      process.execPath,
      commandLine(['audit', '--json', '--root', root], aheadOf(world)),
      {
        cwd: world.dir,
        env: { PATH: bin, TMPDIR: temporary },
        ...(user === undefined ? {} : { uid: user, gid: user }),
      },
    );
    expect(ran.stderr.toString('utf8')).toBe('');
    const told = answer({ code: ran.status, signal: null, out: ran.stdout.toString('utf8'), err: '' });
    expect(told).toEqual(expected);
    expect(listingOf(world.dir)).toBe(before);
    const touched = spawnSync(
      'touch',
      [join(world.dir, 'x')],
      user === undefined ? {} : { uid: user, gid: user },
    );
    expect(touched.status).not.toBe(0);
  });
});
