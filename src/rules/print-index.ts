/**
 * `open/` as files. One spelling: fixed key order, one line of JSON and LF, so that two machines that folded the
 * same entries hold the same bytes. Records are immutable, so each is printed and digested once.
 */
import type { RequestId, Sha256 } from '../model/names.ts';
import { BEATS_PATH, type Beats, type OpenIndex, type OpenRecord, openPath } from '../model/open-record.ts';
import { sha256, sortBytes } from '../trust/digest.ts';
import type { Directory } from '../trust/git-tree-id.ts';
import { jsonInOrder } from './same-json.ts';

interface Printed {
  readonly bytes: Uint8Array;
  /** Its line in the digest of `open/`, as `treeDigest` makes it. */
  readonly line: string;
}

const printed = new WeakMap<OpenRecord | Beats, Printed>();

/**
 * Bytes that a document was read from, as what it prints as. Only for a reader that compares `indexDigest` with a signed
 * one before it believes any of them: another spelling is another digest.
 */
export function asItWasRead(document: OpenRecord | Beats, bytes: Uint8Array): void {
  const path = 'id' in document ? openPath(document.id) : BEATS_PATH;
  printed.set(document, fileOf(path, bytes));
}

/** Path -> text of every file below `open/`. */
export function printIndex(index: OpenIndex): ReadonlyMap<string, string> {
  const files = new Map([...index.records].map(([id, record]) => [openPath(id), textOf(record)]));
  if (index.beats !== null) files.set(BEATS_PATH, textOf(index.beats));
  return files;
}

/** Digest over the sorted lines `<sha256>  <path>\n`, as `treeDigest` makes it, from lines that are kept. */
export function indexDigest({ records, beats }: OpenIndex): Sha256 {
  const lines = linesOf(records);
  const all = beats === null ? lines : sortBytes([...lines, print(BEATS_PATH, beats).line]);
  return sha256(all.join(''));
}

let newest: { readonly records: OpenIndex['records']; readonly lines: readonly string[] } = {
  records: new Map(),
  lines: [],
};

/** Sorted. An index is mostly the one before it but for a record or two, and what is sorted already is soon sorted. */
function linesOf(records: OpenIndex['records']): readonly string[] {
  const before = newest;
  const gone = new Set<string>();
  const fresh: string[] = [];
  for (const [id, record] of records) {
    const old = before.records.get(id);
    if (old === record) continue;
    if (old !== undefined) gone.add(printRecord(id, old).line);
    fresh.push(printRecord(id, record).line);
  }
  for (const [id, old] of before.records) if (!records.has(id)) gone.add(printRecord(id, old).line);
  const kept = gone.size === 0 ? before.lines : before.lines.filter((line) => !gone.has(line));
  const lines = fresh.length === 0 ? kept : sortBytes([...kept, ...fresh]);
  newest = { records, lines };
  return lines;
}

/**
 * The same files as directories, `open` in the root of a commit; nothing where the index is empty. A day in which no
 * record changed is the very directory that it was before.
 */
export function openDirectory(index: OpenIndex): Directory {
  const days = new Map<string, OpenRecord[]>();
  for (const [id, record] of index.records) {
    const day = id.slice(0, 8);
    const records = days.get(day);
    if (records === undefined) days.set(day, [record]);
    else records.push(record);
  }
  const open = new Map<string, Directory | Uint8Array>();
  for (const [day, records] of days) open.set(day, dayDirectory(records));
  if (index.beats !== null) open.set('beats.json', print(BEATS_PATH, index.beats).bytes);
  return open.size === 0 ? open : new Map([['open', open]]);
}

/** The newest directory of a day hangs on the record that came first into it, and goes with it. */
const dayDirectories = new WeakMap<
  OpenRecord,
  { readonly records: readonly OpenRecord[]; readonly directory: Directory }
>();

function dayDirectory(records: readonly OpenRecord[]): Directory {
  const [first] = records;
  const known = first === undefined ? undefined : dayDirectories.get(first);
  if (known !== undefined && sameItems(known.records, records)) return known.directory;
  const directory = new Map(
    records.map((record) => [`${record.id}.json`, printRecord(record.id, record).bytes]),
  );
  if (first !== undefined) dayDirectories.set(first, { records, directory });
  return directory;
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((one, at) => one === b[at]);

function printRecord(id: RequestId, record: OpenRecord): Printed {
  return printed.get(record) ?? print(openPath(id), record);
}

function print(path: string, document: OpenRecord | Beats): Printed {
  const known = printed.get(document);
  if (known !== undefined) return known;
  const file = fileOf(path, Buffer.from(textOf(document)));
  printed.set(document, file);
  return file;
}

const fileOf = (path: string, bytes: Uint8Array): Printed => ({ bytes, line: `${sha256(bytes)}  ${path}\n` });

const textOf = (document: OpenRecord | Beats): string => `${jsonInOrder(document)}\n`;
