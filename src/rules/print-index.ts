/**
 * `open/` as files. One spelling: fixed key order, one line of JSON and LF, so that two machines that folded the
 * same entries hold the same bytes. Records are immutable, so each is printed and digested once.
 */
import { PamError } from '../model/error.ts';
import type { Sha256 } from '../model/names.ts';
import {
  type OpenIndex,
  type OpenRecord,
  openPath,
  type ShelfName,
  type ShelfShapes,
  type Shelves,
} from '../model/open-record.ts';
import { sha256, sortBytes } from '../trust/digest.ts';
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

/** Digest over the sorted lines `<sha256>  <path>\n`, as `treeDigest` makes it, from lines that are kept. */
export function indexDigest(index: OpenIndex): Sha256 {
  const { lines } = laidOut(index.records);
  const beside = printShelves(index).map(({ line }) => line);
  return sha256(beside.length === 0 ? lines : exchanged(lines, beside));
}

/** The same files as directories, `open` in the root of a commit; nothing where the index is empty. */
export function openDirectory(index: OpenIndex): Directory {
  const open = new Map<string, Directory | Uint8Array>(laidOut(index.records).days);
  for (const { path, bytes } of printShelves(index)) open.set(path.slice('open/'.length), bytes);
  return open.size === 0 ? open : new Map([['open', open]]);
}

interface LaidOut {
  readonly records: OpenIndex['records'];
  /** Sorted, one behind the other. */
  readonly lines: string;
  readonly days: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
}

let newest: LaidOut = { records: new Map(), lines: '', days: new Map() };

/**
 * Records are mostly those before them but for one or two. So only these find their new places, and a day in which no
 * record changed is the very directory that it was before.
 */
function laidOut(records: OpenIndex['records']): LaidOut {
  if (records !== newest.records) {
    const { gone, fresh } = changedFiles(newest.records, records);
    const changed = [...gone, ...fresh].map(({ line }) => line);
    const days = daysAfter(newest.days, gone, fresh);
    const files = [...days.values()].reduce((count, { size }) => count + size, 0);
    // What is laid out next is made of this one, so nothing odd may stay in it.
    if (files !== records.size) throw new PamError('E_BUG', 'two records of open/ are one file');
    newest = { records, lines: exchanged(newest.lines, changed), days };
  }
  return newest;
}

interface Changes {
  readonly gone: readonly Printed[];
  readonly fresh: readonly Printed[];
}

function changedFiles(before: OpenIndex['records'], after: OpenIndex['records']): Changes {
  const gone: Printed[] = [];
  const fresh: Printed[] = [];
  let stayed = 0;
  for (const [id, record] of after) {
    const old = before.get(id);
    if (old !== undefined) stayed += 1;
    if (old === record) continue;
    const now = print(record);
    const was = old === undefined ? undefined : print(old);
    if (was?.line === now.line) continue;
    fresh.push(now);
    if (was !== undefined) gone.push(was);
  }
  if (stayed < before.size) for (const [id, old] of before) if (!after.has(id)) gone.push(print(old));
  return { gone, fresh };
}

/** Sorted lines, without those of the others that stand among them, and with those that do not. */
function exchanged(lines: string, others: readonly string[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const line of sortBytes(others)) {
    const place = placeIn(lines, line, from);
    const stands = lines.startsWith(line, place);
    parts.push(lines.slice(from, place), stands ? '' : line);
    from = stands ? place + line.length : place;
  }
  parts.push(lines.slice(from));
  return parts.join('');
}

/** Where the first line begins, from there on, that does not come before this one. */
function placeIn(lines: string, line: string, from: number): number {
  let [low, high] = [from, lines.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = lines.lastIndexOf('\n', middle - 1) + 1;
    const end = lines.indexOf('\n', middle) + 1;
    if (lines.slice(start, end) < line) low = end;
    else high = start;
  }
  return low;
}

function daysAfter(
  before: LaidOut['days'],
  gone: readonly Printed[],
  fresh: readonly Printed[],
): LaidOut['days'] {
  const days = new Map(before);
  const changed = new Map<string, Map<string, Uint8Array>>();
  const fileAt = (path: string): { readonly files: Map<string, Uint8Array>; readonly name: string } => {
    const [, day = '', name = ''] = path.split('/');
    const files = changed.get(day) ?? new Map(before.get(day));
    changed.set(day, files);
    days.set(day, files);
    return { files, name };
  };
  for (const { path } of gone) {
    const { files, name } = fileAt(path);
    files.delete(name);
  }
  for (const { path, bytes } of fresh) {
    const { files, name } = fileAt(path);
    files.set(name, bytes);
  }
  for (const [day, { size }] of changed) if (size === 0) days.delete(day);
  return days;
}

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
