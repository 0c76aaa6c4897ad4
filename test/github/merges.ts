/** Merging, three ways, with real commits; and where GitHub says 405 and 409. */
import { type Account, atLeast } from './accounts.ts';
import { type Answer, type Asked, callerOf, ok, Refusal, textIn } from './answers.ts';
import type { Person } from './bare-git.ts';
import { pullOf } from './find-pull.ts';
import { fullName, type Hub, instant, type MergeMethod, type Pull } from './hub.ts';
import { startOf } from './pull-git.ts';
import { ruleFor } from './rules.ts';

const METHODS: readonly MergeMethod[] = ['merge', 'squash', 'rebase'];
const NAMES: Readonly<Record<MergeMethod, string>> = {
  merge: 'Merge commits',
  squash: 'Squash merges',
  rebase: 'Rebase merges',
};

export interface MergeWords {
  readonly title?: string | undefined;
  readonly message?: string | undefined;
}

export function mergePull(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked);
  const by = callerOf(asked);
  const method = METHODS.find((one) => one === (textIn(asked, 'merge_method') ?? 'merge')) ?? 'merge';
  if (!atLeast(by.role, 'write')) throw new Refusal(403, 'Must have push access to merge pull requests.');
  if (pull.state === 'closed') throw new Refusal(405, 'Pull Request is not mergeable');
  if (pull.draft) throw new Refusal(405, 'Pull Request is still a draft');
  const sha = textIn(asked, 'sha');
  if (sha !== undefined && sha !== pull.headSha) {
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  }
  if (!hub.repository.methods[method]) {
    throw new Refusal(405, `${NAMES[method]} are not allowed on this repository.`);
  }
  askRules(hub, pull);
  const words = { title: textIn(asked, 'commit_title'), message: textIn(asked, 'commit_message') };
  const merged = merge(hub, pull, method, by, words);
  return ok({ sha: merged, merged: true, message: 'Pull Request successfully merged' });
}

function askRules(hub: Hub, pull: Pull): void {
  if (ruleFor(hub, pull.baseRef, 'merge_queue') !== undefined) {
    throw new Refusal(405, 'Changes must be made through the merge queue');
  }
  const wanted = Number(
    ruleFor(hub, pull.baseRef, 'pull_request')?.parameters?.['required_approving_review_count'] ?? 0,
  );
  const newest = new Map<Account, string>();
  for (const { pull: of, author, state } of hub.reviews) {
    if (of === pull && atLeast(author.role, 'write') && state !== 'COMMENTED' && state !== 'PENDING') {
      newest.set(author, state);
    }
  }
  const states = [...newest.values()];
  if (wanted > 0 && states.includes('CHANGES_REQUESTED')) {
    throw new Refusal(405, 'Repository rule violations found\n\nChanges have been requested.\n\n');
  }
  if (states.filter((one) => one === 'APPROVED').length < wanted) {
    throw new Refusal(
      405,
      `Repository rule violations found\n\nAt least ${wanted} approving review${wanted === 1 ? ' is' : 's are'} required by reviewers with write access.\n\n`,
    );
  }
}

/** `by` merges, whatever the rules say: also the merge queue's way in. Gives the commit on the base branch. */
export function merge(
  hub: Hub,
  pull: Pull,
  method: MergeMethod,
  by: Account,
  words: MergeWords = {},
): string {
  const base = hub.git.heads().get(pull.baseRef);
  if (base === undefined) throw new Refusal(405, 'Pull Request is not mergeable');
  const sha =
    method === 'rebase' ? rebased(hub, pull, base, by) : inOneCommit(hub, pull, base, method, by, words);
  hub.git.moveRef(`refs/heads/${pull.baseRef}`, sha, base);
  pull.merged = { sha, from: base, at: hub.now(), by };
  pull.baseSha = base;
  pull.state = 'closed';
  pull.closedAt = hub.now();
  pull.updatedAt = hub.now();
  return sha;
}

function inOneCommit(
  hub: Hub,
  pull: Pull,
  base: string,
  method: 'merge' | 'squash',
  by: Account,
  words: MergeWords,
): string {
  const tree = hub.git.mergedTree(base, pull.headSha);
  if (tree === undefined) throw new Refusal(405, 'Pull Request is not mergeable');
  const owner = (pull.fork?.owner ?? hub.repository.owner).login;
  const usual =
    method === 'squash'
      ? { title: `${pull.title} (#${pull.number})`, body: '' }
      : { title: `Merge pull request #${pull.number} from ${owner}/${pull.headRef}`, body: pull.title };
  const body = words.message ?? usual.body;
  const message = `${words.title ?? usual.title}${body === '' ? '' : `\n\n${body}`}`;
  const parents = method === 'squash' ? [base] : [base, pull.headSha];
  const author = method === 'squash' ? hub.accounts.shown(pull.author) : by;
  return hub.git.writeCommit(tree, parents, message, person(hub, author), web(hub));
}

/** Each commit anew, never fast-forwarded: GitHub gives new ids even where none would be needed. */
function rebased(hub: Hub, pull: Pull, base: string, by: Account): string {
  let tip = base;
  for (const commit of hub.git.commits('--no-merges', `${startOf(hub, pull)}..${pull.headSha}`)) {
    const [parent] = commit.parents;
    const tree = parent === undefined ? undefined : hub.git.mergedTree(...onto(hub, parent, commit.sha, tip));
    if (tree === undefined) throw new Refusal(405, "This branch can't be rebased");
    tip = hub.git.writeCommit(tree, [tip], commit.message, commit.author, person(hub, by));
  }
  return tip;
}

/** Two commits whose only common ancestor has `parent`'s tree: merging them moves one change onto `tip`. */
function onto(hub: Hub, parent: string, sha: string, tip: string): [ours: string, theirs: string] {
  const nobody: Person = { name: 'double', email: 'double@localhost', date: '2026-01-01T00:00:00Z' };
  const start = hub.git.writeCommit(hub.git.commit(parent).tree, [], 'start', nobody);
  const lift = (one: string): string =>
    hub.git.writeCommit(hub.git.commit(one).tree, [start], 'lifted', nobody);
  return [lift(tip), lift(sha)];
}

const person = (hub: Hub, account: Account): Person => ({
  name: account.name ?? account.login,
  email: `${account.id}+${account.login}@users.noreply.github.com`,
  date: instant(hub.now()),
});
const web = (hub: Hub): Person => ({ name: 'GitHub', email: 'noreply@github.com', date: instant(hub.now()) });

/** What the merge queue does: a group lands in one push, each pull request by the queue's own bot. */
export function throughQueue(hub: Hub, pulls: readonly Pull[], method: MergeMethod, bot: Account): void {
  const names = new Set(pulls.map(({ baseRef }) => baseRef));
  if (names.size !== 1) throw new Error(`one queue a branch, and this is ${fullName(hub.repository)}`);
  for (const pull of pulls) merge(hub, pull, method, bot);
}
