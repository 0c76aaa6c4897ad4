/** The trust root and the ledger, walked as every other command walks it. */
import { tellOf } from '../../model/check.ts';
import { expected } from '../../model/error.ts';
import { hintFor } from '../../rules/doctor/hint-for.ts';
import type { Desk, Executor } from '../desk.ts';
import type { Chart } from './chart.ts';
import { FORK_WAY_OUT } from '../ledger/walk/ledger-junk.ts';
import { UPGRADE } from '../ledger/walk/newer-version.ts';
import { type LedgerView, readLedger } from '../ledger/read-ledger.ts';

/** `null` when nothing of it can be believed. */
export async function lookAtLedger(
  { checks }: Chart,
  desk: Desk,
  executor: Executor | null,
): Promise<LedgerView | null> {
  const root = tellOf('root');
  const ledger = tellOf('ledger');
  const pinned = await desk.memory.pinnedRoot();
  const known = desk.givenRoot ?? pinned;
  if (known === undefined) {
    const tell = executor === null ? root.warning : root.problem;
    const message = 'no trust root is pinned on this machine, and none was given';
    checks.push(tell('E_LED_UNPINNED', message, 'give the root that your team wrote down: --root, PAM_ROOT'));
  } else if (desk.givenRoot === undefined || pinned === undefined || desk.givenRoot === pinned) {
    checks.push(root.ok('E_LED_ROOT', `the trust root is ${known}`));
  }
  try {
    const kept =
      executor === null ? undefined : await desk.memory.keptHead(`executor.${executor.name}`, known);
    // Without a root an executor does nothing; what it would find is worth knowing all the same.
    const view = await readLedger(desk, known === undefined ? null : executor);
    const { seq, entry } = view.state;
    if (executor !== null && kept === undefined) {
      const message = 'this executor has no kept head here: a dropped tail of the ledger would not show';
      checks.push(
        ledger.warning(
          'W_LED_HEAD',
          message,
          'one run keeps it; in CI keep the state directory between runs',
        ),
      );
    }
    if (view.troubles.length === 0) {
      checks.push(ledger.ok('E_LED_JUNK', `the ledger verifies up to entry ${seq} of ${entry.at}`));
    }
    for (const { code, message } of view.troubles)
      checks.push(ledger.problem(code, message, HINTS[code] ?? hintFor(code, 'ledger')));
    return view;
  } catch (cause) {
    const error = expected(cause);
    const area = ROOT_CODES.has(error.code) ? root : ledger;
    checks.push(area.problem(error.code, error.message, error.hint ?? hintFor(error.code, 'ledger')));
    return null;
  }
}

const ROOT_CODES: ReadonlySet<string> = new Set(['E_LED_ROOT', 'E_LED_UNPINNED', 'E_POL_GENESIS']);

const HINTS: Readonly<Record<string, string>> = {
  E_LED_JUNK:
    'find out who pushed it; the next pam sweep or apply appends on top of it, and grants go on then',
  E_LED_FORK: `an executor key is in two hands, or a branch was written anew: pam audit shows both entries; ${FORK_WAY_OUT}`,
  E_LED_VERSION: UPGRADE,
  E_LED_ROLLBACK: 'protect the branch against deleting and rewriting; the next append repairs it',
};
