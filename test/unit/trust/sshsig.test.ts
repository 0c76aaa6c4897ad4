import { verify } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printArmor } from '../../../src/trust/armor.ts';
import type { KeyTypeName } from '../../../src/trust/key-types.ts';
import type { Primitive } from '../../../src/trust/raw-signature.ts';
import { verifySshsig } from '../../../src/trust/sshsig.ts';
import { WireReader, wireString } from '../../../src/trust/wire.ts';
import { encodingsOf, smallOrderYs } from '../../support/edwards25519.ts';
import { codeOf } from '../../support/error-code.ts';
import {
  addGroupOrder,
  blobOf,
  KEY_TYPES,
  makeKey,
  mpint,
  printParts,
  type SshsigParts,
  twinOf,
} from '../../support/make-signature.ts';

const NAMESPACE = 'pam-approval-v1@pam';
const MESSAGE = 'pam-statement: v1\ntype: approval\n';

const made = new Map(KEY_TYPES.map((type) => [type, makeKey(type)]));
function keyOf(type: KeyTypeName) {
  const key = made.get(type);
  if (key === undefined) throw new Error(`no test key of type ${type}`);
  return key;
}
const ed = keyOf('ssh-ed25519');
const p256 = keyOf('ecdsa-sha2-nistp256');
const rsa = keyOf('ssh-rsa');
const skEd = keyOf('sk-ssh-ed25519@openssh.com');
const skP256 = keyOf('sk-ecdsa-sha2-nistp256@openssh.com');

const check = (armor: string, message: Uint8Array | string = MESSAGE, namespace = NAMESPACE) =>
  verifySshsig({ message, armor, namespace });
const code = (armor: string, message?: Uint8Array | string) => codeOf(() => check(armor, message));
/** The code for an honest signature with some fields replaced afterwards. */
const broken = (key: typeof ed, change: (parts: SshsigParts) => Partial<SshsigParts>) => {
  const parts = key.parts(MESSAGE, NAMESPACE);
  return code(printParts({ ...parts, ...change(parts) }));
};

const size = (type: KeyTypeName) => (type.endsWith('521') ? 66 : type.endsWith('384') ? 48 : 32);
const isShort = ({ signature }: SshsigParts, full: number) => {
  const reader = new WireReader(signature);
  return reader.mpint().length < full || reader.mpint().length < full;
};
const pair = (...numbers: Uint8Array[]) => Buffer.concat(numbers.map(wireString));
const boom: Primitive = () => {
  throw new TypeError('from inside OpenSSL');
};

describe('good signatures', () => {
  it.each(KEY_TYPES)('[Z5] %s with sha256 and sha512', (type) => {
    const key = keyOf(type);
    for (const hash of ['sha256', 'sha512'] as const) {
      const fido = type.startsWith('sk-');
      expect(check(key.sign(MESSAGE, NAMESPACE, { hash }))).toMatchObject({
        key: { type, line: key.line },
        flags: { touched: fido, verified: false },
        counter: fido ? 1 : null,
        hash,
      });
    }
  });

  it.each([2048, 3072, 4096])('[Z5] RSA of %d bits', (bits) => {
    expect(code(makeKey('ssh-rsa', { bits }).sign(MESSAGE, NAMESPACE))).toBe('ok');
  });

  it('[Z6] the algorithm inside an RSA signature need not be the message hash', () => {
    for (const algorithm of ['rsa-sha2-256', 'rsa-sha2-512'] as const) {
      for (const hash of ['sha256', 'sha512'] as const) {
        expect(check(rsa.sign(MESSAGE, NAMESPACE, { rsa: algorithm, hash })).hash).toBe(hash);
      }
    }
  });

  it.each([skEd, skP256])('[Z8] FIDO counters and flags as the key reports them ($type)', (key) => {
    for (const counter of [0, 1, 0xffff_ffff]) {
      const touched = check(key.sign(MESSAGE, NAMESPACE, { counter, flags: 0x01 }));
      expect(touched).toMatchObject({ counter, flags: { touched: true, verified: false } });
      const verified = check(key.sign(MESSAGE, NAMESPACE, { counter, flags: 0x05 }));
      expect(verified).toMatchObject({ counter, flags: { touched: true, verified: true } });
    }
  });

  it('[Z5] r and s that are shorter than the curve', () => {
    for (const type of KEY_TYPES.filter((one) => one.includes('ecdsa'))) {
      const key = keyOf(type);
      let parts = key.parts(MESSAGE, NAMESPACE);
      for (let round = 0; !isShort(parts, size(type)) && round < 3000; round += 1) {
        parts = key.parts(MESSAGE, NAMESPACE);
      }
      expect(isShort(parts, size(type))).toBe(true);
      expect(code(printParts(parts))).toBe('ok');
    }
  });

  it('a string is its UTF-8 bytes', () => {
    const armor = ed.sign('ä 日本', NAMESPACE);
    expect(code(armor, Buffer.from('ä 日本'))).toBe('ok');
    expect(code(armor, 'ä 日本')).toBe('ok');
  });

  it('[Z3] CRLF armor', () => {
    expect(code(ed.sign(MESSAGE, NAMESPACE).replaceAll('\n', '\r\n'))).toBe('ok');
  });

  it('[D15] the ECDSA twin (r, n - s) is good too, and names the same key', () => {
    for (const type of KEY_TYPES.filter((one) => one.includes('ecdsa'))) {
      const parts = keyOf(type).parts(MESSAGE, NAMESPACE);
      const twin = { ...parts, signature: twinOf(parts) };
      expect(twin.signature).not.toEqual(parts.signature);
      expect(check(printParts(twin)).key).toBe(check(printParts(parts)).key);
    }
  });
});

describe('what was signed', () => {
  it.each(KEY_TYPES)('[D1] another message is not covered (%s)', (type) => {
    const armor = keyOf(type).sign(MESSAGE, NAMESPACE);
    for (const other of [`${MESSAGE}\n`, MESSAGE.trimEnd(), MESSAGE.replaceAll('\n', '\r\n'), '']) {
      expect(code(armor, other)).toBe('E_SIGNATURE');
    }
  });

  it.each([
    'git',
    'file',
    'pam-approval-v1',
    'pam-approval-v1@pam ',
    'PAM-APPROVAL-V1@PAM',
    'pam-stop-v1@pam',
  ])('[D2] namespace %j', (namespace) => {
    expect(code(ed.sign(MESSAGE, namespace))).toBe('E_NAMESPACE');
  });

  it('[D2] a namespace changed after signing', () => {
    const parts = ed.parts(MESSAGE, 'git');
    expect(code(printParts({ ...parts, namespace: NAMESPACE }))).toBe('E_SIGNATURE');
  });

  it('[D3] no namespace, even where the caller wants none', () => {
    expect(code(ed.sign(MESSAGE, ''))).toBe('E_NAMESPACE_EMPTY');
    expect(codeOf(() => check(ed.sign(MESSAGE, ''), MESSAGE, ''))).toBe('E_NAMESPACE_EMPTY');
  });

  it.each([`${NAMESPACE}\0x`, `${NAMESPACE}\n`, 'pam-äpproval'])('[D3] namespace %j', (namespace) => {
    expect(code(ed.sign(MESSAGE, namespace))).toBe('E_BAD_STRING');
  });
});

describe('envelope', () => {
  it.each([0, 2, 0xffff_ffff])('[D7] version %d', (version) => {
    expect(broken(ed, () => ({ version }))).toBe('E_VERSION');
  });

  it.each(['SSHSIX', 'sshsig', '\0SHSIG'])('[D7] magic %j', (magic) => {
    expect(broken(ed, () => ({ magic }))).toBe('E_MAGIC');
  });

  it('a reserved field that is not empty', () => {
    expect(broken(ed, () => ({ reserved: 'x' }))).toBe('E_RESERVED');
  });

  it.each(['sha1', 'SHA512', 'sha384', 'md5', '', 'sha512 '])('[D9] hash %j', (hash) => {
    expect(broken(ed, () => ({ hash }))).toBe('E_HASH');
  });

  it('[D9] the other hash', () => {
    expect(broken(ed, () => ({ hash: 'sha256' }))).toBe('E_SIGNATURE');
  });

  it('bytes after each part', () => {
    const extra = Buffer.from([0]);
    const end = (bytes: Uint8Array) => Buffer.concat([bytes, extra]);
    expect(broken(ed, () => ({ trailing: extra }))).toBe('E_TRAILING');
    expect(broken(ed, () => ({ tail: extra }))).toBe('E_TRAILING');
    expect(broken(ed, ({ key }) => ({ key: end(key) }))).toBe('E_TRAILING');
    expect(broken(skEd, ({ tail }) => ({ tail: end(tail) }))).toBe('E_TRAILING');
    expect(broken(p256, ({ signature }) => ({ signature: end(signature) }))).toBe('E_TRAILING');
  });

  it('[D24] every cut of every type of signature', () => {
    for (const type of KEY_TYPES) {
      const blob = blobOf(keyOf(type).parts(MESSAGE, NAMESPACE));
      for (let cut = 6; cut < blob.length; cut += 1) {
        expect(code(printArmor(blob.subarray(0, cut)))).toBe('E_TRUNCATED');
      }
    }
  });

  it('[D24] lengths that reach past the end', () => {
    const blob = blobOf(ed.parts(MESSAGE, NAMESPACE));
    const starts = [10, 14, 10 + 4 + ed.blob.length];
    for (const at of starts) {
      const long = Buffer.from(blob);
      long.writeUInt32BE(0xffff_ffff, at);
      expect(code(printArmor(long))).toBe('E_TRUNCATED');
    }
  });

  it('[D12] every single bit flip, in every type of signature', () => {
    for (const type of KEY_TYPES) {
      const blob = blobOf(keyOf(type).parts(MESSAGE, NAMESPACE));
      // The bigger keys are slow to check; a step of 5 still meets every byte and, over the bytes, every bit.
      const step = /rsa|384|521/u.test(type) ? 5 : 1;
      for (let bit = 0; bit < blob.length * 8; bit += step) {
        const flipped = Buffer.from(blob);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(code(printArmor(flipped)), `bit ${bit} of ${type}`).toMatch(/^E_/u);
      }
    }
  });

  it('never throws anything but PamError, whatever follows the magic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(code(printArmor(Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), bytes])))).toMatch(/^E_/u);
      }),
    );
  });
});

describe('signature and key', () => {
  it('[D11] an algorithm that does not go with the key', () => {
    expect(broken(ed, () => ({ algorithm: 'ssh-rsa' }))).toBe('E_SIGALG');
    expect(broken(ed, () => ({ algorithm: 'sk-ssh-ed25519@openssh.com' }))).toBe('E_SIGALG');
    expect(broken(skEd, () => ({ algorithm: 'ssh-ed25519' }))).toBe('E_SIGALG');
    expect(broken(p256, () => ({ algorithm: 'ecdsa-sha2-nistp384' }))).toBe('E_SIGALG');
    expect(broken(rsa, () => ({ algorithm: 'ssh-ed25519' }))).toBe('E_SIGALG');
  });

  it('[D11] another key in the envelope', () => {
    expect(broken(ed, () => ({ key: makeKey().blob }))).toBe('E_SIGNATURE');
    expect(broken(ed, () => ({ key: rsa.blob }))).toBe('E_SIGALG');
    expect(broken(p256, () => ({ key: makeKey('ecdsa-sha2-nistp256').blob }))).toBe('E_SIGNATURE');
  });

  it('[D12] an all-zero signature', () => {
    for (const key of [ed, rsa, skEd]) {
      expect(broken(key, ({ signature }) => ({ signature: Buffer.alloc(signature.length) }))).toBe(
        'E_SIGNATURE',
      );
    }
    const one = mpint(Buffer.from([1]));
    expect(broken(p256, () => ({ signature: Buffer.concat([one, one]) }))).toBe('E_SIGNATURE');
    expect(broken(p256, () => ({ signature: Buffer.alloc(8) }))).toBe('E_MPINT');
  });

  it('[D13] Ed25519 with S + L', () => {
    for (const key of [ed, skEd]) {
      expect(broken(key, ({ signature }) => ({ signature: addGroupOrder(signature) }))).toBe('E_SIGNATURE');
    }
  });

  it.each([0, 32, 63, 65, 128])('[D14] an Ed25519 signature of %d bytes', (length) => {
    const sized = (signature: Uint8Array) => Buffer.concat([signature, signature]).subarray(0, length);
    expect(broken(ed, ({ signature }) => ({ signature: sized(signature) }))).toBe('E_SIGNATURE');
  });

  it('[D14] an Ed25519 key of 31 bytes', () => {
    const key = Buffer.concat([wireString('ssh-ed25519'), wireString(ed.blob.subarray(-31))]);
    expect(broken(ed, () => ({ key }))).toBe('E_KEYLEN');
  });

  it('ECDSA numbers that are padded, negative or longer than the curve', () => {
    const { signature } = p256.parts(MESSAGE, NAMESPACE);
    const rLength = signature.readUInt32BE(0);
    const [r, s] = [signature.subarray(4, 4 + rLength), signature.subarray(8 + rLength)];
    expect(broken(p256, () => ({ signature: pair(Buffer.concat([Buffer.alloc(2), r]), s) }))).toBe('E_MPINT');
    expect(broken(p256, () => ({ signature: pair(Buffer.from([0x80, 1]), s) }))).toBe('E_MPINT');
    const long = Buffer.concat([Buffer.from([1]), Buffer.alloc(32)]);
    expect(broken(p256, () => ({ signature: pair(long, s) }))).toBe('E_SIGNATURE');
    expect(broken(p256, () => ({ signature: pair(r) }))).toBe('E_TRUNCATED');
  });

  it('[D18] RSA with SHA-1, with a label that lies, and with the wrong length', () => {
    expect(broken(rsa, () => ({ algorithm: 'ssh-rsa' }))).toBe('E_SIGALG');
    expect(broken(rsa, () => ({ algorithm: 'rsa-sha2-256' }))).toBe('E_SIGNATURE');
    expect(broken(rsa, ({ signature }) => ({ signature: signature.subarray(1) }))).toBe('E_SIGNATURE');
    expect(
      broken(rsa, ({ signature }) => ({ signature: Buffer.concat([Buffer.from([0]), signature]) })),
    ).toBe('E_SIGNATURE');
  });

  it('[C16] RSA-1024, though the signature is good', () => {
    expect(code(makeKey('ssh-rsa', { bits: 1024 }).sign(MESSAGE, NAMESPACE))).toBe('E_RSA_BITS');
  });

  it('[D23] a webauthn signature', () => {
    const algorithm = 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com';
    expect(broken(skP256, () => ({ algorithm }))).toBe('E_SIGALG');
  });

  it('[D28] one forged signature for every message by a small-order key', () => {
    const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);
    const forged = Buffer.concat([identity, Buffer.alloc(32)]);
    for (const point of [...smallOrderYs()].flatMap(encodingsOf)) {
      const key = Buffer.concat([wireString('ssh-ed25519'), wireString(point)]);
      const parts = { ...ed.parts('', NAMESPACE), key, signature: forged };
      for (const message of ['one message', 'and another']) {
        expect(code(printParts(parts), message)).toBe('E_KEY_SMALL_ORDER');
      }
    }
  });
});

describe.each([skEd, skP256])('FIDO ($type)', (key) => {
  const flagged = (flags: number) => code(key.sign(MESSAGE, NAMESPACE, { flags }));
  const withTail = (change: (tail: Buffer) => void) =>
    broken(key, ({ tail }) => {
      const changed = Buffer.from(tail);
      change(changed);
      return { tail: changed };
    });

  it('[D19, R4] nobody touched it, though the signature is good', () => {
    expect(flagged(0x00)).toBe('E_SK_NO_TOUCH');
    expect(flagged(0x04)).toBe('E_SK_NO_TOUCH');
  });

  it.each([0x02, 0x03, 0x08, 0x41, 0x45, 0x80, 0x81, 0xc5, 0xff])('[D19] flags %d', (flags) => {
    expect(flagged(flags)).toBe('E_SK_FLAGS');
  });

  it('[D20] flags raised and counter changed after signing', () => {
    expect(withTail((tail) => tail.writeUInt8(0x05))).toBe('E_SIGNATURE');
    expect(withTail((tail) => tail.writeUInt32BE(2, 1))).toBe('E_SIGNATURE');
    const untouched = key.parts(MESSAGE, NAMESPACE, { flags: 0 });
    const raised = Buffer.concat([Buffer.from([1]), untouched.tail.subarray(1)]);
    expect(code(printParts({ ...untouched, tail: raised }))).toBe('E_SIGNATURE');
  });

  it('[D22] another application, though the signature is good', () => {
    for (const application of ['evil.example', 'https://evil.example', '']) {
      expect(code(makeKey(key.type, { application }).sign(MESSAGE, NAMESPACE))).toBe('E_SK_APP');
    }
  });

  it('a signature without flags and counter', () => {
    expect(broken(key, () => ({ tail: Buffer.alloc(0) }))).toBe('E_TRUNCATED');
  });
});

describe('[D25] only the value true is a yes', () => {
  const answers: readonly unknown[] = [
    new Error('bad'),
    {},
    1,
    'true',
    [],
    Promise.resolve(true),
    false,
    null,
    undefined,
  ];

  it.each(KEY_TYPES)('%s', (type) => {
    const armor = keyOf(type).sign(MESSAGE, NAMESPACE);
    const by = (primitive: Primitive) =>
      codeOf(() => verifySshsig({ message: MESSAGE, armor, namespace: NAMESPACE }, primitive));
    for (const answer of answers) expect(by(() => answer)).toBe('E_SIGNATURE');
    expect(by(() => true)).toBe('ok');
    expect(by(verify)).toBe('ok');
  });

  it('a primitive that throws is a refusal', () => {
    const armor = ed.sign(MESSAGE, NAMESPACE);
    expect(codeOf(() => verifySshsig({ message: MESSAGE, armor, namespace: NAMESPACE }, boom))).toBe(
      'E_SIGNATURE',
    );
  });

  it('[D14, D18] a signature of the wrong length is refused whatever the primitive says', () => {
    for (const key of [ed, rsa]) {
      const parts = key.parts(MESSAGE, NAMESPACE);
      for (const signature of [
        parts.signature.subarray(1),
        Buffer.concat([Buffer.alloc(1), parts.signature]),
      ]) {
        const armor = printParts({ ...parts, signature });
        const input = { message: MESSAGE, armor, namespace: NAMESPACE };
        expect(codeOf(() => verifySshsig(input, () => true))).toBe('E_SIGNATURE');
      }
    }
  });
});
