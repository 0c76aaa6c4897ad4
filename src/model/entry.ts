import type { Duration, Instant } from './instant.ts';
import type { Fingerprint, RequestId, Sha256 } from './names.ts';
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

export interface GenesisEvent {
  readonly type: 'genesis';
  readonly id: '-';
  /** Digest of policy 1 and of each of its files. */
  readonly policy: Sha256;
  readonly files: Readonly<Record<string, Sha256>>;
  readonly nonce: string;
}
export interface PolicyEvent {
  readonly type: 'policy';
  readonly id: '-';
  readonly seq: number;
  readonly digest: Sha256;
  readonly statements: readonly Signed[];
}
/** The keys that policy lists for each person (or service) who may stop a request, at the moment of `seen`. */
export type StopperKeys = Readonly<Record<string, readonly Fingerprint[]>>;

export interface SeenEvent {
  readonly type: 'seen';
  readonly id: RequestId;
  readonly request_sha256: Sha256;
  readonly signature_sha256: Sha256;
  readonly proposal: string;
  readonly requester: string;
  readonly subject: string;
  readonly role: string;
  /** Person -> keys (sorted), of everybody who may stop it. Entries of earlier builds have none. */
  readonly stopper_keys?: StopperKeys;
}
export interface RefusedEvent {
  readonly type: 'refused';
  readonly id: RequestId;
  readonly request_sha256: Sha256;
  readonly reasons: readonly ReasonNote[];
}
export interface ScheduledEvent {
  readonly type: 'scheduled';
  readonly id: RequestId;
  readonly evidence: Evidence;
  readonly grant: GrantTerms;
}
export interface GrantingEvent {
  readonly type: 'granting';
  readonly id: RequestId;
  readonly evidence: Evidence;
  readonly grant: GrantTerms;
  readonly handle: Handle;
  /** Permissions that the subject had before pam came; never revoked. */
  readonly preexisting: readonly string[];
  readonly act_by: Instant;
}
export interface GrantedEvent {
  readonly type: 'granted';
  readonly id: RequestId;
  /** What the target showed when it was read back. */
  readonly receipt: Receipt;
}
export interface FailedEvent {
  readonly type: 'failed';
  readonly id: RequestId;
  readonly error: ReasonNote;
}
export interface StoppedEvent {
  readonly type: 'stopped';
  readonly id: RequestId;
  readonly statement: Signed;
}
/** `expired` is recorded only where other grants may need the same access; elsewhere the recorded end says it. */
export type EndCause = 'expired' | 'incident' | 'compromised' | 'subject' | 'target' | 'evidence' | 'found';
export interface EndingEvent {
  readonly type: 'ending';
  readonly id: RequestId;
  readonly cause: EndCause;
  readonly because: string;
}
export interface RevokedEvent {
  readonly type: 'revoked';
  readonly id: RequestId;
  /** Permissions left in place, each with the live grants that still need it. */
  readonly kept_for: Readonly<Record<string, readonly RequestId[]>>;
  /** Always `null` today; entries of earlier builds may hold one. */
  readonly usage: Usage | null;
}
export interface RevokeFailedEvent {
  readonly type: 'revoke_failed';
  readonly id: RequestId;
  readonly attempt: number;
  readonly error: ReasonNote;
}
export interface HeartbeatEvent {
  readonly type: 'heartbeat';
  readonly id: '-';
  readonly live: number;
}
export type LedgerEvent =
  | GenesisEvent
  | PolicyEvent
  | SeenEvent
  | RefusedEvent
  | ScheduledEvent
  | GrantingEvent
  | GrantedEvent
  | FailedEvent
  | StoppedEvent
  | EndingEvent
  | RevokedEvent
  | RevokeFailedEvent
  | HeartbeatEvent;

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
