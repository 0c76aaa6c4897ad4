import { describe, expect, it } from 'vitest';
import {
  dayOf,
  earlier,
  instantOf,
  durationFrom,
  parseDuration,
  parseInstant,
  plus,
  secondsBetween,
  secondsOf,
  unixSeconds,
} from '../../../src/model/instant.ts';
import { at } from '../../support/world.ts';

describe('instants', () => {
  it.each(['2026-11-22T18:00:00Z', '2024-02-29T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])(
    'takes %s',
    (text) => expect(parseInstant(text)).toBe(text),
  );

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T23:59:60Z',
    '2026-11-22T18:00:00+00:00',
    '2026-11-22T18:00:00.000Z',
    '2026-11-22 18:00:00Z',
    '2026-11-22T18:00Z',
    '2026-11-22T18:00:00Z\n',
    ' 2026-11-22T18:00:00Z',
    '+010000-01-01T00:00:00Z',
    '２026-11-22T18:00:00Z',
    '',
  ])('refuses %j', (text) => expect(parseInstant(text)).toBeUndefined());

  it('takes exactly the days and hours that the calendar has', () => {
    const two = (number: number): string => String(number).padStart(2, '0');
    const upTo = (most: number): readonly string[] =>
      Array.from({ length: most + 1 }, (_, number) => two(number));
    const days = ['1900', '2000', '2024', '2026'].flatMap((year) =>
      upTo(13).flatMap((month) => upTo(32).map((day) => `${year}-${month}-${day}T00:00:00Z`)),
    );
    const times = upTo(25).flatMap((hour) =>
      ['00', '59', '60'].map((rest) => `2026-11-22T${hour}:${rest}:${rest}Z`),
    );
    for (const text of [...days, ...times]) {
      const ms = Date.parse(text);
      const exists = !Number.isNaN(ms) && new Date(ms).toISOString() === text.replace('Z', '.000Z');
      expect([text, parseInstant(text)]).toEqual([text, exists ? text : undefined]);
    }
  });

  it('cuts milliseconds down, never up', () => {
    expect(instantOf(1999)).toBe('1970-01-01T00:00:01Z');
    expect(instantOf(-1)).toBe('1969-12-31T23:59:59Z');
  });

  it('counts over days, months and leap years', () => {
    expect(plus(at('2024-02-28T23:59:59Z'), 1)).toBe('2024-02-29T00:00:00Z');
    expect(plus(at('2026-12-31T23:59:59Z'), 2)).toBe('2027-01-01T00:00:01Z');
    expect(secondsBetween(at('2026-11-22T18:00:00Z'), at('2026-11-22T17:59:00Z'))).toBe(-60);
    expect(unixSeconds(at('1970-01-02T00:00:00Z'))).toBe(86_400);
    expect(earlier(at('12:00'), at('11:59'))).toBe(at('11:59'));
  });
});

describe('durations', () => {
  it.each([
    ['1s', 1],
    ['45m', 2700],
    ['2h', 7200],
    ['7d', 604_800],
    ['99999d', 8_639_913_600],
  ])('%s is %d seconds', (text, seconds) => {
    const duration = parseDuration(text);
    expect(duration === undefined ? undefined : secondsOf(duration)).toBe(seconds);
  });

  it.each(['0s', '01s', '1', 's', '1w', '-1s', '1.5h', '100000s', '1h30m', ' 1h', '1h\n', '1H', '１s'])(
    'refuses %j',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  it.each([
    ['45m', '45m'],
    ['2h', '2h'],
    ['1h30m', '90m'],
    ['1d12h', '36h'],
    ['1d30m', '1470m'],
    ['1h1m1s', '3661s'],
    ['30m1h', undefined],
    ['1h1h', undefined],
    ['1h30', undefined],
    ['1 h', undefined],
    ['', undefined],
    ['99999h59m', undefined],
  ])('what people type: %j is %j', (words, expected) => {
    expect(durationFrom(words)).toBe(expected);
  });

  it('a text that never was a duration is a mistake of ours', () => {
    expect(() => secondsOf('soon' as never)).toThrow(TypeError);
  });
});

describe('the day of an id', () => {
  it.each([
    ['20261122-dba-aaaaaa', '2026-11-22T00:00:00Z'],
    ['20260230-dba-aaaaaa', undefined],
    ['20261322-dba-aaaaaa', undefined],
    ['garbage', undefined],
  ])('%s: %s', (id, day) => expect(dayOf(id)).toBe(day));
});
