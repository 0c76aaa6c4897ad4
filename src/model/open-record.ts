import type { Evidence, GrantTerms, Handle, Receipt, StopperKeys } from './entry.ts';
import type { Instant } from './instant.ts';
import type { Fingerprint, RequestId, Sha256 } from './names.ts';

/**
 * `open/<YYYYMMDD>/<id>.json`: what can still matter about one id. Always equal to what the entries say; it can
 * be rebuilt from them at any time (`rules/fold-index.ts`).
 *
 *   unseen    refused before it could be seen (only digests of refused bytes are known)
 *   seen      its clock runs; waits for evidence and merge
 *   scheduled approved, waits for its start
 *   granting  the intent stands; the target may or may not have acted
 *   live      read back at the target
 *   ending    an end other than the recorded one was recorded; not yet confirmed gone
 *   ended | failed | refused | stopped   final
 */
export type OpenState =
  | 'unseen'
  | 'seen'
  | 'scheduled'
  | 'granting'
  | 'live'
  | 'ending'
  | 'ended'
  | 'failed'
  | 'refused'
  | 'stopped';

export interface SeenPart {
  readonly at: Instant;
  readonly request_sha256: Sha256;
  readonly signature_sha256: Sha256;
  readonly proposal: string;
  readonly requester: string;
  readonly subject: string;
  readonly role: string;
  /** Owner of the requester and of the subject, where they are services. */
  readonly owners: readonly string[];
  /** Who may stop it. */
  readonly stoppers: readonly string[];
  /** Their keys at that moment; absent where only builds before this field wrote `seen`. */
  readonly stopper_keys?: StopperKeys;
}

/** The first `seen` of one version of a request: what a later `seen` of the same bytes keeps. */
export type FirstSeen = Pick<SeenPart, 'request_sha256' | 'at' | 'owners' | 'stoppers' | 'stopper_keys'>;

/** When an entry was recorded, by whom and with which key. */
export interface Recorded {
  readonly at: Instant;
  readonly executor: string;
  readonly key: Fingerprint;
}

export interface GrantPart extends GrantTerms {
  /** The first `scheduled` or `granting`: its approvals were recorded then. */
  readonly recorded: Recorded;
  /** Needed to decide again; gone once the outcome is known. */
  readonly evidence: Evidence | null;
  /** From `granting` on. */
  readonly granting: {
    readonly at: Instant;
    /** The newest intent; another executor may have taken it up again. */
    readonly by: Recorded;
    readonly act_by: Instant;
    readonly handle: Handle;
    readonly preexisting: readonly string[];
  } | null;
  readonly receipt: Receipt | null;
}

export interface OpenRecord {
  readonly id: RequestId;
  readonly state: OpenState;
  /** Digests of request bytes that were refused; they are never seen again. */
  readonly refused: readonly Sha256[];
  readonly seen: SeenPart | null;
  /** Each version that was seen under this id, in the order of arrival; absent while there is only one. */
  readonly firsts?: readonly FirstSeen[];
  readonly grant: GrantPart | null;
  /** Why it ends or ended before its recorded end. */
  readonly ending: { readonly at: Instant; readonly cause: string; readonly because: string } | null;
  /** When it reached a final state. */
  readonly final_at: Instant | null;
  readonly attempts: number;
}

/**
 * Files of `open/` beside the records, by name. Each says what it holds in its own file (`rules/shelves/`), which adds a
 * line here by declaration merging.
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface
export interface ShelfShapes {}
export type ShelfName = keyof ShelfShapes;
/** `null`: the file is not there, for it would hold nothing. */
export type Shelves = { readonly [N in ShelfName]: ShelfShapes[N] | null };

export type OpenIndex = Shelves & { readonly records: ReadonlyMap<RequestId, OpenRecord> };

/** `open/<YYYYMMDD of the id>/<id>.json` */
export function openPath(id: RequestId): string {
  return `open/${id.slice(0, 8)}/${id}.json`;
}

/** States in which access exists or may exist on the target. */
export const mayBeLive = (record: OpenRecord): boolean =>
  record.state === 'granting' || record.state === 'live' || record.state === 'ending';
