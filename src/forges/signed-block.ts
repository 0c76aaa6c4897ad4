/**
 * A signed statement in a text for people: one fenced block that begins with the statement's first line, and that GitHub
 * shows to everybody who reads the text (CommonMark 0.31 and GitHub's additions). A quoted block, a block inside a block
 * and an indented one are talk about statements; with two of them it is not known which was meant.
 *
 * What GitHub hides is decided by a rule, not by a parser of HTML: a text that may start raw HTML anywhere outside of
 * its blocks (a comment, a tag, a declaration, a processing instruction, CDATA) holds no statement. It is the same for
 * stops: they travel as branches of their own, too, where no markup can hide them.
 */
import { expected } from '../model/error.ts';
import type { Signed } from '../model/statement.ts';
import { joinSigned, splitSigned } from '../trust/armor.ts';
import { FIRST_LINE } from '../trust/statement-text.ts';

/** `undefined` unless the text holds exactly one statement, whole. Says nothing about what was signed or by whom. */
export function readSignedBlock(text: string): Signed | undefined {
  const blocks = fencedBlocks(text).filter(isStatement);
  const [block] = blocks;
  if (block === undefined || blocks.length > 1 || block.some(isFence)) return undefined;
  try {
    return splitSigned(block.map((line) => `${line}\n`).join(''));
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/** Statements and armors hold no backtick at the beginning of a line: three are enough. */
export function printSignedBlock(signed: Signed): string {
  return `\`\`\`text\n${joinSigned(signed).trimEnd()}\n\`\`\`\n`;
}

/** One blank line in front is what an editor may have added. */
function isStatement(lines: readonly string[]): boolean {
  const [first, second] = lines;
  return first === FIRST_LINE || (first === '' && second === FIRST_LINE);
}

/** A block that swallowed the beginning of another one. */
const isFence = (line: string): boolean => /^ {0,3}(?:`{3}|~{3})/u.test(line);

/** A fence that is not at the margin may end with a list item, or not; what follows it can be read in two ways. */
const INDENTED_FENCE = /^ {1,3}(?:`{3}|~{3})/u;
/** GitHub draws some others (`mermaid`, `math`), and a drawing is not what was signed. */
const SHOWN_AS_TEXT = /^[ \t]*(?:text|txt|plain|plaintext)?[ \t]*$/iu;

interface OpenFence {
  readonly mark: string;
  readonly isText: boolean;
  readonly lines: string[];
}

/**
 * What closed fences at the margin hold, where GitHub shows all of the text; else nothing.
 * https://spec.commonmark.org/0.31.2/#fenced-code-blocks
 */
function fencedBlocks(text: string): readonly (readonly string[])[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: (readonly string[])[] = [];
  const outside: string[] = [];
  let open: OpenFence | undefined;
  for (const line of lines) {
    // To CommonMark a CR ends a line. No line of ours may be two of theirs.
    if (line.includes('\r')) return [];
    const [, indent = '', mark = '', rest = ''] = /^( {0,3})(`{3,}|~{3,})(.*)$/u.exec(line) ?? [];
    if (open === undefined) {
      const opens = mark !== '' && indent === '' && !(mark.startsWith('`') && rest.includes('`'));
      if (opens) open = { mark, isText: SHOWN_AS_TEXT.test(rest), lines: [] };
      else outside.push(line);
    } else if (mark.startsWith(open.mark) && /^[ \t]*$/u.test(rest)) {
      if (open.isText) blocks.push(open.lines);
      open = undefined;
    } else open.lines.push(line);
  }
  return outside.some((line) => INDENTED_FENCE.test(line)) || mayHoldHtml(outside) ? [] : blocks;
}

/** What starts HTML of any kind, in a block or within a sentence. https://spec.commonmark.org/0.31.2/#html-blocks */
const HTML = /<[a-z/!?]/iu;
/** `<https://example.com>`, `<someone@example.com>`: mail programs write them above what they quote. */
const AUTOLINK = '<(?:[a-z][a-z0-9+.-]{1,31}:[^\\s<>]*|[a-z0-9._+-]+@[a-z0-9.-]+)>';
/**
 * An escaped character, a code span or an autolink; whichever comes first wins. A `|` may end a cell within a span, and GitHub's
 * parser takes no more than 80 backticks for one.
 */
const NO_HTML = new RegExp(
  `\\\\[!-/:-@[-\`{-~]|(?<!\`)(\`{1,80})(?!\`)[^|]+?(?<!\`)\\1(?!\`)|${AUTOLINK}`,
  'giu',
);
/** Beyond it a line is not taken apart: a hostile one would cost too much. */
const LONGEST_LINE = 10_000;

/**
 * Code spans are taken out only where every one of them ends on its own line: a backtick that is left over could belong
 * to a span of another line, and turn inside and outside around.
 */
function mayHoldHtml(lines: readonly string[]): boolean {
  if (!lines.some((line) => HTML.test(line))) return false;
  if (lines.some((line) => line.length > LONGEST_LINE)) return true;
  const rest = lines.map((line) => line.replace(NO_HTML, ' '));
  return rest.some((line) => line.includes('`') || HTML.test(line));
}
