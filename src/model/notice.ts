import type { Duration, Instant } from './instant.ts';
import type { Kind } from './kind.ts';
import type { RequestId, Sha256 } from './names.ts';
import type { NotifyConfig, Risk } from './policy.ts';

/** What a notice may be about, the most urgent first: where a run has more to tell than it may send, the last are left out. */
export const NOTICE_EVENTS = [
  'overdue',
  'failed',
  'revoked',
  'granted',
  'policy',
  'refused',
  'fallback',
  'approved',
  'opened',
] as const;
export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

/** Words of `on` whose events no ledger of this build holds (`rules/unbuilt.ts`). */
export const UNBUILT_NOTICES: readonly string[] = ['due', 'brake'];

/**
 * `pam.notice/1`: what is told about one event (`schemas/notice.schema.json`). It informs and proves nothing. Texts that people
 * wrote stand in `permissions`, `why`, `next` and `place` as they wrote them; each receiver makes them harmless in its own markup.
 */
export interface Notice {
  readonly schema: 'pam.notice/1';
  readonly root: Sha256;
  /** Of the entry that says it; where none does (`approved`, `fallback`, `overdue`), of the newest one. */
  readonly seq: number;
  readonly at: Instant;
  readonly event: NoticeEvent | 'test';
  readonly id: RequestId | null;
  readonly role: string | null;
  readonly risk: Risk | null;
  readonly requester: string | null;
  readonly subject: string | null;
  readonly target: string | null;
  readonly permissions: readonly string[];
  readonly duration: Duration | null;
  readonly until: Instant | null;
  /** The requester's words, or why it was refused, failed or ended; `null` where `why: false` leaves it out. */
  readonly why: string | null;
  /** Who may approve at this moment. */
  readonly who_now: readonly string[];
  /** One command. */
  readonly next: string | null;
  /** The proposal's address, or its branch; never with a fragment. */
  readonly place: string | null;
  /** In the last notice that a run sends to a receiver: how many it did not send. */
  readonly left_out: number;
}

/** `why` is for the person who runs the executor: it never holds an address or a secret. */
export type Delivery = { readonly state: 'sent' } | { readonly state: 'lost'; readonly why: string };

export interface NoticePlace {
  readonly config: NotifyConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds for one try; without it 5 s. */
  readonly tryMs?: number;
}

/**
 * The door to where people are told. The author of a kind of notice reads this page only.
 *
 * - `kind` is the word in pam.yaml, and `configSchema` one whole entry of `notify` (`notices/notice-schema.ts` has what all share).
 * - `open` reads address and secret from the environment by the names in config, and throws `W_NOTICE` where they are not
 *   there or are none. No message holds what stood there.
 * - `send` never throws and ends by itself, with at most two tries of 5 s each. A receiver that answers slowly, with a
 *   redirect, or with more than a few bytes is believed nothing.
 */
export interface NoticeKind
  extends Kind<NoticePlace, { readonly send: (notice: Notice) => Promise<Delivery> }> {}
export type NoticeSession = Awaited<ReturnType<NoticeKind['open']>>;
