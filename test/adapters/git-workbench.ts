/** Real repositories in temporary directories, made with stock git under a bare environment. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { isUnreadable, type Unreadable } from '../../src/model/git.ts';
import { isOid, type Oid } from '../../src/model/names.ts';
import { parseInstant, type Instant } from '../../src/model/instant.ts';

const made: string[] = [];
afterAll(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pam-test-'));
  made.push(dir);
  return dir;
}

/** A person's environment with an empty home. */
export const home = tempDir();
export const env: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  TMPDIR: tempDir(),
};

export function git(dir: string, ...args: string[]): string {
  return execFileSync(
    'git',
    ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always', ...args],
    {
      cwd: dir,
      env: {
        ...env,
        GIT_CONFIG_NOSYSTEM: '1',
        LC_ALL: 'C',
        GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
        GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
      },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  ).trim();
}

/** A program `git` before the real one, that counts. */
export function counting(): {
  readonly env: Readonly<Record<string, string>>;
  readonly started: () => string[];
} {
  const dir = join(tempDir(), 'bin');
  const log = join(dir, 'log');
  mkdirSync(dir);
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const word = 'for word; do case $word in --no-pager|-c|*=*) ;; *) break;; esac; done';
  writeFileSync(join(dir, 'git'), `#!/bin/sh\n${word}\necho $word >>'${log}'\nexec ${real} "$@"\n`);
  chmodSync(join(dir, 'git'), 0o755);
  writeFileSync(log, '');
  return {
    env: { ...env, PATH: `${dir}:${env['PATH'] ?? ''}` },
    started: () => readFileSync(log, 'utf8').split('\n').slice(0, -1).sort(),
  };
}

export function oidOf(text: string): Oid {
  if (!isOid(text)) throw new Error(`not an oid: ${text}`);
  return text;
}

export const head = (dir: string, rev = 'HEAD'): Oid => oidOf(git(dir, 'rev-parse', rev));

export function write(dir: string, path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

export function commit(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  message = 'change',
): Oid {
  for (const [path, text] of Object.entries(files)) write(dir, path, text);
  git(dir, 'add', '-A', '.');
  git(dir, 'commit', '-q', '--allow-empty', '-m', message);
  return head(dir);
}

export function newRepository(...initArgs: string[]): string {
  const dir = tempDir();
  git(dir, 'init', '-q', '-b', 'main', ...initArgs);
  commit(dir, { 'pam.yaml': 'version: 1\n' }, 'first');
  return dir;
}

/** A bare repository with `seed`'s main, and a clone of it. */
export function withRemote(seed: string = newRepository()): {
  readonly bare: string;
  readonly clone: () => string;
} {
  const bare = join(tempDir(), 'remote.git');
  git(seed, 'clone', '-q', '--bare', seed, bare);
  return {
    bare,
    clone: () => {
      const dir = join(tempDir(), 'clone');
      git(home, 'clone', '-q', bare, dir);
      return dir;
    },
  };
}

export function instant(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined) throw new Error(`not an instant: ${text}`);
  return at;
}

export const utf8 = (bytes: Uint8Array | Unreadable | undefined): string | undefined => {
  if (isUnreadable(bytes)) return bytes.unreadable;
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
};

/** The error code that a promise fails with; `undefined` when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}

/** The values for which `act` does not fail with `code`: a test expects none. */
export async function strays<T>(
  values: readonly T[],
  code: string,
  act: (value: T) => Promise<unknown>,
): Promise<T[]> {
  const codes = await Promise.all(values.map(async (value) => await codeOf(act(value))));
  return values.filter((_, index) => codes[index] !== code);
}
