/**
 * pam, carried along in an access repository: the very files that run now, below `.github/pam`, where workflows find
 * them without fetching anything. Their digest is what `PAM_BUNDLE` names.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { plainFilesBelow, readPlainFile } from '../files/plain-file.ts';
import { PamError } from '../model/error.ts';
import type { Sha256 } from '../model/names.ts';
import { treeDigest } from '../trust/digest.ts';

export const VENDORED = '.github/pam';

/** The running program. */
export interface Program {
  /** Where its `bin` and `dist` lie. */
  readonly directory: string;
  readonly version: string;
}

/** By path below `.github/pam`. Compiled code that the build left beside the program stays where it is. */
export async function programFiles({ directory, version }: Program): Promise<ReadonlyMap<string, string>> {
  const dist = (await readdir(join(directory, 'dist'))).filter((name) => name.endsWith('.cjs')).sort();
  const paths = ['bin/pam.js', 'bin/package.json', ...dist.map((name) => `dist/${name}`)];
  const files = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(directory, path), 'utf8')] as const),
  );
  const manifest = { name: 'pam', version, private: true };
  return new Map([['package.json', `${JSON.stringify(manifest, null, 2)}\n`], ...files]);
}

/** What lies there now; `undefined` when nothing does. */
export function vendoredDigest(place: string): Sha256 | undefined {
  const top = join(place, VENDORED);
  const unreadable = (what: string): PamError =>
    new PamError('E_USAGE', `${VENDORED} cannot be read: ${what}`, { hint: 'remove it by hand' });
  refuseLink(place);
  const paths = plainFilesBelow(top, MOST_FILES);
  if (paths === undefined) throw unreadable('it holds too many files');
  const files = new Map<string, Uint8Array>();
  for (const path of paths) {
    const file = readPlainFile(join(top, path), PROGRAM_FILE_MAX_BYTES, place);
    if (file.state === 'unreadable') throw unreadable(`${path} ${file.why}`);
    if (file.state === 'read') files.set(path, file.bytes);
  }
  return files.size === 0 ? undefined : treeDigest(files);
}

const MOST_FILES = 10_000;
const PROGRAM_FILE_MAX_BYTES = 64 * 1024 * 1024;

/** Makes room for a newer one. A link on the way could lead out of the clone, so there must be none. */
export async function removeVendored(place: string): Promise<void> {
  refuseLink(place);
  await rm(join(place, VENDORED), { recursive: true, force: true });
}

function refuseLink(place: string): void {
  const top = join(place, VENDORED);
  if (lstatSync(top, { throwIfNoEntry: false }) === undefined) return;
  if (realpathSync(top) === join(realpathSync(place), VENDORED)) return;
  throw new PamError('E_USAGE', `${VENDORED} is reached through a link`, { hint: 'remove it by hand' });
}
