/**
 * The commit that one full ref name stands for, read from the files of the clone as git writes them: a loose file,
 * else its line in `packed-refs`. Anything else (a symbolic ref, a link) is left for git itself to answer.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOid, type Oid } from '../model/names.ts';

/** `null`: there is no such ref; `undefined`: these files do not say it plainly. */
export function readRef(gitDir: string, ref: string): Oid | null | undefined {
  // Loose first: git writes the packed line before it removes the loose file.
  const loose = contentOf(join(gitDir, ref), LOOSE_MAX_BYTES);
  if (loose === undefined) return undefined;
  if (loose !== null) return oidOf(loose.replace(/\n$/u, ''));
  const packed = contentOf(join(gitDir, 'packed-refs'), PACKED_MAX_BYTES);
  if (packed === undefined) return undefined;
  const line = packed?.split('\n').find((one) => one.endsWith(` ${ref}`));
  return line === undefined ? null : oidOf(line.slice(0, line.indexOf(' ')));
}

const oidOf = (text: string): Oid | undefined => (isOid(text) ? text : undefined);

const LOOSE_MAX_BYTES = 1024;
const PACKED_MAX_BYTES = 64 * 1024 * 1024;

function contentOf(path: string, maxBytes: number): string | null | undefined {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile()) return stat.isDirectory() ? null : undefined;
    return stat.size > maxBytes ? undefined : readFileSync(path, 'utf8');
  } catch (error) {
    // ENOTDIR: another ref stands where a directory of this one would.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : undefined;
  }
}
