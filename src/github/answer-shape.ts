/** Readers for answers of the API. Whatever is not of the expected shape is `E_FORGE_SHAPE`, never a crash later. */
import { PamError } from '../model/error.ts';

export type Fields = Readonly<Partial<Record<string, unknown>>>;

export function misshapen(what: string): PamError {
  return new PamError('E_FORGE_SHAPE', `the API gave an answer of another shape: ${what}`);
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw misshapen(`${what} is no object`);
  }
  // An object without prototype surprises: `constructor` and the like are no fields.
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw misshapen(`${what} is no list`);
  return value;
}

export function textOf(fields: Fields, key: string, what: string): string {
  const value = fields[key];
  if (typeof value !== 'string') throw misshapen(`${what} has no text ${key}`);
  return value;
}

/** `null` and a field that is left out are alike. */
export function textOrNull(fields: Fields, key: string, what: string): string | null {
  const value = fields[key];
  return value === undefined || value === null ? null : textOf(fields, key, what);
}

/** Ids and numbers: whole, positive, exact. */
export function numberOf(fields: Fields, key: string, what: string): number {
  const value = fields[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw misshapen(`${what} has no number ${key}`);
  }
  return value;
}
