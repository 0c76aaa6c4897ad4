/** The whole ledger from its genesis, as the clone holds it: for commands that fetch nothing and write nothing. */
import type { CommitLog } from '../model/commit-log.ts';
import { PamError } from '../model/error.ts';
import type { Oid } from '../model/names.ts';
import { type Desk, ledgerRef } from './desk.ts';
import { findGenesis, type Genesis, type Step, walkLedger } from './walk-ledger.ts';

export interface Whole extends Genesis {
  readonly tip: Oid;
  /** Commits above the genesis. */
  readonly above: CommitLog;
  /** Whether the root came from outside (`--root`, a pin) or was only found. */
  readonly pinned: boolean;
}

/** Everything that there is to walk; only the genesis is verified yet. */
export async function wholeLedger(desk: Desk): Promise<Whole> {
  const tip = await ledgerTip(desk);
  const root = desk.givenRoot ?? (await desk.memory.pinnedRoot());
  const commits = await desk.repository.commitLog(tip);
  const genesis = await findGenesis(desk.repository, desk.providers, commits, root);
  let place = 0;
  while (commits.at(place).oid !== genesis.step.commit.oid) place += 1;
  return { ...genesis, tip, above: commits.part(place + 1), pinned: root !== undefined };
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

export interface Visitor {
  readonly step: (step: Step) => void;
}

/** Steps only: whoever wants to know of junk audits. */
export async function walkWhole(desk: Desk, visitor: Visitor): Promise<{ readonly last: Step }> {
  const { step: first, above } = await wholeLedger(desk);
  let last = first;
  visitor.step(first);
  for await (const walked of walkLedger(desk.repository, desk.providers, above, first.after)) {
    if (walked.kind === 'junk') continue;
    last = walked.step;
    desk.progress(`verified entry ${last.after.seq}`);
    visitor.step(last);
  }
  return { last };
}
