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
