import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printSignedBlock, readSignedBlock } from '../../../src/forges/signed-block.ts';
import { joinSigned, printArmor } from '../../../src/trust/armor.ts';

const SIGNED = {
  text: 'pam-statement: v1\ntype: approval\nbecause: "```"\n',
  armor: printArmor(Buffer.from('a signature'.repeat(20))),
};
const INSIDE = joinSigned(SIGNED);
const BLOCK = printSignedBlock(SIGNED);
const quote = (text: string): string => text.replaceAll(/^/gmu, '> ');

describe('one signed block is read', () => {
  test.each([
    ['alone', BLOCK],
    ['under a sentence and above another', `alice approves\n\n${BLOCK}\nthank you`],
    ['[Z3] with CRLF', `alice approves\r\n\r\n${BLOCK.replaceAll('\n', '\r\n')}`],
    ['[Z3] without a final newline', BLOCK.trimEnd()],
    ['[Z3] with one blank line around the text', `\`\`\`\n\n${INSIDE}\n\`\`\``],
    ['with another fence', `~~~~~ text\n${INSIDE}~~~~~~~`],
    ['without a word after the fence', `\`\`\`\n${INSIDE}\`\`\``],
    ['beside a block that is no statement', `\`\`\`sh\npam show x\n\`\`\`\n\n${BLOCK}`],
    ['beside a quoted one', `${quote(BLOCK)}\n\n${BLOCK}`],
    ['beside one in a longer fence', `\`\`\`\`\n${BLOCK}\`\`\`\`\n${BLOCK}`],
    ['above a fence that is never closed', `${BLOCK}\n\`\`\`\n${INSIDE}`],
  ])('%s', (_what, text) => {
    expect(readSignedBlock(text)).toEqual(SIGNED);
  });
});

describe('nothing is read', () => {
  test.each([
    ['no block', 'alice approves'],
    ['an armor without a fence', INSIDE],
    ['a quoted block', quote(BLOCK)],
    ['a block in a list', `- ${BLOCK.replaceAll('\n', '\n  ')}`],
    ['an indented block', BLOCK.replaceAll(/^/gmu, ' ')],
    ['a block in code', BLOCK.replaceAll(/^/gmu, '    ')],
    ['a block in a longer fence', `\`\`\`\`\n${BLOCK}\`\`\`\``],
    ['a block in the other fence', `~~~\n${BLOCK}~~~`],
    ['two blocks', `${BLOCK}\n${BLOCK}`],
    ['two blocks, one broken', `${BLOCK}\n\`\`\`\npam-statement: v1\n\`\`\``],
    ['a block that is not closed', BLOCK.trimEnd().slice(0, -3)],
    ['a text before the statement', `\`\`\`\nalice says\n${INSIDE}\`\`\``],
    ['two armors', `\`\`\`\n${INSIDE}${SIGNED.armor}\`\`\``],
    ['no armor', `\`\`\`\n${SIGNED.text}\`\`\``],
    ['a letter that is no ASCII', BLOCK.replace('approval', 'appr\u043eval')],
    ['more than a statement may hold', BLOCK.replace('because', `${'x'.repeat(9000)}: x\nbecause`)],
    ['a fence with a backtick after it', `\`\`\` \`\n${INSIDE}\`\`\``],
  ])('%s', (_what, text) => {
    expect(readSignedBlock(text)).toBeUndefined();
  });
});

/** Everything of CommonMark 0.31 and of GitHub that hides what follows it, or draws it as something else. */
const HIDING: readonly (readonly [string, string])[] = [
  ['a comment', `<!--\n${BLOCK}-->`],
  ['a comment that is never closed', `<!--\n\n${BLOCK}`],
  ['a comment that begins in a sentence', `fine with me <!--\n${BLOCK}-->`],
  ['a comment in a list', `- fine\n- <!--\n${BLOCK}-->`],
  ['a comment in a quote', `> <!--\n${BLOCK}-->`],
  ['a comment of two characters', `<!>\n${BLOCK}`],
  ['a script', `<script>\n${BLOCK}</script>`],
  ['a script in capitals, with a line end in its tag', `<SCRIPT\ntype=x>\n${BLOCK}</SCRIPT>`],
  ['a style', `<style media="x">\n${BLOCK}</style>`],
  ['a textarea', `<textarea>\n${BLOCK}</textarea>`],
  ['a pre', `<pre>\n${BLOCK}</pre>`],
  ['CDATA', `<![CDATA[\n${BLOCK}]]>`],
  ['a declaration', `<!DOCTYPE x\n${BLOCK}>`],
  ['a processing instruction', `<?php\n${BLOCK}?>`],
  ['a hidden element', `<div hidden>\n\n${BLOCK}\n</div>`],
  ['an element that is not displayed', `<p style="display:none">\n\n${BLOCK}\n</p>`],
  ['an element of no size', `<font size=0>\n\n${BLOCK}\n</font>`],
  ['details', `<details><summary>logs</summary>\n\n${BLOCK}\n</details>`],
  ['details, in a sentence', `look at the <details> of it\n\n${BLOCK}`],
  ['an element that a person made up', `<x-y>\n${BLOCK}`],
  ['an end of an element', `</div>\n${BLOCK}`],
  ['an element indented by three', `   <div>\n${BLOCK}`],
  ['an element in a heading', `# x <div hidden>\n${BLOCK}`],
  ['a table with an element', `| a |\n|---|\n| <div hidden> |\n\n${BLOCK}`],
  ['a comment behind an indented fence that its list ends', `- a\n  \`\`\`\n<!--\n\`\`\`\n${BLOCK}-->`],
  ['a fence of a list, which may or may not be over', `- a\n  ~~~\n${BLOCK}`],
  ['an indented fence', ` \`\`\`\n${BLOCK} \`\`\``],
  ['a comment between spans that are none', `\\\`<!--\\\`\n${BLOCK}-->`],
  ['a comment between the spans of two lines', `a \`b\nc\` <!-- \`\n\n${BLOCK}`],
  ['an element between two spans', `\`a\` <div hidden> \`b\`\n\n${BLOCK}`],
  [
    'an element between fences that are too long to be some',
    `${'`'.repeat(81)} <details> ${'`'.repeat(81)}\n\n${BLOCK}`,
  ],
  ['an element behind an autolink that eats a backtick', `<https://a\`b> <div hidden> \`x\`\n\n${BLOCK}`],
  ['an element in the cell of a table', `| a | b |\n|---|---|\n| \` | <div hidden> \` |\n\n${BLOCK}`],
  ['a tag that looks like an autolink', `<a:b c>\n${BLOCK}`],
  ['a line that only a CR ends', `x\r\`\`\`\n${BLOCK}`],
  ['a comment after a CR', `x\r<!--\r${BLOCK}`],
  ['a drawing', BLOCK.replace('text', 'mermaid')],
  ['a formula', BLOCK.replace('text', 'math')],
  ['a proposed change', BLOCK.replace('text', 'suggestion')],
];

describe('[X78] what GitHub does not show to people as a block is none', () => {
  test.each(HIDING)('%s', (_what, text) => {
    expect(readSignedBlock(text)).toBeUndefined();
    expect(readSignedBlock(text.replaceAll('\n', '\r\n'))).toBeUndefined();
  });

  test.each(HIDING)('%s, behind words, a list and another block', (_what, text) => {
    expect(readSignedBlock(`I looked at it.\n\n- a\n- b\n\n~~~sh\nls\n~~~\n\n${text}`)).toBeUndefined();
  });

  test.each([
    ['a comparison', 'cpu < 80, and load <3'],
    ['an entity', '&lt;!-- fine --&gt;'],
    ['code with a tag in it', 'I ran `pam show <id>` and ``echo ` <b>``'],
    ['what a mail program writes', 'On Sunday Dana <dana@example.com> wrote at <https://example.com/a?b=1>:'],
    ['an escaped tag', 'write \\<id> there'],
    ['a tag in a block of its own', '```html\n<div hidden>\n```'],
    ['a backtick alone', "it's the ` key"],
    ['a rule and a heading', '# fine\n\n---\n***'],
  ])('but beside %s it is read', (_what, text) => {
    expect(readSignedBlock(`${text}\n\n${BLOCK}`)).toEqual(SIGNED);
  });

  test('text that begins HTML hides the block wherever it stands, and what is left to read is text', () => {
    const piece = fc.constantFrom(
      '<',
      '!',
      '--',
      '`',
      '``',
      '\\',
      'a',
      ' ',
      '\n',
      '> ',
      '- ',
      '|',
      'div',
      '/',
      '?',
      '>',
      'x:y',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const before = pieces.join('');
        const bare = before
          .replace(/<(?:[a-z][a-z-]*:[^\s<>]*|[a-z-]+@[a-z-]+)>/gu, ' ')
          .replaceAll('\\<', ' ');
        const read = readSignedBlock(`${before}\n\n${BLOCK}`);
        // No span can hold it where there is no backtick.
        const hides = !before.includes('`') && /<[a-z!/?]/u.test(bare);
        const shows = !/<[a-z!/?]/u.test(before) && !before.includes('```');
        expect(read === undefined ? shows : hides).toBe(false);
      }),
      { numRuns: 1000, examples: [[['<', '\\', '<', 'x:y']], [['<', 'div', 'x:y', '|', '> ']]] },
    );
  });

  test('a body of the largest size costs little, whatever is in it', () => {
    const began = Date.now();
    const runs = Array.from({ length: 350 }, (_, at) => '`'.repeat(at + 1)).join(' ');
    for (const text of [
      runs,
      '`'.repeat(60_000),
      '<'.repeat(60_000),
      `${'`a'.repeat(4000)}\n`.repeat(7),
      '\\'.repeat(60_000),
    ])
      readSignedBlock(`${text}<div>\n${BLOCK}`);
    expect(Date.now() - began).toBeLessThan(5000);
  });
});

test('whatever stands around it, there is one statement or none, and never another', () => {
  const lines = fc.array(
    fc.oneof(
      fc.constantFrom('```', '~~~', '````', '> ```', '    ```', '', '```text', 'pam-statement: v1'),
      fc.string(),
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const read = readSignedBlock([...before, BLOCK, ...after].join('\n'));
      expect([undefined, JSON.stringify(SIGNED)]).toContain(
        read === undefined ? undefined : JSON.stringify(read),
      );
    }),
    { numRuns: 500 },
  );
});
