/**
 * Outside text in Markdown: always inside code, under a fence that it cannot close. There it is no link, no image, no
 * HTML and no reference that closes an issue; what would hide is visible, and no `@` calls anybody.
 */
import { visible } from '../model/visible.ts';

/** Within a sentence, on one line. */
export function code(text: string): string {
  const line = unmentioned(fenced(visible(text.replace(/\s+/gu, ' '))));
  const fence = '`'.repeat(longestRun(line) + 1);
  if (line.trim() === '') return '` `';
  // One blank on each side is not shown, and keeps a backtick at the edge apart from the fence.
  const edge = /^`|`$/u.test(line) ? ' ' : '';
  return `${fence}${edge}${line}${edge}${fence}`;
}

function longestRun(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/gu)) longest = Math.max(longest, run.length);
  return longest;
}

/** Renderers give up on a longer fence within a sentence (cmark: 80), and what it should hold is markup then. */
const LONGEST_RUN = 10;

/** A look-alike in place of so many backticks that no fence could hold them. */
const fenced = (text: string): string =>
  longestRun(text) > LONGEST_RUN ? text.replaceAll('`', '\u02cb') : text;

/** A space of no width: the text still reads as it was written. */
const unmentioned = (text: string): string => text.replaceAll('@', '@\u200b');
