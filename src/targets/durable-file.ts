import { chmod, link, open, rename, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces `path` so that readers see the old bytes or the new ones, whatever crashes: a temporary file beside it,
 * fsync, `check`, rename, fsync of the directory. `temporary` must be a name that no reader looks at.
 */
export async function replaceFile(
  path: string,
  temporary: string,
  bytes: Uint8Array | string,
  mode: number,
  check: () => Promise<void> = async () => undefined,
): Promise<void> {
  await withFinished(temporary, bytes, mode, async () => {
    await check();
    await rename(temporary, path);
  });
  await syncDirectory(dirname(path));
}

/** The same where there is nothing yet: a second name for the finished file never takes another file's place. */
export async function createFile(
  path: string,
  temporary: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  await withFinished(temporary, bytes, mode, async () => {
    try {
      await link(temporary, path);
    } catch (cause) {
      // Another writer came first.
      if (!hasCode(cause, 'EEXIST')) throw cause;
    }
  });
  await syncDirectory(dirname(path));
}

async function withFinished(
  temporary: string,
  bytes: Uint8Array | string,
  mode: number,
  put: () => Promise<void>,
): Promise<void> {
  try {
    await rm(temporary, { force: true });
    // Exclusive: a link that was put there is not followed.
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, mode);
    await put();
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes a file for good; one that is not there is success. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
  }
  await syncDirectory(dirname(path));
}

export function isMissing(cause: unknown): boolean {
  return hasCode(cause, 'ENOENT');
}

export function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
