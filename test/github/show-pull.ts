/** A pull request as GitHub writes it down, short (in lists) and whole. */
import type { Role } from './accounts.ts';
import { associationOf } from './association.ts';
import { fullName, type Hub, instant, instantOrNull, nodeId, type Pull } from './hub.ts';
import { commitsOf, filesOf, testMerge } from './pull-git.ts';
import { showLabel, showRepository, showUser } from './shapes.ts';

export function showPull(hub: Hub, pull: Pull, caller: Role): Record<string, unknown> {
  return shortPull(hub, pull, caller, mergeCommit(hub, pull));
}

export function showWholePull(hub: Hub, pull: Pull, caller: Role): Record<string, unknown> {
  const merge = mergeCommit(hub, pull);
  const files = filesOf(hub, pull);
  const open = pull.state === 'open';
  const { merged } = pull;
  return {
    ...shortPull(hub, pull, caller, merge),
    merged: merged !== undefined,
    mergeable: open ? merge !== undefined : null,
    rebaseable: open ? merge !== undefined : null,
    mergeable_state: open ? (merge === undefined ? 'dirty' : pull.draft ? 'draft' : 'clean') : 'unknown',
    merged_by: merged?.by === undefined ? null : showUser(hub, hub.accounts.shown(merged.by)),
    comments: hub.comments.filter((one) => one.pull === pull).length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: commitsOf(hub, pull).length,
    additions: files.reduce((sum, one) => sum + one.additions, 0),
    deletions: files.reduce((sum, one) => sum + one.deletions, 0),
    changed_files: files.length,
  };
}

/** While it is open this is a trial, not the merge: whoever takes it for one is wrong on GitHub too. */
function mergeCommit(hub: Hub, pull: Pull): string | undefined {
  if (pull.merged !== undefined) return pull.merged.sha;
  return pull.state === 'open' ? testMerge(hub, pull) : undefined;
}

function shortPull(hub: Hub, pull: Pull, caller: Role, merge: string | undefined): Record<string, unknown> {
  const { number, fork, merged } = pull;
  const api = `${hub.url}/repos/${fullName(hub.repository)}`;
  const web = `${hub.web}/${fullName(hub.repository)}/pull/${number}`;
  const self = `${api}/pulls/${number}`;
  const issue = `${api}/issues/${number}`;
  const statuses = `${api}/statuses/${pull.headSha}`;
  const owner = hub.repository.owner;
  const headOwner = fork?.owner ?? owner;
  return {
    url: self,
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    html_url: web,
    diff_url: `${web}.diff`,
    patch_url: `${web}.patch`,
    issue_url: issue,
    commits_url: `${self}/commits`,
    review_comments_url: `${self}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${issue}/comments`,
    statuses_url: statuses,
    number,
    state: pull.state,
    locked: false,
    active_lock_reason: null,
    title: pull.title,
    user: showUser(hub, hub.accounts.shown(pull.author)),
    body: pull.body,
    labels: [...pull.labels].map((name) => showLabel(hub, name)),
    milestone: null,
    created_at: instant(pull.createdAt),
    updated_at: instant(pull.updatedAt),
    closed_at: instantOrNull(pull.closedAt),
    merged_at: instantOrNull(merged?.at),
    merge_commit_sha: merge ?? null,
    assignee: null,
    assignees: [],
    requested_reviewers: [...pull.requested].filter((one) => !one.deleted).map((one) => showUser(hub, one)),
    requested_teams: [],
    head: {
      label: `${headOwner.login}:${pull.headRef}`,
      ref: pull.headRef,
      sha: pull.headSha,
      user: showUser(hub, headOwner),
      repo: showRepository(hub, caller, fork),
    },
    base: {
      label: `${owner.login}:${pull.baseRef}`,
      ref: pull.baseRef,
      sha: pull.shownBase,
      user: showUser(hub, owner),
      repo: showRepository(hub, caller),
    },
    _links: {
      self: { href: self },
      html: { href: web },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${self}/comments` },
      review_comment: { href: `${api}/pulls/comments{/number}` },
      commits: { href: `${self}/commits` },
      statuses: { href: statuses },
    },
    author_association: associationOf(hub, pull.author),
    auto_merge: null,
    draft: pull.draft,
  };
}
