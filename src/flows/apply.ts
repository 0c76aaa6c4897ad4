/**
 * Apply: gather -> decide -> plan -> record the intents -> ask the targets -> record the outcomes. The ledger
 * moves twice at the most; between the two every grant that may exist is on record.
 */
import { type GrantingEvent, type LedgerEvent, type ReasonNote, reasonNote } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import { earlier, type Instant, plus } from '../model/instant.ts';
import type { RequestId } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import { ACT_WITHIN_SECONDS } from '../rules/fold-index.ts';
import { type ApplyPlan, planApply, type Ready, type Situation } from '../rules/plan-apply.ts';
import { roleOf } from '../rules/exact-grant.ts';
import { executesOn } from '../rules/rights.ts';
import { appendEntry, orderedClock, thatFit } from './append-entry.ts';
import {
  abandonIntent,
  carryOutGrant,
  type Outcome,
  standingAccess,
  stillGranting,
} from './carry-out-grant.ts';
import { revokeAtTarget } from './carry-out-revoke.ts';
import type { Desk, Executor } from './desk.ts';
import { fetchState } from './fetch-state.ts';
import { gather } from './gather.ts';
import { type LedgerView, readLedger } from './read-ledger.ts';
import { recordPolicy } from './record-policy.ts';
import type { RunResult, RunStep } from './run-result.ts';

interface Planned {
  readonly plan: ApplyPlan;
  readonly situation: Situation;
  readonly intents: readonly GrantingEvent[];
  /** Ready by every rule, but the target could not be asked. */
  readonly failed: readonly RunStep[];
}

export async function apply(
  desk: Desk,
  executor: Executor,
  only?: ReadonlySet<RequestId>,
): Promise<RunResult> {
  const freshness = await fetchState(desk);
  const read = await readLedger(desk, executor);
  const { view: start, recorded } = await recordPolicy(desk, executor, read);
  needGrantRight(start.state.policy, executor);
  const steps: RunStep[] = recorded === null ? [] : [policyStep(recorded)];
  let planned: Planned | undefined;
  const { view } = await appendEntry(desk, executor, start, async (now, clock) => {
    const at = orderedClock(now, clock);
    const made = await planNow(desk, executor, now, freshness, at, only);
    planned = made.planned;
    const { main } = made.planned.situation;
    return made.events.length === 0 || main === null ? null : { events: made.events, main, at };
  });
  if (planned === undefined) throw new PamError('E_BUG', 'nothing was planned');
  const { plan, situation, intents, failed } = planned;
  const unknown = [...(only ?? [])].find(
    (id) => !situation.candidates.some((one) => one.id === id) && !view.state.index.records.has(id),
  );
  if (unknown !== undefined) {
    throw new PamError('E_ID_UNKNOWN', `there is no request ${unknown}`, {
      hint: '`pam status` lists what is open',
    });
  }
  steps.push(...failed, ...recordedSteps(plan, intents));
  const outcomes = await carryOut(desk, view, plan, intents);
  const overtaken = new Map<RequestId, PamError>();
  const last = await recordOutcomes(desk, executor, view, situation, outcomes, overtaken);
  for (const { id, target, outcome, what } of outcomes) {
    const failure = outcome.error ?? overtaken.get(id) ?? null;
    const error = failure === null ? null : reasonNote(failure);
    steps.push({ action: 'grant', id, target, result: error === null ? 'done' : 'failed', error, what });
  }
  for (const id of only ?? []) if (!steps.some((one) => one.id === id)) steps.push(...settledStep(last, id));
  const { seq, head } = last.state;
  return { steps, ledger: { seq, head }, waiting: plan.waiting, troubles: situation.halts };
}

/** An id that was asked for by name and needs nothing: live is well, over is over (DESIGN section 6). */
function settledStep(view: LedgerView, id: RequestId): RunStep[] {
  const record = view.state.index.records.get(id);
  const target = record?.grant?.target ?? null;
  const skipped = { action: 'grant', id, target, result: 'skipped' } as const;
  switch (record?.state) {
    case 'live':
    case 'scheduled':
      return [{ ...skipped, error: null, what: `it is ${record.state} already` }];
    case 'granting':
      return [
        { ...skipped, error: null, what: 'another executor is at work on it; ask again in two minutes' },
      ];
    case 'ending':
    case 'ended':
    case 'failed':
    case 'refused':
    case 'stopped': {
      const message = `the id is used up: it is ${record.state}; ask again with a new one`;
      return [{ ...skipped, error: { code: 'E_REQ_CONSUMED', message }, what: '' }];
    }
    case 'unseen': {
      const message = 'these bytes were refused before; ask again with a new id';
      return [{ ...skipped, error: { code: 'E_REQ_CONSUMED', message }, what: '' }];
    }
    case undefined:
    case 'seen':
      return [];
  }
}

const policyStep = (seq: number): RunStep => ({
  action: 'policy',
  id: '-',
  target: null,
  result: 'done',
  error: null,
  what: `policy ${seq} is in force`,
});

function needGrantRight(policy: Policy, { name }: Executor): void {
  const executes = Object.hasOwn(policy.services, name) ? policy.services[name]?.executes : undefined;
  if (executes?.may.includes('grant') === true) return;
  throw new PamError('E_POL_EXECUTOR', `${name} may not grant`, {
    hint: 'policy/people.yaml says what an executor may; `pam sweep` only needs `revoke`',
  });
}

/** What is ready on a target of another executor waits for that one. */
function mineOf(plan: ApplyPlan, policy: Policy, { name }: Executor): ApplyPlan {
  const mine = (target: string): boolean => executesOn(policy, name, target, 'grant');
  const waiting = plan.ready.flatMap(({ id, terms, decision }) => {
    if (mine(terms.target)) return [];
    const reason = { code: 'E_POL_EXECUTOR', ok: false, message: `${name} may not grant on ${terms.target}` };
    return [
      { id, decision: { ...decision, verdict: 'pending' as const, reasons: [...decision.reasons, reason] } },
    ];
  });
  return {
    ...plan,
    ready: plan.ready.filter(({ terms }) => mine(terms.target)),
    abandon: plan.abandon.filter(({ record }) => mine(record.grant?.target ?? '')),
    waiting: [...plan.waiting, ...waiting],
  };
}

/** Decides with the state and the clock of this very try, and asks the targets what is there already. */
async function planNow(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  freshness: Awaited<ReturnType<typeof fetchState>>,
  now: Instant,
  only: ReadonlySet<RequestId> | undefined,
): Promise<{ readonly planned: Planned; readonly events: readonly LedgerEvent[] }> {
  const situation = await gather(desk, view, freshness, now, only);
  if (
    situation.main === null ||
    situation.halts.some(({ code }) => code === 'E_LED_CLOCK' || code === 'E_LED_MAIN')
  ) {
    const plan = { see: [], stop: [], refuse: [], ready: [], abandon: [], waiting: [] };
    return { planned: { plan, situation, intents: [], failed: [] }, events: [] };
  }
  const plan = mineOf(planApply(situation, now, only), view.state.policy, executor);
  const failed: RunStep[] = [];
  const standing: { readonly ready: Ready; readonly preexisting: readonly string[] }[] = [];
  const refuse = [...plan.refuse];
  for (const ready of plan.ready) {
    if (ready.action === 'schedule') continue;
    try {
      const preexisting = await standingAccess(desk, view, ready, now);
      const refusal = standingRefusal(view, ready, preexisting);
      if (refusal === undefined) standing.push({ ready, preexisting });
      else
        refuse.push({
          type: 'refused',
          id: ready.id,
          request_sha256: ready.snapshot.requestSha256,
          reasons: [refusal],
        });
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      const { target } = ready.terms;
      failed.push({
        action: 'grant',
        id: ready.id,
        target,
        result: 'failed',
        error: reasonNote(error),
        what: `${ready.terms.permissions.join(', ')} to ${ready.terms.login}`,
      });
    }
  }
  // What does not fit waits for the next run; an intent never without the `seen` that it stands on.
  const before = thatFit([...plan.see, ...plan.stop, ...refuse, ...plan.ready.flatMap(scheduled)]);
  const left = new Set(plan.see.filter((one) => !before.includes(one)).map(({ id }) => id));
  const wanted = standing
    .filter(({ ready }) => !left.has(ready.id))
    .map(({ ready, preexisting }, at) => intentOf(view, ready, preexisting, now, before.length + at));
  const intents = thatFit(wanted);
  const events: LedgerEvent[] = [...before, ...intents];
  // Junk above our own entries: say that we were here, so that the next reader finds a head above it.
  if (events.length === 0 && view.troubles.some((one) => one.code === 'E_LED_JUNK')) {
    events.push({ type: 'heartbeat', id: '-', live: 0 });
  }
  return { planned: { plan: { ...plan, refuse }, situation, intents, failed }, events };
}

function standingRefusal(
  view: LedgerView,
  ready: Ready,
  preexisting: readonly string[],
): ReasonNote | undefined {
  // An intent on record was judged when it was written; a refusal cannot follow it.
  if (ready.action === 'resume') return undefined;
  const role = roleOf(view.state.policy, ready.terms.role);
  if (preexisting.length === 0 || role?.may_preexist === true) return undefined;
  const { login, target } = ready.terms;
  const message = `${login} has ${preexisting.join(', ')} on ${target} already, and nothing on record explains it`;
  return { code: 'E_POL_STANDING', message };
}

function scheduled(ready: Ready): LedgerEvent[] {
  if (ready.action !== 'schedule') return [];
  return [{ type: 'scheduled', id: ready.id, evidence: evidenceOf(ready), grant: ready.terms }];
}

function intentOf(
  view: LedgerView,
  ready: Ready,
  preexisting: readonly string[],
  now: Instant,
  place: number,
): GrantingEvent {
  const first = view.state.index.records.get(ready.id)?.grant?.granting;
  return {
    type: 'granting',
    id: ready.id,
    evidence: evidenceOf(ready),
    grant: ready.terms,
    handle: first?.handle ?? { serial: (view.state.seq + 1) * 65_536 + place },
    preexisting,
    act_by: earlier(plus(now, ACT_WITHIN_SECONDS), ready.terms.end),
  };
}

function evidenceOf(ready: Ready): GrantingEvent['evidence'] {
  const { snapshot, decision } = ready;
  const recorded = snapshot.record?.grant?.evidence;
  if (recorded != null) return recorded;
  if (snapshot.statement === null)
    throw new PamError('E_BUG', `${ready.id} is approved without its statement`);
  return {
    request: snapshot.requestText,
    statement: snapshot.statement,
    approvals: decision.counted.map((one) => one.signed),
  };
}

interface Done {
  readonly id: RequestId;
  readonly target: string;
  readonly outcome: Outcome;
  readonly what: string;
}

async function carryOut(
  desk: Desk,
  view: LedgerView,
  plan: ApplyPlan,
  intents: readonly GrantingEvent[],
): Promise<readonly Done[]> {
  const done: Done[] = [];
  for (const intent of intents) {
    if (desk.interrupted()) break;
    const { grant } = intent;
    desk.progress(`granting ${intent.id} on ${grant.target}`);
    const what = `${grant.permissions.join(', ')} to ${grant.login} until ${grant.end}, approved by ${grant.approvers.join(', ')}`;
    done.push({
      id: intent.id,
      target: grant.target,
      outcome: await carryOutGrant(desk, view, intent),
      what,
    });
  }
  for (const { record } of plan.abandon) {
    if (desk.interrupted()) break;
    const outcome = await abandonIntent(desk, view, record);
    done.push({ id: record.id, target: record.grant?.target ?? '', outcome, what: 'abandoned' });
  }
  return done;
}

async function recordOutcomes(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  situation: Situation,
  outcomes: readonly Done[],
  overtaken: Map<RequestId, PamError>,
): Promise<LedgerView> {
  const { main } = situation;
  if (main === null || outcomes.every(({ outcome }) => outcome.event === null)) return view;
  const { view: last } = await appendEntry(desk, executor, view, async (now, clock) => {
    const events = outcomes.flatMap(({ id, outcome }) =>
      outcome.event !== null && stillGranting(now, id) ? [outcome.event] : [],
    );
    return events.length === 0 ? null : { events, main, at: orderedClock(now, clock) };
  });
  // Somebody stopped or ended it while we were granting: it must not stay, even if the index has dropped it since.
  for (const { id, outcome } of outcomes) {
    const now = last.state.index.records.get(id);
    const record = now ?? view.state.index.records.get(id);
    if (outcome.event?.type !== 'granted' || record === undefined || now?.state === 'live') continue;
    const revoked = await revokeAtTarget(desk, last, record, new Set([id]));
    const what =
      revoked.error === null ? 'it was taken back' : `it could not be taken back: ${revoked.error.message}`;
    overtaken.set(id, new PamError('E_PRV_OVERTAKEN', `${id} ended while it was being granted; ${what}`));
  }
  return last;
}

function recordedSteps(plan: ApplyPlan, intents: readonly GrantingEvent[]): RunStep[] {
  const step = (action: RunStep['action'], id: RequestId, target: string | null, what: string): RunStep => ({
    action,
    id,
    target,
    result: 'done',
    error: null,
    what,
  });
  const granting = new Set(intents.map(({ id }) => id));
  return [
    ...plan.see
      .filter(({ id }) => !granting.has(id))
      .map((one) => step('see', one.id, null, `${one.requester} asks to be ${one.role}`)),
    ...plan.stop.map((one) => step('stop', one.id, null, 'stopped by somebody entitled')),
    ...plan.refuse.map((one) => ({
      ...step('refuse', one.id, null, one.reasons.map(({ message }) => message).join('; ')),
      error: one.reasons[0] ?? null,
    })),
    ...plan.ready
      .filter(({ action }) => action === 'schedule')
      .map(({ id, terms }) =>
        step(
          'schedule',
          id,
          terms.target,
          `${terms.permissions.join(', ')} to ${terms.login} from ${terms.start} until ${terms.end}`,
        ),
      ),
  ];
}
