import type { ErrorCode } from '../model/error-codes.ts';
import { isAbsolute } from 'node:path';
import { expected, Interrupted, PamError } from '../model/error.ts';
import type { Order, TargetPlace } from '../model/target.ts';
import { type RunOptions, type RunResult, run } from '../process/run.ts';

/** The text at `config[key]`; schema has checked it, a recorded config may be older than the schema. */
export function configText(place: TargetPlace, key: string): string | undefined {
  const value = place.config[key];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new PamError('E_PRV_CONFIG', `${key} of target ${place.target} is not a text`);
}

/** The absolute path held by the environment variable that `config[key]` names. */
export function pathFromEnvironment(place: TargetPlace, key: string): string {
  const name = configText(place, key);
  if (name === undefined) throw new PamError('E_PRV_CONFIG', `target ${place.target} has no ${key}`);
  const path = place.env[name];
  if (path === undefined || path === '') {
    throw new PamError('E_PRV_ENV', `environment variable ${name} of target ${place.target} is not set`, {
      hint: `set ${name} to an absolute path`,
    });
  }
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new PamError('E_PRV_ENV', `environment variable ${name} does not hold an absolute path`);
  }
  return path;
}

const LONGEST_MS = 30_000;

/** How long a program may run for this call; throws `E_PRV_TOO_LATE` when no time is left at all. */
export function timeLimitMs(order: Order, longestMs: number = LONGEST_MS): number {
  if (!(order.within > 0)) throw new PamError('E_PRV_TOO_LATE', `no time is left to act on ${order.id}`);
  return Math.min(longestMs, order.within * 1000);
}

/**
 * Runs one of the system's own programs for this target: nothing of our environment but `PATH`. Throws
 * `E_PRV_MISSING` when it is not installed, `E_PRV_TIMEOUT` or `E_PRV_PROGRAM` when it does not run to its end.
 */
export async function runSealed(
  place: TargetPlace,
  program: string,
  args: readonly string[],
  options: Pick<RunOptions, 'cwd'> & { readonly home: string; readonly timeoutMs?: number },
): Promise<RunResult> {
  // Administration programs live in sbin, which is not on everybody's PATH.
  const path = `${place.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
  try {
    return await run(program, args, {
      env: { PATH: path, HOME: options.home, LC_ALL: 'C', TZ: 'UTC' },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      timeoutMs: options.timeoutMs ?? LONGEST_MS,
      maxBytes: 64 * 1024,
      // Without a terminal to ask on, a key with a passphrase is an error instead of a hanging prompt.
      ownGroup: true,
    });
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    if (cause instanceof PamError && cause.code === 'E_RUN_MISSING') {
      throw new PamError('E_PRV_MISSING', `${program} is not installed`, {
        cause,
        hint: `install ${program} and make sure that it is in PATH`,
      });
    }
    throw new PamError(codeOf(cause, 'E_PRV_PROGRAM'), `${program} did not run to its end`, { cause });
  }
}

/** A target that was silent is told apart from one that said no: its caller may give up on it. */
export function codeOf(cause: unknown, otherwise: ErrorCode): ErrorCode {
  return cause instanceof PamError && cause.code === 'E_RUN_TIMEOUT' ? 'E_PRV_TIMEOUT' : otherwise;
}

/** Whatever the file system throws becomes a provider's error; one that says more already stays as it is. */
export async function asProviderError<T>(
  code: ErrorCode,
  message: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof PamError || cause instanceof Interrupted
      ? cause
      : new PamError(code, message, { cause });
  }
}

/** What each of these looks threw, for `examine`: all of it at once. */
export async function faultsOf(looks: readonly (() => Promise<unknown>)[]): Promise<readonly PamError[]> {
  const faults: PamError[] = [];
  for (const look of looks) {
    try {
      await look();
    } catch (cause) {
      const error = expected(cause);
      faults.push(error);
    }
  }
  return faults;
}
