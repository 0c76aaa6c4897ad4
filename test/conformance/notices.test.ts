import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pam from '../../schemas/pam.schema.json' with { type: 'json' };
import { withNotices } from '../../build/pam-schema.ts';
import { shapeFaults } from '../../src/documents/schema.ts';
import { noticeKinds } from '../../src/notices/registry.ts';
import { slack } from '../../src/notices/slack/slack.ts';
import { webhook } from '../../src/notices/webhook/webhook.ts';
import { NOTICE_EVENTS, UNBUILT_NOTICES } from '../../src/model/notice.ts';
import { noticeWith } from '../support/notice-texts.ts';
import { startReceiver, type TestReceiver } from '../support/receiver.ts';
import { noticeConformance } from './notice.ts';

const KEY = 'a-key-that-only-two-know';
noticeConformance('slack', {
  kind: slack,
  config: { kind: 'slack', url_env: 'PAM_NOTICE_SLACK', on: ['opened'] },
  env: (url) => ({ PAM_NOTICE_SLACK: url }),
  secrets: [],
});
noticeConformance('webhook', {
  kind: webhook,
  config: { kind: 'webhook', url_env: 'PAM_NOTICE_OPS', secret_env: 'PAM_NOTICE_OPS_KEY', on: ['opened'] },
  env: (url) => ({ PAM_NOTICE_OPS: url, PAM_NOTICE_OPS_KEY: KEY }),
  secrets: [KEY],
});

/** Every word that `kind:` may be by the schema of pam.yaml, with its own schema. */
function inSchema(schema: typeof pam = pam): ReadonlyMap<string, object> {
  const definitions: Readonly<Record<string, object>> = schema.$defs;
  return new Map(
    schema.properties.notify.items.oneOf.map(({ $ref }) => {
      const definition = definitions[$ref.replace('#/$defs/', '')] ?? {};
      const { properties } = definition as {
        readonly properties?: { readonly kind?: { readonly const?: string } };
      };
      return [properties?.kind?.const ?? '', definition];
    }),
  );
}

const tests = ['.', '../adapters'].flatMap((room) => {
  const place = fileURLToPath(new URL(room, import.meta.url));
  return (
    readdirSync(place)
      // That one holds the text of a test that runs it.
      .filter((name) => name.endsWith('.test.ts') && name !== 'one-more.test.ts')
      .map((name) => readFileSync(join(place, name), 'utf8'))
  );
});

describe.each([...noticeKinds])('the registry of notices: %s', (word, kind) => {
  it('stands under its own word, in the schema of pam.yaml too', () => {
    expect(kind.kind).toBe(word);
    expect(inSchema().get(word)).toEqual(kind.configSchema);
    expect(kind.configSchema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: expect.arrayContaining(['kind', 'on']),
      properties: {
        kind: { type: 'string', const: word },
        on: { items: { enum: [...NOTICE_EVENTS, ...UNBUILT_NOTICES] } },
        roles: { type: 'array' },
        risk: { type: 'array' },
        why: { type: 'boolean' },
      },
    });
  });

  it('runs the conformance suite', () => {
    expect(tests.filter((text) => text.includes(`noticeConformance('${word}',`))).toHaveLength(1);
  });
});

describe('kinds of notices in the schema of pam.yaml', () => {
  it('follow the registry, and one that is listed no more is gone', () => {
    const pager = { kind: 'pager', configSchema: { properties: { kind: { const: 'pager' } } } };
    expect([...inSchema(withNotices(pam, [slack, pager])).keys()]).toEqual(['slack', 'pager']);
    expect(withNotices(pam)).toEqual(pam);
  });
});

describe('what only a webhook promises', () => {
  let receiver: TestReceiver;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(async () => await receiver.close());
  const env = (): Readonly<Record<string, string>> => ({
    PAM_NOTICE_OPS: receiver.url,
    PAM_NOTICE_OPS_KEY: KEY,
    PAM_NOTICE_LOOPBACK: '1',
  });
  const config = { kind: 'webhook', url_env: 'PAM_NOTICE_OPS', on: ['opened'] };

  it('the body is pam.notice/1, and the signature is an HMAC over its exact bytes', async () => {
    const why = 'für alle: "\u202e" <!channel>';
    const session = await webhook.open({
      config: { ...config, secret_env: 'PAM_NOTICE_OPS_KEY' },
      env: env(),
    });
    expect(await session.send(noticeWith({ why }))).toEqual({ state: 'sent' });
    const { body = '', headers = {} } = receiver.heard.at(-1) ?? {};
    expect(shapeFaults('notice', JSON.parse(body))).toEqual([]);
    expect(JSON.parse(body)).toEqual(noticeWith({ why }));
    const hex = createHmac('sha256', KEY).update(Buffer.from(body, 'utf8')).digest('hex');
    expect(headers['x-pam-signature']).toBe(`sha256=${hex}`);
  });

  it('without a secret there is no signature, and a secret that is not there is no reason to send without', async () => {
    expect(await (await webhook.open({ config, env: env() })).send(noticeWith({}))).toEqual({
      state: 'sent',
    });
    expect(receiver.heard.at(-1)?.headers).not.toHaveProperty('x-pam-signature');
    const place = { config: { ...config, secret_env: 'PAM_NOTICE_OTHER' }, env: env() };
    await expect(webhook.open(place)).rejects.toMatchObject({
      code: 'W_NOTICE',
      message: 'PAM_NOTICE_OTHER is not set here',
    });
  });
});
