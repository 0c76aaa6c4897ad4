/**
 * SSH public keys. A key that comes out of here is one that a signature may rest on: its type is one of ours, its
 * size is enough, it is a real point or modulus in its one spelling. Policy and verifier read keys through this
 * same door, so a key that policy would refuse cannot verify either.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { PamError } from '../model/error.ts';
import type { Fingerprint } from '../model/names.ts';
import { decodeBase64 } from './base64.ts';
import { whyNoKeyLine } from './key-line-faults.ts';
import { type EcdsaScheme, type KeyType, type KeyTypeName, keyTypeOf } from './key-types.ts';
import { isCanonicalPoint, isSmallOrder } from './small-order.ts';
import { WireReader } from './wire.ts';

export interface PublicKey {
  readonly type: KeyTypeName;
  /** `<type> <base64>`, without a comment: equal keys have equal lines. */
  readonly line: string;
  readonly blob: Uint8Array;
  readonly fingerprint: Fingerprint;
  /** A FIDO key (`sk-`): its signatures say whether it was touched. */
  readonly hardware: boolean;
  /** The FIDO application, `ssh:` or `ssh:<name>`; `null` for software keys. */
  readonly application: string | null;
  readonly key: KeyObject;
}

/**
 * What `ssh-keygen` lets FIDO keys be made for: `ssh:`, or `ssh:<name>` where one token holds several
 * (`-O application=ssh:work`). Others could belong to a web site; with a colon in it, this is no host.
 */
const APPLICATION = 'ssh:';
const RSA_BITS = { least: 2048, most: 8192 } as const;
/** Longer than any accepted key with any sensible comment. */
const MAX_LINE = 8192;
/** Type, base64, and any comment on one line, as in a `.pub` file with its final newline. */
const LINE = /^([\x21-\x7e]+)[ \t]+([\x21-\x7e]+)(?:[ \t][^\p{Cc}]*)?\r?\n?$/u;

/** Reads `<type> <base64> [comment]`. */
export function parsePublicKey(line: string): PublicKey {
  const match = line.length > MAX_LINE ? null : LINE.exec(line);
  const [, type = '', base64 = ''] = match ?? [];
  const blob = match === null ? undefined : decodeBase64(base64);
  if (blob === undefined) {
    throw new PamError('E_KEY_LINE', whyNoKeyLine(line), {
      hint: 'give the one line of the .pub file: <type> <base64>',
    });
  }
  const key = publicKeyFromBlob(blob);
  if (key.type !== type) {
    throw new PamError(
      'E_KEYTYPE',
      `the key line says ${JSON.stringify(type.slice(0, 64))} but holds ${key.type}`,
    );
  }
  return key;
}

/** Parsing asks OpenSSL about every point, and an audit meets the same few keys thousands of times. */
const parsed = new Map<string, PublicKey>();
const MAX_PARSED = 1024;

/** Reads the key blob that stands in signatures and, as base64, in key lines. */
export function publicKeyFromBlob(blob: Uint8Array): PublicKey {
  const base64 = Buffer.from(blob).toString('base64');
  const known = parsed.get(base64);
  if (known !== undefined) return known;
  const key = readBlob(Buffer.from(base64, 'base64'), base64);
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(base64, key);
  return key;
}

function readBlob(blob: Uint8Array, base64: string): PublicKey {
  const reader = new WireReader(blob);
  const type = keyTypeOf(reader.text());
  const jwk = readJwk(reader, type);
  const application = type.hardware ? readApplication(reader) : null;
  reader.end();
  return {
    type: type.name,
    line: `${type.name} ${base64}`,
    blob,
    // The digest's own form, checked by construction: 43 base64 characters after the prefix.
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').slice(0, 43)}` as Fingerprint,
    hardware: type.hardware,
    application,
    key: importJwk(jwk, type),
  };
}

function readJwk(reader: WireReader, { scheme }: KeyType): JsonWebKey {
  switch (scheme.kind) {
    case 'ed25519':
      return { kty: 'OKP', crv: 'Ed25519', x: base64url(readEdwardsPoint(reader)) };
    case 'ecdsa':
      return { kty: 'EC', crv: scheme.jwk, ...readPoint(reader, scheme) };
    case 'rsa':
      return { kty: 'RSA', ...readRsa(reader) };
  }
}

function readEdwardsPoint(reader: WireReader): Uint8Array {
  const point = reader.string();
  if (point.length !== 32) throw new PamError('E_KEYLEN', 'an ed25519 key is 32 bytes');
  if (isSmallOrder(point)) {
    throw new PamError('E_KEY_SMALL_ORDER', 'this ed25519 key is a trap: anyone can sign anything for it');
  }
  if (!isCanonicalPoint(point)) {
    throw new PamError('E_KEY_ENCODING', 'this ed25519 key is a second spelling of another key');
  }
  return point;
}

function readPoint(reader: WireReader, scheme: EcdsaScheme): { readonly x: string; readonly y: string } {
  if (reader.text() !== scheme.curve) {
    throw new PamError('E_CURVE', `the curve inside the key is not the ${scheme.curve} of its type`);
  }
  const point = reader.string();
  if (point.length !== 1 + 2 * scheme.size || point[0] !== 0x04) {
    throw new PamError('E_KEYLEN', `a ${scheme.curve} key is one uncompressed point`);
  }
  const middle = 1 + scheme.size;
  return { x: base64url(point.subarray(1, middle)), y: base64url(point.subarray(middle)) };
}

function readRsa(reader: WireReader): { readonly e: string; readonly n: string } {
  const e = reader.mpint();
  const n = reader.mpint();
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < RSA_BITS.least || bits > RSA_BITS.most) {
    throw new PamError(
      'E_RSA_BITS',
      `an rsa key of ${bits} bits, allowed are ${RSA_BITS.least} to ${RSA_BITS.most}`,
    );
  }
  const isOne = e.length === 1 && e[0] === 1;
  // With e = 1 a signature is its own proof: anyone can write one.
  if (e.length > 4 || !isOdd(e) || isOne || !isOdd(n)) {
    throw new PamError(
      'E_RSA_EXPONENT',
      'an rsa key needs an odd modulus and an odd exponent from 3 to 32 bits',
    );
  }
  return { e: base64url(e), n: base64url(n) };
}

function readApplication(reader: WireReader): string {
  const application = reader.text();
  if (!application.startsWith(APPLICATION)) {
    throw new PamError(
      'E_SK_APP',
      `a FIDO key for ${JSON.stringify(application.slice(0, 64))}, not for ssh`,
      {
        hint: 'make the key without -O application, or with -O application=ssh:<name>',
      },
    );
  }
  return application;
}

function importJwk(jwk: JsonWebKey, type: KeyType): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    // Lengths were checked before, so what is left for OpenSSL to refuse is a point off its curve.
    throw new PamError('E_CURVE', `the ${type.name} key is not a point on its curve`, { cause });
  }
}

function isOdd(magnitude: Uint8Array): boolean {
  return ((magnitude.at(-1) ?? 0) & 1) === 1;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
