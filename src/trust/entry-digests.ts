/**
 * Digests of a whole ledger's entries by number, from 0 on without a gap. Audit holds all of them to the end, so each
 * takes its 32 bytes and no more.
 */
import type { Sha256 } from '../model/names.ts';
import type { Witnesses } from '../model/statement.ts';

const PREFIX = 'sha256:';
const BYTES = 32;

export class EntryDigests implements Witnesses {
  #bytes = Buffer.alloc(1024 * BYTES);
  #count = 0;

  add(seq: number, head: Sha256): void {
    if (seq !== this.#count) throw new TypeError(`entry ${seq} is not the next one after ${this.#count - 1}`);
    if (this.#bytes.length < (seq + 1) * BYTES) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    this.#bytes.write(head.slice(PREFIX.length), seq * BYTES, BYTES, 'hex');
    this.#count += 1;
  }

  get(seq: number): Sha256 | undefined {
    if (!Number.isInteger(seq) || seq < 0 || seq >= this.#count) return undefined;
    // The digest that was put in, in its one spelling.
    return `${PREFIX}${this.#bytes.toString('hex', seq * BYTES, (seq + 1) * BYTES)}` as Sha256;
  }
}
