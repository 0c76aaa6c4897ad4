import type { ErrorCode } from '../model/error-codes.ts';
import { isUtf8 } from 'node:buffer';
import { PamError } from '../model/error.ts';

/**
 * From bytes to text that a person and every parser read alike. Nothing is repaired: what could be shown in one
 * way and read in another (byte order marks, lone CR, bidi overrides, invisible characters) is refused.
 */

/** Reorders, hides or fakes text on a screen. Joiners (U+200C, U+200D) stay: scripts and emoji need them. */
const DECEPTIVE =
  /[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]/u;
/** Line ends that YAML parsers disagree about. */
const ODD_NEWLINE = /\r(?!\n)|[\u0085\u2028\u2029]/u;

export interface TextFault {
  readonly code: ErrorCode;
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
}

/** Throws `E_YAML_SIZE` or `E_YAML_ENCODING`. */
export function decodeText(bytes: Uint8Array, maxBytes: number): string {
  if (bytes.length > maxBytes) {
    throw new PamError('E_YAML_SIZE', `the file has ${bytes.length} bytes, more than ${maxBytes}`);
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new PamError('E_YAML_ENCODING', 'the file starts with a byte order mark', {
      hint: 'save it as UTF-8 without one',
    });
  }
  if (bytes.includes(0)) throw new PamError('E_YAML_ENCODING', 'the file holds a NUL byte');
  const text = utf8Text(bytes);
  if (text === undefined) throw new PamError('E_YAML_ENCODING', 'the file is not valid UTF-8');
  return text;
}

/** The text of these bytes, nothing added, dropped or replaced; `undefined` unless they are UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Most texts are plain, and then no other question about their characters needs an answer. */
const PLAIN = /^[\x20-\x7e\n]*$/u;
const PLAIN_LINE = /^[\x20-\x7e]*$/u;

/** What is wrong with the characters of a whole file; `undefined` when nothing is. */
export function textFault(text: string): TextFault | undefined {
  if (PLAIN.test(text)) return undefined;
  const newline = ODD_NEWLINE.exec(text);
  if (newline !== null) {
    return {
      code: 'E_YAML_NEWLINE',
      message: 'a line ends in something else than LF or CRLF',
      offset: newline.index,
    };
  }
  const control = CONTROL.exec(text) ?? DECEPTIVE.exec(text);
  if (control === null) return undefined;
  return {
    code: 'E_REQ_CHARSET',
    message: `${unicodeName(control[0])} is not allowed`,
    offset: control.index,
  };
}

/** What is wrong with one value *after* escapes were decoded; line ends only where `lines` says so. */
export function valueFault(value: string, lines: boolean): string | undefined {
  if (PLAIN_LINE.test(value)) return undefined;
  const bad =
    CONTROL.exec(value) ??
    DECEPTIVE.exec(value) ??
    /[\r\u0085\u2028\u2029]|\p{Surrogate}/u.exec(value) ??
    (lines ? null : /[\n\t]/u.exec(value));
  return bad === null ? undefined : `${unicodeName(bad[0])} is not allowed here`;
}

/** Text from outside inside a message: quoted, ASCII only, short. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  return JSON.stringify(short).replace(
    /[^ -~]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function unicodeName(char: string): string {
  return `character U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
