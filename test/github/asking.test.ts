/** Who may ask, how lists are cut, what a second question costs, and that nothing undescribed gets through. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { cutPage } from './pages.ts';
import { faultsOfAnswer, faultsOfBody } from './openapi.ts';
import { stage, type Stage } from './stage.ts';

describe('a token', () => {
  test('that nobody gave is 401; a private repository is 404 for who may not read it', async () => {
    const on = await stage();
    expect((await on.askWith('nonsense', 'GET', 'pulls')).body).toMatchObject({ message: 'Bad credentials' });
    expect((await on.ask(null, 'GET', 'pulls')).status).toBe(404);
    expect((await on.ask('mallory', 'GET', '/repos/acme/access')).status).toBe(404);
    expect((await on.ask('rita', 'GET', 'pulls')).status).toBe(200);
    expect((await on.ask('rita', 'GET', '/repos/acme/other')).status).toBe(404);
  });

  test('is over when it is revoked or its account is gone', async () => {
    const on = await stage();
    const token = on.hub.token('alice');
    const other = on.hub.token('bob');
    expect((await on.askWith(token, 'GET', '/user')).status).toBe(200);
    on.hub.revokeToken(token);
    on.hub.deleteAccount('bob');
    expect((await on.askWith(token, 'GET', '/user')).status).toBe(401);
    expect((await on.askWith(other, 'GET', '/user')).status).toBe(401);
  });

  test('of Actions has no /user', async () => {
    const on = await stage();
    const token = on.hub.actionsToken({ contents: 'read' });
    expect((await on.askWith(token, 'GET', '/user')).status).toBe(403);
    expect((await on.askWith(token, 'GET', '/repos/acme/access')).status).toBe(200);
    const said = await on.askWith(token, 'GET', 'pulls');
    expect(said.body).toMatchObject({ message: 'Resource not accessible by integration' });
  });

  test('is recorded by digest, never as it is', async () => {
    const on = await stage();
    const token = on.hub.token('alice');
    await on.askWith(token, 'GET', 'pulls?state=all');
    await on.ask(null, 'GET', '/users/alice');
    expect(on.hub.requests).toMatchObject([
      {
        method: 'GET',
        path: '/repos/acme/access/pulls?state=all',
        operation: 'pulls/list',
        authorization: on.hub.digestOf(token),
        status: 200,
      },
      { operation: 'users/get-by-username', authorization: undefined },
    ]);
    expect(JSON.stringify(on.hub.requests)).not.toContain(token);
  });
});

describe('an App', () => {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const now = (): number => Math.floor(Date.now() / 1000);
  const jwt = (claims: object, key: string = keys.privateKey): string => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ alg: 'RS256' })}.${part({ iss: '7', iat: now() - 30, exp: now() + 300, ...claims })}`;
    return `${text}.${createSign('sha256').update(text).sign(key, 'base64url')}`;
  };
  const withApp = async (): Promise<Stage & { readonly path: string }> => {
    const on = await stage();
    const { installation } = on.hub.addApp({
      id: 7,
      slug: 'pam',
      publicKey: keys.publicKey,
      permissions: { contents: 'read', pull_requests: 'write' },
    });
    return { ...on, path: `/app/installations/${installation}/access_tokens` };
  };

  test('gets a token for an hour, with its bot behind it', async () => {
    const on = await withApp();
    await on.open('alice', 'one');
    const said = await on.askWith(jwt({}), 'POST', on.path);
    const { token } = said.body as { readonly token: string };
    const review = await on.askWith(token, 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    expect(review.body).toMatchObject({ user: { login: 'pam[bot]', type: 'Bot' } });
    on.hub.later(3601);
    expect((await on.askWith(token, 'GET', 'pulls')).status).toBe(401);
  });

  test('never gets more than it has', async () => {
    const on = await withApp();
    const ask = async (permissions: object): Promise<number> =>
      (await on.askWith(jwt({}), 'POST', on.path, { permissions })).status;
    expect(await ask({ contents: 'write' })).toBe(422);
    expect(await ask({ issues: 'read' })).toBe(422);
    expect(await ask({ pull_requests: 'read' })).toBe(201);
  });

  test.each([
    [
      'another key',
      () =>
        jwt(
          {},
          generateKeyPairSync('rsa', { modulusLength: 2048 })
            .privateKey.export({ type: 'pkcs8', format: 'pem' })
            .toString(),
        ),
    ],
    ['another App', () => jwt({ iss: 8 })],
    ['an end that has passed', () => jwt({ exp: now() - 1 })],
    ['an end too far away', () => jwt({ exp: now() + 3600 })],
    ['no beginning', () => jwt({ iat: 'now' })],
    ['no signature', () => `${jwt({}).split('.').slice(0, 2).join('.')}.`],
  ])('%s is 401', async (_, make) => {
    const on = await withApp();
    expect((await on.askWith(make(), 'POST', on.path)).status).toBe(401);
    expect((await on.askWith(make(), 'GET', 'installation')).status).toBe(401);
  });
});

describe('pages', () => {
  const comments = async (on: Stage, count: number): Promise<void> => {
    await on.open('alice', 'one');
    for (let at = 1; at <= count; at += 1) {
      await on.ask('alice', 'POST', 'issues/1/comments', { body: `${at}` });
    }
  };
  const walk = async (on: Stage, first: string): Promise<readonly (readonly string[])[]> => {
    const pages: string[][] = [];
    for (let at: string | undefined = first; at !== undefined; ) {
      const said = await on.ask('alice', 'GET', at);
      pages.push((said.body as { readonly body: string }[]).map(({ body }) => body));
      const next: string | undefined = /<([^>]+)>; rel="next"/u.exec(said.headers.get('link') ?? '')?.[1];
      at = next?.slice(on.hub.url.length);
    }
    return pages;
  };

  test('are 30 long, in order, each linked by the number of the repository', async () => {
    const on = await stage();
    await comments(on, 31);
    const pages = await walk(on, 'issues/1/comments');
    expect(pages.map((page) => page.length)).toEqual([30, 1]);
    expect(pages.flat()).toEqual(Array.from({ length: 31 }, (_, at) => `${at + 1}`));
    const said = await on.ask('alice', 'GET', 'issues/1/comments?per_page=10&page=2');
    const link = (page: number, rel: string): string =>
      `<${on.hub.url}/repositories/${on.hub.repositoryId()}/issues/1/comments?per_page=10&page=${page}>; rel="${rel}"`;
    expect(said.headers.get('link')).toBe(
      [link(1, 'prev'), link(3, 'next'), link(4, 'last'), link(1, 'first')].join(', '),
    );
  });

  test('have no link when there is one, and nothing beyond the last', async () => {
    const on = await stage();
    await comments(on, 2);
    expect((await on.ask('alice', 'GET', 'issues/1/comments')).headers.get('link')).toBeNull();
    expect((await on.ask('alice', 'GET', 'issues/1/comments?page=9')).body).toEqual([]);
  });

  test.each([
    ['', 30],
    ['per_page=100', 100],
    ['per_page=101', 100],
    ['per_page=0', 30],
    ['per_page=many', 30],
    ['per_page=7', 7],
  ])('%j is %i long', (query, length) => {
    const items = Array.from({ length: 500 }, (_, at) => at);
    const self = new URL('http://localhost/x');
    const { body } = cutPage({ items, show: (one: number) => one }, new URLSearchParams(query), self);
    expect(body).toHaveLength(length);
  });
});

describe('a second question', () => {
  test('with the ETag is 304 and costs nothing, until something changes', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const first = await on.ask('alice', 'GET', 'pulls/1/reviews');
    const etag = first.headers.get('etag') ?? '';
    const left = Number(first.headers.get('x-ratelimit-remaining'));
    const again = await on.ask('alice', 'GET', 'pulls/1/reviews', undefined, { 'If-None-Match': etag });
    expect([again.status, again.body]).toEqual([304, undefined]);
    expect(Number(again.headers.get('x-ratelimit-remaining'))).toBe(left);
    await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    const changed = await on.ask('alice', 'GET', 'pulls/1/reviews', undefined, { 'If-None-Match': etag });
    expect(changed.status).toBe(200);
    expect(changed.body).toHaveLength(1);
  });

  test('has an ETag of its own for every token, so a later job has no use for it', async () => {
    const on = await stage();
    const job = (): string => on.hub.actionsToken({ pull_requests: 'read' });
    const token = job();
    const etag = (await on.askWith(token, 'GET', 'pulls')).headers.get('etag') ?? '';
    const again = async (by: string): Promise<number> =>
      (await on.askWith(by, 'GET', 'pulls', undefined, { 'If-None-Match': etag })).status;
    expect([await again(token), await again(job())]).toEqual([304, 200]);
  });
});

describe('limits', () => {
  test('are an account’s and an hour’s; asking what is left is free', async () => {
    const on = await stage();
    on.hub.limit(2);
    await on.ask('alice', 'GET', '/user');
    expect((await on.ask('alice', 'GET', '/user')).headers.get('x-ratelimit-remaining')).toBe('0');
    const refused = await on.ask('alice', 'GET', '/user');
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ message: expect.stringContaining('rate limit exceeded') as string });
    expect((await on.ask('alice', 'GET', '/rate_limit')).body).toMatchObject({
      rate: { remaining: 0, used: 2 },
    });
    expect((await on.ask('bob', 'GET', '/user')).status).toBe(200);
    on.hub.later(3600);
    expect((await on.ask('alice', 'GET', '/user')).status).toBe(200);
  });

  test('of all jobs of the repository are one: 1,000 an hour, where a person has 5,000', async () => {
    const on = await stage();
    const limitOf = async (token: string): Promise<readonly (string | null)[]> => {
      const { headers } = await on.askWith(token, 'GET', 'pulls');
      return [headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')];
    };
    const job = (): string => on.hub.actionsToken({ pull_requests: 'read' });
    expect(await limitOf(job())).toEqual(['1000', '999']);
    expect(await limitOf(job())).toEqual(['1000', '998']);
    expect(await limitOf(on.hub.token('alice'))).toEqual(['5000', '4999']);
  });

  test('of manners: no User-Agent, no JSON, no object', async () => {
    const on = await stage();
    const { hub } = on;
    const token = hub.token('alice');
    const raw = async (headers: Record<string, string>, body?: string): Promise<number> => {
      const { request } = await import('node:http');
      return await new Promise((resolve, reject) => {
        const url = `${hub.url}/repos/acme/access/pulls`;
        const method = body === undefined ? 'GET' : 'POST';
        const sent = request(
          url,
          { method, headers: { Authorization: `token ${token}`, ...headers } },
          (said) => {
            said.resume();
            resolve(said.statusCode ?? 0);
          },
        );
        sent.on('error', reject);
        sent.end(body);
      });
    };
    expect(await raw({})).toBe(403);
    expect(await raw({ 'User-Agent': 'x' })).toBe(200);
    expect(await raw({ 'User-Agent': 'x' }, '{"title"')).toBe(400);
    expect(await raw({ 'User-Agent': 'x' }, '"title"')).toBe(400);
  });

  test('headers that GitHub always gives', async () => {
    const on = await stage();
    on.hub.later(86_400);
    const { headers } = await on.ask('alice', 'GET', '/user');
    expect(headers.get('x-github-request-id')).toMatch(/^[0-9A-F:]{20,}$/u);
    expect(Date.parse(headers.get('date') ?? '') - Date.now()).toBeGreaterThan(86_000_000);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  });
});

describe('a repository', () => {
  test('that was renamed leads from its old name to its number', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    on.hub.renameRepository('access-requests');
    const said = await on.ask('alice', 'GET', 'pulls/1/reviews?page=1');
    expect(said.status).toBe(301);
    const location = said.headers.get('location') ?? '';
    expect(location).toBe(`${on.hub.url}/repositories/${on.hub.repositoryId()}/pulls/1/reviews?page=1`);
    expect((await on.ask('alice', 'GET', location.slice(on.hub.url.length))).status).toBe(200);
    expect((await on.ask('alice', 'PATCH', 'pulls/1', { title: 'x' })).status).toBe(307);
    expect((await on.ask('mallory', 'GET', 'pulls/1')).status).toBe(404);
    expect((await on.ask('alice', 'GET', '/repos/acme/access-requests/pulls/1')).status).toBe(200);
  });

  test('at the name of another has another number, and nothing of it', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const before = on.hub.repositoryId();
    on.hub.replaceRepository();
    expect((await on.ask('alice', 'GET', '/repos/acme/access')).body).not.toMatchObject({ id: before });
    expect((await on.ask('alice', 'GET', 'pulls/1')).status).toBe(404);
  });

  test('of GitHub Enterprise has a prefix, in links too', async () => {
    const on = await stage({ prefix: '/api/v3' });
    await on.open('alice', 'one');
    await on.open('alice', 'two');
    const said = await on.ask('alice', 'GET', 'pulls?per_page=1');
    expect(said.headers.get('link')).toContain('/api/v3/repositories/');
    expect(said.body).toMatchObject([{ url: `${on.hub.url}/repos/acme/access/pulls/2` }]);
  });
});

describe('accounts', () => {
  test('are numbers; logins come and go, and have no case', async () => {
    const on = await stage();
    expect((await on.ask('bob', 'GET', '/users/ALICE')).body).toMatchObject({ login: 'alice', id: 1001 });
    on.hub.rename('alice', 'alice-ng');
    expect((await on.ask('bob', 'GET', '/users/alice')).status).toBe(404);
    expect((await on.ask('bob', 'GET', '/user/1001')).body).toMatchObject({ login: 'alice-ng' });
    const thief = on.hub.register('alice');
    expect((await on.ask('bob', 'GET', '/users/alice')).body).toMatchObject({ id: thief });
    on.hub.deleteAccount('alice-ng');
    expect((await on.ask('bob', 'GET', '/user/1001')).status).toBe(404);
  });
});

describe('the description', () => {
  test('an answer with a field missing, of another type, or of a status that GitHub has not, is caught', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'APPROVE' });
    const { body } = await on.ask('bob', 'GET', 'pulls/1/reviews');
    expect(faultsOfAnswer('pulls/list-reviews', 200, body)).toEqual([]);
    const [review] = body as Record<string, unknown>[];
    for (const key of ['id', 'state', 'user', 'commit_id', 'author_association', '_links']) {
      const rest = Object.fromEntries(Object.entries(review ?? {}).filter(([name]) => name !== key));
      expect(faultsOfAnswer('pulls/list-reviews', 200, [rest]).join()).toContain(key);
    }
    expect(faultsOfAnswer('pulls/list-reviews', 200, [{ ...review, id: '7' }])).not.toEqual([]);
    expect(faultsOfAnswer('pulls/list-reviews', 201, body)).not.toEqual([]);
    expect(faultsOfAnswer('pulls/merge', 405, { message: 7 })).not.toEqual([]);
    expect(faultsOfAnswer('repos/create-dispatch-event', 204, {})).not.toEqual([]);
  });

  test('of the deepest schema too: a pull request whose base repository lacks its owner', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const { body } = await on.ask('bob', 'GET', 'pulls/1');
    const pull = structuredClone(body) as { readonly base: { readonly repo: Record<string, unknown> } };
    expect(faultsOfAnswer('pulls/get', 200, pull)).toEqual([]);
    delete pull.base.repo['owner'];
    expect(faultsOfAnswer('pulls/get', 200, pull).join()).toContain(
      "/base/repo must have required property 'owner'",
    );
  });

  test('a body that GitHub does not describe is loud: 500, and close fails', async () => {
    const on = await stage();
    await on.open('alice', 'one');
    const said = await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'approve' });
    expect(said.status).toBe(500);
    expect((await on.ask('bob', 'PUT', 'pulls/1/merge', { merge_method: 'octopus' })).status).toBe(500);
    expect((await on.ask('bob', 'POST', 'issues/1/comments')).status).toBe(500);
    expect(on.hub.takeFaults()).toHaveLength(3);
    await on.ask('bob', 'POST', 'issues/1/comments', { body: 7 });
    await expect(on.hub.close()).rejects.toThrow('body of issues/create-comment');
    on.hub.takeFaults();
    expect(faultsOfBody('pulls/get', {})).not.toEqual([]);
  });
});
