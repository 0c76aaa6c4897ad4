/**
 * The object id that Git gives a tree of plain files: it lets a reader see that a ledger commit holds exactly the
 * files that its entry makes, without reading them. The id proves nothing by itself (SHA-1); everything that is
 * then read *out* of such a tree is checked against a SHA-256 of a signed entry.
 */
import { createHash } from 'node:crypto';
import type { Oid } from '../model/names.ts';

type Node = Map<string, Node | Uint8Array | string>;

/** @param like any id of the same repository: 40 hex digits mean SHA-1, 64 mean SHA-256 */
export function gitTreeId(files: ReadonlyMap<string, Uint8Array | string>, like: Oid): Oid {
  const algorithm = like.length === 40 ? 'sha1' : 'sha256';
  const root: Node = new Map();
  for (const [path, content] of files) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let node = root;
    for (const part of parts) {
      const inner = node.get(part);
      const next: Node = inner instanceof Map ? inner : new Map();
      node.set(part, next);
      node = next;
    }
    node.set(name, content);
  }
  return treeId(root, algorithm).toString('hex') as Oid;
}

function treeId(node: Node, algorithm: string): Buffer {
  // Git sorts a directory as if its name ended in a slash.
  const sortName = ([name, child]: [string, unknown]): string => (child instanceof Map ? `${name}/` : name);
  const entries = [...node].sort((a, b) =>
    Buffer.compare(Buffer.from(sortName(a)), Buffer.from(sortName(b))),
  );
  const parts = entries.map(([name, child]) =>
    child instanceof Map
      ? Buffer.concat([Buffer.from(`40000 ${name}\0`), treeId(child, algorithm)])
      : Buffer.concat([Buffer.from(`100644 ${name}\0`), objectId('blob', Buffer.from(child), algorithm)]),
  );
  return objectId('tree', Buffer.concat(parts), algorithm);
}

function objectId(type: string, body: Buffer, algorithm: string): Buffer {
  return createHash(algorithm).update(`${type} ${body.length}\0`).update(body).digest();
}
