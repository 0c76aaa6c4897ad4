/**
 * Digests of a ledger's entries by number, from one on without a gap. Audit holds all of them to the end, so each
 * takes its 32 bytes and no more.
 */
import type { Sha256 } from '../model/names.ts';
import type { Witnesses } from '../model/statement.ts';

const PREFIX = 'sha256:';
const BYTES = 32;

export class EntryDigests implements Witnesses {
  #bytes = Buffer.alloc(1024 * BYTES);
  #count = 0;

  /** @param first number of the first entry that it holds */
  constructor(readonly first = 0) {}

  /** @throws TypeError unless it is the next one */
  add(seq: number, head: Sha256): void {
    this.#room(seq, 1).write(head.slice(PREFIX.length), (seq - this.first) * BYTES, BYTES, 'hex');
    this.#count += 1;
  }

  /** Those of another stretch, `bytes` of it, which begins where this one ends. */
  addAll(first: number, bytes: Uint8Array): void {
    this.#room(first, bytes.length / BYTES).set(bytes, (first - this.first) * BYTES);
    this.#count += bytes.length / BYTES;
  }

  get(seq: number): Sha256 | undefined {
    const place = seq - this.first;
    if (!Number.isInteger(seq) || place < 0 || place >= this.#count) return undefined;
    // The digest that was put in, in its one spelling.
    return `${PREFIX}${this.#bytes.toString('hex', place * BYTES, (place + 1) * BYTES)}` as Sha256;
  }

  /** All of them, 32 bytes each. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#count * BYTES);
  }

  #room(seq: number, more: number): Buffer {
    if (seq !== this.first + this.#count)
      throw new TypeError(`entry ${seq} is not the next one after ${this.first + this.#count - 1}`);
    const needed = (this.#count + more) * BYTES;
    if (this.#bytes.length < needed) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(Math.max(needed, this.#bytes.length))]);
    }
    return this.#bytes;
  }
}
