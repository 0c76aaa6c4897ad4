/** Git objects as a stranger's own tool would make them: any bytes at all under a right name. No process is started. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Oid } from '../../src/model/names.ts';

export interface TreeLine {
  readonly mode: string;
  readonly name: string;
  readonly oid: string;
}

export function writeObject(gitDir: string, type: string, content: Uint8Array | string): Oid {
  const bytes = Buffer.from(content);
  const whole = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes]);
  const oid = createHash('sha1').update(whole).digest('hex');
  const path = join(gitDir, 'objects', oid.slice(0, 2), oid.slice(2));
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, deflateSync(whole));
  }
  return oid as Oid;
}

/** In the order given, whatever git would say to it. */
export function writeTree(gitDir: string, lines: readonly TreeLine[]): Oid {
  const parts = lines.map(({ mode, name, oid }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
  );
  return writeObject(gitDir, 'tree', Buffer.concat(parts));
}

/** Sorted as git sorts: a directory as if its name ended in a slash. */
export function inTreeOrder(lines: readonly TreeLine[]): TreeLine[] {
  const key = ({ mode, name }: TreeLine): Buffer => Buffer.from(mode === '40000' ? `${name}/` : name);
  return [...lines].sort((a, b) => Buffer.compare(key(a), key(b)));
}

/** A ref as a file, which is what a push leaves behind. */
export function writeRef(gitDir: string, ref: string, oid: string): void {
  const path = join(gitDir, ref);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${oid}\n`);
}
