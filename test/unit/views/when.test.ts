import { expect, it } from 'vitest';
import { parseInstant } from '../../../src/model/instant.ts';
import { dateTime } from '../../../src/views/when.ts';

it.each([
  ['UTC', '2026-11-29 17:18:03 UTC'],
  [undefined, '2026-11-29 17:18:03 UTC'],
  ['Europe/London', '2026-11-29 17:18:03 UTC'],
  ['Europe/Berlin', '2026-11-29 17:18:03 UTC (18:18 here)'],
  ['Asia/Kolkata', '2026-11-29 17:18:03 UTC (22:48 here)'],
  ['no such zone', '2026-11-29 17:18:03 UTC'],
])('a moment of a log, read in %s', (zone, told) => {
  const at = parseInstant('2026-11-29T17:18:03Z');
  expect(at === undefined ? undefined : dateTime(at, zone)).toBe(told);
});
