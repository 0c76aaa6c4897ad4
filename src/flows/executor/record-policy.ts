/**
 * Puts a new policy in force: main holds it, enough admins signed it, so any executor may write the `policy`
 * event. The admins' statements are its authority, not the executor's key.
 */
import { expected, gaveNoAnswer, PamError } from '../../model/error.ts';
import { standing } from '../../rules/judge-postings.ts';
import { adminsAgree, countedOnly, judgePolicyChange } from '../../rules/judge-policy-change.ts';
import type { Desk, Executor } from '../desk.ts';
import { judgeSettling, policyOnMain, policyTopic, statementsOnPolicy } from '../gather/policy-on-main.ts';
import { appendEntry, orderedClock } from '../ledger/append-entry.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

/** The view afterwards, and the version that came into force, if one did. Never throws for a policy in doubt. */
export async function recordPolicy(
  desk: Desk,
  executor: Executor,
  first: LedgerView,
): Promise<{ readonly view: LedgerView; readonly recorded: number | null }> {
  try {
    let recorded: number | null = null;
    const { view } = await appendEntry(desk, executor, first, async (now, clock) => {
      recorded = null;
      const at = orderedClock(now, clock);
      const found = await policyOnMain(desk, now);
      if (found === undefined) return null;
      const posted = await statementsOnPolicy(desk, now, policyTopic(found.seq, null));
      const statements = standing('policy', [now.state.policy], posted);
      const previous = found.seq === 1 ? null : now.state.policy;
      const { root, index } = now.state;
      const { seq, digest, files } = found;
      const previousDigest = previous?.digest ?? null;
      // Under version 1 the policy in force is the genesis' own, and main must hold just that.
      if (!adminsAgree(now.state.policy, { root, seq, digest, previousDigest, statements, recordedAt: at }))
        return null;
      const { policy, counted } = await unlessRefused(desk, seq, async () => {
        const { policy: next } = found.read();
        const change = { root, seq, next, previous, recordedAt: at };
        const all = standing('policy', [now.state.policy, next], posted);
        const kept = countedOnly({ ...change, statements: all });
        judgePolicyChange({ ...change, statements: kept }, index);
        await judgeSettling(desk, now, next);
        return { policy: next, counted: kept };
      });
      recorded = seq;
      return {
        events: [{ type: 'policy', id: '-', seq, digest, statements: counted }],
        brings: { policy, files },
        at,
      };
    });
    return { view, recorded };
  } catch (error) {
    expected(error);
    // Not signed yet, or not readable: `haltsOf` says so where grants are concerned.
    return { view: first, recorded: null };
  }
}

/** Enough admins in force signed it, so that it is refused all the same must be said in the run that refuses it. */
async function unlessRefused<T>(desk: Desk, seq: number, judge: () => Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (error) {
    // The new admins have to sign, too: until then it waits like any other.
    if (error instanceof PamError && !gaveNoAnswer(error) && error.code !== 'E_POL_UNSIGNED') {
      const { code, message } = error;
      desk.note(`policy ${seq} is signed and does not come into force: ${message} [${code}]`);
    }
    throw error;
  }
}
