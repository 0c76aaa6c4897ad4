/**
 * A signed statement in a text for people: one fenced block that begins with the statement's first line, found as
 * GitHub itself would find it (CommonMark), so that what a person sees as a block is what is read. A quoted block, a
 * block inside a block and an indented one are talk about statements; with two of them nobody knows which was meant.
 */
import { PamError } from '../model/error.ts';
import type { Signed } from '../model/statement.ts';
import { joinSigned, splitSigned } from '../trust/armor.ts';

/** `undefined` unless the text holds exactly one statement, whole. Says nothing about what was signed or by whom. */
export function readSignedBlock(text: string): Signed | undefined {
  const blocks = fencedBlocks(text).filter(isStatement);
  const [block] = blocks;
  if (block === undefined || blocks.length > 1 || block.some(isFence)) return undefined;
  try {
    return splitSigned(block.map((line) => `${line}\n`).join(''));
  } catch (error) {
    if (error instanceof PamError) return undefined;
    throw error;
  }
}

/** Statements and armors hold no backtick at the beginning of a line: three are enough. */
export function printSignedBlock(signed: Signed): string {
  return `\`\`\`text\n${joinSigned(signed).trimEnd()}\n\`\`\`\n`;
}

const FIRST_LINE = 'pam-statement: v1';

/** One blank line in front is what an editor may have added. */
function isStatement(lines: readonly string[]): boolean {
  const [first, second] = lines;
  return first === FIRST_LINE || (first === '' && second === FIRST_LINE);
}

/** A block that swallowed the beginning of another one. */
const isFence = (line: string): boolean => /^ {0,3}(?:`{3}|~{3})/u.test(line);

interface OpenFence {
  readonly mark: string;
  /** Only a fence at the margin may hold a statement. */
  readonly atMargin: boolean;
  readonly lines: string[];
}

/** What closed fences at the margin hold. https://spec.commonmark.org/0.31.2/#fenced-code-blocks */
function fencedBlocks(text: string): readonly (readonly string[])[] {
  const blocks: (readonly string[])[] = [];
  let open: OpenFence | undefined;
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    const [, indent = '', mark = '', rest = ''] = /^( {0,3})(`{3,}|~{3,})(.*)$/u.exec(line) ?? [];
    if (open === undefined) {
      if (mark !== '' && !(mark.startsWith('`') && rest.includes('`')))
        open = { mark, atMargin: indent === '', lines: [] };
    } else if (mark.startsWith(open.mark) && /^[ \t]*$/u.test(rest)) {
      if (open.atMargin) blocks.push(open.lines);
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}
