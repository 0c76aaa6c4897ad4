/**
 * The tree that some changes make of another one. What stays is taken over as the bytes that it is, however odd its
 * names and modes; of the old tree only the directories are read in which something changes.
 */
import { PamError } from '../model/error.ts';
import { readable, type Unreadable } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { checkOid } from './history.ts';
import { idOf, type NewObject, type ObjectFormat } from './new-objects.ts';
import { checkPath } from './objects.ts';
import type { ObjectStream } from './object-stream.ts';
import { modeOf, treeLines } from './tree.ts';

export interface NewTree {
  readonly id: Oid;
  /** This tree, and everything below it that changed; what stands in several places once. */
  readonly objects: ReadonlyMap<Oid, NewObject>;
}

/**
 * @param base a commit or a tree; `null`: nothing
 * @param files as in `NewCommit`: removals come first, so that a file may take the place of a directory and the other
 * way round
 */
export async function newTree(
  stream: ObjectStream,
  format: ObjectFormat,
  base: Oid | null,
  files: ReadonlyMap<string, Uint8Array | null>,
): Promise<NewTree> {
  const objects = new Map<Oid, NewObject>();
  const making = { stream, format, objects };
  const id = await build(making, base, changesIn(files), '');
  return { id: id ?? add(making, { type: 'tree', body: new Uint8Array() }), objects };
}

/** What happens to one name: what was there goes, a file comes, something changes below. */
interface Change {
  gone: boolean;
  file: Uint8Array | null;
  readonly below: Map<string, Change>;
}

function changesIn(files: ReadonlyMap<string, Uint8Array | null>): ReadonlyMap<string, Change> {
  const top = new Map<string, Change>();
  for (const [path, bytes] of files) {
    const parts = plainPath(bytes === null ? path.replace(/\/$/u, '') : path).split('/');
    let here = top;
    for (const [level, part] of parts.entries()) {
      const change = here.get(part) ?? { gone: false, file: null, below: new Map<string, Change>() };
      here.set(part, change);
      if (level < parts.length - 1) here = change.below;
      else if (bytes === null) change.gone = true;
      else change.file = bytes;
    }
  }
  return top;
}

/** No file of ours begins with a quote, which git would spell in its own way wherever it prints the path. */
function plainPath(path: string): string {
  if (path.startsWith('"')) throw new PamError('E_GIT_PATH', `${JSON.stringify(path)} starts with a quote`);
  return checkPath(path);
}

interface Making {
  readonly stream: ObjectStream;
  readonly format: ObjectFormat;
  readonly objects: Map<Oid, NewObject>;
}

/** A line of a tree: git sorts directories as if their names ended in a slash. */
interface Child {
  readonly order: string;
  readonly line: Buffer;
  /** Of a directory. */
  readonly tree: Oid | null;
}

/** `null`: nothing is left in it, and Git knows no empty directories. */
async function build(
  making: Making,
  base: Oid | null,
  changes: ReadonlyMap<string, Change>,
  path: string,
): Promise<Oid | null> {
  const children = await childrenOf(making, base, path);
  for (const [text, change] of changes) {
    // Names are compared byte by byte, as git does.
    const name = Buffer.from(text).toString('latin1');
    const stays = change.gone ? undefined : children.get(name);
    const child = await changed(making, name, change, stays, `${path}${text}`);
    if (child === undefined) children.delete(name);
    else children.set(name, child);
  }
  if (children.size === 0) return null;
  const sorted = [...children.values()].toSorted((a, b) => (a.order < b.order ? -1 : 1));
  return add(making, { type: 'tree', body: Buffer.concat(sorted.map(({ line }) => line)) });
}

async function changed(
  making: Making,
  name: string,
  { file, below }: Change,
  stays: Child | undefined,
  path: string,
): Promise<Child | undefined> {
  if (file !== null) return newChild(name, '100644', add(making, { type: 'blob', body: file }));
  if (below.size === 0) return stays;
  const tree = await build(making, stays?.tree ?? null, below, `${path}/`);
  if (tree !== null) return newChild(name, '40000', tree);
  const isFile = stays !== undefined && stays.tree === null;
  return isFile ? stays : undefined;
}

function add({ format, objects }: Making, object: NewObject): Oid {
  const id = idOf(object, format);
  objects.set(id, object);
  return id;
}

function newChild(name: string, mode: '100644' | '40000', id: Oid): Child {
  const line = Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]);
  return mode === '40000' ? { order: `${name}/`, line, tree: id } : { order: name, line, tree: null };
}

/**
 * By name, byte by byte; of two with one name, which no honest git writes, the first. Throws as `readable` where it
 * cannot be read: what stays in it would be lost.
 */
async function childrenOf(
  { stream, format }: Making,
  base: Oid | null,
  path: string,
): Promise<Map<string, Child>> {
  if (base === null) return new Map();
  const room = { each: TREE_BYTES, left: TREE_BYTES };
  const [tree] = await stream.trees([base], room, (content) => childrenIn(content, format));
  const what =
    path === ''
      ? 'the tree of the commit that this one builds on'
      : `${path} in the commit that this one builds on`;
  return readable(tree ?? NO_TREE, what);
}

/** As large as any tree that is read. */
const TREE_BYTES = 16 * 1024 * 1024;

const NO_TREE: Unreadable = { unreadable: 'E_GIT_UNREADABLE', why: 'its bytes are no tree' };

function childrenIn(content: Buffer, format: ObjectFormat): Map<string, Child> | Unreadable {
  // What is taken over outlives the bytes of git's answer.
  const bytes = Buffer.from(content);
  const children = new Map<string, Child>();
  for (const at of treeLines(bytes, format === 'sha256' ? 32 : 20)) {
    if (at === undefined) return NO_TREE;
    const { start, blank, nul, end } = at;
    const name = bytes.toString('latin1', blank + 1, nul);
    if (children.has(name)) continue;
    const line = bytes.subarray(start, end);
    const isTree = modeOf(bytes.toString('latin1', start, blank)) === '040000';
    children.set(
      name,
      isTree
        ? { order: `${name}/`, line, tree: checkOid(bytes.toString('hex', nul + 1, end)) }
        : { order: name, line, tree: null },
    );
  }
  return children;
}
