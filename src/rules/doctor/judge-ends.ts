/** Whether what is live will end: sweeps, grants past their end, revocations that failed, intents without outcome. */
import { type Check, tellOf } from '../../model/check.ts';
import type { Instant } from '../../model/instant.ts';
import { mayBeLive } from '../../model/open-record.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { lastSweepOf, lateSweep } from '../judge-sweep.ts';

const { ok, warning, problem } = tellOf('sweeps');
const RUN = 'pam sweep, on the machine that holds its key; is its schedule still on?';

export function judgeEnds(state: ChainState, now: Instant): Check[] {
  return [...judgeSweeps(state, now), ...judgeGrants(state, now)];
}

function judgeSweeps(state: ChainState, now: Instant): Check[] {
  const last = lastSweepOf(state);
  const late = lateSweep(state, now);
  const told = last === null ? 'no sweep is on record yet' : `the last sweep on record was ${last}`;
  const checks = [late === undefined ? ok('W_SWEEP_LATE', told) : warning('W_SWEEP_LATE', late, RUN)];
  if (state.policy.config.sweep_within === undefined) {
    const message =
      'sweep_within is not set: grants go on while no sweep runs, and idle sweeps leave no trace';
    const hint =
      'set sweep_within in pam.yaml and ratify it: 1h where a machine of your own sweeps, 24h where only the schedule of a forge does';
    checks.push(warning('W_SWEEP_UNBOUND', message, hint));
  }
  return checks;
}

function judgeGrants({ index }: ChainState, now: Instant): Check[] {
  const checks: Check[] = [];
  const live = [...index.records.values()].filter(mayBeLive);
  for (const { id, state, grant, attempts, ending } of live) {
    if (grant === null) continue;
    const where = `${grant.login} on ${grant.target}`;
    if (attempts > 0) {
      const message = `${id}: ending the access of ${where} failed ${attempts} times`;
      checks.push(problem('E_PRV_REVOKE', message, `pam log ${id} says why; then ${RUN}`));
    }
    if (grant.end <= now) {
      checks.push(
        problem('E_LED_OVERDUE', `${id}: access of ${where} should have ended at ${grant.end}`, RUN),
      );
    } else if (state === 'ending') {
      const message = `${id}: access of ${where} is to end (${ending?.because ?? ''}) and is not confirmed gone`;
      checks.push(warning('W_ENDING', message, RUN));
    } else if (state === 'granting' && grant.granting !== null && grant.granting.act_by <= now) {
      const message = `${id}: granting to ${where} began and how it went is not recorded`;
      checks.push(warning('W_GRANTING', message, 'pam apply finishes it or takes it back'));
    }
  }
  return checks.length > 0
    ? checks
    : [ok('E_LED_OVERDUE', live.length === 0 ? 'nothing is live' : `${live.length} live, none past its end`)];
}
