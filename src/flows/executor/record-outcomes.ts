/**
 * What the targets showed, written down. A short run writes one entry for all of it; a long one writes now and then,
 * so that a kill in the middle loses little.
 */
import { type LedgerEvent, reasonNote } from '../../model/entry.ts';
import { expected } from '../../model/error.ts';
import { type Instant, secondsBetween, plus } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import { mayBeLive } from '../../model/open-record.ts';
import { beatEvery } from '../../rules/judge-sweep.ts';
import type { Ending } from '../../rules/plan-sweep.ts';
import { type Appended, appendEntry } from '../ledger/append-entry.ts';
import type { Revoked } from '../at-targets/carry-out-revoke.ts';
import type { Desk, Executor } from '../desk.ts';
import { droppedTroubles, thatFit } from '../ledger/fit-entry.ts';
import type { Tell } from '../ledger/net.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export interface Done {
  readonly ending: Ending;
  readonly outcome: Revoked;
}

export interface OutcomeRecorder {
  /** Remembers an outcome, and writes down what waits when the last time is long ago. */
  readonly note: (done: Done) => Promise<void>;
  /** Writes down what still waits. Throws what appending throws. */
  readonly rest: () => Promise<LedgerView>;
}

const RECORD_AFTER_SECONDS = 30;

/** @param tell hears of outcomes that no entry can hold */
export function outcomeRecorder(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  tell: Tell,
): OutcomeRecorder {
  let last = view;
  let waiting: readonly Done[] = [];
  let written = desk.clock();
  let busy = false;
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      const { view: after, left, dropped } = await recordBatch(desk, executor, last, batch);
      last = after;
      for (const trouble of droppedTroubles(dropped)) tell(trouble);
      // Others go on meanwhile, and add to what waits.
      waiting = [...left, ...waiting.slice(batch.length)];
      if (left.length === batch.length) return;
    }
  };
  return {
    note: async (done) => {
      waiting = [...waiting, done];
      if (busy || secondsBetween(written, desk.clock()) < RECORD_AFTER_SECONDS) return;
      busy = true;
      try {
        await write();
      } catch (error) {
        // Tried again with the next outcome; the last try reports its error.
        expected(error);
      } finally {
        busy = false;
        written = desk.clock();
      }
    },
    rest: async () => {
      await write();
      return last;
    },
  };
}

/** `left`: what did not fit into one entry. */
async function recordBatch(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  batch: readonly Done[],
): Promise<Pick<Appended, 'view' | 'dropped'> & { readonly left: readonly Done[] }> {
  let left: readonly Done[] = [];
  const { view: after, dropped } = await appendEntry(desk, executor, view, async (now, at) => {
    const told = batch.flatMap((done) => {
      const event = outcomeEvent(now, at, done);
      return event === null ? [] : [{ done, event }];
    });
    const events = thatFit(told.map(({ event }) => event));
    const written = new Set<LedgerEvent>(events);
    left = told.filter(({ event }) => !written.has(event)).map(({ done }) => done);
    return await Promise.resolve(events.length === 0 ? null : { events });
  });
  return { view: after, left, dropped };
}

/** `null` when the ledger no longer waits for it: another executor recorded it, say. */
function outcomeEvent(view: LedgerView, at: Instant, { ending: { id }, outcome }: Done): LedgerEvent | null {
  const record = view.state.index.records.get(id);
  if (record === undefined || !mayBeLive(record)) return null;
  if (record.state !== 'ending' && (record.grant === null || record.grant.end > at)) return null;
  return outcome.error === null
    ? { type: 'revoked', id, kept_for: keptForOnRecord(outcome.keptFor), usage: null }
    : { type: 'revoke_failed', id, attempt: record.attempts + 1, error: reasonNote(outcome.error) };
}

/** Enough to see why a permission stayed. All of them, for each of 64 permissions, might not fit into any entry. */
const MOST_KEEPERS = 16;

/** As an entry can hold it: no reader takes a key `__proto__`, which older policies may have as a permission. */
export function keptForOnRecord(keptFor: Readonly<Record<string, readonly RequestId[]>>): typeof keptFor {
  const tellable = Object.entries(keptFor).filter(([permission]) => permission !== '__proto__');
  return Object.fromEntries(tellable.map(([permission, ids]) => [permission, ids.slice(0, MOST_KEEPERS)]));
}

/** The trace of a sweep that wrote nothing else, where `sweep_within` asks for one. */
export async function recordBeat(
  desk: Desk,
  executor: Executor,
  view: LedgerView,
  wrote: boolean,
): Promise<LedgerView> {
  const { view: last } = await appendEntry(desk, executor, view, async (now, at) => {
    const live = [...now.state.index.records.values()].filter(mayBeLive).length;
    const due = !wrote && beatDue(now, at);
    return await Promise.resolve(due ? { events: [{ type: 'heartbeat', id: '-', live }] } : null);
  });
  return last;
}

/** A trace that sweeps run, and no more than that: when the last sweep entry is older than a quarter of the limit. */
function beatDue(view: LedgerView, now: Instant): boolean {
  if (view.troubles.some(({ code }) => code === 'E_LED_JUNK')) return true;
  const every = beatEvery(view.state.policy.config);
  if (every === null) return false;
  const last = view.state.index.beats?.sweep?.at;
  return last === undefined || now > plus(last, every);
}
