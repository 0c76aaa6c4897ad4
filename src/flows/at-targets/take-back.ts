/**
 * An executor that finds, when it records an outcome, that its id was stopped or ended meanwhile, has to take back what it
 * just granted. That is announced first, like every early ending; the next sweep confirms it.
 */
import type { LedgerEvent } from '../../model/entry.ts';
import { expected, PamError } from '../../model/error.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { type Appended, appendEntry } from '../ledger/append-entry.ts';
import { revokeAtTarget } from './carry-out-revoke.ts';
import type { Desk, Executor } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export interface TakenBack {
  readonly view: LedgerView;
  readonly overtaken: ReadonlyMap<RequestId, PamError>;
  readonly dropped: Appended['dropped'];
}

/** @param granted what this run granted, as its intents were recorded; the index may have dropped one since */
export async function takeBack(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  granted: readonly OpenRecord[],
): Promise<TakenBack> {
  const lost = granted.filter(({ id }) => view.state.index.records.get(id)?.state !== 'live');
  if (lost.length === 0) return { view, overtaken: new Map(), dropped: [] };
  const { view: announced, dropped } = await announce(desk, executor, view, lost);
  const overtaken = new Map<RequestId, PamError>();
  const ending = new Set(lost.map(({ id }) => id));
  for (const before of lost) {
    const { id } = before;
    const record = announced.state.index.records.get(id) ?? before;
    const { error } = await revokeAtTarget(desk, announced, record, ending);
    const what = error === null ? 'it was taken back' : `it could not be taken back: ${error.message}`;
    overtaken.set(id, new PamError('E_PRV_OVERTAKEN', `${id} ended while it was being granted; ${what}`));
  }
  return { view: announced, overtaken, dropped };
}

/** Taking back must not wait for a ledger that cannot be written. */
async function announce(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  lost: readonly OpenRecord[],
): Promise<Pick<Appended, 'view' | 'dropped'>> {
  try {
    return await appendEntry(desk, executor, view, async ({ state }) => {
      const events = lost.flatMap(({ id }): LedgerEvent[] => {
        const now = state.index.records.get(id)?.state;
        if (now !== 'ended' && now !== 'failed') return [];
        const because = 'an executor that was late granted it after it had ended';
        return [{ type: 'ending', id, cause: 'found', because }];
      });
      return await Promise.resolve(events.length === 0 ? null : { events });
    });
  } catch (cause) {
    const error = expected(cause);
    desk.note(`that it is taken back could not be recorded: ${error.message}`);
    return { view, dropped: [] };
  }
}
