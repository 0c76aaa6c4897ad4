/** The bytes of one Git tree object: `<mode> <name>\0<id>`, again and again. Anybody may have written them. */
import { isOid, type Oid } from '../model/names.ts';

export interface TreeItem {
  /** As `git ls-tree` prints it: `100644`, `100755`, `120000`, `040000`, `160000`. */
  readonly mode: string;
  readonly name: string;
  readonly oid: Oid;
}

/**
 * Items in their order, names as they stand there: twice, with a slash, `..`. `undefined`: those bytes are no tree.
 * @param idBytes 20 (SHA-1) or 32 (SHA-256)
 * @param most the first so many; what follows is not looked at
 */
export function parseTree(
  bytes: Buffer,
  idBytes: number,
  most = Number.POSITIVE_INFINITY,
): readonly TreeItem[] | undefined {
  const items: TreeItem[] = [];
  for (const line of treeLines(bytes, idBytes)) {
    if (items.length >= most) break;
    if (line === undefined) return undefined;
    items.push(itemOf(bytes, line));
  }
  return items;
}

/**
 * Those of these names that it holds, of two with one name (which no honest git writes) the first. A large tree costs a
 * look at its bytes and no memory.
 */
export function findInTree(
  bytes: Buffer,
  idBytes: number,
  names: ReadonlySet<string>,
): ReadonlyMap<string, TreeItem> | undefined {
  const found = new Map<string, TreeItem>();
  let longest = 0;
  for (const name of names) longest = Math.max(longest, Buffer.byteLength(name));
  for (const line of treeLines(bytes, idBytes)) {
    if (line === undefined) return undefined;
    if (line.nul - line.blank - 1 > longest) continue;
    const name = bytes.toString('utf8', line.blank + 1, line.nul);
    if (names.has(name) && !found.has(name)) found.set(name, itemOf(bytes, line));
  }
  return found;
}

/** Where one item stands in the bytes of its tree. */
export interface TreeLine {
  readonly start: number;
  /** Where the mode ends, and where the name. */
  readonly blank: number;
  readonly nul: number;
  readonly end: number;
}

/** The last one is `undefined` where git would read no further either. */
export function* treeLines(bytes: Buffer, idBytes: number): Generator<TreeLine | undefined> {
  for (let start = 0; start < bytes.length; ) {
    const blank = bytes.indexOf(0x20, start);
    const nul = blank === -1 ? -1 : bytes.indexOf(0, blank);
    const end = nul + 1 + idBytes;
    if (nul <= blank + 1 || end > bytes.length || !isOctal(bytes, start, blank)) {
      yield undefined;
      return;
    }
    yield { start, blank, nul, end };
    start = end;
  }
}

function isOctal(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const digit = bytes[at] ?? 0;
    if (digit < 0x30 || digit > 0x37) return false;
  }
  return from < to;
}

function itemOf(bytes: Buffer, { start, blank, nul, end }: TreeLine): TreeItem {
  const oid = bytes.toString('hex', nul + 1, end);
  if (!isOid(oid)) throw new TypeError('an id of a tree has another length than ids have');
  return {
    mode: modeOf(bytes.toString('latin1', start, Math.min(blank, start + MOST_DIGITS + 1))),
    name: bytes.toString('utf8', blank + 1, nul),
    oid,
  };
}

/** Of longer ones gits of different ages keep different digits. */
const MOST_DIGITS = 7;

/** Old gits wrote other permission bits, and anybody can write any; git reads them all as one of these. */
export function modeOf(octal: string): string {
  if (octal.length > MOST_DIGITS) return '160000';
  const mode = Number.parseInt(octal, 8);
  switch (mode & 0o170000) {
    case 0o100000:
      return (mode & 0o100) === 0 ? '100644' : '100755';
    case 0o120000:
      return '120000';
    case 0o040000:
      return '040000';
    default:
      return '160000';
  }
}
