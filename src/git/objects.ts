/**
 * Reading trees and blobs: sizes known before content is kept (catalogue Q2), and an object that the clone lacks is
 * never "no such file" (catalogue G7). Paths are followed here, tree by tree, not by git. What cannot be read is said
 * about that one thing (`Unreadable`).
 */
import { PamError } from '../model/error.ts';
import { type Bounds, isUnreadable, type Repository, type TreeEntry, type Unreadable } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { checkOid } from './history.ts';
import type { ObjectStream, Room } from './object-stream.ts';
import { findInTree, parseTree, type TreeItem } from './tree.ts';

interface PathIn {
  readonly treeish: Oid;
  readonly path: string;
}

type Name = Omit<TreeEntry, 'size'>;

export function openObjects(stream: ObjectStream): Pick<Repository, 'list' | 'names' | 'read'> {
  return {
    list: async (treeish, path, bounds) => {
      const names = await namesBelow(stream, treeish, path, bounds);
      return isUnreadable(names) ? names : await withSizes(stream, names);
    },
    names: async (treeish, path, bounds) => await namesBelow(stream, treeish, path, bounds),
    read: async (wanted, maxBytes, bounds) => await readBlobs(stream, wanted, maxBytes, bounds),
  };
}

/** A tree of some 400,000 entries: far more than any that pam reads. */
const TREE_BYTES = 16 * 1024 * 1024;
/** Of all trees, and of all files, that one question reads. */
const ALL_BYTES = 512 * 1024 * 1024;
/** The same tree may stand in many places: what is listed is bounded, not what is stored. */
const MOST_LISTED = 200_000;
const DEEPEST = 64;

const roomFor = ({ treeBytes = TREE_BYTES }: Bounds): Room => ({ each: treeBytes, left: ALL_BYTES });

const noTree = (oid: Oid): Unreadable => ({
  unreadable: 'E_GIT_UNREADABLE',
  why: `tree ${oid} holds bytes that are no tree`,
});

type End = TreeItem | Unreadable | undefined;

/** What each path leads to, all of them one level at a time; `undefined` where a tree does not hold the next name. */
async function follow(
  stream: ObjectStream,
  wanted: readonly PathIn[],
  bounds: Bounds = {},
): Promise<readonly End[]> {
  const room = roomFor(bounds);
  const ways = wanted.map(({ treeish, path }) => ({
    at: checkOid(treeish),
    parts: checkPath(path).split('/'),
  }));
  const ends: End[] = wanted.map(() => undefined);
  let going = ways.map((way, index) => ({ ...way, index }));
  for (let level = 0; going.length > 0; level++) {
    const names = new Set(going.map(({ parts }) => parts[level] ?? ''));
    const ids = [...new Set(going.map(({ at }) => at))];
    const found = await stream.trees(
      ids,
      room,
      (content, id) => findInTree(content, id.length / 2, names) ?? noTree(id),
    );
    const trees = new Map(ids.map((id, at) => [id, found[at]]));
    const next: typeof going = [];
    for (const way of going) {
      const tree = trees.get(way.at);
      const item = isUnreadable(tree) ? tree : tree?.get(way.parts[level] ?? '');
      const last = level === way.parts.length - 1;
      if (last || isUnreadable(item)) ends[way.index] = item;
      else if (item?.mode === '040000') next.push({ ...way, at: item.oid });
    }
    going = next;
  }
  return ends;
}

async function namesBelow(
  stream: ObjectStream,
  treeish: Oid,
  path: string,
  bounds: Bounds = {},
): Promise<readonly Name[] | Unreadable> {
  checkOid(treeish);
  const [top] =
    path === ''
      ? [{ name: '', mode: '040000', oid: treeish }]
      : await follow(stream, [{ treeish, path }], bounds);
  if (top === undefined) return [];
  return isUnreadable(top) ? top : await expand(stream, { ...top, name: path }, bounds);
}

async function withSizes(stream: ObjectStream, names: readonly Name[]): Promise<readonly TreeEntry[]> {
  const files = names.filter(({ mode }) => !NO_FILES.has(mode));
  const heads = await stream.look(files.map(({ oid }) => oid));
  const sizes = new Map(
    files.map(({ oid }, at) => [oid, heads[at]?.type === 'blob' ? heads[at].size : null]),
  );
  return names.map((name) => {
    const size = NO_FILES.has(name.mode) ? 0 : sizes.get(name.oid);
    return { ...name, size: size === undefined ? null : size };
  });
}

const NO_FILES: ReadonlySet<string> = new Set(['040000', '160000']);

/** Everything below, in the order of the trees, each with its whole path. */
async function expand(
  stream: ObjectStream,
  top: TreeItem,
  bounds: Bounds,
): Promise<readonly Name[] | Unreadable> {
  const { entries: most = MOST_LISTED } = bounds;
  const tooMany: Unreadable = { unreadable: 'E_GIT_SIZE', why: `it holds more than ${most} files` };
  const room = roomFor(bounds);
  const unread = new Map<Oid, Unreadable>();
  const open = ({ mode, oid }: Name): boolean => mode === '040000' && !unread.has(oid);
  let level: readonly Name[] = [{ path: top.name, mode: top.mode, oid: top.oid }];
  for (let depth = 0; depth <= DEEPEST && level.some(open); depth++) {
    const ids = [...new Set(level.filter(open).map(({ oid }) => oid))];
    const found = await treesOf(stream, ids, room, most);
    const trees = new Map<Oid, readonly TreeItem[]>();
    for (const [at, tree] of found.entries()) {
      const id = ids[at] ?? top.oid;
      if (isUnreadable(tree)) unread.set(id, tree);
      else trees.set(id, tree);
    }
    const fault = depth === 0 ? unread.get(top.oid) : undefined;
    if (fault !== undefined) return fault;
    const next = oneLevelDown(level, trees, most);
    if (next === undefined) return tooMany;
    level = next;
  }
  return level;
}

/** Their items, of which so many are kept in memory: one more says enough. */
async function treesOf(
  stream: ObjectStream,
  ids: readonly Oid[],
  room: Room,
  most: number,
): Promise<readonly (readonly TreeItem[] | Unreadable)[]> {
  let left = most + 1;
  return await stream.trees(ids, room, (content, id) => {
    const items = parseTree(content, id.length / 2, left);
    left -= items?.length ?? 0;
    return items ?? noTree(id);
  });
}

/** `undefined`: they are more than `most`. Counted before they are made, since one tree may stand in many places. */
function oneLevelDown(
  level: readonly Name[],
  trees: ReadonlyMap<Oid, readonly TreeItem[]>,
  most: number,
): readonly Name[] | undefined {
  const below = ({ mode, oid }: Name): readonly TreeItem[] | undefined =>
    mode === '040000' ? trees.get(oid) : undefined;
  const count = level.reduce((sum, item) => sum + (below(item)?.length ?? 1), 0);
  if (count > most) return undefined;
  return level.flatMap(
    (item) =>
      below(item)?.map(({ mode, name, oid }) => ({ mode, path: join(item.path, name), oid })) ?? [item],
  );
}

const join = (above: string, name: string): string => (above === '' ? name : `${above}/${name}`);

async function readBlobs(
  stream: ObjectStream,
  wanted: readonly PathIn[],
  maxBytes: number,
  bounds: Bounds = {},
): Promise<readonly (Uint8Array | Unreadable | undefined)[]> {
  if (wanted.length === 0) return [];
  const ends = await follow(stream, wanted, bounds);
  const files = ends.flatMap((end) => (end === undefined || isUnreadable(end) ? [] : [end]));
  const oids = [...new Set(files.filter(({ mode }) => !NO_FILES.has(mode)).map(({ oid }) => oid))];
  const contents = await stream.blobs(oids, { each: maxBytes, left: ALL_BYTES });
  const found = new Map(oids.map((oid, at) => [oid, contents[at]]));
  return ends.map((end) => {
    if (end === undefined || isUnreadable(end)) return end;
    return NO_FILES.has(end.mode) ? undefined : found.get(end.oid);
  });
}

/** A path inside a tree, as git spells it: relative, no empty, `.` or `..` parts, no control characters. */
export function checkPath(path: string): string {
  const parts = path.split('/');
  if (/[\0-\x1f\x7f]/u.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new PamError('E_GIT_PATH', `${JSON.stringify(path)} is not a path that pam reads or writes`);
  }
  return path;
}
