/** The person's own settings, against what stock git says in the same clone; and what a clone says, which never counts. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { userSettings, writeUserSetting } from '../../src/git/user-settings.ts';
import { withoutRelativePlaces } from '../../src/process/own-places.ts';
import { codeOf, env, tempDir } from './git-workbench.ts';

interface Place {
  readonly home: string;
  readonly clone: string;
  readonly env: Readonly<Record<string, string>>;
}

function place(files: Readonly<Record<string, string>>): Place {
  const home = tempDir();
  const clone = join(realpathSync(tempDir()), 'work', 'access');
  mkdirSync(clone, { recursive: true });
  execFileSync('git', ['init', '-q', '-b', 'main', clone], { env: { ...env, HOME: home } });
  const at = { home, clone, env: { ...env, HOME: home } };
  for (const [path, text] of Object.entries(files)) write(join(home, path), text.replaceAll('CLONE', clone));
  return at;
}

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}

/** What git itself answers there. */
const gitSays = (at: Place, name: string): string =>
  execFileSync('git', ['config', '--get', name], { cwd: at.clone, env: at.env, encoding: 'utf8' }).trim();

const person = (name: string): string => `[pam]\n\tperson = ${name}\n`;

describe('settings of the person', () => {
  it.each<[string, Record<string, string>]>([
    ['in ~/.gitconfig', { '.gitconfig': person('dana') }],
    ['in the XDG place', { '.config/git/config': person('dana') }],
    ['in both: the former counts', { '.config/git/config': person('erin'), '.gitconfig': person('dana') }],
    ['included by ~', { '.gitconfig': '[include]\n\tpath = ~/own.inc\n', 'own.inc': person('dana') }],
    [
      'included by a relative path',
      { '.gitconfig': '[include]\n\tpath = d/own.inc\n', 'd/own.inc': person('dana') },
    ],
    [
      'included twice over',
      {
        '.gitconfig': '[include]\n\tpath = a\n',
        a: '[include]\n\tpath = b\n',
        b: person('dana'),
      },
    ],
    [
      'included for this directory',
      {
        '.gitconfig': `${person('erin')}[includeIf "gitdir:CLONE/"]\n\tpath = own.inc\n`,
        'own.inc': person('dana'),
      },
    ],
    [
      'not included for another directory',
      {
        '.gitconfig': `${person('dana')}[includeIf "gitdir:/elsewhere/"]\n\tpath = own.inc\n`,
        'own.inc': person('erin'),
      },
    ],
    [
      'included for a branch',
      { '.gitconfig': '[includeIf "onbranch:main"]\n\tpath = own.inc\n', 'own.inc': person('dana') },
    ],
    ['the last of several', { '.gitconfig': `${person('erin')}${person('dana')}` }],
    ['quoted, with a comment', { '.gitconfig': '[PAM]\n\tPerson = "dana" # me\n' }],
  ])('%s', async (_, files) => {
    const at = place(files);
    expect(gitSays(at, 'pam.person')).toBe('dana');
    expect((await userSettings(at.clone, at.env)).get('pam.person')).toBe('dana');
  });

  it('GIT_CONFIG_GLOBAL takes their place, unless it is relative: then it would lie in the clone', async () => {
    const at = place({ '.gitconfig': person('dana'), other: person('erin') });
    const told = { ...at.env, GIT_CONFIG_GLOBAL: join(at.home, 'other') };
    expect((await userSettings(at.clone, told)).get('pam.person')).toBe('erin');
    write(join(at.clone, 'evil'), person('mallory'));
    const relative = withoutRelativePlaces({ ...at.env, GIT_CONFIG_GLOBAL: 'evil' });
    expect((await userSettings(at.clone, relative)).get('pam.person')).toBe('dana');
  });

  it('are all four, and an empty one is none', async () => {
    const at = place({
      '.gitconfig':
        '[pam]\n\tkey = ~/.ssh/id\n\tperson =\n[user]\n\tsigningkey = key::ssh-ed25519 AAAA x y\n[gpg]\n\tformat = ssh\n',
    });
    expect([...(await userSettings(at.clone, at.env))]).toEqual([
      ['pam.key', '~/.ssh/id'],
      ['user.signingkey', 'key::ssh-ed25519 AAAA x y'],
      ['gpg.format', 'ssh'],
    ]);
  });

  it('are read where there is no clone, or no directory', async () => {
    const at = place({ '.gitconfig': person('dana') });
    for (const dir of [tempDir(), join(at.home, 'nowhere')])
      expect((await userSettings(dir, at.env)).get('pam.person')).toBe('dana');
    expect((await userSettings(at.clone, { ...env, HOME: tempDir() })).size).toBe(0);
  });

  it('that git cannot read are an error, not silence', async () => {
    const at = place({ '.gitconfig': '[pam\n' });
    expect(await codeOf(userSettings(at.clone, at.env))).toBe('E_CONFIG');
  });

  it('are written where git writes them, and read back', async () => {
    const at = place({ '.gitconfig': `${person('erin')}${person('frank')}` });
    await writeUserSetting('pam.person', 'dana', at.env);
    await writeUserSetting('pam.key', 'key::ssh-ed25519 AAAA it is', at.env);
    expect(gitSays(at, 'pam.person')).toBe('dana');
    expect((await userSettings(at.clone, at.env)).get('pam.key')).toBe('key::ssh-ed25519 AAAA it is');
    expect(
      await codeOf(writeUserSetting('pam.key', 'x', { ...at.env, GIT_CONFIG_GLOBAL: '/nowhere/x' })),
    ).toBe('E_CONFIG');
  });
});

describe('what a clone says', () => {
  const EVIL = `${person('mallory')}\tkey = /evil\n[user]\n\tsigningkey = /evil\n[gpg]\n\tformat = ssh\n`;

  it.each([
    [
      'in its config',
      (clone: string) => write(join(clone, '.git/config'), `[core]\n\tbare = false\n${EVIL}`),
    ],
    [
      'in a file that its config includes',
      (clone: string) => {
        write(join(clone, 'evil.inc'), EVIL);
        write(join(clone, '.git/config'), '[core]\n\tbare = false\n[include]\n\tpath = ../evil.inc\n');
      },
    ],
    [
      'in the config of its work tree',
      (clone: string) => {
        write(
          join(clone, '.git/config'),
          '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n',
        );
        write(join(clone, '.git/config.worktree'), EVIL);
      },
    ],
    [
      'in files that would lie at home',
      (clone: string) => {
        for (const path of ['.gitconfig', '.config/git/config', 'gitconfig']) write(join(clone, path), EVIL);
      },
    ],
  ])('%s never counts', async (_, poison) => {
    const at = place({ '.gitconfig': person('dana') });
    poison(at.clone);
    expect([...(await userSettings(at.clone, at.env))]).toEqual([['pam.person', 'dana']]);
    const empty = { ...env, HOME: tempDir() };
    expect((await userSettings(at.clone, empty)).size).toBe(0);
  });

  it('a pipe in the place of its config is not waited for', async () => {
    const at = place({ '.gitconfig': person('dana') });
    execFileSync('rm', [join(at.clone, '.git/config')]);
    execFileSync('mkfifo', [join(at.clone, '.git/config')]);
    expect((await userSettings(at.clone, at.env)).get('pam.person')).toBe('dana');
  });

  it('runs no program', async () => {
    const at = place({ '.gitconfig': person('dana') });
    const mark = join(at.home, 'ran');
    const program = join(at.home, 'program');
    writeFileSync(program, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    write(
      join(at.clone, '.git/config'),
      `[core]\n\tfsmonitor = ${program}\n\tpager = ${program}\n\teditor = ${program}\n\tsshCommand = ${program}\n[alias]\n\tconfig = !${program}\n[gpg "ssh"]\n\tdefaultKeyCommand = ${program}\n[pager]\n\tconfig = ${program}\n`,
    );
    await userSettings(at.clone, at.env);
    expect(existsSync(mark)).toBe(false);
  });
});
