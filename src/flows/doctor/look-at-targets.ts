/**
 * Each target of this executor, looked at with its environment: can it be reached, is it the one that policy means? What
 * nobody could use it without is made where it is missing.
 */
import { type Check, tellOf } from '../../model/check.ts';
import { expected, Interrupted, PamError } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { ExecutorRight } from '../../model/policy.ts';
import type { Order } from '../../model/target.ts';
import { hintFor } from '../../rules/doctor/hint-for.ts';
import { executesOn } from '../../rules/people.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import type { Desk, Executor } from '../desk.ts';
import type { Chart } from './chart.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { openTarget, orderOf, sceneOf } from '../at-targets/target-desk.ts';

const { ok, problem, warning } = tellOf('targets');
const RIGHTS: readonly ExecutorRight[] = ['grant', 'revoke'];

export async function lookAtTargets(
  { checks, skipped }: Chart,
  desk: Desk,
  view: LedgerView,
  executor: Executor | null,
): Promise<void> {
  if (executor === null) {
    skipped.push({
      area: 'targets',
      why: 'no executor is named here, and only executors hold their secrets',
    });
    return;
  }
  const { policy } = view.state;
  for (const target of Object.keys(policy.targets)) {
    const may = RIGHTS.filter((right) => executesOn(policy, executor.name, target, right));
    if (may.length === 0) continue;
    desk.progress(`looking at ${target}`);
    checks.push(...(await lookAt(desk, view.state, target, may)));
  }
}

async function lookAt(
  desk: Desk,
  state: ChainState,
  target: string,
  may: readonly ExecutorRight[],
): Promise<readonly Check[]> {
  const config = state.policy.targets[target];
  if (config === undefined) return [];
  const faults = new Map<string, PamError>();
  const note = (error: PamError): void => {
    faults.set(`${error.code} ${error.message}`, error);
  };
  try {
    const place = { target, ...config };
    const { session } = await openTarget(desk, place);
    const noted = (error: unknown): void => {
      note(expected(error));
    };
    await session.verifyIdentity().catch(noted);
    await session.prepare?.(sceneOf(desk.providers, state, place, new Set()), desk.clock()).catch(noted);
    // What kept the session from being ready is the reason for what is found missing next.
    const known = new Set([...faults.values()].map(({ code }) => code));
    const found = (await session.examine?.(may, permissionsOn(state, target))) ?? [];
    for (const fault of found) if (!known.has(fault.code)) note(fault);
    for (const order of liveOn(state, target, desk.clock())) {
      desk.progress(`looking at ${target} for ${order.id}`);
      await session.checkOrder?.(order).catch(noted);
    }
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    // A provider that throws anything else is broken, and the other targets are still worth a look.
    note(error instanceof PamError ? error : new PamError('E_PRV', String(error)));
  }
  const checks = [...faults.values()].map(({ code, message, hint }) =>
    (code.startsWith('W_') ? warning : problem)(
      code,
      message.includes(target) ? message : `${target}: ${message}`,
      hint ?? hintFor(code, 'targets'),
    ),
  );
  if (checks.some((one) => one.state === 'problem')) return checks;
  return [ok('E_PRV_TARGET_IDENTITY', `${target} is ready to ${may.join(' and ')}`), ...checks];
}

/** What roles name there, but for what a scope has to fill in first. */
const permissionsOn = ({ policy }: ChainState, target: string): readonly string[] =>
  Object.values(policy.roles)
    .filter((role) => role.target === target)
    .flatMap(({ permissions }) => permissions.filter((one) => !one.includes('{')));

const liveOn = ({ index }: ChainState, target: string, now: Instant): readonly Order[] =>
  [...index.records.values()].flatMap(({ id, state, grant }) =>
    state === 'live' && grant?.target === target && now < grant.end ? [orderOf(id, grant, now)] : [],
  );
