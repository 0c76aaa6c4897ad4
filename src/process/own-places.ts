/**
 * Directories of this machine that the environment names: home, state, configuration, temporary files. Only absolute paths
 * count, since anything else would lie in the directory that pam happens to run in, which may be a stranger's clone.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { PamError } from '../model/error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PLACES = ['GIT_CONFIG_GLOBAL', 'HOME', 'TMPDIR', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME'];

/** The environment without those of its places that are not absolute: git would read its settings there. */
export function withoutRelativePlaces(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value]) => !PLACES.includes(name) || isAbsolute(value ?? '')),
  );
}

/** Where pam remembers things: `$XDG_STATE_HOME`, else below the home directory. */
export function stateHome(env: Environment): string {
  const given = env['XDG_STATE_HOME'] ?? '';
  return isAbsolute(given) ? given : join(homeOf(env), '.local', 'state');
}

function homeOf(env: Environment): string {
  const given = env['HOME'] ?? '';
  if (isAbsolute(given)) return given;
  try {
    const { homedir } = userInfo();
    if (isAbsolute(homedir)) return homedir;
  } catch {
    // A user whom the system does not know, as in a container.
  }
  throw new PamError('E_CONFIG', 'this user has no home directory to remember anything in', {
    hint: 'set HOME or XDG_STATE_HOME to an absolute path',
  });
}

/** A new directory of mode 0700, in the first place that takes one and a file in it. Throws `E_RUN_TMP`. */
export function temporaryDirectory(env: Environment, prefix: string): string {
  const given = env['TMPDIR'] ?? '';
  const places = [...(isAbsolute(given) ? [given] : []), '/tmp', '/var/tmp'];
  let cause: unknown;
  for (const place of places) {
    try {
      return withRoom(mkdtempSync(join(place, prefix)));
    } catch (error) {
      cause ??= error;
    }
  }
  throw new PamError('E_RUN_TMP', `no temporary directory can be made in ${places.join(', ')}`, {
    cause,
    hint: 'set TMPDIR to a directory that this user may write',
  });
}

/** A full disk makes directories and takes no files: that is found here, where there is another place to go. */
function withRoom(directory: string): string {
  try {
    const probe = join(directory, 'room');
    writeFileSync(probe, Buffer.alloc(ROOM_BYTES));
    rmSync(probe);
    return directory;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/** More than what is written into one of them, but for what a remote sends. */
const ROOM_BYTES = 256 * 1024;

/** `mkdir -p`. Node's own never ends where making one is answered with "no such file", as below `/proc`. */
export function makeDirectories(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectories(dirname(path), mode);
    try {
      mkdirSync(path, { mode });
    } catch (again) {
      if (!(again instanceof Error) || !('code' in again) || again.code !== 'EEXIST') throw again;
    }
  }
}
