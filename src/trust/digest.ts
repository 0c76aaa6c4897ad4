import { createHash, hash } from 'node:crypto';
import type { Sha256 } from '../model/names.ts';

/** `sha256:<hex>` over the exact bytes (a string counts as its UTF-8 bytes). */
export function sha256(bytes: Uint8Array | string): Sha256 {
  return `sha256:${hash('sha256', bytes, 'hex')}` as Sha256;
}

/** The same over these, one behind the other. */
export function sha256OfAll(parts: Iterable<Uint8Array>): Sha256 {
  const all = createHash('sha256');
  for (const part of parts) all.update(part);
  return `sha256:${all.digest('hex')}` as Sha256;
}

/** Digest of a set of files: SHA-256 over its sorted lines `<sha256>  <path>\n` (DESIGN section 5). */
export function treeDigest(files: ReadonlyMap<string, Uint8Array | string>): Sha256 {
  const lines = [...files].map(([path, bytes]) => `${sha256(bytes)}  ${path}\n`);
  return sha256(sortBytes(lines).join(''));
}

/** Sorted by code units (of ASCII: by bytes), not by locale, so that every machine agrees. */
export function sortBytes(texts: Iterable<string>): string[] {
  return [...texts].sort();
}
