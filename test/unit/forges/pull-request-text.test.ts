/** [O4] What outsiders wrote, in pull requests and comments: data under a fence, whatever it says. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { code } from '../../../src/forges/markdown.ts';
import {
  isMarked,
  markedComment,
  postingBody,
  pullRequestBody,
  pullRequestTitle,
} from '../../../src/forges/pull-request-text.ts';
import { readSignedBlock } from '../../../src/forges/signed-block.ts';
import type { ProposalFacts } from '../../../src/model/forge.ts';
import { printArmor } from '../../../src/trust/armor.ts';
import { NO_FACTS } from '../../support/posting.ts';
import { requestId } from '../../support/world.ts';

const ID = requestId('20261122-reader-aaaaaa');
const SIGNED = { text: 'pam-statement: v1\ntype: stop\n', armor: printArmor(Buffer.from('a signature')) };
const EVIL = [
  '@acme/all look',
  '![](https://evil.example/x)',
  '<img src=x onerror=alert(1)>',
  '```\n# closed the fence\n```',
  '``````',
  'closes #12',
  '<!-- pam',
  '\u202Eright to left\u200b',
  '\x1b[2J',
  'a\r\n\r\n# heading',
  // A fence of more than 80 is none to GitHub's parser.
  `${'`'.repeat(81)} [sign here](https://evil.example) ![](https://evil.example/x) **Approved by:** alice`,
];

/** What a renderer takes as Markdown: everything outside code, by the rules of CommonMark that we rely on. */
function outsideCode(markdown: string): string {
  const kept: string[] = [];
  let open: string | undefined;
  for (const line of markdown.split('\n')) {
    const fence = /^(`{3,})([^`]*)$/u.exec(line);
    if (open === undefined && fence !== null) open = fence[1];
    else if (open !== undefined && fence?.[1]?.startsWith(open) === true && fence[2] === '') open = undefined;
    else if (open === undefined) kept.push(line.replaceAll(/(?<!`)(`{1,80})(?!`)(.*?)(?<!`)\1(?!`)/gu, ''));
  }
  expect(open).toBeUndefined();
  return kept.join('\n');
}

/** Our own words: no link, no image, no HTML. `>` begins a quote, the rest of whose line is code. */
const HARMLESS = /^(?:[A-Za-z0-9 .,:;*()_-]*|> *)$/u;

describe('[O4] outside text', () => {
  test.each(EVIL)('%j in a sentence is code and nothing else', (text) => {
    expect(outsideCode(`before ${code(text)} after`)).toBe('before  after');
    expect(code(text)).not.toMatch(/@(?!\u200b)/u);
    expect(code(text).replaceAll('@\u200b', '')).not.toMatch(/[\u202e\u200b\x1b\r]/u);
  });

  test('[X152] a run that no fence could hold is shown by a look-alike', () => {
    const shown = code(`${'`'.repeat(80)} [x](https://evil.example)`);
    expect(shown).toBe(`\`${'\u02cb'.repeat(80)} [x](https://evil.example)\``);
    expect(code('``` is a fence')).toBe('```` ``` is a fence ````');
  });

  test('any text at all', () => {
    const text = fc.array(fc.oneof(fc.string(), fc.constantFrom('`', '```', '\n', '@', '~~~', ' ')), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(text, (parts) => {
        expect(outsideCode(`x ${code(parts.join(''))} y`)).toBe('x  y');
      }),
    );
  });

  test.each(EVIL)('%j in every field of a proposal', (text) => {
    const facts: ProposalFacts = {
      ...NO_FACTS,
      requester: 'dana',
      subject: 'dana',
      role: 'reader',
      duration: '45m',
      target: 'orders-db',
      description: text,
      permissions: [text],
      justification: text,
      ticket: text,
      incident: text,
      controls: [text],
      reasons: [{ code: 'E_POL_TICKET', ok: false, message: text }],
      approvers: [{ name: 'alice', login: 'alice-ng' }],
    };
    const body = pullRequestBody(ID, facts);
    for (const line of outsideCode(body).split('\n')) expect(line).toMatch(HARMLESS);
    expect(body).not.toMatch(/@(?!\u200b)/u);
    expect(pullRequestTitle(facts)).toBe('reader for dana on orders-db, 45m');
  });

  test.each(EVIL)('%j in the sentence above a signature hides no block and adds none', (sentence) => {
    const body = postingBody({ sentence, signed: SIGNED });
    expect(readSignedBlock(body)).toEqual(SIGNED);
    expect(outsideCode(body).trim()).toBe('');
  });
});

test('the mark of our own comment is found with other line ends, and only at its beginning', () => {
  const marked = markedComment('pending');
  expect(isMarked(marked)).toBe(true);
  expect(isMarked(marked.replaceAll('\n', '\r\n'))).toBe(true);
  expect(isMarked(`> ${marked}`)).toBe(false);
});

test('a body says what `pam show` says, in its order, and no block of code that a phone would cut', () => {
  const body = pullRequestBody(ID, {
    ...NO_FACTS,
    requester: 'dana',
    subject: 'deploy-bot',
    role: 'publish',
    risk: 'admin',
    description: 'Publish packages',
    target: 'legacy',
    permissions: ['publish:packages'],
    duration: '45m',
    start: '2026-11-22T18:00:00Z',
    justification: 'A hot fix\nfor the checkout',
    ticket: 'OPS-1',
    controls: ['pairing'],
    reasons: [
      { code: 'E_POL_TTL', ok: true, message: '45m is at most 1h' },
      { code: 'E_POL_TICKET', ok: false, message: 'no ticket' },
    ],
    approvers: [{ name: 'alice', login: null }],
  });
  expect(body.split('\n').filter((line) => /^(?:`|>|- )/u.test(line))).toEqual([
    '`dana` asks for `publish` on `legacy`, for `deploy-bot`, whose owner this is, because:',
    '> `A hot fix`',
    '> `for the checkout`',
    '- **Role:** `publish` (admin): `Publish packages`',
    '- **Gets:** `publish:packages`',
    '- **For:** 45m from 2026-11-22T18:00:00Z',
    '- **Ticket:** `OPS-1`',
    '- **Control:** `pairing`',
    '- ok `45m is at most 1h`',
    '- **no** `no ticket` (E_POL_TICKET)',
    `- \`pam show ${ID}\``,
    `- \`pam approve ${ID}\``,
    `- \`pam deny ${ID} --reason "..."\``,
  ]);
  expect(body).not.toContain('```');
});
