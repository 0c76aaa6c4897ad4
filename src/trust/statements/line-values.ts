/** How values are spelt in the lines of a statement: free text as a JSON string, nothing as `-`, all else bare. */
import { PamError } from '../../model/error.ts';
import { isSha256 } from '../../model/names.ts';
import type { LedgerPoint } from '../../model/statement.ts';

/** A JSON string in which everything outside 0x20-0x7e is `\uXXXX`, so that no text makes a line of its own. */
export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const unit = text.charCodeAt(i);
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (unit < 0x20 || unit > 0x7e) out += `\\u${unit.toString(16).padStart(4, '0')}`;
    else out += char;
  }
  return `${out}"`;
}

export const quoteOrDash = (text: string | null): string => (text === null ? '-' : quote(text));

/** @throws PamError `E_STATEMENT`; a line that is missing is as good as `-`, until the text is compared */
export function unquoteLine(lines: ReadonlyMap<string, string>, key: string): string | null {
  const value = lines.get(key);
  if (value === undefined || value === '-') return null;
  try {
    const text: unknown = JSON.parse(value);
    if (typeof text === 'string') return text;
  } catch {
    // Falls through to the one error.
  }
  throw new PamError('E_STATEMENT', `the line "${key}" is neither "-" nor a JSON string`);
}

export const printPoint = ({ seq, head }: LedgerPoint): string => `${seq} ${head}`;

export function pointOf(value: string | undefined): LedgerPoint | null {
  const [seq = '', head = '', ...rest] = (value ?? '').split(' ');
  if (!/^(?:0|[1-9][0-9]{0,14})$/u.test(seq) || !isSha256(head) || rest.length > 0) return null;
  return { seq: Number(seq), head };
}
