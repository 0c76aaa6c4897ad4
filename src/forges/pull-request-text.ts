/** What pam writes into pull requests. People read it; pam never does, but for the signed block of a posting. */
import type { Posting, ProposalFacts } from '../model/forge.ts';
import type { RequestId } from '../model/names.ts';
import { code } from './markdown.ts';
import { printSignedBlock, readSignedBlock } from './signed-block.ts';

/** Names, durations and risks are plain words; free text never stands in a title. */
export function pullRequestTitle({ role, subject, target, duration }: ProposalFacts): string {
  return `${role} for ${subject} on ${target}, ${duration}`;
}

/** In the order of `pam show`, so that there is one to learn, and in a list: a phone cuts what stands in a block of code. */
export function pullRequestBody(id: RequestId, facts: ProposalFacts): string {
  const approvers = facts.approvers.map(({ name }) => code(name)).join(', ');
  return [
    ...wishLines(facts),
    '',
    '**Pre-checks**',
    '',
    ...facts.reasons.map(checkLine),
    '',
    `**Who may approve:** ${approvers === '' ? 'no one named in policy' : approvers}`,
    '',
    'A click approves nothing: an approval is signed, for exactly this access. To read it, to sign it, or to stop it:',
    '',
    ...[`pam show ${id}`, `pam approve ${id}`, `pam deny ${id} --reason "..."`].map(
      (one) => `- ${code(one)}`,
    ),
    '',
    'Merging grants nothing by itself.',
    '',
  ].join('\n');
}

/** What is asked for, as far as it is known. */
export type Wish = Pick<ProposalFacts, 'requester' | 'subject' | 'role' | 'duration' | 'start'> &
  Pick<ProposalFacts, 'justification' | 'ticket' | 'incident' | 'controls' | 'permissions'> & {
    readonly target: string | null;
    /** `null`: the role is not in the catalogue. */
    readonly description: string | null;
    readonly risk: string | null;
  };

/** A sentence, the reason as it was written, and a list. */
export function wishLines(wish: Wish): readonly string[] {
  const { requester, subject, role, risk, description, target, duration, start } = wish;
  const whose = subject === requester ? '' : `, for ${code(subject)}, whose owner this is`;
  const where = target === null ? '' : ` on ${code(target)}`;
  const about = description === null ? '' : `${risk === null ? '' : ` (${risk})`}: ${code(description)}`;
  const rows: readonly (readonly [string, string | null])[] = [
    ['Role', `${code(role)}${about}`],
    ...wish.permissions.map((one) => ['Gets', code(one)] as const),
    ['For', `${duration}${start === null ? ', from the moment it is granted' : ` from ${start}`}`],
    ['Ticket', wish.ticket === null ? null : code(wish.ticket)],
    ['Incident', wish.incident === null ? null : code(wish.incident)],
    ...wish.controls.map((one) => ['Control', code(one)] as const),
  ];
  return [
    `${code(requester)} asks for ${code(role)}${where}${whose}, because:`,
    '',
    ...wish.justification.split(/\r\n|[\r\n\u2028\u2029]/u).map((line) => `> ${code(line)}`),
    '',
    ...rows.flatMap(([name, value]) => (value === null ? [] : [`- **${name}:** ${value}`])),
  ];
}

/** One rule's answer. */
export const checkLine = ({ code: which, ok, message }: ProposalFacts['reasons'][number]): string =>
  `- ${ok ? 'ok' : '**no**'} ${code(message)}${ok ? '' : ` (${which})`}`;

/** One sentence for people, then the one block that is read; without the sentence where it would keep it from being read. */
export function postingBody({ sentence, signed }: Pick<Posting, 'sentence' | 'signed'>): string {
  const block = printSignedBlock(signed);
  const body = `${code(sentence)}\n\n${block}`;
  return readSignedBlock(body) === undefined ? block : body;
}

/** Hidden in a page, there to be found: which comment is pam's own, to be updated. */
const MARKER = '<!-- pam: this comment is updated in place -->';

export const markedComment = (markdown: string): string => `${MARKER}\n${markdown}`;

export const isMarked = (body: string): boolean => body.replaceAll('\r\n', '\n').startsWith(`${MARKER}\n`);
