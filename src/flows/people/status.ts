/** What is live, scheduled or waiting, and what each waits for. */
import type { ErrorCode } from '../../model/error-codes.ts';
import { expected } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import { mayBeLive, type OpenRecord } from '../../model/open-record.ts';
import type { Access, Granted } from '../../model/target.ts';
import { decide } from '../../rules/decide.ts';
import { roleOf } from '../../rules/exact-grant.ts';
import { lastSweepOf, lateSweep } from '../../rules/judge-sweep.ts';
import { nextStep } from '../../rules/next-step.ts';
import { planSweep } from '../../rules/plan-sweep.ts';
import { namesLater, namesNow } from '../../rules/who-can-approve.ts';
import { type Candidate, isRequest, type Situation, snapshotOf } from '../../rules/situation.ts';
import { claimsOf } from '../../trust/statement-text.ts';
import type { Desk } from '../desk.ts';
import { aboutAll, aboutOne } from '../gather/about.ts';
import { gather, incidentStates } from '../gather/gather.ts';
import { freshLedger } from '../gather/look-at-request.ts';
import { needAnswer } from '../ledger/fetch-state.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export type GrantState = 'scheduled' | 'granting' | 'live' | 'ending' | 'overdue' | 'ended' | 'failed';

export interface GrantLine {
  readonly id: RequestId;
  readonly subject: string;
  readonly role: string;
  readonly target: string;
  readonly permissions: readonly string[];
  readonly until: Instant;
  /** When it was over; `null` while it is not. */
  readonly ended: Instant | null;
  readonly state: GrantState;
  /** Why it ends before its end, where it does. */
  readonly why: string | null;
  /** How the subject uses it; `null` while it is not live, and where the login is all that it takes. */
  readonly access: Access | null;
}

export interface ProposalLine {
  readonly id: RequestId;
  readonly role: string;
  readonly requester: string;
  readonly subject: string;
  readonly target: string | null;
  readonly duration: string;
  /** The requester's own words. */
  readonly why: string;
  /** When the requester signed it, by their own clock; `null` where there is no such statement. */
  readonly opened: Instant | null;
  /** When an executor saw it first; `null` while none has. */
  readonly since: Instant | null;
  readonly have: number;
  readonly need: number;
  /** Who may approve now, and whose approval would count; the same as `who_now`, which came later. */
  readonly who: readonly string[];
  readonly who_now: readonly string[];
  /** Fallback approvers, and from when on; `null`: once an executor has seen it, and the time of their step is over. */
  readonly who_later: readonly { readonly person: string; readonly from: Instant | null }[];
  /** The next command, or why it stands still. */
  readonly next: string;
}

export interface Status {
  readonly grants: readonly GrantLine[];
  readonly proposals: readonly ProposalLine[];
  readonly lastSweep: Instant | null;
  /** What a reader should know who relies on it. */
  readonly warnings: readonly { readonly code: ErrorCode; readonly message: string }[];
  readonly now: Instant;
}

/** Where the private half of a login key (`<type> <base64>`) is on this machine. */
export type FindLoginKey = (line: string) => Granted['loginKey'];

export async function status(
  desk: Desk,
  only: RequestId | undefined,
  all: boolean,
  findLoginKey: FindLoginKey = () => null,
): Promise<Status> {
  const { view, freshness } = await freshLedger(
    desk,
    only === undefined ? aboutAll : (known) => aboutOne(only, known),
  );
  const now = desk.clock();
  const situation = await gather(
    desk,
    view,
    freshness,
    now,
    only === undefined ? undefined : new Set([only]),
  );
  const records = [...view.state.index.records.values()].filter(
    (one) => only === undefined || one.id === only,
  );
  const ends = await endsOf(desk, view, situation, now);
  const grants = records
    .flatMap((record) => grantLine({ providers: desk.providers, ends, findLoginKey, now }, record))
    .filter(({ state }) => all || only !== undefined || !OVER.has(state));
  const proposals = situation.candidates.flatMap((one) => proposalLine(situation, one, now));
  if (only !== undefined && grants.length + proposals.length === 0) needAnswer(freshness, only);
  const late = lateSweep(view.state, now);
  return {
    grants: grants.sort((a, b) => (`${a.until} ${a.target}` < `${b.until} ${b.target}` ? -1 : 1)),
    proposals,
    lastSweep: lastSweepOf(view.state),
    warnings: [
      ...(late === undefined ? [] : [{ code: 'W_SWEEP_LATE' as const, message: late }]),
      // The newest state that could be verified may be older than what stands on the branch.
      ...view.troubles.map(({ code, message }) => ({ code, message: `the ledger is in doubt: ${message}` })),
      ...situation.halts
        .filter(({ code }) => code === 'E_POL_UNSIGNED')
        .map(({ code, message }) => ({ code, message })),
      ...unread(situation),
    ],
    now,
  };
}

/** Why live grants end before their end, as the next sweep will find: a stop, a closed incident, a person who is gone. */
async function endsOf(
  desk: Desk,
  view: LedgerView,
  situation: Situation,
  now: Instant,
): Promise<ReadonlyMap<RequestId, string>> {
  const { root, policy, index } = view.state;
  const named = [...index.records.values()].filter(mayBeLive).flatMap(({ grant }) => grant?.incident ?? []);
  const incidents = await incidentStates(desk, view, situation.main ?? undefined, named);
  const { stops, providers } = situation;
  const { end } = planSweep({ root, policy, providers, index, stops, incidents }, now);
  return new Map(end.map(({ id, why }) => [id, why]));
}

/** A list that is empty because there was no answer must not look like one that is empty. */
function unread({ halts, unread: partly }: Situation): Status['warnings'] {
  const found = [...halts, ...partly].filter(
    ({ code }) => code.startsWith('E_FORGE_') && code !== 'E_FORGE_STALE',
  );
  // Several questions may have failed for the one reason.
  const once = new Map(found.map(({ code, message }) => [message, code]));
  return [...once].map(([message, code]) => ({ code, message: `what waits could not be read: ${message}` }));
}

const OVER: ReadonlySet<GrantState> = new Set(['ended', 'failed']);

interface Around {
  readonly providers: Desk['providers'];
  readonly ends: ReadonlyMap<RequestId, string>;
  readonly findLoginKey: FindLoginKey;
  readonly now: Instant;
}

function grantLine({ providers, ends, findLoginKey, now }: Around, record: OpenRecord): GrantLine[] {
  const { grant, id } = record;
  if (grant === null) return [];
  const { subject, role, target, permissions, end, config } = grant;
  const recorded = stateOf(record, now);
  const why = OVER.has(recorded) || recorded === 'scheduled' ? null : (ends.get(id) ?? null);
  // A stop that no sweep has acted on yet ends it all the same: what is left of it is nothing to plan with.
  const state = why !== null && recorded === 'live' ? 'ending' : recorded;
  const receipt = grant.receipt ?? null;
  const provider = state === 'live' ? providers.get(grant.provider) : undefined;
  const loginKey = grant.login_key === null ? null : findLoginKey(grant.login_key);
  const access = provider?.access?.({ id, permissions, receipt, config, loginKey }) ?? null;
  const ended = OVER.has(state) ? record.final_at : null;
  const early = state === 'ending' ? why : null;
  return [{ id, subject, role, target, permissions, until: end, ended, state, why: early, access }];
}

function stateOf(record: OpenRecord, now: Instant): GrantState {
  const past = record.grant !== null && record.grant.end <= now;
  switch (record.state) {
    case 'scheduled':
      return 'scheduled';
    case 'granting':
      return past ? 'overdue' : 'granting';
    case 'live':
      return past ? 'overdue' : 'live';
    case 'ending':
      return past ? 'overdue' : 'ending';
    case 'failed':
      return 'failed';
    case 'ended':
    case 'unseen':
    case 'seen':
    case 'refused':
    case 'stopped':
      return 'ended';
  }
}

function proposalLine(situation: Situation, one: Candidate, now: Instant): ProposalLine[] {
  const { request, id } = one;
  const record = situation.state.index.records.get(id) ?? null;
  const { policy } = situation.state;
  if (!isRequest(request) || (record !== null && record.state !== 'seen' && record.state !== 'unseen'))
    return [];
  const snapshot = { ...snapshotOf(situation, one, request, record), evidenceOnly: true };
  const decision = decide(snapshot, now);
  const role = roleOf(policy, request.role);
  const need = role?.approval.reduce((sum, { threshold }) => sum + threshold, 0) ?? 0;
  const done = new Set(decision.counted.map(({ signer }) => signer));
  const failing = decision.reasons.find((reason) => !reason.ok);
  const next =
    nextStep(policy.config.forge, one, { ...decision, next: null }) ?? `refused: ${failing?.message ?? ''}`;
  const who = namesNow(decision.helpers, now);
  return [
    {
      id,
      role: request.role,
      requester: request.requester,
      subject: request.subject,
      target: role?.target ?? null,
      duration: request.duration,
      why: request.justification,
      opened: openedAt(one),
      since: record?.seen?.at ?? null,
      have: done.size,
      need,
      who,
      who_now: who,
      who_later: namesLater(decision.helpers, now),
      next,
    },
  ];
}

function openedAt({ statement }: Candidate): Instant | null {
  try {
    return statement === null ? null : claimsOf(statement.text).signedAt;
  } catch (error) {
    expected(error);
    return null;
  }
}
