/**
 * `open/` as files. One spelling: fixed key order, one line of JSON and LF, so that two machines that folded the
 * same entries hold the same bytes. Records are immutable, so each is printed and digested once.
 */
import type { Sha256 } from '../model/names.ts';
import { BEATS_PATH, type Beats, type OpenIndex, type OpenRecord, openPath } from '../model/open-record.ts';
import { sha256, sortBytes } from '../trust/digest.ts';
import { inOrder } from './same-json.ts';

interface Printed {
  readonly text: string;
  readonly digest: Sha256;
}

const printed = new WeakMap<OpenRecord | Beats, Printed>();

/** Path -> text of every file below `open/`. */
export function printIndex(index: OpenIndex): ReadonlyMap<string, string> {
  return new Map([...filesOf(index)].map(([path, file]) => [path, file.text]));
}

/** Digest over the sorted lines `<sha256>  <path>\n`, as `treeDigest` makes it, from digests that are kept. */
export function indexDigest(index: OpenIndex): Sha256 {
  return sha256(sortBytes([...filesOf(index)].map(([path, file]) => `${file.digest}  ${path}\n`)).join(''));
}

function filesOf(index: OpenIndex): ReadonlyMap<string, Printed> {
  const files = new Map<string, Printed>();
  for (const [id, record] of index.records) files.set(openPath(id), print(record));
  if (index.beats !== null) files.set(BEATS_PATH, print(index.beats));
  return files;
}

function print(document: OpenRecord | Beats): Printed {
  const known = printed.get(document);
  if (known !== undefined) return known;
  const text = `${JSON.stringify(inOrder(document))}\n`;
  const file = { text, digest: sha256(text) };
  printed.set(document, file);
  return file;
}
