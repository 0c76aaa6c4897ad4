/** The streams of a run: those of the process, or what a caller of `runPam` has in their place. */
import type { Readable, Writable } from 'node:stream';

export interface Input extends Readable {
  readonly isTTY?: boolean;
}

export interface Output extends Writable {
  /** Only then questions are asked, colours shown and lines replaced. */
  readonly isTTY?: boolean;
  readonly columns?: number;
}
