/** What one `apply` or `sweep` did, and the exit class that it adds up to. */
import type { Decision, Reason } from '../../model/decision.ts';
import { EXIT, type Exit, exitOf } from '../../model/error.ts';
import type { ReasonNote } from '../../model/entry.ts';
import type { Instant } from '../../model/instant.ts';
import type { LedgerPoint } from '../../model/statement.ts';
import type { RequestId } from '../../model/names.ts';

export type RunAction = 'see' | 'stop' | 'refuse' | 'schedule' | 'grant' | 'revoke' | 'policy';

export interface RunStep {
  readonly action: RunAction;
  readonly id: RequestId | '-';
  readonly target: string | null;
  readonly result: 'done' | 'failed' | 'skipped';
  readonly error: ReasonNote | null;
  /** For people. */
  readonly what: string;
}

export interface RunResult {
  readonly steps: readonly RunStep[];
  readonly ledger: LedgerPoint;
  /** Requests that wait, with why. */
  readonly waiting: readonly { readonly id: RequestId; readonly decision: Decision }[];
  /** What stopped grants or could not be read. */
  readonly troubles: readonly Reason[];
  /** Of a sweep, what the ledger holds of sweeps by now. `every`: seconds between records of idle ones; `null`: none are made. */
  readonly idle?: { readonly lastSweep: Instant | null; readonly every: number | null };
}

/** What the last step of an interrupted run says, and its exit code rests on. */
export const CUT_SHORT: Reason = {
  code: 'E_INTERRUPTED',
  ok: false,
  message: 'interrupted: no other step was begun; the next run goes on',
};

/** Access that should be gone and was not even tried is no better than a failure. */
const isUndone = ({ action, result }: RunStep): boolean =>
  result === 'failed' || (action === 'revoke' && result === 'skipped');

/** What is said beside a run that did all it had to. */
const REMARKS: ReadonlySet<string> = new Set(['W_NOTICE']);

/** A bug is what could not be done for now; the trace of it stands in its message. */
const UNREAD: ReadonlySet<Exit> = new Set<Exit>([EXIT.failed, EXIT.bug]);

/** 130 when it was interrupted, else 20, then 3 (1 if all failed), then 5, else 0 (DESIGN section 9). */
export function exitOfRun(result: RunResult): Exit {
  const troubles = result.troubles.filter(({ code }) => !REMARKS.has(code));
  if (result.troubles.includes(CUT_SHORT)) return EXIT.interrupted;
  if (troubles.some((one) => exitOf(one.code) === EXIT.integrity)) return EXIT.integrity;
  const acted = result.steps.filter((one) => one.action === 'grant' || one.action === 'revoke');
  const failed = acted.filter(isUndone).length;
  if (failed > 0) return failed === acted.length ? EXIT.failed : EXIT.partly;
  if (troubles.length > 0) {
    const unread = troubles.some(({ code }) => UNREAD.has(exitOf(code)));
    return unread ? EXIT.partly : EXIT.refused;
  }
  return result.steps.some((one) => one.action === 'refuse') ? EXIT.refused : EXIT.done;
}

/**
 * A sweep has no request to refuse: what it could not read or record is 3, whatever class its code is of elsewhere
 * (the bytes may have been written to have one), and 20 where the ledger itself is in doubt.
 */
export function exitOfSweep(result: RunResult): Exit {
  const exit = exitOfRun(result);
  const isDoubt = result.troubles.some(({ code }) => !REMARKS.has(code));
  return exit === EXIT.refused && isDoubt ? EXIT.partly : exit;
}

/** `apply <id>` answers with that request's own class; without ids others may be pending and all is well. */
export function exitOfApply(result: RunResult, ids: readonly RequestId[]): Exit {
  const exit = exitOfRun(result);
  if (ids.length === 0 || exit === EXIT.integrity || exit === EXIT.interrupted) return exit;
  const failed = result.steps.find((one) => ids.some((id) => id === one.id) && one.result === 'failed');
  if (failed !== undefined) return exit;
  const skipped = result.steps.find((one) => ids.some((id) => id === one.id) && one.error !== null);
  if (skipped?.error != null)
    return exitOf(skipped.error.code) === EXIT.invalid ? EXIT.invalid : EXIT.refused;
  const waiting = result.waiting.filter((one) => ids.includes(one.id));
  if (waiting.some(({ decision }) => decision.verdict === 'refused')) return EXIT.refused;
  if (waiting.length > 0) return EXIT.pending;
  return exit;
}
