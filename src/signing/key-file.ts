/**
 * Opens a key file that a person or an executor named. Links are followed (secrets are often mounted as links), but what
 * is no regular file is not read, a pipe is not waited for, and no more bytes than asked for are taken.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;

export interface KeyFile {
  readonly bytes: Buffer;
  /** As of the open file, not of whatever stands under its name later. */
  readonly mode: number;
}

/** `undefined` where there is nothing that can be read, or more than `maxBytes`. Never throws. */
export function readKeyFile(path: string, maxBytes: number): KeyFile | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    const bytes = Buffer.alloc(stat.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(handle, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return { bytes: bytes.subarray(0, length), mode: stat.mode };
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
