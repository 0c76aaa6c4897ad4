/** Objects that are not in Git yet: their bytes, their ids, and the pack in which git takes them. */
import { createHash } from 'node:crypto';
import type { Oid } from '../model/names.ts';
import { objectId } from '../trust/git-tree-id.ts';

export type ObjectFormat = 'sha1' | 'sha256';

export interface NewObject {
  readonly type: 'commit' | 'tree' | 'blob';
  readonly body: Uint8Array;
}

export const idOf = ({ type, body }: NewObject, format: ObjectFormat): Oid =>
  objectId(type, body, format).toString('hex') as Oid;

const PACK_TYPES = { commit: 1, tree: 2, blob: 3 } as const;

/** A pack of whole objects: gitformat-pack(5), version 2. */
export async function printPack(objects: readonly NewObject[], format: ObjectFormat): Promise<Buffer> {
  // Only here: most runs write nothing.
  const { deflateSync } = await import('node:zlib');
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(objects.length, 8);
  const parts = objects.flatMap(({ type, body }) => [
    sizeOf(PACK_TYPES[type], body.length),
    deflateSync(body, { level: 1 }),
  ]);
  const pack = Buffer.concat([head, ...parts]);
  return Buffer.concat([pack, createHash(format).update(pack).digest()]);
}

/** Type and size in one number: four bits of the size in the first byte, seven in each that follows. */
function sizeOf(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let now = (type << 4) | (size & 15);
  for (let rest = size >>> 4; rest > 0; rest >>>= 7) {
    bytes.push(now | 0x80);
    now = rest & 0x7f;
  }
  return Buffer.from([...bytes, now]);
}
