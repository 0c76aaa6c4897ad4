/**
 * Documents that pam writes and pam reads: one line of JSON and LF, in one spelling only. A reader prints what it
 * parsed and compares bytes, so there is no second way to write an entry: no blanks, no duplicate keys, no
 * `1.0` for `1`, no other order of fields. What is signed is what was read.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import { PamError } from '../model/error.ts';
import type { SchemaName } from './document-schemas.ts';
import { inFieldOrder } from './field-order.ts';
import { utf8Text } from './plain-text.ts';
import { shapeFaults } from './schema.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 64;
const MOST_FAULTS = 50;

/** Throws `E_BUG` rather than write what no reader would take. */
export function printJsonLine(name: SchemaName, value: object): Uint8Array {
  const bytes = Buffer.from(oneSpelling(name, value));
  readJson(name, bytes, 'E_BUG');
  return bytes;
}

function oneSpelling(name: SchemaName, value: object): string {
  return `${JSON.stringify(inFieldOrder(name, value))}\n`;
}

/** Throws `code` for anything but the one spelling of a valid document. */
export function readJsonLine(name: SchemaName, bytes: Uint8Array, code: ErrorCode): object {
  const value = readJson(name, bytes, code);
  // The bytes are UTF-8, so texts that are the same are the same bytes.
  if (oneSpelling(name, value) !== utf8Text(bytes)) {
    throw new PamError(code, `${name}: not in the one spelling that pam writes`);
  }
  return value;
}

/** The same, in any spelling: for bytes whose digest was signed and is compared by the caller. */
export function readJson(name: SchemaName, bytes: Uint8Array, code: ErrorCode): object {
  const fail = (message: string, cause?: unknown): PamError =>
    new PamError(code, `${name}: ${message}`, { cause });
  if (bytes.length > MAX_BYTES) throw fail(`more than ${MAX_BYTES} bytes`);
  const text = utf8Text(bytes);
  if (text === undefined) throw fail('not JSON in UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('not JSON in UTF-8', cause);
  }
  const odd = isPlain(text) ? undefined : oddity(value, 0);
  if (odd !== undefined) throw fail(odd);
  const faults = shapeFaults(name, value).slice(0, MOST_FAULTS);
  const first = faults[0];
  if (first === undefined && typeof value === 'object' && value !== null) return value;
  throw new PamError(code, `${name}: ${first?.path || '/'} ${first?.message ?? 'must be an object'}`, {
    issues: faults.map(({ path, message }) => ({ file: name, path, code, message })),
  });
}

/** Where nothing is escaped by number, no half character and no hidden key can stand; few brackets are never deep. */
function isPlain(text: string): boolean {
  return (
    !text.includes('\\u') && !text.includes('__proto__') && (text.match(BRACKETS)?.length ?? 0) <= MAX_DEPTH
  );
}

const BRACKETS = /[[{]/gu;

/** What a schema cannot see. */
function oddity(value: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return `nested more than ${MAX_DEPTH} deep`;
  if (typeof value === 'string') return loneSurrogate(value);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const odd =
      key === '__proto__' ? 'holds a key __proto__' : (loneSurrogate(key) ?? oddity(item, depth + 1));
    if (odd !== undefined) return odd;
  }
  return undefined;
}

function loneSurrogate(text: string): string | undefined {
  return /\p{Surrogate}/u.test(text) ? 'holds half a character' : undefined;
}
