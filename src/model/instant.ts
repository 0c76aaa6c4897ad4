/**
 * Instants and durations, as documents spell them.
 *
 * An `Instant` is the text `YYYY-MM-DDTHH:MM:SSZ` itself: fixed width, always UTC, so `<` on the text is `<` in
 * time, and what a rule compares is what a person reads in the file. Nothing here reads a clock.
 */
export type Instant = string & { readonly __brand: 'Instant' };
export type Duration = string & { readonly __brand: 'Duration' };

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/u;
/** Every instant of a day that each month of each year has: no calendar has to be asked. */
const SURE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/u;
const DURATION = /^([1-9][0-9]{0,4})([smhd])$/u;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The instant that `ms` (Unix milliseconds) falls in, cut down to whole seconds. */
export function instantOf(ms: number): Instant {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z') as Instant;
}

/** `undefined` unless the text is an instant that survives re-printing (so no 30 February, no `24:00:00`). */
export function parseInstant(text: string): Instant | undefined {
  if (SURE.test(text)) return text as Instant;
  if (!INSTANT.test(text)) return undefined;
  const at = new Date(text);
  // What is past the end of a month or of a day falls on another one.
  return at.getUTCDate() === Number(text.slice(8, 10)) ? (text as Instant) : undefined;
}

export function parseDuration(text: string): Duration | undefined {
  return DURATION.test(text) ? (text as Duration) : undefined;
}

/** As people say it, `1h30m`, in the one spelling that documents have, `90m`. `undefined` where it is none. */
export function durationFrom(words: string): Duration | undefined {
  const parts = [...words.matchAll(/([1-9][0-9]{0,4})([dhms])/gu)];
  const units = parts.map(([, , unit = '']) => unit);
  const inOrder = [...'dhms'].filter((unit) => units.includes(unit)).join('') === units.join('');
  if (!inOrder || parts.map(([part]) => part).join('') !== words) return undefined;
  const smallest = units.at(-1) ?? '';
  const seconds = parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNIT_SECONDS[unit] ?? Number.NaN),
    0,
  );
  return parseDuration(`${seconds / (UNIT_SECONDS[smallest] ?? Number.NaN)}${smallest}`);
}

/** Whole seconds in a duration. */
export function secondsOf(duration: Duration): number {
  const match = DURATION.exec(duration);
  if (match === null) throw new TypeError(`not a duration: ${JSON.stringify(duration)}`);
  return Number(match[1]) * (UNIT_SECONDS[match[2] ?? ''] ?? Number.NaN);
}

/** Never past the last instant that this spelling can hold, so that text order stays time order. */
export function plus(at: Instant, seconds: number): Instant {
  return instantOf(Math.min(Date.parse(at) + seconds * 1000, LAST_MS));
}

const LAST_MS = Date.parse('9999-12-31T23:59:59Z');

/** Seconds from `from` to `to`; negative when `to` is earlier. */
export function secondsBetween(from: Instant, to: Instant): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}

/** Unix seconds, for the few formats that want them (Git, certificates). */
export function unixSeconds(at: Instant): number {
  return Date.parse(at) / 1000;
}

/** Midnight UTC of the day that an id's first eight digits name; `undefined` if there is no such day. */
export function dayOf(id: string): Instant | undefined {
  return parseInstant(`${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T00:00:00Z`);
}
