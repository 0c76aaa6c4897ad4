/**
 * How pam fails: a stable code, a sentence, a hint, a cause. Library code throws `PamError`; `main.ts` alone
 * turns one into text and an exit code. Sentences start in lower case and end without a full stop.
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import { ERROR_HINTS } from './error-hints.ts';
import { EXIT, type Exit } from './exit.ts';

export { type ErrorCode, EXIT, type Exit };

/** One problem in one document. Lines and columns count from 1. `path` is a JSON pointer inside the document. */
export interface Issue {
  readonly file: string;
  readonly line?: number;
  readonly col?: number;
  readonly path?: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** `file:line:col`, as far as they are known; empty where there is no file. */
export const placeOfIssue = ({ file, line, col }: Issue): string =>
  [file, line, col].filter((part) => part !== undefined && part !== '').join(':');

export interface PamErrorOptions {
  /** What to do about it, here; without it (or empty) the one of the code is told. */
  readonly hint?: string;
  readonly issues?: readonly Issue[];
  readonly cause?: unknown;
  /** Overrides the class that the code implies, e.g. any code found while loading policy is `invalid`. */
  readonly exit?: Exit;
}

export class PamError extends Error {
  override readonly name = 'PamError';
  readonly hint: string | undefined;
  readonly issues: readonly Issue[];
  readonly exit: Exit;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: PamErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint === '' ? undefined : options.hint;
    this.issues = options.issues ?? [];
    this.exit = options.exit ?? exitOf(code);
  }
}

/** What to do about it: no error is told without. */
export const hintOf = ({ code, hint }: PamError): string => hint ?? ERROR_HINTS[code];

/** The same of a code that an entry holds; `undefined`: an older or newer build wrote it. */
export const hintOfCode = (code: string): string | undefined =>
  Object.hasOwn(ERROR_HINTS, code) ? ERROR_HINTS[code as ErrorCode] : undefined;

/** The error as one that pam foresees. Anything else is a bug and is thrown on, so no answer is made of it. */
export function expected(error: unknown): PamError {
  if (error instanceof PamError) return error;
  throw error;
}

/** Why it failed, where going on without it is an answer; `undefined`: it did not. What pam does not foresee is thrown on. */
export async function failureOf(work: Promise<unknown>): Promise<PamError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return expected(error);
  }
}

/** Marks a promise as handled; its error is thrown where it is awaited. */
export function handledLater(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}

/** A program that was asked did not answer at all: that says nothing about what it was asked for. */
export const gaveNoAnswer = (error: unknown): boolean =>
  error instanceof PamError && error.code.startsWith('E_RUN');

/**
 * Ctrl-C, SIGTERM or a closed terminal, before anything was begun. It is no `PamError`: code that turns errors into
 * answers ("unreadable", "not fetched", "failed at the target") lets it pass, so no answer is made of an interrupt.
 */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor() {
    super('interrupted: nothing was signed and nothing was changed');
  }
}

/** What git sent before an interrupt ended it may be held up at the remote (a hook, a slow line): absence proves nothing. */
export const mayStillArrive = (): PamError =>
  new PamError(
    'E_INTERRUPTED',
    'interrupted while it was being published: the remote does not hold it, but may still take it',
    { hint: 'look again in a minute with `pam status`; what is out by then is taken back with `pam deny`' },
  );

/** The exit class that a code stands for (DESIGN section 9); of a code that an older or newer build wrote: "failed". */
export const exitOf = (code: string): Exit =>
  EXIT[Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as ErrorCode].exit : 'failed'];
