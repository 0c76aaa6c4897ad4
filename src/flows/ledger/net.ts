/**
 * The net below a sweep (DESIGN section 5, "Reading what others may have pushed"; rule 6). A sweep is made of parts,
 * and each part is held by this file and by nothing else:
 *
 *   - what a part could not do is told as a trouble, whatever it failed of, and the next part goes on from the newest
 *     state that there is. A failure that is no `PamError` is a bug in pam, met in bytes that others wrote: it is
 *     told as one (`E_BUG`), but what is due is revoked all the same;
 *   - when the ledger cannot be read, the newest state that can still be verified stands in for it: the head that this
 *     machine kept, else what can be walked from the pinned root, as far as reading goes. Nothing is appended to that
 *     state, since another entry may follow it. When there is none the reading's own error goes up: then nothing is
 *     known that could be revoked.
 *
 * A wrong root, or none at all, is how this machine was set up, and is never held.
 */
import type { CommitInfo } from '../../model/commit-log.ts';
import { Interrupted, PamError } from '../../model/error.ts';
import type { Reason } from '../../model/decision.ts';
import { type Instant, plus } from '../../model/instant.ts';
import { type Desk, type Executor, ledgerRef } from '../desk.ts';
import { knownHead } from './kept-head.ts';
import { beginning, type LedgerView, readLedger } from './read-ledger.ts';
import type { Known } from './walk/witness.ts';
import { walkLedger } from './walk/walk-ledger.ts';

/** What went wrong, for the answer of a run. */
export type Tell = (trouble: Pick<Reason, 'code' | 'message'>) => void;

/** @returns what the part answers; `otherwise` where it failed, which is told */
export async function held<T>(tell: Tell, what: string, otherwise: T, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    // An interrupt is no trouble: it ends the run, and `main.ts` answers for it (DESIGN rule 11).
    if (error instanceof Interrupted) throw error;
    tell(troubleOf(what, error));
    return otherwise;
  }
}

function troubleOf(what: string, error: unknown): Pick<Reason, 'code' | 'message'> {
  if (error instanceof PamError) return { code: error.code, message: `${what}: ${error.message}` };
  const { name, message } = error instanceof Error ? error : { name: 'thrown', message: String(error) };
  return { code: 'E_BUG', message: `${what}: a bug in pam, please report it: ${name}: ${message}` };
}

const HOW_IT_IS_SET_UP: ReadonlySet<string> = new Set(['E_LED_ROOT', 'E_LED_UNPINNED']);

/** The ledger as `readLedger` reads it, else the newest state that can be verified without what failed. */
export async function readOrHold(desk: Desk, executor: Executor, already?: Known): Promise<LedgerView> {
  try {
    return await readLedger(desk, executor, already);
  } catch (error) {
    if (error instanceof Interrupted || (error instanceof PamError && HOW_IT_IS_SET_UP.has(error.code)))
      throw error;
    const newest = await orNothing(async () => await newestVerified(desk, executor));
    if (newest === undefined) throw error;
    const { code, message } = troubleOf('the ledger cannot be read', error);
    const from = `${message}; this run works from entry ${newest.state.seq}, the newest that it verified`;
    return {
      ...newest,
      tip: newest.commit,
      parent: newest.commit,
      appendable: false,
      troubles: [{ code, ok: false, message: from }],
      firstUse: false,
    };
  }
}

/** Told already: it is what this run falls back from. */
async function orNothing<T>(part: () => Promise<T>): Promise<T | undefined> {
  return await held(() => undefined, '', undefined, part);
}

async function newestVerified(desk: Desk, executor: Executor): Promise<Known | undefined> {
  const root = desk.givenRoot ?? (await desk.memory.pinnedRoot());
  if (root === undefined) return undefined;
  const kept = await orNothing(async () => await knownHead(desk, executor, root));
  const commits = (await orNothing(async () => await commitsSince(desk, kept))) ?? [];
  if (kept !== undefined) return await asFarAsItGoes(desk, commits, kept);
  if (commits.length === 0) return undefined;
  const { found, above } = await beginning(desk, commits, root);
  return await asFarAsItGoes(desk, [...above], found);
}

async function commitsSince(desk: Desk, kept: Known | undefined): Promise<readonly CommitInfo[]> {
  const tip = await desk.repository.resolve(ledgerRef(desk));
  if (tip === undefined) return [];
  return await desk.repository.history(tip, kept === undefined ? [] : [kept.commit]);
}

/** Commits that can not be read at all, each of which may cost a time-out. */
const MOST_UNREADABLE = 16;
const LONGEST_WALK_SECONDS = 60;

/** One commit at a time: what cannot be read is left out, and with it only what follows it. */
async function asFarAsItGoes(desk: Desk, commits: readonly CommitInfo[], from: Known): Promise<Known> {
  const until: Instant = plus(desk.clock(), LONGEST_WALK_SECONDS);
  let reached = from;
  let unreadable = 0;
  for (const commit of commits) {
    if (unreadable >= MOST_UNREADABLE || desk.clock() > until) break;
    const next = await orNothing(async () => await stepTo(desk, commit, reached));
    if (next === undefined) unreadable += 1;
    else reached = next;
  }
  return reached;
}

/** Where the walk stands after this commit: on it, or, where it is junk, where it stood before. */
async function stepTo(desk: Desk, commit: CommitInfo, from: Known): Promise<Known> {
  for await (const walked of walkLedger(desk.repository, desk.providers, [commit], from.state))
    if (walked.kind === 'step') return { state: walked.step.after, commit: walked.step.commit.oid };
  return from;
}
