/** Opening, listing, changing pull requests; who shall review them. */
import { type Account, atLeast, type Role } from './accounts.ts';
import {
  type Answer,
  type Asked,
  callerOf,
  created,
  invalid,
  type Listing,
  listing,
  ok,
  Refusal,
  textIn,
} from './answers.ts';
import { pullOf } from './find-pull.ts';
import { keepHead } from './follow-pushes.ts';
import { type Fork, fullName, type Hub, type Pull } from './hub.ts';
import { commitsOf, filesOf, startOf } from './pull-git.ts';
import { showCommit, showFile, showUser } from './shapes.ts';
import { showPull, showWholePull } from './show-pull.ts';

const roleOf = (asked: Asked): Role => asked.token?.account.role ?? 'none';
const custom = (message: string): Refusal => invalid({ resource: 'PullRequest', code: 'custom', message });
const field = (name: string, code: string = 'invalid'): Refusal =>
  invalid({ resource: 'PullRequest', field: name, code });

export function createPull(hub: Hub, asked: Asked): Answer {
  const author = callerOf(asked);
  if (author === hub.accounts.actions && !hub.settings.workflow.can_approve_pull_request_reviews) {
    throw new Refusal(403, 'GitHub Actions is not permitted to create or approve pull requests.');
  }
  const title = textIn(asked, 'title');
  if (title === undefined || title.trim() === '') throw field('title', 'missing_field');
  const baseRef = textIn(asked, 'base') ?? '';
  const { fork, ref } = headOf(hub, textIn(asked, 'head') ?? '');
  const heads = hub.git.heads();
  const base = heads.get(baseRef);
  if (base === undefined) throw field('base');
  const head = (fork === undefined ? heads : fork.git.heads()).get(ref);
  if (head === undefined) throw field('head');
  const same = hub.pulls.find(
    (one) => one.state === 'open' && one.fork === fork && one.headRef === ref && one.baseRef === baseRef,
  );
  const owner = fork?.owner ?? hub.repository.owner;
  if (same !== undefined) throw custom(`A pull request already exists for ${owner.login}:${ref}.`);
  const pull: Pull = {
    id: hub.nextId(),
    number: hub.pulls.length + 1,
    author,
    title,
    body: textIn(asked, 'body') ?? null,
    draft: asked.body['draft'] === true,
    fork,
    headRef: ref,
    baseRef,
    headSha: head,
    baseSha: base,
    shownBase: base,
    state: 'open',
    merged: undefined,
    closedAt: undefined,
    createdAt: hub.now(),
    updatedAt: hub.now(),
    labels: new Set(),
    requested: new Set(),
  };
  keepHead(hub, pull, head);
  if (hub.git.mergeBase(base, head) === undefined) {
    throw custom(`The ${ref} branch has no history in common with ${baseRef}`);
  }
  if (hub.git.isAncestor(head, base)) throw custom(`No commits between ${baseRef} and ${ref}`);
  hub.pulls.push(pull);
  return created(showWholePull(hub, pull, author.role));
}

/** `branch`, `owner:branch`, or `fork owner:branch`. */
function headOf(hub: Hub, text: string): { readonly fork: Fork | undefined; readonly ref: string } {
  const colon = text.indexOf(':');
  if (colon < 0) return { fork: undefined, ref: text };
  const login = text.slice(0, colon).toLowerCase();
  const ref = text.slice(colon + 1);
  if (login === hub.repository.owner.login.toLowerCase()) return { fork: undefined, ref };
  const fork = hub.forks.find(({ owner }) => owner.login.toLowerCase() === login);
  if (fork === undefined) throw field('head');
  return { fork, ref };
}

export const getPull = (hub: Hub, asked: Asked): Answer =>
  ok(showWholePull(hub, pullOf(hub, asked), roleOf(asked)));

export function listPulls(hub: Hub, asked: Asked): Listing {
  const { query } = asked;
  const state = query.get('state') ?? 'open';
  const base = query.get('base');
  const head = query.get('head');
  const sort = query.get('sort') ?? 'created';
  const up = (query.get('direction') ?? (sort === 'created' ? 'desc' : 'asc')) === 'asc';
  const found = hub.pulls
    .filter((one) => state === 'all' || one.state === state)
    .filter((one) => base === null || one.baseRef === base)
    // GitHub overlooks a head without its owner.
    .filter((one) => head === null || !head.includes(':') || labelOf(hub, one) === head)
    .sort((a, b) => (sort === 'updated' ? order(a.updatedAt, b.updatedAt) : 0) || a.number - b.number);
  return listing(up ? found : found.reverse(), (one) => showPull(hub, one, roleOf(asked)));
}

const order = (a: Date, b: Date): number => a.getTime() - b.getTime();
const labelOf = (hub: Hub, pull: Pull): string =>
  `${(pull.fork?.owner ?? hub.repository.owner).login}:${pull.headRef}`;

export function updatePull(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked);
  const by = callerOf(asked);
  if (by !== pull.author && !atLeast(by.role, 'write')) {
    throw new Refusal(403, 'Must have write access or be the author of the pull request.');
  }
  const state = textIn(asked, 'state');
  if (state === 'open' && pull.state === 'closed') reopen(hub, pull);
  const base = textIn(asked, 'base');
  if (base !== undefined && base !== pull.baseRef) {
    if (pull.state === 'closed') throw custom('Cannot change the base branch of a closed pull request.');
    const at = hub.git.heads().get(base);
    if (at === undefined) throw field('base');
    pull.baseRef = base;
    pull.baseSha = at;
    pull.shownBase = at;
  }
  pull.title = textIn(asked, 'title') ?? pull.title;
  pull.body = textIn(asked, 'body') ?? pull.body;
  if (state === 'closed' && pull.state === 'open') {
    pull.state = 'closed';
    pull.closedAt = hub.now();
  }
  pull.updatedAt = hub.now();
  return ok(showWholePull(hub, pull, by.role));
}

function reopen(hub: Hub, pull: Pull): void {
  const heads = pull.fork === undefined ? hub.git.heads() : pull.fork.git.heads();
  const head = heads.get(pull.headRef);
  if (pull.merged !== undefined)
    throw custom('state cannot be changed. The pull request cannot be reopened.');
  if (head === undefined) {
    throw custom(`state cannot be changed. The ${pull.headRef} branch has been deleted.`);
  }
  if (head !== pull.headSha && !hub.git.isAncestor(pull.headSha, head)) {
    throw custom(`state cannot be changed. The ${pull.headRef} branch was force-pushed or recreated.`);
  }
  pull.state = 'open';
  pull.closedAt = undefined;
}

export function listFiles(hub: Hub, asked: Asked): Listing {
  const pull = pullOf(hub, asked);
  const from = startOf(hub, pull);
  const { headSha } = pull;
  // GitHub stops at 3000 files and says nothing.
  return listing(filesOf(hub, pull).slice(0, 3000), (one) => showFile(hub, one, from, headSha));
}

export const listCommits = (hub: Hub, asked: Asked): Listing =>
  // GitHub stops at 250 commits and says nothing.
  listing(commitsOf(hub, pullOf(hub, asked)).slice(0, 250), (one) => showCommit(hub, one));

export const listRequested = (hub: Hub, asked: Asked): Answer =>
  ok({ users: [...pullOf(hub, asked).requested].map((one) => showUser(hub, one)), teams: [] });

export function requestReviewers(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked);
  const by = callerOf(asked);
  if (!atLeast(by.role, 'triage')) throw new Refusal(403, 'Must have triage access to request reviews.');
  const wanted: unknown = asked.body['reviewers'];
  const logins = Array.isArray(wanted) ? wanted.map(String) : [];
  const teams: unknown = asked.body['team_reviewers'];
  const accounts = logins.map((login) => hub.accounts.byLogin(login));
  if (accounts.includes(pull.author)) {
    throw new Refusal(422, 'Review cannot be requested from pull request author.');
  }
  const known = accounts.filter((one): one is Account => one !== undefined && atLeast(one.role, 'read'));
  if (known.length < logins.length || (Array.isArray(teams) && teams.length > 0)) {
    throw new Refusal(
      422,
      `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${fullName(hub.repository)} repository.`,
    );
  }
  for (const one of known) pull.requested.add(one);
  pull.updatedAt = hub.now();
  return created(showPull(hub, pull, by.role));
}
