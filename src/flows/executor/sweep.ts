/**
 * Sweep: end every grant that is past its end, whose incident closed, or that was stopped. Doubt never stops it:
 * an unreachable forge, junk on the ledger, a clock that looks wrong or one failing target are reported, and
 * every other revocation goes on.
 *
 *   1  what the ledger alone says must end: its end has come, its key is compromised ...
 *   2  what the forge and the incidents say; a pusher may have made asking them slow
 *   3  what a target still shows of grants that are over
 *   4  a revocation list that is missing, once nothing that has to end waits for it
 */
import type { Reason } from '../../model/decision.ts';
import { plus } from '../../model/instant.ts';
import { mayBeLive } from '../../model/open-record.ts';
import { needExecutorKey } from '../../rules/executor-key.ts';
import { beatEvery, lastSweepOf } from '../../rules/judge-sweep.ts';
import { sortPostings } from '../../rules/judge-postings.ts';
import { rotated } from '../../rules/queue-by-system.ts';
import { stopsNotTaken } from '../../rules/plan-sweep.ts';
import { type OpenNotice, overdueNotices } from '../../rules/notices/open-notices.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { CLOCK_TOLERANCE_SECONDS, holdersOf } from '../../trust/keyring.ts';
import { beginBudget } from '../at-targets/ask-targets.ts';
import { type Desk, type Executor, mainRef } from '../desk.ts';
import { endAll } from './end-due.ts';
import { endingsOf, findLeftovers } from '../at-targets/find-leftovers.ts';
import { isStoppable } from '../gather/about.ts';
import { incidentStates } from '../gather/gather.ts';
import { held } from '../ledger/net.ts';
import { type Courier, tellingPeople } from '../notices/tell-people.ts';
import { prepareTargets } from '../at-targets/prepare-targets.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { readStatements, topicOf } from '../gather/read-statements.ts';
import { fetchLargeMeanwhile, readPatiently } from './read-patiently.ts';
import { type Done, recordBeat } from './record-outcomes.ts';
import { recordPolicy } from './record-policy.ts';
import { CUT_SHORT, type RunResult, type RunStep } from './run-result.ts';
import {
  factsOf,
  isMine,
  NOTHING_ASKED,
  onItsOwn,
  type SweepFindings,
  plain,
  planAll,
  type Run,
  type SweepScope,
  tellIn,
  withFacts,
} from './sweep-run.ts';

/** @param courier when this run waits for what it tells people */
export async function sweep(
  desk: Desk,
  executor: Executor,
  scope: SweepScope,
  courier?: Courier,
): Promise<RunResult> {
  return await tellingPeople(desk, executor, courier, async (heard) => {
    const { result, state } = await sweepQuietly(heard, executor, scope);
    const gone = result.steps.flatMap(({ action, result: how, id }) =>
      action === 'revoke' && how === 'done' && id !== '-' ? [id] : [],
    );
    // One that ends a single grant says nothing about the others.
    const open = (): readonly OpenNotice[] =>
      scope.ids === undefined ? overdueNotices(state, executor.name, new Set(gone), desk.clock()) : [];
    return { result, leaves: { state, situation: null, open } };
  });
}

interface Swept {
  readonly result: RunResult;
  readonly state: ChainState;
}

async function sweepQuietly(desk: Desk, executor: Executor, scope: SweepScope): Promise<Swept> {
  const first = beginRun(desk, executor, scope);
  const swept = await sweepOnce(first);
  // A person who ends one grant does not wait for minutes.
  if (!first.ledgerTooLarge || scope.ids !== undefined || desk.interrupted()) return swept;
  const { result } = swept;
  // What could be read is swept. Grants that this machine has not read yet may lie below what was too large.
  const meanwhile = beginRun(desk, executor, scope, triedIn(result.steps));
  const { fetched, early } = await fetchLargeMeanwhile(meanwhile);
  const before = [...result.steps, ...meanwhile.revokes];
  if (!fetched)
    return {
      ...swept,
      result: { ...result, steps: before, troubles: [...result.troubles, ...meanwhile.troubles] },
    };
  const again = await sweepOnce(beginRun(desk, executor, scope, triedIn(before)), early);
  return { ...again, result: { ...again.result, steps: [...before, ...again.result.steps] } };
}

/** What a target was asked about. What was left for lack of time is taken up again. */
const triedIn = (steps: readonly RunStep[]): Run['handled'] =>
  new Set(steps.flatMap(({ id, result }) => (id === '-' || result === 'skipped' ? [] : [id])));

const beginRun = (
  desk: Desk,
  executor: Executor,
  scope: SweepScope,
  handled: Run['handled'] = new Set(),
): Run => ({
  desk,
  executor,
  scope,
  budget: beginBudget(desk.clock()),
  troubles: [],
  handled,
  drops: [],
  revokes: [],
  wrote: false,
  ledgerTooLarge: false,
});

/** @param early what was ended before, and is to be recorded */
async function sweepOnce(run: Run, early: readonly Done[] = []): Promise<Swept> {
  const { desk, executor, scope } = run;
  const tells = tellIn(run);
  const read = await readPatiently(run, early);
  const due = (await isInForce(run, read)) ? await endAll(run, read, onItsOwn(run)) : read;
  const same = { view: due, recorded: null };
  const policy: { view: LedgerView; recorded: number | null } = desk.interrupted()
    ? same
    : await held(tells, 'a policy could not be recorded', same, () => recordPolicy(desk, executor, due));
  for (const trouble of [...policy.view.troubles, ...clockTroubles(desk, policy.view)]) tells(trouble);
  const last = desk.interrupted() ? policy.view : await endTheRest(run, policy.view);
  await prepareTargets(desk, executor, last.state, tells, scope.targets);
  const { state } = await leaveTrace(run, last);
  const { seq, head } = state;
  if (desk.interrupted()) run.troubles.push(CUT_SHORT);
  const { recorded } = policy;
  const first = recorded === null ? [] : [plain('policy', '-', `policy ${recorded} is in force`)];
  const steps = [...first, ...run.drops, ...run.revokes];
  // It could not have recorded anything, so it must not pass for a sweep that found nothing to do.
  if (steps.length + run.troubles.length === 0 && scope.ids === undefined)
    needExecutorKey([state.policy], executor.name, await desk.keyOf(executor.keyFile));
  const idle = { lastSweep: lastSweepOf(state), every: beatEvery(state.policy.config) };
  const result = { steps, ledger: { seq, head }, waiting: [], troubles: run.troubles, idle };
  return { result, state };
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

/** Is this executor's key in force already, or does it come with a policy that this very run may record? */
async function isInForce(run: Run, { state }: LedgerView): Promise<boolean> {
  const { desk, executor } = run;
  const { name, keyFile } = executor;
  // What can be revoked without a record needs no key.
  return await held(tellIn(run), `the key of ${name} cannot be read`, true, async () => {
    return holdersOf(state.policy).get(await desk.keyOf(keyFile))?.id === name;
  });
}

async function endTheRest(run: Run, first: LedgerView): Promise<LedgerView> {
  const { desk } = run;
  const asked = { stops: await stopsOn(run, first), incidents: await incidentsOf(run, first) };
  const view = await endAll(run, first, withFacts(run, asked));
  for (const trouble of stopsNotTaken(factsOf(desk, view, asked), desk.clock())) tellIn(run)(trouble);
  const again = planAll(desk, view, NOTHING_ASKED, desk.clock()).recheck;
  const mine = again.filter((record) => isMine(run, view, record));
  const leftovers = await held(
    tellIn(run),
    'what ended today could not be looked at again',
    [],
    async () => await findLeftovers(desk, run.budget, mine, run.troubles),
  );
  return await endAll(run, view, (newest) => ({ end: endingsOf(desk, newest, leftovers), drop: [] }));
}

async function stopsOn(run: Run, { state }: LedgerView): Promise<SweepFindings['stops']> {
  const { desk, scope } = run;
  const tell = tellIn(run);
  const given = scope.stops ?? NOTHING_ASKED.stops;
  const stoppable = [...state.index.records.values()].filter(isStoppable);
  // Live grants first; each group is rotated, so that a flood on one id cannot starve the same others in every run.
  const live = rotated(stoppable.filter(mayBeLive), desk.chance());
  const others = rotated(
    stoppable.filter((one) => !mayBeLive(one)),
    desk.chance(),
  );
  const topics = [...live, ...others].map(topicOf);
  if (topics.length === 0) return given;
  return await held(tell, UNREAD_STOPS, given, async () => {
    const forge = await desk.forge(state.policy.config);
    const { found, flooded, broken } = await readStatements(forge, topics);
    for (const error of flooded.values()) tell(error);
    if (broken !== null) tell({ code: broken.code, message: `${UNREAD_STOPS}: ${broken.message}` });
    const { stops } = sortPostings(state.policy, found);
    return new Map(
      [...new Set([...given.keys(), ...stops.keys()])].map((id) => [
        id,
        [...(given.get(id) ?? []), ...(stops.get(id) ?? [])],
      ]),
    );
  });
}

const UNREAD_STOPS = 'stops could not be read';

async function incidentsOf(run: Run, view: LedgerView): Promise<SweepFindings['incidents']> {
  const { desk } = run;
  const { policy, index } = view.state;
  const live = [...index.records.values()].filter(mayBeLive);
  const named = live.flatMap(({ grant }) => grant?.incident ?? []);
  const none = NOTHING_ASKED.incidents;
  return await held(tellIn(run), 'incidents could not be read', none, async () => {
    const main = await desk.repository.resolve(mainRef(desk, policy.config));
    const incidents = await incidentStates(desk, view, main, named);
    for (const [id, state] of incidents) {
      if (state.state === 'unknown')
        tellIn(run)({ code: 'E_INCIDENT', message: `incident ${id}: ${state.why}` });
    }
    return incidents;
  });
}

async function leaveTrace(run: Run, view: LedgerView): Promise<LedgerView> {
  if (run.desk.interrupted()) return view;
  const { desk, executor, wrote } = run;
  return await held(tellIn(run), 'that this sweep ran could not be recorded', view, async () => {
    return await recordBeat(desk, executor, view, wrote);
  });
}
