import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PamError } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import { createFile, isMissing, replaceFile } from '../durable-file.ts';
import { withLock } from '../file-lock.ts';
import { EMPTY_KRL, type Krl, parseKrl, printKrl } from './krl.ts';
import { asProviderError } from '../place.ts';

const MODE = 0o644;
const MAX_BYTES = 64 * 1024 * 1024;
const TRIES = 3;

/** The list where hosts read it. A file that is missing or empty revokes nothing yet. */
export async function readKrl(path: string): Promise<Krl> {
  const bytes = await asProviderError('E_PRV_KRL', 'the key revocation list cannot be read', async () => {
    try {
      return await readRegular(path);
    } catch (cause) {
      if (isMissing(cause)) return new Uint8Array();
      throw cause;
    }
  });
  return bytes.length === 0 ? EMPTY_KRL : parseKrl(bytes);
}

/** Through links, but never from a pipe or a device, which could keep this run waiting for ever. */
async function readRegular(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const seen = await file.stat();
    if (!seen.isFile()) throw new PamError('E_PRV_KRL', 'the key revocation list is no regular file');
    if (seen.size > MAX_BYTES) throw new PamError('E_PRV_KRL', 'the key revocation list is too large');
    return await file.readFile();
  } finally {
    await file.close();
  }
}

export interface Revision {
  /** The list as it should be. Called again on the newest list when another writer came in between. */
  readonly revise: (krl: Krl) => Krl;
  /** Is the list on disk good enough to go home? */
  readonly holds: (krl: Krl) => boolean;
  readonly at: Instant;
}

export async function reviseKrl(path: string, { revise, holds, at }: Revision): Promise<void> {
  const file = await realPath(path);
  for (let tries = 0; tries < TRIES; tries += 1) {
    await asProviderError('E_PRV_KRL', 'the key revocation list cannot be written', async () => {
      await withLock(`${file}.lock`, async () => {
        const krl = await readKrl(file);
        if (krl.signed) throw new PamError('E_PRV_KRL', 'the list is signed, a change would break it');
        const temporary = `${file}.${randomUUID()}.tmp`;
        await replaceFile(file, temporary, printKrl(revise(krl), at), MODE);
      });
    });
    if (holds(await readKrl(file))) return;
  }
  throw new PamError('E_PRV_READBACK', 'the key revocation list does not hold what was written');
}

/** Makes the list where there is nothing at all: hosts that cannot find it refuse every certificate. */
export async function makeKrl(path: string, list: () => Promise<Krl>, at: Instant): Promise<void> {
  await asProviderError('E_PRV_KRL', 'the key revocation list cannot be made', async () => {
    if (await isThere(path)) return;
    await createFile(path, `${path}.${randomUUID()}.tmp`, printKrl(await list(), at), MODE);
  });
}

/** Anything of that name, readable or not. */
async function isThere(path: string): Promise<boolean> {
  try {
    const seen = await lstat(path);
    if (seen.isSymbolicLink()) await stat(path);
    return true;
  } catch (cause) {
    if (!isMissing(cause)) return true;
    if ((await lstat(path).catch(() => undefined)) === undefined) return false;
    throw new PamError('E_PRV_KRL', 'the key revocation list is a link to a file that is not there', {
      cause,
    });
  }
}

/**
 * Throws what would keep us from reading the list, or from replacing it. Whoever else may write it, or the directory
 * that it lies in, can take a serial off it again.
 */
export async function examineKrl(path: string, replacing: boolean): Promise<void> {
  const krl = await readKrl(path);
  if (!replacing) return;
  if (krl.signed) throw new PamError('E_PRV_KRL', 'the list is signed, a change would break it');
  const file = await realPath(path);
  const directory = dirname(file);
  await asProviderError('E_PRV_KRL', 'the key revocation list cannot be replaced', async () => {
    await access(directory, constants.W_OK | constants.X_OK);
    const writable = (mode: number): boolean => (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    const list = await stat(file).catch(() => undefined);
    if (writable((await stat(directory)).mode) || (list !== undefined && writable(list.mode))) {
      throw new PamError('E_PRV_KRL', 'the key revocation list may be written by others', {
        hint: 'let nobody but its owner write the list and its directory (chmod go-w)',
      });
    }
  });
}

/** A link stays a link: what it points at is replaced. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    if (isMissing(cause)) return path;
    throw new PamError('E_PRV_KRL', 'the key revocation list cannot be found', { cause });
  }
}
