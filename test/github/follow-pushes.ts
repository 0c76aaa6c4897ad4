/**
 * Pushes go straight to the bare repository, so before every answer the pull requests catch up with it: a head that
 * moved, a branch that went, a merge that somebody pushed by hand. `refs/pull/<n>/head` keeps what branches lose.
 */
import type { Hub, Pull } from './hub.ts';
import { dismiss } from './reviews.ts';

export function followPushes(hub: Hub): void {
  const open = hub.pulls.filter(({ state }) => state === 'open');
  if (open.length === 0) return;
  const heads = hub.git.heads();
  const forks = new Map(hub.forks.map((fork) => [fork, fork.git.heads()]));
  for (const pull of open) {
    const theirs = pull.fork === undefined ? heads : forks.get(pull.fork);
    follow(hub, pull, theirs?.get(pull.headRef), heads.get(pull.baseRef));
  }
}

function follow(hub: Hub, pull: Pull, head: string | undefined, base: string | undefined): void {
  if (base === undefined) {
    close(hub, pull);
    return;
  }
  const moved = head !== undefined && head !== pull.headSha;
  if (moved) {
    keepHead(hub, pull, head);
    pull.shownBase = base;
    pull.updatedAt = hub.now();
    dismissStale(hub, pull);
  }
  const before = pull.baseSha;
  if ((moved || base !== before) && hub.git.isAncestor(pull.headSha, base)) {
    // A head that was put back behind its base has nothing to merge; one that the base took in is merged.
    if (moved && hub.git.isAncestor(pull.headSha, before)) close(hub, pull);
    else takeAsMerged(hub, pull, base, before);
    return;
  }
  pull.baseSha = base;
  if (head === undefined) close(hub, pull);
}

export function keepHead(hub: Hub, pull: Pull, head: string): void {
  if (pull.fork !== undefined) {
    hub.git.run(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', pull.fork.git.dir, head]);
  }
  pull.headSha = head;
  hub.git.moveRef(`refs/pull/${pull.number}/head`, head);
}

function close(hub: Hub, pull: Pull): void {
  pull.state = 'closed';
  pull.closedAt = hub.now();
  pull.updatedAt = hub.now();
}

function takeAsMerged(hub: Hub, pull: Pull, base: string, before: string): void {
  const after = hub.git.commitIds('--first-parent', '--ancestry-path', `${pull.headSha}..${base}`);
  const sha = after.at(-1) ?? pull.headSha;
  // Fast-forwarded, the head itself is the newest commit that it brought.
  const parents = hub.git.commit(sha).parents;
  const byMerge = parents.length > 1;
  close(hub, pull);
  pull.baseSha = before;
  pull.merged = {
    sha: byMerge ? sha : pull.headSha,
    from: byMerge ? (parents[0] ?? before) : (hub.git.mergeBase(before, pull.headSha) ?? before),
    at: hub.now(),
    by: undefined,
  };
}

/** Only where a rule of the base branch says so. */
function dismissStale(hub: Hub, pull: Pull): void {
  const wanted = hub.settings.rulesets.some(
    ({ rules, enforcement }) =>
      enforcement !== 'disabled' &&
      rules.some(({ parameters }) => parameters?.['dismiss_stale_reviews_on_push'] === true),
  );
  if (!wanted) return;
  for (const review of hub.reviews) {
    if (review.pull !== pull || review.state !== 'APPROVED') continue;
    // A push by file path has no account.
    dismiss(hub, review, hub.accounts.ghost, '');
  }
}
