/**
 * Reading trees and blobs: sizes known before content is kept (catalogue Q2), and an object that the clone lacks is
 * an error, never "no such file" (catalogue G7). Paths are followed here, tree by tree, not by git.
 */
import { PamError } from '../model/error.ts';
import type { TreeEntry } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { checkOid } from './history.ts';
import type { ObjectStream } from './object-stream.ts';
import { gitError } from './sealed.ts';
import { parseTree, type TreeItem } from './tree.ts';

export interface PathIn {
  readonly treeish: Oid;
  readonly path: string;
}

export interface Objects {
  readonly list: (treeish: Oid, path: string) => Promise<readonly TreeEntry[]>;
  readonly names: (treeish: Oid, path: string) => Promise<readonly Name[]>;
  readonly read: Read;
  readonly readSmall: Read;
}

type Name = Omit<TreeEntry, 'size'>;
type Read = (wanted: readonly PathIn[], maxBytes: number) => Promise<readonly (Uint8Array | undefined)[]>;

export function openObjects(stream: ObjectStream): Objects {
  return {
    list: async (treeish, path) => await withSizes(stream, await namesBelow(stream, treeish, path)),
    names: async (treeish, path) => await namesBelow(stream, treeish, path),
    read: async (wanted, maxBytes) => await readBlobs(stream, wanted, maxBytes, false),
    readSmall: async (wanted, maxBytes) => await readBlobs(stream, wanted, maxBytes, true),
  };
}

type Trees = ReadonlyMap<Oid, readonly TreeItem[]>;

/** Trees by the id that was asked for: a commit's stands for its root tree. */
async function readTrees(stream: ObjectStream, ids: ReadonlySet<Oid>, known: Trees): Promise<Trees> {
  const wanted = [...ids].filter((id) => !known.has(id));
  const found = await stream.trees(wanted);
  const trees = new Map(known);
  for (const [at, id] of wanted.entries()) {
    const tree = found[at];
    if (tree === undefined) throw missing(`tree ${id}`);
    trees.set(id, parseTree(tree.content, id.length / 2));
  }
  return trees;
}

/** What each path leads to, all of them one level at a time; `undefined` where a tree does not hold the next name. */
async function follow(
  stream: ObjectStream,
  wanted: readonly PathIn[],
): Promise<readonly (TreeItem | undefined)[]> {
  const ways = wanted.map(({ treeish, path }) => ({ at: treeish, parts: checkPath(path).split('/') }));
  const ends: (TreeItem | undefined)[] = wanted.map(() => undefined);
  let trees: Trees = new Map();
  let going = ways.map((way, index) => ({ ...way, index }));
  for (let level = 0; going.length > 0; level++) {
    const here = new Set(going.map(({ at }) => at));
    trees = await readTrees(stream, here, trees);
    const named = new Map([...here].map((oid) => [oid, byName(trees.get(oid) ?? [])]));
    const next: typeof going = [];
    for (const way of going) {
      const item = named.get(way.at)?.get(way.parts[level] ?? '');
      if (level === way.parts.length - 1) ends[way.index] = item;
      else if (item?.mode === '040000') next.push({ ...way, at: item.oid });
    }
    going = next;
  }
  return ends;
}

/** Of two with one name, which no honest git writes, the first: so many paths in one directory cost one look each. */
const byName = (items: readonly TreeItem[]): ReadonlyMap<string, TreeItem> =>
  new Map(items.toReversed().map((item) => [item.name, item]));

/** The same tree may stand in many places: what is listed is bounded, not what is stored. */
const MOST_LISTED = 200_000;
const DEEPEST = 64;

async function namesBelow(stream: ObjectStream, treeish: Oid, path: string): Promise<readonly Name[]> {
  checkOid(treeish);
  const [top] =
    path === '' ? [{ name: '', mode: '040000', oid: treeish }] : await follow(stream, [{ treeish, path }]);
  if (top === undefined) return [];
  const items = await expand(stream, { ...top, name: path });
  return items.map(({ name, mode, oid }) => ({ path: name, mode, oid }));
}

async function withSizes(stream: ObjectStream, names: readonly Name[]): Promise<readonly TreeEntry[]> {
  const blobs = names.filter(({ mode }) => mode !== '160000');
  const heads = await stream.look(blobs.map(({ oid }) => oid));
  const sizes = new Map(
    blobs.map(({ oid }, at) => {
      const head = heads[at];
      if (head?.type !== 'blob') throw missing(`blob ${oid}`);
      return [oid, head.size];
    }),
  );
  return names.map((name) => ({ ...name, size: sizes.get(name.oid) ?? 0 }));
}

/** Everything below, in the order of the trees, each with its whole path as its name. */
async function expand(stream: ObjectStream, top: TreeItem): Promise<readonly TreeItem[]> {
  let level: readonly TreeItem[] = [top];
  let trees: Trees = new Map();
  for (let depth = 0; level.some(({ mode }) => mode === '040000'); depth++) {
    if (depth > DEEPEST) throw new PamError('E_GIT_PATH', `directories are nested more than ${DEEPEST} deep`);
    const below = level.filter(({ mode }) => mode === '040000');
    trees = await readTrees(stream, new Set(below.map(({ oid }) => oid)), trees);
    const now = trees;
    level = level.flatMap((item) =>
      item.mode === '040000'
        ? (now.get(item.oid) ?? []).map((one) => ({ ...one, name: join(item.name, one.name) }))
        : [item],
    );
    if (level.length > MOST_LISTED)
      throw new PamError('E_GIT_SIZE', `a directory holds more than ${MOST_LISTED} files`);
  }
  return level;
}

const join = (above: string, name: string): string => (above === '' ? name : `${above}/${name}`);

async function readBlobs(
  stream: ObjectStream,
  wanted: readonly PathIn[],
  maxBytes: number,
  skipLarge: boolean,
): Promise<readonly (Uint8Array | undefined)[]> {
  if (wanted.length === 0) return [];
  for (const { treeish } of wanted) checkOid(treeish);
  const items = await follow(stream, wanted);
  const oids = items.map((item) => (item === undefined || NOT_BLOBS.has(item.mode) ? undefined : item.oid));
  const distinct = [...new Set(oids.flatMap((oid) => oid ?? []))];
  const all = await allSmall(stream, distinct, maxBytes);
  if (all !== undefined) return oids.map((oid) => (oid === undefined ? undefined : all.get(oid)));
  const heads = await stream.look(distinct);
  const small = distinct.filter((oid, at) => {
    const head = heads[at];
    if (head?.type !== 'blob') throw missing(`blob ${oid}`);
    if (head.size <= maxBytes) return true;
    if (skipLarge) return false;
    const path = wanted[oids.indexOf(oid)]?.path ?? '';
    throw new PamError('E_GIT_SIZE', `${path} has ${head.size} bytes; at most ${maxBytes} are read`);
  });
  const contents = await stream.blobs(small, maxBytes);
  const found = new Map(small.map((oid, at) => [oid, contents[at]]));
  return oids.map((oid) => (oid === undefined ? undefined : found.get(oid)));
}

/**
 * Mostly every one is a blob of a sensible size. At the first that is not, git is stopped before it sends it, and the
 * answer is `undefined`: then they are looked at before any is read.
 */
async function allSmall(
  stream: ObjectStream,
  oids: readonly Oid[],
  maxBytes: number,
): Promise<ReadonlyMap<Oid, Uint8Array> | undefined> {
  try {
    const contents = await stream.blobs(oids, maxBytes);
    return new Map(oids.flatMap((oid, at) => [[oid, contents[at] ?? new Uint8Array()] as const]));
  } catch (error) {
    if (error instanceof PamError && ODD_ANSWERS.has(error.code)) return undefined;
    throw error;
  }
}

const ODD_ANSWERS: ReadonlySet<string> = new Set(['E_GIT', 'E_GIT_SIZE']);

const NOT_BLOBS: ReadonlySet<string> = new Set(['040000', '160000']);

/** A path inside a tree, as git spells it: relative, no empty, `.` or `..` parts, no control characters. */
export function checkPath(path: string): string {
  const parts = path.split('/');
  if (/[\0-\x1f\x7f]/u.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new PamError('E_GIT_PATH', `${JSON.stringify(path)} is not a path that pam reads or writes`);
  }
  return path;
}

export function missing(detail: string): PamError {
  return new PamError('E_GIT_PARTIAL', 'an object of the access repository is not in this clone', {
    hint: 'pam never fetches single objects; use a full clone (made without --filter or --depth)',
    cause: gitError('git could not read it', detail),
  });
}
