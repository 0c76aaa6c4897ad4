/** Keys as people and secret stores have them, with real ssh-keygen and ssh-agent; and agents that hang, lie or stand elsewhere. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import { userWithoutEntry } from '../../src/process/person-here.ts';
import { askAgent } from '../../src/signing/agent.ts';
import { agentOfSsh } from '../../src/signing/agent-of-ssh.ts';
import { examineKey } from '../../src/signing/examine-key.ts';
import { openKey } from '../../src/signing/named-key.ts';
import { readPublicKey, signText } from '../../src/signing/ssh-keygen.ts';
import { env, tempDir } from './git-workbench.ts';

const NS = 'pam-approval-v1@pam';
const TEXT = 'pam-statement: v1\n';
const agents: string[] = [];
const closing: (() => void)[] = [];
afterAll(() => {
  for (const pid of agents) process.kill(Number(pid));
  for (const close of closing) close();
});

interface Pair {
  readonly file: string;
  /** `<type> <base64>` */
  readonly line: string;
}

function pair(type = 'ed25519', ...more: readonly string[]): Pair {
  const file = join(tempDir(), 'key');
  const passphrase = more.includes('-N') ? [] : ['-N', ''];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...passphrase, '-C', 'a comment', '-f', file, ...more], {
    env,
  });
  return { file, line: readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ') };
}

function agentWith(...keys: readonly Pair[]): Readonly<Record<string, string>> {
  const socket = join(tempDir(), 'agent');
  const out = execFileSync('ssh-agent', ['-a', socket], { env, encoding: 'utf8' });
  agents.push(/SSH_AGENT_PID=(\d+)/u.exec(out)?.[1] ?? '');
  const told = { ...env, SSH_AUTH_SOCK: socket };
  for (const { file } of keys) execFileSync('ssh-add', ['-q', file], { env: told });
  return told;
}

/** An agent that answers as it is told, or never. */
async function fakeAgent(answer: Uint8Array | null): Promise<Readonly<Record<string, string>>> {
  const socket = join(tempDir(), 'fake');
  const server = createServer((client) => {
    client.on('error', () => undefined);
    client.on('data', () => {
      if (answer !== null) client.end(answer);
    });
  });
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  server.unref();
  return { ...env, SSH_AUTH_SOCK: socket };
}

function signedBy(armor: string, { line }: Pair): boolean {
  const dir = tempDir();
  writeFileSync(join(dir, 'allowed'), `dana ${line}\n`);
  writeFileSync(join(dir, 'sig'), armor);
  const args = ['-Y', 'verify', '-f', join(dir, 'allowed'), '-I', 'dana', '-n', NS, '-s', join(dir, 'sig')];
  return spawnSync('ssh-keygen', args, { input: TEXT, env }).status === 0;
}

const file = (text: string, name = 'k.pub', mode = 0o644): string => {
  const path = join(tempDir(), name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

async function fault(work: Promise<unknown>): Promise<PamError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  }
  throw new Error('it worked');
}

describe('public keys whose private half an agent holds', () => {
  const own = pair();
  const other = pair('ecdsa');
  const told = agentWith(own, other);

  it.each([
    ['the key itself', own.line],
    ['with a comment', `${own.line} dana@laptop`],
    ['with key::', `key::${own.line}`],
    ['with key:: and a comment in another script', `key::${own.line} 山田`],
    ['with a newline at its end', `${own.line}\n`],
    ['a .pub file', file(`${own.line} dana\n`)],
    ['comment lines above', file(`# work\n  # more\n${own.line} dana\n`)],
    ['blank lines around', file(`\n\n${own.line}\n\n`)],
    ['CRLF', file(`# work\r\n${own.line} dana\r\n`)],
    ['no last newline', file(own.line)],
    ['several keys: the first', file(`${own.line} a\n${other.line} b\n`)],
    ['a byte order mark', file(`\ufeff${own.line}\n`)],
    ['lines that are no keys', file(`hello\nssh-dss AAAAB3NzaC1kc3MAAACB\n${own.line}\n`)],
    ['another name', file(`${own.line}\n`, 'my key')],
    ['no mode but for its owner', file(`${own.line}\n`, 'k.pub', 0o600)],
  ])('sign: %s', async (_, named) => {
    expect(signedBy(await signText(TEXT, NS, named, told), own)).toBe(true);
    expect(await readPublicKey(named, told)).toBe(own.line);
    expect(await examineKey(named, told)).toMatchObject({ half: 'public', line: own.line, inAgent: true });
  });

  it('each of several is known, and each can be named', async () => {
    const both = openKey(file(`${own.line} a\n# x\n${other.line} b\n${own.line}\n`), env);
    expect(both).toMatchObject({ half: 'public', lines: [own.line, other.line] });
    expect(signedBy(await signText(TEXT, NS, other.line, told), other)).toBe(true);
  });

  it('leave nothing behind', async () => {
    const tmp = tempDir();
    await signText(TEXT, NS, own.line, { ...told, TMPDIR: tmp });
    await fault(signText(TEXT, NS, own.line, { ...env, TMPDIR: tmp }));
    expect(execFileSync('ls', ['-A', tmp], { encoding: 'utf8' })).toBe('');
  });

  it.each([
    ['two keys in one text', `key::${own.line}\n${other.line}`, 'more than one line'],
    ['a newline in the middle', own.line.replace(' ', '\n'), 'there is no key file'],
    ['another type than it says', own.line.replace('ssh-ed25519', 'ssh-rsa'), 'holds ssh-ed25519'],
    ['cut', `key::${own.line.slice(0, -5)}`, 'cut or damaged'],
    ['a type that pam does not take', file('ssh-dss AAAAB3NzaC1kc3MAAACB dana\n'), 'dsa'],
    ['an OpenPGP key id', '3AA5C34371567BD2', 'there is no key file'],
    ['an empty file', file('\n'), 'is empty'],
    ['no key at all', file('hello\n'), 'no private key'],
    ['a directory', tempDir(), 'is no regular file'],
  ])('are refused by name: %s', async (_, named, words) => {
    const error = await fault(signText(TEXT, NS, named, told));
    expect(error.code).toBe('E_SIGN');
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('other users can read');
  });

  it('an OpenPGP key id is pointed to pam.key', async () => {
    for (const id of [
      '3AA5C34371567BD2',
      '0x3AA5C34371567BD2',
      '8A1C2DAA3AA5C34371567BD2!',
      'Bob <bob@example.com>',
    ])
      expect((await fault(signText(TEXT, NS, id, told))).hint).toContain('git config --global pam.key');
  });

  it('a .pub file with its private half beside it signs without an agent', async () => {
    expect(signedBy(await signText(TEXT, NS, `${own.file}.pub`, env), own)).toBe(true);
  });

  it('a .pub file that names another key than the private one beside it never signs with that', async () => {
    const [mine, evil] = [pair(), pair()];
    copyFileSync(`${evil.file}.pub`, `${mine.file}.pub`);
    // The private file says itself which key it is.
    expect(await readPublicKey(mine.file, env)).toBe(mine.line);
    expect(await examineKey(mine.file, env)).toMatchObject({ line: mine.line, otherPublic: evil.line });
    expect((await fault(signText(TEXT, NS, `${mine.file}.pub`, env))).code).toBe('E_SIGN');
  });
});

describe('an agent', () => {
  const key = pair();

  it('says what it holds; junk in it is left out', async () => {
    expect(await askAgent(agentWith(key))).toEqual({ state: 'holds', lines: [key.line] });
    expect(await askAgent(agentWith())).toEqual({ state: 'holds', lines: [] });
    expect(await askAgent(env)).toEqual({ state: 'none' });
    expect(await askAgent({ ...env, SSH_AUTH_SOCK: '' })).toEqual({ state: 'none' });
  });

  it('that is gone is named', async () => {
    const gone = { ...env, SSH_AUTH_SOCK: join(tempDir(), 'gone') };
    expect(await askAgent(gone)).toMatchObject({ state: 'silent' });
    const error = await fault(signText(TEXT, NS, key.line, gone));
    expect(error.message).toContain(gone.SSH_AUTH_SOCK);
  });

  it('that hangs is not waited for, and a private key signs past it', async () => {
    const hangs = await fakeAgent(null);
    expect(await askAgent(hangs)).toMatchObject({ state: 'silent', why: expect.stringContaining('5 s') });
    expect(signedBy(await signText(TEXT, NS, key.file, hangs), key)).toBe(true);
    expect((await fault(signText(TEXT, NS, key.line, hangs))).message).toContain('5 s');
  }, 60_000);

  it('that answers nonsense offers nothing', async () => {
    for (const answer of [Buffer.from('hello'), Buffer.from([0xff, 0xff, 0xff, 0xff, 12]), Buffer.alloc(0)])
      expect(['silent', 'holds']).toContain((await askAgent(await fakeAgent(answer))).state);
  });

  it('that offers a key and does not sign with it is told apart from one that lacks it', async () => {
    const lacks = await fault(signText(TEXT, NS, key.line, agentWith(pair())));
    expect(lacks.message).toContain('does not hold its private half');
    // It lists the key in every answer, also where a signature was asked for.
    const [type = '', base64 = ''] = key.line.split(' ');
    const string = (bytes: Uint8Array): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    expect(type).toBe('ssh-ed25519');
    const body = Buffer.concat([
      Buffer.from([12, 0, 0, 0, 1]),
      string(Buffer.from(base64, 'base64')),
      string(Buffer.from('x')),
    ]);
    const lies = await fakeAgent(string(body));
    expect(await askAgent(lies)).toEqual({ state: 'holds', lines: [key.line] });
    expect((await fault(signText(TEXT, NS, key.line, lies))).message).toContain('holds it and did not sign');
  });

  it('that stands in ssh_config alone is named', async () => {
    const home = tempDir();
    const inHome = { ...env, HOME: home };
    expect(agentOfSsh(inHome)).toBeNull();
    mkdirSync(join(home, '.ssh', 'config.d'), { recursive: true });
    const config = (text: string): void => writeFileSync(join(home, '.ssh', 'config'), text);
    for (const [text, socket] of [
      ['Host *\n  IdentityAgent ~/.1password/agent.sock\n', join(home, '.1password/agent.sock')],
      ['identityagent="/run/my agent.sock"\n', '/run/my agent.sock'],
      ['IdentityAgent = /run/a\r\n', '/run/a'],
      ['IdentityAgent none\nIdentityAgent SSH_AUTH_SOCK\n# IdentityAgent /no\n', null],
      ['Include config.d/*\n', '/run/included'],
    ] as const) {
      writeFileSync(join(home, '.ssh/config.d/10-a'), 'IdentityAgent /run/included\n');
      config(text);
      expect(agentOfSsh(inHome)).toBe(socket);
    }
    config('IdentityAgent /run/a\n');
    expect(agentOfSsh({ ...inHome, SSH_AUTH_SOCK: '/run/a' })).toBeNull();
    const error = await fault(signText(TEXT, NS, key.line, inHome));
    expect(error).toMatchObject({
      message: expect.stringContaining('IdentityAgent'),
      hint: 'export SSH_AUTH_SOCK=/run/a',
    });
    // A configuration that includes itself comes to an end.
    config(`Include ${join(home, '.ssh/config')}\n`);
    expect(agentOfSsh(inHome)).toBeNull();
  });
});

describe('private keys', () => {
  it.each([
    ['CRLF', (text: string) => text.replaceAll('\n', '\r\n'), 'Windows line ends'],
    ['no last newline', (text: string) => text.trimEnd(), 'lacks the newline'],
    ['one line', (text: string) => text.replaceAll('\n', ' '), 'on one line'],
    ['\\n written out', (text: string) => text.replaceAll('\n', '\\n'), '\\n written out'],
  ])('%s: signs, or is named for what it is', async (_, change, words) => {
    const { file: sound } = pair();
    const path = file(change(readFileSync(sound, 'utf8')), 'id', 0o600);
    const works = [async () => await signText(TEXT, NS, path, env), async () => await examineKey(path, env)];
    for (const work of works) {
      const error = await fault(work());
      expect(error).toMatchObject({ code: 'E_SIGN', message: expect.stringContaining(words) });
      expect(error.hint).not.toContain('passphrase');
    }
  });

  it('a link to one is one, as secret stores lay them', async () => {
    const key = pair();
    const link = join(tempDir(), 'link');
    execFileSync('ln', ['-s', key.file, link]);
    expect(signedBy(await signText(TEXT, NS, link, env), key)).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0 || !isMainThread)(
    'of a user whom the system does not know: named, whatever ssh-keygen says',
    () => {
      expect(userWithoutEntry()).toBeUndefined();
      process.seteuid?.(54_321);
      try {
        expect(userWithoutEntry()).toMatchObject({
          code: 'E_RUN',
          message: expect.stringContaining('has no entry in passwd'),
        });
      } finally {
        process.seteuid?.(0);
      }
    },
  );

  it('in the PEM form say what is missing', async () => {
    const key = pair('rsa', '-b', '2048', '-m', 'PEM');
    expect(await readPublicKey(key.file, env)).toBe(key.line);
    rmSync(`${key.file}.pub`);
    expect(await readPublicKey(key.file, env)).toBe(key.line);
    const error = await fault(signText(TEXT, NS, key.file, env));
    expect(error).toMatchObject({
      message: expect.stringContaining('.pub is missing'),
      hint: `ssh-keygen -y -f ${key.file} > ${key.file}.pub`,
    });
  });

  const hasTerminal = spawnSync('sh', ['-c', ': < /dev/tty'], { stdio: 'ignore' }).status === 0;
  it.skipIf(hasTerminal)('with a passphrase and no terminal: told before it is asked for', async () => {
    const key = pair('ed25519', '-N', 'open sesame');
    const error = await fault(signText(TEXT, NS, key.file, env));
    expect(error.message).toContain('has a passphrase, and there is no terminal');
    expect(error.hint).toContain(`ssh-add ${key.file}`);
  });

  it('with a passphrase: askpass, or an agent that holds it', async () => {
    const key = pair('ed25519', '-N', 'open sesame');
    const askpass = join(tempDir(), 'askpass');
    writeFileSync(askpass, '#!/bin/sh\necho "open sesame"\n', { mode: 0o755 });
    const asking = { ...env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
    expect(signedBy(await signText(TEXT, NS, key.file, asking), key)).toBe(true);
    const told = agentWith();
    execFileSync('ssh-add', ['-q', key.file], { env: { ...asking, ...told } });
    expect(signedBy(await signText(TEXT, NS, key.file, told), key)).toBe(true);
    expect(await readPublicKey(key.file, env)).toBe(key.line);
  });
});
