/** What Slack is given to show: our words free, everybody else's in code that nothing gets out of. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slackText } from '../../../src/notices/slack/slack-text.ts';
import { HIDDEN } from '../../../src/model/visible.ts';
import { HOSTILE_TEXTS, noticeWith } from '../../support/notice-texts.ts';

/** What is left when each piece of code is taken out: only our own words may stand there. */
const outsideCode = (text: string): string => text.replace(/`[^`\n]*`/gu, 'CODE');
const HIDDEN_ONCE = new RegExp(HIDDEN.source, 'u');
const OURS = [
  '*pam: asked for:* CODE (asked by CODE) as CODE on CODE for CODE CODE',
  'what: CODE',
  'why: CODE',
  'may approve now: CODE',
  'next: CODE',
  'at: CODE',
].join('\n');

describe('[X140] what a requester wrote, in a message of Slack', () => {
  it('a notice says who, what, where, how long, why, who may approve, the command and the address', () => {
    expect(slackText(noticeWith({ who_now: ['bob', 'carol'] }))).toBe(
      [
        '*pam: asked for:* `dana` as `orders-dba` on `orders-db` for `45m` `20261122-orders-dba-7k3fq2`',
        'what: `role:orders_billing_owner`',
        'why: `Stuck migration 114 blocks checkout.`',
        'may approve now: `bob`, `carol`',
        'next: `pam approve 20261122-orders-dba-7k3fq2`',
        'at: https://github.com/acme/access/pull/12',
      ].join('\n'),
    );
  });

  const everywhere = (text: string): string =>
    slackText(
      noticeWith({
        why: text,
        permissions: [text],
        who_now: [text],
        next: text,
        place: text,
        requester: text,
        subject: 'dana',
        role: text,
        target: text,
      }),
    );

  /** What got out of its place; empty where nothing did. */
  function harm(text: string): readonly string[] {
    const shown = everywhere(text);
    const found = [
      outsideCode(shown) === OURS ? '' : `outside: ${outsideCode(shown)}`,
      // In code, too, Slack reads these three.
      /[<>&]/u.test(shown.replaceAll(/&(?:amp|lt|gt);/gu, '')) ? `raw: ${shown}` : '',
      HIDDEN_ONCE.test(shown.replaceAll('\n', '')) ? `hidden: ${shown}` : '',
    ];
    return found.filter((one) => one !== '');
  }

  it.each(HOSTILE_TEXTS.map((text) => [text.slice(0, 40), text] as const))('%j stays text', (_, text) => {
    expect(harm(text)).toEqual([]);
  });

  it('so does any other', () => {
    const piece = fc.oneof(
      fc.constantFrom('`', '<', '>', '&', '*', '_', '\n', '\u202e', '<!here>'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (parts) => {
        expect(harm(parts.join(''))).toEqual([]);
      }),
    );
  });

  it.each([
    ['https://evil.example/|x>', false],
    ['https://github.com/acme/access/pull/1#fragment', false],
    ['https://github.com/acme/access/pull/1?q=<!channel>', false],
    ['http://github.com/acme/access/pull/1', false],
    ['https://ghe.acme.example:8443/acme/access/pull/1', true],
    ['pam/20261122-orders-dba-7k3fq2', false],
  ])('%s is a link: %s', (place, isLink) => {
    const last = slackText(noticeWith({ place })).split('\n').at(-1);
    expect(last === `at: ${place}`).toBe(isLink);
  });

  it('is never long, and says what it does not show', () => {
    const shown = slackText(
      noticeWith({
        why: 'y'.repeat(10_000),
        permissions: Array.from({ length: 64 }, (_, n) => `${n} ${'p'.repeat(2000)}`),
        left_out: 7,
      }),
    );
    expect(shown.length).toBeLessThan(4000);
    expect(shown).toContain('and 54 more');
    expect(shown).toContain('7 more of this run are not told here');
  });

  it('a test and a policy are about no request', () => {
    const none = { id: null, role: null, requester: null, subject: null, target: null, duration: null };
    const bare = { ...none, permissions: [], who_now: [], next: null, place: null };
    expect(slackText(noticeWith({ ...bare, event: 'test', why: null }))).toMatch(/^\*pam: a test\.\*/u);
    expect(slackText(noticeWith({ ...bare, event: 'policy', why: 'policy 3 is in force' }))).toBe(
      '*pam: a policy is in force*\nwhy: `policy 3 is in force`',
    );
  });
});
