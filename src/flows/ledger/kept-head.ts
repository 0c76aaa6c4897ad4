/**
 * What an earlier run on this machine verified (DESIGN section 5, Verifying): where a walk goes on, what the branch
 * must hold, and how the next head is remembered.
 */
import { type Checkpoint, readCheckpoint } from '../../documents/checkpoint-file.ts';
import type { KeptHead } from '../../memory/head-files.ts';
import type { Reason } from '../../model/decision.ts';
import { expected, handledLater, Interrupted } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { Sha256 } from '../../model/names.ts';
import { CHECKPOINT_NAMESPACE } from '../../model/statement.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { settledBy } from '../../rules/judge-settled.ts';
import { holdersOf } from '../../trust/keyring.ts';
import { verifySshsig } from '../../trust/sshsig.ts';
import type { Desk, Executor } from '../desk.ts';
import { stateAt } from './walk/state-at.ts';
import { withHistory } from './walk/with-history.ts';
import { type Known, witnessesOf } from './walk/witness.ts';

/** A kept head as its file says: nothing of it is verified. */
interface Remembered {
  readonly checkpoint: Checkpoint;
  readonly kept: KeptHead;
}

/** That file of this machine's, if there is one that is about this ledger. */
export async function rememberedHead(
  desk: Desk,
  executor: Executor | null,
  root: Sha256 | undefined,
): Promise<Remembered | undefined> {
  const kept = await desk.memory.keptHead(ownerOf(executor), root);
  if (kept === undefined) return undefined;
  try {
    const checkpoint = readCheckpoint(Buffer.from(kept.text));
    return checkpoint.root === root ? { checkpoint, kept } : undefined;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/** The head that this machine kept, if it is its own and can be read; else `undefined`. */
export async function knownHead(
  desk: Desk,
  executor: Executor | null,
  root: Sha256 | undefined,
): Promise<Known | undefined> {
  const remembered = await rememberedHead(desk, executor, root);
  const commit = remembered?.kept.commit ?? null;
  if (remembered === undefined || commit === null) return undefined;
  const { checkpoint, kept } = remembered;
  try {
    const at = async (): Promise<ChainState | undefined> =>
      await stateAt(desk.repository, desk.providers, commit, checkpoint);
    const state = await withHistory(desk, at);
    if (state === undefined) return undefined;
    // An executor's memory is worth what its own key signed; the policy in force says which key that is.
    if (executor !== null && !signedBy(state, executor, kept.text, kept.signature)) return undefined;
    return { state, commit };
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/** The same, of the ledger whose root was given or is pinned here. */
export async function headFromHere(desk: Desk, executor: Executor | null): Promise<Known | undefined> {
  return await knownHead(desk, executor, desk.givenRoot ?? (await desk.memory.pinnedRoot()));
}

/**
 * A new clone lacks the commit of the kept head where the branch was rewound or replaced meanwhile, so the chain was
 * walked from its root. The entry itself must stand on that chain all the same.
 */
export async function againstMemory(
  desk: Desk,
  executor: Executor | null,
  at: Known,
): Promise<readonly Reason[]> {
  const { state } = at;
  const remembered = await rememberedHead(desk, executor, state.root);
  if (remembered === undefined) return [];
  const { checkpoint, kept } = remembered;
  if (executor !== null && !signedBy(state, executor, kept.text, kept.signature)) return [];
  const stands = await witnessesOf(desk, at, [checkpoint.seq]);
  if (stands.get(checkpoint.seq) === checkpoint.head) return [];
  if (settledSince(state, checkpoint.at)) return [];
  const lacks = `the ledger branch does not hold entry ${checkpoint.seq}, which this machine verified`;
  const code = checkpoint.seq > state.seq ? 'E_LED_ROLLBACK' : 'E_LED_FORK';
  return [{ code, ok: false, message: `${lacks}, and this clone lacks it as well` }];
}

/** What admins settled since then may be the side that this machine followed. */
function settledSince({ policy, index }: ChainState, since: Instant): boolean {
  return settledBy(policy).length > 0 && index.beats !== null && index.beats.policy.at >= since;
}

/** An executor's memory is its own, whatever it is called. */
const ownerOf = (executor: Executor | null): string =>
  executor === null ? 'person' : `executor.${executor.name}`;

function signedBy(state: ChainState, executor: Executor, text: string, signature: string | null): boolean {
  if (signature === null) return false;
  try {
    const { key } = verifySshsig({ message: text, armor: signature, namespace: CHECKPOINT_NAMESPACE });
    return holdersOf(state.policy).get(key.fingerprint)?.id === executor.name;
  } catch (error) {
    // A file that was cut off, or that something else wrote.
    expected(error);
    return false;
  }
}

type Head = Known & { readonly appendable?: boolean };

/** Remembers the newest verified head, so that the next run costs what is new and a rewind is noticed. */
export async function keepHead(desk: Desk, executor: Executor | null, head: Head): Promise<void> {
  await readyToKeep(desk, executor, head)();
}

/**
 * Signs at once, and remembers when the answer is called: an executor signs beside its push, but what was not pushed
 * is never kept. Dying between the two leaves the older head, from which the next run walks.
 */
export function readyToKeep(desk: Desk, executor: Executor | null, head: Head): () => Promise<void> {
  // Of two histories that were not told apart, none is remembered: the next run would build on it.
  if (head.appendable === false) return async () => await Promise.resolve();
  const { root, seq, entry } = head.state;
  const owner = ownerOf(executor);
  const checkpoint: Checkpoint = {
    schema: 'pam.checkpoint/1',
    root,
    seq,
    head: head.state.head,
    at: entry.at,
  };
  const text = `${JSON.stringify(checkpoint)}\n`;
  const sign = async (): Promise<KeptHead | undefined> => {
    const kept = await desk.memory.keptHead(owner, root);
    if (kept?.text === text && kept.commit === head.commit) return undefined;
    const signature =
      executor === null ? null : await desk.sign(text, CHECKPOINT_NAMESPACE, executor.keyFile);
    return { text, signature, commit: head.commit };
  };
  const signed = sign();
  handledLater(signed);
  return async () => {
    await orNote(desk, async () => {
      const kept = await signed;
      if (kept !== undefined) await desk.memory.keepHead(owner, kept);
    });
  };
}

/** A machine that cannot remember (a full disk, say) still has grants to end. */
export async function orNote(desk: Desk, remember: () => Promise<void>): Promise<void> {
  try {
    await remember();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Interrupted) throw error;
    desk.note(`what was verified could not be remembered on this machine: ${error.message}`);
  }
}
