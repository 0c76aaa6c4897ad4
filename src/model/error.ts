/**
 * How pam fails: a stable code, a sentence, a hint, a cause. Library code throws `PamError`; `main.ts` alone
 * turns one into text and an exit code. Sentences start in lower case and end without a full stop.
 */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  invalid: 4,
  refused: 5,
  pending: 8,
  work: 10,
  integrity: 20,
  bug: 70,
  interrupted: 130,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** One problem in one document. Lines and columns count from 1. `path` is a JSON pointer inside the document. */
export interface Issue {
  readonly file: string;
  readonly line?: number;
  readonly col?: number;
  readonly path?: string;
  readonly code: string;
  readonly message: string;
}

export interface PamErrorOptions {
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
    readonly code: string,
    message: string,
    options: PamErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.issues = options.issues ?? [];
    this.exit = options.exit ?? exitOf(code);
  }
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

/** The exit class that a code stands for (DESIGN section 9). */
export function exitOf(code: string): Exit {
  if (code === 'E_REQ_CONSUMED' || code === 'E_REQ_ID_TAKEN') return EXIT.refused;
  if (code === 'E_USAGE') return EXIT.usage;
  if (code === 'E_BUG') return EXIT.bug;
  if (code === 'E_INTERRUPTED') return EXIT.interrupted;
  if (/^E_(REQ|YAML|PR|CONFIG)_/u.test(code)) return EXIT.invalid;
  if (code.startsWith('E_LED_')) return EXIT.integrity;
  if (/^E_(POL|APR|KEY|SIG|SK|RSA)_/u.test(code) || SIGNATURE_CODES.has(code)) return EXIT.refused;
  return EXIT.failed;
}

/** The attack catalogue's names for what can be wrong with one SSHSIG. */
const SIGNATURE_CODES: ReadonlySet<string> = new Set([
  'E_ARMOR',
  'E_B64_NONCANONICAL',
  'E_BAD_STRING',
  'E_CURVE',
  'E_HASH',
  'E_KEYLEN',
  'E_KEYTYPE',
  'E_MAGIC',
  'E_MPINT',
  'E_NAMESPACE',
  'E_NAMESPACE_EMPTY',
  'E_RESERVED',
  'E_SIGALG',
  'E_SIGNATURE',
  'E_STATEMENT',
  'E_TRAILING',
  'E_TRUNCATED',
  'E_VERSION',
]);
