/**
 * The short way through a plain YAML file. The parser needs a millisecond for each hundred bytes when it is cold, and
 * mostly what it meets is keys with a word behind them. So a text that holds nothing else (mappings and lists by
 * blanks, one-line `{}` and `[]`, words, whole numbers, quotes without escapes, lines of comment) is read here; at
 * anything more the answer is `undefined` and the parser reads it all. No text is refused here, and a test compares
 * what is read with what the parser makes of the same text: data, places and texts.
 */

export interface PlainYaml {
  readonly data: unknown;
  /** Offset of the key or value at each JSON pointer. */
  readonly places: ReadonlyMap<string, number>;
  readonly texts: readonly { readonly pointer: string; readonly value: string }[];
}

/** `undefined`: this text is not that plain. */
export function readPlainYaml(text: string): PlainYaml | undefined {
  if (!PLAIN.test(text)) return undefined;
  const reader = new PlainReader(text);
  const data = reader.document();
  return reader.odd ? undefined : { data, places: reader.places, texts: reader.texts };
}

const PLAIN = /^[\x20-\x7e\n]*$/u;
const KEY = /([A-Za-z_][A-Za-z0-9_.-]{0,99}):(?=[ \n]|$)/uy;
/** Behind a key or a dash, up to a comment or the end of the line: no second key. */
const WORDS = /[A-Za-z0-9_/](?: *(?:[!-"$-9;-~]|:(?! |$)))*/uy;
const WORDS_IN_BRACKETS = /[A-Za-z0-9_/](?:[A-Za-z0-9_./+=@-]|:(?=[A-Za-z0-9/])| (?=[A-Za-z0-9_./+=@-]))*/uy;
const QUOTED = /"[^"\\\n]*"|'[^'\n]*'/uy;
const COMMENT = / +#[^\n]*/uy;
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,14})$/u;
/** What is no text to YAML's core schema, or looks so. */
const NO_TEXT = /^(?:null|true|false|0[ox].*|[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?)$/iu;
const DEEPEST = 16;

interface Line {
  /** Where it begins and ends in the text; `at` is its first character that is no blank. */
  readonly start: number;
  readonly at: number;
  readonly end: number;
}

class PlainReader {
  readonly places = new Map<string, number>();
  readonly texts: { pointer: string; value: string }[] = [];
  /** Something in it is not plain: what was read so far is worth nothing. */
  odd = false;
  readonly #text: string;
  readonly #lines: Line[];
  #line = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lines = linesOf(text);
  }

  document(): unknown {
    const [first] = this.#lines;
    if (first === undefined || first.at !== first.start) return this.#giveUp();
    this.places.set('', first.at);
    const data = this.#mapping(first.at, 0, '', 0);
    // Nothing may be left over.
    return this.#line === this.#lines.length ? data : this.#giveUp();
  }

  #giveUp(): undefined {
    this.odd = true;
    return undefined;
  }

  /** @param at where its first key stands, @param indent the column of them all */
  #mapping(at: number, indent: number, pointer: string, depth: number): unknown {
    const result = Object.create(null) as Record<string, unknown>;
    for (let here: number | undefined = at; here !== undefined; here = this.#lineAt(indent)) {
      const key = match(KEY, this.#text, here);
      if (this.odd || key === undefined || depth > DEEPEST) return this.#giveUp();
      const child = this.#name(result, key, pointer, here);
      const behind = here + key.length + 1;
      result[key] = this.#behind(behind, indent, child, depth);
    }
    return result;
  }

  #list(indent: number, pointer: string, depth: number): unknown {
    const result: unknown[] = [];
    for (let here = this.#lineAt(indent); here !== undefined; here = this.#lineAt(indent)) {
      if (this.odd || !this.#text.startsWith('- ', here) || depth > DEEPEST) return this.#giveUp();
      const child = `${pointer}/${result.length}`;
      const at = here + 2;
      this.places.set(child, at);
      const isKey = match(KEY, this.#text, at) !== undefined;
      result.push(
        isKey ? this.#mapping(at, indent + 2, child, depth + 1) : this.#restOfLine(at, child, depth),
      );
    }
    return result;
  }

  /** What a key of a block has for a value: the rest of its line, or the lines below that stand further in. */
  #behind(at: number, indent: number, pointer: string, depth: number): unknown {
    if (!this.#isOver(at)) return this.#restOfLine(at + 1, pointer, depth);
    this.#line++;
    const next = this.#lines[this.#line];
    if (next === undefined || next.at - next.start <= indent) return this.#giveUp();
    const further = next.at - next.start;
    return this.#text[next.at] === '-'
      ? this.#list(further, pointer, depth + 1)
      : this.#mapping(next.at, further, pointer, depth + 1);
  }

  #restOfLine(at: number, pointer: string, depth: number): unknown {
    const found = this.#value(at, pointer, depth + 1, false);
    if (!this.#isOver(found.end)) return this.#giveUp();
    this.#line++;
    return found.value;
  }

  /** Nothing more stands in this line, but maybe a comment. */
  #isOver(at: number): boolean {
    const end = this.#lines[this.#line]?.end;
    return at === end || at + (match(COMMENT, this.#text, at)?.length ?? 0) === end;
  }

  /** Where the next line stands, if that is in this column; further in is nowhere. */
  #lineAt(indent: number): number | undefined {
    const next = this.#lines[this.#line];
    if (next === undefined || next.at - next.start < indent) return undefined;
    return next.at - next.start === indent ? next.at : this.#giveUp();
  }

  #value(at: number, pointer: string, depth: number, within: boolean): Found {
    const first = this.#text[at];
    if (depth > DEEPEST) return this.#nothing();
    if (first === '{') return this.#braces(at, pointer, depth);
    if (first === '[') return this.#brackets(at, pointer, depth);
    if (first === '"' || first === "'") {
      const quoted = match(QUOTED, this.#text, at);
      return quoted === undefined
        ? this.#nothing()
        : this.#words(quoted.slice(1, -1), pointer, at + quoted.length);
    }
    const line = this.#text.slice(at, this.#lines[this.#line]?.end);
    const words = match(within ? WORDS_IN_BRACKETS : WORDS, line, 0);
    if (words === undefined) return this.#nothing();
    const end = at + words.length;
    if (WHOLE_NUMBER.test(words)) return { value: Number(words), end };
    if (words === 'true' || words === 'false') return { value: words === 'true', end };
    return NO_TEXT.test(words) ? this.#nothing() : this.#words(words, pointer, end);
  }

  #words(value: string, pointer: string, end: number): Found {
    this.texts.push({ pointer, value });
    return { value, end };
  }

  #braces(start: number, pointer: string, depth: number): Found {
    const value = Object.create(null) as Record<string, unknown>;
    const end = this.#separated(start, '}', (at) => {
      const key = match(KEY, this.#text, at);
      if (key === undefined || this.#text[at + key.length + 1] !== ' ') return this.#nothing().end;
      const child = this.#name(value, key, pointer, at);
      const found = this.#value(at + key.length + 2, child, depth + 1, true);
      value[key] = found.value;
      return found.end;
    });
    return { value, end };
  }

  #brackets(start: number, pointer: string, depth: number): Found {
    const value: unknown[] = [];
    const end = this.#separated(start, ']', (at) => {
      const child = `${pointer}/${value.length}`;
      this.places.set(child, at);
      const found = this.#value(at, child, depth + 1, true);
      value.push(found.value);
      return found.end;
    });
    return { value, end };
  }

  /** One or more, with `, ` between them, each read by `one`. @returns where the text goes on */
  #separated(start: number, close: string, one: (at: number) => number): number {
    let at = start + 1;
    if (this.#text[at] === close) return at + 1;
    for (;;) {
      if (this.#text[at] === ' ') at++;
      at = one(at);
      if (this.odd) return at;
      if (this.#text[at] === ' ') at++;
      if (this.#text[at] === close) return at + 1;
      if (!this.#text.startsWith(', ', at)) return this.#nothing().end;
      at++;
    }
  }

  #name(into: object, key: string, pointer: string, at: number): string {
    if (Object.hasOwn(into, key) || NO_TEXT.test(key)) this.#giveUp();
    const child = `${pointer}/${key}`;
    this.places.set(child, at);
    this.texts.push({ pointer: child, value: key });
    return child;
  }

  #nothing(): Found {
    this.odd = true;
    return { value: undefined, end: this.#text.length };
  }
}

interface Found {
  readonly value: unknown;
  readonly end: number;
}

/** Those that hold more than a comment. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    let at = start;
    while (text[at] === ' ') at++;
    if (at < end && text[at] !== '#') lines.push({ start, at, end });
    start = end + 1;
  }
  return lines;
}

/** What a sticky pattern finds at this very place: its first group, or all of it. */
function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  const [all, group] = pattern.exec(text) ?? [];
  return pattern === KEY ? group : all;
}
