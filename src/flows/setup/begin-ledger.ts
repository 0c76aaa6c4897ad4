/** Genesis and policy 1: the two entries that every access repository begins with, both made before any ref moves. */
import { printEntry } from '../../documents/entry-file.ts';
import { readNewPolicy } from '../../documents/policy-files.ts';
import { kindOf } from '../../forges/registry.ts';
import type { Entry } from '../../model/entry.ts';
import { expected, PamError } from '../../model/error.ts';
import type { Posting } from '../../model/forge.ts';
import type { Oid, Sha256 } from '../../model/names.ts';
import { type Files, isPlainGit, type Policy } from '../../model/policy.ts';
import { LEDGER_NAMESPACE } from '../../model/statement.ts';
import { needExecutorKey } from '../../rules/executor-key.ts';
import { beginChain } from '../../rules/follow-chain.ts';
import { EMPTY_INDEX } from '../../rules/fold-index.ts';
import { tallies } from '../../rules/judge-policy-change.ts';
import { indexDigest } from '../../rules/print-index.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { sha256, treeDigest } from '../../trust/digest.ts';
import { verifyEntry } from '../../trust/signed-entry.ts';
import { printStatement } from '../../trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../trust/statements/registry.ts';
import { commitEntry, makeEntry } from '../ledger/make-entry.ts';
import { type Desk, type Executor, ledgerRef, type Signer } from '../desk.ts';
import { prepareTargets } from '../at-targets/prepare-targets.ts';
import { keepHead } from '../ledger/kept-head.ts';
import { policyPosting } from '../gather/policy-on-main.ts';
import { ledgerDirectory, policyFilesOf } from '../ledger/walk/ledger-files.ts';

export interface Begun {
  readonly root: Sha256;
  readonly seq: number;
  readonly commit: Oid;
  /** Signatures that policy 1 still needs before it is in force; 0 = it is. */
  readonly missing: number;
}

/** As far as this clone knows. */
export async function hasLedger(desk: Desk): Promise<boolean> {
  return (await desk.repository.resolve(ledgerRef(desk))) !== undefined;
}

/** Before anything is written: what was begun once is never begun again over it. */
export async function refuseSecondLedger(desk: Desk): Promise<void> {
  if (!(await hasLedger(desk))) return;
  throw new PamError('E_LED_EXISTS', 'this is an access repository already', {
    exit: 1,
    hint: 'a new policy is put in force with `pam ratify`',
  });
}

export async function beginLedger(desk: Desk, admin: Signer, executor: Executor): Promise<Begun> {
  const mainBranch = `refs/heads/${desk.hint.main}`;
  const main = await desk.repository.resolve(mainBranch);
  if (main === undefined) throw new PamError('E_POL_MISSING', `there is no commit on ${desk.hint.main}`);
  const files = await policyFilesOf(desk.repository, main);
  const { policy } = readNewPolicy(files, treeDigest(files), desk.providers, desk.clock());
  needExecutorKey([policy], executor.name, await desk.keyOf(executor.keyFile));
  const first = await makeGenesis(desk, policy, files, executor);
  const signed = await policyStatement(desk, admin, first.state);
  const change = {
    root: first.state.root,
    seq: 1,
    next: policy,
    previous: null,
    statements: [signed],
    recordedAt: desk.clock(),
  };
  const missing = Math.max(...tallies(change).map(({ have, need }) => need - have.length));
  if (missing > 0 && !isPlainGit(policy.config.forge)) {
    throw new PamError(
      'E_POL_THRESHOLD',
      `on ${kindOf(policy.config.forge).title} policy 1 needs you alone: there is no pull request to sign`,
      {
        hint: 'begin with yourself as the only admin, and bring the others by pull request',
      },
    );
  }
  let last = first;
  if (missing <= 0) {
    const { digest } = policy;
    const draft = {
      events: [{ type: 'policy', id: '-', seq: 1, digest, statements: [signed] } as const],
      brings: { policy, files },
    };
    const key = await desk.keyOf(executor.keyFile);
    const made = await makeEntry(desk, { ...executor, key }, first.state, draft, change.recordedAt);
    last = { state: made.state, commit: await commitEntry(desk, made, [first.commit]) };
  }
  await publishBoth(desk, main, last.commit);
  await desk.memory.pinRoot(first.state.root);
  await keepHead(desk, executor, last);
  await keepHead(desk, null, last);
  await prepareTargets(desk, executor, last.state, ({ message }) => desk.note(message));
  const posting = policyPosting(1, null, signed, admin.id);
  if (missing > 0) await (await desk.forge(policy.config)).publish(posting);
  else await takeTheName(desk, policy, posting);
  return { root: first.state.root, seq: last.state.seq, commit: last.commit, missing: Math.max(0, missing) };
}

/**
 * The ledger holds the statement already. On the remote of a plain Git forge it also keeps anybody from making a branch
 * that has the name of the directory of all statements, and so from silencing everybody.
 */
async function takeTheName(desk: Desk, policy: Policy, posting: Posting): Promise<void> {
  if (!isPlainGit(policy.config.forge) || desk.remote === null) return;
  try {
    await (await desk.forge(policy.config)).publish(posting);
  } catch (cause) {
    const error = expected(cause);
    desk.note(`the first statement could not be published: ${error.message}`);
  }
}

async function makeGenesis(
  desk: Desk,
  policy: Policy,
  files: Files,
  executor: Executor,
): Promise<{ readonly state: ChainState; readonly commit: Oid }> {
  const entry: Entry = {
    root: null,
    seq: 0,
    previous: null,
    at: desk.clock(),
    executor: executor.name,
    policy: policy.digest,
    index: indexDigest(EMPTY_INDEX),
    events: [
      {
        type: 'genesis',
        id: '-',
        policy: policy.digest,
        files: Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)])),
        nonce: desk.nonce(16),
      },
    ],
  };
  const bytes = printEntry(entry);
  const signature = await desk.sign(Buffer.from(bytes).toString('utf8'), LEDGER_NAMESPACE, executor.keyFile);
  const state = beginChain({
    signed: verifyEntry(bytes, signature),
    entry,
    broughtDigest: () => policy.digest,
    brought: () => ({ policy, files }),
  });
  return {
    state,
    commit: await commitEntry(desk, { entry, holds: ledgerDirectory(state, bytes, signature) }, []),
  };
}

async function policyStatement(
  desk: Desk,
  admin: Signer,
  state: ChainState,
): Promise<{ text: string; armor: string }> {
  const text = printStatement({
    type: 'policy',
    root: state.root,
    signer: admin.id,
    signedAt: desk.clock(),
    seq: 1,
    policySha256: state.policy.digest,
    previousSha256: null,
  });
  return { text, armor: await desk.sign(text, STATEMENT_KINDS.policy.namespace, admin.keyFile) };
}

/** Main and the ledger appear together or not at all. */
async function publishBoth(desk: Desk, main: Oid, ledger: Oid): Promise<void> {
  const branch = `refs/heads/${desk.hint.ledger}`;
  if (desk.remote === null) {
    if (await desk.repository.moveRef(branch, ledger, null)) return;
    throw new PamError('E_LED_EXISTS', `there is a branch ${desk.hint.ledger} already`, { exit: 1 });
  }
  const remote = await desk.remote.open();
  const there = await remote.list([branch]);
  if (there.size > 0) {
    throw new PamError('E_LED_EXISTS', `the remote has a branch ${desk.hint.ledger} already`, {
      exit: 1,
      hint: 'clone it instead of making it anew',
    });
  }
  const moves = [
    { oid: main, ref: `refs/heads/${desk.hint.main}` },
    { oid: ledger, ref: branch },
  ];
  if ((await remote.push(moves)) === 'rejected') {
    throw new PamError('E_GIT_REJECTED', 'the remote refused the new branches', { exit: 1 });
  }
  const { name } = desk.remote;
  const [missed] = await remote.fetch(
    [desk.hint.main, desk.hint.ledger].map((one) => `+refs/heads/${one}:refs/remotes/${name}/${one}`),
  );
  if (missed !== undefined) throw missed.why;
}
