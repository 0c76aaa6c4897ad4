/**
 * What `apply` would do now. Pure. It simulates its own `seen` events, so that a merged request with all its
 * evidence is seen and granted in one entry, and lists everything that waits with its decision.
 */
import type { Reason } from '../model/decision.ts';
import type { Decision } from '../model/decision.ts';
import { type GrantTerms, reasonNote } from '../model/entry.ts';
import type { RefusedEvent } from './events/refused.ts';
import type { SeenEvent } from './events/seen.ts';
import type { StoppedEvent } from './events/stopped.ts';
import { expected } from '../model/error.ts';
import { type Instant, plus, secondsOf } from '../model/instant.ts';
import type { Fingerprint, RequestId } from '../model/names.ts';
import type { OpenIndex, OpenRecord } from '../model/open-record.ts';
import { decide, type Snapshot } from './decide.ts';
import { roleOf } from './exact-grant.ts';
import { foldIndex } from './fold-index.ts';
import { sameTerms, termsOf } from './grant-terms.ts';
import { mayRefuse, refusal, refusedEvent, seeing } from './judge-candidate.ts';
import { planSweep } from './plan-sweep.ts';
import { type Candidate, isRequest, type Situation, snapshotOf } from './situation.ts';
import { accessOf, changingNow } from './still-needed.ts';

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

export function planApply(situation: Situation, now: Instant, only?: ReadonlySet<RequestId>): ApplyPlan {
  const wanted = situation.candidates.filter((one) => only === undefined || only.has(one.id));
  const refuse = wanted.flatMap((one) => refusal(situation, one, now) ?? []);
  const { state } = situation;
  const { see, index } = seeAll(situation, wanted, now);
  const { root, policy } = state;
  const { stops, incidents, providers } = situation;
  const sweep = planSweep({ root, policy, providers, index, stops, incidents }, now);
  // A stop of live access is only recorded here; the sweep acts on it.
  const live = sweep.end.flatMap(({ event }) => (event?.type === 'stopped' ? [event] : []));
  const stop = [...sweep.drop, ...live];
  // A stop ends the id; other bytes under it cannot be refused after that.
  const open = refuse.filter(({ id }) => !stop.some((event) => event.id === id));
  const plan = { see, stop, refuse: open, ready: [], abandon: [], waiting: [] };
  const planned = wanted.reduce<ApplyPlan>((sum, one) => planOne(situation, index, sum, one, now), plan);
  // Bytes that cannot be seen take the place of those that were: nothing decides about these any more.
  const found = new Set(
    situation.candidates.flatMap(({ id, requestSha256 }) => {
      const record = index.records.get(id);
      const others = record?.state === 'seen' && record.seen?.request_sha256 !== requestSha256;
      return others ? [] : [id];
    }),
  );
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
    const event = seeing(situation, index, one, now);
    if (event === undefined) continue;
    try {
      // Simulation: executor and key are not part of a `seen` record.
      const context = { seq: state.seq + 1, at: now, executor: '', key: '' as Fingerprint, main: null };
      index = foldIndex(index, [event], { ...context, policy: state.policy });
      see.push(event);
    } catch (error) {
      expected(error);
    }
  }
  // Sweep beats belong to entries that were written, not to this simulation.
  return { see, index: { ...index, beats: state.index.beats } };
}

/** What was seen is gone from main and from its proposal: nothing may begin, and nothing stays open for ever. */
function planLost(situation: Situation, plan: ApplyPlan, record: OpenRecord, now: Instant): ApplyPlan {
  const { id, seen, grant } = record;
  if (seen === null || plan.stop.some((event) => event.id === id)) return plan;
  const role = roleOf(situation.state.policy, seen.role);
  const patience = role === undefined ? LONGEST_DECIDE_SECONDS : secondsOf(role.decide_within);
  const lapsed =
    (record.state === 'seen' && now > plus(seen.at, patience)) ||
    (record.state === 'scheduled' && grant !== null && grant.end <= now);
  const reason: Reason = {
    code: 'E_POL_MERGED',
    ok: false,
    message: 'what was seen is neither on main nor proposed',
  };
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
    helpers: [],
  };
  return { ...plan, abandon: [...plan.abandon, { record, decision }] };
}

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
  const snapshot = snapshotOf(situation, one, request, record, index);
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
  // An unmerged proposal that no executor has seen is its proposer's business; a seen one must not stay open for ever.
  if (decision.final && (one.merged || record?.seen?.request_sha256 === one.requestSha256)) {
    if (!mayRefuse(record ?? undefined, one.requestSha256)) return plan;
    return { ...plan, refuse: [...plan.refuse, refusedEvent(one, decision.reasons)] };
  }
  const terms = decision.verdict === 'approved' ? termsOf(snapshot, decision, now) : undefined;
  if (terms === undefined) return { ...plan, waiting: [...plan.waiting, { id, decision }] };
  const early = terms.start !== null && now < terms.start;
  if (early && state === 'scheduled') return plan;
  const busy = early ? [] : changing(situation, terms, id);
  if (busy.length > 0)
    return { ...plan, waiting: [...plan.waiting, { id, decision: waitFor(decision, busy) }] };
  return {
    ...plan,
    ready: [...plan.ready, { id, action: early ? 'schedule' : 'grant', terms, snapshot, decision }],
  };
}

/** Grants of the same shared access that an executor may be working on at the target at this moment. */
function changing({ state, providers }: Situation, terms: GrantTerms, id: RequestId): readonly RequestId[] {
  if (providers.get(terms.provider)?.objects !== 'shared') return [];
  return terms.permissions.flatMap((one) => changingNow(providers, state.index, accessOf(terms, one), id));
}

function waitFor(decision: Decision, ids: readonly RequestId[]): Decision {
  const which = [...new Set(ids)].join(', ');
  const message = `the same access is being given or taken away for ${which}; the next apply tries again`;
  const reason: Reason = { code: 'E_PRV_BUSY', ok: false, message };
  return { ...decision, verdict: 'pending', reasons: [...decision.reasons, reason] };
}
