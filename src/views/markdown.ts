/**
 * The decision record where a forge shows Markdown: a job summary, a comment. What requesters wrote stays inside a code
 * block that it cannot close, where nothing is an image, a link, a mention or markup (catalogue O4).
 */
import type { CheckedProposal } from '../flows/check-proposal.ts';
import { EXIT } from '../model/error.ts';
import { line } from './escape.ts';

const VERDICTS: Readonly<Partial<Record<number, string>>> = {
  [EXIT.done]: 'good',
  [EXIT.pending]: 'waits for people',
  [EXIT.invalid]: 'invalid',
  [EXIT.refused]: 'refused',
};

/** @param record the decision record or the list of problems, as a terminal shows it without colour */
export function proposalMarkdown({ what, exit }: CheckedProposal, record: string): string {
  const heading = `pam: ${VERDICTS[exit] ?? 'cannot be judged'}`;
  return [`### ${heading}`, '', codeSpan(what), '', codeBlock(record), ''].join('\n');
}

/** A fence longer than any run of backticks inside; `@` is broken, for mail and for whoever quotes it. */
export function codeBlock(text: string): string {
  const clean = text.trimEnd().replaceAll('@', '@\u200b');
  const longest = Math.max(2, ...[...clean.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${clean}\n${fence}`;
}

const codeSpan = (text: string): string => `\`${line(text).replaceAll('`', "'")}\``;
