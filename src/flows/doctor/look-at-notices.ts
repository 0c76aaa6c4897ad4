/** Are people told? Without being asked to, doctor sends nothing: it looks whether this executor has what it needs for that. */
import { type Check, tellOf } from '../../model/check.ts';
import type { Desk, Executor } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { examineReceivers, sendTests } from '../notices/send-notices.ts';
import type { Chart } from './chart.ts';

const UNSENT = 'set the variable in the environment of this executor, as docs/notices.md says';
const UNHEARD =
  'see whether the address is right and its receiver answers; grants and revocations do not wait for it';

/** @param isTest a test is sent to each receiver */
export async function lookAtNotices(
  chart: Chart,
  desk: Desk,
  { state }: LedgerView,
  executor: Executor | null,
  isTest: boolean,
): Promise<readonly Check[]> {
  const { ok, warning, problem } = tellOf('notices');
  if (state.policy.config.notify.length === 0) {
    if (isTest) chart.skipped.push({ area: 'notices', why: 'the policy in force has no `notify`' });
    return [];
  }
  if (isTest && desk.offline) {
    chart.skipped.push({ area: 'notices', why: '--offline was given, so no test was sent' });
    return [];
  }
  if (isTest)
    return (await sendTests(desk, state)).map(({ name, failure }) =>
      failure === null
        ? ok('W_NOTICE', `${name}: a test was received`)
        : problem('W_NOTICE', `${name}: the test was not received: ${failure}`, UNHEARD),
    );
  // Only executors send any.
  if (executor === null) return [];
  return (await examineReceivers(desk, state)).map(({ name, failure }) =>
    failure === null
      ? ok('W_NOTICE', `${name} can be sent from here`)
      : warning('W_NOTICE', `${name} cannot be sent from here: ${failure}`, UNSENT),
  );
}
