/** Characters that act on a screen, or hide on one, instead of being seen: control, ESC, CR, bidi, zero width. */
export const HIDDEN =
  // oxlint-disable-next-line no-misleading-character-class -- each of these is meant by itself
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** Outside text with each of them as `\u{...}`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
