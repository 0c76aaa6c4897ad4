/** From an entry that is believed up to the newest one, on the side that policy says where there are several. */
import type { Commits } from '../../../model/commit-log.ts';
import type { Fingerprint, Sha256 } from '../../../model/names.ts';
import type { Desk } from '../../desk.ts';
import { executorKeys, type Junk, type Stray } from './ledger-junk.ts';
import { lookAtSides, type Sides } from './ledger-sides.ts';
import type { Newer } from './newer-version.ts';
import { walkLedger } from './walk-ledger.ts';
import type { Known } from './witness.ts';

/** A fork that policy settled is walked again, on the side that it says; each round settles one more. */
const MOST_ROUNDS = 16;

/** Where a walk begins, and the commits that it goes through. */
export interface BeginsAt {
  readonly found: Known;
  readonly above: Commits;
}

/**
 * Where a policy on another side settles an entry of this one, even of the side that this machine followed until now,
 * the admins of both chose: the ledger is walked from its root again, past that entry.
 */
export async function climbRightSide(
  desk: Desk,
  first: BeginsAt,
  fromRoot: () => Promise<BeginsAt>,
): Promise<{ readonly climbed: Climbed; readonly sides: Sides; readonly settled: ReadonlySet<Sha256> }> {
  let settled: ReadonlySet<Sha256> = new Set();
  let { found, above } = first;
  for (let round = 0; ; round++) {
    const climbed = await climb(desk, above, found, settled);
    const sides = await lookAtSides(desk, climbed, climbed.signed, climbed.executors);
    if (sides.settles.size === 0 || round >= MOST_ROUNDS) return { climbed, sides, settled };
    settled = new Set([...settled, ...sides.settles]);
    ({ found, above } = await fromRoot());
  }
}

export interface Climbed extends Known {
  readonly junkAbove: readonly Junk[];
  /** All that holds a good signature and was stepped over. */
  readonly signed: readonly Junk[];
  readonly strays: readonly Stray[];
  /** Keys that the policies on the way list for executors. */
  readonly executors: ReadonlySet<Fingerprint>;
  readonly newer: Newer | null;
}

async function climb(
  desk: Desk,
  commits: Commits,
  from: Known,
  settled: ReadonlySet<Sha256>,
): Promise<Climbed> {
  let { state, commit } = from;
  let junkAbove: Junk[] = [];
  const signed: Junk[] = [];
  const strays: Stray[] = [];
  const executors = new Set(executorKeys(state.policy));
  for await (const walked of walkLedger(desk.repository, desk.providers, commits, state, { settled })) {
    if (walked.kind === 'newer')
      return { state, commit, junkAbove, signed, strays, executors, newer: walked.newer };
    if (walked.kind === 'junk') {
      const { junk } = walked;
      junkAbove.push(junk);
      if (junk.signed !== null) signed.push(junk);
      if (junk.stray !== null) strays.push(junk.stray);
    } else {
      const { after } = walked.step;
      if (after.policy !== state.policy) for (const key of executorKeys(after.policy)) executors.add(key);
      state = after;
      desk.progress(`verified entry ${state.seq}`);
      commit = walked.step.commit.oid;
      junkAbove = [];
    }
  }
  return { state, commit, junkAbove, signed, strays, executors, newer: null };
}
