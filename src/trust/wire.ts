/**
 * SSH wire types (RFC 4251 section 5) over hostile bytes.
 *
 * A reader only moves forward, never copies more than what is there, and has no lenient mode: integers are
 * minimal and positive, text is printable ASCII, and a reader that is done says so with `end()`. Every failure is a
 * `PamError`: `E_TRUNCATED`, `E_TRAILING`, `E_BAD_STRING` or `E_MPINT`.
 */
import { PamError } from '../model/error.ts';

const PRINTABLE = /^[\x20-\x7e]*$/u;

export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get at(): number {
    return this.#at;
  }

  /** The next `length` bytes, as a view: nothing is allocated, whatever length a stranger claims. */
  raw(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw new PamError('E_TRUNCATED', 'the data ends in the middle of a field');
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    const [value = 0] = this.raw(1);
    return value;
  }

  uint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.raw(4);
    return ((a * 256 + b) * 256 + c) * 256 + d;
  }

  string(): Uint8Array {
    return this.raw(this.uint32());
  }

  /** A string that is printable ASCII: type names, namespaces, hash names, applications. */
  text(): string {
    const text = Buffer.from(this.string()).toString('latin1');
    if (!PRINTABLE.test(text)) {
      throw new PamError('E_BAD_STRING', 'a name holds bytes other than printable ASCII');
    }
    return text;
  }

  /** The magnitude of a positive mpint, without its sign byte. Zero, negative and padded ones are refused. */
  mpint(): Uint8Array {
    const bytes = this.string();
    const [first = 0, second = 0] = bytes;
    if (first >= 0x80) throw new PamError('E_MPINT', 'an integer is negative');
    if (first !== 0) return bytes;
    if (second < 0x80) throw new PamError('E_MPINT', 'an integer is zero or not in its shortest form');
    return bytes.subarray(1);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new PamError('E_TRAILING', 'bytes follow the end of the data');
  }
}

/** `uint32 length`, then the bytes (text as UTF-8). */
export function wireString(value: Uint8Array | string): Buffer {
  const size = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  const all = Buffer.alloc(4 + size);
  all.writeUInt32BE(size);
  if (typeof value === 'string') all.write(value, 4);
  else all.set(value, 4);
  return all;
}
