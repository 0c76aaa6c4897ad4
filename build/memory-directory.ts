/**
 * Where tests put their temporary files: in memory where the machine has room for it. Real git writes each object
 * through to the disk, and on a disk that is a fifth of the time of the tests.
 */
import { accessSync, constants, mkdtempSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const IN_MEMORY = '/dev/shm';
/** A whole run leaves less than 2 GiB behind until it ends. */
const LEAST_FREE_BYTES = 6 * 1024 ** 3;

/** @returns a new directory that the caller removes; `undefined` where the usual one has to do */
export function memoryDirectory(): string | undefined {
  if (process.platform !== 'linux' || process.env['TMPDIR'] !== undefined) return undefined;
  try {
    accessSync(IN_MEMORY, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize < LEAST_FREE_BYTES ? undefined : mkdtempSync(join(IN_MEMORY, 'pam-tests-'));
  } catch {
    return undefined;
  }
}
