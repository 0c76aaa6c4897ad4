/** One entry, as every reader will verify it, and the commit that holds it. */
import { printEntry } from '../../documents/entry-file.ts';
import type { Entry, LedgerEvent } from '../../model/entry.ts';
import { handledLater, PamError } from '../../model/error.ts';
import type { NewCommit } from '../../model/git.ts';
import type { Instant } from '../../model/instant.ts';
import type { Fingerprint, Oid } from '../../model/names.ts';
import type { Files, Policy } from '../../model/policy.ts';
import { LEDGER_NAMESPACE } from '../../model/statement.ts';
import { contextOf, followChain, type NextEntry } from '../../rules/follow-chain.ts';
import { foldIndex } from '../../rules/fold-index.ts';
import { indexDigest } from '../../rules/print-index.ts';
import { tellEntry } from '../../rules/tell-entry.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { changesBetween, type Directory, directoryId, NOTHING } from '../../trust/git-tree-id.ts';
import { verifyEntry } from '../../trust/signed-entry.ts';
import type { Desk, Executor } from '../desk.ts';
import { ledgerDirectory } from './walk/ledger-files.ts';

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

/** Where the entry stands and who wrote it. */
export const placeOf = (
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
