/** Every hostile answer is what its name says, and nothing else about it is wrong; it is no fault of anybody's. */
import { describe, expect, test } from 'vitest';
import { type HostileName, TRICKS } from './hostile.ts';
import { type Said, stage, type Stage } from './stage.ts';

const tried = new Set<string>();
let on: Stage;

/** One pull request with `count` reviews. */
async function reviewed(count: number): Promise<void> {
  on = await stage();
  await on.open('alice', 'one');
  for (let at = 1; at <= count; at += 1) {
    await on.ask('bob', 'POST', 'pulls/1/reviews', { event: 'COMMENT', body: `${at}` });
  }
}

async function play(name: HostileName, query: string = ''): Promise<Said> {
  tried.add(name);
  on.hub.honest();
  on.hub.hostile('reviews', name);
  return await on.ask('alice', 'GET', `pulls/1/reviews${query}`);
}

const link = (said: Said, rel: string): string | undefined =>
  new RegExp(`<([^>]+)>; rel="${rel}"`, 'u').exec(said.headers.get('link') ?? '')?.[1];
const first = (said: Said): unknown => (said.body as unknown[])[0];

describe('an answer that is', () => {
  test('no JSON, half of it, no list, or an error', async () => {
    await reviewed(2);
    const page = await play('html-200');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    await expect(play('truncated-json')).rejects.toThrow('JSON');
    expect((await play('not-a-list')).body).toEqual({ message: 'all is well' });
    expect((await play('502')).status).toBe(502);
    expect((await play('422')).status).toBe(422);
    expect((await play('500-then-ok')).status).toBe(500);
    expect((await on.ask('alice', 'GET', 'pulls/1/reviews')).body).toHaveLength(2);
  });

  test('a limit, with the headers that say how long', async () => {
    await reviewed(1);
    const primary = await play('rate-limited');
    expect([primary.status, primary.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
    expect(Number(primary.headers.get('x-ratelimit-reset')) - Date.now() / 1000).toBeGreaterThan(50);
    const secondary = await play('secondary-limited');
    expect([secondary.status, secondary.headers.get('retry-after')]).toEqual([403, '60']);
    expect(secondary.body).toMatchObject({
      message: expect.stringContaining('secondary rate limit') as string,
    });
  });

  test('304 though nobody asked for one', async () => {
    await reviewed(1);
    expect((await play('poisoned-304')).status).toBe(304);
  });

  test('a way to another host, which writes down who came', async () => {
    await reviewed(1);
    const said = await play('redirect-to-other-host');
    expect(said.status).toBe(302);
    const location = said.headers.get('location') ?? '';
    expect(new URL(location).host).not.toBe(new URL(on.hub.url).host);
    expect(on.hub.elsewhere.requests).toEqual([]);
    await fetch(location, { headers: { Authorization: 'Bearer secret' } });
    expect(on.hub.elsewhere.requests).toMatchObject([{ authorization: on.hub.digestOf('secret') }]);
  });

  test('a way to another repository of the same host', async () => {
    await reviewed(1);
    const said = await play('moved-repository');
    expect(said.status).toBe(301);
    expect(said.headers.get('location')).toContain(
      `/repositories/${on.hub.repositoryId() + 1}/pulls/1/reviews`,
    );
  });
});

describe('pages that', () => {
  test('lead in a circle, say more and give none, lead elsewhere', async () => {
    await reviewed(3);
    const looping = await play('looping-next', '?per_page=2');
    expect(new URL(link(looping, 'next') ?? '').searchParams.get('page')).toBe('1');
    const missing = await play('missing-next', '?per_page=2');
    expect([link(missing, 'next'), new URL(link(missing, 'last') ?? '').searchParams.get('page')]).toEqual([
      undefined,
      '2',
    ]);
    const other = await play('next-to-other-host', '?per_page=2');
    expect(link(other, 'next')).toContain(on.hub.elsewhere.url);
    expect(other.body).toHaveLength(2);
  });

  test('come twice', async () => {
    await reviewed(3);
    const one = await play('duplicate-pages', '?per_page=2');
    const two = await on.ask('alice', 'GET', 'pulls/1/reviews?per_page=2&page=2');
    const three = await on.ask('alice', 'GET', 'pulls/1/reviews?per_page=2&page=3');
    expect(two.body).toEqual(one.body);
    expect(three.body).toHaveLength(1);
    expect(link(three, 'next')).toBeUndefined();
  });

  test('are fifty', async () => {
    await reviewed(1);
    const said = await play('5000-reviews', '?per_page=100');
    expect(said.body).toHaveLength(100);
    expect(new URL(link(said, 'last') ?? '').searchParams.get('page')).toBe('50');
  });
});

describe('a review with', () => {
  test('a megabyte of words, nobody, no commit, no time', async () => {
    await reviewed(1);
    expect((first(await play('huge-body')) as { readonly body: string }).body).toHaveLength(1024 * 1024);
    expect(first(await play('null-user'))).toMatchObject({ user: null, body: '1' });
    expect(first(await play('null-commit'))).toMatchObject({ commit_id: null, body: '1' });
    const timeless = first(await play('missing-submitted-at'));
    expect(timeless).toMatchObject({ body: '1' });
    expect(timeless).not.toHaveProperty('submitted_at');
  });

  test('every type another', async () => {
    await reviewed(1);
    const honest = first(await on.ask('alice', 'GET', 'pulls/1/reviews')) as Record<string, unknown>;
    const wrong = first(await play('wrong-types')) as Record<string, unknown>;
    expect(Object.keys(wrong)).toEqual(Object.keys(honest));
    for (const key of Object.keys(honest)) {
      const kind = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value);
      expect([key, kind(wrong[key])]).not.toEqual([key, kind(honest[key])]);
    }
  });
});

test('other-repository-id: wherever the number stands', async () => {
  await reviewed(0);
  tried.add('other-repository-id');
  on.hub.hostile('*', 'other-repository-id');
  const id = on.hub.repositoryId() + 1;
  expect((await on.ask('alice', 'GET', '/repos/acme/access')).body).toMatchObject({ id });
  expect((await on.ask('alice', 'GET', 'pulls/1')).body).toMatchObject({ base: { repo: { id } } });
  expect((await on.ask('alice', 'GET', 'pulls')).body).toMatchObject([{ head: { repo: { id } } }]);
});

describe('no answer:', () => {
  test('never', async () => {
    await reviewed(0);
    on.hub.hostile('reviews', 'slow');
    tried.add('slow');
    const asked = fetch(`${on.hub.url}/repos/acme/access/pulls/1/reviews`, {
      signal: AbortSignal.timeout(300),
    });
    await expect(asked).rejects.toThrow('timeout');
    expect(on.hub.requests.at(-1)).toMatchObject({ operation: 'pulls/list-reviews', status: undefined });
  });

  test('the connection is reset', async () => {
    await reviewed(0);
    await expect(play('connection-reset')).rejects.toThrow('fetch failed');
  });
});

describe('switching', () => {
  test('is by operation, for so many answers', async () => {
    await reviewed(1);
    on.hub.hostile('reviews', '502', { times: 1 });
    expect((await on.ask('alice', 'GET', 'pulls')).status).toBe(200);
    expect((await on.ask('alice', 'GET', 'pulls/1/reviews')).status).toBe(502);
    expect((await on.ask('alice', 'GET', 'pulls/1/reviews')).status).toBe(200);
    on.hub.hostile('*', '502');
    expect((await on.ask('alice', 'GET', '/user')).status).toBe(502);
    on.hub.honest();
    expect((await on.ask('alice', 'GET', '/user')).status).toBe(200);
    expect(() => {
      on.hub.hostile('revues', '502');
    }).toThrow('no operation is called revues');
  });

  test('tricks one after the other, in the order they were set', async () => {
    await reviewed(0);
    on.hub.hostile('myself', '502', { times: 1 });
    on.hub.hostile('myself', 'html-200', { times: 1 });
    const statuses: number[] = [];
    for (let at = 0; at < 3; at += 1) statuses.push((await on.ask('alice', 'GET', '/user')).status);
    expect(statuses).toEqual([502, 200, 200]);
  });
});

test('every name was tried', () => {
  expect(Object.keys(TRICKS).filter((name) => !tried.has(name))).toEqual([]);
});
