/** What Git knows of a pull request: its range, commits and files, whether it merges. */
import type { ChangedFile, Commit } from './bare-git.ts';
import type { Hub, Pull } from './hub.ts';

/** Where the head left the base. */
export function startOf(hub: Hub, pull: Pull): string {
  const base = pull.merged?.from ?? pull.baseSha;
  return hub.git.mergeBase(base, pull.headSha) ?? base;
}

export const commitsOf = (hub: Hub, pull: Pull): readonly Commit[] =>
  hub.git.commits(`${startOf(hub, pull)}..${pull.headSha}`);

export const filesOf = (hub: Hub, pull: Pull): readonly ChangedFile[] =>
  hub.git.files(startOf(hub, pull), pull.headSha);

export const holdsCommit = (hub: Hub, pull: Pull, sha: string): boolean =>
  hub.git.commitIds(`${startOf(hub, pull)}..${pull.headSha}`).includes(sha);

const trials = new WeakMap<Pull, { readonly of: string; readonly sha: string | undefined }>();

/** The commit that GitHub makes to try the merge; it decides `mergeable`. `undefined` when it conflicts. */
export function testMerge(hub: Hub, pull: Pull): string | undefined {
  const of = `${pull.baseSha} ${pull.headSha}`;
  const last = trials.get(pull);
  if (last?.of === of) return last.sha;
  const sha = makeTrial(hub, pull);
  trials.set(pull, { of, sha });
  return sha;
}

function makeTrial(hub: Hub, pull: Pull): string | undefined {
  const tree = hub.git.mergedTree(pull.baseSha, pull.headSha);
  if (tree === undefined) return undefined;
  const { committer } = hub.git.commit(pull.headSha);
  const web = { name: 'GitHub', email: 'noreply@github.com', date: committer.date };
  const message = `Merge ${pull.headSha} into ${pull.baseSha}`;
  const sha = hub.git.writeCommit(tree, [pull.baseSha, pull.headSha], message, web);
  hub.git.moveRef(`refs/pull/${pull.number}/merge`, sha);
  return sha;
}
