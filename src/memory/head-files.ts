/** The files that one kept head is, and how a file of this room is written. */
import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOid, isSha256, type Oid, type Sha256 } from '../model/names.ts';
import { makeDirectories } from '../process/own-places.ts';

export interface KeptHead {
  readonly text: string;
  readonly signature: string | null;
  readonly commit: Oid | null;
}

/** One atomic rename: a reader meets the old file or the new one. */
export function write(path: string, text: string): void {
  const directory = join(path, '..');
  makeDirectories(directory, 0o700);
  const temporary = join(directory, `.${randomBytes(12).toString('hex')}`);
  writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, path);
}

export const headsOf = (home: string, root: Sha256): string =>
  join(home, 'heads', root.slice('sha256:'.length));

export function headIn(
  directory: string,
  owner: string,
  read: (path: string) => string | undefined,
): KeptHead | undefined {
  const text = read(join(directory, `${owner}.head.json`));
  if (text === undefined) return undefined;
  const commit = read(join(directory, `${owner}.head.commit`))?.trim() ?? '';
  const signature = read(join(directory, `${owner}.head.json.sig`)) ?? null;
  return { text, signature, commit: isOid(commit) ? commit : null };
}

export function writeHead(directory: string, owner: string, kept: KeptHead): void {
  if (kept.signature !== null) write(join(directory, `${owner}.head.json.sig`), kept.signature);
  write(join(directory, `${owner}.head.json`), kept.text);
  if (kept.commit !== null) write(join(directory, `${owner}.head.commit`), `${kept.commit}\n`);
}

/** Of a checkpoint that is not verified yet. */
export function rootIn(text: string): Sha256 | undefined {
  return fieldsIn(text)?.root;
}

export function fieldsIn(text: string): { readonly root: Sha256; readonly seq: number } | undefined {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== 'object' || data === null || !('root' in data) || !('seq' in data)) return undefined;
    const { root, seq } = data;
    if (typeof root !== 'string' || !isSha256(root) || typeof seq !== 'number') return undefined;
    return { root, seq };
  } catch {
    return undefined;
  }
}
