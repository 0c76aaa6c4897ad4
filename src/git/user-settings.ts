/**
 * The person's own settings: their global Git configuration with all that it includes, as git reads it in this clone
 * (`[includeIf]` asks where it is). What the clone itself says does not count: git tells the scope of each
 * value, and only `global` counts.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { readPlainFile } from '../files/plain-file.ts';
import { PamError } from '../model/error.ts';
import { run } from '../process/run.ts';
import { checkGitFiles } from './check-object-files.ts';
import { readSettings, type Setting } from './read-config.ts';
import { baseEnvironment, type Environment, said } from './sealed.ts';

/** Lower case, as git prints them. */
export type UserSetting = 'pam.person' | 'pam.key' | 'user.signingkey' | 'gpg.format';
export type UserSettings = ReadonlyMap<UserSetting, string>;

const NAMES: readonly UserSetting[] = ['pam.person', 'pam.key', 'user.signingkey', 'gpg.format'];
const PATTERN = `^(${NAMES.join('|').replaceAll('.', '\\.')})$`;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/** @param dir where `[includeIf]` is asked; it need be no clone. Throws `E_CONFIG` where git cannot read them. */
export async function userSettings(dir: string, env: Environment): Promise<UserSettings> {
  return plainSettings(env) ?? (await askGit(dir, env));
}

/** As they stand in files that are written as git writes them and include no other; `undefined`: git is asked. */
function plainSettings(env: Environment): UserSettings | undefined {
  const settings = new Map<UserSetting, string>();
  for (const file of globalFiles(env)) {
    if (!isAbsolute(file)) return undefined;
    if (readPlainFile(file, MAX_BYTES).state === 'absent') continue;
    const lines = readSettings(file);
    if (lines === undefined || lines.some(({ section }) => /^include(?:if)?$/u.test(section)))
      return undefined;
    for (const line of lines) {
      const name = NAMES.find((one) => one === nameOf(line));
      // The last one counts, as git has it.
      if (name !== undefined) settings.set(name, line.value);
    }
  }
  return settings;
}

const nameOf = ({ section, subsection, key }: Setting): string =>
  subsection === undefined ? `${section}.${key}` : '';

/** Where git looks, in its order. */
function globalFiles(env: Environment): readonly string[] {
  const { HOME: home = '', XDG_CONFIG_HOME: xdg = '', GIT_CONFIG_GLOBAL: only } = env;
  if (only !== undefined) return [only];
  const place = xdg === '' ? join(home, '.config') : xdg;
  return [join(place, 'git', 'config'), join(home, '.gitconfig')];
}

async function askGit(dir: string, env: Environment): Promise<UserSettings> {
  const args = ['config', '--show-scope', '-z', '--get-regexp', PATTERN];
  const { code, stdout, stderr } = await run('git', ['--no-pager', '-c', 'core.fsmonitor=false', ...args], {
    cwd: placeToAsk(dir),
    env: ownEnvironment(env),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  if (code !== 0 && code !== 1) throw unreadable(`git cannot read your settings${said(stderr)}`);
  const settings = new Map<UserSetting, string>();
  const fields = stdout.toString('utf8').split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [scope, pair = ''] = [fields[at], fields[at + 1]];
    const cut = pair.indexOf('\n');
    const name = NAMES.find((one) => one === pair.slice(0, Math.max(cut, 0)));
    // The last one counts, as git has it; an empty one takes back what stood before it.
    if (scope === 'global' && name !== undefined) settings.set(name, pair.slice(cut + 1).trim());
  }
  for (const [name, value] of settings) if (value === '') settings.delete(name);
  return settings;
}

/** Into the file that git itself would write. Throws `E_CONFIG`. */
export async function writeUserSetting(name: UserSetting, value: string, env: Environment): Promise<void> {
  const { code, stderr } = await run('git', ['config', '--global', '--replace-all', name, value], {
    cwd: '/',
    env: ownEnvironment(env),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  if (code !== 0) throw unreadable(`git could not write ${name} into your settings${said(stderr)}`);
}

/** Where a pipe or a device lies where git looks, it is asked elsewhere. */
function placeToAsk(dir: string): string {
  if (!existsSync(dir)) return '/';
  try {
    checkGitFiles(join(dir, '.git'));
    return dir;
  } catch {
    return '/';
  }
}

function ownEnvironment(env: Environment): Record<string, string> {
  const own = Object.entries(env).flatMap(([name, value]) =>
    OWN_PLACES.includes(name) && value !== undefined ? [[name, value] as const] : [],
  );
  return { ...baseEnvironment(env), GIT_CONFIG_NOSYSTEM: '1', ...Object.fromEntries(own) };
}

const OWN_PLACES = ['HOME', 'XDG_CONFIG_HOME', 'GIT_CONFIG_GLOBAL'];

const unreadable = (message: string): PamError =>
  new PamError('E_CONFIG', message, { hint: 'look at: git config --global --list --show-origin' });
