/**
 * What a plugin said: one strict JSON document, or `E_PRV_PLUGIN`. Its words are shown to people and kept in the ledger,
 * so the secrets that it was given are taken out first, then what is no visible character, and only then is the text cut.
 * Its handle is kept and given back to it, so it is never mended: a handle that no ledger entry can hold, or that would
 * come back as another one, is refused here, as this target's error.
 */
import { PamError } from '../../model/error.ts';
import { keyTwice } from './key-twice.ts';

const VERSION = 1;
const FIELDS = new Set(['version', 'state', 'handle', 'message']);
const STATES = ['present', 'absent', 'unknown'] as const;
const FIRST_CHARACTERS = /^.{0,300}/su;
/** Control, format and private characters, halves of a surrogate pair: none of them is shown as what it is. */
const INVISIBLE = /\p{C}/gu;
const MAX_HANDLE_BYTES = 4096;
/** A ledger entry may be nested 64 deep, and a handle stands a few levels below its top. */
const MAX_HANDLE_DEPTH = 16;
const REDACTED = '[redacted]';
/** Shorter values are settings rather than secrets, and they occur in any text by chance. */
const SHORTEST_SECRET = 6;

export interface PluginAnswer {
  readonly state: (typeof STATES)[number];
  readonly handle: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export function parseAnswer(bytes: Uint8Array, secrets: readonly string[]): PluginAnswer {
  const answer = parseObject(bytes, secrets);
  const unknown = Object.keys(answer).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw bad(`it holds an unknown field ${JSON.stringify(unknown)}`, secrets);
  const { version, state, handle = {}, message = '' } = answer;
  if (version !== VERSION) throw bad(`its version is not ${VERSION}`, secrets);
  const known = STATES.find((word) => word === state);
  if (known === undefined) throw bad(`its state is none of ${STATES.join(', ')}`, secrets);
  if (!isObject(handle)) throw bad('its handle is not an object', secrets);
  if (typeof message !== 'string') throw bad('its message is not a text', secrets);
  return { state: known, handle: harmless(handle, secrets), message: shown(message, secrets) };
}

/**
 * A plugin's own words as one line of visible characters, without the values that it was given, at most 300 characters
 * of them. What is not visible becomes U+FFFD rather than nothing: what it kept apart could join to a secret.
 */
export function shown(text: string, secrets: readonly string[]): string {
  const clean = spellings(secrets).reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text.trim());
  const line = clean.replace(/\s+/gu, ' ').replace(INVISIBLE, '\ufffd');
  return FIRST_CHARACTERS.exec(line)?.[0] ?? '';
}

function parseObject(bytes: Uint8Array, secrets: readonly string[]): Readonly<Record<string, unknown>> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch {
    throw bad(`it is not JSON: ${JSON.stringify(Buffer.from(bytes).toString('utf8'))}`, secrets);
  }
  const twice = keyTwice(text);
  if (twice !== undefined) throw bad(`it holds the field ${JSON.stringify(twice)} twice`, secrets);
  if (!isObject(parsed)) throw bad('it is not an object', secrets);
  return parsed;
}

/** The handle goes into the ledger as it is: it is refused, not cut or mended. */
function harmless(
  handle: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> {
  // Looked at before it is printed: printing goes as deep as the plugin nested.
  const fault = faultIn(handle, 1);
  if (fault !== undefined) throw bad(`its handle ${fault}`, secrets);
  const text = JSON.stringify(handle);
  if (Buffer.byteLength(text) > MAX_HANDLE_BYTES) {
    throw bad(`its handle is longer than ${MAX_HANDLE_BYTES} bytes`, secrets);
  }
  if (spellings(secrets).some((secret) => text.includes(secret))) {
    throw bad('its handle holds a secret that the plugin was given', secrets);
  }
  return handle;
}

/** What would keep this value from being read back from an entry as the value that it is. */
function faultIn(value: unknown, depth: number): string | undefined {
  if (depth > MAX_HANDLE_DEPTH) return `is nested more than ${MAX_HANDLE_DEPTH} deep`;
  if (typeof value === 'string') return faultInText(value);
  if (typeof value === 'number') return faultInNumber(value);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return 'holds a key __proto__';
    const fault = faultInText(key) ?? faultIn(inner, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const faultInText = (text: string): string | undefined =>
  /\p{Surrogate}/u.test(text) ? 'holds half a character' : undefined;

/** Rounded, `0` for `-0` or `null` for 1e999 it would name something else when it is given back. */
function faultInNumber(value: number): string | undefined {
  const isKept = !Object.is(value, -0) && Number.isFinite(value);
  return isKept && (!Number.isInteger(value) || Number.isSafeInteger(value))
    ? undefined
    : 'holds a number that JSON readers do not agree on; write it as a text';
}

/** The value itself and the other ways in which programs like to print it. Longest first. */
function spellings(secrets: readonly string[]): string[] {
  const long = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const all = long.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(Buffer.from(secret).toString('utf8')),
    Buffer.from(secret).toString('base64'),
  ]);
  return [...new Set(all)].sort((a, b) => b.length - a.length);
}

function bad(what: string, secrets: readonly string[]): PamError {
  return new PamError('E_PRV_PLUGIN', shown(`the plugin's answer cannot be used, ${what}`, secrets));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
