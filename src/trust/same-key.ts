/**
 * One raw key is one key, whatever it is wrapped in: who holds the secret half of `ssh-ed25519` can make signatures
 * that verify under the `sk-` key with the same point, flags and counter included (PROTOCOL.u2f signs nothing that only
 * hardware could know).
 */
import { createHash } from 'node:crypto';
import type { Fingerprint } from '../model/names.ts';
import type { PublicKey } from './public-key.ts';
import { WireReader } from './wire.ts';

/** Plain type -> the FIDO type around the same raw key. */
const HARDWARE: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256': 'sk-ecdsa-sha2-nistp256@openssh.com',
};
const PLAIN = new Map(Object.entries(HARDWARE).map(([plain, hardware]) => [hardware, plain]));
/** What `ssh-keygen` writes unless it is told a name; a name that only a revoked spelling had cannot be guessed. */
const APPLICATION = 'ssh:';

export interface RawKey {
  /** Equal for two keys exactly when their raw keys are. */
  readonly id: string;
  /** Of each spelling of it: plain, as a FIDO key for `ssh:`, and as this one is written. */
  readonly fingerprints: readonly Fingerprint[];
}

export function rawKeyOf({ type, blob, application }: PublicKey): RawKey {
  const reader = new WireReader(blob);
  const start = 4 + Buffer.byteLength(reader.text());
  const end = application === null ? blob.length : blob.length - 4 - Buffer.byteLength(application);
  const body = blob.subarray(start, end);
  const plain = PLAIN.get(type) ?? type;
  const hardware = HARDWARE[plain];
  const spellings = [
    Buffer.concat([field(plain), body]),
    ...(hardware === undefined
      ? []
      : [...new Set([APPLICATION, application ?? APPLICATION])].map((one) =>
          Buffer.concat([field(hardware), body, field(one)]),
        )),
  ];
  return {
    id: `${plain} ${Buffer.from(body).toString('base64')}`,
    fingerprints: spellings.map(fingerprintOf),
  };
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** 43 base64 characters after the prefix, by construction. */
const fingerprintOf = (blob: Uint8Array): Fingerprint =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').slice(0, 43)}` as Fingerprint;
