/**
 * The ledger as this run may believe it: no tip is believed, it is walked to, from the newest head that this
 * machine verified before, else from the genesis of the pinned root (DESIGN section 5, Verifying).
 */
import { type Checkpoint, readCheckpoint } from '../documents/checkpoint-file.ts';
import { PamError } from '../model/error.ts';
import type { CommitInfo } from '../model/git.ts';
import type { Oid, Sha256 } from '../model/names.ts';
import { CHECKPOINT_NAMESPACE } from '../model/statement.ts';
import type { Reason } from '../model/decision.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { holdersOf } from '../trust/keyring.ts';
import { verifySshsig } from '../trust/sshsig.ts';
import { type Desk, type Executor, ledgerRef } from './desk.ts';
import { stateAt, type Junk, walkLedger } from './walk-ledger.ts';

export interface LedgerView {
  readonly state: ChainState;
  /** The commit that holds the newest verified entry. */
  readonly commit: Oid;
  /** What the ledger ref holds now; the next append replaces exactly this. `null`: the branch is gone. */
  readonly tip: Oid | null;
  /** What the next entry's commit stands on: the tip, or our own head where the branch was rewound. */
  readonly parent: Oid;
  readonly appendable: boolean;
  /** What is wrong with the branch; grants stop while this is not empty. */
  readonly troubles: readonly Reason[];
  /** The pin is new to this machine. */
  readonly firstUse: boolean;
}

interface Known {
  readonly state: ChainState;
  readonly commit: Oid;
}

export async function readLedger(desk: Desk, executor: Executor | null): Promise<LedgerView> {
  const tip = (await desk.repository.resolve(ledgerRef(desk))) ?? null;
  const pinned = await desk.memory.pinnedRoot();
  if (desk.givenRoot !== undefined && pinned !== undefined && desk.givenRoot !== pinned) {
    throw new PamError('E_LED_ROOT', `the trust root pinned here is ${pinned}, not ${desk.givenRoot}`, {
      hint: `if the access repository was really made anew, remove ${desk.memory.directory}`,
    });
  }
  const root = desk.givenRoot ?? pinned;
  if (executor !== null && root === undefined) {
    throw new PamError('E_LED_UNPINNED', 'an executor needs a pinned trust root', {
      hint: 'give --root or PAM_ROOT, the digest that `pam init` printed',
    });
  }
  const known = await knownHead(desk, executor, root);
  if (tip === null && known === undefined) {
    throw new PamError('E_LED_MISSING', `there is no ledger branch ${desk.hint.ledger} here`, {
      hint: 'make the access repository with `pam init`, or clone it with all its branches',
    });
  }
  if (executor !== null && known === undefined) {
    desk.note(
      'no kept head on this machine: the ledger is walked from its root, and a dropped tail would not show',
    );
  }
  const view = await walk(desk, tip, known, root);
  if (pinned === undefined) await orNote(desk, () => desk.memory.pinRoot(view.state.root));
  return { ...view, firstUse: root === undefined };
}

async function walk(
  desk: Desk,
  tip: Oid | null,
  known: Known | undefined,
  root: Sha256 | undefined,
): Promise<Omit<LedgerView, 'firstUse'>> {
  const { repository } = desk;
  if (known !== undefined && tip !== known.commit) {
    const trouble = async (): Promise<Omit<LedgerView, 'firstUse'> | undefined> => {
      if (tip === null) return rewound(known, tip, 'the ledger branch is gone');
      if (await repository.isAncestor(known.commit, tip)) return undefined;
      if (await repository.isAncestor(tip, known.commit))
        return rewound(known, tip, 'the ledger branch was rewound');
      const message = `the ledger branch does not hold entry ${known.state.seq}, which this machine verified`;
      return {
        ...known,
        tip,
        parent: known.commit,
        appendable: false,
        troubles: [{ code: 'E_LED_FORK', ok: false, message }],
      };
    };
    const view = await trouble();
    if (view !== undefined) return view;
  }
  if (tip === null) throw new PamError('E_LED_MISSING', 'there is no ledger branch');
  const commits = await repository.history(tip, known === undefined ? [] : [known.commit]);
  const found = known ?? (await genesis(desk, commits, root));
  const { state, commit, junkAbove } = await climb(desk, commits, found);
  const troubles = junkAbove.slice(0, 3).map(
    (one): Reason => ({
      code: 'E_LED_JUNK',
      ok: false,
      message: `commit ${one.commit.slice(0, 12)}: ${one.message}`,
    }),
  );
  return { state, commit, tip, parent: tip, appendable: true, troubles };
}

function rewound(known: Known, tip: Oid | null, message: string): Omit<LedgerView, 'firstUse'> {
  const trouble = {
    code: 'E_LED_ROLLBACK',
    ok: false,
    message: `${message}; entry ${known.state.seq} is kept here`,
  };
  return { ...known, tip, parent: known.commit, appendable: true, troubles: [trouble] };
}

/** The first commit that holds the genesis of this root; without a root, of the only one there is. */
async function genesis(desk: Desk, commits: readonly CommitInfo[], root: Sha256 | undefined): Promise<Known> {
  const { repository, providers } = desk;
  for (const commit of commits) {
    for await (const walked of walkLedger(repository, providers, [commit], null)) {
      if (walked.kind !== 'step') continue;
      const state = walked.step.after;
      if (root === undefined || state.root === root) return { state, commit: commit.oid };
    }
  }
  throw new PamError('E_POL_GENESIS', `the ledger does not begin with ${root ?? 'a genesis'}`, {
    exit: 20,
    hint: 'this is another access repository than the one that was pinned, or its ledger was replaced',
  });
}

async function climb(
  desk: Desk,
  commits: readonly CommitInfo[],
  from: Known,
): Promise<Known & { readonly junkAbove: readonly Junk[] }> {
  let { state, commit } = from;
  let junkAbove: Junk[] = [];
  const at = commits.findIndex((one) => one.oid === from.commit);
  for await (const walked of walkLedger(desk.repository, desk.providers, commits.slice(at + 1), state)) {
    if (walked.kind === 'junk') junkAbove.push(walked.junk);
    else {
      state = walked.step.after;
      desk.progress(`verified entry ${state.seq}`);
      commit = walked.step.commit.oid;
      junkAbove = [];
    }
  }
  return { state, commit, junkAbove };
}

async function knownHead(
  desk: Desk,
  executor: Executor | null,
  root: Sha256 | undefined,
): Promise<Known | undefined> {
  const kept = await desk.memory.keptHead(executor?.name ?? 'person');
  if (kept === undefined || kept.commit === null) return undefined;
  try {
    const checkpoint: Checkpoint = readCheckpoint(Buffer.from(kept.text));
    if (checkpoint.root !== root) return undefined;
    const state = await stateAt(desk.repository, desk.providers, kept.commit, checkpoint);
    if (state === undefined) return undefined;
    // An executor's memory is worth what its own key signed; the policy in force says which key that is.
    if (executor !== null && !signedBy(state, executor, kept.text, kept.signature)) return undefined;
    return { state, commit: kept.commit };
  } catch (error) {
    if (error instanceof PamError) return undefined;
    throw error;
  }
}

function signedBy(state: ChainState, executor: Executor, text: string, signature: string | null): boolean {
  if (signature === null) return false;
  const { key } = verifySshsig({ message: text, armor: signature, namespace: CHECKPOINT_NAMESPACE });
  return holdersOf(state.policy).get(key.fingerprint)?.id === executor.name;
}

/** Remembers the newest verified head, so that the next run costs what is new and a rewind is noticed. */
export async function keepHead(
  desk: Desk,
  executor: Executor | null,
  head: { readonly state: ChainState; readonly commit: Oid },
): Promise<void> {
  const { root, seq, entry } = head.state;
  const owner = executor?.name ?? 'person';
  const checkpoint: Checkpoint = {
    schema: 'pam.checkpoint/1',
    root,
    seq,
    head: head.state.head,
    at: entry.at,
  };
  const text = `${JSON.stringify(checkpoint)}\n`;
  const kept = await desk.memory.keptHead(owner);
  if (kept?.text === text && kept.commit === head.commit) return;
  await orNote(desk, async () => {
    const signature =
      executor === null ? null : await desk.sign(text, CHECKPOINT_NAMESPACE, executor.keyFile);
    await desk.memory.keepHead(owner, { text, signature, commit: head.commit });
  });
}

/** A machine that cannot remember (a full disk, say) still has grants to end. */
async function orNote(desk: Desk, remember: () => Promise<void>): Promise<void> {
  try {
    await remember();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    desk.note(`what was verified could not be remembered on this machine: ${error.message}`);
  }
}
