/**
 * The one door to files that others may have put there: those of a clone (its git directory, its work tree) and those
 * below the state directory. In a stranger's clone any name may be a link to `/dev/zero`, a pipe that never ends, or a
 * terabyte of nothing. So: regular files only, no link on the way, no waiting, and never more bytes than asked for.
 */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';

export type PlainFile =
  | { readonly state: 'read'; readonly bytes: Buffer }
  | { readonly state: 'absent' }
  /** `why` completes "<path> ...": "is a link". */
  | { readonly state: 'unreadable'; readonly why: string };

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
const ABSENT: PlainFile = { state: 'absent' };
const unreadable = (why: string): PlainFile => ({ state: 'unreadable', why });

/**
 * Never throws and never waits.
 * @param below no directory between this one and the file may be a link either
 */
export function readPlainFile(path: string, maxBytes: number, below?: string): PlainFile {
  if (below !== undefined) {
    const link = linkBetween(below, path);
    if (link !== undefined) return link;
  }
  let handle: number | undefined;
  try {
    // A pipe would be waited for without O_NONBLOCK, and a terminal would become ours without O_NOCTTY.
    handle = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!fstatSync(handle).isFile()) return unreadable('is no regular file');
    return readUpTo(handle, maxBytes);
  } catch (error) {
    return faultOf(error);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** The same, where it does not matter why there is nothing to read. */
export function plainBytes(path: string, maxBytes: number, below?: string): Buffer | undefined {
  const file = readPlainFile(path, maxBytes, below);
  return file.state === 'read' ? file.bytes : undefined;
}

/** A file may be larger than its size says, and grow while it is read. */
function readUpTo(handle: number, maxBytes: number): PlainFile {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length <= maxBytes) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, maxBytes + 1 - length));
    const count = readSync(handle, chunk, 0, chunk.length, null);
    if (count === 0) return { state: 'read', bytes: Buffer.concat(chunks, length) };
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  return unreadable(`has more than the ${maxBytes} bytes that are read`);
}

const CHUNK = 64 * 1024;

function linkBetween(below: string, path: string): PlainFile | undefined {
  const parts = relative(below, path).split(sep);
  if (parts[0] === '..') return unreadable('lies outside');
  try {
    for (let depth = 1; depth < parts.length; depth += 1) {
      const stat = lstatSync(join(below, ...parts.slice(0, depth)));
      if (!stat.isDirectory())
        return stat.isSymbolicLink() ? unreadable('is reached through a link') : ABSENT;
    }
  } catch (error) {
    return faultOf(error);
  }
  return undefined;
}

function faultOf(error: unknown): PlainFile {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'an unknown error';
  // ENOTDIR: a file stands where a directory on the way would.
  if (code === 'ENOENT' || code === 'ENOTDIR') return ABSENT;
  if (code === 'ELOOP') return unreadable('is a link');
  if (code === 'ENXIO') return unreadable('is no regular file');
  return unreadable(`cannot be read (${code})`);
}

/** What a directory holds, links not followed; nothing where there is none, or none that may be read. */
export function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/**
 * Regular files below a directory, as paths from it with `/`, sorted; links are neither followed nor listed.
 * `undefined`: there are more than `most`, or directories are nested more than 32 deep.
 */
export function plainFilesBelow(directory: string, most: number): readonly string[] | undefined {
  const found: string[] = [];
  let left = most;
  const walk = (inside: string, depth: number): boolean => {
    if (depth > DEEPEST) return false;
    for (const entry of entriesOf(join(directory, inside))) {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if ((left -= 1) < 0) return false;
      if (entry.isDirectory() && !walk(path, depth + 1)) return false;
      if (entry.isFile()) found.push(path);
    }
    return true;
  };
  return walk('', 0) ? found.sort() : undefined;
}

const DEEPEST = 32;
