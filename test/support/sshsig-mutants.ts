/** Honest signatures and everything that can be done to them: what the oracle test feeds to both verifiers. */
import { createHash, randomBytes } from 'node:crypto';
import { printArmor } from '../../src/trust/armor.ts';
import { wireString } from '../../src/trust/wire.ts';
import { encodingsOf, smallOrderYs } from './edwards25519.ts';
import {
  addGroupOrder,
  blobOf,
  KEY_TYPES,
  makeKey,
  mpint,
  printParts,
  type SshsigParts,
  type TestKey,
  twinOf,
} from './make-signature.ts';

export const NAMESPACE = 'pam-approval-v1@pam';
export const MESSAGE = 'pam-statement: v1\ntype: approval\nroot: sha256:00\n';

export interface OracleCase {
  /** Names the mutation, whatever the key type. */
  readonly name: string;
  readonly type: string;
  /** The key that the stock verifier is told to trust. */
  readonly line: string;
  readonly armor: string;
  readonly message?: string;
  readonly namespace?: string;
}

export function* structuralCases(): Generator<OracleCase> {
  for (const type of KEY_TYPES) {
    const key = makeKey(type);
    yield* honest(key);
    yield* envelopes(key);
    yield* armors(key);
    if (type.includes('ed25519')) yield* ed25519s(key);
    if (type.includes('ecdsa')) yield* ecdsas(key);
    if (type.startsWith('sk-')) yield* fidos(key);
    if (type === 'ssh-rsa') yield* rsas(key);
  }
}

function* honest(key: TestKey): Generator<OracleCase> {
  const armor = key.sign(MESSAGE, NAMESPACE);
  const base = { type: key.type, line: key.line };
  for (const hash of ['sha256', 'sha512'] as const) {
    yield { ...base, name: `Z5 honest, ${hash}`, armor: key.sign(MESSAGE, NAMESPACE, { hash }) };
  }
  yield { ...base, name: 'D1 a newline more', armor, message: `${MESSAGE}\n` };
  yield { ...base, name: 'D2 another namespace', armor: key.sign(MESSAGE, 'git') };
  yield { ...base, name: 'D2 another namespace', armor, namespace: 'git' };
  yield { ...base, name: 'another key trusted', armor, line: makeKey(key.type).line, message: 'other' };
}

function* envelopes(key: TestKey): Generator<OracleCase> {
  const parts = key.parts(MESSAGE, NAMESPACE);
  const base = { type: key.type, line: key.line };
  const extra = Buffer.from([0]);
  const changes: readonly (readonly [string, Partial<SshsigParts>])[] = [
    ['D7 version 0', { version: 0 }],
    ['D7 version 2', { version: 2 }],
    ['D7 magic', { magic: 'SSHSIX' }],
    ['reserved not empty', { reserved: 'anything' }],
    ['D3 empty namespace', { namespace: '' }],
    ['D3 namespace with NUL', { namespace: `${NAMESPACE}\0x` }],
    ['D9 hash sha1', { hash: 'sha1' }],
    ['D9 hash SHA512', { hash: 'SHA512' }],
    ['D9 the other hash', { hash: 'sha256' }],
    ['trailing byte after the signature', { trailing: extra }],
    ['trailing byte inside the signature', { tail: Buffer.concat([parts.tail, extra]) }],
    ['trailing byte after the key', { key: Buffer.concat([parts.key, extra]) }],
    ['D11 algorithm ssh-rsa', { algorithm: 'ssh-rsa' }],
    [
      'D11 algorithm of another type',
      { algorithm: key.type.includes('ed25519') ? 'ecdsa-sha2-nistp256' : 'ssh-ed25519' },
    ],
    ['D23 webauthn algorithm', { algorithm: 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com' }],
    ['D12 zero signature', { signature: Buffer.alloc(parts.signature.length) }],
    ['D14 signature a byte shorter', { signature: parts.signature.subarray(0, -1) }],
    ['D14 signature a byte longer', { signature: Buffer.concat([parts.signature, extra]) }],
    ['D14 signature with a zero in front', { signature: Buffer.concat([extra, parts.signature]) }],
    ['D11 another key of the type', { key: makeKey(key.type).blob }],
  ];
  for (const [name, change] of changes) yield { ...base, name, armor: printParts({ ...parts, ...change }) };
  const wide = `${NAMESPACE}${'x'.repeat(6500)}`;
  yield { ...base, name: 'more than 8 KiB', armor: key.sign(MESSAGE, wide), namespace: wide };
}

function* armors(key: TestKey): Generator<OracleCase> {
  const armor = key.sign(MESSAGE, NAMESPACE);
  const other = key.sign('another message', NAMESPACE);
  const [begin = '', ...rest] = armor.trimEnd().split('\n');
  const end = rest.pop() ?? '';
  const base64 = rest.join('');
  const wrap = (width: number) => base64.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [];
  const block = (lines: readonly string[]) => [begin, ...lines, end, ''].join('\n');
  const spoilt = (text: string) => block([text, ...wrap(70).slice(1)]);
  const first = base64.slice(0, 70);
  const texts: readonly (readonly [string, string])[] = [
    ['Z3 CRLF', armor.replaceAll('\n', '\r\n')],
    ['Z3 no final newline', armor.trimEnd()],
    ['Z3 76 columns', block(wrap(76))],
    ['Z3 one line', block([base64])],
    ['Z3 a blank line before', `\n${armor}`],
    ['Z3 a blank line after', `${armor}\n`],
    ['D4 text before', `hello\n${armor}`],
    ['D5 text after', `${armor}hello\n`],
    ['D5 two armors, good first', armor + other],
    ['D5 two armors, good last', other + armor],
    ['two blank lines after', `${armor}\n\n`],
    ['D6 a blank inside', spoilt(`${first.slice(0, 9)} ${first.slice(9)}`)],
    ['D6 a blank at a line end', spoilt(`${first} `)],
    ['D6 an empty line inside', spoilt(`${first}\n`)],
    ['D6 a star', spoilt(`${first.slice(0, 9)}*${first.slice(9)}`)],
    ['ragged lines', spoilt(`${first.slice(0, 30)}\n${first.slice(30)}`)],
    ['END on the last base64 line', armor.replace(`\n${end}`, end)],
    ['text on the END line', armor.replace(end, `${end} `)],
    ['text on the BEGIN line', armor.replace(begin, `${begin} `)],
    ['D27 OpenPGP markers', armor.replaceAll('SSH', 'PGP')],
    ['no body', block([])],
  ];
  for (const [name, text] of texts) yield { name, type: key.type, line: key.line, armor: text };
  yield* tails(key);
}

/** The base64 of one signature whose last group is padded, and other spellings of it. */
function* tails(key: TestKey): Generator<OracleCase> {
  for (const namespace of ['a', 'ab', 'abc']) {
    const armor = key.sign(MESSAGE, namespace);
    const base = { type: key.type, line: key.line, namespace };
    const [, last = '', padding = ''] = /([A-Za-z0-9+/])(=+)\n-----END/u.exec(armor) ?? [];
    if (padding === '') continue;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const next = alphabet[alphabet.indexOf(last) + 1] ?? '';
    yield {
      ...base,
      name: 'D6 base64 with spare bits',
      armor: armor.replace(`${last}${padding}\n`, `${next}${padding}\n`),
    };
    yield { ...base, name: 'D6 base64 without padding', armor: armor.replace(`${padding}\n`, '\n') };
  }
}

function* ed25519s(key: TestKey): Generator<OracleCase> {
  const parts = key.parts(MESSAGE, NAMESPACE);
  const armor = printParts({ ...parts, signature: addGroupOrder(parts.signature) });
  yield { name: 'D13 Ed25519 S + L', type: key.type, line: key.line, armor };
  if (key.type !== 'ssh-ed25519') return;
  for (const point of [...smallOrderYs()].flatMap(encodingsOf)) {
    const blob = Buffer.concat([wireString('ssh-ed25519'), wireString(point)]);
    const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]);
    yield {
      name: 'D28 small-order key',
      type: key.type,
      line: `ssh-ed25519 ${blob.toString('base64')}`,
      armor: printParts({ ...parts, key: blob, signature: identity }),
    };
  }
}

function* ecdsas(key: TestKey): Generator<OracleCase> {
  const parts = key.parts(MESSAGE, NAMESPACE);
  const base = { type: key.type, line: key.line };
  const middle = 4 + parts.signature.readUInt32BE(0);
  const r = parts.signature.subarray(4, middle);
  const s = parts.signature.subarray(middle);
  const withR = (bytes: Uint8Array) =>
    printParts({ ...parts, signature: Buffer.concat([wireString(bytes), s]) });
  yield { ...base, name: 'D15 ECDSA twin', armor: printParts({ ...parts, signature: twinOf(parts) }) };
  yield { ...base, name: 'padded mpint', armor: withR(Buffer.concat([Buffer.alloc(1), r])) };
  yield { ...base, name: 'padded mpint', armor: withR(Buffer.concat([Buffer.alloc(3), r])) };
  yield { ...base, name: 'zero r', armor: withR(Buffer.alloc(0)) };
  yield { ...base, name: 'negative r', armor: withR(Buffer.concat([Buffer.from([0xff]), r])) };
  if (key.type === 'ecdsa-sha2-nistp256') yield* points(key, parts);
}

function* points(key: TestKey, parts: SshsigParts): Generator<OracleCase> {
  const q = key.blob.subarray(-65);
  const odd = (q[64] ?? 0) & 1;
  const forms: readonly (readonly [string, string, Uint8Array])[] = [
    ['compressed point', 'nistp256', Buffer.concat([Buffer.from([2 + odd]), q.subarray(1, 33)])],
    ['hybrid point', 'nistp256', Buffer.concat([Buffer.from([6 + odd]), q.subarray(1)])],
    ['D17 another curve name', 'nistp384', q],
  ];
  for (const [name, curve, point] of forms) {
    const blob = Buffer.concat([key.type, curve, point].map(wireString));
    yield { name, type: key.type, line: key.line, armor: printParts({ ...parts, key: blob }) };
  }
}

function* fidos(key: TestKey): Generator<OracleCase> {
  const base = { type: key.type, line: key.line };
  const flagged = (flags: number, counter = 7) => key.sign(MESSAGE, NAMESPACE, { flags, counter });
  yield { ...base, name: 'Z8 FIDO counter 0', armor: flagged(1, 0) };
  yield { ...base, name: 'Z8 FIDO counter 4294967295', armor: flagged(1, 0xffff_ffff) };
  yield { ...base, name: 'Z8 FIDO touched and verified', armor: flagged(5) };
  for (const flags of [0, 4]) yield { ...base, name: 'D19 FIDO not touched', armor: flagged(flags) };
  for (const flags of [0x02, 0x41, 0x81, 0xff])
    yield { ...base, name: 'D19 FIDO unknown flags', armor: flagged(flags) };
  const parts = key.parts(MESSAGE, NAMESPACE, { flags: 0 });
  const raised = Buffer.concat([Buffer.from([1]), parts.tail.subarray(1)]);
  yield { ...base, name: 'D20 FIDO flags raised', armor: printParts({ ...parts, tail: raised }) };
  yield { ...base, name: 'FIDO without flags', armor: printParts({ ...parts, tail: Buffer.alloc(0) }) };
  for (const application of ['evil.example', 'https://evil.example', '']) {
    const other = makeKey(key.type, { application });
    yield { ...base, name: 'D22 FIDO application', line: other.line, armor: other.sign(MESSAGE, NAMESPACE) };
  }
}

function* rsas(key: TestKey): Generator<OracleCase> {
  const base = { type: key.type, line: key.line };
  yield {
    ...base,
    name: 'Z6 rsa-sha2-256 inside',
    armor: key.sign(MESSAGE, NAMESPACE, { rsa: 'rsa-sha2-256' }),
  };
  const parts = key.parts(MESSAGE, NAMESPACE);
  yield {
    ...base,
    name: 'D18 RSA label that lies',
    armor: printParts({ ...parts, algorithm: 'rsa-sha2-256' }),
  };
  yield { ...base, name: 'D18 RSA short signature', ...shortRsa(key) };
  const weak = makeKey('ssh-rsa', { bits: 1024 });
  yield { ...base, name: 'C16 RSA-1024', line: weak.line, armor: weak.sign(MESSAGE, NAMESPACE) };
  const e = Buffer.from([0, 0, 1, 0, 1]);
  const n = key.blob.subarray(4 + 7 + 4 + 3);
  const padded = Buffer.concat([wireString('ssh-rsa'), wireString(e), n]);
  yield { ...base, name: 'padded RSA exponent', armor: printParts({ ...parts, key: padded }) };
  yield { ...base, name: 'RSA exponent 1', ...rsaOne(parts) };
}

/** A signature that happens to start with a zero byte, written without it. */
function shortRsa(key: TestKey): Pick<OracleCase, 'armor' | 'message'> {
  for (let round = 0; round < 20_000; round += 1) {
    const message = `message ${round}`;
    const parts = key.parts(message, NAMESPACE);
    if (parts.signature[0] === 0) {
      return { message, armor: printParts({ ...parts, signature: parts.signature.subarray(1) }) };
    }
  }
  throw new Error('no RSA signature starts with a zero byte');
}

function sha512(bytes: Uint8Array | string): Buffer {
  return createHash('sha512').update(bytes).digest();
}

/** With e = 1 the padded digest is its own signature, for a modulus that nobody can factor. */
function rsaOne(parts: SshsigParts): Pick<OracleCase, 'armor' | 'line'> {
  const n = randomBytes(256);
  n[0] = 0xff;
  n[255] = (n[255] ?? 0) | 1;
  const blob = Buffer.concat([wireString('ssh-rsa'), mpint(Buffer.from([1])), mpint(n)]);
  const fields = [NAMESPACE, '', 'sha512', sha512(MESSAGE)].map(wireString);
  const digestInfo = Buffer.from('3051300d060960864801650304020305000440', 'hex');
  const tail = Buffer.concat([
    Buffer.from([0]),
    digestInfo,
    sha512(Buffer.concat([Buffer.from('SSHSIG'), ...fields])),
  ]);
  const head = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(254 - tail.length, 0xff)]);
  return {
    line: `ssh-rsa ${blob.toString('base64')}`,
    armor: printParts({ ...parts, key: blob, signature: Buffer.concat([head, tail]) }),
  };
}

/** Every truncation, bit flips all over, and edits of the text; the same ones in every run but for the keys. */
export function* randomCases(): Generator<OracleCase> {
  const random = generator(20_261_122);
  for (const type of KEY_TYPES) {
    const key = makeKey(type);
    const base = { type, line: key.line };
    const blob = blobOf(key.parts(MESSAGE, NAMESPACE));
    const armor = printArmor(blob);
    for (let cut = 1; cut < blob.length; cut += type === 'ssh-rsa' ? 3 : 1) {
      yield { ...base, name: 'cut short', armor: printArmor(blob.subarray(0, cut)) };
    }
    for (let round = 0; round < 600; round += 1) yield { ...base, ...flipped(blob, random) };
    for (let round = 0; round < 400; round += 1) yield { ...base, ...edited(armor, random) };
  }
}

function flipped(blob: Uint8Array, random: (below: number) => number): Pick<OracleCase, 'name' | 'armor'> {
  const bytes = Buffer.from(blob);
  const bit = random(bytes.length * 8);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return { name: bytes.readUInt32BE(6) === 0 ? 'D7 version 0' : 'bit flip', armor: printArmor(bytes) };
}

function edited(armor: string, random: (below: number) => number): Pick<OracleCase, 'name' | 'armor'> {
  const at = random(armor.length + 1);
  const [before, after] = [armor.slice(0, at), armor.slice(at)];
  switch (random(4)) {
    case 0:
      return { name: 'edit: whitespace put in', armor: before + (' \t\n\r\v\f'[random(6)] ?? '') + after };
    case 1:
      return { name: 'edit: character taken out', armor: before + after.slice(1) };
    case 2:
      return { name: 'edit: character put in', armor: before + ('=A-\0~é'[random(6)] ?? '') + after };
    default: {
      const end = random(armor.length + 1);
      return {
        name: 'edit: part doubled',
        armor: before + armor.slice(Math.min(at, end), Math.max(at, end)) + after,
      };
    }
  }
}

/** A small seeded generator (mulberry32): numbers from 0 up to, not including, `below`. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}
