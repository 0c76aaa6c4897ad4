/**
 * The one way for outside text onto a screen: control characters, ESC, CR, bidi and zero-width become visible.
 * `line` also keeps a text on one line; `block` keeps its line feeds and indents them.
 */
const HIDDEN =
  // oxlint-disable-next-line no-misleading-character-class -- each of these is meant by itself
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

const show = (char: string): string => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;

export function line(text: string): string {
  return text.replace(/[\n\t]/gu, (char) => (char === '\n' ? '\\n' : ' ')).replace(HIDDEN, show);
}

export function block(text: string, indent: string): string {
  return text
    .split('\n')
    .map((one) => indent + one.replace(HIDDEN, show))
    .join('\n');
}

/** JSON in which the same characters are `\uXXXX`: lossless for a machine, harmless on a screen. */
export function json(document: unknown): string {
  return JSON.stringify(document, null, 2).replace(HIDDEN, (char) =>
    char === '\n' ? char : Array.from({ length: char.length }, (_, at) => unit(char.charCodeAt(at))).join(''),
  );
}

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
