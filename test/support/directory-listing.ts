/** All that a directory holds, a line each, so that two looks at it can be compared. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Path, mode, time of the last change, and digest or link. */
export function listingOf(dir: string): string {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => `${path} ${told(join(dir, path))}`)
    .join('\n');
}

function told(path: string): string {
  const stat = lstatSync(path);
  const what = stat.isSymbolicLink()
    ? readlinkSync(path)
    : stat.isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : '-';
  return `${stat.mode.toString(8)} ${stat.mtimeMs} ${what}`;
}
