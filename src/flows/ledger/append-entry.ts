/**
 * The one way to write the ledger. The fast-forward push (in a lone clone: the compare-and-swap of the ref) is the
 * only lock there is. An executor that loses reads ledger and target again, decides again, and tries again.
 */
import type { Entry } from '../../model/entry.ts';
import { PamError } from '../../model/error.ts';
import { type Instant, plus, secondsBetween } from '../../model/instant.ts';
import type { Fingerprint, Oid } from '../../model/names.ts';
import { type Dropped, eventsThatFollow, type Following } from '../../rules/events-that-follow.ts';
import { needExecutorKey } from '../../rules/executor-key.ts';
import { newestOrdered } from '../../rules/follow-chain.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../../trust/keyring.ts';
import { type Desk, type Executor, ledgerRef } from '../desk.ts';
import { fetchState } from './fetch-state.ts';
import { faultInEntry } from './fit-entry.ts';
import { keepHead, readyToKeep } from './kept-head.ts';
import { commitEntry, type Draft, makeEntry, placeOf } from './make-entry.ts';
import { type LedgerView, readLedger } from './read-ledger.ts';
import { withHistory } from './walk/with-history.ts';

export interface Appended {
  readonly view: LedgerView;
  /** As it was written: only what stands in it may be acted on. */
  readonly entry: Entry | null;
  /** Events of the last draft that no entry at this place can hold. */
  readonly dropped: readonly Dropped[];
}

/** Many executors may stand in line; as long as the ledger moves, waiting has a sense. */
const TRIES = 200;
/** A remote that refuses although no other entry came first will go on refusing. */
const MOST_REFUSALS = 6;
/** A clone that cannot take in what others wrote (a lock that a dead git left) waits some seconds each time, in vain. */
const MOST_UNREAD = 2;
const DECISION_LIFE_SECONDS = 30;
const LONGEST_PAUSE_MS = 800;
const SHORTEST_PAUSE_MS = 300;

/**
 * @param draft called for every try with the newest state and the clock read anew; `null` = nothing to write
 * @throws PamError `E_RACE_LOST` after too many tries, `E_LED_...` when nothing may be appended
 */
export async function appendEntry(
  desk: Desk,
  executor: Executor,
  first: LedgerView,
  draft: (view: LedgerView, now: Instant) => Promise<Draft | null>,
): Promise<Appended> {
  let view = first;
  let refused = 0;
  let unread: { readonly why: string; readonly hint?: string } | undefined;
  let unreadInARow = 0;
  const hopeless = (): boolean => refused >= MOST_REFUSALS || unreadInARow >= MOST_UNREAD;
  for (let attempt = 0; attempt < TRIES && !hopeless(); attempt++) {
    const now = desk.clock();
    const drafted = await draft(view, now);
    if (drafted === null) {
      await keepHead(desk, executor, view);
      return { view, entry: null, dropped: [] };
    }
    if (!view.appendable) throw notAppendable(view);
    const key = await desk.keyOf(executor.keyFile);
    const brought = drafted.brings === undefined ? [] : [drafted.brings.policy];
    needExecutorKey([view.state.policy, ...brought], executor.name, key);
    const signer = { ...executor, key };
    const { events, dropped } = whatFollows(view.state, signer, drafted, drafted.at ?? now);
    if (events.length === 0) {
      await keepHead(desk, executor, view);
      return { view, entry: null, dropped };
    }
    const wanted = { ...drafted, events };
    const making = makeEntry(desk, signer, view.state, wanted, wanted.at ?? now);
    // Two hosts with one key may write the same entry in the same second. Each commit carries its own mark, or both
    // would find that the ledger holds "theirs" and go on to the target.
    const commit = await commitEntry(desk, making, [view.parent], view);
    const made = await making;
    // Deciding took too long to be believed any more (DESIGN rule 10): decide again.
    // Endings lose nothing by being late, and must not starve behind slow reading.
    const grants = wanted.main !== undefined;
    if (grants && secondsBetween(now, desk.clock()) > DECISION_LIFE_SECONDS) continue;
    if (wanted.begins === true && desk.interrupted()) return { view, entry: null, dropped };
    const after = { ...view, state: made.state, commit, tip: commit, parent: commit };
    // After a lost race, sign the kept head only once the push has succeeded.
    const keep = attempt === 0 ? readyToKeep(desk, executor, after) : undefined;
    if (await publish(desk, view, commit, made.state)) {
      desk.wrote?.({ before: view.state, after: made.state, entry: made.entry });
      await (keep ?? readyToKeep(desk, executor, after))();
      return { view: after, entry: made.entry, dropped };
    }
    await desk.pause(desk.chance() * pauseAfter(attempt));
    const fetched = await fetchState(desk);
    unread = fetched.fresh ? undefined : fetched;
    unreadInARow = fetched.fresh ? 0 : unreadInARow + 1;
    const before = view.state.head;
    // From this view on: walking from the first one would take longer after each loss, and lose more races.
    view = await readLedger(desk, executor, view);
    // In a crowd a push may also fail on a lock of the remote, so each entry of others begins the count anew. Commits that
    // hold no entry do not: a pusher of junk must not keep what has to end waiting for its record.
    refused = view.state.head === before ? refused + 1 : 0;
  }
  const [why, next] = whyLost(desk, hopeless(), unread);
  throw new PamError('E_RACE_LOST', why, { hint: `nothing was done at any target; ${next}` });
}

function notAppendable({ troubles }: LedgerView): PamError {
  const why = troubles.find(({ code }) => code === 'E_LED_VERSION' || code === 'E_LED_FORK') ?? troubles[0];
  return new PamError(why?.code ?? 'E_LED_FORK', why?.message ?? 'the ledger is forked');
}

function whyLost(
  desk: Desk,
  hopeless: boolean,
  unread: { readonly why: string; readonly hint?: string } | undefined,
): readonly [string, string] {
  if (!hopeless) return ['other executors kept writing the ledger first', 'run it again'];
  // A clone that cannot read what others wrote is refused for ever: the cause is here, not at the remote.
  if (unread !== undefined)
    return [`what others wrote could not be read: ${unread.why}`, unread.hint ?? 'run it again'];
  return [
    `the remote takes no push to ${desk.hint.ledger}, though no other executor writes it`,
    'see whether a hook or a branch rule there refuses this executor, or who pushes to that branch without a pause',
  ];
}

/**
 * Full jitter, so that executors do not march in step; one that lost more often waits less, so that all get through. But
 * never so little that a line of losers, who sign for nothing, takes the machine from those who would win.
 */
const pauseAfter = (attempt: number): number =>
  Math.max(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS / (1 + attempt / 4));

/**
 * Apply and policy entries never go back in time. Behind the newest one by less than the tolerance, this run dates
 * itself like that one; further behind, `haltsOf` stops it.
 */
export function orderedClock({ state }: Pick<LedgerView, 'state'>, clock: Instant): Instant {
  const last = newestOrdered(state);
  return last !== null && clock < last && last <= plus(clock, CLOCK_TOLERANCE_SECONDS) ? last : clock;
}

/** A policy stands alone in its entry: where it does not follow, there is nothing else to write. */
function whatFollows(
  state: ChainState,
  executor: Executor & { readonly key: Fingerprint },
  draft: Draft,
  now: Instant,
): Following {
  if (draft.brings !== undefined) return { events: draft.events, dropped: [] };
  const place = placeOf(state, executor, draft, now);
  return eventsThatFollow(state, place, executor.key, draft.events, faultInEntry);
}

/** Errors of a push that leave open whether it arrived. */
const OPEN: ReadonlySet<string> = new Set(['E_GIT_NETWORK', 'E_INTERRUPTED']);

/** `true` when the ledger now holds our entry. A lost answer is settled by reading the remote again (K6). */
async function publish(desk: Desk, view: LedgerView, commit: Oid, state: ChainState): Promise<boolean> {
  const ref = ledgerRef(desk);
  if (desk.remote === null) return await desk.repository.moveRef(ref, commit, view.tip);
  const remote = await desk.remote.open();
  const there = `refs/heads/${desk.hint.ledger}`;
  try {
    if ((await remote.push([{ oid: commit, ref: there }])) === 'moved') return true;
  } catch (error) {
    if (!(error instanceof PamError) || !OPEN.has(error.code)) throw error;
    const now = (await remote.list([there])).get(there);
    if (now === undefined) return false;
    const [missed] = await remote.fetch([`+${there}:${ref}`]);
    if (missed !== undefined) throw missed.why;
    if (await withHistory(desk, async () => await desk.repository.isAncestor(commit, now))) return true;
    desk.note(`the push of entry ${state.seq} did not arrive: ${error.message}`);
  }
  return false;
}
