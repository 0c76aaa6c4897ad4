/**
 * The object id that Git gives a tree of plain files: it lets a reader see that a ledger commit holds exactly the
 * files that its entry makes, without reading them. The id proves nothing by itself (SHA-1); everything that is
 * then read *out* of such a tree is checked against a SHA-256 of a signed entry.
 */
import { createHash } from 'node:crypto';
import type { Oid } from '../model/names.ts';
import { type Leaf, SortedMap } from '../model/sorted-map.ts';

/**
 * What stands in a directory, by name. Neither a directory nor the bytes of a file change once they were made, so
 * ids are remembered with them: of a ledger commit only what its entry changed is hashed again.
 */
export type Directory = ReadonlyMap<string, Directory | Uint8Array>;

/** @param like any id of the same repository: 40 hex digits mean SHA-1, 64 mean SHA-256 */
export function directoryId(directory: Directory, like: Oid): Oid {
  return treeId(directory, like.length === 40 ? SHA1 : SHA256).toString('hex') as Oid;
}

export const gitTreeId = (files: ReadonlyMap<string, Uint8Array | string>, like: Oid): Oid =>
  directoryId(directoryOf(files), like);

/**
 * What has to be written, by path, to make the one of the other; `null`: a file, or (with a slash at its end) a
 * directory, that goes. What both hold is the same bytes in memory, so it is not looked into.
 */
export function changesBetween(before: Directory, after: Directory): ReadonlyMap<string, Uint8Array | null> {
  const changes = new Map<string, Uint8Array | null>();
  collectChanges(before, after, '', changes);
  return changes;
}

function collectChanges(
  before: Directory,
  after: Directory,
  place: string,
  into: Map<string, Uint8Array | null>,
): void {
  for (const [name, old] of before) {
    const child = after.get(name);
    if (child === undefined || isFile(child) !== isFile(old))
      into.set(`${place}${name}${isFile(old) ? '' : '/'}`, null);
  }
  for (const [name, child] of after) {
    const old = before.get(name);
    if (old === child) continue;
    if (isFile(child)) into.set(`${place}${name}`, child);
    else collectChanges(old === undefined || isFile(old) ? NOTHING : old, child, `${place}${name}/`, into);
  }
}

const isFile = (child: Directory | Uint8Array): child is Uint8Array => child instanceof Uint8Array;

export const NOTHING: Directory = new Map();

/** Files by path as the directories that hold them. */
export function directoryOf(files: ReadonlyMap<string, Uint8Array | string>): Directory {
  type Growing = Map<string, Growing | Uint8Array>;
  const root: Growing = new Map();
  for (const [path, content] of files) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let place = root;
    for (const part of parts) {
      const inner = place.get(part);
      const next: Growing = inner instanceof Map ? inner : new Map();
      place.set(part, next);
      place = next;
    }
    place.set(name, typeof content === 'string' ? Buffer.from(content) : content);
  }
  return root;
}

interface ObjectFormat {
  readonly algorithm: string;
  /** What a tree says about a child: `line` is `<mode> <name>\0<id>`. */
  readonly known: WeakMap<Directory | Uint8Array, Child>;
  /** The lines of some files, one behind the other. */
  readonly leaves: WeakMap<Leaf<string, Directory | Uint8Array>, Buffer>;
}

interface Child {
  readonly name: string;
  /** Git sorts a directory as if its name ended in a slash. */
  readonly order: string;
  readonly line: Buffer;
}

const SHA1: ObjectFormat = { algorithm: 'sha1', known: new WeakMap(), leaves: new WeakMap() };
const SHA256: ObjectFormat = { algorithm: 'sha256', known: new WeakMap(), leaves: new WeakMap() };

function treeId(directory: Directory, format: ObjectFormat): Buffer {
  const leaves = directory instanceof SortedMap ? linesOfLeaves(directory, format) : undefined;
  return idOfParts('tree', leaves ?? linesOf(directory, format), format.algorithm);
}

function linesOf(directory: Directory, format: ObjectFormat): readonly Buffer[] {
  const children: Child[] = [];
  for (const [name, child] of directory) children.push(childOf(name, child, format));
  children.sort((a, b) => (a.order < b.order ? -1 : 1));
  return children.map(({ line }) => line);
}

/** Files in the order of their names are in git's; `undefined` where there are directories among them. */
function linesOfLeaves(
  { leaves }: SortedMap<string, Directory | Uint8Array>,
  format: ObjectFormat,
): readonly Buffer[] | undefined {
  const found: Buffer[] = [];
  for (const leaf of leaves) {
    const lines = format.leaves.get(leaf) ?? linesOfLeaf(leaf, format);
    if (lines === undefined) return undefined;
    format.leaves.set(leaf, lines);
    found.push(lines);
  }
  return found;
}

function linesOfLeaf(
  { keys, values }: Leaf<string, Directory | Uint8Array>,
  format: ObjectFormat,
): Buffer | undefined {
  if (!values.every(isFile)) return undefined;
  return Buffer.concat(values.map((child, at) => childOf(keys[at] ?? '', child, format).line));
}

function childOf(name: string, child: Directory | Uint8Array, format: ObjectFormat): Child {
  const known = format.known.get(child);
  if (known?.name === name) return known;
  const file = child instanceof Uint8Array;
  const id = file ? objectId('blob', child, format.algorithm) : treeId(child, format);
  const line = Buffer.concat([Buffer.from(`${file ? '100644' : '40000'} ${name}\0`), id]);
  const made = { name, order: file ? name : `${name}/`, line };
  format.known.set(child, made);
  return made;
}

/** The id that Git gives an object, as bytes. */
export const objectId = (type: 'commit' | 'tree' | 'blob', body: Uint8Array, algorithm: string): Buffer =>
  idOfParts(type, [body], algorithm);

function idOfParts(
  type: 'commit' | 'tree' | 'blob',
  parts: readonly Uint8Array[],
  algorithm: string,
): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const id = createHash(algorithm).update(`${type} ${length}\0`);
  for (const part of parts) id.update(part);
  return id.digest();
}
