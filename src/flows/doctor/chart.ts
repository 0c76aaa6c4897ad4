/** What every look of `doctor` gets and adds to. */
import { type Check, type CheckArea, type Skipped, tellOf } from '../../model/check.ts';
import { expected } from '../../model/error.ts';
import type { Machine } from '../../model/machine.ts';
import type { Policy } from '../../model/policy.ts';
import { hintFor } from '../../rules/doctor/hint-for.ts';
import type { Desk, Executor, Signer } from '../desk.ts';

/** Whose machine this is and where it stands; each part may be missing, and that is a finding. */
export interface Visit {
  readonly machine: Machine;
  readonly desk: () => Promise<Desk>;
  /** Throws `E_USAGE` when no person is named. */
  readonly person: () => Promise<string>;
  /** The key that policy lists, where there is a policy, among those at hand. */
  readonly signer: (policies: readonly Policy[]) => Promise<Signer>;
  readonly executor: () => Executor | null;
  /** A test is to be sent to each receiver of notices. */
  readonly testNotices?: boolean;
}

export interface Chart {
  readonly checks: Check[];
  readonly skipped: Skipped[];
}

/** What could not be looked at is told as it is: a `PamError` is a finding, anything else a bug of ours. */
export async function look(
  { checks }: Chart,
  area: CheckArea,
  at: () => Promise<readonly Check[]>,
): Promise<void> {
  try {
    checks.push(...(await at()));
  } catch (cause) {
    const error = expected(cause);
    checks.push(tellOf(area).problem(error.code, error.message, error.hint ?? hintFor(error.code, area)));
  }
}
