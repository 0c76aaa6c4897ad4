/**
 * OpenSSH key revocation lists (PROTOCOL.krl), as bytes in and bytes out. Everything in a list that is not a plain
 * serial of our CA is carried over byte for byte: other CAs, keys, ranges, bitmaps, key ids and sections that this
 * file does not understand. Serials are told apart by whose they are: each ledger keeps its own under its own mark. Written here instead of by `ssh-keygen -k`, because its update mode can add but never
 * forget, and because a sweeper then needs no program at all; tests hold it against `ssh-keygen -Q` and sshd.
 */
import { PamError } from '../../model/error.ts';
import { type Instant, unixSeconds } from '../../model/instant.ts';
import { WireReader, wireString } from '../../trust/wire.ts';

const MAGIC = 'SSHKRL\n\0';
const FORMAT = 1;
const SECTION = { certificates: 1, signature: 4 } as const;
const PART = { list: 0x20, range: 0x21, bitmap: 0x22 } as const;

export interface Krl {
  /** The list's own version; readers of the file may refuse to go back. */
  readonly number: bigint;
  readonly comment: Uint8Array;
  readonly sections: readonly Tagged[];
  /** Signed by a key: any change breaks it. */
  readonly signed: boolean;
}

interface Tagged {
  readonly type: number;
  readonly body: Uint8Array;
}

interface Certificates {
  /** Empty = any CA. */
  readonly ca: Uint8Array;
  readonly reserved: Uint8Array;
  readonly parts: readonly Tagged[];
}

export const EMPTY_KRL: Krl = { number: 0n, comment: new Uint8Array(), sections: [], signed: false };

/** Throws `E_PRV_KRL` for anything but a well-formed list. */
export function parseKrl(bytes: Uint8Array): Krl {
  return strictly(() => {
    const reader = new WireReader(bytes);
    if (Buffer.from(reader.raw(MAGIC.length)).toString('latin1') !== MAGIC || reader.uint32() !== FORMAT) {
      throw new PamError('E_PRV_KRL', 'the file is not a key revocation list');
    }
    const number = uint64(reader);
    uint64(reader); // when it was made
    uint64(reader); // flags: none exist
    reader.string();
    const comment = reader.string();
    const head = MAGIC.length + 4 + 8 * 3 + 4 + 4 + comment.length;
    const sections = tagged(bytes.subarray(head));
    for (const section of sections)
      if (section.type === SECTION.certificates) parseCertificates(section.body);
    return { number, comment, sections, signed: sections.some(({ type }) => type === SECTION.signature) };
  });
}

export function printKrl(krl: Krl, at: Instant): Uint8Array {
  const head = Buffer.concat([Buffer.from(MAGIC, 'latin1'), Buffer.from([0, 0, 0, FORMAT])]);
  const numbers = [krl.number, BigInt(unixSeconds(at)), 0n].map(eightBytes);
  return Buffer.concat([
    head,
    ...numbers,
    wireString(''),
    wireString(krl.comment),
    printTagged(krl.sections),
  ]);
}

/** Does the list revoke this serial of this CA (a public key blob), in whatever way it is spelled? */
export function listsSerial(krl: Krl, ca: Uint8Array, serial: bigint): boolean {
  return certificatesOf(krl)
    .filter((section) => section.ca.length === 0 || same(section.ca, ca))
    .some((section) => section.parts.some((part) => partLists(part, serial)));
}

/**
 * The CA's plainly listed serials: all of them, or only those that stand under this mark. A number alone does not say
 * who listed it: two ledgers that share a CA give out the same ones.
 */
export function serialsOf(krl: Krl, ca: Uint8Array, mark?: string): ReadonlySet<bigint> {
  const sections = certificatesOf(krl).filter(
    (section) => same(section.ca, ca) && (mark === undefined || hasMark(section, mark)),
  );
  return new Set(
    sections.flatMap((section) => section.parts.filter(({ type }) => type === PART.list).flatMap(listed)),
  );
}

/**
 * The same list with exactly these serials plainly listed for the CA under this mark, and everything else as it was,
 * the same CA's serials under other marks or under none too. The mark is the `reserved` text of a section, which
 * OpenSSH skips; `ssh-keygen -k -u` drops it, and then nothing under it is ours any more.
 */
export function withSerials(
  krl: Krl,
  ca: Uint8Array,
  serials: ReadonlySet<bigint>,
  number: bigint,
  mark: string,
): Krl {
  const isOurs = (section: Tagged): boolean => {
    if (section.type !== SECTION.certificates) return false;
    const read = parseCertificates(section.body);
    return same(read.ca, ca) && hasMark(read, mark);
  };
  const kept = krl.sections
    .filter(isOurs)
    .flatMap((section) => parseCertificates(section.body).parts.filter(({ type }) => type !== PART.list));
  const sorted = [...serials].sort((a, b) => (a < b ? -1 : 1));
  const list = { type: PART.list, body: Buffer.concat(sorted.map(eightBytes)) };
  const parts = sorted.length === 0 ? kept : [list, ...kept];
  const body = Buffer.concat([wireString(ca), wireString(mark), printTagged(parts)]);
  const others = krl.sections.filter((section) => !isOurs(section));
  const ours = parts.length === 0 ? [] : [{ type: SECTION.certificates, body }];
  return { ...krl, number, sections: [...ours, ...others] };
}

const hasMark = ({ reserved }: Certificates, mark: string): boolean => same(reserved, Buffer.from(mark));

function certificatesOf(krl: Krl): readonly Certificates[] {
  const sections = krl.sections.filter(({ type }) => type === SECTION.certificates);
  return strictly(() => sections.map(({ body }) => parseCertificates(body)));
}

function parseCertificates(body: Uint8Array): Certificates {
  const reader = new WireReader(body);
  const ca = reader.string();
  const reserved = reader.string();
  const parts = tagged(body.subarray(8 + ca.length + reserved.length));
  for (const part of parts) partLists(part, 0n);
  return { ca, reserved, parts };
}

function partLists(part: Tagged, serial: bigint): boolean {
  switch (part.type) {
    case PART.list: {
      // A list of megabytes is not taken apart for one question.
      const bytes = Buffer.from(part.body.buffer, part.body.byteOffset, part.body.length);
      if (bytes.length % 8 !== 0) throw new PamError('E_TRUNCATED', 'a serial has eight bytes');
      for (let at = 0; at < bytes.length; at += 8) if (bytes.readBigUInt64BE(at) === serial) return true;
      return false;
    }
    case PART.range: {
      const [low = 0n, high = 0n, ...more] = listed(part);
      if (more.length > 0 || part.body.length !== 16)
        throw new PamError('E_TRAILING', 'a range is two numbers');
      return low <= serial && serial <= high;
    }
    case PART.bitmap: {
      const reader = new WireReader(part.body);
      const bit = serial - uint64(reader);
      const bits = reader.string();
      reader.end();
      if (bit < 0n || bit >= BigInt(bits.length * 8)) return false;
      const byte = bits[bits.length - 1 - Number(bit / 8n)] ?? 0;
      return ((byte >> Number(bit % 8n)) & 1) === 1;
    }
    default:
      return false; // key ids, and what later versions bring
  }
}

function listed(part: Tagged): bigint[] {
  const reader = new WireReader(part.body);
  const serials: bigint[] = [];
  for (let left = part.body.length; left > 0; left -= 8) serials.push(uint64(reader));
  return serials;
}

/** `type byte, string` again and again; a signature section alone has a second string. */
function tagged(bytes: Uint8Array): Tagged[] {
  const reader = new WireReader(bytes);
  const all: Tagged[] = [];
  for (let left = bytes.length; left > 0; ) {
    const type = reader.byte();
    const body = reader.string();
    left -= 5 + body.length;
    if (type === SECTION.signature) left -= 4 + reader.string().length;
    all.push({ type, body });
  }
  return all;
}

function printTagged(all: readonly Tagged[]): Buffer {
  return Buffer.concat(all.flatMap(({ type, body }) => [Buffer.from([type]), wireString(body)]));
}

function uint64(reader: WireReader): bigint {
  return Buffer.from(reader.raw(8)).readBigUInt64BE();
}

function eightBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function strictly<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof PamError && cause.code === 'E_PRV_KRL') throw cause;
    throw new PamError('E_PRV_KRL', 'the key revocation list is damaged', { cause });
  }
}
