/**
 * Group D along the whole path: approvals whose words are right and whose signature is not. The arithmetic is tested
 * in `test/unit/trust/sshsig.test.ts`, what ssh-keygen says to the same signatures in
 * `test/adapters/sshsig-oracle.test.ts`.
 */
import { describe } from 'vitest';
import { printArmor } from '../../src/trust/armor.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { wireString } from '../../src/trust/wire.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import {
  addGroupOrder,
  makeKey,
  printParts,
  type SshsigParts,
  type TestKey,
  twinOf,
} from '../support/make-signature.ts';
import type { How } from './forger.ts';
import { forgeries, type Forgery } from './forged-approvals.ts';
import { keyedScene } from './keyed-scene.ts';

type Make = Forgery['approvals'];
const ED = 'bob ssh-ed25519';
const RSA = 'bob ssh-rsa';
const P256 = 'bob ecdsa-sha2-nistp256';
const SK = 'bob sk-ssh-ed25519@openssh.com';
const SK_P256 = 'bob sk-ecdsa-sha2-nistp256@openssh.com';

/** An honest signature by bob with fields changed afterwards. */
const broken =
  (key: string, change: (parts: SshsigParts) => Partial<SshsigParts>, how: How = {}): Make =>
  (request, forger) => {
    const text = printStatement(forger.approval(request));
    const parts = forger.parts(text, { ...how, key });
    return [{ text, armor: printParts({ ...parts, ...change(parts) }) }];
  };

/** A good signature by a key that could never stand in policy. */
const by =
  (make: () => TestKey): Make =>
  (request, forger) => {
    const text = printStatement(forger.approval(request));
    return [{ text, armor: make().sign(text, STATEMENT_KINDS.approval.namespace) }];
  };

/** The armor changed after signing. */
const retold =
  (change: (armor: string) => string, key = ED): Make =>
  (request, forger) => {
    const { text, armor } = forger.sign(forger.approval(request), { key });
    return [{ text, armor: change(armor) }];
  };

/** The blob changed after signing. */
const rewritten = (change: (blob: Buffer) => Uint8Array): Make =>
  retold((armor) => printArmor(change(Buffer.from(armor.split('\n').slice(1, -2).join(''), 'base64'))));

const signed =
  (how: How): Make =>
  (request, forger) => [forger.sign(forger.approval(request), how)];

const flip = (bytes: Uint8Array, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  const place = at < 0 ? changed.length + at : at;
  changed[place] = (changed[place] ?? 0) ^ 1;
  return changed;
};
const inside = (armor: string, change: (base64: string) => string): string => {
  const [begin = '', first = '', ...rest] = armor.split('\n');
  return [begin, change(first), ...rest].join('\n');
};
const tail = (flags: number, counter: number): Buffer => {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(flags);
  bytes.writeUInt32BE(counter, 1);
  return bytes;
};
const keyBlob = (...fields: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(fields.map(wireString));
const identityPoint = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);

const TEXT: readonly Forgery[] = [
  {
    title: '[D1] the signature covers a newline more',
    code: 'E_SIGNATURE',
    approvals: (request, forger) => {
      const text = printStatement(forger.approval(request));
      return [{ text, armor: forger.signText(`${text}\n`, { key: ED }).armor }];
    },
  },
  {
    // Signed and published with the newline: good arithmetic over words that pam does not write.
    title: '[D1] the statement has a newline more',
    code: 'E_STATEMENT',
    approvals: (request, forger) => [
      forger.signText(`${printStatement(forger.approval(request))}\n`, { key: ED }),
    ],
  },
  ...[
    'git',
    'file',
    STATEMENT_KINDS.request.namespace,
    STATEMENT_KINDS.stop.namespace,
    'pam-approval-v1',
    'pam-approval-v1@pam ',
  ].map(
    (namespace): Forgery => ({
      title: `[D2] namespace "${namespace}"`,
      code: 'E_NAMESPACE',
      approvals: signed({ namespace }),
    }),
  ),
  {
    title: '[D2] a namespace changed after signing',
    code: 'E_SIGNATURE',
    approvals: broken(ED, () => ({ namespace: STATEMENT_KINDS.approval.namespace }), { namespace: 'git' }),
  },
  { title: '[D3] no namespace', code: 'E_NAMESPACE_EMPTY', approvals: signed({ namespace: '' }) },
  {
    title: '[D3] a namespace with NUL',
    code: 'E_BAD_STRING',
    approvals: signed({ namespace: `${STATEMENT_KINDS.approval.namespace}\0x` }),
  },
];

const ARMOR: readonly Forgery[] = [
  { title: '[D4] text before BEGIN', code: 'E_ARMOR', approvals: retold((armor) => `approved\n${armor}`) },
  { title: '[D5] text after END', code: 'E_ARMOR', approvals: retold((armor) => `${armor}approved\n`) },
  {
    title: '[D5] two armors, the good one first',
    code: 'E_ARMOR',
    approvals: retold((armor) => armor + makeKey().sign('x', STATEMENT_KINDS.approval.namespace)),
  },
  {
    title: '[D5] two armors, the good one last',
    code: 'E_ARMOR',
    approvals: retold((armor) => makeKey().sign('x', STATEMENT_KINDS.approval.namespace) + armor),
  },
  {
    title: '[D6] a blank inside base64',
    code: 'E_ARMOR',
    approvals: retold((armor) => inside(armor, (line) => `${line.slice(0, 9)} ${line.slice(9)}`)),
  },
  {
    title: '[D6] a star inside base64',
    code: 'E_ARMOR',
    approvals: retold((armor) => inside(armor, (line) => `${line.slice(0, 9)}*${line.slice(9)}`)),
  },
  {
    title: '[D6] base64 with spare bits set',
    code: 'E_B64_NONCANONICAL',
    // An RSA signature's blob is no multiple of three bytes long.
    approvals: retold((armor) => {
      const spare = armor.replace(/[A-Za-z0-9+/](?==+\n-----END)/u, (last) =>
        String.fromCharCode(last.charCodeAt(0) + 1),
      );
      if (spare === armor) throw new Error('this armor has no padding');
      return spare;
    }, RSA),
  },
  {
    title: '[D27] OpenPGP armor',
    code: 'E_ARMOR',
    approvals: retold(
      () => '-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n',
    ),
  },
  {
    title: '[D27] an ssh signature in OpenPGP lines',
    code: 'E_ARMOR',
    approvals: retold((armor) => armor.replaceAll('SSH', 'PGP')),
  },
  { title: '[D27] no armor at all', code: 'E_ARMOR', approvals: retold(() => '') },
];

const ENVELOPE: readonly Forgery[] = [
  { title: '[D7] version 0', code: 'E_VERSION', approvals: broken(ED, () => ({ version: 0 })) },
  { title: '[D7] version 2', code: 'E_VERSION', approvals: broken(ED, () => ({ version: 2 })) },
  { title: '[D7] another magic', code: 'E_MAGIC', approvals: broken(ED, () => ({ magic: 'SSHSIX' })) },
  {
    title: '[D7] a reserved field, which nothing signs',
    code: 'E_RESERVED',
    approvals: broken(ED, () => ({ reserved: 'approved' })),
  },
  { title: '[D9] hash sha1', code: 'E_HASH', approvals: broken(ED, () => ({ hash: 'sha1' })) },
  { title: '[D9] hash SHA512', code: 'E_HASH', approvals: broken(ED, () => ({ hash: 'SHA512' })) },
  {
    title: '[D9] sha256 named, sha512 signed',
    code: 'E_SIGNATURE',
    approvals: broken(ED, () => ({ hash: 'sha256' })),
  },
  {
    title: '[D11] an ed25519 signature that calls itself ssh-rsa',
    code: 'E_SIGALG',
    approvals: broken(ED, () => ({ algorithm: 'ssh-rsa' })),
  },
  {
    title: "[D11] erin's signature in an envelope with bob's key",
    code: 'E_SIGNATURE',
    approvals: (request, forger) => {
      const text = printStatement(forger.approval(request));
      const parts = forger.parts(text, { key: 'erin' });
      return [{ text, armor: printParts({ ...parts, key: forger.key(ED).blob }) }];
    },
  },
  {
    title: '[D24] a length of 0xffffffff',
    code: 'E_TRUNCATED',
    approvals: rewritten((blob) =>
      Buffer.concat([blob.subarray(0, 10), Buffer.alloc(4, 0xff), blob.subarray(14)]),
    ),
  },
  { title: '[D24] cut short', code: 'E_TRUNCATED', approvals: rewritten((blob) => blob.subarray(0, -1)) },
  {
    title: '[D24] a byte too many at the end',
    code: 'E_TRAILING',
    approvals: broken(ED, () => ({ trailing: Buffer.from([0]) })),
  },
  {
    title: '[D24] a byte too many inside the signature',
    code: 'E_TRAILING',
    approvals: broken(ED, () => ({ tail: Buffer.from([0]) })),
  },
  {
    title: '[D24] a byte too many inside the key',
    code: 'E_TRAILING',
    approvals: broken(ED, ({ key }) => ({ key: Buffer.concat([key, Buffer.from([0])]) })),
  },
];

const ARITHMETIC: readonly Forgery[] = [
  {
    title: '[D12] all zero',
    code: 'E_SIGNATURE',
    approvals: broken(ED, () => ({ signature: Buffer.alloc(64) })),
  },
  {
    title: '[D12] one bit',
    code: 'E_SIGNATURE',
    approvals: broken(ED, ({ signature }) => ({ signature: flip(signature, 20) })),
  },
  {
    title: '[D13] S + L',
    code: 'E_SIGNATURE',
    approvals: broken(ED, ({ signature }) => ({ signature: addGroupOrder(signature) })),
  },
  {
    title: '[D14] 63 bytes',
    code: 'E_SIGNATURE',
    approvals: broken(ED, ({ signature }) => ({ signature: signature.subarray(0, 63) })),
  },
  {
    title: '[D14] 65 bytes',
    code: 'E_SIGNATURE',
    approvals: broken(ED, ({ signature }) => ({ signature: Buffer.concat([signature, Buffer.alloc(1)]) })),
  },
  {
    title: '[D14] a public key of 31 bytes',
    code: 'E_KEYLEN',
    approvals: broken(ED, ({ key }) => ({ key: keyBlob('ssh-ed25519', key.subarray(-31)) })),
  },
  {
    title: '[D15] r in a longer spelling',
    code: 'E_MPINT',
    approvals: broken(P256, ({ signature }) => {
      const middle = 4 + signature.readUInt32BE(0);
      const r = Buffer.concat([Buffer.alloc(2), signature.subarray(4, middle)]);
      return { signature: Buffer.concat([wireString(r), signature.subarray(middle)]) };
    }),
  },
  {
    title: '[D15] a signature and its twin are one approval',
    code: 'E_APR_THRESHOLD',
    waits: true,
    wish: { role: 'pair' },
    approvals: (request, forger) => {
      const first = forger.sign(forger.approval(request), { key: P256 });
      // The same words lie on one branch only, so the twin needs others to be found beside it.
      const text = printStatement(forger.approval(request, { because: 'once more' }));
      const parts = forger.parts(text, { key: P256 });
      return [first, { text, armor: printParts({ ...parts, signature: twinOf(parts) }) }];
    },
  },
  {
    title: '[D17] another curve inside the key',
    code: 'E_CURVE',
    approvals: broken(P256, ({ key }) => ({
      key: keyBlob('ecdsa-sha2-nistp256', 'nistp384', key.subarray(-65)),
    })),
  },
  {
    title: '[D18] ssh-rsa, which means SHA-1',
    code: 'E_SIGALG',
    approvals: broken(RSA, () => ({ algorithm: 'ssh-rsa' })),
  },
  {
    title: '[D18] sha2-512 named, sha2-256 inside',
    code: 'E_SIGNATURE',
    approvals: broken(RSA, () => ({ algorithm: 'rsa-sha2-512' }), { rsa: 'rsa-sha2-256' }),
  },
  {
    title: '[D18] a byte short',
    code: 'E_SIGNATURE',
    approvals: broken(RSA, ({ signature }) => ({ signature: signature.subarray(1) })),
  },
  {
    title: '[D28] the identity point as key, one signature for every message',
    code: 'E_KEY_SMALL_ORDER',
    approvals: broken(ED, () => ({
      key: keyBlob('ssh-ed25519', identityPoint),
      signature: Buffer.concat([identityPoint, Buffer.alloc(32)]),
    })),
  },
  {
    title: '[D28] the identity point as FIDO key',
    code: 'E_KEY_SMALL_ORDER',
    approvals: broken(SK, () => ({
      key: keyBlob('sk-ssh-ed25519@openssh.com', identityPoint, 'ssh:'),
      signature: Buffer.concat([identityPoint, Buffer.alloc(32)]),
    })),
  },
];

const FIDO: readonly Forgery[] = [
  ...[SK, SK_P256].flatMap((key): Forgery[] => [
    // Refused whatever the role asks for: this role asks for nothing.
    { title: `[D19] nobody touched ${key}`, code: 'E_SK_NO_TOUCH', approvals: signed({ key, flags: 0x00 }) },
    {
      title: `[D19] verified and not touched: ${key}`,
      code: 'E_SK_NO_TOUCH',
      approvals: signed({ key, flags: 0x04 }),
    },
    {
      title: `[D19] touched where the role wants a PIN: ${key}`,
      code: 'E_SK_NO_UV',
      wish: { role: 'verified' },
      approvals: signed({ key, flags: 0x01 }),
    },
    {
      title: `[D20] a touch added after signing: ${key}`,
      code: 'E_SIGNATURE',
      approvals: broken(key, () => ({ tail: tail(0x01, 1) }), { flags: 0x00 }),
    },
    {
      title: `[D20] a PIN added after signing: ${key}`,
      code: 'E_SIGNATURE',
      wish: { role: 'verified' },
      approvals: broken(key, () => ({ tail: tail(0x05, 1) }), { flags: 0x01 }),
    },
    {
      title: `[D20] the counter changed after signing: ${key}`,
      code: 'E_SIGNATURE',
      approvals: broken(key, () => ({ tail: tail(0x01, 2) })),
    },
    {
      title: `[D20] flags that nobody knows: ${key}`,
      code: 'E_SK_FLAGS',
      approvals: signed({ key, flags: 0x81 }),
    },
  ]),
  {
    title: '[D22] a FIDO key of another application',
    code: 'E_SK_APP',
    approvals: by(() => makeKey('sk-ssh-ed25519@openssh.com', { application: 'evil.example' })),
  },
  {
    title: '[D23] a webauthn signature',
    code: 'E_SIGALG',
    approvals: broken(SK_P256, () => ({ algorithm: 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com' })),
  },
  {
    title: '[D23] a post-quantum key',
    code: 'E_KEYTYPE',
    approvals: broken(ED, () => ({ key: keyBlob('ssh-mldsa44-ed25519@openssh.com', Buffer.alloc(32)) })),
  },
];

describe('approvals that are signed wrongly', () => {
  forgeries(
    keyedScene(),
    [...TEXT, ...ARMOR, ...ENVELOPE, ...ARITHMETIC, ...FIDO],
    [
      {
        title: '[D15] the twin of a signature counts like the signature',
        wish: { role: 'slot', scope: { slot: 's7' } },
        approvals: broken(P256, (parts) => ({ signature: twinOf(parts) })),
        holds: 'north erin slot:s7',
      },
    ],
  );
});
