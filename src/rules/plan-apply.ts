/**
 * What `apply` would do now. Pure. It simulates its own `seen` events, so that a merged request with all its
 * evidence is seen and granted in one entry, and lists everything that waits with its decision.
 */
import type { Decision, Reason } from '../model/decision.ts';
import {
  type GrantTerms,
  type RefusedEvent,
  reasonNote,
  type SeenEvent,
  type StoppedEvent,
} from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import { dayOf, type Instant, plus, secondsBetween, secondsOf } from '../model/instant.ts';
import type { IncidentState } from '../model/incident.ts';
import type { Fingerprint, Oid, RequestId, Sha256 } from '../model/names.ts';
import type { OpenIndex, OpenRecord } from '../model/open-record.ts';
import type { Request } from '../model/request.ts';
import type { Signed } from '../model/statement.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { decide, type Snapshot, verifyRequester } from './decide.ts';
import { exactGrant, roleOf } from './exact-grant.ts';
import { foldIndex, isUsedUp, MAX_REFUSED } from './fold-index.ts';
import { planSweep } from './plan-sweep.ts';
import type { ProviderFacts } from './provider-facts.ts';
import { sameJson } from './same-json.ts';

/** One id's newest bytes: main's if it is there, else the proposal's. */
export interface Candidate {
  readonly id: RequestId;
  readonly place: string;
  readonly merged: boolean;
  readonly bytes: string;
  readonly requestSha256: Sha256;
  readonly signatureSha256: Sha256;
  /** `<id>.yaml.sig` as it lies in Git; `null` when there is none. */
  readonly signature: Uint8Array | null;
  /** What is wrong with the file, or the request that it holds. */
  readonly request: Request | Reason;
  readonly statement: Signed | null;
}

export interface Situation {
  readonly state: ChainState;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  readonly main: Oid | null;
  readonly halts: readonly Reason[];
  readonly candidates: readonly Candidate[];
  readonly approvals: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly stops: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly incidents: ReadonlyMap<string, IncidentState>;
  readonly witnesses: ReadonlyMap<number, Sha256>;
}

export interface Ready {
  readonly id: RequestId;
  readonly action: 'schedule' | 'grant' | 'resume';
  readonly terms: GrantTerms;
  readonly snapshot: Snapshot;
  readonly decision: Decision;
}

export interface ApplyPlan {
  readonly see: readonly SeenEvent[];
  /** Denials, withdrawals and revocations that the ledger does not know yet. */
  readonly stop: readonly StoppedEvent[];
  readonly refuse: readonly RefusedEvent[];
  readonly ready: readonly Ready[];
  /** Intents without outcome that may no longer be finished: make sure that nothing is there. */
  readonly abandon: readonly { readonly record: OpenRecord; readonly decision: Decision }[];
  readonly waiting: readonly { readonly id: RequestId; readonly decision: Decision }[];
}

export function isRequest(one: Request | Reason): one is Request {
  return 'id' in one;
}

export function planApply(situation: Situation, now: Instant, only?: ReadonlySet<RequestId>): ApplyPlan {
  const wanted = situation.candidates.filter((one) => only === undefined || only.has(one.id));
  const refuse = wanted.flatMap((one) => refusal(situation, one, now) ?? []);
  const { state } = situation;
  const { see, index } = seeAll(situation, wanted, now);
  const { root, policy } = state;
  const { stops, incidents } = situation;
  const sweep = planSweep({ root, policy, index, stops, incidents }, now);
  // A stop of live access is only recorded here; the sweep acts on it.
  const live = sweep.end.flatMap(({ event }) => (event?.type === 'stopped' ? [event] : []));
  const stop = [...sweep.drop, ...live];
  // A stop ends the id; other bytes under it cannot be refused after that.
  const open = refuse.filter(({ id }) => !stop.some((event) => event.id === id));
  const plan = { see, stop, refuse: open, ready: [], abandon: [], waiting: [] };
  const planned = wanted.reduce<ApplyPlan>((sum, one) => planOne(situation, index, sum, one, now), plan);
  const found = new Set(situation.candidates.map(({ id }) => id));
  const lost = [...index.records.values()].filter(({ id }) => !found.has(id) && (only?.has(id) ?? true));
  return lost.reduce<ApplyPlan>((sum, record) => planLost(situation, sum, record, now), planned);
}

/** One id at a time: what cannot be seen for one must never stop the others. */
function seeAll(
  situation: Situation,
  wanted: readonly Candidate[],
  now: Instant,
): { readonly see: readonly SeenEvent[]; readonly index: OpenIndex } {
  const { state } = situation;
  const see: SeenEvent[] = [];
  let { index } = state;
  for (const one of wanted) {
    const event = seeing(situation, one, now);
    if (event === undefined) continue;
    try {
      // Simulation: executor and key are not part of a `seen` record.
      const context = { seq: state.seq + 1, at: now, executor: '', key: '' as Fingerprint, main: null };
      index = foldIndex(index, [event], { ...context, policy: state.policy });
      see.push(event);
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
    }
  }
  // Sweep beats belong to entries that were written, not to this simulation.
  return { see, index: { ...index, beats: state.index.beats } };
}

/** The file is gone from main and from its proposal: nothing may begin, and nothing stays open for ever. */
function planLost(situation: Situation, plan: ApplyPlan, record: OpenRecord, now: Instant): ApplyPlan {
  const { id, seen, grant } = record;
  if (seen === null || plan.stop.some((event) => event.id === id)) return plan;
  const role = roleOf(situation.state.policy, seen.role);
  const patience = role === undefined ? LONGEST_DECIDE_SECONDS : secondsOf(role.decide_within);
  const lapsed =
    (record.state === 'seen' && now > plus(seen.at, patience)) ||
    (record.state === 'scheduled' && grant !== null && grant.end <= now);
  const reason = { code: 'E_POL_MERGED', ok: false, message: 'its file is neither on main nor proposed' };
  if (lapsed && mayRefuse(record, seen.request_sha256)) {
    const event: RefusedEvent = {
      type: 'refused',
      id,
      request_sha256: seen.request_sha256,
      reasons: [reasonNote(reason)],
    };
    return { ...plan, refuse: [...plan.refuse, event] };
  }
  if (record.state !== 'granting' || grant?.granting == null || now < grant.granting.act_by) return plan;
  const decision: Decision = {
    verdict: 'refused',
    final: true,
    reasons: [reason],
    grant: null,
    counted: [],
    next: null,
  };
  return { ...plan, abandon: [...plan.abandon, { record, decision }] };
}

/** So many tell a requester enough; the ledger takes no more. */
const MOST_REASONS = 32;

/** The longest `decide_within` that a policy may have. */
const LONGEST_DECIDE_SECONDS = 7 * 86_400;

function planOne(
  situation: Situation,
  index: OpenIndex,
  plan: ApplyPlan,
  one: Candidate,
  now: Instant,
): ApplyPlan {
  const { id, request } = one;
  const record = index.records.get(id) ?? null;
  const state = record?.state;
  if (!isRequest(request) || [...plan.refuse, ...plan.stop].some((event) => event.id === id)) return plan;
  if (state !== undefined && state !== 'seen' && state !== 'scheduled' && state !== 'granting') return plan;
  const snapshot = snapshotOf(situation, one, request, record);
  const decision = decide(snapshot, now);
  if (state === 'granting' && record !== null) {
    // Only after `act_by`: before it the executor that wrote the intent may still be at work.
    if (record.grant?.granting == null || now < record.grant.granting.act_by) return plan;
    // A halt is doubt about the run, not about this evidence: neither finish it nor take it back.
    if (situation.halts.length > 0 && !decision.final)
      return { ...plan, waiting: [...plan.waiting, { id, decision }] };
    const terms = decision.verdict === 'approved' ? termsOf(snapshot, decision, now) : undefined;
    return terms === undefined || !sameTerms(terms, record.grant)
      ? { ...plan, abandon: [...plan.abandon, { record, decision }] }
      : { ...plan, ready: [...plan.ready, { id, action: 'resume', terms, snapshot, decision }] };
  }
  // An unmerged proposal that nobody has seen is its proposer's business; a seen one must not stay open for ever.
  if (decision.final && (one.merged || record?.seen?.request_sha256 === one.requestSha256)) {
    if (!mayRefuse(record ?? undefined, one.requestSha256)) return plan;
    return { ...plan, refuse: [...plan.refuse, refusedEvent(one, decision.reasons)] };
  }
  const terms = decision.verdict === 'approved' ? termsOf(snapshot, decision, now) : undefined;
  if (terms === undefined) return { ...plan, waiting: [...plan.waiting, { id, decision }] };
  const early = terms.start !== null && now < terms.start;
  if (early && state === 'scheduled') return plan;
  return {
    ...plan,
    ready: [...plan.ready, { id, action: early ? 'schedule' : 'grant', terms, snapshot, decision }],
  };
}

export function snapshotOf(
  situation: Situation,
  one: Candidate,
  request: Request,
  record: OpenRecord | null,
): Snapshot {
  const { state } = situation;
  // Once recorded, the recorded evidence is the evidence: it is what audit will decide on again.
  const evidence = record?.grant?.evidence ?? null;
  return {
    root: state.root,
    policy: state.policy,
    providers: situation.providers,
    id: one.id,
    request,
    requestText: one.bytes,
    requestSha256: one.requestSha256,
    signatureSha256: one.signatureSha256,
    statement: one.statement,
    record,
    merged: one.merged,
    approvals: evidence?.approvals ?? situation.approvals.get(one.id) ?? [],
    stops: situation.stops.get(one.id) ?? [],
    incident: request.incident === undefined ? null : (situation.incidents.get(request.incident) ?? null),
    witnesses: situation.witnesses,
    halts: situation.halts,
    evidenceOnly: false,
  };
}

/** The terms that a `granting` or `scheduled` event writes down; `undefined` where nothing of it is left to give. */
export function termsOf(snapshot: Snapshot, decision: Decision, now: Instant): GrantTerms | undefined {
  const { policy, request, record } = snapshot;
  const role = roleOf(policy, request.role);
  const target = role === undefined ? undefined : policy.targets[role.target];
  const exact = exactGrant(policy, snapshot.providers, request, now);
  if (decision.grant === null || exact === undefined || target === undefined) return undefined;
  const { loginKeyLine, loginKey: _fingerprint, ...grant } = exact;
  const end = record?.grant?.end ?? plus(request.start ?? now, secondsOf(request.duration));
  if (end <= now) return undefined;
  return {
    subject: grant.subject,
    role: request.role,
    target: grant.target,
    provider: target.provider,
    config: target.config,
    login: grant.login,
    permissions: grant.permissions,
    login_key: loginKeyLine,
    duration: grant.duration,
    start: grant.start,
    incident: request.incident ?? null,
    approvers: decision.counted.map((one) => one.signer).sort(),
    keys: [...new Set(decision.counted.map((one) => one.key))].sort(),
    end,
  };
}

/** A resumed grant is the recorded one, to the letter: a target that policy moved since is not the same grant. */
function sameTerms(terms: GrantTerms, recorded: GrantTerms): boolean {
  return Object.entries(terms).every(([key, value]) => sameJson(value, recorded[key as keyof GrantTerms]));
}

function seeing(situation: Situation, one: Candidate, now: Instant): SeenEvent | undefined {
  const { id, request, statement } = one;
  const { policy, root, index } = situation.state;
  const record = index.records.get(id);
  if (!isRequest(request) || statement === null || problemOf(situation, one, now) !== undefined)
    return undefined;
  const known = record?.state;
  if (known !== undefined && known !== 'unseen' && known !== 'refused' && known !== 'seen') return undefined;
  if (isUsedUp(record) || record?.refused.includes(one.requestSha256) === true) return undefined;
  const seen = record?.seen ?? null;
  if (
    seen !== null &&
    seen.request_sha256 === one.requestSha256 &&
    seen.signature_sha256 === one.signatureSha256
  ) {
    return undefined;
  }
  try {
    verifyRequester({ root, policy, id, request, requestSha256: one.requestSha256 }, statement, now);
  } catch (error) {
    if (error instanceof PamError) return undefined;
    throw error;
  }
  return {
    type: 'seen',
    id,
    request_sha256: one.requestSha256,
    signature_sha256: one.signatureSha256,
    proposal: one.place,
    requester: request.requester,
    subject: request.subject,
    role: request.role,
  };
}

/** A merged file that can never be seen is refused once, by digest; an unmerged one is its proposer's business. */
function refusal(situation: Situation, one: Candidate, now: Instant): RefusedEvent | undefined {
  if (!one.merged) return undefined;
  const record = situation.state.index.records.get(one.id);
  const state = record?.state;
  if (
    state !== undefined &&
    state !== 'unseen' &&
    state !== 'seen' &&
    state !== 'refused' &&
    state !== 'scheduled'
  ) {
    return undefined;
  }
  const problem = problemOf(situation, one, now);
  if (problem === undefined) return undefined;
  return mayRefuse(record, one.requestSha256) ? refusedEvent(one, [problem]) : undefined;
}

/** Bytes are refused once, and only so many of them under one id: the ledger takes no more. */
function mayRefuse(record: OpenRecord | undefined, digest: Sha256): boolean {
  return record === undefined || (!record.refused.includes(digest) && record.refused.length < MAX_REFUSED);
}

/** Why these bytes can never be seen; `undefined` when they can, or were. */
function problemOf(situation: Situation, one: Candidate, now: Instant): Reason | undefined {
  const { state } = situation;
  const record = state.index.records.get(one.id);
  if (record?.seen?.request_sha256 === one.requestSha256) return undefined;
  const { request, statement, id } = one;
  if (!isRequest(request)) return request;
  const day = dayOf(id);
  const age = day === undefined ? Number.NaN : secondsBetween(day, now);
  if (!(age >= -86_400 && age < 2 * 86_400)) {
    return { code: 'E_REQ_ID_DATE', ok: false, message: "the id's date is more than a day away" };
  }
  if (isUsedUp(record)) {
    return {
      code: 'E_REQ_CONSUMED',
      ok: false,
      message: 'the id is used up: it was scheduled and then refused',
    };
  }
  if (!mayRefuse(record, one.requestSha256)) {
    const why = 'these bytes, or too many other versions, were refused before';
    return { code: 'E_REQ_CONSUMED', ok: false, message: why };
  }
  if (record?.seen != null && record.seen.requester !== request.requester) {
    return {
      code: 'E_REQ_ID_TAKEN',
      ok: false,
      message: `the id belongs to ${record.seen.requester}'s request`,
    };
  }
  if (statement === null)
    return { code: 'E_SIG_MISSING', ok: false, message: 'the requester did not sign it' };
  try {
    const { root, policy } = state;
    verifyRequester({ root, policy, id, request, requestSha256: one.requestSha256 }, statement, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    return { code: error.code, ok: false, message: error.message };
  }
}

function refusedEvent(one: Candidate, reasons: readonly Reason[]): RefusedEvent {
  const failing = reasons
    .filter((reason) => !reason.ok)
    .slice(0, MOST_REASONS)
    .map(reasonNote);
  return { type: 'refused', id: one.id, request_sha256: one.requestSha256, reasons: failing };
}
