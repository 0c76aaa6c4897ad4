/**
 * Where a fetch puts what it brings: a directory of its own beside the clone's objects, as receive-pack has one. What
 * came whole is moved over; what was stopped half way is gone with its directory, and so are its temporary packs. Its
 * size is what that fetch has brought so far, for git has no bound in bytes of its own when it fetches.
 */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from '../files/plain-file.ts';
import { PamError } from '../model/error.ts';

export interface Incoming {
  /** For git: `GIT_OBJECT_DIRECTORY`. */
  readonly directory: string;
  /** For git: the clone's own, as `GIT_ALTERNATE_OBJECT_DIRECTORIES` wants to read it. */
  readonly alternates: string;
  /** Bytes so far. */
  readonly size: () => number;
  readonly keep: () => void;
  /** To be called at the end, kept or not. */
  readonly remove: () => void;
}

/** @param objects of the clone; `git gc` removes what a killed process left there by this name */
export function openIncoming(objects: string): Incoming {
  const directory = made(objects);
  return {
    directory,
    alternates: `"${objects.replace(/["\\]/gu, String.raw`\$&`)}"`,
    size: () => sizeOf(directory),
    keep: () => {
      try {
        keepObjects(directory, objects);
      } catch (cause) {
        throw takesNone(objects, cause);
      }
    },
    remove: () => {
      // A git that was killed may still have a child that writes.
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

function made(objects: string): string {
  try {
    const directory = mkdtempSync(join(objects, 'tmp_objdir-incoming-'));
    mkdirSync(join(directory, 'pack'));
    return directory;
  } catch (cause) {
    throw takesNone(objects, cause);
  }
}

/** A full disk, a directory that is another user's or no directory: a fault of this clone, which the caller tells. */
const takesNone = (objects: string, cause: unknown): PamError =>
  new PamError('E_GIT_WRITE', `${objects} takes no new objects: ${messageOf(cause)}`, {
    hint: 'is its disk full, and is it this user who may write there?',
    cause,
  });

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

function sizeOf(directory: string): number {
  let sum = 0;
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name);
    // It may be gone, or have got its final name, since it was listed.
    if (entry.isDirectory()) sum += sizeOf(path);
    else sum += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}

/** An index last: git looks for packs by their indices. What is there already is the same, for its name is its digest. */
function keepObjects(from: string, to: string): void {
  for (const { name } of entriesOf(from)) {
    if (name !== 'pack' && !/^[0-9a-f]{2}$/u.test(name)) continue;
    mkdirSync(join(to, name), { recursive: true });
    const files = readdirSync(join(from, name)).filter((file) => !/^tmp_|\.keep$/u.test(file));
    const indices = files.filter((file) => file.endsWith('.idx'));
    for (const file of [...files.filter((one) => !one.endsWith('.idx')), ...indices]) {
      const place = join(to, name, file);
      if (!existsSync(place)) renameSync(join(from, name, file), place);
    }
  }
}
