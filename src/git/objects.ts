/**
 * Reading trees and blobs: many in few spawns, sizes known before content is kept (catalogue Q2), and an object
 * that the clone lacks is an error, never "no such file" (catalogue G7).
 */
import { PamError } from '../model/error.ts';
import type { TreeEntry } from '../model/git.ts';
import { isOid, type Oid } from '../model/names.ts';
import { checkOid } from './history.ts';
import { gitError, type Sealed } from './sealed.ts';

export interface PathIn {
  readonly treeish: Oid;
  readonly path: string;
}

export interface Objects {
  readonly list: (treeish: Oid, path: string) => Promise<readonly TreeEntry[]>;
  readonly read: Read;
  readonly readSmall: Read;
}

type Read = (wanted: readonly PathIn[], maxBytes: number) => Promise<readonly (Uint8Array | undefined)[]>;

export function openObjects(sealed: Sealed): Objects {
  return {
    list: async (treeish, path) => {
      const below = path === '' ? [] : ['--', checkPath(path)];
      return await listTree(sealed, treeish, ['-r', ...below]);
    },
    read: async (wanted, maxBytes) => await readBlobs(sealed, wanted, maxBytes, false),
    readSmall: async (wanted, maxBytes) => await readBlobs(sealed, wanted, maxBytes, true),
  };
}

async function listTree(
  sealed: Sealed,
  treeish: Oid,
  args: readonly string[],
): Promise<readonly TreeEntry[]> {
  const [flags, rest] = [args.filter((arg) => arg === '-r'), args.filter((arg) => arg !== '-r')];
  const call = ['ls-tree', ...flags, '-l', '-z', '--full-tree', checkOid(treeish), ...rest];
  const { code, stdout, stderr } = await sealed.git(call);
  if (code !== 0) throw missing(stderr);
  return stdout.toString('utf8').split('\0').filter(Boolean).map(parseEntry);
}

function parseEntry(line: string): TreeEntry {
  const match = /^([0-7]{6}) ([a-z]+) ([0-9a-f]+) +(\S+)\t([^]*)$/u.exec(line);
  const [, mode, type, oid, size, path] = match ?? [];
  if (
    mode === undefined ||
    type === undefined ||
    oid === undefined ||
    size === undefined ||
    path === undefined
  ) {
    throw new PamError('E_GIT', 'git ls-tree gave an unreadable line');
  }
  if (type === 'blob' && !/^\d+$/u.test(size)) throw missing(`blob ${oid}`);
  return { mode, path, oid: checkOid(oid), size: type === 'blob' ? Number(size) : 0 };
}

async function readBlobs(
  sealed: Sealed,
  wanted: readonly PathIn[],
  maxBytes: number,
  skipLarge: boolean,
): Promise<readonly (Uint8Array | undefined)[]> {
  if (wanted.length === 0) return [];
  const found = await locate(sealed, wanted);
  const sizes = new Map<Oid, number>();
  for (const [index, blob] of found.entries()) {
    if (blob === undefined) continue;
    if (blob.size > maxBytes) {
      if (skipLarge) continue;
      const path = wanted[index]?.path ?? '';
      throw new PamError('E_GIT_SIZE', `${path} has ${blob.size} bytes; at most ${maxBytes} are read`);
    }
    sizes.set(blob.oid, blob.size);
  }
  const contents = await contentsOf(sealed, sizes);
  return found.map((blob) => (blob === undefined ? undefined : contents.get(blob.oid)));
}

type Located = { readonly oid: Oid; readonly size: number } | undefined;

/** Object id and size of each wanted blob, in order. */
async function locate(sealed: Sealed, wanted: readonly PathIn[]): Promise<readonly Located[]> {
  const stdin = wanted.map(({ treeish, path }) => `${checkOid(treeish)}:${checkPath(path)}\n`).join('');
  const out = await sealed.must(['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'], {
    stdin,
  });
  // "missing" answers echo the path, so lines are told apart by count and by shape only.
  const lines = out.toString('utf8').split('\n').slice(0, -1);
  if (lines.length !== wanted.length) throw new PamError('E_GIT', 'git cat-file gave an unreadable answer');
  const absent = new Map<Oid, string[]>();
  const found = lines.map((line, index): Located => {
    const [, oid, type, size] = /^([0-9a-f]{40,64}) ([a-z]+) (\d+)$/u.exec(line) ?? [];
    if (oid !== undefined && isOid(oid)) return type === 'blob' ? { oid, size: Number(size) } : undefined;
    const want = wanted[index];
    if (want !== undefined) absent.set(want.treeish, [...(absent.get(want.treeish) ?? []), want.path]);
    return undefined;
  });
  await sureThatAbsent(sealed, absent);
  return found;
}

/** Git says "missing" for a path that is not in the tree and for an object that is not in the clone. */
async function sureThatAbsent(sealed: Sealed, absent: ReadonlyMap<Oid, readonly string[]>): Promise<void> {
  for (const [treeish, paths] of absent) {
    const entries = await listTree(sealed, treeish, ['--', ...paths]);
    const there = entries.find((entry) => entry.mode !== '160000');
    if (there !== undefined) throw missing(`${treeish}:${there.path}`);
  }
}

async function contentsOf(
  sealed: Sealed,
  sizes: ReadonlyMap<Oid, number>,
): Promise<ReadonlyMap<Oid, Uint8Array>> {
  if (sizes.size === 0) return new Map();
  const total = [...sizes.values()].reduce((sum, size) => sum + size + 100, 1024);
  const stdin = [...sizes.keys()].map((oid) => `${oid}\n`).join('');
  const out = await sealed.must(['cat-file', '--batch'], { stdin, maxBytes: total });
  const contents = new Map<Oid, Uint8Array>();
  let at = 0;
  for (const [oid, size] of sizes) {
    const header = `${oid} blob ${size}\n`;
    if (out.toString('latin1', at, at + header.length) !== header) throw missing(`blob ${oid}`);
    at += header.length;
    // A copy, so that one small file does not keep the whole answer in memory.
    contents.set(oid, Uint8Array.from(out.subarray(at, at + size)));
    at += size + 1;
  }
  return contents;
}

/** A path inside a tree, as git spells it: relative, no empty, `.` or `..` parts, no control characters. */
export function checkPath(path: string): string {
  const parts = path.split('/');
  if (/[\0-\x1f\x7f]/u.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new PamError('E_GIT_PATH', `${JSON.stringify(path)} is not a path that pam reads or writes`);
  }
  return path;
}

function missing(detail: string): PamError {
  return new PamError('E_GIT_PARTIAL', 'an object of the access repository is not in this clone', {
    hint: 'pam never fetches single objects; use a full clone (made without --filter or --depth)',
    cause: gitError('git could not read it', detail),
  });
}
