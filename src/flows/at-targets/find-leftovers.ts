/**
 * A paused executor may have woken up after its grant was ended: targets are asked once more for a day. That comes
 * after everything that has to end, and within what is left of the run's time.
 */
import type { Reason } from '../../model/decision.ts';
import { Interrupted, PamError } from '../../model/error.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { type SystemQueue, queuesOf, rotated } from '../../rules/queue-by-system.ts';
import type { Ending } from '../../rules/plan-sweep.ts';
import { accessOf, isHeld } from '../../rules/still-needed.ts';
import { askTargets, type Unasked, type Budget } from './ask-targets.ts';
import type { Desk } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { openTarget, orderOf } from './target-desk.ts';

/** What a target still shows of a grant that is over. */
export interface Leftover {
  readonly record: OpenRecord;
  readonly which: readonly string[];
}

export async function findLeftovers(
  desk: Desk,
  budget: Budget,
  records: readonly OpenRecord[],
  troubles: Reason[],
): Promise<readonly Leftover[]> {
  const found: Leftover[] = [];
  const questions = records.map((record) => ({ record }));
  // None of them is more urgent than another; what was left out this time shall come first some other time.
  const queues = rotated(queuesOf(desk.providers, questions), desk.chance()).map(
    ({ system, questions: list }): SystemQueue<{ readonly record: OpenRecord }> => ({
      system,
      questions: rotated(list, desk.chance()),
    }),
  );
  const left = await askTargets(desk, budget, queues, async ({ record }) => {
    const { id, grant } = record;
    if (grant === null) return null;
    try {
      desk.progress(`looking at ${grant.target} again for ${id}`);
      const { session } = await openTarget(desk, grant);
      const shown = await session.inspect(orderOf(id, grant, desk.clock()));
      if (shown.state === 'present') found.push({ record, which: shown.which });
      return null;
    } catch (cause) {
      if (cause instanceof Interrupted) throw cause;
      // One broken provider must not stop the others.
      const error = cause instanceof PamError ? cause : new PamError('E_PRV', String(cause));
      const message = `could not look at ${grant.target} again for ${id}: ${error.message}`;
      troubles.push({ code: error.code, ok: false, message });
      return error;
    }
  });
  troubles.push(...toldTogether(left));
  return found;
}

/** One line a target: a day may hold many grants. */
function toldTogether(left: readonly Unasked<{ readonly record: OpenRecord }>[]): Reason[] {
  const counts = new Map<string, { readonly why: PamError; readonly count: number }>();
  for (const { question, why } of left) {
    const target = question.record.grant?.target ?? '';
    counts.set(target, { why, count: (counts.get(target)?.count ?? 0) + 1 });
  }
  return [...counts].map(([target, { why, count }]) => {
    const message = `${target} was not looked at again for ${count} of today's grants: ${why.message}`;
    return { code: why.code, ok: false, message };
  });
}

/** Judged by the newest ledger: what another grant explains by now is not found again. */
export function endingsOf(
  { providers }: Pick<Desk, 'providers'>,
  view: Pick<LedgerView, 'state'>,
  leftovers: readonly Leftover[],
): readonly Ending[] {
  return leftovers.flatMap(({ record: { id }, which }): Ending[] => {
    const record = view.state.index.records.get(id);
    if (record?.state !== 'ended' && record?.state !== 'failed') return [];
    const left = which.filter((one) => !belongs(providers, view, record, one));
    if (left.length === 0) return [];
    const because = `${left.join(', ')} was found at the target after it had ended`;
    return [{ id, record, why: because, event: { type: 'ending', id, cause: 'found', because } }];
  });
}

/** It was there before pam came, or another grant that may be live explains it. */
function belongs(
  providers: Desk['providers'],
  view: Pick<LedgerView, 'state'>,
  { id, grant }: OpenRecord,
  permission: string,
): boolean {
  if (grant === null || grant.granting?.preexisting.includes(permission) === true) return true;
  // An object of its own (a certificate, a file) is explained by no other grant.
  if (providers.get(grant.provider)?.objects === 'own') return false;
  return isHeld(providers, view.state.index, accessOf(grant, permission), id);
}
