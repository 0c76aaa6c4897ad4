/** Times for people: absolute UTC and relative. */
import { type Instant, secondsBetween } from '../model/instant.ts';

/** `18:45:00 UTC`, with the date where it is not the day of `now`. */
export function clockTime(at: Instant, now: Instant): string {
  const time = `${at.slice(11, 19)} UTC`;
  return at.slice(0, 10) === now.slice(0, 10) ? time : `${at.slice(0, 10)} ${time}`;
}

/** `45m`, `2h 5m`, `3d 4h`, `20s` */
export function span(seconds: number): string {
  const total = Math.abs(Math.round(seconds));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(total / 86_400), 'd'],
    [Math.floor(total / 3600) % 24, 'h'],
    [Math.floor(total / 60) % 60, 'm'],
    [total % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}

/** `until 18:45:00 UTC (in 45m)`, `ended 12m ago` */
export function untilWhen(end: Instant, now: Instant): string {
  const left = secondsBetween(now, end);
  return left > 0
    ? `until ${clockTime(end, now)} (in ${span(left)})`
    : `ended ${clockTime(end, now)} (${span(left)} ago)`;
}

export function ago(at: Instant, now: Instant): string {
  return `${clockTime(at, now)} (${span(secondsBetween(at, now))} ago)`;
}

/** `2026-11-29 17:18:03 UTC` for a list over many days; with the reader's own time beside it where their clock shows another. */
export function dateTime(at: Instant, zone: string | undefined): string {
  const utc = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
  const own = zone === undefined ? undefined : timeIn(zone, at);
  return own === undefined || own === at.slice(11, 16) ? utc : `${utc} (${own} here)`;
}

/** `18:18`; `undefined` for a zone that this Node does not know. */
function timeIn(timeZone: string, at: Instant): string | undefined {
  try {
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
    return clock.format(new Date(at));
  } catch {
    return undefined;
  }
}
