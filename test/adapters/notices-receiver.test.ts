/** The receiver of docs/notices.md, as it is printed there: it believes what carries the right signature, and nothing else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { shapeFaults } from '../../src/documents/schema.ts';
import { webhook } from '../../src/notices/webhook/webhook.ts';
import { EXAMPLE_ID } from '../support/notice-values.ts';
import { noticeWith } from '../support/notice-texts.ts';

const page = readFileSync(new URL('../../docs/notices.md', import.meta.url), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(/```(\w*)\n([\s\S]*?)```/gu)].flatMap(([, name, text]) =>
    name === language ? [text ?? ''] : [],
  );
const KEY = 'between us';
const dir = mkdtempSync(join(tmpdir(), 'pam-receiver-'));
let program: ChildProcess;
let port: number;
let out = '';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const free = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return free;
}

const config = {
  kind: 'webhook',
  url_env: 'PAM_NOTICE_OPS',
  secret_env: 'PAM_NOTICE_OPS_KEY',
  on: ['granted'],
};
const send = async (key: string, seq: number) => {
  const env = {
    PAM_NOTICE_OPS: `http://127.0.0.1:${port}/pam`,
    PAM_NOTICE_OPS_KEY: key,
    PAM_NOTICE_LOOPBACK: '1',
  };
  return await (await webhook.open({ config, env })).send(noticeWith({ event: 'granted', seq }));
};

beforeAll(async () => {
  const [code = ''] = blocks('js');
  writeFileSync(join(dir, 'receiver.mjs'), code);
  port = await freePort();
  const env = { PATH: process.env['PATH'], PORT: String(port), PAM_NOTICE_OPS_KEY: KEY };
  program = spawn(process.execPath, [join(dir, 'receiver.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  program.stdout?.on('data', (text: Buffer) => (out += text.toString()));
  // It says nothing when it listens.
  for (let tries = 0; tries < 100; tries += 1) {
    const there = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (there !== null) return;
    await sleep(100);
  }
  throw new Error('the receiver of the page does not listen');
}, 30_000);
afterAll(async () => {
  program.kill();
  await once(program, 'exit');
  rmSync(dir, { recursive: true, force: true });
});

describe('the receiver of docs/notices.md', () => {
  it('is short, and takes what pam signs', async () => {
    expect(blocks('js')).toHaveLength(1);
    expect(blocks('js')[0]?.trim().split('\n').length).toBeLessThanOrEqual(15);
    expect(await send(KEY, 7)).toEqual({ state: 'sent' });
    for (let tries = 0; tries < 50 && !out.includes('\n'); tries += 1) await sleep(100);
    expect(out).toBe(`granted ${EXAMPLE_ID} dana orders-dba null\n`);
  });

  it('refuses a body that was changed, another key, and no signature', async () => {
    const before = out;
    expect(await send('a guess', 8)).toEqual({ state: 'lost', why: 'it answered 403' });
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"event":"granted"}', headers }))
        .status;
    expect(await status({})).toBe(403);
    expect(await status({ 'x-pam-signature': 'sha256=' })).toBe(403);
    expect(await status({ 'x-pam-signature': `sha256=${'0'.repeat(64)}` })).toBe(403);
    await sleep(200);
    expect(out).toBe(before);
  });
});

describe('the settings of docs/notices.md', () => {
  const settings = blocks('yaml').filter((text) => text.startsWith('notify:'));

  it.each(settings.map((text) => [text]))('%s', (text) => {
    const { notify } = parse(text) as { readonly notify: unknown };
    expect(shapeFaults('pam', { version: 1, forge: { kind: 'git' }, notify })).toEqual([]);
  });

  it('are shown', () => {
    expect(settings.length).toBeGreaterThanOrEqual(3);
  });
});
