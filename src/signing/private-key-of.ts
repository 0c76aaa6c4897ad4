/**
 * Where a person keeps the private half of a key, so that a command line can name it. Looks at the key that was named to
 * pam and at `~/.ssh`; opens no private key that has a public half beside it, and asks for no passphrase.
 */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { entriesOf, readPlainFile } from '../files/plain-file.ts';
import { expected } from '../model/error.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import type { Environment } from './environment.ts';
import { expandHome, openKey } from './named-key.ts';

const MAX_BYTES = 64 * 1024;
const MOST_FILES = 200;

/**
 * @param line `<type> <base64>`
 * @param named as `--key` or `pam.key` name one; `null`: none is
 * @returns a path as a shell takes it, with `~/` below the home directory; `null`: it is not here
 */
export function privateKeyOf(line: string, named: string | null, env: Environment): string | null {
  const path = inNamed(line, named, env) ?? inHome(line, env);
  return path === null ? null : shown(path, env);
}

function inNamed(line: string, named: string | null, env: Environment): string | null {
  if (named === null) return null;
  try {
    const key = openKey(named, env);
    return key.half === 'private' && key.line === line ? key.path : null;
  } catch (error) {
    // What is wrong with it is told where something is signed.
    expected(error);
    return null;
  }
}

function inHome(line: string, env: Environment): string | null {
  const directory = expandHome('~/.ssh', env);
  const names = entriesOf(directory)
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.pub'))
    .sort()
    .slice(0, MOST_FILES);
  const name = names.find((one) => holds(join(directory, one), line));
  if (name === undefined) return null;
  const path = join(directory, basename(name, '.pub'));
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : null;
}

function holds(path: string, line: string): boolean {
  const file = readPlainFile(path, MAX_BYTES);
  if (file.state !== 'read') return false;
  try {
    return parsePublicKey(file.bytes.toString('utf8').trim()).line === line;
  } catch (error) {
    expected(error);
    return false;
  }
}

/** What a shell would split or replace is quoted; `~` is replaced only where nothing is. */
function shown(path: string, env: Environment): string {
  const home = env['HOME'] ?? '';
  const short = home !== '' && path.startsWith(`${home}/`) ? `~/${path.slice(home.length + 1)}` : path;
  if (/^[\w/.@+~-]+$/u.test(short)) return short;
  return `'${path.replaceAll("'", "'\\''")}'`;
}
