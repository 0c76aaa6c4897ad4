/**
 * Signing and keys through `ssh-keygen`, so that agents, FIDO keys and passphrases work as the person is used to.
 * Its prompts and its complaints go straight to the person's terminal; what we add is the code and the next step.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PamError } from '../model/error.ts';
import { run, type RunResult } from '../process/run.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A person may look for a security key or a passphrase first. */
const PATIENCE_MS = 5 * 60_000;
const MAX_BYTES = 64 * 1024;
const PUBLIC_KEY = /^((?:ssh|ecdsa|sk)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?:[ \t][^\r\n]*)?$/u;
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/=]+\n)+-----END SSH SIGNATURE-----\n$/u;
const PASSED_ON = [
  'PATH',
  'HOME',
  'TERM',
  'SSH_AUTH_SOCK',
  'SSH_ASKPASS',
  'SSH_ASKPASS_REQUIRE',
  'SSH_SK_PROVIDER',
  'SSH_SK_HELPER',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
] as const;

/**
 * The SSHSIG armor over `text` in `namespace`. `keyFile` is a private key, or a public key whose private half is in the
 * agent. Throws `E_SIGN`.
 */
export async function signText(
  text: string,
  namespace: string,
  keyFile: string,
  env: Environment,
): Promise<string> {
  const file = expandHome(keyFile, env);
  const kind = kindOf(file);
  const args = ['-q', '-Y', 'sign', '-f', file, '-n', namespace];
  const { code, stdout } = await keygen(args, env, Buffer.from(text));
  const armor = stdout.toString('utf8');
  if (code === 0 && ARMOR.test(armor)) return armor;
  throw new PamError('E_SIGN', `ssh-keygen did not sign with ${keyFile}`, {
    hint: hintFor(kind, keyFile, env),
  });
}

/** `<type> <base64>` of the key: from `<keyFile>.pub`, or worked out from the private key. Throws `E_SIGN`. */
export async function readPublicKey(keyFile: string, env: Environment): Promise<string> {
  const file = expandHome(keyFile, env);
  for (const path of [file, `${file}.pub`]) {
    const key = publicKeyIn(path);
    if (key !== undefined) return key;
  }
  kindOf(file);
  const { code, stdout } = await keygen(['-y', '-f', file], env);
  const key = code === 0 ? publicKeyOf(stdout.toString('utf8')) : undefined;
  if (key === undefined) throw new PamError('E_SIGN', `${keyFile} is not a key that ssh-keygen can read`);
  return key;
}

/** A new ed25519 key without passphrase, for a service. Mode 0600; never replaces a file. Gives the public key. */
export async function generateKey(path: string, comment: string, env: Environment): Promise<string> {
  for (const each of [path, `${path}.pub`]) {
    if (statSync(each, { throwIfNoEntry: false }) !== undefined) {
      throw new PamError('E_SIGN', `${each} exists already`, { hint: 'name another file for the new key' });
    }
  }
  // Without a terminal ssh-keygen reads its "overwrite?" answer from this empty input, so a race loses nothing either.
  const { code } = await keygen(['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path], env);
  const key = code === 0 ? publicKeyIn(`${path}.pub`) : undefined;
  if (key === undefined) throw new PamError('E_SIGN', `ssh-keygen could not make the key ${path}`);
  return key;
}

/** What the programs of OpenSSH get of the person's environment. */
export function signingEnvironment(env: Environment): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: '/usr/bin:/bin', ...Object.fromEntries(passed), LC_ALL: 'C' };
}

async function keygen(args: readonly string[], env: Environment, stdin?: Uint8Array): Promise<RunResult> {
  return await run('ssh-keygen', args, {
    env: signingEnvironment(env),
    timeoutMs: PATIENCE_MS,
    maxBytes: MAX_BYTES,
    showStderr: true,
    ...(stdin === undefined ? {} : { stdin }),
  });
}

export type KeyKind = 'public' | 'private';

/** What ssh-keygen would only complain about, said with a next step. */
export function kindOf(file: string): KeyKind {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) {
    throw new PamError('E_SIGN', `there is no key file ${file}`, {
      hint: 'name your signing key with --key, PAM_KEY or git config --global user.signingkey',
    });
  }
  if (publicKeyIn(file) !== undefined) return 'public';
  if ((stat.mode & 0o077) !== 0) {
    throw new PamError('E_SIGN', `other users can read the private key ${file}`, {
      hint: `chmod 600 ${file}`,
    });
  }
  return 'private';
}

function hintFor(kind: KeyKind, keyFile: string, env: Environment): string {
  if (kind === 'private')
    return `is it a private key, and the passphrase right? try: ssh-keygen -y -f ${keyFile}`;
  if (env['SSH_AUTH_SOCK'] === undefined)
    return `${keyFile} is a public key and no agent runs: start ssh-agent`;
  return `${keyFile} is a public key: add its private half with ssh-add, and look at ssh-add -l`;
}

export function publicKeyIn(path: string): string | undefined {
  try {
    return publicKeyOf(readFileSync(path, 'utf8').slice(0, MAX_BYTES));
  } catch {
    return undefined;
  }
}

function publicKeyOf(text: string): string | undefined {
  const [, type, blob] = PUBLIC_KEY.exec(text.replace(/\r?\n$/u, '')) ?? [];
  return type === undefined || blob === undefined ? undefined : `${type} ${blob}`;
}

/** As git does for `user.signingkey`. */
export function expandHome(path: string, env: Environment): string {
  const home = env['HOME'];
  return home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : path;
}
