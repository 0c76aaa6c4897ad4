/** Reading and moving the clone's refs. A move is one transaction that names the old values: a compare-and-swap. */
import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { PamError } from '../model/error.ts';
import { isOid, type Oid } from '../model/names.ts';
import { readRef, readRefs } from './read-ref.ts';
import { checkRef } from './ref-names.ts';
import { gitError, type RepositoryPlace, type Sealed } from './sealed.ts';

/** `to: null` deletes; `old: null` means that the ref must not exist. */
export interface RefChange {
  readonly ref: string;
  readonly to: Oid | null;
  readonly old: Oid | null;
}

export interface Refs {
  readonly refs: (prefixes: readonly string[]) => Promise<ReadonlyMap<string, Oid>>;
  readonly resolve: (ref: string) => Promise<Oid | undefined>;
  readonly change: (changes: readonly RefChange[]) => Promise<boolean>;
}

export function openRefs(sealed: Sealed, place: RepositoryPlace): Refs {
  const refs: Refs['refs'] = async (prefixes) => {
    if (prefixes.length === 0) return new Map();
    // Git matches whole directories of refs; the exact prefix is matched here.
    const directories = new Set(prefixes.map((prefix) => prefix.slice(0, prefix.lastIndexOf('/') + 1)));
    for (const directory of directories) checkRef(`${directory}x`);
    return await Promise.resolve(readRefs(place.gitDir, prefixes));
  };
  return {
    refs,
    resolve: async (ref) => await Promise.resolve(readRef(place.gitDir, checkRef(ref)) ?? undefined),
    change: async (changes) => await changeRefs(sealed, place, changes),
  };
}

/** Lines `<oid><blank or tab><ref>`. */
export function parseRefs(text: string): readonly (readonly [string, Oid])[] {
  return text.split('\n').flatMap((line) => {
    const [, oid, ref] = /^([0-9a-f]+)[ \t](.+)$/u.exec(line) ?? [];
    return oid !== undefined && ref !== undefined && isOid(oid) ? [[ref, oid] as const] : [];
  });
}

async function changeRefs(
  sealed: Sealed,
  place: RepositoryPlace,
  changes: readonly RefChange[],
): Promise<boolean> {
  if (changes.length === 0) return true;
  const nothing = '0'.repeat(place.objectFormat === 'sha256' ? 64 : 40);
  const lines = changes.map(({ ref, to, old }) => {
    checkRef(ref);
    if ([to, old].some((oid) => oid !== null && !isOid(oid))) {
      throw new PamError('E_BUG', `moving ${ref}: not an object id`);
    }
    const before = old ?? nothing;
    return to === null ? `delete ${ref}\0${before}\0` : `update ${ref}\0${to}\0${before}\0`;
  });
  const stdin = lines.map((line) => `option no-deref\0${line}`).join('');
  checkFiles(place, changes);
  const { code, stderr } = await sealed.withRefs(['update-ref', '--stdin', '-z'], { stdin });
  if (code === 0) return true;
  if (lostTheRace(stderr)) return false;
  if (stderr.includes('.lock')) {
    const lock = lockIn(stderr, changes, place);
    throw new PamError('E_GIT_LOCK', `the lock ${lock} stays where it is`, {
      hint: `if no git is at work in that clone, one died there: remove ${lock}`,
      cause: gitError('git update-ref failed', stderr),
    });
  }
  throw gitError('git could not move a ref', stderr, 'E_GIT_REF');
}

/** Git opens these when it moves a ref, and would wait for a pipe for ever and read a link to `/dev/zero` to no end. */
function checkFiles({ gitDir }: RepositoryPlace, changes: readonly RefChange[]): void {
  for (const name of ['packed-refs', ...changes.map(({ ref }) => ref)]) {
    const file = entryAt(join(gitDir, name));
    if (file === undefined || file.isFile()) continue;
    // A directory of that name is in the way of a ref, which git tells.
    if (file.isDirectory() && name !== 'packed-refs') continue;
    throw new PamError('E_GIT_FILES', `${name} of this clone is no regular file`, {
      hint: 'make a fresh clone',
    });
  }
}

/** A file of the name of one of its directories is in the way of a ref, which git tells as well. */
function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Where it lies in the clone: git works in a directory of ours that borrows the clone's refs, and names that one. */
function lockIn(stderr: string, changes: readonly RefChange[], { gitDir }: RepositoryPlace): string {
  const named = /'([^'\n]+\.lock)'/u.exec(stderr)?.[1];
  const borrowed = /\/pam-git-[^/]+\/(refs\/.+)$/u.exec(named ?? '')?.[1];
  if (borrowed !== undefined) return join(gitDir, borrowed);
  return named ?? join(gitDir, `${changes[0]?.ref ?? 'packed-refs'}.lock`);
}

function lostTheRace(stderr: string): boolean {
  return /but expected|reference already exists|unable to resolve reference|reference is missing/u.test(
    stderr,
  );
}
