/**
 * What a plugin said: one strict JSON document or nothing. Its words are shown to people and kept in the ledger,
 * so the secrets that it was given are taken out first, and only then is the text cut.
 */
import { PamError } from '../model/error.ts';

const VERSION = 1;
const FIELDS = new Set(['version', 'state', 'handle', 'message']);
const STATES = ['present', 'absent', 'unknown'] as const;
/** Whole characters: half a surrogate pair is no text. */
const FIRST_CHARACTERS = /^.{0,300}/su;
const MAX_HANDLE = 4096;
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

/** A plugin's own words as one line, without the values that it was given, at most 300 characters of them. */
export function shown(text: string, secrets: readonly string[]): string {
  const clean = spellings(secrets).reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text.trim());
  return FIRST_CHARACTERS.exec(clean.replace(/\s+/gu, ' '))?.[0] ?? '';
}

function parseObject(bytes: Uint8Array, secrets: readonly string[]): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw bad(`it is not JSON: ${JSON.stringify(Buffer.from(bytes).toString('utf8'))}`, secrets);
  }
  if (!isObject(parsed)) throw bad('it is not an object', secrets);
  return parsed;
}

/** The handle goes into the ledger as it is: it can be refused there, not cut. */
function harmless(
  handle: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(handle);
  if (text.length > MAX_HANDLE) throw bad(`its handle is longer than ${MAX_HANDLE} characters`, secrets);
  if (spellings(secrets).some((secret) => text.includes(secret))) {
    throw bad('its handle holds a secret that the plugin was given', secrets);
  }
  return handle;
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
