/**
 * OpenSSH user certificates (PROTOCOL.certkeys), read in process: what `ssh-keygen -L` prints is for terminals and
 * passes raw bytes through. A certificate is never interpreted here, only compared with the terms it must carry.
 */
import { expected, PamError } from '../../model/error.ts';
import type { Fingerprint } from '../../model/names.ts';
import { decodeBase64 } from '../../trust/base64.ts';
import { type KeyType, keyTypeOf } from '../../trust/key-types.ts';
import { readCertifiedKey } from '../../trust/certified-key.ts';
import { parsePublicKey, publicKeyFromBlob } from '../../trust/public-key.ts';
import { checkRawSignature, type RawSignature } from '../../trust/raw-signature.ts';
import { WireReader } from '../../trust/wire.ts';

const USER = 1;
const LINE = /^([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/=]{1,16384})$/u;

/** Exactly what a certificate must say; anything else in it is a fault. */
export interface CertificateTerms {
  /** `<type> <base64>` of the certified key. */
  readonly loginKey: string;
  readonly ca: Fingerprint;
  readonly serial: bigint;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Unix seconds; valid from `after` (included) to `before` (not included). */
  readonly after: bigint;
  readonly before: bigint;
  readonly extensions: readonly string[];
}

/** `undefined` when the `<type> <base64>` line is a certificate on exactly these terms, signed by that CA. */
export function faultOfCertificate(line: string, terms: CertificateTerms): string | undefined {
  try {
    const certificate = parseCertificate(line);
    const differing = differences(certificate, terms);
    if (differing.length > 0) return `the certificate differs in: ${differing.join(', ')}`;
    checkSignature(certificate);
    return undefined;
  } catch (cause) {
    return `the certificate is not good: ${expected(cause).message}`;
  }
}

interface Certificate {
  /** The certified key's own blob, as in its `.pub` line. */
  readonly key: Uint8Array;
  readonly serial: bigint;
  readonly kind: number;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly after: bigint;
  readonly before: bigint;
  readonly criticalOptions: readonly string[];
  readonly extensions: readonly string[];
  readonly reserved: Uint8Array;
  readonly caKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly signed: Uint8Array;
}

function parseCertificate(line: string): Certificate {
  const [, type = '', base64 = ''] = LINE.exec(line) ?? [];
  const blob = decodeBase64(base64);
  if (blob === undefined || blob.length === 0) {
    throw new PamError('E_KEY_LINE', 'this is not a certificate line');
  }
  const reader = new WireReader(blob);
  if (reader.text() !== type) throw new PamError('E_KEYTYPE', 'the line says another type than it holds');
  reader.string(); // nonce
  const key = readCertifiedKey(reader, type);
  const certificate = {
    key,
    serial: uint64(reader),
    kind: reader.uint32(),
    keyId: reader.text(),
    principals: texts(reader.string()),
    after: uint64(reader),
    before: uint64(reader),
    criticalOptions: flags(reader.string()),
    extensions: flags(reader.string()),
    reserved: reader.string(),
    caKey: reader.string(),
    signature: reader.string(),
  };
  reader.end();
  // The signature is the last field and covers everything before it.
  return { ...certificate, signed: blob.subarray(0, blob.length - 4 - certificate.signature.length) };
}

function differences(found: Certificate, terms: CertificateTerms): string[] {
  const holds: Readonly<Record<string, boolean>> = {
    kind: found.kind === USER,
    serial: found.serial === terms.serial,
    'key id': found.keyId === terms.keyId,
    // No principals would mean any principal.
    principals: terms.principals.length > 0 && sameTexts(found.principals, terms.principals),
    'valid after': found.after === terms.after,
    'valid before': found.before === terms.before,
    'critical options': found.criticalOptions.length === 0,
    extensions: sameTexts(found.extensions.toSorted(), terms.extensions.toSorted()),
    reserved: found.reserved.length === 0,
    'certified key': Buffer.compare(found.key, parsePublicKey(terms.loginKey).blob) === 0,
    'signing CA': publicKeyFromBlob(found.caKey).fingerprint === terms.ca,
  };
  return Object.keys(holds).filter((name) => holds[name] !== true);
}

function checkSignature({ caKey, signature, signed }: Certificate): void {
  const ca = publicKeyFromBlob(caKey);
  const reader = new WireReader(signature);
  const algorithm = reader.text();
  const bytes = reader.string();
  reader.end();
  checkRawSignature({ key: ca.key, data: signed, ...rawSignature(keyTypeOf(ca.type), algorithm, bytes) });
}

function rawSignature(
  type: KeyType,
  algorithm: string,
  bytes: Uint8Array,
): Pick<RawSignature, 'scheme' | 'signature'> {
  if (type.hardware) throw new PamError('E_SIGALG', 'a FIDO key cannot sign certificates for pam');
  const { scheme } = type;
  switch (scheme.kind) {
    case 'rsa': {
      if (algorithm !== 'rsa-sha2-512' && algorithm !== 'rsa-sha2-256') break;
      const hash = algorithm === 'rsa-sha2-512' ? 'sha512' : 'sha256';
      return { scheme: { kind: 'rsa', hash }, signature: bytes };
    }
    case 'ed25519':
      if (algorithm !== type.name) break;
      return { scheme, signature: bytes };
    case 'ecdsa': {
      if (algorithm !== type.name) break;
      const numbers = new WireReader(bytes);
      const padded = [numbers.mpint(), numbers.mpint()].map((number) =>
        Buffer.concat([Buffer.alloc(Math.max(0, scheme.size - number.length)), number]),
      );
      numbers.end();
      return { scheme, signature: Buffer.concat(padded) };
    }
  }
  throw new PamError('E_SIGALG', 'the CA signed with an algorithm that does not go with its key');
}

function texts(bytes: Uint8Array): string[] {
  const reader = new WireReader(bytes);
  const all: string[] = [];
  for (let left = bytes.length; left > 0; ) {
    const text = reader.text();
    left -= 4 + text.length;
    all.push(text);
  }
  return all;
}

/** Names of options; one with a value is shown with it, so that it equals no plain name. */
function flags(bytes: Uint8Array): string[] {
  const reader = new WireReader(bytes);
  const all: string[] = [];
  for (let left = bytes.length; left > 0; ) {
    const name = reader.text();
    const value = reader.string();
    left -= 8 + name.length + value.length;
    all.push(value.length === 0 ? name : `${name}=${Buffer.from(value).toString('hex')}`);
  }
  return all;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function uint64(reader: WireReader): bigint {
  return Buffer.from(reader.raw(8)).readBigUInt64BE();
}
