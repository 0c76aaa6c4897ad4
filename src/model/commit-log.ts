/**
 * Commits in order, held as the text that Git told them in: a history of hundreds of thousands takes its bytes and no
 * more, and any piece of it can be handed to another process as it is.
 */
import { isOid, type Oid } from './names.ts';

export interface CommitInfo {
  readonly oid: Oid;
  readonly tree: Oid;
  /** Of more than two the first two. */
  readonly parents: readonly Oid[];
}

/** The part of `Array` that a ledger walk needs. */
export interface Commits extends Iterable<CommitInfo> {
  readonly length: number;
  readonly slice: (from: number, to?: number) => readonly CommitInfo[];
}

const LINE_FEED = 0x0a;

export class CommitLog implements Commits {
  readonly #text: Buffer;
  /** Where each line begins, and after the last where the next would. */
  readonly #starts: Uint32Array;

  /** @param text lines `<id> <tree> <parents>`, `..` in place of further parents, each with its line feed */
  constructor(text: Uint8Array) {
    this.#text = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
    this.#starts = startsOf(this.#text);
  }

  get length(): number {
    return this.#starts.length - 1;
  }

  /** @throws TypeError where no commit is, or no commit's line */
  at(place: number): CommitInfo {
    const [oid, tree, ...parents] = this.#line(place);
    return { oid: oidOf(oid), tree: oidOf(tree), parents: parents.map(oidOf) };
  }

  slice(from: number, to = this.length): readonly CommitInfo[] {
    const commits: CommitInfo[] = [];
    for (let place = from; place < Math.min(to, this.length); place++) commits.push(this.at(place));
    return commits;
  }

  /** A piece of it, as a log of its own. */
  part(from: number, to = this.length): CommitLog {
    return new CommitLog(this.#text.subarray(this.#starts[from], this.#starts[Math.min(to, this.length)]));
  }

  /** The same commits without one of them. */
  without(place: number): CommitLog {
    if (place === 0) return this.part(1);
    return new CommitLog(Buffer.concat([this.part(0, place).text, this.part(place + 1).text]));
  }

  /** A copy of its own bytes: a view that is sent elsewhere would take along all that it is a piece of. */
  get text(): Uint8Array {
    return Uint8Array.from(this.#text);
  }

  *[Symbol.iterator](): Iterator<CommitInfo> {
    for (let place = 0; place < this.length; place++) yield this.at(place);
  }

  #line(place: number): string[] {
    const [start, end] = [this.#starts[place], this.#starts[place + 1]];
    if (start === undefined || end === undefined) throw new TypeError(`there is no commit ${place}`);
    return this.#text
      .toString('latin1', start, end)
      .split(/[ \n]/u)
      .filter((word) => word !== '' && word !== '..');
  }
}

function startsOf(text: Buffer): Uint32Array {
  const starts = [0];
  for (let at = text.indexOf(LINE_FEED); at !== -1; at = text.indexOf(LINE_FEED, at + 1)) starts.push(at + 1);
  if (starts.at(-1) !== text.length) throw new TypeError('the last commit is cut off');
  return Uint32Array.from(starts);
}

function oidOf(text: string | undefined): Oid {
  if (text !== undefined && isOid(text)) return text;
  throw new TypeError(`not an object id: ${JSON.stringify(text)}`);
}
