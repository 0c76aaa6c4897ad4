/** The repository, its branches and commits, and which pull requests brought a commit. */
import type { Role } from './accounts.ts';
import {
  type Answer,
  type Asked,
  invalid,
  type Listing,
  listing,
  notFound,
  ok,
  parameter,
  Refusal,
} from './answers.ts';
import { fullName, type Hub, type Pull } from './hub.ts';
import { holdsCommit } from './pull-git.ts';
import { showCommit, showFile, showFullRepository } from './shapes.ts';
import { showPull } from './show-pull.ts';

const roleOf = (asked: Asked): Role => asked.token?.account.role ?? 'none';

export const getRepository = (hub: Hub, asked: Asked): Answer => ok(showFullRepository(hub, roleOf(asked)));

export function getBranch(hub: Hub, asked: Asked): Answer {
  const name = parameter(asked, 'branch');
  const sha = hub.git.heads().get(name);
  if (sha === undefined) throw new Refusal(404, 'Branch not found');
  const self = `${hub.url}/repos/${fullName(hub.repository)}/branches/${name}`;
  const isProtected = Object.hasOwn(hub.settings.protections, name);
  return ok({
    name,
    commit: showCommit(hub, hub.git.commit(sha)),
    _links: { self, html: `${hub.web}/${fullName(hub.repository)}/tree/${name}` },
    protected: isProtected,
    protection: { enabled: isProtected },
    protection_url: `${self}/protection`,
  });
}

/** A branch name or a whole commit id. */
function commitAt(hub: Hub, text: string): string {
  const found = hub.git.heads().get(text) ?? hub.git.commitId(text);
  if (found === undefined) throw new Refusal(422, `No commit found for SHA: ${text}`);
  return found;
}

export const getCommit = (hub: Hub, asked: Asked): Answer =>
  ok(showCommit(hub, hub.git.commit(commitAt(hub, parameter(asked, 'ref')))));

/** From a branch or commit back, only those that change `path` where one is given. */
export function listCommits(hub: Hub, asked: Asked): Listing {
  const from = commitAt(hub, asked.query.get('sha') ?? hub.repository.defaultBranch);
  const path = asked.query.get('path') ?? '';
  const found = hub.git
    .commits(from)
    .toReversed()
    .filter(({ sha, parents: [parent] }) => {
      if (path === '') return true;
      const before = parent === undefined ? undefined : hub.git.read(parent, path);
      return hub.git.read(sha, path) !== before;
    });
  return listing(found, (one) => showCommit(hub, one));
}

/**
 * Of a commit of the default branch: the merged pull request that brought it. Of any other: every one that holds it.
 */
export function pullsOfCommit(hub: Hub, asked: Asked): Listing {
  const sha = commitAt(hub, parameter(asked, 'commit_sha'));
  const main = hub.git.heads().get(hub.repository.defaultBranch);
  const landed = main !== undefined && hub.git.isAncestor(sha, main);
  const brought = ({ merged }: Pull): boolean =>
    merged !== undefined && hub.git.commitIds(`${merged.from}..${merged.sha}`).includes(sha);
  const found = hub.pulls.filter((one) =>
    landed ? brought(one) : (one.state === 'open' || one.merged !== undefined) && holdsCommit(hub, one, sha),
  );
  return listing(found, (one) => showPull(hub, one, roleOf(asked)));
}

export function compare(hub: Hub, asked: Asked): Answer {
  const find = (name: string): string => {
    const text = parameter(asked, name);
    const found = hub.git.heads().get(text) ?? hub.git.commitId(text);
    if (found === undefined) throw notFound();
    return found;
  };
  const base = find('base');
  const head = find('head');
  const start = hub.git.mergeBase(base, head);
  if (start === undefined) throw invalid({ resource: 'Comparison', code: 'no_common_ancestor' });
  const ahead = hub.git.commits(`${base}..${head}`);
  const behind = hub.git.commitIds(`${head}..${base}`).length;
  const name = `${parameter(asked, 'base')}...${parameter(asked, 'head')}`;
  const web = `${hub.web}/${fullName(hub.repository)}/compare/${encodeURI(name)}`;
  return ok({
    url: `${hub.url}/repos/${fullName(hub.repository)}/compare/${encodeURI(name)}`,
    html_url: web,
    permalink_url: web,
    diff_url: `${web}.diff`,
    patch_url: `${web}.patch`,
    base_commit: showCommit(hub, hub.git.commit(base)),
    merge_base_commit: showCommit(hub, hub.git.commit(start)),
    status: statusOf(ahead.length, behind),
    ahead_by: ahead.length,
    behind_by: behind,
    total_commits: ahead.length,
    commits: ahead.map((one) => showCommit(hub, one)),
    files: hub.git.files(start, head).map((one) => showFile(hub, one, start, head)),
  });
}

function statusOf(ahead: number, behind: number): string {
  if (ahead > 0) return behind > 0 ? 'diverged' : 'ahead';
  return behind > 0 ? 'behind' : 'identical';
}
