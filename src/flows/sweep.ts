/**
 * Sweep: end every grant that is past its end, whose incident closed, or that was stopped. Doubt never stops it:
 * an unreachable forge, junk on the ledger, a clock that looks wrong or one failing target are reported, and
 * every other revocation goes on.
 */
import type { Reason } from '../model/decision.ts';
import { type LedgerEvent, reasonNote } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import { type Instant, plus, secondsOf } from '../model/instant.ts';
import type { RequestId } from '../model/names.ts';
import { mayBeLive, type OpenRecord } from '../model/open-record.ts';
import type { Signed } from '../model/statement.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../trust/keyring.ts';
import { type Ending, planSweep, type SweepPlan } from '../rules/plan-sweep.ts';
import { sortPostings } from '../rules/judge-postings.ts';
import { executesOn } from '../rules/rights.ts';
import { accessOf, isHeld } from '../rules/still-needed.ts';
import { appendEntry, thatFit } from './append-entry.ts';
import { type Revoked, revokeAtTarget } from './carry-out-revoke.ts';
import { type Desk, type Executor, mainRef } from './desk.ts';
import { fetchState } from './fetch-state.ts';
import { incidentStates } from './gather.ts';
import { type LedgerView, readLedger } from './read-ledger.ts';
import { readStatements, topicOf } from './read-statements.ts';
import { recordPolicy } from './record-policy.ts';
import type { RunResult, RunStep } from './run-result.ts';
import { openTarget, orderOf } from './target-desk.ts';

export interface SweepScope {
  /** These targets only; empty = all that this executor may revoke on. */
  readonly targets: readonly string[];
  /** These ids only. */
  readonly ids?: ReadonlySet<RequestId>;
}

export async function sweep(desk: Desk, executor: Executor, scope: SweepScope): Promise<RunResult> {
  const troubles: Reason[] = [];
  const freshness = await fetchState(desk);
  if (!freshness.fresh)
    troubles.push({ code: 'E_FORGE_STALE', ok: false, message: `not fetched: ${freshness.why}` });
  const read = await readLedger(desk, executor);
  const { view: start, recorded } = await recordPolicy(desk, executor, read);
  troubles.push(...start.troubles, ...clockTroubles(desk, start));
  const steps: RunStep[] = [];
  if (recorded !== null) steps.push(plain('policy', '-', `policy ${recorded} is in force`));

  const { plan, view } = await recordEndings(desk, executor, start, scope, troubles);
  steps.push(...plan.drop.map((one) => plain('stop', one.id, 'stopped before it began')));
  const ending = new Set(plan.end.map(({ id }) => id));
  const done: { readonly ending: Ending; readonly outcome: Revoked }[] = [];
  for (const one of plan.end) {
    if (desk.interrupted()) break;
    const record = view.state.index.records.get(one.id) ?? one.record;
    desk.progress(`revoking ${one.id} on ${record.grant?.target ?? ''}`);
    done.push({ ending: one, outcome: await revokeAtTarget(desk, view, record, ending) });
  }
  const last = await recordOutcomes(desk, executor, view, done, troubles);
  for (const { ending: one, outcome } of done) steps.push(revokeStep(one, outcome));
  const { seq, head } = last.state;
  return { steps, ledger: { seq, head }, waiting: [], troubles };
}

const plain = (action: RunStep['action'], id: RunStep['id'], what: string): RunStep => ({
  action,
  id,
  target: null,
  result: 'done',
  error: null,
  what,
});

function revokeStep({ id, record, why }: Ending, outcome: Revoked): RunStep {
  const { grant } = record;
  const what = `${grant?.permissions.join(', ')} from ${grant?.login}: ${why}`;
  const error = outcome.error === null ? null : reasonNote(outcome.error);
  const target = grant?.target ?? null;
  return { action: 'revoke', id, target, result: error === null ? 'done' : 'failed', error, what };
}

/** A sweep never stops for a clock; it says so. */
function clockTroubles(desk: Desk, view: LedgerView): Reason[] {
  const now = desk.clock();
  const last = view.state.index.beats?.apply?.at;
  if (last === undefined || last <= plus(now, CLOCK_TOLERANCE_SECONDS)) return [];
  return [
    {
      code: 'E_CLOCK',
      ok: false,
      message: `this clock says ${now}, the ledger has an apply entry of ${last}`,
    },
  ];
}

/** What has to end now, with every ending that needs a record recorded; what could not be recorded is left out. */
async function recordEndings(
  desk: Desk,
  executor: Executor,
  first: LedgerView,
  scope: SweepScope,
  troubles: Reason[],
): Promise<{ readonly plan: SweepPlan; readonly view: LedgerView }> {
  let plan: SweepPlan = { end: [], drop: [], recheck: [] };
  const make = async (newest: LedgerView, now: Instant): Promise<readonly LedgerEvent[]> => {
    const told: Reason[] = [];
    plan = await planNow(desk, executor, newest, scope, now, told);
    for (const one of told) if (!troubles.some(({ message }) => message === one.message)) troubles.push(one);
    // Access that must end comes first; what does not fit waits for the next run, and is not acted on in this one.
    const wanted: readonly LedgerEvent[] = [...plan.end.flatMap(({ event }) => event ?? []), ...plan.drop];
    const fitting = new Set(thatFit(wanted));
    const end = plan.end.filter(({ event }) => event === null || fitting.has(event));
    plan = { ...plan, end, drop: plan.drop.filter((event) => fitting.has(event)) };
    return [...fitting];
  };
  try {
    const { view } = await appendEntry(desk, executor, first, async (newest, now) => {
      const events = await make(newest, now);
      return events.length === 0 ? null : { events };
    });
    return { plan, view };
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    troubles.push({
      code: error.code,
      ok: false,
      message: `endings could not be recorded: ${error.message}`,
    });
    await make(first, desk.clock());
    // Without a record only the recorded end itself is a cause to act on (DESIGN rule 4).
    return { plan: { ...plan, drop: [], end: plan.end.filter(restsOnItsEnd) }, view: first };
  }
}

const restsOnItsEnd = ({ event }: Ending): boolean =>
  event === null || (event.type === 'ending' && event.cause === 'expired');

async function planNow(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  scope: SweepScope,
  now: Instant,
  troubles: Reason[],
): Promise<SweepPlan> {
  const { root, policy, index } = view.state;
  const open = [...index.records.values()];
  const stops = await stopsOn(desk, view, open, troubles);
  const main = await desk.repository.resolve(mainRef(desk, policy.config));
  const live = open.filter(mayBeLive).flatMap(({ grant }) => grant?.incident ?? []);
  const incidents = await incidentStates(desk, view, main, live);
  for (const [id, state] of incidents) {
    if (state.state === 'unknown')
      troubles.push({ code: 'E_INCIDENT', ok: false, message: `incident ${id}: ${state.why}` });
  }
  const plan = planSweep({ root, policy, providers: desk.providers, index, stops, incidents }, now);
  const mine = (record: OpenRecord): boolean => isMine(view, executor, scope, record);
  const end = plan.end.filter(({ record }) => mine(record));
  const again = await foundAgain(desk, view, plan.recheck.filter(mine), troubles);
  const drop = plan.drop.filter(({ id }) => scope.ids?.has(id) ?? true);
  return { end: [...end, ...again], drop, recheck: [] };
}

function isMine(view: LedgerView, executor: Executor, scope: SweepScope, record: OpenRecord): boolean {
  const target = record.grant?.target ?? '';
  if (scope.targets.length > 0 && !scope.targets.includes(target)) return false;
  if (scope.ids !== undefined && !scope.ids.has(record.id)) return false;
  const { policy } = view.state;
  return executesOn(policy, executor.name, target, 'revoke') || !Object.hasOwn(policy.targets, target);
}

async function stopsOn(
  desk: Desk,
  view: LedgerView,
  open: readonly OpenRecord[],
  troubles: Reason[],
): Promise<ReadonlyMap<RequestId, readonly Signed[]>> {
  const topics = open.filter((one) => one.seen !== null && one.final_at === null).map(topicOf);
  if (topics.length === 0) return new Map();
  try {
    const forge = await desk.forge(view.state.policy.config);
    const { found, flooded } = await readStatements(forge, topics);
    for (const message of flooded.values()) troubles.push({ code: 'E_FORGE_LIMIT', ok: false, message });
    return sortPostings(view.state.policy, found).stops;
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    troubles.push({ code: error.code, ok: false, message: `stops could not be read: ${error.message}` });
    return new Map();
  }
}

/** A paused executor may have woken up after its grant was ended: ask the target once more for a day. */
async function foundAgain(
  desk: Desk,
  view: LedgerView,
  records: readonly OpenRecord[],
  troubles: Reason[],
): Promise<Ending[]> {
  const found: Ending[] = [];
  for (const record of records) {
    const { id, grant } = record;
    if (grant === null || desk.interrupted()) continue;
    try {
      const { session } = openTarget(desk, grant);
      const shown = await session.inspect(orderOf(id, grant, desk.clock()));
      const left = shown.state === 'present' ? shown.which.filter((one) => !belongs(view, record, one)) : [];
      if (left.length === 0) continue;
      const because = `${left.join(', ')} was found at the target after it had ended`;
      found.push({ id, record, why: because, event: { type: 'ending', id, cause: 'found', because } });
    } catch (error) {
      // One broken provider must not stop the revocations of this run.
      const { code, message } = error instanceof PamError ? error : new PamError('E_PRV', String(error));
      troubles.push({
        code,
        ok: false,
        message: `could not look at ${grant.target} again for ${id}: ${message}`,
      });
    }
  }
  return found;
}

/** It was there before pam came, or another grant that may be live explains it. */
function belongs(view: LedgerView, { id, grant }: OpenRecord, permission: string): boolean {
  if (grant === null || grant.granting?.preexisting.includes(permission) === true) return true;
  return isHeld(view.state.index, accessOf(grant, permission), id);
}

async function recordOutcomes(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  done: readonly { readonly ending: Ending; readonly outcome: Revoked }[],
  troubles: Reason[],
): Promise<LedgerView> {
  try {
    const { view: last } = await appendEntry(desk, executor, view, async (now, at) => {
      const events = done.flatMap(({ ending, outcome }): LedgerEvent[] => {
        const record = now.state.index.records.get(ending.id);
        if (record === undefined || !mayBeLive(record)) return [];
        if (record.state !== 'ending' && (record.grant === null || record.grant.end > at)) return [];
        return outcome.error === null
          ? [{ type: 'revoked', id: ending.id, kept_for: outcome.keptFor, usage: outcome.usage }]
          : [
              {
                type: 'revoke_failed',
                id: ending.id,
                attempt: record.attempts + 1,
                error: reasonNote(outcome.error),
              },
            ];
      });
      return events.length > 0
        ? { events: thatFit(events) }
        : heartbeatDue(now, at)
          ? { events: [beat(now)] }
          : null;
    });
    return last;
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    troubles.push({
      code: error.code,
      ok: false,
      message: `outcomes could not be recorded: ${error.message}`,
    });
    return view;
  }
}

const beat = (view: LedgerView): LedgerEvent => ({
  type: 'heartbeat',
  id: '-',
  live: [...view.state.index.records.values()].filter(mayBeLive).length,
});

/** A trace that sweeps run, and no more than that: when the last sweep entry is older than a quarter of the limit. */
function heartbeatDue(view: LedgerView, now: Instant): boolean {
  if (view.troubles.some(({ code }) => code === 'E_LED_JUNK')) return true;
  const within = view.state.policy.config.sweep_within;
  if (within === undefined) return false;
  const last = view.state.index.beats?.sweep?.at;
  return last === undefined || now > plus(last, secondsOf(within) / 4);
}
