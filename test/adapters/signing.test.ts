import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateKey, readPublicKey, signText } from '../../src/signing/ssh-keygen.ts';
import { codeOf, env, tempDir } from './git-workbench.ts';

const NS = 'pam-approval-v1@pam';
const TEXT = 'pam-statement: v1\ntype: approval\n';
const agents: string[] = [];
afterAll(() => {
  for (const pid of agents) process.kill(Number(pid));
});

function keyPair(type: string, ...more: string[]): string {
  const file = join(tempDir(), 'key');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'a comment', '-f', file, ...more], { env });
  return file;
}

/** Does stock ssh-keygen accept it, for that text and namespace? */
function verifies(armor: string, keyFile: string, text = TEXT, namespace = NS): boolean {
  const dir = tempDir();
  writeFileSync(
    join(dir, 'allowed'),
    `dana namespaces="${namespace}" ${readFileSync(`${keyFile}.pub`, 'utf8')}`,
  );
  writeFileSync(join(dir, 'sig'), armor);
  const args = [
    '-Y',
    'verify',
    '-f',
    join(dir, 'allowed'),
    '-I',
    'dana',
    '-n',
    namespace,
    '-s',
    join(dir, 'sig'),
  ];
  return spawnSync('ssh-keygen', args, { input: text, env }).status === 0;
}

function startAgent(): Readonly<Record<string, string>> {
  const socket = join(tempDir(), 'agent');
  const out = execFileSync('ssh-agent', ['-a', socket], { env, encoding: 'utf8' });
  agents.push(/SSH_AGENT_PID=(\d+)/u.exec(out)?.[1] ?? '');
  return { ...env, SSH_AUTH_SOCK: socket };
}

describe('signing', () => {
  it.each([['ed25519'], ['ecdsa'], ['rsa', '-b', '2048']])(
    'signs with %s so that stock ssh-keygen accepts it',
    async (type, ...more) => {
      const key = keyPair(type, ...more);
      const armor = await signText(TEXT, NS, key, env);
      expect(armor).toMatch(/^-----BEGIN SSH SIGNATURE-----\n/u);
      expect(verifies(armor, key)).toBe(true);
      expect(verifies(armor, key, `${TEXT}\n`)).toBe(false);
      expect(verifies(armor, key, TEXT, 'git')).toBe(false);
    },
  );

  it('signs through an agent with the public half only', async () => {
    const key = keyPair('ed25519');
    const withAgent = startAgent();
    execFileSync('ssh-add', ['-q', key], { env: withAgent });
    rmSync(key);
    const armor = await signText(TEXT, NS, `${key}.pub`, withAgent);
    expect(verifies(armor, key)).toBe(true);
    await expect(signText(TEXT, NS, `${key}.pub`, env)).rejects.toMatchObject({
      code: 'E_SIGN',
      hint: expect.stringContaining('ssh-agent'),
    });
    execFileSync('ssh-add', ['-q', '-D'], { env: withAgent, stdio: 'ignore' });
    await expect(signText(TEXT, NS, `${key}.pub`, withAgent)).rejects.toMatchObject({
      code: 'E_SIGN',
      hint: expect.stringContaining('ssh-add'),
    });
  });

  it('a passphrase is asked for through the askpass program', async () => {
    const key = join(tempDir(), 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', key], { env });
    const askpass = join(tempDir(), 'askpass');
    writeFileSync(askpass, '#!/bin/sh\necho "open sesame"\n', { mode: 0o755 });
    const asking = { ...env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' };
    expect(verifies(await signText(TEXT, NS, key, asking), key)).toBe(true);
    writeFileSync(askpass, '#!/bin/sh\necho wrong\n', { mode: 0o755 });
    expect(await codeOf(signText(TEXT, NS, key, asking))).toBe('E_SIGN');
  });

  it('says what is wrong with a key file', async () => {
    const key = keyPair('ed25519');
    expect(await codeOf(signText(TEXT, NS, join(tempDir(), 'none'), env))).toBe('E_SIGN');
    chmodSync(key, 0o644);
    await expect(signText(TEXT, NS, key, env)).rejects.toMatchObject({
      code: 'E_SIGN',
      hint: `chmod 600 ${key}`,
    });
    const junk = join(tempDir(), 'junk');
    writeFileSync(junk, 'junk\n', { mode: 0o600 });
    expect(await codeOf(signText(TEXT, NS, junk, env))).toBe('E_SIGN');
  });

  it('finds a key below ~', async () => {
    const key = keyPair('ed25519');
    expect(verifies(await signText(TEXT, NS, '~/key', { ...env, HOME: join(key, '..') }), key)).toBe(true);
  });
});

describe('public keys', () => {
  it('come without comment from the .pub file, the public key itself, or the private key', async () => {
    const key = keyPair('ed25519');
    const expected = readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    expect(await readPublicKey(key, env)).toBe(expected);
    expect(await readPublicKey(`${key}.pub`, env)).toBe(expected);
    const alone = join(tempDir(), 'alone');
    copyFileSync(key, alone);
    chmodSync(alone, 0o600);
    expect(await readPublicKey(alone, env)).toBe(expected);
    expect(await codeOf(readPublicKey(join(tempDir(), 'none'), env))).toBe('E_SIGN');
  });
});

describe('new keys', () => {
  it('are ed25519, mode 0600, and never replace a file', async () => {
    const path = join(tempDir(), 'pam-apply');
    const key = await generateKey(path, 'pam-apply', env);
    expect(key).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]+$/u);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(verifies(await signText(TEXT, NS, path, env), path)).toBe(true);
    const before = readFileSync(path, 'utf8');
    expect(await codeOf(generateKey(path, 'again', env))).toBe('E_SIGN');
    expect(readFileSync(path, 'utf8')).toBe(before);
    rmSync(path);
    expect(await codeOf(generateKey(path, 'again', env))).toBe('E_SIGN');
    expect(existsSync(path)).toBe(false);
  });
});
