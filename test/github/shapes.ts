/** Accounts, repositories and commits as GitHub writes them down. */
import { type Account, atLeast, type Role } from './accounts.ts';
import type { ChangedFile, Commit } from './bare-git.ts';
import { fullName, type Fork, type Hub, instant, nodeId } from './hub.ts';

export function showUser(hub: Hub, account: Account): Record<string, unknown> {
  const api = `${hub.url}/users/${encodeURIComponent(account.login)}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId('U', account.id),
    avatar_url: `${hub.web}/avatars/u/${account.id}`,
    gravatar_id: '',
    url: api,
    html_url: `${hub.web}/${encodeURIComponent(account.login)}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type: account.type,
    user_view_type: 'public',
    site_admin: false,
  };
}

export function showProfile(hub: Hub, account: Account): Record<string, unknown> {
  const nothing = ['company', 'location', 'email', 'hireable', 'bio'].map((key) => [key, null] as const);
  return {
    ...showUser(hub, account),
    ...Object.fromEntries(nothing),
    name: account.name,
    blog: '',
    twitter_username: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: instant(account.createdAt),
    updated_at: instant(account.createdAt),
  };
}

const TEMPLATES: Readonly<Record<string, string>> = {
  archive: '/{archive_format}{/ref}',
  assignees: '{/user}',
  branches: '{/branch}',
  collaborators: '{/collaborator}',
  comments: '{/number}',
  commits: '{/sha}',
  compare: '/{base}...{head}',
  contents: '/{+path}',
  issues: '{/number}',
  keys: '{/key_id}',
  labels: '{/name}',
  milestones: '{/number}',
  notifications: '{?since,all,participating}',
  pulls: '{/number}',
  releases: '{/id}',
  statuses: '/{sha}',
};
const PLAIN = 'contributors deployments downloads events forks hooks languages merges stargazers subscribers';
const ODD: Readonly<Record<string, string>> = {
  blobs_url: '/git/blobs{/sha}',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  trees_url: '/git/trees{/sha}',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
};

export function showRepository(hub: Hub, caller: Role, fork?: Fork): Record<string, unknown> {
  const { repository } = hub;
  const owner = fork?.owner ?? repository.owner;
  const name = fork === undefined ? fullName(repository) : `${owner.login}/${repository.name}`;
  const api = `${hub.url}/repos/${name}`;
  const web = `${hub.web}/${name}`;
  const open = hub.pulls.filter(({ state }) => state === 'open').length;
  const at = instant(repository.createdAt);
  return {
    id: fork?.id ?? repository.id,
    node_id: nodeId('R', fork?.id ?? repository.id),
    name: repository.name,
    full_name: name,
    private: repository.private,
    owner: showUser(hub, owner),
    html_url: web,
    description: null,
    fork: fork !== undefined,
    url: api,
    ...Object.fromEntries(
      Object.entries(TEMPLATES).map(([key, rest]) => [
        `${key}_url`,
        `${api}/${key === 'archive' ? '' : key}${rest}`.replace('//', key === 'archive' ? '/' : '//'),
      ]),
    ),
    ...Object.fromEntries(PLAIN.split(' ').map((key) => [`${key}_url`, `${api}/${key}`])),
    ...Object.fromEntries(Object.entries(ODD).map(([key, rest]) => [key, `${api}${rest}`])),
    git_url: `git://${new URL(hub.web).host}/${name}.git`,
    ssh_url: `git@${new URL(hub.web).host}:${name}.git`,
    clone_url: `${web}.git`,
    svn_url: web,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    forks_count: hub.forks.length,
    stargazers_count: 0,
    watchers_count: 0,
    size: 0,
    default_branch: repository.defaultBranch,
    open_issues_count: open,
    forks: hub.forks.length,
    open_issues: open,
    watchers: 0,
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    is_template: false,
    allow_forking: true,
    topics: [],
    archived: false,
    disabled: false,
    visibility: repository.private ? 'private' : 'public',
    pushed_at: at,
    created_at: at,
    updated_at: at,
    permissions: {
      admin: atLeast(caller, 'admin'),
      maintain: atLeast(caller, 'maintain'),
      push: atLeast(caller, 'write'),
      triage: atLeast(caller, 'triage'),
      pull: atLeast(caller, 'read'),
    },
  };
}

export function showFullRepository(hub: Hub, caller: Role): Record<string, unknown> {
  const { merge, squash, rebase } = hub.repository.methods;
  return {
    ...showRepository(hub, caller),
    subscribers_count: 0,
    network_count: hub.forks.length,
    allow_merge_commit: merge,
    allow_squash_merge: squash,
    allow_rebase_merge: rebase,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
  };
}

export function showCommit(hub: Hub, commit: Commit): Record<string, unknown> {
  const api = `${hub.url}/repos/${fullName(hub.repository)}`;
  const web = `${hub.web}/${fullName(hub.repository)}`;
  const { sha, author, committer, message, tree } = commit;
  return {
    sha,
    node_id: nodeId('C', sha),
    commit: {
      author,
      committer,
      message,
      tree: { sha: tree, url: `${api}/git/trees/${tree}` },
      url: `${api}/git/commits/${sha}`,
      comment_count: 0,
      verification: {
        verified: false,
        reason: 'unsigned',
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
    url: `${api}/commits/${sha}`,
    html_url: `${web}/commit/${sha}`,
    comments_url: `${api}/commits/${sha}/comments`,
    // An e-mail address of no account: nothing in Git proves who pushed.
    author: null,
    committer: null,
    parents: commit.parents.map((one) => ({
      sha: one,
      url: `${api}/commits/${one}`,
      html_url: `${web}/commit/${one}`,
    })),
  };
}

export function showFile(hub: Hub, file: ChangedFile, from: string, to: string): Record<string, unknown> {
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const web = `${hub.web}/${fullName(hub.repository)}`;
  const patch = hub.git.patch(from, to, file.path);
  return {
    sha: file.blob,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${web}/blob/${to}/${path}`,
    raw_url: `${web}/raw/${to}/${path}`,
    contents_url: `${hub.url}/repos/${fullName(hub.repository)}/contents/${path}?ref=${to}`,
    ...(patch === undefined ? {} : { patch }),
    ...(file.before === undefined ? {} : { previous_filename: file.before }),
  };
}

export function showLabel(hub: Hub, name: string): Record<string, unknown> {
  const id = [...name].reduce((sum, one) => (sum * 31 + (one.codePointAt(0) ?? 0)) % 1_000_000_007, 7);
  return {
    id,
    node_id: nodeId('LA', id),
    url: `${hub.url}/repos/${fullName(hub.repository)}/labels/${encodeURIComponent(name)}`,
    name,
    description: '',
    color: 'ededed',
    default: false,
  };
}
