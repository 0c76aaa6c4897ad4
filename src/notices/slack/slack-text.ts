/**
 * A notice as text of Slack ("mrkdwn"). Our own words stand free; every text that a person or a policy wrote stands in code, on one line,
 * behind a backtick that it cannot close: there nothing is bold, a mention or a link, and Slack's three characters (`& < >`),
 * which work even in code, are escaped as Slack says. What would hide on a screen is visible. Each text has a length of its own.
 */
import type { Notice } from '../../model/notice.ts';
import { visible } from '../../model/visible.ts';

const LONGEST_WHY = 500;
const LONGEST_PART = 200;
const MOST_PARTS = 10;

export function slackText(notice: Notice): string {
  const { permissions, why, who_now: who, next, place, left_out: left } = notice;
  return [
    headline(notice),
    ...(permissions.length === 0 ? [] : [`what: ${several(permissions)}`]),
    ...(why === null ? [] : [`why: ${code(why, LONGEST_WHY)}`]),
    ...(who.length === 0 ? [] : [`may approve now: ${several(who)}`]),
    ...(next === null ? [] : [`next: ${code(next)}`]),
    ...(place === null ? [] : [`at: ${address(place)}`]),
    ...(left === 0 ? [] : [`${left} more of this run are not told here: \`pam log\` has them`]),
  ].join('\n');
}

/** What happened, to whom, where and for how long. */
function headline(notice: Notice): string {
  const { event, id, role, requester, subject, target, duration, until } = notice;
  if (event === 'test') return '*pam: a test.* Notices of this access repository arrive here.';
  if (event === 'policy') return '*pam: a policy is in force*';
  const who = subject ?? requester;
  const asker = requester !== null && requester !== subject ? ` (asked by ${code(requester)})` : '';
  const parts = [
    ...(who === null ? [] : [`${code(who)}${asker}`]),
    ...(role === null ? [] : [`as ${code(role)}`]),
    ...(target === null ? [] : [`on ${code(target)}`]),
    ...(duration === null ? [] : [`for ${code(duration)}`]),
    ...(until === null ? [] : [`until ${code(until)}`]),
  ];
  return `*pam: ${WORDS[event]}:* ${[...parts, ...(id === null ? [] : [code(id)])].join(' ')}`;
}

const WORDS: Readonly<Record<Exclude<Notice['event'], 'test' | 'policy'>, string>> = {
  opened: 'asked for',
  approved: 'approved, to be merged',
  fallback: 'still waits, and others may approve now',
  granted: 'granted',
  refused: 'refused',
  revoked: 'ended',
  failed: 'FAILED',
  overdue: 'PAST ITS END AND NOT GONE',
};

function several(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_PARTS).map((text) => code(text));
  const more = texts.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** An address that can be opened is one; everything else, the name of a branch too, is text. */
const address = (place: string): string =>
  /^https:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/u.test(place) ? place : code(place);

function code(text: string, longest = LONGEST_PART): string {
  const line = visible(text.replace(/\s+/gu, ' ')).trim();
  const short =
    line.length > longest ? `${line.slice(0, longest).replace(/[\ud800-\udbff]$/u, '')}...` : line;
  // A look-alike: nothing may close the code.
  const closed = short.replaceAll('`', '\u02cb');
  const safe = closed.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return safe === '' ? '` `' : `\`${safe}\``;
}
