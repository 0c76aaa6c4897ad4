/**
 * Keys and SSH signatures made with nothing but node:crypto, FIDO ones included: flags, counter and application
 * are whatever a test wants, so no hardware and no agent is needed. `sshsigParts` and `printParts` let a test
 * break one field of an honest signature.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign as rawSign,
} from 'node:crypto';
import { printArmor } from '../../src/trust/armor.ts';
import type { KeyTypeName } from '../../src/trust/key-types.ts';
import { wireString } from '../../src/trust/wire.ts';

export interface KeyOptions {
  /** FIDO application; `ssh:` unless told otherwise. */
  readonly application?: string;
  /** RSA modulus; 2048 unless told otherwise. */
  readonly bits?: number;
  /** Ed25519 only: the same key for the same text, in every run. */
  readonly seed?: string;
}

export interface SignOptions {
  readonly hash?: 'sha256' | 'sha512';
  /** The algorithm inside an RSA signature. */
  readonly rsa?: 'rsa-sha2-256' | 'rsa-sha2-512';
  /** FIDO flags and counter; a touch and 1 unless told otherwise. */
  readonly flags?: number;
  readonly counter?: number;
}

export interface TestKey {
  readonly type: KeyTypeName;
  /** `<type> <base64>` */
  readonly line: string;
  readonly blob: Buffer;
  readonly privateKey: KeyObject;
  readonly sign: (message: Uint8Array | string, namespace: string, options?: SignOptions) => string;
  readonly parts: (message: Uint8Array | string, namespace: string, options?: SignOptions) => SshsigParts;
}

/** Every field of an SSHSIG blob, none of them checked. */
export interface SshsigParts {
  readonly magic: string;
  readonly version: number;
  readonly key: Uint8Array;
  readonly namespace: Uint8Array | string;
  readonly reserved: Uint8Array | string;
  readonly hash: string;
  readonly algorithm: string;
  /** The inner string: 64 bytes, RSA bytes, or two mpints. */
  readonly signature: Buffer;
  /** What follows it: FIDO flags and counter, or nothing. */
  readonly tail: Uint8Array;
  readonly trailing: Uint8Array;
}

export const KEY_TYPES: readonly KeyTypeName[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

export function makeKey(type: KeyTypeName = 'ssh-ed25519', options: KeyOptions = {}): TestKey {
  const privateKey =
    options.seed === undefined ? makePrivateKey(type, options.bits ?? 2048) : seededKey(type, options.seed);
  const application = options.application ?? 'ssh:';
  const fido = isFido(type) ? [wireString(application)] : [];
  const blob = Buffer.concat([wireString(type), ...publicFields(type, privateKey), ...fido]);
  const parts: TestKey['parts'] = (message, namespace, how = {}) =>
    sshsigParts({ type, blob, privateKey, application }, message, namespace, how);
  return {
    type,
    line: `${type} ${blob.toString('base64')}`,
    blob,
    privateKey,
    parts,
    sign: (message, namespace, how) => printParts(parts(message, namespace, how)),
  };
}

/** The blob of an SSHSIG with these fields, right or wrong. */
export function blobOf(parts: SshsigParts): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(parts.version);
  return Buffer.concat([
    Buffer.from(parts.magic, 'latin1'),
    version,
    wireString(parts.key),
    wireString(parts.namespace),
    wireString(parts.reserved),
    wireString(parts.hash),
    wireString(Buffer.concat([wireString(parts.algorithm), wireString(parts.signature), parts.tail])),
    parts.trailing,
  ]);
}

export function printParts(parts: SshsigParts): string {
  return printArmor(blobOf(parts));
}

/** A positive mpint from a big-endian magnitude. */
export function mpint(magnitude: Uint8Array): Buffer {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const bytes = start === -1 ? new Uint8Array() : magnitude.subarray(start);
  return wireString((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** The other ECDSA signature over the same data by the same key: (r, n - s). */
export function twinOf(parts: SshsigParts): Buffer {
  const bytes = Buffer.from(parts.signature);
  const middle = 4 + bytes.readUInt32BE(0);
  const order = CURVE_ORDERS.find(([name]) => parts.algorithm.includes(name))?.[1];
  if (order === undefined) throw new TypeError(`no curve in ${parts.algorithm}`);
  const s = (order - BigInt(`0x${bytes.subarray(middle + 4).toString('hex')}`)).toString(16);
  const magnitude = Buffer.from(s.padStart(s.length + (s.length % 2), '0'), 'hex');
  return Buffer.concat([bytes.subarray(0, middle), mpint(magnitude)]);
}

const CURVE_ORDERS: readonly (readonly [string, bigint])[] = [
  ['nistp256', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  [
    'nistp384',
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ],
  [
    'nistp521',
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
];

/** An Ed25519 signature with S + L for S: the same equation holds, but RFC 8032 refuses it. */
export function addGroupOrder(signature: Uint8Array): Buffer {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = signature.subarray(32).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n) + L;
  const bytes = Buffer.alloc(32);
  for (let [at, rest] = [0, s]; at < 32; at += 1, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return Buffer.concat([signature.subarray(0, 32), bytes]);
}

interface Signer {
  readonly type: KeyTypeName;
  readonly blob: Buffer;
  readonly privateKey: KeyObject;
  readonly application: string;
}

function sshsigParts(
  signer: Signer,
  message: Uint8Array | string,
  namespace: string,
  options: SignOptions,
): SshsigParts {
  const hash = options.hash ?? 'sha512';
  const digest = createHash(hash).update(message).digest();
  const fields = [namespace, '', hash, digest].map(wireString);
  const signed = Buffer.concat([Buffer.from('SSHSIG'), ...fields]);
  const tail = isFido(signer.type) ? fidoTail(options) : Buffer.alloc(0);
  const data = isFido(signer.type)
    ? Buffer.concat([sha256(signer.application), tail, sha256(signed)])
    : signed;
  const algorithm = signer.type === 'ssh-rsa' ? (options.rsa ?? 'rsa-sha2-512') : signer.type;
  return {
    magic: 'SSHSIG',
    version: 1,
    key: signer.blob,
    namespace,
    reserved: '',
    hash,
    algorithm,
    signature: signData(algorithm, data, signer.privateKey),
    tail,
    trailing: Buffer.alloc(0),
  };
}

/** The inner signature string over exactly this data. */
export function signData(algorithm: string, data: Uint8Array, key: KeyObject): Buffer {
  if (algorithm.startsWith('rsa-'))
    return rawSign(algorithm.endsWith('512') ? 'sha512' : 'sha256', data, key);
  if (algorithm.includes('ed25519')) return rawSign(null, data, key);
  const hash = algorithm.endsWith('521') ? 'sha512' : algorithm.endsWith('384') ? 'sha384' : 'sha256';
  const rs = rawSign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  return Buffer.concat([mpint(rs.subarray(0, rs.length / 2)), mpint(rs.subarray(rs.length / 2))]);
}

/**
 * Read again from its text: Node 20 stands still for ever where it tidies up the job that made a key while that very key is
 * exported.
 */
const read = (pem: string): KeyObject => createPrivateKey(pem);

function makePrivateKey(type: KeyTypeName, bits: number): KeyObject {
  if (type === 'ssh-rsa')
    return read(
      generateKeyPairSync('rsa', {
        modulusLength: bits,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      }).privateKey,
    );
  if (type.includes('ed25519'))
    return read(
      generateKeyPairSync('ed25519', {
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      }).privateKey,
    );
  const namedCurve = type.includes('384') ? 'P-384' : type.includes('521') ? 'P-521' : 'P-256';
  return read(
    generateKeyPairSync('ec', {
      namedCurve,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }).privateKey,
  );
}

/** PKCS #8 around 32 bytes of an Ed25519 private key (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function seededKey(type: KeyTypeName, seed: string): KeyObject {
  if (!type.includes('ed25519')) throw new TypeError(`no ${type} from a seed`);
  const key = Buffer.concat([PKCS8_ED25519, sha256(`test key ${seed}`)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function publicFields(type: KeyTypeName, privateKey: KeyObject): Buffer[] {
  const jwk = privateKey.export({ format: 'jwk' });
  if (type === 'ssh-rsa') return [mpint(field(jwk.e)), mpint(field(jwk.n))];
  if (type.includes('ed25519')) return [wireString(field(jwk.x))];
  const curve = type.includes('384') ? 'nistp384' : type.includes('521') ? 'nistp521' : 'nistp256';
  return [wireString(curve), wireString(Buffer.concat([Buffer.from([4]), field(jwk.x), field(jwk.y)]))];
}

function field(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}

function isFido(type: KeyTypeName): boolean {
  return type.startsWith('sk-');
}

function fidoTail(options: SignOptions): Buffer {
  const tail = Buffer.alloc(5);
  tail.writeUInt8(options.flags ?? 0x01);
  tail.writeUInt32BE(options.counter ?? 1, 1);
  return tail;
}

function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest();
}
