/**
 * Keys with a name, the same in every run, that sign in process: a history of half a million signatures is made in
 * a minute. They are real: `writeKeyFiles` writes them as `ssh-keygen` does, and stock `ssh-keygen` verifies them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wireString } from '../../src/trust/wire.ts';
import { makeKey, type TestKey } from '../support/make-signature.ts';

const made = new Map<string, TestKey>();

export function keyNamed(name: string): TestKey {
  const key = made.get(name) ?? makeKey('ssh-ed25519', { seed: `bench ${name}` });
  made.set(name, key);
  return key;
}

/** `<dir>/<name>` and `<dir>/<name>.pub`. */
export function writeKeyFiles(dir: string, names: readonly string[]): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const name of names) {
    writeFileSync(join(dir, name), privateKeyText(keyNamed(name), name), { mode: 0o600 });
    writeFileSync(join(dir, `${name}.pub`), `${keyNamed(name).line} ${name}\n`);
  }
}

/** OpenSSH's own format (PROTOCOL.key), without a passphrase. */
function privateKeyText({ blob, privateKey }: TestKey, comment: string): string {
  const { x, d } = privateKey.export({ format: 'jwk' });
  const point = Buffer.from(x ?? '', 'base64url');
  const secret = Buffer.from(d ?? '', 'base64url');
  const check = Buffer.from([1, 2, 3, 4]);
  const inner = Buffer.concat([
    check,
    check,
    wireString('ssh-ed25519'),
    wireString(point),
    wireString(Buffer.concat([secret, point])),
    wireString(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, at) => at + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const parts = ['none', 'none', ''].map(wireString);
  const body = [...parts, one, wireString(blob), wireString(Buffer.concat([inner, padding]))];
  const base64 = Buffer.concat([Buffer.from('openssh-key-v1\0'), ...body]).toString('base64');
  const lines = base64.match(/.{1,70}/gu) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}
