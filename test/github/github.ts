/**
 * A double of GitHub's REST API over a real bare repository: the door for tests. See README.md for what it enforces.
 *
 *   const hub = await startGithub({ bare, owner: 'acme', repo: 'access', accounts: { alice: {}, bob: { role: 'read' } } });
 *   const octokit = new Octokit({ baseUrl: hub.url, auth: hub.token('alice') });
 *   ...
 *   await hub.close(); // fails when an answer or a body did not fit GitHub's description
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Account, Accounts, type AccountSetting } from './accounts.ts';
import { BareGit } from './bare-git.ts';
import { followPushes } from './follow-pushes.ts';
import type { HostileName } from './hostile.ts';
import type { App, Dispatch, Graph, Hub, MergeMethod, Pull, Repository, Run, Settings } from './hub.ts';
import { Limits } from './limits.ts';
import { merge, throughQueue } from './merges.ts';
import { operationNamed } from './routes.ts';
import { answerRequest, type Desk, type Recorded } from './server.ts';
import { digestOf, type Permissions, Tokens } from './tokens.ts';

export interface GithubOptions {
  readonly bare: string;
  readonly owner: string;
  readonly repo: string;
  /** Login to account; everybody has role `write` unless it says otherwise. */
  readonly accounts: Readonly<Record<string, AccountSetting>>;
  /** Default `true`: who may not read it gets 404. */
  readonly private?: boolean;
  readonly defaultBranch?: string;
  readonly repositoryId?: number;
  /** `/api/v3` for a double of GitHub Enterprise. */
  readonly prefix?: string;
  /** Seconds that its clock is ahead; `later` moves it on. */
  readonly ahead?: number;
  /** Its clock, instead of the machine's. */
  readonly now?: () => Date;
}

export interface HostileOptions {
  /** How many answers, default all; `500-then-ok` counts by itself. */
  readonly times?: number;
  /** What rate-limit answers say to wait; default 60. */
  readonly seconds?: number;
}

export interface AppSetting {
  readonly id: number;
  readonly slug: string;
  /** PEM. */
  readonly publicKey: string;
  readonly permissions: Permissions;
}

export interface RunSetting {
  readonly workflow: string;
  readonly event?: string;
  /** The default one without it. */
  readonly branch?: string;
  readonly status?: string;
  readonly conclusion?: string | null;
  readonly at?: Date;
}

export interface Github {
  /** What `GITHUB_API_URL` is set to. */
  readonly url: string;
  /** `owner/name`, as it is called now. */
  readonly name: () => string;
  readonly repositoryId: () => number;

  /** A personal token: classic, or with `permissions` a fine-grained one. */
  readonly token: (login: string, permissions?: Permissions) => string;
  /** What Actions gives a job as `GITHUB_TOKEN`. */
  readonly actionsToken: (permissions: Permissions) => string;
  readonly revokeToken: (token: string) => void;
  readonly addApp: (app: AppSetting) => { readonly installation: number };

  readonly id: (login: string) => number;
  readonly exists: (login: string) => boolean;
  readonly register: (login: string, setting?: AccountSetting) => number;
  readonly rename: (login: string, to: string) => void;
  readonly deleteAccount: (login: string) => void;
  readonly setRole: (login: string, role: Account['role']) => void;

  /** Merges whatever the rules say, as a click on the button by somebody who may (an admin, if nobody is named). Gives the commit on the base. */
  readonly merge: (number: number, method?: MergeMethod, by?: string) => string;
  /** The merge queue: several in a row, by its bot. */
  readonly mergeQueue: (numbers: readonly number[], method?: MergeMethod) => void;
  /** A fork of the repository at another bare repository, owned by `login`. */
  readonly fork: (login: string, bare: string) => void;
  readonly allowMethods: (methods: Partial<Record<MergeMethod, boolean>>) => void;
  /** The old name redirects from now on. */
  readonly renameRepository: (name: string) => void;
  /** Another repository at the same name: a new number, no pull requests. */
  readonly replaceRepository: () => number;

  /** Changed in place, or through `set`; read anew for every answer. */
  readonly settings: Settings;
  readonly set: (settings: Partial<Settings>) => void;
  readonly addRun: (run: RunSetting) => void;
  /** Every run, oldest first. */
  readonly runs: readonly Run[];
  readonly endRun: (id: number, conclusion: string) => void;
  readonly dispatches: readonly Dispatch[];

  /** From now on this operation (`*`: every one) is answered so. */
  readonly hostile: (operation: string, name: HostileName, options?: HostileOptions) => void;
  readonly honest: () => void;
  /** Requests an hour and account, instead of GitHub's own numbers. */
  readonly limit: (requests: number) => void;
  /** How often GraphQL was asked, how often it may be, and what becomes of a pull request in its answers. */
  readonly graph: Graph;
  /** Some workflow of the repository asked until nothing was left of this hour. */
  readonly useUpActions: () => void;
  /** So many comments by `login`, all at once. */
  readonly flood: (number: number, login: string, comments: number) => void;
  /** Moves the double's clock. */
  readonly later: (seconds: number) => void;

  /** What it was asked. */
  readonly requests: readonly Recorded[];
  /** What the other host was asked, to which hostile answers lead. */
  readonly elsewhere: { readonly url: string; readonly requests: readonly Recorded[] };
  readonly digestOf: (token: string) => string;
  /** What did not fit GitHub's description so far; taken, it no longer fails `close`. */
  readonly takeFaults: () => readonly string[];
  readonly close: () => Promise<void>;
}

const DEFAULTS = (): Settings => ({
  actions: { enabled: true, allowed_actions: 'all', sha_pinning_required: false },
  workflow: { default_workflow_permissions: 'read', can_approve_pull_request_reviews: false },
  // As of a repository made before 15 July 2026 (github/docs#45221).
  subject: { use_default: true, use_immutable_subject: false },
  selectedActions: { github_owned_allowed: true, verified_allowed: false, patterns_allowed: [] },
  variables: {},
  environments: [],
  rulesets: [],
  protections: {},
  workflowStates: {},
});

export async function startGithub(options: GithubOptions): Promise<Github> {
  let ahead = options.ahead ?? 0;
  const clock = options.now ?? ((): Date => new Date());
  const now = (): Date => new Date(clock().getTime() + ahead * 1000);
  const prefix = options.prefix ?? '';
  let id = 90_000;
  const accounts = new Accounts(now, options.accounts);
  const owner =
    accounts.byLogin(options.owner) ??
    accounts.register(options.owner, { type: 'Organization', role: 'admin', member: false });
  const queueBot = accounts.register('github-merge-queue[bot]', {
    id: 118_344_674,
    type: 'Bot',
    member: false,
  });
  const repository: Repository = {
    id: options.repositoryId ?? 500_001,
    owner,
    name: options.repo,
    private: options.private ?? true,
    defaultBranch: options.defaultBranch ?? 'main',
    formerNames: new Set(),
    createdAt: now(),
    methods: { merge: true, squash: true, rebase: true },
  };
  const settings = DEFAULTS();
  const limits = new Limits(now, accounts.actions);
  const requests: Recorded[] = [];
  const elsewhereRequests: Recorded[] = [];
  const faults: string[] = [];

  const elsewhereServer = await listen((request, response) => {
    const bearer = /^\S+ +(\S+)$/u.exec(request.headers.authorization ?? '')?.[1];
    elsewhereRequests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      operation: undefined,
      authorization: bearer === undefined ? undefined : digestOf(bearer),
      userAgent: request.headers['user-agent'],
      accept: request.headers.accept,
      status: 200,
    });
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' });
    response.end('[]');
  });
  // The listener needs the address of itself, which is known once it listens.
  let desk: Desk | undefined;
  const server = await listen((request, response) => {
    if (desk === undefined) return;
    answerRequest(desk, request, response).catch((error: unknown) => {
      faults.push(`the double broke: ${String(error)}`);
      response.destroy();
    });
  });
  const url = `${addressOf(server)}${prefix}`;
  // Another name than the double's own: another host for whoever compares.
  const elsewhere = addressOf(elsewhereServer).replace('127.0.0.1', 'localhost');
  const hub: Hub = {
    url,
    web: 'https://github.com',
    git: new BareGit(options.bare),
    accounts,
    tokens: new Tokens(now),
    limits,
    graph: { asked: 0, limit: 1000, spoil: undefined },
    repository,
    forks: [],
    pulls: [],
    reviews: [],
    comments: [],
    dismissals: [],
    runs: [],
    apps: [],
    dispatches: [],
    settings,
    now,
    nextId: () => (id += 7),
  };
  desk = { hub, requests, hostiles: [], faults, elsewhere, prefix };
  const { hostiles } = desk;
  const pullNumbered = (number: number): Pull => {
    followPushes(hub);
    const found = hub.pulls.find((one) => one.number === number);
    if (found === undefined) throw new Error(`there is no pull request ${number}`);
    return found;
  };
  const nameNow = (): string => `${repository.owner.login}/${repository.name}`;

  return {
    url,
    name: nameNow,
    repositoryId: () => repository.id,
    token: (login, permissions) =>
      hub.tokens.issue({
        account: accounts.named(login),
        kind: 'personal',
        permissions: permissions ?? 'all',
        expiresAt: undefined,
      }),
    actionsToken: (permissions) =>
      hub.tokens.issue({
        account: accounts.actions,
        kind: 'installation',
        permissions,
        expiresAt: undefined,
      }),
    revokeToken: (token) => {
      hub.tokens.revoke(token);
    },
    addApp: (app) => {
      const bot = accounts.register(`${app.slug}[bot]`, { type: 'Bot', role: 'write', member: false });
      const made: App = { ...app, installation: 30_000 + app.id, bot };
      hub.apps.push(made);
      return { installation: made.installation };
    },
    id: (login) => accounts.named(login).id,
    exists: (login) => accounts.byLogin(login) !== undefined,
    register: (login, setting) => accounts.register(login, setting).id,
    rename: (login, to) => {
      accounts.rename(login, to);
    },
    deleteAccount: (login) => {
      accounts.delete(login);
    },
    setRole: (login, role) => {
      accounts.named(login).role = role;
    },
    merge: (number, method = 'merge', by = somebodyWhoMay(options)) =>
      merge(hub, pullNumbered(number), method, accounts.named(by)),
    mergeQueue: (numbers, method = 'merge') => {
      throughQueue(hub, numbers.map(pullNumbered), method, queueBot);
    },
    fork: (login, bare) => {
      hub.forks.push({ id: hub.nextId(), owner: accounts.named(login), git: new BareGit(bare) });
    },
    allowMethods: (methods) => {
      Object.assign(repository.methods, methods);
    },
    renameRepository: (name) => {
      repository.formerNames.add(nameNow().toLowerCase());
      repository.name = name;
    },
    replaceRepository: () => {
      repository.id += 1000;
      for (const list of [hub.pulls, hub.reviews, hub.comments, hub.dismissals, hub.runs]) list.length = 0;
      return repository.id;
    },
    settings,
    set: (changed) => {
      Object.assign(settings, changed);
    },
    addRun: (run) => {
      hub.runs.push(runOf(hub, run));
    },
    runs: hub.runs,
    endRun: (which, conclusion) => {
      const run = hub.runs.find((one) => one.id === which);
      if (run === undefined) throw new Error(`there is no run ${which}`);
      run.status = 'completed';
      run.conclusion = conclusion;
    },
    dispatches: hub.dispatches,
    hostile: (operation, name, { times = Infinity, seconds = 60 } = {}) => {
      hostiles.push({ operation: operationNamed(operation), name, times, seconds, played: 0 });
    },
    honest: () => {
      hostiles.length = 0;
    },
    limit: (most) => {
      limits.limit = most;
    },
    graph: hub.graph,
    useUpActions: () => {
      limits.useUp(accounts.actions);
    },
    flood: (number, login, comments) => {
      const pull = pullNumbered(number);
      const author = accounts.named(login);
      for (let left = comments; left > 0; left -= 1) {
        const at = now();
        hub.comments.push({ id: hub.nextId(), pull, author, body: 'x', createdAt: at, updatedAt: at });
      }
    },
    later: (seconds) => {
      ahead += seconds;
    },
    requests,
    elsewhere: { url: elsewhere, requests: elsewhereRequests },
    digestOf,
    takeFaults: () => faults.splice(0),
    close: async () => {
      await Promise.all([shut(server), shut(elsewhereServer)]);
      if (faults.length > 0) throw new Error(`not as GitHub describes it:\n${faults.join('\n')}`);
    },
  };
}

/** An admin if there is one. */
function somebodyWhoMay({ accounts }: GithubOptions): string {
  const roles = Object.entries(accounts).map(([login, { role = 'write' }]) => [login, role] as const);
  const found = roles.find(([, role]) => role === 'admin') ?? roles.find(([, role]) => role === 'write');
  if (found === undefined) throw new Error('nobody here may merge');
  return found[0];
}

function runOf(hub: Hub, run: RunSetting): Run {
  const branch = hub.repository.defaultBranch;
  const sha = hub.git.heads().get(branch);
  if (sha === undefined) throw new Error(`there is no ${branch}`);
  const { workflow, event = 'schedule', status = 'completed', conclusion = 'success', at = hub.now() } = run;
  const on = run.branch ?? branch;
  return {
    id: hub.nextId(),
    workflow,
    event,
    branch: on,
    status,
    conclusion,
    at,
    by: hub.accounts.actions,
    sha,
    attempt: 1,
    inputs: {},
  };
}

async function listen(listener: RequestListener): Promise<Server> {
  // Tests and their double may be one process, and a busy one: an idle connection is the client's to close.
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
