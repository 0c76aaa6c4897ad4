/** On a terminal one line that replaces itself, after a second; elsewhere a plain line every ten seconds. */
import type { Output } from './output.ts';

const AFTER_MS = 1000;
const EVERY_MS = { terminal: 100, elsewhere: 10_000 };

export class Progress {
  readonly #stderr: Output;
  readonly #now: () => number;
  #at: number;
  #shown = false;

  /** @param now milliseconds of a clock that only goes on */
  constructor(stderr: Output, now: () => number) {
    this.#stderr = stderr;
    this.#now = now;
    this.#at = now();
  }

  show(what: string): void {
    const terminal = this.#stderr.isTTY === true;
    const now = this.#now();
    const wait = terminal ? (this.#shown ? EVERY_MS.terminal : AFTER_MS) : EVERY_MS.elsewhere;
    if (now - this.#at < wait) return;
    this.#at = now;
    this.#shown = terminal;
    this.#stderr.write(terminal ? `\r\u001b[K${what} ...` : `${what} ...\n`);
  }

  /** Before anything else is written there. */
  clear(): void {
    if (this.#shown) this.#stderr.write('\r\u001b[K');
    this.#shown = false;
  }
}
