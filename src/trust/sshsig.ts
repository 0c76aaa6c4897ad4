/**
 * OpenSSH signatures (PROTOCOL.sshsig, PROTOCOL.u2f), checked in process and stricter than `ssh-keygen -Y verify`:
 * whatever passes here passes there.
 *
 * The answer is "this key signed these bytes in this namespace". Whose key it is, and whether it counts, is for
 * others to say. A refusal is always a `PamError`; nothing is ever returned for a signature that is not good.
 */
import { hash as hashOf } from 'node:crypto';
import type { Flags } from '../model/decision.ts';
import { expected, PamError } from '../model/error.ts';
import { MAX_SIGNED_BYTES, parseArmor } from './armor.ts';
import { type EcdsaScheme, keyTypeOf } from './key-types.ts';
import { type PublicKey, publicKeyFromBlob } from './public-key.ts';
import {
  checkRawSignature,
  checkRawSignatureAside,
  type Primitive,
  type RawSignature,
} from './raw-signature.ts';
import { WireReader, wireString } from './wire.ts';

export interface SshsigInput {
  /** The exact bytes that were signed (a string counts as its UTF-8 bytes). */
  readonly message: Uint8Array | string;
  readonly armor: string;
  readonly namespace: string;
}

export interface VerifiedSignature {
  readonly key: PublicKey;
  readonly flags: Flags;
  /** A FIDO key's own count of its signatures; some keys keep it at 0. `null` for software keys. */
  readonly counter: number | null;
  readonly hash: MessageHash;
}

export type MessageHash = 'sha256' | 'sha512';

export const MAGIC = 'SSHSIG';
export const VERSION = 1;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** Throws `PamError` unless the armor is a good signature over the message in the namespace. */
export function verifySshsig(input: SshsigInput, primitive?: Primitive): VerifiedSignature {
  const words = primitive === undefined ? wordsOf(input) : undefined;
  const known = words === undefined ? undefined : found.get(words);
  if (known !== undefined) return known;
  const { raw, says } = readSshsig(input);
  checkRawSignature(raw, primitive);
  keep(words, says);
  return says;
}

/**
 * The key of a good signature over the message in whatever namespace it names; `undefined` where it is none. It says who
 * signed these bytes, never what for: nothing is believed for it.
 */
export function keyInAnyNamespace({ message, armor }: Omit<SshsigInput, 'namespace'>): PublicKey | undefined {
  try {
    const { namespace } = readEnvelope(parseArmor(armor));
    return verifySshsig({ message, armor, namespace }).key;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/**
 * The same on another core. A caller with many signatures starts them all, and then asks one by one: a good
 * one is found again.
 */
export async function verifySshsigAside(input: SshsigInput): Promise<VerifiedSignature> {
  const { raw, says } = readSshsig(input);
  await checkRawSignatureAside(raw);
  keep(wordsOf(input), says);
  return says;
}

/**
 * Statements that were found good a moment ago, by every byte that went into the answer: rules ask more than once
 * (which entry does it name? does it count?). It forgets, and does not outlive the process; what is not good is
 * looked at each time.
 */
const found = new Map<string, VerifiedSignature>();
const MOST_FOUND = 1024;

/** Only of texts: bytes that look like the same text are not the same message. */
function wordsOf({ message, armor, namespace }: SshsigInput): string | undefined {
  if (typeof message !== 'string' || message.length > MAX_SIGNED_BYTES) return undefined;
  return `${namespace.length} ${armor.length} ${namespace}${armor}${message}`;
}

function keep(words: string | undefined, says: VerifiedSignature): void {
  if (words === undefined) return;
  const [oldest] = found.keys();
  if (oldest !== undefined && found.size >= MOST_FOUND) found.delete(oldest);
  found.set(words, says);
}

interface ReadSshsig {
  readonly raw: RawSignature;
  /** True only once `raw` was checked. */
  readonly says: VerifiedSignature;
}

function readSshsig(input: SshsigInput): ReadSshsig {
  const envelope = readEnvelope(parseArmor(input.armor));
  if (envelope.namespace !== input.namespace) {
    const namespaces = `${JSON.stringify(envelope.namespace.slice(0, 64))}, not ${JSON.stringify(input.namespace)}`;
    throw new PamError('E_NAMESPACE', `the signature was made for ${namespaces}`);
  }
  const { key, hash } = envelope;
  const data = signedData(input.message, input.namespace, hash);
  const { raw, flags, counter } = readSignature(envelope.signature, key, data);
  return { raw, says: { key, flags, counter, hash } };
}

/** The version and the key stand outside what is signed; the reserved field is empty or was refused. */
export function signedData(message: Uint8Array | string, namespace: string, hash: MessageHash): Buffer {
  const signed = [namespace, '', hash, hashOf(hash, message, 'buffer')].map(wireString);
  return Buffer.concat([Buffer.from(MAGIC), ...signed]);
}

interface Envelope {
  readonly key: PublicKey;
  readonly namespace: string;
  readonly hash: MessageHash;
  readonly signature: Uint8Array;
}

function readEnvelope(blob: Uint8Array): Envelope {
  const reader = new WireReader(blob);
  if (Buffer.from(reader.raw(MAGIC.length)).toString('latin1') !== MAGIC) {
    throw new PamError('E_MAGIC', 'this is not an ssh signature');
  }
  const version = reader.uint32();
  if (version !== VERSION) throw new PamError('E_VERSION', `signature version ${version}, only 1 is known`);
  const key = publicKeyFromBlob(reader.string());
  const namespace = reader.text();
  if (namespace === '') throw new PamError('E_NAMESPACE_EMPTY', 'the signature names no namespace');
  if (reader.string().length > 0) {
    throw new PamError('E_RESERVED', 'the reserved field, which nothing signs, is not empty');
  }
  const hash = readHash(reader);
  const signature = reader.string();
  reader.end();
  return { key, namespace, hash, signature };
}

function readHash(reader: WireReader): MessageHash {
  const hash = reader.text();
  if (hash === 'sha256' || hash === 'sha512') return hash;
  throw new PamError(
    'E_HASH',
    `message hash ${JSON.stringify(hash.slice(0, 64))}, only sha256 and sha512 are known`,
  );
}

interface ReadSignature {
  readonly raw: RawSignature;
  readonly flags: Flags;
  readonly counter: number | null;
}

function readSignature(bytes: Uint8Array, key: PublicKey, data: Uint8Array): ReadSignature {
  const reader = new WireReader(bytes);
  const partly = readByScheme(reader, key);
  if (!key.hardware) {
    reader.end();
    return { raw: { ...partly, data }, flags: { touched: false, verified: false }, counter: null };
  }
  const flagByte = reader.byte();
  const counter = reader.uint32();
  reader.end();
  const claim = Buffer.alloc(5);
  claim.writeUInt8(flagByte);
  claim.writeUInt32BE(counter, 1);
  const said = [sha256(key.application ?? ''), claim, sha256(data)];
  return { raw: { ...partly, data: Buffer.concat(said) }, flags: readFlags(flagByte), counter };
}

function readByScheme(reader: WireReader, key: PublicKey): Omit<RawSignature, 'data'> {
  const algorithm = reader.text();
  const { scheme } = keyTypeOf(key.type);
  if (scheme.kind === 'rsa') {
    const hash = rsaHash(algorithm);
    return { key: key.key, scheme: { kind: 'rsa', hash }, signature: reader.string() };
  }
  if (algorithm !== key.type) throw wrongAlgorithm(algorithm, key.type);
  const signature = reader.string();
  return { key: key.key, scheme, signature: scheme.kind === 'ecdsa' ? joinRs(signature, scheme) : signature };
}

/** `ssh-rsa` as a signature algorithm means SHA-1. */
function rsaHash(algorithm: string): 'sha256' | 'sha512' {
  if (algorithm === 'rsa-sha2-512') return 'sha512';
  if (algorithm === 'rsa-sha2-256') return 'sha256';
  throw wrongAlgorithm(algorithm, 'ssh-rsa');
}

function wrongAlgorithm(algorithm: string, type: string): PamError {
  const shown = JSON.stringify(algorithm.slice(0, 64));
  return new PamError('E_SIGALG', `signature algorithm ${shown} does not go with a key of type ${type}`);
}

/** `mpint r, mpint s` as the fixed-width `r || s` that OpenSSL takes. */
function joinRs(bytes: Uint8Array, { size }: EcdsaScheme): Uint8Array {
  const reader = new WireReader(bytes);
  const numbers = [reader.mpint(), reader.mpint()];
  reader.end();
  return Buffer.concat(
    numbers.map((number) => {
      if (number.length > size) throw new PamError('E_SIGNATURE', 'r or s is longer than the curve');
      return Buffer.concat([Buffer.alloc(size - number.length), number]);
    }),
  );
}

/** A FIDO signature without a touch proves no person, so it is refused whatever policy says. */
function readFlags(byte: number): Flags {
  if ((byte & ~(USER_PRESENT | USER_VERIFIED)) !== 0) {
    throw new PamError(
      'E_SK_FLAGS',
      `the key reports unknown flags: 0x${byte.toString(16).padStart(2, '0')}`,
    );
  }
  if ((byte & USER_PRESENT) === 0) {
    throw new PamError('E_SK_NO_TOUCH', 'the key was not touched when it signed', {
      hint: 'use a key that was made without -O no-touch-required',
    });
  }
  return { touched: true, verified: (byte & USER_VERIFIED) !== 0 };
}

function sha256(bytes: Uint8Array | string): Buffer {
  return hashOf('sha256', bytes, 'buffer');
}
