/**
 * The decision record where a forge shows Markdown: a job summary, a comment. What requesters wrote stays inside a code
 * block that it cannot close, where nothing is an image, a link, a mention or markup (catalogue O4).
 */
import type { CheckedProposal } from '../flows/people/check-proposal.ts';
import { EXIT } from '../model/error.ts';
import { code, codeBlock } from '../forges/markdown.ts';

const VERDICTS: Readonly<Partial<Record<number, string>>> = {
  [EXIT.done]: 'good',
  [EXIT.pending]: 'waits for people',
  [EXIT.invalid]: 'invalid',
  [EXIT.refused]: 'refused',
};

/** @param record the decision record or the list of problems, as a terminal shows it without colour */
export function proposalMarkdown({ what, exit }: CheckedProposal, record: string): string {
  const heading = `pam: ${VERDICTS[exit] ?? 'cannot be judged'}`;
  return [`### ${heading}`, '', code(what), '', codeBlock(record)].join('\n');
}
