/** One question about settings. What cannot be seen is told as unknown, each with the way to see it. */
import type { ErrorCode } from '../../model/error-codes.ts';
import type { Setting } from '../../model/forge.ts';
import { expected, PamError } from '../../model/error.ts';

/** @param what the setting in a few words, for when it stays unknown */
export async function lookAt(
  code: ErrorCode,
  what: string,
  look: () => Promise<readonly Setting[]>,
): Promise<readonly Setting[]> {
  try {
    return await look();
  } catch (cause) {
    const error = expected(cause);
    const hint = error.hint ?? 'try again later';
    return [{ code, ok: null, message: `${what}: ${error.message}`, hint }];
  }
}

/** It is not there, for an account that would see it. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof PamError && error.code === 'E_FORGE_NOT_FOUND';
