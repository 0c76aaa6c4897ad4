/**
 * `open/` as files. One spelling: fixed key order, one line of JSON and LF, so that two machines that folded the
 * same entries hold the same bytes. Records are immutable, so each is printed and digested once.
 */
import { PamError } from '../model/error.ts';
import type { RequestId, Sha256 } from '../model/names.ts';
import {
  type OpenIndex,
  type OpenRecord,
  openPath,
  type ShelfName,
  type ShelfShapes,
  type Shelves,
} from '../model/open-record.ts';
import { type Leaf, SortedMap } from '../model/sorted-map.ts';
import { sha256, sha256OfAll } from '../trust/digest.ts';
import type { Directory } from '../trust/git-tree-id.ts';
import { jsonInOrder } from './same-json.ts';
import { filesOfShelves } from './shelves/registry.ts';

/** What one file holds. */
type Document = OpenRecord | ShelfShapes[ShelfName];

interface Printed {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Its line in the digest of `open/`, as `treeDigest` makes it. */
  readonly line: string;
}

const printed = new WeakMap<Document, Printed>();

/**
 * Bytes that a document was read from, as what it prints as. Only for a reader that compares `indexDigest` with a signed
 * one before it believes any of them: another spelling is another digest.
 */
export function asItWasRead(path: string, document: Document, bytes: Uint8Array): void {
  printed.set(document, fileOf(path, bytes));
}

/** Path -> text of every file below `open/`. */
export function printIndex(index: OpenIndex): ReadonlyMap<string, string> {
  const records = [...index.records].map(([id, record]) => [openPath(id), record] as const);
  return new Map([...records, ...filesOfShelves(index)].map(([path, one]) => [path, textOf(one)]));
}

/** Digest over the sorted lines `<sha256>  <path>\n`, as `treeDigest` makes it. */
export function indexDigest(index: OpenIndex): Sha256 {
  const { lines } = laidOut(index.records);
  const all = printShelves(index).reduce((some, { line }) => some.with(line, line), lines);
  return sha256OfAll(all.leaves.map(linesIn));
}

/** The same files as directories, `open` in the root of a commit; nothing where the index is empty. */
export function openDirectory(index: OpenIndex): Directory {
  const open = new Map<string, Directory | Uint8Array>(laidOut(index.records).days);
  for (const { path, bytes } of printShelves(index)) open.set(path.slice('open/'.length), bytes);
  return open.size === 0 ? open : new Map([['open', open]]);
}

interface LaidOut {
  readonly records: SortedMap<RequestId, OpenRecord>;
  readonly lines: SortedMap<string, string>;
  readonly days: ReadonlyMap<string, SortedMap<string, Uint8Array>>;
}

const NO_FILES: SortedMap<string, Uint8Array> = SortedMap.of([]);

let newest: LaidOut = { records: SortedMap.of([]), lines: SortedMap.of([]), days: new Map() };

/** Records are mostly those that were laid out last but for one or two, so only these find new places. */
function laidOut(records: OpenIndex['records']): LaidOut {
  const now = SortedMap.of(records);
  let { lines } = newest;
  const days = new Map(newest.days);
  for (const [id, before, after] of now.since(newest.records)) {
    // What is laid out next is made of this one, so nothing odd may stay in it.
    if (after !== undefined && after.id !== id)
      throw new PamError('E_BUG', `the record of ${after.id} stands in open/ as ${id}`);
    const [, day = '', name = ''] = openPath(id).split('/');
    const files = days.get(day) ?? NO_FILES;
    if (before !== undefined) lines = lines.without(print(before).line);
    const file = after === undefined ? undefined : print(after);
    if (file !== undefined) lines = lines.with(file.line, file.line);
    days.set(day, file === undefined ? files.without(name) : files.with(name, file.bytes));
  }
  for (const [day, { size }] of days) if (size === 0) days.delete(day);
  newest = { records: now, lines, days };
  return newest;
}

/** As they are hashed; most leaves are those of the index before. */
function linesIn(leaf: Leaf<string, string>): Uint8Array {
  const known = knownLines.get(leaf) ?? Buffer.from(leaf.keys.join(''));
  knownLines.set(leaf, known);
  return known;
}

const knownLines = new WeakMap<Leaf<string, string>, Uint8Array>();

const print = (record: OpenRecord): Printed => printAs(openPath(record.id), record);

const printShelves = (shelves: Shelves): readonly Printed[] =>
  filesOfShelves(shelves).map(([path, document]) => printAs(path, document));

function printAs(path: string, document: Document): Printed {
  const known = printed.get(document);
  if (known !== undefined) return known;
  const file = fileOf(path, Buffer.from(textOf(document)));
  printed.set(document, file);
  return file;
}

const fileOf = (path: string, bytes: Uint8Array): Printed => ({
  path,
  bytes,
  line: `${sha256(bytes)}  ${path}\n`,
});

const textOf = (document: Document): string => `${jsonInOrder(document)}\n`;
