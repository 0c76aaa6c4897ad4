/**
 * All that one ledger event means, in one file a kind. `registry.ts` lists them, and nothing else names them all: the
 * chain, the index, audit, the commit message and the views ask the registry.
 *
 * A kind's shape joins the union by declaration merging, in its own file:
 *
 *     declare module '../../model/entry.ts' {
 *       interface EventShapes { readonly used: UsedEvent }
 *     }
 */
import type { ErrorCode } from '../../model/error-codes.ts';
import type { EventOf, EventType, LedgerEvent } from '../../model/entry.ts';
import type { PamError } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { NoticeEvent } from '../../model/notice.ts';
import type { Fingerprint, RequestId } from '../../model/names.ts';
import type { OpenIndex, OpenRecord } from '../../model/open-record.ts';
import type { ExecutorRight, Policy } from '../../model/policy.ts';
import type { Request } from '../../model/request.ts';
import type { Signed, StatementType, Witnesses } from '../../model/statement.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import type { ProviderFacts } from '../provider-facts.ts';

export interface EventKind<T extends EventType> {
  /** JSON Schema of the event; `$ref`s go to the `$defs` of `schemas/entry.schema.json`. */
  readonly schema: EventSchema;
  /** What its executor must be allowed to do; `any`: whatever an executor may. */
  readonly right: ExecutorRight | 'any';
  /** The entries that it may stand in: `apply` only in one with `main`, `alone` with no other event. */
  readonly entry: 'apply' | 'any' | 'alone';
  /** Its place in a commit message, least first; without one behind those that have one. */
  readonly rank?: number;
  /** One line of `git log`, of the entry alone. No free text: a reason could forge a line. */
  readonly line: (event: EventOf<T>) => string;
  /** The same for `pam log`, which escapes free text. */
  readonly sentence: (event: EventOf<T>) => string;
  /** Statements by people that came with it. */
  readonly statements?: (event: EventOf<T>) => readonly TypedStatement[];
  /** What it makes of its request's record; without it the event is about no request. Throws `wrong`. */
  readonly step?: (record: OpenRecord | undefined, event: EventOf<T>, at: StepPlace) => OpenRecord;
  /** It begins something: behind an event of its id that was left out it is left out as well. */
  readonly begins?: true;
  /** What only the chain can judge, and audit once more. Throws. */
  readonly follows?: (state: StateBefore, event: EventOf<T>) => void;
  /** What audit asks beyond the chain. */
  readonly audit?: (facts: AuditFacts, event: EventOf<T>, records: Records, add: AddFinding) => void;
  /** What people are told of it, once it was written (`rules/notices/`); without it, or for `undefined`, nothing. */
  readonly notice?: (event: EventOf<T>, about: NoticeFacts) => ToldEvent | undefined;
  /** What audit counts it as. */
  readonly counted?: 'grants' | 'revocations' | 'policies';
}

export type EventSchema = {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly description: string;
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, object>>;
};

export interface TypedStatement extends Signed {
  readonly type: StatementType;
}

/** What folding an entry needs to know beside its events. */
export interface FoldContext {
  readonly seq: number;
  readonly at: Instant;
  readonly executor: string;
  /** Fingerprint of the key that signed the entry. */
  readonly key: Fingerprint;
  readonly main: string | null;
  /** In force before the entry. */
  readonly policy: Policy;
}

export interface StepPlace extends FoldContext {
  /** The number of the event in its entry, from 0. */
  readonly place: number;
  /** Why it does not follow, as an error. */
  readonly wrong: (why: string) => PamError;
}

/** What an event finds: the same when it is written, followed or audited. */
export interface StateBefore {
  /** Before the entry. */
  readonly state: Pick<ChainState, 'root' | 'policy'>;
  /** When the entry is recorded. */
  readonly at: Instant;
  /** Of its request, before the entry. */
  readonly before: OpenRecord | undefined;
  /** The same, with what earlier events of the entry made of it. */
  readonly now: OpenRecord | undefined;
}

/** Records of its request, and the words of the requester as far as the ledger holds them. */
export interface NoticeFacts {
  readonly at: Instant;
  readonly before: OpenRecord | undefined;
  readonly after: OpenRecord | undefined;
  readonly words: () => string | null;
}

export interface ToldEvent {
  readonly event: NoticeEvent;
  readonly why: string | null;
}

/** As they were when the event was written. */
export type Records = OpenIndex['records'];

export type Severity = 'error' | 'warning' | 'note';
export type AddFinding = (severity: Severity, code: ErrorCode, message: string) => void;

export interface AuditFacts {
  readonly before: ChainState;
  readonly after: ChainState;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  readonly readRequest: (bytes: string, id: string) => Request;
  /** Digests of all entries before this one. */
  readonly witnesses: Witnesses;
}

/** An event about a request, and none about the ledger itself. */
export const isAboutRequest = (event: LedgerEvent): event is LedgerEvent & { readonly id: RequestId } =>
  event.id !== '-';
