/**
 * Merging on a plain Git remote: a merge commit on main's tip with exactly the proposal's two blobs, whatever else
 * its branch may hold. Merging is necessary for a grant and never sufficient.
 */
import { EXIT, Interrupted, mayStillArrive, PamError } from '../../model/error.ts';
import type { PushResult, Remote } from '../../model/git.ts';
import { type Oid, requestPath, signaturePath } from '../../model/names.ts';
import { isPlainGit } from '../../model/policy.ts';
import { type Desk, mainRef } from '../desk.ts';
import { fetchState } from '../ledger/fetch-state.ts';
import type { Looked } from '../gather/look-at-request.ts';
import { needKnownVersion } from '../ledger/walk/newer-version.ts';
import { withHistory } from '../ledger/walk/with-history.ts';

const TRIES = 6;

export interface Merged {
  readonly commit: Oid;
  /** `false`: main held it already. */
  readonly moved: boolean;
  /** Why the local checkout was left as it is. */
  readonly left: string | null;
}

export async function mergeRequest(desk: Desk, looked: Looked, author: string): Promise<Merged> {
  const { judged, candidate, id } = looked;
  needKnownVersion(looked.view);
  const { policy } = looked.view.state;
  if (!isPlainGit(policy.config.forge)) {
    throw new PamError('E_USAGE', 'this access repository merges on its forge', {
      hint: 'merge the pull request there',
    });
  }
  if (judged === null || candidate === null) {
    throw new PamError('E_REQ_UNREADABLE', `${id} holds no valid request to merge`, { exit: EXIT.invalid });
  }
  const ref = mainRef(desk, policy.config);
  const here = await desk.repository.resolve(ref);
  if (here === undefined) throw new PamError('E_POL_MISSING', `there is no branch ${policy.config.main}`);
  if (candidate.merged) return { commit: here, moved: false, left: null };
  const { decision } = judged;
  const { signature } = candidate;
  if (decision.verdict !== 'approved' || signature === null) {
    const failing = decision.reasons.filter((one) => !one.ok);
    throw new PamError(
      failing[0]?.code ?? 'E_APR_MISSING',
      failing.map(({ message }) => message).join('; '),
      {
        exit: decision.verdict === 'pending' ? EXIT.pending : EXIT.refused,
        hint: `pam show ${id} says what is missing`,
      },
    );
  }
  const files = new Map<string, Uint8Array>([
    [requestPath(id), Buffer.from(candidate.bytes)],
    [signaturePath(id), signature],
  ]);
  const { head } = candidate;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const main = await desk.repository.resolve(ref);
    if (main === undefined) break;
    const commit = await desk.repository.writeCommit({
      parents: head === null ? [main] : [main, head],
      base: main,
      files,
      message: `Merge request ${id}\n`,
      author,
      at: desk.clock(),
    });
    const left = await moveMain(desk, policy.config.main, ref, commit, main);
    if (left !== undefined) return { commit, moved: true, left: left.left };
    await desk.pause(desk.chance() * 200 * 2 ** attempt);
    await fetchState(desk);
  }
  throw new PamError('E_RACE_LOST', 'main kept moving', { hint: 'run it again' });
}

/**
 * `undefined` when main moved meanwhile. A local main that is checked out and clean comes along.
 * @param beside other refs of the remote that go out in the same push, all or none; a lone clone has no use for them
 */
export async function moveMain(
  desk: Desk,
  branch: string,
  ref: string,
  commit: Oid,
  old: Oid,
  beside: readonly { readonly oid: Oid; readonly ref: string }[] = [],
): Promise<{ readonly left: string | null } | undefined> {
  const local = `refs/heads/${branch}`;
  if (desk.remote === null) {
    const along = await desk.bringAlong(local, old, commit);
    if (along.left === null) return along;
    return (await desk.repository.moveRef(ref, commit, old)) ? along : undefined;
  }
  const remote = await desk.remote.open();
  if ((await pushOrLook(desk, remote, { commit, local, ref, old, beside })) === 'rejected') return undefined;
  await desk.repository.moveRef(ref, commit, old);
  const here = await desk.repository.resolve(local);
  return here === undefined || here === commit ? { left: null } : await desk.bringAlong(local, here, commit);
}

/**
 * Where git's answer is lost and main moved meanwhile, ours may be underneath of what others merged since: that is seen
 * once main is here. Where main moved to something else ours can no longer arrive; where it did not move, it still may.
 */
async function pushOrLook(
  desk: Desk,
  remote: Remote,
  {
    commit,
    local,
    ref,
    old,
    beside,
  }: {
    readonly commit: Oid;
    readonly local: string;
    readonly ref: string;
    readonly old: Oid;
    readonly beside: readonly { readonly oid: Oid; readonly ref: string }[];
  },
): Promise<PushResult> {
  try {
    return await remote.push([...beside, { oid: commit, ref: local }]);
  } catch (error) {
    if (!(error instanceof PamError) || error.code !== 'E_GIT_NETWORK') throw error;
    await remote.fetch([`+${local}:${ref}`]);
    const now = await desk.repository.resolve(ref);
    const underneath =
      now !== undefined &&
      (await withHistory(desk, async () => await desk.repository.isAncestor(commit, now)));
    if (underneath) return 'moved';
    if (!desk.interrupted()) throw error;
    throw now === old ? mayStillArrive() : new Interrupted();
  }
}
