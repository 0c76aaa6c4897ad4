/**
 * How an executor signs. Its key mostly lies beside it without a passphrase, and starting `ssh-keygen` takes a hundred
 * times as long as the signature: such a key signs in this process. Ed25519 has one signature for one text, so the bytes
 * are those of `ssh-keygen`. Every other key, and every doubt about this one, goes to `ssh-keygen`.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { makeEd25519Sshsig } from '../trust/make-sshsig.ts';
import { bodyOfKeyFile, ed25519KeyIn } from '../trust/openssh-key.ts';
import type { Environment } from './environment.ts';
import { readKeyFile } from './key-file.ts';
import { expandHome, publicBeside } from './named-key.ts';
import { signText } from './ssh-keygen.ts';

/** An ed25519 key takes some 400, with its comment. */
const MAX_KEY_BYTES = 8192;
/** PKCS #8 around the 32 bytes of an Ed25519 private key (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** As `signText`, with the same bytes and the same errors. */
export async function signAsExecutor(
  text: string,
  namespace: string,
  keyFile: string,
  env: Environment,
): Promise<string> {
  return signHere(text, namespace, keyFile, env) ?? (await signText(text, namespace, keyFile, env));
}

/** `undefined`: ssh-keygen has to look at it. An agent comes first there, so nothing is signed past one. */
export function signHere(
  text: string,
  namespace: string,
  keyFile: string,
  env: Environment,
): string | undefined {
  if ((env['SSH_AUTH_SOCK'] ?? '') !== '') return undefined;
  const path = expandHome(keyFile, env);
  const file = readKeyFile(path, MAX_KEY_BYTES);
  if (file === undefined) return undefined;
  const body = (file.mode & 0o077) === 0 ? bodyOfKeyFile(file.bytes) : undefined;
  file.bytes.fill(0);
  if (body === undefined) return undefined;
  try {
    const found = ed25519KeyIn(body);
    if (found === undefined || !isBeside(path, found.blob)) return undefined;
    const key = keyOf(found.seed, found.point);
    if (key === undefined) return undefined;
    return makeEd25519Sshsig(text, namespace, found.blob, (data) => sign(null, data, key));
  } catch {
    // An OpenSSL that was told not to know ed25519.
    return undefined;
  } finally {
    body.fill(0);
  }
}

/** ssh-keygen takes the public half from `<file>.pub` where there is one, and refuses when the private one is another. */
function isBeside(path: string, blob: Buffer): boolean {
  if (lstatSync(`${path}.pub`, { throwIfNoEntry: false }) === undefined) return true;
  return publicBeside(path) === `ssh-ed25519 ${blob.toString('base64')}`;
}

/** With a public half that is not its own, a private key gives itself away by what it signs. */
function keyOf(seed: Uint8Array, point: Uint8Array): KeyObject | undefined {
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  try {
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const own = createPublicKey(key).export({ format: 'jwk' }).x;
    return own === Buffer.from(point).toString('base64url') ? key : undefined;
  } finally {
    der.fill(0);
  }
}
