/** The words of a ledger case and of a history (test/vectors/ledger/README.md says what each means). */

export interface ApproverWord {
  readonly who: string;
  readonly key?: string;
  readonly at?: string;
  readonly capacity?: 'named' | 'fallback';
  readonly because?: string;
  /** The name of another request that was really approved. */
  readonly request?: string;
  readonly bytes?: 'others';
  readonly root?: 'another';
  readonly ledger?: 'another';
  /** Fields of the exact grant that the signer saw otherwise. */
  readonly saw?: Readonly<Record<string, unknown>>;
  /** What the text says after it was signed: [what it said, what it says]. */
  readonly reworded?: readonly [string, string];
  /** How the armor is written, where not as ssh-keygen does. */
  readonly spelt?: 'crlf' | 'blank line before';
}

export interface EventWord {
  readonly genesis?: true;
  readonly policy?: string;
  readonly seq?: number;
  readonly seen?: string;
  readonly scheduled?: string;
  readonly granting?: string;
  readonly granted?: string;
  readonly failed?: string;
  readonly refused?: string;
  readonly stopped?: string;
  readonly ending?: string;
  readonly revoked?: string;
  readonly revoke_failed?: string;
  readonly heartbeat?: number;
  readonly by?: string | readonly (string | ApproverWord)[];
  readonly at?: string;
  readonly key?: string;
  readonly code?: string;
  readonly cause?: string;
  readonly attempt?: number;
  /** A `seen` with `stopper_keys`, as the policy in force lists them. */
  readonly keyed?: true;
  /** A `seen` of the same bytes, which their requester signed (anew) then. */
  readonly signed?: string;
  /** The grant rests on the statement over the same bytes that was signed then, instead of the one that was seen. */
  readonly statement?: string;
}

export interface EntryWord {
  readonly n: number | string;
  readonly at: string;
  readonly events: readonly EventWord[];
  readonly executor?: string;
  readonly key?: string;
  readonly namespace?: string;
  readonly main?: string;
  /** Follows this entry of the story instead of the newest. */
  readonly on?: number | string;
  /** JSON pointer -> value, before the entry is signed. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly unset?: readonly string[];
  readonly message?: string;
  /** Files of the commit beside or instead of what the entry makes; `null` leaves one out. */
  readonly files?: Readonly<Record<string, string | null>>;
}

export interface History {
  readonly about: string;
  readonly now: string;
  readonly policies: Readonly<Record<string, string>>;
  readonly entries: readonly EntryWord[];
}

export interface Tampering {
  readonly drop?: number | string;
  readonly truncate?: number | string;
  readonly swap?: readonly [number | string, number | string];
  readonly exchange?: readonly [number | string, number | string];
  readonly repeat?: number | string;
  readonly copy?: number | string;
  readonly crlf?: number | string;
  readonly sign?: number | string;
  readonly relink?: number | string;
  readonly replace?: number | string;
  readonly write?: number | string;
  readonly remove?: number | string;
  readonly mode?: number | string;
  readonly message?: number | string;
  readonly empty?: number | string;
  readonly merge?: number | string;
  readonly second_genesis?: string;
  readonly key?: string;
  readonly executor?: string;
  readonly namespace?: string;
  readonly file?: string;
  readonly from?: string;
  readonly to?: string;
  readonly text?: string;
  readonly is?: string;
  readonly with?: number | string;
  readonly joined?: 'first' | 'last' | 'alone';
}

export interface FindingWord {
  readonly code: string;
  /** A number, or `8..12` for each of them. */
  readonly seq: number | string;
}

export interface Case {
  readonly about: string;
  readonly rows: readonly string[];
  readonly history: string;
  readonly up_to?: number;
  readonly lies?: Readonly<Record<string, Partial<EntryWord>>>;
  readonly policies?: Readonly<Record<string, string>>;
  readonly entries?: readonly EntryWord[];
  readonly tamper?: readonly Tampering[];
  readonly root?: 'given' | 'none' | 'another';
  readonly now?: string;
  readonly checkpoint?: {
    readonly seq: number;
    readonly of?: number | string;
    readonly head?: 'another';
    readonly root?: 'another';
    readonly text?: string;
  };
  readonly expect: {
    readonly ok?: boolean;
    readonly seq?: number;
    readonly first_bad?: number;
    readonly findings?: readonly FindingWord[];
    readonly error?: string;
  };
}

const ENTRY = [
  'at',
  'events',
  'executor',
  'key',
  'namespace',
  'main',
  'on',
  'set',
  'unset',
  'message',
  'files',
];

/** Where the words of each kind are allowed; a misspelt word must not pass unnoticed. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  case: [
    'about',
    'rows',
    'history',
    'up_to',
    'lies',
    'policies',
    'entries',
    'tamper',
    'root',
    'now',
    'checkpoint',
    'expect',
  ],
  history: ['about', 'now', 'policies', 'entries'],
  entries: ['n', ...ENTRY],
  lies: ENTRY,
  events: [
    'genesis',
    'policy',
    'seq',
    'seen',
    'scheduled',
    'granting',
    'granted',
    'failed',
    'refused',
    'stopped',
    'ending',
    'revoked',
    'revoke_failed',
    'heartbeat',
    'by',
    'at',
    'key',
    'code',
    'cause',
    'attempt',
    'keyed',
    'signed',
    'statement',
  ],
  by: [
    'who',
    'key',
    'at',
    'capacity',
    'because',
    'request',
    'bytes',
    'root',
    'ledger',
    'saw',
    'reworded',
    'spelt',
  ],
  tamper: [
    'drop',
    'truncate',
    'swap',
    'exchange',
    'repeat',
    'copy',
    'crlf',
    'sign',
    'relink',
    'replace',
    'write',
    'remove',
    'mode',
    'message',
    'empty',
    'merge',
    'second_genesis',
    'key',
    'executor',
    'namespace',
    'file',
    'from',
    'to',
    'text',
    'is',
    'with',
    'joined',
  ],
  checkpoint: ['seq', 'of', 'head', 'root', 'text'],
  expect: ['ok', 'seq', 'first_bad', 'findings', 'error'],
  findings: ['code', 'seq'],
};

/** Throws at the first word that nobody reads. */
export function checkWords(kind: string, value: unknown): void {
  if (Array.isArray(value)) {
    for (const one of value) checkWords(kind, one);
    return;
  }
  const allowed = WORDS[kind];
  if (allowed === undefined || typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    // A case names the entries that it lies in; what stands below is an entry's words.
    const byEntry = kind === 'lies' && /^\d/u.test(key);
    if (!byEntry && !allowed.includes(key)) {
      throw new TypeError(`${kind} has no "${key}"; it has ${allowed.join(', ')}`);
    }
    checkWords(byEntry ? 'lies' : key, inner);
  }
}
