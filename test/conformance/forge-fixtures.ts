/** Forges to try the suite on: plain Git, the double of GitHub, and `emulate`, a GitHub that nobody here wrote. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import type { ForgePlace } from '../../src/forges/forge-kind.ts';
import { kindOf } from '../../src/forges/registry.ts';
import { openRepository } from '../../src/git/repository.ts';
import type { Forge } from '../../src/model/forge.ts';
import type { RequestId } from '../../src/model/names.ts';
import type { ForgeConfig } from '../../src/model/policy.ts';
import { commit, env, git, head, instant, newRepository, withRemote } from '../adapters/git-workbench.ts';
import { type Emulated, startEmulate } from '../github/emulate.ts';
import { type Github, startGithub } from '../github/github.ts';
import type { ForgeFixture, Somebody } from './forge.ts';

const closing: (() => void | Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.splice(0)) await close();
});

/** As `context.ts` opens one. */
export async function openForge(
  forge: ForgeConfig,
  clone: string,
  more: Pick<ForgePlace, 'env'> & Partial<ForgePlace>,
): Promise<Forge> {
  const repository = await openRepository(clone, env);
  const { remote } = forge;
  return await kindOf(forge).open({
    config: { forge, main: 'main', ledger: 'pam-ledger' },
    repository,
    ...(remote === undefined ? {} : { remote: { name: remote, remote: await repository.remote(remote) } }),
    offline: false,
    now: () => instant('2026-11-22T18:00:00Z'),
    chance: () => 0,
    note: () => undefined,
    door: async (work) => await work(),
    once: (_, make) => make(),
    ...more,
  });
}

/** Pushes `files` on top of main as `pam/<id>`. */
function pushByHand(clone: string, id: RequestId, files: Readonly<Record<string, string>>): void {
  git(clone, 'checkout', '-q', '--detach', 'origin/main');
  commit(clone, files, `request ${id}`);
  git(clone, 'push', '-q', 'origin', `HEAD:refs/heads/pam/${id}`);
}

export async function plainGitFixture(): Promise<ForgeFixture> {
  const { bare, clone } = withRemote();
  const hand = clone();
  const fixture: ForgeFixture = {
    kind: 'git',
    forge: async () => await openForge({ kind: 'git', remote: 'origin' }, clone(), { env }),
    byHand: async (id, files) => {
      pushByHand(hand, id, files);
      await Promise.resolve();
    },
    head: (id) => head(bare, `refs/heads/pam/${id}`),
    account: () => null,
    comments: null,
  };
  return await Promise.resolve(fixture);
}

/** A clone that is alone: everybody works in it. */
export async function loneCloneFixture(): Promise<ForgeFixture> {
  const dir = newRepository();
  const fixture: ForgeFixture = {
    kind: 'git',
    forge: async () => await openForge({ kind: 'git' }, dir, { env }),
    byHand: async (id, files) => {
      git(dir, 'checkout', '-q', '--detach', 'main');
      commit(dir, files, `request ${id}`);
      git(dir, 'branch', `pam/${id}`);
      git(dir, 'checkout', '-q', 'main');
      await Promise.resolve();
    },
    head: (id) => head(dir, `refs/heads/pam/${id}`),
    account: () => null,
    comments: null,
  };
  return await Promise.resolve(fixture);
}

interface Api {
  readonly url: string;
  readonly token: (login: Somebody) => string;
}

function githubFixture({ url, token }: Api, bare: string, clone: () => string): ForgeFixture {
  const ask = async (who: Somebody, method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'User-Agent': 'test', Authorization: `Bearer ${token(who)}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  };
  const hand = clone();
  const forge = { kind: 'github', repository: 'acme/access', remote: 'origin' };
  return {
    kind: 'github',
    forge: async (who) =>
      await openForge(forge, clone(), {
        env: { ...env, GITHUB_API_URL: url, GH_ENTERPRISE_TOKEN: token(who) },
      }),
    byHand: async (id, files) => {
      pushByHand(hand, id, files);
      await ask('bob', 'POST', '/repos/acme/access/pulls', { title: 'x', head: `pam/${id}`, base: 'main' });
    },
    head: (id) => head(bare, `refs/heads/pam/${id}`),
    account: async (who) => ((await ask(who, 'GET', '/user')) as { readonly id: number }).id,
    comments: async (place) => {
      const number = /\/pull\/(\d+)$/u.exec(place)?.[1] ?? '';
      const said = await ask('bob', 'GET', `/repos/acme/access/issues/${number}/comments?per_page=100`);
      return (said as readonly { readonly body: string }[]).map(({ body }) => body);
    },
  };
}

export async function doubleFixture(): Promise<ForgeFixture> {
  const { bare, clone } = withRemote();
  const accounts = { alice: { id: 1001 }, bob: { id: 1002 } };
  const hub: Github = await startGithub({ bare, owner: 'acme', repo: 'access', accounts });
  closing.push(async () => await hub.close());
  const tokens = { alice: hub.token('alice'), bob: hub.token('bob') };
  return githubFixture({ url: hub.url, token: (login) => tokens[login] }, bare, clone);
}

/**
 * `emulate` has no Git behind it. In front of it stands a server that gives it each branch before its pull request is
 * opened, and our bare repository the ref of the head after that; everything else goes through as it is.
 */
export async function emulateFixture(): Promise<ForgeFixture> {
  const { bare, clone } = withRemote();
  const emulate = await startEmulate();
  closing.push(() => emulate.close());
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
      const body = Buffer.concat(chunks).toString('utf8');
      const { method = 'GET', url = '', headers } = request;
      const opens = method === 'POST' && url === '/repos/acme/access/pulls';
      const branch = opens ? (JSON.parse(body) as { readonly head: string }).head : '';
      if (opens) await makeBranch(emulate, branch);
      const answer = await fetch(`${emulate.url}${url}`, {
        method,
        headers: {
          'user-agent': 'test',
          'content-type': 'application/json',
          authorization: headers.authorization ?? '',
        },
        ...(body === '' ? {} : { body }),
      });
      const text = await answer.text();
      if (opens && answer.ok) {
        const { number } = JSON.parse(text) as { readonly number: number };
        git(bare, 'update-ref', `refs/pull/${number}/head`, `refs/heads/${branch}`);
      }
      const type = answer.headers.get('content-type') ?? 'application/json';
      response.writeHead(answer.status, { 'content-type': type });
      response.end(text);
    })();
  });
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return githubFixture({ url, token: emulate.token }, bare, clone);
}

async function makeBranch(emulate: Emulated, branch: string): Promise<void> {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${emulate.url}/repos/acme/access/${path}`, {
      method,
      headers: { 'User-Agent': 'test', Authorization: `Bearer ${emulate.token('bob')}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await answer.json();
  };
  const main = (await call('GET', 'git/ref/heads/main')) as { readonly object: { readonly sha: string } };
  await call('POST', 'git/refs', { ref: `refs/heads/${branch}`, sha: main.object.sha });
  const path = branch.replaceAll('/', '-');
  await call('PUT', `contents/${path}.txt`, { message: branch, branch, content: 'YQo=' });
}
