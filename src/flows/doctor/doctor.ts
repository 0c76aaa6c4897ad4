/**
 * Doctor: looks at everything that has to be right before access is given and taken away, and says what to do about
 * the rest. It fetches, as `status` does, makes a revocation list that is missing, and changes nothing else: no pin, no kept
 * head, no access. One thing that
 * cannot be looked at never hides another.
 */
import { type Check, CHECK_AREAS, type CheckArea, type Skipped, tellOf } from '../../model/check.ts';
import type { Exit } from '../../model/error.ts';
import { exitOfChecks } from '../../rules/doctor/exit-of-checks.ts';
import { judgeGit, judgeKeygen } from '../../rules/doctor/judge-programs.ts';
import { judgeClone, judgeMemory, judgeRemoteUrl } from '../../rules/doctor/judge-clone.ts';
import { judgeEnds } from '../../rules/doctor/judge-ends.ts';
import type { Desk, Executor } from '../desk.ts';
import { type Chart, look, type Visit } from './chart.ts';
import { lookAtExecutor, lookAtPerson } from './look-at-keys.ts';
import { lookAtForge } from './look-at-forge.ts';
import { lookAtIncidents } from './look-at-incidents.ts';
import { lookAtLedger } from './look-at-ledger.ts';
import { lookAtNotices } from './look-at-notices.ts';
import { lookAtPolicy } from './look-at-policy.ts';
import { lookAtTargets } from './look-at-targets.ts';
import { clockHalts } from '../gather/halts.ts';
import { fetchState, type Freshness } from '../ledger/fetch-state.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export interface Diagnosis {
  readonly checks: readonly Check[];
  readonly skipped: readonly Skipped[];
  readonly exit: Exit;
  /** Who mends what policy and the forge's settings lack, where the person who looks cannot: the admins. Else it is empty. */
  readonly mendedBy: readonly string[];
}

export async function doctor(visit: Visit): Promise<Diagnosis> {
  const chart: Chart = { checks: [], skipped: [] };
  const { checks, skipped } = chart;
  await look(chart, 'programs', async () => [judgeGit(await visit.machine.gitVersion())]);
  await look(chart, 'programs', async () => [judgeKeygen(await visit.machine.keygenSigns())]);
  const executor = await executorOf(chart, visit);
  const desk = await deskOf(chart, visit);
  if (desk === null)
    skipAll(chart, ['memory', 'remote', 'root', 'ledger', ...needLedger(visit)], 'there is no clone here');
  const view = desk === null ? null : await lookAround(chart, visit, desk, executor);
  const who = {
    chart,
    machine: visit.machine,
    executor,
    now: desk?.clock() ?? null,
    policy: view?.state.policy ?? null,
  };
  const person = await lookAtPerson(who, visit);
  await lookAtExecutor(who);
  const order = (area: CheckArea): number => CHECK_AREAS.indexOf(area);
  checks.sort((a, b) => order(a.area) - order(b.area));
  const admins = who.policy?.admins.people ?? [];
  const mends = person === null || executor !== null || admins.includes(person);
  return { checks, skipped, exit: exitOfChecks(checks), mendedBy: mends ? [] : admins };
}

/** Everything that needs a clone; gives the ledger as far as it can be believed. */
async function lookAround(
  chart: Chart,
  visit: Visit,
  laid: Desk,
  executor: Executor | null,
): Promise<LedgerView | null> {
  const desk = harmless(laid);
  const { machine } = visit;
  await look(chart, 'memory', async () => {
    const { directory } = desk.memory;
    return judgeMemory(directory, await machine.directory(directory));
  });
  await look(chart, 'repository', async () => {
    const clone = await machine.clone(desk.repository.gitDir);
    return judgeClone({ ...clone, hasRemote: desk.remote !== null });
  });
  // A clone can be found without git, and read no further.
  if (chart.checks.some(({ area, code }) => area === 'repository' && code === 'E_RUN_MISSING')) {
    skipAll(chart, ['remote', 'root', 'ledger', ...needLedger(visit)], 'git is not here');
    return null;
  }
  const freshness = await lookAtRemote(chart, desk);
  const view = await lookAtLedger(chart, desk, executor);
  if (view === null) {
    skipAll(chart, needLedger(visit), 'the ledger cannot be read');
    return null;
  }
  const now = desk.clock();
  await look(chart, 'policy', async () => await lookAtPolicy(desk, view, now));
  await look(chart, 'clock', async () => await Promise.resolve(judgeClock(view, desk)));
  await look(chart, 'incidents', async () => await lookAtIncidents(desk, view));
  await look(chart, 'sweeps', async () => await Promise.resolve(judgeEnds(view.state, now)));
  await lookAtTargets(chart, desk, view, executor);
  await look(
    chart,
    'notices',
    async () => await lookAtNotices(chart, desk, view, executor, visit.testNotices === true),
  );
  await lookAtForge(chart, { desk, view, machine, freshness });
  return view;
}

/** Nothing is remembered, and what flows would say in passing is said as a check instead. */
function harmless(desk: Desk): Desk {
  const nothing = async (): Promise<void> => {
    await Promise.resolve();
  };
  const memory = { ...desk.memory, pinRoot: nothing, keepBranches: nothing, keepHead: nothing };
  return { ...desk, memory, note: () => undefined };
}

const NEED_LEDGER = ['policy', 'clock', 'incidents', 'sweeps', 'targets', 'forge'] as const;

/** Notices are a word only where they were asked for. */
const needLedger = ({ testNotices }: Visit): readonly CheckArea[] =>
  testNotices === true ? [...NEED_LEDGER, 'notices'] : NEED_LEDGER;

function skipAll({ skipped }: Chart, areas: readonly CheckArea[], why: string): void {
  skipped.push(...areas.map((area) => ({ area, why })));
}

async function deskOf(chart: Chart, visit: Visit): Promise<Desk | null> {
  let desk: Desk | null = null;
  await look(chart, 'repository', async () => {
    desk = await visit.desk();
    return [];
  });
  return desk;
}

async function executorOf(chart: Chart, visit: Visit): Promise<Executor | null> {
  let executor: Executor | null = null;
  await look(chart, 'executor', async () => {
    executor = visit.executor();
    return await Promise.resolve([]);
  });
  return executor;
}

async function lookAtRemote(chart: Chart, desk: Desk): Promise<Freshness> {
  const { remote } = desk;
  if (remote === null) {
    chart.skipped.push({ area: 'remote', why: 'this clone is the whole access repository' });
    return { fresh: true };
  }
  let freshness: Freshness = { fresh: false, why: 'there is no remote to ask' };
  await look(chart, 'remote', async () => {
    const { ok, problem, unknown } = tellOf('remote');
    const checks = [judgeRemoteUrl(remote.name, (await remote.open()).url)];
    freshness = await fetchState(desk);
    if (freshness.fresh) return [...checks, ok('E_FORGE_STALE', `${remote.name} answers`)];
    const message = desk.offline
      ? `${remote.name} was not asked: --offline was given`
      : `${remote.name} cannot be read: ${freshness.why}`;
    const hint = desk.offline ? 'run it again without --offline' : `try: git ls-remote ${remote.name}`;
    return [...checks, (desk.offline ? unknown : problem)('E_FORGE_STALE', message, hint)];
  });
  return freshness;
}

function judgeClock(view: LedgerView, desk: Desk): Check[] {
  const { ok, problem } = tellOf('clock');
  const [halt] = clockHalts(view, desk.clock());
  return halt === undefined
    ? [ok('E_LED_CLOCK', 'this clock is not behind the ledger')]
    : [
        problem(
          halt.code,
          halt.message,
          'set the clock right (NTP); if it is right, an executor wrote ahead of time',
        ),
      ];
}
