/** Is main's policy the one in force, and is the one in force fit for its people? */
import { type Check, tellOf } from '../../model/check.ts';
import type { Instant } from '../../model/instant.ts';
import { judgeAdmins, judgeExecutors, judgeHolders } from '../../rules/doctor/judge-holders.ts';
import { judgeReach } from '../../rules/doctor/judge-reach.ts';
import { judgeSettings } from '../../rules/doctor/judge-settings.ts';
import { type Desk, mainRef } from '../desk.ts';
import { mainHalts, policyHalts } from '../gather/halts.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export async function lookAtPolicy(desk: Desk, view: LedgerView, now: Instant): Promise<Check[]> {
  const { policy } = view.state;
  return [
    ...(await judgeMain(desk, view)),
    judgeAdmins(policy, now),
    ...judgeExecutors(policy, now),
    ...judgeHolders(policy, now),
    ...judgeReach(policy, now),
    ...judgeSettings(policy, desk.providers, now),
  ];
}

async function judgeMain(desk: Desk, view: LedgerView): Promise<Check[]> {
  const { ok, problem } = tellOf('policy');
  const ref = mainRef(desk, view.state.policy.config);
  const main = await desk.repository.resolve(ref);
  if (main === undefined) return [problem('E_POL_MISSING', `there is no branch ${ref}`, 'git fetch')];
  const halts = await policyHalts(desk, view, main);
  const signed = halts.every(({ code }) => code !== 'E_POL_UNSIGNED');
  const seq = view.state.index.beats?.policy.seq ?? 0;
  return [
    ...(signed ? [ok('E_POL_UNSIGNED', `main holds the policy in force, version ${seq}`)] : []),
    ...halts.map(({ code, message }) => problem(code, message, 'no grants until then; sweeps go on')),
    ...(await mainHalts(desk, view, main)).map(({ code, message }) =>
      problem(code, message, 'main was rewritten: protect it, and bring the lost commits back'),
    ),
  ];
}
