/** The whole ledger from its genesis, as the clone holds it: for commands that fetch nothing and write nothing. */
import { PamError } from '../model/error.ts';
import type { Oid, Sha256 } from '../model/names.ts';
import { type Desk, ledgerRef } from './desk.ts';
import { findGenesis, type Junk, type Step, walkLedger } from './walk-ledger.ts';

export interface Visitor {
  readonly step: (step: Step) => void | Promise<void>;
  readonly junk?: (junk: Junk, newest: Step | null) => void;
}

export interface Whole {
  readonly root: Sha256;
  readonly last: Step;
  readonly tip: Oid;
  /** Whether the root came from outside (`--root`, a pin) or was only found. */
  readonly pinned: boolean;
}

export async function walkWhole(desk: Desk, visitor: Visitor): Promise<Whole> {
  // An auditor's clone of a lone access repository has the branch under `origin` only.
  const elsewhere = `refs/remotes/origin/${desk.hint.ledger}`;
  const tip = (await desk.repository.resolve(ledgerRef(desk))) ?? (await desk.repository.resolve(elsewhere));
  if (tip === undefined) {
    throw new PamError('E_LED_MISSING', `this clone holds no ledger branch ${desk.hint.ledger}`, {
      hint: `in a clone of an access repository: git fetch origin ${desk.hint.ledger}; a new one is made by \`pam init\``,
    });
  }
  const root = desk.givenRoot ?? (await desk.memory.pinnedRoot());
  const commits = await desk.repository.history(tip);
  const { step: first, junk } = await findGenesis(desk.repository, desk.providers, commits, root);
  for (const one of junk) visitor.junk?.(one, null);
  let last = first;
  await visitor.step(first);
  const at = commits.findIndex(({ oid }) => oid === first.commit.oid);
  for await (const walked of walkLedger(
    desk.repository,
    desk.providers,
    commits.slice(at + 1),
    first.after,
  )) {
    if (walked.kind === 'junk') visitor.junk?.(walked.junk, last);
    else {
      last = walked.step;
      desk.progress(`verified entry ${last.after.seq}`);
      await visitor.step(last);
    }
  }
  return { root: first.after.root, last, tip, pinned: root !== undefined };
}
