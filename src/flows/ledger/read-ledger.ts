/**
 * The ledger as this run may believe it: no tip is believed, it is walked to, from the newest head that this
 * machine verified before, else from the genesis of the pinned root (DESIGN section 5, Verifying).
 */
import { PamError } from '../../model/error.ts';
import type { CommitInfo } from '../../model/commit-log.ts';
import type { Repository } from '../../model/git.ts';
import type { Oid, Sha256 } from '../../model/names.ts';
import type { LedgerPoint } from '../../model/statement.ts';
import type { Reason } from '../../model/decision.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { type Desk, type Executor, ledgerRef } from '../desk.ts';
import { findGenesis } from './walk/find-genesis.ts';
import { type BeginsAt, climbRightSide } from './walk/climb-ledger.ts';
import { againstMemory, knownHead, orNote, rememberedHead } from './kept-head.ts';
import { FORK_WAY_OUT, LACKING } from './walk/ledger-junk.ts';
import { type Newer, tellNewer } from './walk/newer-version.ts';
import { withHistory } from './walk/with-history.ts';
import { type Known, witnessesOf } from './walk/witness.ts';

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

/** @param already what this run has verified before: a walk goes on from there, however often it is asked for */
export async function readLedger(
  desk: Desk,
  executor: Executor | null,
  already?: Known,
): Promise<LedgerView> {
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
  const known = already ?? (await knownHead(desk, executor, root));
  if (tip === null && known === undefined) {
    throw new PamError('E_LED_MISSING', `there is no ledger branch ${desk.hint.ledger} here`, {
      hint: 'make the access repository with `pam init`, or clone it with all its branches',
    });
  }
  if (
    executor !== null &&
    known === undefined &&
    (await rememberedHead(desk, executor, root)) === undefined
  ) {
    desk.note(
      'no kept head on this machine: the ledger is walked from its root, and a dropped tail would not show',
    );
  }
  const walked = await withHistory(desk, async () => await walk(desk, tip, known, root));
  const missing = known === undefined ? await againstMemory(desk, executor, walked) : [];
  const view =
    missing.length === 0
      ? walked
      : { ...walked, appendable: false, troubles: [...missing, ...walked.troubles] };
  if (pinned === undefined) await orNote(desk, () => desk.memory.pinRoot(view.state.root));
  const { main, ledger } = view.state.policy.config;
  await orNote(desk, () => desk.memory.keepBranches({ main, ledger }));
  return { ...view, firstUse: root === undefined };
}

async function walk(
  desk: Desk,
  tip: Oid | null,
  known: Known | undefined,
  root: Sha256 | undefined,
): Promise<Omit<LedgerView, 'firstUse'>> {
  const { repository } = desk;
  const few = known === undefined || tip === null ? undefined : await fewSince(repository, known.commit, tip);
  if (known !== undefined && few === undefined) {
    const trouble = async (): Promise<Omit<LedgerView, 'firstUse'> | undefined> => {
      if (tip === null) return rewound(known, tip, 'the ledger branch is gone');
      if ((await repository.history(tip, [], 1)).length === 0)
        return rewound(known, tip, 'the ledger branch points at no commit');
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
  const commits = few ?? (await repository.history(tip, known === undefined ? [] : [known.commit]));
  const beginsAt =
    known === undefined ? await beginning(desk, commits, root) : { found: known, above: commits };
  const again = async (): Promise<BeginsAt> =>
    await beginning(desk, await repository.history(tip), beginsAt.found.state.root);
  const { climbed, sides } = await climbRightSide(desk, beginsAt, again);
  const { state, commit, junkAbove, strays, newer } = climbed;
  // It may be an entry of the chain, so what follows it is no other history, and nothing is appended in its place.
  const lacking = junkAbove.some(({ code }) => code === LACKING);
  const beside = lacking ? [] : [...strays, ...sides.believed];
  const troubles: readonly Reason[] = [
    ...(newer === null ? [] : [newerTrouble(newer)]),
    ...(await forksAmong(desk, { state, commit }, beside, sides.dead)),
    ...junkAbove.slice(0, 3).map(
      (one): Reason => ({
        code: one.code === LACKING ? LACKING : 'E_LED_JUNK',
        ok: false,
        message: `commit ${one.commit.slice(0, 12)}: ${one.message}`,
      }),
    ),
  ];
  // Who verified one of the two branches before knows which is whose; who did not must not choose.
  const forked = troubles.some(({ code }) => code === 'E_LED_FORK');
  const appendable = !lacking && newer === null && (known !== undefined || !forked);
  return { state, commit, tip, parent: tip, appendable, troubles };
}

const newerTrouble = (newer: Newer): Reason => {
  const { code, message } = tellNewer(newer);
  return { code, ok: false, message };
};

const FEW = 64;

/**
 * Mostly a handful of entries in one line: then one question tells which they are, and that they follow what is known.
 * `undefined`: it is not as simple as that.
 */
async function fewSince(
  repository: Repository,
  known: Oid,
  tip: Oid,
): Promise<readonly CommitInfo[] | undefined> {
  if (tip === known) return [];
  const commits = await repository.history(tip, [known], FEW);
  let last = known;
  for (const { oid, parents } of commits) {
    if (parents.length !== 1 || parents[0] !== last) return undefined;
    last = oid;
  }
  return last === tip ? commits : undefined;
}

export async function beginning(
  desk: Desk,
  commits: readonly CommitInfo[],
  root: Sha256 | undefined,
): Promise<BeginsAt> {
  const { step, place } = await findGenesis(desk.repository, desk.providers, commits, root);
  return { found: { state: step.after, commit: step.commit.oid }, above: commits.toSpliced(place, 1) };
}

/**
 * An executor's entry that follows another one than ours is a second history, unless it is only a copy of an entry
 * that stands on our chain already (which anybody can push).
 */
async function forksAmong(
  desk: Desk,
  at: Known,
  beside: readonly LedgerPoint[],
  dead: ReadonlySet<Sha256>,
): Promise<readonly Reason[]> {
  const strays = new Map(beside.filter(({ head }) => !dead.has(head)).map(({ seq, head }) => [head, seq]));
  if (strays.size === 0) return [];
  const ours = await witnessesOf(desk, at, [...strays.values()]);
  return [...strays]
    .filter(([head, seq]) => ours.get(seq) !== head)
    .slice(0, 3)
    .map(([head, seq]) => ({
      code: 'E_LED_FORK',
      ok: false,
      message: `an executor signed two entries ${seq}: ${head} and ${ours.get(seq) ?? 'none'} of this chain; ${FORK_WAY_OUT}`,
    }));
}

function rewound(known: Known, tip: Oid | null, message: string): Omit<LedgerView, 'firstUse'> {
  const trouble: Reason = {
    code: 'E_LED_ROLLBACK',
    ok: false,
    message: `${message}; entry ${known.state.seq} is kept here`,
  };
  return { ...known, tip, parent: known.commit, appendable: true, troubles: [trouble] };
}
