import { createHash, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFingerprint } from '../../../src/model/names.ts';
import { type PublicKey, parsePublicKey, publicKeyFromBlob } from '../../../src/trust/public-key.ts';
import { encodingsOf, littleEndian, P, smallOrderYs } from '../../support/edwards25519.ts';
import { codeOf } from '../../support/error-code.ts';
import { KEY_TYPES, makeKey, mpint } from '../../support/make-signature.ts';
import { wireString } from '../../../src/trust/wire.ts';

const blobWith = (...fields: (Uint8Array | string)[]) => Buffer.concat(fields.map(wireString));
const ed25519 = (point: Uint8Array) => blobWith('ssh-ed25519', point);
const code = (blob: Uint8Array) => codeOf(() => publicKeyFromBlob(blob));

/** An RSA key blob with a random odd modulus of exactly so many bits; nobody knows its private half. */
function rsaBlob(bits: number, e: Uint8Array = Buffer.from([1, 0, 1])): Buffer {
  const n = randomBytes(Math.ceil(bits / 8));
  const top = (bits - 1) % 8;
  n[0] = ((n[0] ?? 0) & ((2 << top) - 1)) | (1 << top);
  n[n.length - 1] = (n.at(-1) ?? 0) | 1;
  return Buffer.concat([wireString('ssh-rsa'), mpint(e), mpint(n)]);
}

const p256 = (q: Uint8Array) => code(blobWith('ecdsa-sha2-nistp256', 'nistp256', q));

const refusal = (type: string) => () => publicKeyFromBlob(blobWith(type));

describe('accepted keys', () => {
  it.each(KEY_TYPES)('[Z5] %s, with everything that is known about it', (type) => {
    const made = makeKey(type);
    const key: PublicKey = parsePublicKey(`${made.line} someone@laptop, 2nd key\n`);
    const fido = type.startsWith('sk-');
    expect(key).toMatchObject({ type, line: made.line, hardware: fido, application: fido ? 'ssh:' : null });
    expect(Buffer.from(key.blob)).toEqual(made.blob);
    expect(isFingerprint(key.fingerprint)).toBe(true);
    expect(key.key.asymmetricKeyType).toBe(made.privateKey.asymmetricKeyType);
    expect(publicKeyFromBlob(made.blob)).toBe(key);
  });

  it('a fingerprint is unpadded base64 SHA-256 of the blob', () => {
    const { line, blob } = makeKey();
    const base64 = createHash('sha256').update(blob).digest('base64').replace('=', '');
    expect(parsePublicKey(line).fingerprint).toBe(`SHA256:${base64}`);
  });

  it.each([2048, 2049, 2055, 3072, 4096, 8192])('[Z5] RSA of %d bits', (bits) => {
    expect(code(rsaBlob(bits))).toBe('ok');
  });

  it('a caller that scribbles on its own bytes changes no known key', () => {
    const { blob, line } = makeKey();
    const mine = Buffer.from(blob);
    publicKeyFromBlob(mine);
    mine.fill(0);
    expect(publicKeyFromBlob(blob).line).toBe(line);
    expect(Buffer.from(publicKeyFromBlob(blob).blob)).toEqual(blob);
  });

  it('forgets rather than grows', () => {
    const { blob } = makeKey();
    const before = publicKeyFromBlob(blob);
    for (let n = 0; n < 1100; n += 1) code(ed25519(makePoint(n)));
    expect(publicKeyFromBlob(blob)).not.toBe(before);
    expect(publicKeyFromBlob(blob).line).toBe(before.line);
  });
});

/** Bytes that are in the form of a key; whether they are a point does not matter here. */
function makePoint(n: number): Buffer {
  const point = Buffer.alloc(32, 7);
  point.writeUInt32BE(n);
  return point;
}

describe('refused keys', () => {
  it.each([
    ['ssh-dss'],
    ['ssh-ed25519-cert-v01@openssh.com'],
    ['ssh-rsa-cert-v01@openssh.com'],
    ['sk-ssh-ed25519-cert-v01@openssh.com'],
    ['webauthn-sk-ecdsa-sha2-nistp256@openssh.com'],
    ['ssh-mldsa44-ed25519@openssh.com'],
    ['ecdsa-sha2-nistp192'],
    ['ecdsa-sha2-1.3.132.0.10'],
    ['ssh-ed448'],
    ['rsa-sha2-512'],
    ['SSH-ED25519'],
    ['__proto__'],
    ['constructor'],
    [''],
  ])('[C16, C13, D23] type %j', (type) => {
    expect(code(blobWith(type, Buffer.alloc(32, 9)))).toBe('E_KEYTYPE');
  });

  it('each named type is named in the refusal', () => {
    expect(refusal('ssh-mldsa44-ed25519@openssh.com')).toThrow(/post-quantum.*mldsa44/u);
    expect(refusal('ssh-ed25519-cert-v01@openssh.com')).toThrow(/certificate/u);
    expect(refusal('webauthn-sk-ecdsa-sha2-nistp256@openssh.com')).toThrow(/webauthn/u);
    expect(refusal('ssh-dss')).toThrow(/dsa/u);
  });

  it.each([1024, 2047, 8193, 16_384])('[C16] RSA of %d bits', (bits) => {
    expect(code(rsaBlob(bits))).toBe('E_RSA_BITS');
  });

  it.each([
    ['1, with which anyone can sign', [1]],
    ['even', [2]],
    ['65536', [1, 0, 0]],
    ['of 33 bits', [1, 0, 0, 0, 1]],
  ])('RSA exponent %s', (_, e) => {
    expect(code(rsaBlob(2048, Buffer.from(e)))).toBe('E_RSA_EXPONENT');
  });

  it('RSA with an even modulus, or with padded, zero or negative integers', () => {
    const n = Buffer.alloc(256, 0xff);
    const e = Buffer.from([1, 0, 1]);
    const even = Buffer.from(n);
    even[255] = 0xfe;
    expect(code(Buffer.concat([wireString('ssh-rsa'), mpint(e), mpint(even)]))).toBe('E_RSA_EXPONENT');
    expect(code(blobWith('ssh-rsa', Buffer.concat([Buffer.from([0]), e]), n))).toBe('E_MPINT');
    expect(code(blobWith('ssh-rsa', '', n))).toBe('E_MPINT');
    expect(code(blobWith('ssh-rsa', e, n))).toBe('E_MPINT');
    expect(code(blobWith('ssh-rsa', e, Buffer.concat([Buffer.from([0, 0]), n])))).toBe('E_MPINT');
  });

  it.each([0, 31, 33, 64])('[D14] an Ed25519 key of %d bytes', (length) => {
    expect(code(ed25519(Buffer.alloc(length, 9)))).toBe('E_KEYLEN');
    expect(code(blobWith('sk-ssh-ed25519@openssh.com', Buffer.alloc(length, 9), 'ssh:'))).toBe('E_KEYLEN');
  });

  it('[C24] all small-order Ed25519 encodings, as software and as FIDO keys', () => {
    const points = [...smallOrderYs()].flatMap(encodingsOf);
    expect(points).toHaveLength(14);
    for (const point of points) {
      expect(code(ed25519(point))).toBe('E_KEY_SMALL_ORDER');
      expect(code(blobWith('sk-ssh-ed25519@openssh.com', point, 'ssh:'))).toBe('E_KEY_SMALL_ORDER');
    }
  });

  it('an Ed25519 key that is a second spelling of another', () => {
    expect(code(ed25519(littleEndian(P + 3n)))).toBe('E_KEY_ENCODING');
  });

  it('[D17] a curve that is not the one of the type', () => {
    const { blob } = makeKey('ecdsa-sha2-nistp256');
    const point = blob.subarray(-65);
    expect(code(blobWith('ecdsa-sha2-nistp256', 'nistp256', point))).toBe('ok');
    expect(code(blobWith('ecdsa-sha2-nistp256', 'nistp384', point))).toBe('E_CURVE');
    expect(code(blobWith('ecdsa-sha2-nistp384', 'nistp384', point))).toBe('E_KEYLEN');
    expect(code(blobWith('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp521', point, 'ssh:'))).toBe('E_CURVE');
  });

  it('ECDSA points that are off the curve, compressed, hybrid, at infinity or out of range', () => {
    const { blob } = makeKey('ecdsa-sha2-nistp256');
    const point = Buffer.from(blob.subarray(-65));
    const off = Buffer.from(point);
    off[64] = (off[64] ?? 0) ^ 1;
    const hybrid = Buffer.from(point);
    hybrid[0] = 6 + ((point[64] ?? 0) & 1);
    expect(p256(off)).toBe('E_CURVE');
    expect(p256(Buffer.concat([Buffer.from([4]), Buffer.alloc(64)]))).toBe('E_CURVE');
    expect(p256(Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 0xff)]))).toBe('E_CURVE');
    expect(p256(Buffer.concat([Buffer.from([2 + ((point[64] ?? 0) & 1)]), point.subarray(1, 33)]))).toBe(
      'E_KEYLEN',
    );
    expect(p256(hybrid)).toBe('E_KEYLEN');
    expect(p256(Buffer.from([0]))).toBe('E_KEYLEN');
    expect(p256(Buffer.alloc(0))).toBe('E_KEYLEN');
  });

  it.each([
    'evil.example',
    'ssh',
    'ssh.example',
    '',
    'https://github.com',
    'SSH:',
    'SSH:work',
    ' ssh:',
    'webauthn:ssh:',
  ])('[D22] FIDO application %j', (application) => {
    expect(code(makeKey('sk-ssh-ed25519@openssh.com', { application }).blob)).toBe('E_SK_APP');
    expect(code(makeKey('sk-ecdsa-sha2-nistp256@openssh.com', { application }).blob)).toBe('E_SK_APP');
  });

  it.each(['ssh:', 'ssh:work', 'ssh:dana@laptop', 'ssh:YubiKey 5C #2', 'ssh:https://acme.example'])(
    '[D22] a FIDO key for %j is one for ssh',
    (application) => {
      for (const type of ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const) {
        const { line } = makeKey(type, { application });
        expect(parsePublicKey(line)).toMatchObject({ line, hardware: true, application });
      }
    },
  );

  it('[D24] every cut of every key, and every key with one byte more', () => {
    for (const type of KEY_TYPES) {
      const { blob } = makeKey(type);
      for (let cut = 0; cut < blob.length; cut += 1) expect(code(blob.subarray(0, cut))).toMatch(/^E_/u);
      expect(code(Buffer.concat([blob, Buffer.from([0])]))).toBe('E_TRAILING');
    }
  });

  it('never throws anything but PamError, whatever the fields', () => {
    const field = fc.oneof(fc.constantFrom<string[]>('nistp256', 'ssh:'), fc.uint8Array({ maxLength: 70 }));
    fc.assert(
      fc.property(fc.constantFrom(...KEY_TYPES), fc.array(field, { maxLength: 4 }), (type, fields) => {
        expect(code(blobWith(type, ...fields))).toMatch(/^ok$|^E_/u);
      }),
    );
  });
});

describe('key lines', () => {
  const { line, type } = makeKey();
  const base64 = line.split(' ')[1] ?? '';

  it.each([
    ['bare', line],
    ['a comment', `${line} alice@laptop`],
    ['a comment with spaces and accents', `${line} Zoë's second key`],
    ['tabs', `${type}\t${base64}\tcomment`],
    ['a final newline', `${line}\n`],
    ['a final CRLF', `${line} comment\r\n`],
    ['a trailing blank', `${line} `],
  ])('accepts %s', (_, text) => {
    expect(parsePublicKey(text).line).toBe(line);
  });

  it.each([
    ['nothing', '', 'E_KEY_LINE'],
    ['only a type', type, 'E_KEY_LINE'],
    ['options in front', `no-pty ${line}`, 'E_KEY_LINE'],
    ['a blank in front', ` ${line}`, 'E_KEY_LINE'],
    ['two lines', `${line}\n${line}\n`, 'E_KEY_LINE'],
    ['an escape in the comment', `${line} \x1b[2J`, 'E_KEY_LINE'],
    ['a NUL', `${line}\0`, 'E_KEY_LINE'],
    ['a star in base64', `${type} *${base64.slice(1)}`, 'E_KEY_LINE'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n', 'E_KEY_LINE'],
    ['a very long comment', `${line} ${'x'.repeat(9000)}`, 'E_KEY_LINE'],
    ['base64 with spare bits', `${type} AR==`, 'E_B64_NONCANONICAL'],
    ['another type', `ssh-rsa ${base64}`, 'E_KEYTYPE'],
    ['the wrong case', `SSH-ED25519 ${base64}`, 'E_KEYTYPE'],
  ])('refuses %s', (_, text, expected) => {
    expect(codeOf(() => parsePublicKey(text))).toBe(expected);
  });

  it.each([
    ['SHA256:RzGj8OxIlFIvu2XwwqLhFuC18KV9V++5UspWS8FMqII', 'fingerprint'],
    ['256 SHA256:RzGj8OxIlFIvu2XwwqLhFuC18KV9V++5UspWS8FMqII dana (ED25519)', 'fingerprint'],
    ['~/.ssh/id_ed25519.pub', 'path'],
    ['/home/dana/.ssh/id_ed25519', 'path'],
    ['id_ed25519.pub', 'path'],
    [`from="10.0.0.0/8" ${line}`, 'options'],
    [`no-pty,command="echo hi" ${line} dana`, 'options'],
    [`dana@acme.example ${line}`, 'options of authorized_keys, or a name'],
    [base64, 'type of the key is missing'],
    [`${type} ${base64.slice(0, -3)}`, 'cut or damaged'],
    [`${line}\n${line}`, 'more than one line'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----', 'private key'],
    ['---- BEGIN SSH2 PUBLIC KEY ----', 'another form'],
    ['', 'no key'],
    ['dana', 'no ssh public key line'],
  ])('says what %j is, and what belongs there', (text, what) => {
    expect(() => parsePublicKey(text)).toThrow(what);
    expect(() => parsePublicKey(text)).toThrow('the one line of the .pub file');
    expect(() => parsePublicKey(text)).toThrow(/^(?!.*pattern)/u);
  });

  it('a refusal never repeats what it was given of a private key', () => {
    const secret = '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n';
    expect(() => parsePublicKey(secret)).toThrow(/^(?!.*c2Vj)/u);
  });

  it('never throws anything but PamError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.base64String(), (noise, data) => {
        for (const text of [noise, `${noise} ${data}`, `ssh-ed25519 ${data}`]) {
          expect(codeOf(() => parsePublicKey(text))).toMatch(/^E_/u);
        }
      }),
    );
  });
});
