/**
 * What every kind of notice must do, whatever it is (the contract is `model/notice.ts`): it is run against a real server that answers
 * well, wrongly, late, without end, or not at all. What only one kind promises is tested beside it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notice, NoticeKind, NoticePlace } from '../../src/model/notice.ts';
import { PamError } from '../../src/model/error.ts';
import type { NotifyConfig } from '../../src/model/policy.ts';
import { HOSTILE_TEXTS, noticeWith } from '../support/notice-texts.ts';
import { SECRET_PATH, startReceiver, type TestReceiver } from '../support/receiver.ts';

export interface NoticeFixture {
  readonly kind: NoticeKind;
  readonly config: NotifyConfig;
  /** Of an executor whose receiver has this address. */
  readonly env: (url: string) => NoticePlace['env'];
  /** What else stands in that environment and must never be told. */
  readonly secrets: readonly string[];
}

/** Long enough for a busy machine; what must be waited for has less. */
const TRY_MS = 5000;
const SHORT_TRY_MS = 400;

export function noticeConformance(name: string, { kind, config, env, secrets }: NoticeFixture): void {
  describe(`notice conformance: ${name}`, () => {
    let receiver: TestReceiver;
    let other: TestReceiver;
    beforeEach(async () => {
      [receiver, other] = await Promise.all([startReceiver(), startReceiver()]);
    });
    afterEach(async () => {
      await Promise.all([receiver.close(), other.close()]);
    });

    const at = (url: string, tryMs = TRY_MS): NoticePlace => ({
      config,
      env: { ...env(url), PAM_NOTICE_LOOPBACK: '1' },
      tryMs,
    });
    const send = async (notice: Notice = noticeWith({}), url = receiver.url) =>
      await (await kind.open(at(url))).send(notice);
    const expectSilent = (text: string): void => {
      for (const secret of [SECRET_PATH, '127.0.0.1', ...secrets]) expect(text).not.toContain(secret);
    };
    /** Why it was lost, which says nothing that is secret. */
    const whyLost = async (url?: string): Promise<string> => {
      const answer = await send(undefined, url);
      expectSilent(JSON.stringify(answer));
      return answer.state === 'lost' ? answer.why : answer.state;
    };

    it('is one POST of JSON to that address, once', async () => {
      expect(await send()).toEqual({ state: 'sent' });
      expect(receiver.heard).toMatchObject([{ method: 'POST', path: SECRET_PATH }]);
      expect(receiver.heard[0]?.headers['content-type']).toBe('application/json');
      expect(() => JSON.parse(receiver.heard[0]?.body ?? '') as unknown).not.toThrow();
    });

    it('tries again, once, where another try may go better', async () => {
      receiver.manner = (answer, count) => void answer.writeHead(count === 1 ? 503 : 204).end();
      expect(await send()).toEqual({ state: 'sent' });
      expect(receiver.heard).toHaveLength(2);
      expect(receiver.heard[0]?.body).toBe(receiver.heard[1]?.body);
      for (const status of [500, 429]) {
        receiver.heard.length = 0;
        receiver.manner = (answer) => void answer.writeHead(status).end('no');
        expect(await whyLost()).toMatch(new RegExp(`it answered ${status}`, 'u'));
        expect(receiver.heard).toHaveLength(2);
      }
    });

    it('takes a no for a no', async () => {
      receiver.manner = (answer) => void answer.writeHead(404).end('no_service');
      expect(await whyLost()).toMatch(/it answered 404/u);
      expect(receiver.heard).toHaveLength(1);
    });

    it.each([301, 302, 303, 307, 308])('follows nobody elsewhere (%d)', async (status) => {
      receiver.manner = (answer) => void answer.writeHead(status, { location: other.url }).end();
      expect(await whyLost()).toMatch(/elsewhere/u);
      expect(receiver.heard).toHaveLength(1);
      expect(other.heard).toEqual([]);
    });

    it('waits for nobody: one that never answers is let go twice', async () => {
      receiver.manner = () => undefined;
      const session = await kind.open(at(receiver.url, SHORT_TRY_MS));
      const begin = process.hrtime.bigint();
      expect(await session.send(noticeWith({}))).toMatchObject({
        state: 'lost',
        why: 'it did not answer within 0.4 s',
      });
      expect(Number((process.hrtime.bigint() - begin) / 1_000_000n)).toBeLessThan(20 * SHORT_TRY_MS);
      expect(receiver.heard).toHaveLength(2);
    });

    it('reads no answer: one without end is as good as a short one', async () => {
      receiver.manner = (answer) => {
        answer.writeHead(200);
        const more = (): void => void (answer.destroyed || answer.write('x'.repeat(65_536), more));
        more();
      };
      expect(await send()).toEqual({ state: 'sent' });
      receiver.manner = (answer) => void answer.writeHead(200, { 'x-long': 'x'.repeat(200_000) }).end();
      expect(await whyLost()).toMatch(/cannot be reached/u);
    });

    it('says what is wrong with one that is not there, or hangs up', async () => {
      receiver.manner = (answer) => void answer.socket?.destroy();
      expect(await whyLost()).toMatch(/cannot be reached/u);
      const { url } = receiver;
      await receiver.close();
      expect(await whyLost(url)).toMatch(/cannot be reached \(ECONNREFUSED\)/u);
    });

    it('takes what people wrote for data', async () => {
      for (const why of HOSTILE_TEXTS)
        expect(await send(noticeWith({ why, permissions: [why], next: why, place: why }))).toEqual({
          state: 'sent',
        });
      expect(receiver.heard).toHaveLength(HOSTILE_TEXTS.length);
      for (const { body } of receiver.heard) expect(() => JSON.parse(body) as unknown).not.toThrow();
    });

    it('sends many side by side as it sends one', async () => {
      receiver.manner = (answer) => void setTimeout(() => answer.end('ok'), 50);
      const session = await kind.open(at(receiver.url));
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => await session.send(noticeWith({ seq: n }))),
      );
      expect(new Set(answers.map(({ state }) => state))).toEqual(new Set(['sent']));
      expect(receiver.heard).toHaveLength(20);
    });

    it.each([
      ['nothing', undefined],
      ['blanks', '  '],
      ['no URL', 'hooks.example/s3cr3t-path'],
      ['another scheme', 'ftp://127.0.0.1/s3cr3t-path'],
      ['a file', 'file:///s3cr3t-path'],
      ['http elsewhere', 'http://192.0.2.1/s3cr3t-path'],
      ['http at a name that only begins like this machine', 'http://localhost.example/s3cr3t-path'],
      ['a user and a password', 'https://s3cr3t-path:b@127.0.0.1/'],
    ])('opens no address that may not be told: %s', async (_, value) => {
      const place = { ...at(''), env: { ...env(value ?? ''), PAM_NOTICE_LOOPBACK: '1' } };
      const error: unknown = await kind.open(place).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(error).toMatchObject({ code: 'W_NOTICE' });
      expect(error instanceof PamError ? error.message : '').toContain('PAM_NOTICE_');
      expect(JSON.stringify(error) + String(error)).not.toContain('s3cr3t');
    });

    it('speaks without TLS to this machine only where the executor says so', async () => {
      await expect(kind.open({ config, env: env(receiver.url) })).rejects.toMatchObject({ code: 'W_NOTICE' });
      const yes = { ...env(receiver.url), PAM_NOTICE_LOOPBACK: 'yes' };
      await expect(kind.open({ config, env: yes })).rejects.toMatchObject({ code: 'W_NOTICE' });
      expect(receiver.heard).toEqual([]);
    });
  });
}
