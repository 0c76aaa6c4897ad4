/** The client of GitHub's API against answers that GitHub would never give, and some that it does. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { openGitHub, type GitHub } from '../../src/github/api.ts';
import { apiAddress } from '../../src/github/api-address.ts';
import { type Environment, findAccess } from '../../src/github/access-token.ts';
import type { FetchLimits } from '../../src/github/guarded-fetch.ts';
import { PamError } from '../../src/model/error.ts';
import { codeOf } from '../support/error-code.ts';
import { tempDir } from './git-workbench.ts';
import { json, rawApi, REPOSITORY, withRepository, type RawApi, type Reply } from './raw-api.ts';

const TOKEN = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
const LIMITS: FetchLimits = { timeoutMs: 1500, maxBytes: 64 * 1024 };
const REVIEWS = 'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews';
const READING = { doing: 'read the reviews of pull request 7', needs: 'pull requests: read', most: 300 };

function client(
  api: Pick<RawApi, 'url'>,
  id?: number,
  env: Environment = { GH_ENTERPRISE_TOKEN: TOKEN },
  knownForMs?: number,
): GitHub {
  const where = { PATH: process.env['PATH'], GITHUB_API_URL: api.url, ...env };
  return openGitHub({ owner: 'acme', name: 'access', id }, where, LIMITS, knownForMs);
}

const readReviews = async (github: GitHub): Promise<readonly unknown[]> =>
  await github.askAll(REVIEWS, { pull_number: 7 }, READING);

async function failureOf(work: Promise<unknown>): Promise<PamError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** What a person would see of an error, all of it. */
const shown = (error: PamError): string => [error.message, error.hint, String(error.stack)].join('\n');

async function failureFor(reply: Reply): Promise<{ readonly error: PamError; readonly api: RawApi }> {
  const api = await rawApi(withRepository(reply));
  return { error: await failureOf(readReviews(client(api))), api };
}

describe('where the API is', () => {
  test('github.com unless the environment names an Enterprise server', () => {
    const github = {
      url: 'https://api.github.com',
      graph: 'https://api.github.com/graphql',
      host: 'github.com',
      loopback: false,
    };
    expect(apiAddress(undefined)).toEqual(github);
    expect(apiAddress('https://api.github.com/')).toEqual(github);
    expect(apiAddress('https://ghe.acme.example/api/v3/')).toEqual({
      url: 'https://ghe.acme.example/api/v3',
      graph: 'https://ghe.acme.example/api/graphql',
      host: 'ghe.acme.example',
      loopback: false,
    });
    expect(apiAddress('https://api.acme.ghe.com')).toEqual({
      url: 'https://api.acme.ghe.com',
      graph: 'https://api.acme.ghe.com/graphql',
      host: 'acme.ghe.com',
      loopback: false,
    });
    expect(apiAddress('https://127.acme.example').loopback).toBe(false);
    expect(apiAddress('http://127.0.0.1:1234')).toEqual({
      url: 'http://127.0.0.1:1234',
      graph: 'http://127.0.0.1:1234/graphql',
      host: '127.0.0.1',
      loopback: true,
    });
  });

  test.each([
    'http://ghe.acme.example/api/v3',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'https://user:pw@ghe.acme.example',
    'https://ghe.acme.example/api?to=evil',
    'https://ghe.acme.example/#x',
    'ghe.acme.example',
    'file:///etc/passwd',
  ])('no token is sent to %s', (given) => {
    expect(codeOf(() => apiAddress(given))).toBe('E_CONFIG_API');
  });
});

describe('[H12] answers that are none', () => {
  const cases: readonly (readonly [string, string, Reply])[] = [
    [
      'a page of HTML',
      'E_FORGE_SHAPE',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['no content type', 'E_FORGE_SHAPE', (response) => response.writeHead(200).end('[]')],
    [
      'a content type that only looks right',
      'E_FORGE_SHAPE',
      (response) => response.writeHead(200, { 'content-type': 'application/jsonx' }).end('[]'),
    ],
    [
      'JSON cut short',
      'E_FORGE_SHAPE',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('[{"id": 1'),
    ],
    ['an object for a list', 'E_FORGE_SHAPE', (response) => json(response, { errors: [null] })],
    ['null', 'E_FORGE_SHAPE', (response) => json(response, null)],
    [
      'brackets without end',
      'E_FORGE_SHAPE',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('['.repeat(50_000)),
    ],
    ['not modified', 'E_FORGE_SHAPE', (response) => response.writeHead(304).end()],
    ['nothing', 'E_FORGE_SHAPE', (response) => response.writeHead(204).end()],
    [
      'a bad gateway',
      'E_FORGE_NETWORK',
      (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>502'),
    ],
    ['a connection that ends', 'E_FORGE_NETWORK', (response) => response.destroy()],
    [
      'a body that ends early',
      'E_FORGE_NETWORK',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
        response.write('[');
        setTimeout(() => response.destroy(), 50);
      },
    ],
    [
      'an error whose text is no text',
      'E_FORGE_FORBIDDEN',
      (response) => json(response, { message: { a: 1 }, errors: 5 }, 403),
    ],
    [
      'an error with a huge number',
      'E_FORGE_SHAPE',
      (response) =>
        response
          .writeHead(422, { 'content-type': 'application/json' })
          .end('{"a": 123456789012345678901234567890}'),
    ],
    [
      'a token that is not taken',
      'E_FORGE_TOKEN',
      (response) => json(response, { message: 'Bad credentials' }, 401),
    ],
    ['what is not there', 'E_FORGE_NOT_FOUND', (response) => json(response, { message: 'Not Found' }, 404)],
  ];
  test.each(cases)('%s: %s', async (_what, code, reply) => {
    const { error } = await failureFor(reply);
    expect(error.code).toBe(code);
    expect(error.message).toContain('read the reviews of pull request 7');
  });

  test('a list with other things than objects is read by the readers above, not here', async () => {
    const api = await rawApi(withRepository((response) => json(response, [null, 5, 'x'])));
    expect(await readReviews(client(api))).toEqual([null, 5, 'x']);
  });

  test('a body that never ends in time', async () => {
    const { error } = await failureFor((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('[');
    });
    expect(error.code).toBe('E_FORGE_NETWORK');
  });

  test('[H15] more bytes than an answer may have: E_FORGE_LIMIT, and the rest is not read', async () => {
    let sent = 0;
    const { error } = await failureFor((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        if (response.destroyed) return;
        sent += 16_384;
        if (response.write(`"${'x'.repeat(16_382)}"`)) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    expect(error.code).toBe('E_FORGE_LIMIT');
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('[H12] redirects', () => {
  test('to another host: the token does not travel', async () => {
    const other = await rawApi((response) => json(response, []));
    const { error, api } = await failureFor((response) =>
      response.writeHead(302, { location: `${other.url.replace('127.0.0.1', 'localhost')}/x` }).end(),
    );
    expect(error.code).toBe('E_FORGE_REPO');
    expect(other.asked).toEqual([]);
    expect(api.asked.map(({ authorization }) => authorization)).toEqual(Array(2).fill(`token ${TOKEN}`));
  });

  test.each([301, 302, 303, 307, 308])(
    '[H13] %i, as for a repository that moved: not followed either',
    async (status) => {
      const api = await rawApi((response) =>
        response.writeHead(status, { location: '/repositories/4711' }).end(),
      );
      const error = await failureOf(readReviews(client(api)));
      expect(error.code).toBe('E_FORGE_REPO');
      expect(api.asked).toHaveLength(1);
    },
  );
});

describe('[H13] which repository it is', () => {
  const answers =
    (repository: unknown): Reply =>
    (response, { url }) => {
      json(response, url === '/repos/acme/access' ? repository : []);
    };
  test('the one that policy means, by number', async () => {
    const api = await rawApi(answers({ ...REPOSITORY, full_name: 'ACME/Access' }));
    expect(await readReviews(client(api, 4711))).toEqual([]);
  });
  test('another one under the old name', async () => {
    const api = await rawApi(answers(REPOSITORY));
    expect((await failureOf(readReviews(client(api, 4712)))).code).toBe('E_FORGE_REPO');
    expect(api.asked).toHaveLength(1);
  });
  test('one that says that it has another name', async () => {
    const api = await rawApi(answers({ id: 4711, full_name: 'acme/other' }));
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_REPO');
  });
  test('one without a number', async () => {
    const api = await rawApi(answers({ ...REPOSITORY, id: '4711' }));
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_SHAPE');
  });
  test('one whose name changes hands while somebody watches for days', async () => {
    let id = 4711;
    const api = await rawApi((response, { url }) => {
      json(response, url === '/repos/acme/access' ? { ...REPOSITORY, id } : []);
    });
    const knownForMs = 200;
    const github = client(api, 4711, undefined, knownForMs);
    expect(await readReviews(github.within(1000))).toEqual([]);
    id = 4712;
    await delay(2 * knownForMs);
    expect((await failureOf(readReviews(github.within(1000)))).code).toBe('E_FORGE_REPO');
  });
  test('it is looked at once for all that is asked within a minute', async () => {
    const asked: string[] = [];
    const api = await rawApi((response, { url }) => {
      asked.push(url);
      json(response, url === '/repos/acme/access' ? REPOSITORY : []);
    });
    const github = client(api);
    for (let piece = 0; piece < 3; piece += 1) await readReviews(github.within(1000));
    expect(asked.filter((url) => url === '/repos/acme/access')).toHaveLength(1);
  });
  test('a failed look is not remembered', async () => {
    const api = await rawApi((response, { url }, count) => {
      if (url === '/repos/acme/access' && count === 1) json(response, {}, 404);
      else answers(REPOSITORY)(response, { method: 'GET', url, authorization: '', body: '' }, count);
    });
    const github = client(api);
    expect((await failureOf(readReviews(github))).code).toBe('E_FORGE_NOT_FOUND');
    expect(await readReviews(github)).toEqual([]);
  });
});

describe('[H1] pages', () => {
  const items = (from: number, count: number): { id: number }[] =>
    Array.from({ length: count }, (_, at) => ({ id: from + at }));
  const page = (url: string): number => Number(new URL(url, 'http://x').searchParams.get('page'));
  const linked =
    (api: () => string, total: number): Reply =>
    (response, { url }) => {
      const at = page(url);
      const last = Math.ceil(total / 100);
      // GitHub's own links take another way to the same place, by the repository's number.
      const to = (name: string, number: number): string =>
        `<${api()}/repositories/4711/pulls/7/reviews?per_page=100&page=${number}>; rel="${name}"`;
      const link = at < last ? `${to('next', at + 1)}, ${to('last', last)}` : to('prev', at - 1);
      json(response, items((at - 1) * 100, Math.min(100, total - (at - 1) * 100)), 200, { link });
    };

  test.each([0, 1, 99, 100, 101, 250, 300])('%i items are all read', async (total) => {
    let url = '';
    const api = await rawApi(withRepository((...one) => linked(() => url, total)(...one)));
    ({ url } = api);
    expect(await readReviews(client(api))).toEqual(items(0, total));
  });

  test('[H15] more than may be read: E_FORGE_LIMIT', async () => {
    let url = '';
    const api = await rawApi(withRepository((...one) => linked(() => url, 301)(...one)));
    ({ url } = api);
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_LIMIT');
  });

  const bad: readonly (readonly [string, (url: string) => string])[] = [
    ['a next page that is this one', (url) => `<${url}/x?page=1>; rel="next"`],
    ['a next page far away', (url) => `<${url}/x?page=3>; rel="next"`],
    ['a next page on another host', () => '<http://evil.example/x?page=2>; rel="next"'],
    ['a next page without a number', (url) => `<${url}/x?after=abc>; rel="next"`],
    ['two next pages', (url) => `<${url}/x?page=2>; rel="next", <${url}/x?page=2>; rel="next"`],
    ['a last page and no next one', (url) => `<${url}/x?page=3>; rel="last"`],
    ['links that cannot be read', () => 'next=2'],
    ['an address that is none', () => '<::>; rel="next"'],
  ];
  test.each(bad)('%s: E_FORGE_PAGING', async (_what, link) => {
    let url = '';
    const api = await rawApi(
      withRepository((response) => {
        json(response, items(0, 3), 200, { link: link(url) });
      }),
    );
    ({ url } = api);
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_PAGING');
  });

  test('a next page that goes round for ever ends', async () => {
    const api = await rawApi(
      withRepository((response, asked) => {
        const host = `http://127.0.0.1:${response.socket?.localPort}`;
        json(response, items(0, 100), 200, { link: `<${host}/x?page=${page(asked.url) + 1}>; rel="next"` });
      }),
    );
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_LIMIT');
    expect(api.asked.length).toBeLessThan(8);
  });

  test('a full page that hides the next one', async () => {
    const api = await rawApi(
      withRepository((response, asked) =>
        json(response, page(asked.url) === 1 ? items(0, 100) : items(100, 1)),
      ),
    );
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_PAGING');
  });

  test('an empty page before the next one', async () => {
    const api = await rawApi(
      withRepository((response, asked) => {
        const host = `http://127.0.0.1:${response.socket?.localPort}`;
        json(response, [], 200, { link: `<${host}/x?page=${page(asked.url) + 1}>; rel="next"` });
      }),
    );
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_PAGING');
  });

  test('a page with more than was asked for', async () => {
    const api = await rawApi(withRepository((response) => json(response, items(0, 101))));
    expect((await failureOf(readReviews(client(api)))).code).toBe('E_FORGE_SHAPE');
  });
});

describe('[H12] limits and trouble', () => {
  test.each([
    [
      'a primary one',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4102444800' },
      'come back after 2100-01-01T00:00:00Z',
    ],
    ['a secondary one', 403, { 'retry-after': '3600' }, 'come back in 3600 s'],
    ['too many requests', 429, {}, 'come back in a few minutes'],
    [
      'one that says nonsense',
      429,
      { 'retry-after': 'soon\u00e9', 'x-ratelimit-reset': 'never' },
      'come back in a few minutes',
    ],
  ])(
    'a rate limit, %s, says when to come back and is not waited for',
    async (_what, status, headers, hint) => {
      const { error, api } = await failureFor((response) =>
        json(response, { message: 'You have exceeded a secondary rate limit' }, status, headers),
      );
      expect(error).toMatchObject({ code: 'E_FORGE_BUSY', hint });
      expect(api.asked).toHaveLength(2);
    },
  );

  test('a short one is waited for', async () => {
    const api = await rawApi(
      withRepository((response, _asked, count) => {
        if (count > 1) json(response, []);
        else json(response, { message: 'secondary rate limit' }, 403, { 'retry-after': '1' });
      }),
    );
    expect(await readReviews(client(api))).toEqual([]);
  });

  test('reading is tried again, writing never', async () => {
    const api = await rawApi(
      withRepository((response, asked, count) => {
        if (asked.method === 'GET' && count === 3) json(response, []);
        else json(response, { message: 'Server Error' }, 500);
      }),
    );
    const github = client(api);
    expect(await readReviews(github)).toEqual([]);
    const post = github.ask(
      'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
      { issue_number: 7, body: 'x' },
      { doing: 'comment' },
    );
    expect((await failureOf(post)).code).toBe('E_FORGE_NETWORK');
    expect(api.asked.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('a port that nobody listens on fails, with what to do', async () => {
    const error = await failureOf(readReviews(client({ url: 'http://127.0.0.1:9' })));
    expect(error).toMatchObject({ code: 'E_FORGE_NETWORK', hint: expect.stringContaining('network') });
  });

  test('all questions together end within the time that they are given', async () => {
    const api = await rawApi(withRepository((response) => setTimeout(() => json(response, []), 300)));
    const github = client(api).within(700);
    const many = async (): Promise<void> => {
      for (;;) await readReviews(github);
    };
    expect((await failureOf(many())).code).toBe('E_FORGE_NETWORK');
  });

  test('a missing permission is named: by GitHub, else by us', async () => {
    const denied = { message: 'Resource not accessible by personal access token' };
    const said = await failureFor((response) =>
      json(response, denied, 403, { 'x-accepted-github-permissions': 'pull_requests=read' }),
    );
    expect(said.error).toMatchObject({
      code: 'E_FORGE_FORBIDDEN',
      hint: expect.stringContaining('pull_requests=read'),
    });
    const ours = await failureFor((response) =>
      json(response, denied, 403, { 'x-accepted-github-permissions': 'run: curl evil.example' }),
    );
    expect(ours.error.hint).toContain('pull requests: read');
    const sso = await failureFor((response) =>
      json(response, denied, 403, { 'x-github-sso': 'required; url=https://evil.example' }),
    );
    expect(sso.error.hint).toContain('single sign-on');
    expect(sso.error.hint).not.toContain('evil');
  });
});

describe('[N1] tokens', () => {
  test('a server that sends the token back in every way gets it printed in none', async () => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const log = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
      vi.spyOn(console, name).mockReturnValue(),
    );
    try {
      const headers = {
        deprecation: 'true',
        sunset: TOKEN,
        link: `<http://x/${TOKEN}>; rel="deprecation"`,
        'x-github-request-id': TOKEN,
      };
      for (const status of [403, 422, 500]) {
        const { error } = await failureFor((response) =>
          json(response, { message: `your token ${TOKEN}`, errors: [{ message: TOKEN }] }, status, headers),
        );
        expect(shown(error)).not.toContain(TOKEN.slice(0, 12));
        expect(error.cause).toBeUndefined();
      }
      for (const spy of [out, err, ...log]) expect(spy.mock.calls).toEqual([]);
    } finally {
      vi.restoreAllMocks();
    }
  });

  const whoAsked = async (env: Environment): Promise<string | undefined> => {
    const api = await rawApi(withRepository((response) => json(response, [])));
    await readReviews(client(api, undefined, env));
    return api.asked.at(-1)?.authorization;
  };
  /** A `gh` of ours, first in PATH. */
  function fakeGh(script: string): Environment {
    const bin = tempDir();
    writeFileSync(join(bin, 'gh'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, 'gh'), 0o755);
    return { PATH: `${bin}:/usr/bin:/bin`, HOME: tempDir() };
  }

  test('the order is that of gh, for an Enterprise server', async () => {
    const gh = fakeGh('echo from-gh');
    // The double is no github.com.
    const both = { GH_ENTERPRISE_TOKEN: 'a', GITHUB_ENTERPRISE_TOKEN: 'b' };
    expect(await whoAsked({ ...gh, ...both })).toBe('token a');
    expect(await whoAsked({ ...gh, ...both, GH_ENTERPRISE_TOKEN: '' })).toBe('token b');
    expect(await whoAsked({ ...gh, GITHUB_ENTERPRISE_TOKEN: 'b\n' })).toBe('token b');
    expect(await whoAsked(gh)).toBe('token from-gh');
    const job = { GITHUB_ACTIONS: 'true', GITHUB_SERVER_URL: 'http://127.0.0.1' };
    expect(await whoAsked({ ...gh, ...job, GITHUB_TOKEN: 'c' })).toBe('token c');
    expect(await whoAsked({ ...gh, ...job, GITHUB_TOKEN: 'c', GH_ENTERPRISE_TOKEN: 'a' })).toBe('token a');
  });

  describe('[X120] no token reaches a server that it is not of', () => {
    const github = { GH_TOKEN: 'of-github-1', GITHUB_TOKEN: 'of-github-2' };
    const server = { GH_ENTERPRISE_TOKEN: 'of-server-1', GITHUB_ENTERPRISE_TOKEN: 'of-server-2' };
    const SERVER = 'https://ghe.acme.example/api/v3';
    const TENANT = 'https://api.acme.ghe.com';
    const on = (url: string | undefined): Environment => ({
      GITHUB_ACTIONS: 'true',
      ...(url === undefined ? {} : { GITHUB_SERVER_URL: url }),
    });
    test.each([
      ['github.com', undefined, { ...github, ...server }, 'of-github-1'],
      ['github.com, a job', undefined, { ...on('https://github.com'), GITHUB_TOKEN: 'job' }, 'job'],
      ['github.com, no job', undefined, { GITHUB_TOKEN: 'mine' }, 'mine'],
      [
        'github.com, a job of a server',
        undefined,
        { ...on('https://ghe.acme.example'), GITHUB_TOKEN: 'job' },
      ],
      ['github.com, a job of nowhere', undefined, { ...on(undefined), GITHUB_TOKEN: 'job' }],
      ['github.com, server tokens only', undefined, server],
      ['a tenant of ghe.com', TENANT, { ...github, ...server }, 'of-github-1'],
      ['a tenant, its job', TENANT, { ...on('https://acme.ghe.com'), GITHUB_TOKEN: 'job' }, 'job'],
      ["a tenant, another tenant's job", TENANT, { ...on('https://evil.ghe.com'), GITHUB_TOKEN: 'job' }],
      ['a server', SERVER, { ...github, ...server }, 'of-server-1'],
      ['a server, github tokens only', SERVER, github],
      ['a server, its job', SERVER, { ...on('https://ghe.acme.example'), GITHUB_TOKEN: 'job' }, 'job'],
      ['a server, a job of github.com', SERVER, { ...on('https://github.com'), GITHUB_TOKEN: 'job' }],
      ['a server, no job', SERVER, { GITHUB_SERVER_URL: 'https://ghe.acme.example', GITHUB_TOKEN: 'x' }],
      ['a server, a job of nowhere', SERVER, { ...on(undefined), GITHUB_TOKEN: 'job' }],
      ['a server, a job of junk', SERVER, { ...on('ghe.acme.example'), GITHUB_TOKEN: 'job' }],
      [
        'a server, a user name that looks like it',
        SERVER,
        { ...on('https://ghe.acme.example@evil.example'), GITHUB_TOKEN: 'job' },
      ],
      ['a name that ends like ghe.com', 'https://api.evilghe.com', github],
      ['a name that begins like it', 'https://acme.ghe.com.evil.example/api/v3', github],
      ['ghe.com itself', 'https://ghe.com/api/v3', github],
      ['a name that holds github.com', 'https://github.com.evil.example/api/v3', github],
    ] as const)('%s', async (_what, url, env: Environment, ...[token]: readonly string[]) => {
      const gh = fakeGh('exit 1');
      const found = findAccess(apiAddress(url), { ...gh, ...env });
      const said = await found.catch((error: unknown) => error);
      expect(said).toMatchObject(token === undefined ? { code: 'E_FORGE_TOKEN' } : { kind: 'token', token });
    });

    test('what gh holds for that host is taken instead', async () => {
      const gh = fakeGh('echo "$@" | tr " " _');
      expect(await findAccess(apiAddress(SERVER), { ...gh, ...github })).toEqual({
        kind: 'token',
        token: 'auth_token_--hostname_ghe.acme.example',
      });
    });
  });

  test('gh is asked for this host, and sees nothing else of the environment', async () => {
    const gh = fakeGh('echo "$@" | tr " " _; test -z "$SECRET" || echo leaked; test -z "$PAM_X" || exit 0');
    expect(await whoAsked({ ...gh, SECRET: 'x', PAM_X: 'y' })).toBe('token auth_token_--hostname_127.0.0.1');
  });

  test.each([
    ['no gh, no token', {}, 'E_FORGE_TOKEN'],
    ['a gh that is not logged in', fakeGh('echo no >&2; exit 1'), 'E_FORGE_TOKEN'],
    ['a gh that prints two lines', fakeGh('echo a; echo b'), 'E_FORGE_TOKEN'],
    ['a token that would be another header', { GH_ENTERPRISE_TOKEN: 'a\r\nx-evil: 1' }, 'E_FORGE_TOKEN'],
    ['an App without a key', { PAM_GITHUB_APP_ID: '1' }, 'E_USAGE'],
    ['a key that is not there', { PAM_GITHUB_APP_ID: '1', PAM_GITHUB_APP_KEY: '/nowhere' }, 'E_FORGE_TOKEN'],
    [
      'a key that is none',
      { PAM_GITHUB_APP_ID: '1', PAM_GITHUB_APP_KEY: import.meta.filename },
      'E_FORGE_TOKEN',
    ],
  ])('%s', async (_what, env: Environment, code) => {
    const api = await rawApi(withRepository((response) => json(response, [])));
    const error = await failureOf(readReviews(client(api, undefined, { PATH: tempDir(), ...env })));
    expect(error.code).toBe(code);
    expect(api.asked).toEqual([]);
  });

  describe('a GitHub App', () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const keyFile = join(tempDir(), 'app.pem');
    writeFileSync(keyFile, privateKey);
    const env = { PAM_GITHUB_APP_ID: '99', PAM_GITHUB_APP_KEY: keyFile, GH_ENTERPRISE_TOKEN: TOKEN };
    const app: Reply = (response, { url }) => {
      if (url === '/repos/acme/access/installation') json(response, { id: 12 });
      else if (url === '/app/installations/12/access_tokens') {
        json(
          response,
          { token: 'ghs_installation', expires_at: '2100-01-01T00:00:00Z', permissions: {} },
          201,
        );
      } else json(response, []);
    };

    test('acts with a token for this repository alone, and asks for it once', async () => {
      const api = await rawApi(withRepository(app));
      const github = client(api, undefined, env);
      await readReviews(github);
      await readReviews(github);
      const tokens = api.asked.filter(({ url }) => url.endsWith('/access_tokens'));
      expect(tokens.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ repositories: ['access'] }]);
      expect(tokens[0]?.authorization).toMatch(/^bearer ey/u);
      expect(api.asked.at(-1)?.authorization).toBe('token ghs_installation');
      expect(api.asked.some(({ authorization }) => authorization?.includes(TOKEN) === true)).toBe(false);
    });

    test('that is not installed there says so', async () => {
      const api = await rawApi((response) => json(response, { message: 'Not Found' }, 404));
      const error = await failureOf(readReviews(client(api, undefined, env)));
      expect(error).toMatchObject({
        code: 'E_FORGE_NOT_FOUND',
        message: expect.stringContaining('act as the GitHub App 99'),
      });
    });

    test('[H12] whose token would come from another host', async () => {
      const other = await rawApi((response) => json(response, { token: 'x' }, 201));
      const api = await rawApi((response, asked, count) => {
        if (asked.url.endsWith('/access_tokens')) response.writeHead(307, { location: other.url }).end();
        else app(response, asked, count);
      });
      expect((await failureOf(readReviews(client(api, undefined, env)))).code).toBe('E_FORGE_REPO');
      expect(other.asked).toEqual([]);
    });
  });
});
