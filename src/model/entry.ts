import type { Duration, Instant } from './instant.ts';
import type { Fingerprint, Sha256 } from './names.ts';
import type { Signed } from './statement.ts';

/**
 * One ledger entry: `entry.json`, one line of JSON and LF, signed as those exact bytes (DESIGN section 5).
 * Field names are the document's own, so that what the code says is what `git show` shows.
 */
export interface Entry {
  /** Digest of entry 0; `null` in entry 0 itself. */
  readonly root: Sha256 | null;
  readonly seq: number;
  readonly previous: Sha256 | null;
  readonly at: Instant;
  readonly executor: string;
  /** Digest of the policy in force after this entry. */
  readonly policy: Sha256;
  /** Digest of `open/` after this entry. */
  readonly index: Sha256;
  /** The commit of main that an `apply` entry read; its presence is what makes the entry an apply entry. */
  readonly main?: string;
  readonly events: readonly LedgerEvent[];
}

export interface ReasonNote {
  readonly code: string;
  readonly message: string;
}

/** Long enough to say what happened; short enough that no target's chatter bloats the ledger. */
const LONGEST_NOTE = 1000;

export function reasonNote({ code, message }: ReasonNote): ReasonNote {
  // A cut, or a target, may leave half a surrogate pair, which no ledger entry may hold.
  return { code, message: message.slice(0, LONGEST_NOTE).replace(/\p{Surrogate}/gu, '\ufffd') };
}

/** A certificate serial on `ssh-ca`; just a number that is never used twice elsewhere. */
export interface Handle {
  readonly serial: number;
}

/** A request with all that proves it: kept in the ledger so that audit can decide again. */
export interface Evidence {
  /** The request file's bytes (they are UTF-8 by rule). */
  readonly request: string;
  /** The requester's signed statement over those bytes. */
  readonly statement: Signed;
  readonly approvals: readonly Signed[];
}

/** The exact grant as written down: all that a revoker needs, whatever happens to policy later. */
export interface GrantTerms {
  readonly subject: string;
  readonly role: string;
  readonly target: string;
  readonly provider: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly login: string;
  readonly permissions: readonly string[];
  /** `<type> <base64>` where the provider needs one. */
  readonly login_key: string | null;
  readonly duration: Duration;
  readonly start: Instant | null;
  readonly incident: string | null;
  readonly approvers: readonly string[];
  /** Keys whose compromise ends the grant. */
  readonly keys: readonly Fingerprint[];
  readonly end: Instant;
}

/** The keys that policy lists for each person (or service) who may stop a request, at the moment of `seen`. */
export type StopperKeys = Readonly<Record<string, readonly Fingerprint[]>>;

/**
 * What events look like, by their type. Each says so in its own file (`rules/events/`), which adds a line here by
 * declaration merging.
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface
export interface EventShapes {}
export type EventType = keyof EventShapes;
export type EventOf<T extends EventType> = EventShapes[T];
export type LedgerEvent = EventShapes[EventType];

/** What a target gave and what was read back. Never a secret. */
export interface Receipt {
  /** Only certificates: one `<type> <base64>` line. */
  readonly certificate?: string;
  /** Only plugins: their own words, kept so that revoking can name them. */
  readonly handle?: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Whether and when the access was used, where a target can say. */
export interface Usage {
  readonly used: boolean;
  readonly last?: Instant;
}
