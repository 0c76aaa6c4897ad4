/**
 * Refs, read from the files of the clone as git writes them: a loose file, else its line in `packed-refs`. Anything
 * else (a symbolic ref, a link, a name that pam does not speak) is left for git itself to answer.
 */
import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOid, type Oid } from '../model/names.ts';
import { isRef } from './ref-names.ts';

/** The commit of one full name. `null`: there is no such ref; `undefined`: these files do not say it plainly. */
export function readRef(gitDir: string, ref: string): Oid | null | undefined {
  // Loose first: git writes the packed line before it removes the loose file.
  const loose = looseRef(gitDir, ref);
  if (loose !== null) return loose;
  const packed = contentOf(join(gitDir, 'packed-refs'), PACKED_MAX_BYTES);
  if (packed === undefined) return undefined;
  const line = packed?.split('\n').find((one) => one.endsWith(` ${ref}`));
  return line === undefined ? null : oidOf(line.slice(0, line.indexOf(' ')));
}

/** All refs whose names start with one of these, in the order of their names; `undefined`: as above. */
export function readRefs(gitDir: string, prefixes: readonly string[]): ReadonlyMap<string, Oid> | undefined {
  const names = looseNames(gitDir, 'refs', prefixes);
  if (names === undefined) return undefined;
  const loose = new Map<string, Oid>();
  for (const ref of names) {
    const oid = isRef(ref) ? looseRef(gitDir, ref) : undefined;
    if (oid === undefined) return undefined;
    // `null`: it was packed, or deleted, since it was listed.
    if (oid !== null) loose.set(ref, oid);
  }
  const packed = packedRefs(gitDir, prefixes);
  if (packed === undefined) return undefined;
  return new Map([...packed, ...loose].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of loose files that may be refs with these prefixes: only directories on the way to one are opened. */
function looseNames(
  gitDir: string,
  directory: string,
  prefixes: readonly string[],
): readonly string[] | undefined {
  const found: string[] = [];
  for (const entry of entriesOf(join(gitDir, directory))) {
    const name = `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      const onTheWay = prefixes.some((one) => one.startsWith(`${name}/`) || `${name}/`.startsWith(one));
      const below = onTheWay ? looseNames(gitDir, name, prefixes) : [];
      if (below === undefined) return undefined;
      found.push(...below);
    } else if (prefixes.some((one) => name.startsWith(one) || one.startsWith(`${name}/`))) {
      // A link may stand for a ref, or for a directory of them.
      if (!entry.isFile()) return undefined;
      found.push(name);
    }
  }
  return found.filter((name) => prefixes.some((one) => name.startsWith(one)));
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function looseRef(gitDir: string, ref: string): Oid | null | undefined {
  const text = contentOf(join(gitDir, ref), LOOSE_MAX_BYTES);
  return text === null || text === undefined ? text : oidOf(text.replace(/\n$/u, ''));
}

function packedRefs(gitDir: string, prefixes: readonly string[]): ReadonlyMap<string, Oid> | undefined {
  const text = contentOf(join(gitDir, 'packed-refs'), PACKED_MAX_BYTES);
  if (text === undefined) return undefined;
  const found = new Map<string, Oid>();
  if (text === null) return found;
  for (const prefix of prefixes) {
    for (let at = text.indexOf(` ${prefix}`); at !== -1; at = text.indexOf(` ${prefix}`, at + 1)) {
      const [, id = '', ref = ''] = PACKED_LINE.exec(lineAround(text, at)) ?? [];
      const oid = isRef(ref) ? oidOf(id) : undefined;
      if (oid === undefined) return undefined;
      found.set(ref, oid);
    }
  }
  return found;
}

const PACKED_LINE = /^([0-9a-f]+) (\S+)$/u;

function lineAround(text: string, at: number): string {
  const end = text.indexOf('\n', at);
  return text.slice(text.lastIndexOf('\n', at) + 1, end === -1 ? text.length : end);
}

/** Git takes an id of noughts for a broken ref. */
const oidOf = (text: string): Oid | undefined => (isOid(text) && !/^0+$/u.test(text) ? text : undefined);

const LOOSE_MAX_BYTES = 1024;
const PACKED_MAX_BYTES = 64 * 1024 * 1024;

function contentOf(path: string, maxBytes: number): string | null | undefined {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile()) return stat.isDirectory() ? null : undefined;
    return stat.size > maxBytes ? undefined : readFileSync(path, 'latin1');
  } catch (error) {
    return isAbsent(error) ? null : undefined;
  }
}

/** ENOTDIR: another ref stands where a directory of this one would. */
function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
