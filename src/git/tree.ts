/** The bytes of one Git tree object: `<mode> <name>\0<id>`, again and again. */
import { PamError } from '../model/error.ts';
import { isOid, type Oid } from '../model/names.ts';

export interface TreeItem {
  /** As `git ls-tree` prints it: `100644`, `100755`, `120000`, `040000`, `160000`. */
  readonly mode: string;
  readonly name: string;
  readonly oid: Oid;
}

/** @param idBytes 20 (SHA-1) or 32 (SHA-256) */
export function parseTree(bytes: Buffer, idBytes: number): readonly TreeItem[] {
  const items: TreeItem[] = [];
  for (const { line, blank, nul } of treeLines(bytes, idBytes)) {
    const oid = line.toString('hex', nul + 1);
    if (!isOid(oid)) throw unreadable();
    items.push({
      mode: modeOf(line.toString('latin1', 0, blank)),
      name: line.toString('utf8', blank + 1, nul),
      oid,
    });
  }
  return items;
}

export interface TreeLine {
  /** The whole of it, as it stands in the tree. */
  readonly line: Buffer;
  /** Where in it the mode ends, and where the name. */
  readonly blank: number;
  readonly nul: number;
}

export function* treeLines(bytes: Buffer, idBytes: number): Generator<TreeLine> {
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, blank);
    const end = nul + 1 + idBytes;
    if (blank === -1 || nul === -1 || end > bytes.length) throw unreadable();
    yield { line: bytes.subarray(at, end), blank: blank - at, nul: nul - at };
    at = end;
  }
}

/** Old gits wrote other permission bits; git reads them all as one of these. */
export function modeOf(text: string): string {
  if (!/^[0-7]{5,6}$/u.test(text)) throw unreadable();
  const mode = Number.parseInt(text, 8);
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

const unreadable = (): PamError => new PamError('E_GIT', 'a tree object of this clone cannot be read');
