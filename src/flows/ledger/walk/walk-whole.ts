/** The whole ledger from its genesis, as the clone holds it: for commands that fetch nothing and write nothing. */
import type { CommitLog } from '../../../model/commit-log.ts';
import { PamError } from '../../../model/error.ts';
import type { Oid, Sha256 } from '../../../model/names.ts';
import { type Desk, ledgerRef } from '../../desk.ts';
import { findGenesis } from './find-genesis.ts';
import { climbRightSide } from './climb-ledger.ts';
import { tellNewer } from './newer-version.ts';
import { type Step, walkLedger } from './walk-ledger.ts';

export interface Whole {
  readonly step: Step;
  readonly tip: Oid;
  /** All other commits, in their order. */
  readonly above: CommitLog;
  /** So many of them lie before the genesis in that order. */
  readonly before: number;
  /** Whether the root came from outside (`--root`, a pin) or was only found. */
  readonly pinned: boolean;
}

/** Everything that there is to walk; only the genesis is verified yet. */
export async function wholeLedger(desk: Desk): Promise<Whole> {
  const tip = await ledgerTip(desk);
  const root = desk.givenRoot ?? (await desk.memory.pinnedRoot());
  const commits = await desk.repository.commitLog(tip);
  const { step, place } = await findGenesis(desk.repository, desk.providers, commits, root);
  return { step, tip, above: commits.without(place), before: place, pinned: root !== undefined };
}

/** @throws PamError `E_LED_MISSING` */
export async function ledgerTip(desk: Desk): Promise<Oid> {
  // An auditor's clone of a lone access repository has the branch under `origin` only.
  const elsewhere = `refs/remotes/origin/${desk.hint.ledger}`;
  const tip = (await desk.repository.resolve(ledgerRef(desk))) ?? (await desk.repository.resolve(elsewhere));
  if (tip !== undefined) return tip;
  throw new PamError('E_LED_MISSING', `this clone holds no ledger branch ${desk.hint.ledger}`, {
    hint: `in a clone of an access repository: git fetch origin ${desk.hint.ledger}; a new one is made by \`pam init\``,
  });
}

/**
 * Only a merge can put the side of a fork that policy settled before the one that is followed: then all is walked
 * once to find out which it is.
 */
async function settledIn(desk: Desk, { step, above }: Whole): Promise<ReadonlySet<Sha256>> {
  const merged = [...above].some(({ parents }) => parents.length > 1);
  if (!merged) return new Set();
  const first = { found: { state: step.after, commit: step.commit.oid }, above };
  return (await climbRightSide(desk, first, async () => await Promise.resolve(first))).settled;
}

export interface Visitor {
  readonly step: (step: Step) => void;
}

/** Steps only: junk is reported by `audit`. */
export async function walkWhole(desk: Desk, visitor: Visitor): Promise<{ readonly last: Step }> {
  const whole = await wholeLedger(desk);
  const { step: first, above } = whole;
  const settled = await settledIn(desk, whole);
  let last = first;
  visitor.step(first);
  const { repository, providers } = desk;
  for await (const walked of walkLedger(repository, providers, above, first.after, { settled })) {
    if (walked.kind === 'newer') desk.note(`${tellNewer(walked.newer).message} [E_LED_VERSION]`);
    if (walked.kind !== 'step') continue;
    last = walked.step;
    desk.progress(`verified entry ${last.after.seq}`);
    visitor.step(last);
  }
  return { last };
}
