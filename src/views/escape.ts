import { HIDDEN, visible } from '../model/visible.ts';

/**
 * The one way for outside text onto a screen: control characters, ESC, CR, bidi and zero-width become visible.
 * `line` also keeps a text on one line; `block` keeps its line feeds and indents them.
 */
export function line(text: string): string {
  return visible(text.replace(/[\n\t]/gu, (char) => (char === '\n' ? '\\n' : ' ')));
}

export function block(text: string, indent: string): string {
  return text
    .split('\n')
    .map((one) => indent + visible(one))
    .join('\n');
}

/** JSON in which the same characters are `\uXXXX`: lossless for a machine, harmless on a screen. */
export function json(document: unknown): string {
  return JSON.stringify(document, null, 2).replace(HIDDEN, (char) =>
    char === '\n' ? char : Array.from({ length: char.length }, (_, at) => unit(char.charCodeAt(at))).join(''),
  );
}

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`;
