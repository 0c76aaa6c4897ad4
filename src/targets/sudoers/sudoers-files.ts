/**
 * The files that sudo reads, in its order: the main one, where that includes our directory, and otherwise the directory
 * alone. In a directory it takes names in byte order and leaves out those with a dot or with `~` at the end.
 */
import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PamError } from '../../model/error.ts';
import { isMissing } from '../durable-file.ts';
import type { SudoersFile } from './read-sudoers.ts';

const MAIN = '/etc/sudoers';
const MAX_BYTES = 1024 * 1024;
const MOST_FILES = 1000;
/** As deep as sudo goes. */
const DEEPEST = 128;
const INCLUDE = /^[@#](include|includedir)[ \t]+(?:"([^"]+)"|(\S.*?))[ \t]*$/u;

/** What sudo reads before the file of this name in the directory, and what behind it. The file itself is left out. */
export interface Around {
  readonly before: readonly SudoersFile[];
  readonly behind: readonly SudoersFile[];
}

/** @param main where sudo begins; `/etc/sudoers` but in tests */
export async function filesAround(directory: string, name: string, main: string = MAIN): Promise<Around> {
  const ours = join(await realpath(directory), name);
  const walk: Walk = { files: [], at: undefined, ours, left: MOST_FILES };
  await readInto(walk, main, 0);
  if (walk.at === undefined) {
    walk.files.length = 0;
    walk.left = MOST_FILES;
    await readDirectory(walk, directory, 0);
  }
  const at = walk.at ?? walk.files.length;
  return { before: walk.files.slice(0, at), behind: walk.files.slice(at) };
}

interface Walk {
  readonly files: SudoersFile[];
  /** How many were read when the place of ours was reached. */
  at: number | undefined;
  readonly ours: string;
  left: number;
}

async function readInto(walk: Walk, path: string, depth: number): Promise<void> {
  const text = await textOf(path);
  if (text === undefined || depth > DEEPEST || walk.left-- <= 0) return;
  // What stands before an include and what behind it are two pieces, with the included one between them.
  let piece = '';
  for (const line of text.split('\n')) {
    const [, kind, quoted, bare = ''] = INCLUDE.exec(line) ?? [];
    if (kind === undefined) {
      piece += `${line}\n`;
      continue;
    }
    walk.files.push({ path, text: piece });
    piece = '';
    const named = resolve(dirname(path), quoted ?? bare.replace(/\\(.)/gu, '$1'));
    if (kind === 'include') await readInto(walk, named, depth + 1);
    else await readDirectory(walk, named, depth + 1);
  }
  walk.files.push({ path, text: piece });
}

async function readDirectory(walk: Walk, directory: string, depth: number): Promise<void> {
  const real = await realpath(directory).catch(() => directory);
  const names = (await namesIn(real)).filter((name) => !name.includes('.') && !name.endsWith('~'));
  const all = [
    ...new Set([...names, ...(dirname(walk.ours) === real ? [walk.ours.slice(real.length + 1)] : [])]),
  ];
  for (const name of all.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const path = join(real, name);
    if (path === walk.ours) walk.at = walk.files.length;
    else await readInto(walk, path, depth);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw unreadable(directory, cause);
  }
}

/** One character a byte, as sudo compares them; `undefined` where there is nothing that sudo would read. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const seen = await file.stat();
      if (!seen.isFile() || seen.size > MAX_BYTES) throw unreadable(path);
      return (await file.readFile()).toString('latin1');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    // Only root reads the main file; an executor that is not root has the directory alone to go by.
    if (path === MAIN && process.getuid?.() !== 0) return undefined;
    throw cause instanceof PamError ? cause : unreadable(path, cause);
  }
}

const unreadable = (path: string, cause?: unknown): PamError =>
  new PamError('E_PRV_SUDOERS_FILES', `${path} cannot be read, so what sudo obeys is not known`, { cause });
