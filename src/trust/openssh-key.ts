/**
 * OpenSSH's own format of a private key (PROTOCOL.key), for the one kind that is signed with in process: one ed25519 key,
 * no passphrase, written as `ssh-keygen` writes it. Anything else is `undefined`, and `ssh-keygen` decides what it is. No
 * part of the key becomes a string: a caller can overwrite what it passed in and what it got.
 */
import { expected, PamError } from '../model/error.ts';
import { WireReader, wireString } from './wire.ts';

export interface Ed25519Key {
  /** The public key as it stands in signatures. */
  readonly blob: Buffer;
  /** 32 bytes each. Views of the body: they go when it is overwritten. */
  readonly point: Uint8Array;
  readonly seed: Uint8Array;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const BEGIN = bytesOf('-----BEGIN OPENSSH PRIVATE KEY-----\n');
const END = bytesOf('\n-----END OPENSSH PRIVATE KEY-----\n');
const COLUMNS = 70;
const MAGIC = bytesOf('openssh-key-v1\0');
const TYPE = 'ssh-ed25519';
/** Of the cipher `none`. */
const BLOCK = 8;
const LINE_FEED = 0x0a;
const EQUALS = 0x3d;

/** What each byte stands for in base64; 64 where it stands for nothing. */
const SEXTETS = new Uint8Array(256).fill(64);
bytesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').forEach((letter, value) => {
  SEXTETS[letter] = value;
});

/** What stands between the first and the last line, decoded: a buffer of its own. */
export function bodyOfKeyFile(file: Uint8Array): Buffer | undefined {
  const begins = Buffer.compare(file.subarray(0, BEGIN.length), BEGIN) === 0;
  const ends = Buffer.compare(file.subarray(-END.length), END) === 0;
  if (!begins || !ends) return undefined;
  const lines = file.subarray(BEGIN.length, -END.length);
  const letters = Buffer.alloc(lines.length);
  try {
    let count = 0;
    for (const [at, byte] of lines.entries()) {
      const isBreak = at % (COLUMNS + 1) === COLUMNS;
      if (isBreak !== (byte === LINE_FEED)) return undefined;
      if (!isBreak) letters[count++] = byte;
    }
    return decode(letters.subarray(0, count));
  } finally {
    letters.fill(0);
  }
}

function decode(letters: Uint8Array): Buffer | undefined {
  if (letters.length === 0 || letters.length % 4 !== 0) return undefined;
  const padding = letters.at(-1) !== EQUALS ? 0 : letters.at(-2) !== EQUALS ? 1 : 2;
  const all = letters.subarray(0, letters.length - padding);
  const bytes = Buffer.alloc((letters.length / 4) * 3 - padding);
  let [bits, held, length] = [0, 0, 0];
  let good = true;
  for (const letter of all) {
    const sextet = SEXTETS[letter] ?? 64;
    good &&= sextet < 64;
    held = ((held << 6) | sextet) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = (held >> bits) & 0xff;
  }
  // Bits that no byte takes are zero in the one right spelling.
  if (good && (held & ((1 << bits) - 1)) === 0) return bytes;
  bytes.fill(0);
  return undefined;
}

/** That the point is the seed's own is for the caller to find out. */
export function ed25519KeyIn(body: Uint8Array): Ed25519Key | undefined {
  try {
    return readBody(new WireReader(body));
  } catch (error) {
    expected(error);
    return undefined;
  }
}

function readBody(reader: WireReader): Ed25519Key {
  need(Buffer.compare(reader.raw(MAGIC.length), MAGIC) === 0);
  need(reader.text() === 'none');
  need(reader.text() === 'none');
  need(reader.string().length === 0);
  need(reader.uint32() === 1);
  const stated = reader.string();
  const secret = reader.string();
  reader.end();
  need(secret.length % BLOCK === 0);

  const inner = new WireReader(secret);
  need(inner.uint32() === inner.uint32());
  need(inner.text() === TYPE);
  const point = inner.string();
  const pair = inner.string();
  const comment = inner.string();
  const blob = Buffer.concat([wireString(TYPE), wireString(point)]);
  need(Buffer.compare(stated, blob) === 0);
  need(pair.length === 64 && Buffer.compare(pair.subarray(32), point) === 0);
  // ssh-keygen reads the comment as a C string.
  need(!comment.includes(0));
  const padding = secret.subarray(inner.at);
  need(padding.length < BLOCK && padding.every((byte, at) => byte === at + 1));
  return { blob, point, seed: pair.subarray(0, 32) };
}

function need(holds: boolean): void {
  if (!holds) throw new PamError('E_SIGN', 'this is not an ed25519 key as ssh-keygen writes it');
}
