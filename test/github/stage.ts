/** What the tests of the double stand on: a bare repository, a clone that pushes to it, the double, and plain `fetch`. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { commit, git, head, newRepository, tempDir } from '../adapters/git-workbench.ts';
import { type Github, type GithubOptions, startGithub } from './github.ts';
import type { Permissions } from './tokens.ts';

export interface Said {
  readonly status: number;
  readonly headers: Headers;
  /** `undefined` without a body. */
  readonly body: unknown;
}

export interface Stage {
  readonly hub: Github;
  readonly bare: string;
  readonly clone: string;
  /** Commits `files` on top of main and pushes them as `branch`; gives the head. */
  readonly push: (branch: string, files: Readonly<Record<string, string>>, from?: string) => string;
  /** The head of a branch of the bare repository. */
  readonly tip: (branch: string) => string;
  /** Asks as somebody (`null`: nobody); a path without a slash in front is of the repository. */
  readonly ask: (
    login: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Said>;
  readonly askWith: (
    token: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Said>;
  /** Pushes a branch and opens a pull request of it as `login`; gives its number. */
  readonly open: (login: string, branch: string) => Promise<number>;
  readonly fine: (login: string, permissions: Permissions) => string;
}

/** Made once a file: the clone's remote is a path beside it, so both can be copied. */
let template: string | undefined;
function templateOf(): string {
  if (template !== undefined) return template;
  template = tempDir();
  const bare = join(template, 'access.git');
  const clone = join(template, 'clone');
  git(template, 'clone', '-q', '--bare', newRepository(), bare);
  git(template, 'clone', '-q', bare, clone);
  git(clone, 'remote', 'set-url', 'origin', '../access.git');
  return template;
}

const open: Github[] = [];
afterEach(async () => {
  // Fails a test whose answers were not as GitHub describes them.
  for (const hub of open.splice(0)) await hub.close();
});

export async function stage(options: Partial<GithubOptions> = {}): Promise<Stage> {
  const place = join(tempDir(), 'stage');
  cpSync(templateOf(), place, { recursive: true });
  const bare = join(place, 'access.git');
  const clone = join(place, 'clone');
  const accounts = {
    alice: { id: 1001, name: 'Alice Ng' },
    bob: { id: 1002 },
    carol: { id: 1003, role: 'admin' },
    rita: { id: 1004, role: 'read' },
    mallory: { id: 1666, role: 'none', member: false },
  } as const;
  const hub = await startGithub({ bare, owner: 'acme', repo: 'access', accounts, ...options });
  open.push(hub);
  const tokens = new Map<string, string>();
  const tokenOf = (login: string): string => {
    const token = tokens.get(login) ?? hub.token(login);
    tokens.set(login, token);
    return token;
  };
  const askWith: Stage['askWith'] = async (token, method, path, body, headers = {}) => {
    const url = path.startsWith('/') ? `${hub.url}${path}` : `${hub.url}/repos/acme/access/${path}`;
    const response = await fetch(path.startsWith('http') ? path : url, {
      method,
      redirect: 'manual',
      headers: {
        'User-Agent': 'test',
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? (JSON.parse(text) as unknown) : undefined,
    };
  };
  const push: Stage['push'] = (branch, files, from = 'origin/main') => {
    git(clone, 'fetch', '-q', 'origin');
    git(clone, 'checkout', '-q', '--detach', from);
    commit(clone, files, `change ${branch}`);
    git(clone, 'push', '-q', 'origin', `+HEAD:refs/heads/${branch}`);
    return head(clone);
  };
  const ask: Stage['ask'] = async (login, ...rest) =>
    await askWith(login === null ? null : tokenOf(login), ...rest);
  return {
    hub,
    bare,
    clone,
    push,
    tip: (branch) => git(bare, 'rev-parse', `refs/heads/${branch}`),
    ask,
    askWith,
    open: async (login, branch) => {
      push(branch, { [`requests/${branch}.yaml`]: `id: ${branch}\n` });
      const said = await ask(login, 'POST', 'pulls', {
        title: `Ask for ${branch}`,
        head: branch,
        base: 'main',
      });
      if (said.status !== 201) throw new Error(`not opened: ${JSON.stringify(said.body)}`);
      return (said.body as { readonly number: number }).number;
    },
    fine: (login, permissions) => hub.token(login, permissions),
  };
}
