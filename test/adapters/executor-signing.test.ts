/**
 * An executor's key signs in process what stock `ssh-keygen` would sign, byte for byte, or not at all: then `ssh-keygen`
 * is asked and its answer, good or bad, is the answer.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKPOINT_NAMESPACE, LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { signAsExecutor, signHere } from '../../src/signing/sign-as-executor.ts';
import { readPublicKey, signText } from '../../src/signing/ssh-keygen.ts';
import { bodyOfKeyFile, ed25519KeyIn } from '../../src/trust/openssh-key.ts';
import { wireString } from '../../src/trust/wire.ts';
import { isLong, some } from '../size.ts';
import { env, tempDir } from './git-workbench.ts';

const NS = LEDGER_NAMESPACE;
const TEXT = '{"schema":"pam.entry/1"}\n';

function newKey(comment = 'pam-sweep', ...more: string[]): string {
  const file = join(tempDir(), 'key');
  const args = ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file, ...more];
  execFileSync('ssh-keygen', args, { env, input: '' });
  return file;
}

const stock = (file: string, namespace: string, text: string): string | null => {
  const args = ['-q', '-Y', 'sign', '-f', file, '-n', namespace];
  const { status, stdout } = spawnSync('ssh-keygen', args, { input: text, env, encoding: 'utf8' });
  return status === 0 ? stdout : null;
};

/** The parts of a key file, any of which a test may get wrong. */
interface Parts {
  readonly magic: string;
  readonly cipher: string;
  readonly kdf: string;
  readonly options: string;
  readonly keys: number;
  readonly blob: Buffer;
  readonly checks: readonly [number, number];
  readonly type: string;
  readonly point: Buffer;
  readonly seed: Buffer;
  readonly ofPair: Buffer;
  readonly comment: string;
  readonly padding: (length: number) => Buffer;
  readonly more: Buffer;
  readonly columns: number;
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const counted = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, at) => at + 1));

function partsOf(file: string): Parts {
  const body = bodyOfKeyFile(readFileSync(file));
  const key = body === undefined ? undefined : ed25519KeyIn(body);
  if (key === undefined) throw new Error('not as ssh-keygen writes it');
  const point = Buffer.from(key.point);
  return {
    magic: 'openssh-key-v1\0',
    cipher: 'none',
    kdf: 'none',
    options: '',
    keys: 1,
    blob: Buffer.from(key.blob),
    checks: [7, 7],
    type: 'ssh-ed25519',
    point,
    seed: Buffer.from(key.seed),
    ofPair: point,
    comment: 'c',
    padding: (length) => counted((8 - (length % 8)) % 8),
    more: Buffer.alloc(0),
    columns: 70,
  };
}

function textOf(parts: Parts): string {
  const inner = Buffer.concat([
    ...parts.checks.map(uint32),
    wireString(parts.type),
    wireString(parts.point),
    wireString(Buffer.concat([parts.seed, parts.ofPair])),
    wireString(parts.comment),
  ]);
  const secret = Buffer.concat([inner, parts.padding(inner.length)]);
  const before = [parts.cipher, parts.kdf, parts.options].map(wireString);
  const blobs = Array.from({ length: Math.max(1, Math.min(parts.keys, 2)) }, () => wireString(parts.blob));
  const head = Buffer.from(parts.magic, 'latin1');
  const body = [head, ...before, uint32(parts.keys), ...blobs, wireString(secret), parts.more];
  const rows = Buffer.concat(body).toString('base64');
  const lines = rows.match(new RegExp(`.{1,${parts.columns}}`, 'gu')) ?? [];
  const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} OPENSSH PRIVATE KEY-----`);
  return [begin, ...lines, end, ''].join('\n');
}

function fileWith(text: string | Uint8Array): string {
  const file = join(tempDir(), 'key');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** What ssh-keygen makes of it, with its signature or without one; in process there was none. */
async function asBefore(file: string): Promise<void> {
  expect(signHere(TEXT, NS, file, env)).toBeUndefined();
  const before = await settle(signText(TEXT, NS, file, env));
  expect(await settle(signAsExecutor(TEXT, NS, file, env))).toEqual(before);
}

async function settle(signing: Promise<string>): Promise<unknown> {
  return await signing.then(
    (armor) => ({ armor }),
    (error: unknown) => ({ error: JSON.stringify(error), text: String(error) }),
  );
}

describe('an ed25519 key without passphrase', () => {
  const KEYS = isLong ? 32 : 8;
  const COMMENTS = ['', 'c', 'pam-sweep@ci', 'zwölf Boxkämpfer', ' spaces  ', 'x'.repeat(300)];
  const NAMES = [NS, CHECKPOINT_NAMESPACE, 'n', 'x'.repeat(200)];
  const SIZES = [0, 1, 55, 111, 112, 128, 4096, 1_000_000];

  it('signs the bytes that ssh-keygen signs, whatever key, comment, namespace and text', () => {
    for (let at = 0; at < KEYS; at++) {
      const file = newKey(COMMENTS[at % COMMENTS.length]);
      if (at % 2 === 0) rmSync(`${file}.pub`);
      const namespace = NAMES[at % NAMES.length] ?? NS;
      const text = 'ä\n\r\0 '.repeat(SIZES[at % SIZES.length] ?? 1).slice(0, SIZES[at % SIZES.length]);
      const armor = signHere(text, namespace, file, env);
      expect(armor).toMatch(/^-----BEGIN SSH SIGNATURE-----\n/u);
      expect(armor).toBe(stock(file, namespace, text));
    }
  });

  it('is found through a link, and below ~', () => {
    const file = newKey();
    const link = join(tempDir(), 'link');
    symlinkSync(file, link);
    expect(signHere(TEXT, NS, link, env)).toBe(stock(link, NS, TEXT));
    expect(signHere(TEXT, NS, '~/key', { ...env, HOME: join(file, '..') })).toBe(stock(file, NS, TEXT));
  });

  it('a file rebuilt from its parts signs the same', () => {
    const file = newKey();
    const again = fileWith(textOf(partsOf(file)));
    expect(signHere(TEXT, NS, again, env)).toBe(stock(file, NS, TEXT));
  });

  it('starts no program', async () => {
    expect(await signAsExecutor(TEXT, NS, newKey(), { ...env, PATH: tempDir() })).toContain('SSH SIGNATURE');
  });
});

describe('ssh-keygen decides as before', () => {
  it.each([
    ['a passphrase', ['-N', 'open sesame']],
    ['another type', ['-t', 'ecdsa']],
    ['the older format', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ])('of a key with %s', async (_, more) => {
    const file = join(tempDir(), 'key');
    const args = ['-q', '-t', 'ed25519', '-N', '', ...more, '-f', file];
    execFileSync('ssh-keygen', args, { env, input: '' });
    expect(signHere(TEXT, NS, file, env)).toBeUndefined();
    const asking = { ...env, SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' };
    const before = await settle(signText(TEXT, NS, file, asking));
    const now = await settle(signAsExecutor(TEXT, NS, file, asking));
    // ECDSA signs with a number drawn anew each time.
    expect(Object.keys(now as object)).toEqual(Object.keys(before as object));
  });

  it('of a key that others can read', async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o610, 0o601]) {
      const file = newKey();
      chmodSync(file, mode);
      await asBefore(file);
      await expect(signAsExecutor(TEXT, NS, file, env)).rejects.toMatchObject({
        code: 'E_SIGN',
        hint: `chmod 600 ${file}`,
      });
    }
  });

  it('of a public half that belongs to another key, cannot be read, or is a pipe', async () => {
    const file = newKey();
    copyFileSync(`${newKey()}.pub`, `${file}.pub`);
    await asBefore(file);
    expect(await settle(signAsExecutor(TEXT, NS, file, env))).toHaveProperty('error');
    writeFileSync(`${file}.pub`, 'junk\n');
    await asBefore(file);
    rmSync(`${file}.pub`);
    symlinkSync(join(tempDir(), 'none'), `${file}.pub`);
    await asBefore(file);
    rmSync(`${file}.pub`);
    execFileSync('mkfifo', [`${file}.pub`]);
    expect(signHere(TEXT, NS, file, env)).toBeUndefined();
  });

  it('of a public key, and wherever an agent may hold the key', async () => {
    const file = newKey();
    expect(signHere(TEXT, NS, `${file}.pub`, env)).toBeUndefined();
    const socket = join(tempDir(), 'agent');
    const agent = createServer((line) => void line.end());
    await new Promise<void>((resolve) => {
      agent.listen(socket, resolve);
    });
    const withAgent = { ...env, SSH_AUTH_SOCK: socket };
    expect(signHere(TEXT, NS, file, withAgent)).toBeUndefined();
    expect(await signAsExecutor(TEXT, NS, file, withAgent)).toBe(stock(file, NS, TEXT));
    agent.close();
  });

  it('of what is no regular file', async () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'directory'));
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    symlinkSync('/dev/zero', join(dir, 'zero'));
    symlinkSync(join(dir, 'loop'), join(dir, 'loop'));
    for (const name of [...readdirSync(dir), 'none']) {
      expect(signHere(TEXT, NS, join(dir, name), env)).toBeUndefined();
      expect(await settle(signAsExecutor(TEXT, NS, join(dir, name), env))).toHaveProperty('error');
    }
    expect(signHere(TEXT, NS, '/dev/zero', env)).toBeUndefined();
    expect(signHere(TEXT, NS, join(dir, 'fifo', 'below'), env)).toBeUndefined();
    expect(signHere(TEXT, NS, join(dir, 'x'.repeat(5000)), env)).toBeUndefined();
  });

  it('of a file that is huge, empty, cut or spelt otherwise', async () => {
    const text = readFileSync(newKey(), 'utf8');
    const huge = fileWith(text);
    truncateSync(huge, 2 ** 20);
    await asBefore(huge);
    const odd = [
      '',
      text.replaceAll('\n', '\r\n'),
      text.trimEnd(),
      `\n${text}`,
      `${text}\n`,
      text + text,
      text.replace('OPENSSH', 'RSA'),
      text.replace('\n', '\n\n'),
      text.replace(/(.{60})(.{10})\n/u, '$1\n$2'),
      text.replace('b3BlbnNzaC1rZXktdjEA', 'b3BlbnNzaC1rZXktdjE*'),
    ];
    for (const one of some(odd, 4)) await asBefore(fileWith(one));
    for (let cut = 0; cut < text.length; cut += isLong ? 1 : 29) {
      expect(signHere(TEXT, NS, fileWith(text.slice(0, cut)), env)).toBeUndefined();
    }
  });

  it('of every part that is not as ssh-keygen writes it', async () => {
    const parts = partsOf(newKey());
    const other = partsOf(newKey());
    const wrong: Partial<Parts>[] = [
      { magic: 'openssh-key-v2\0' },
      { cipher: 'aes256-ctr' },
      { kdf: 'bcrypt' },
      { options: 'x' },
      { keys: 0 },
      { keys: 2 },
      { keys: 2 ** 32 - 1 },
      { blob: other.blob },
      { blob: Buffer.alloc(0) },
      { checks: [7, 8] },
      { type: 'ssh-ed25518' },
      { point: other.point },
      { ofPair: other.point },
      { seed: other.seed },
      { seed: parts.seed.subarray(1) },
      { point: other.point, blob: other.blob, ofPair: other.point },
      { comment: 'a\0b' },
      { padding: (length) => Buffer.alloc((8 - (length % 8)) % 8) },
      { padding: (length) => counted(((8 - (length % 8)) % 8) + 1) },
      { padding: (length) => counted(((8 - (length % 8)) % 8) + 8) },
      { comment: 'cc', padding: () => Buffer.alloc(0) },
      { more: Buffer.from([0]) },
      { columns: 64 },
    ];
    const files = wrong.map((one) => fileWith(textOf({ ...parts, ...one })));
    expect(files.map((file) => signHere(TEXT, NS, file, env))).toEqual(files.map(() => undefined));
    for (const file of some(files, 6)) await asBefore(file);
  });

  it('of a key file with any one byte changed, or it signs what ssh-keygen signs', () => {
    const bytes = readFileSync(newKey());
    for (let at = 0; at < bytes.length; at += isLong ? 7 : 67) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const file = fileWith(changed);
      const here = signHere(TEXT, NS, file, env);
      expect(here ?? stock(file, NS, TEXT)).toBe(stock(file, NS, TEXT));
    }
  });
});

describe('a pipe beside the key', () => {
  it('is not waited for', async () => {
    const file = newKey();
    const line = readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    rmSync(`${file}.pub`);
    execFileSync('mkfifo', [`${file}.pub`]);
    expect(await readPublicKey(file, env)).toBe(line);
  });
});
