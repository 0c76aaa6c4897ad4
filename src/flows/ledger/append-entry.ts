/**
 * The one way to write the ledger. The fast-forward push (in a lone clone: the compare-and-swap of the ref) is the
 * only lock there is. An executor that loses reads ledger and target again, decides again, and tries again.
 */
import { printEntry } from '../../documents/entry-file.ts';
import type { Entry, LedgerEvent } from '../../model/entry.ts';
import { handledLater, PamError } from '../../model/error.ts';
import { type Instant, plus, secondsBetween } from '../../model/instant.ts';
import type { NewCommit } from '../../model/git.ts';
import type { Fingerprint, Oid } from '../../model/names.ts';
import type { Files, Policy } from '../../model/policy.ts';
import { LEDGER_NAMESPACE } from '../../model/statement.ts';
import { contextOf, followChain, newestOrdered, type NextEntry } from '../../rules/follow-chain.ts';
import { needExecutorKey } from '../../rules/executor-key.ts';
import { type Dropped, eventsThatFollow, type Following } from '../../rules/events-that-follow.ts';
import { foldIndex } from '../../rules/fold-index.ts';
import { indexDigest } from '../../rules/print-index.ts';
import { tellEntry } from '../../rules/tell-entry.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../../trust/keyring.ts';
import { changesBetween, type Directory, directoryId, NOTHING } from '../../trust/git-tree-id.ts';
import { verifyEntry } from '../../trust/signed-entry.ts';
import { type Desk, type Executor, ledgerRef } from '../desk.ts';
import { fetchState } from './fetch-state.ts';
import { faultInEntry } from './fit-entry.ts';
import { keepHead, readyToKeep } from './kept-head.ts';
import { type LedgerView, readLedger } from './read-ledger.ts';
import { ledgerDirectory } from './walk/walk-ledger.ts';
import { withHistory } from './walk/with-history.ts';

export interface Draft {
  readonly events: readonly LedgerEvent[];
  /** The commit of main that was read: makes it an apply entry. */
  readonly main?: Oid;
  /** Default: the clock as it was read for this try. */
  readonly at?: Instant;
  /** With a `policy` event: what it brings. */
  readonly brings?: { readonly policy: Policy; readonly files: Files };
  /** It begins something: after an interrupt it is not written any more. Outcomes are. */
  readonly begins?: true;
}

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

const placeOf = (
  state: ChainState,
  { name }: Executor,
  { main }: Draft,
  at: Instant,
): Pick<Entry, 'seq' | 'at' | 'executor' | 'main'> => ({
  seq: state.seq + 1,
  at,
  executor: name,
  ...(main === undefined ? {} : { main }),
});

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

/** One entry on top of `state`, signed, and believed by the same rules that every reader uses. */
export async function makeEntry(
  desk: Desk,
  executor: Executor & { readonly key: Fingerprint },
  state: ChainState,
  draft: Draft,
  now: Instant,
): Promise<{
  readonly entry: Entry;
  readonly state: ChainState;
  readonly holds: Directory;
}> {
  const policy = draft.brings?.policy ?? state.policy;
  const place = placeOf(state, executor, draft, now);
  const index = foldIndex(state.index, draft.events, contextOf(state, place, executor.key));
  const entry: Entry = {
    root: state.root,
    previous: state.head,
    policy: policy.digest,
    index: indexDigest(index),
    ...place,
    events: draft.events,
  };
  const bytes = printEntry(entry);
  const signature = await desk.sign(Buffer.from(bytes).toString('utf8'), LEDGER_NAMESPACE, executor.keyFile);
  const signed = verifyEntry(bytes, signature);
  if (signed.key !== executor.key) {
    throw new PamError(
      'E_EXECUTOR_KEY',
      `the executor's key signs as ${signed.key}, and its .pub file says ${executor.key}`,
      {
        hint: `ssh-keygen -y -f ${executor.keyFile} > ${executor.keyFile}.pub`,
      },
    );
  }
  // What we would not believe from others we do not write ourselves.
  const candidate: NextEntry = {
    signed,
    entry,
    broughtDigest: () => policy.digest,
    brought: () => draft.brings ?? { policy: state.policy, files: state.policyFiles },
  };
  const after = followChain(state, candidate);
  return { entry, state: after, holds: ledgerDirectory(after, bytes, signature) };
}

interface Made {
  readonly entry: Entry;
  readonly holds: Directory;
}

/**
 * @param making may still be signed; git starts meanwhile
 * @param on the state that the entry follows, and the commit that holds it: then only what changed is written
 */
export async function commitEntry(
  desk: Desk,
  making: Made | Promise<Made>,
  parents: readonly Oid[],
  on?: { readonly state: ChainState; readonly commit: Oid },
): Promise<Oid> {
  const { writeCommit } = desk.repository;
  const mark = desk.nonce(8);
  const about = ({ entry }: Made) => ({
    parents,
    message: tellEntry(entry),
    author: entry.executor,
    at: entry.at,
    mark,
  });
  const whole = (made: Made): NewCommit => ({
    ...about(made),
    base: null,
    files: changesBetween(NOTHING, made.holds),
  });
  if (on === undefined) return await writeCommit(whole(await making));
  const changed = async (): Promise<NewCommit> => {
    const made = await making;
    const before = ledgerDirectory(on.state, new Uint8Array(), '');
    // Whatever else that commit may hold (it was only found by its entry) must not get into ours.
    const tree = directoryId(made.holds, on.commit);
    return { ...about(made), base: on.commit, files: changesBetween(before, made.holds), tree };
  };
  const promised = changed();
  handledLater(promised);
  try {
    return await writeCommit(promised);
  } catch (error) {
    if (error instanceof PamError && error.code === 'E_GIT_TREE')
      return await writeCommit(whole(await making));
    throw error;
  }
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
