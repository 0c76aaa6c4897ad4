/** What pam writes into pull requests. People read it; pam never does, but for the signed block of a posting. */
import type { Posting, ProposalFacts } from '../model/forge.ts';
import type { RequestId } from '../model/names.ts';
import { code, codeBlock } from './markdown.ts';
import { printSignedBlock, readSignedBlock } from './signed-block.ts';

/** Names, durations and risks are plain words; free text never stands in a title. */
export function pullRequestTitle({ role, subject, target, duration }: ProposalFacts): string {
  return `${role} for ${subject} on ${target}, ${duration}`;
}

/** In the order of `pam show`, so that there is one to learn. */
export function pullRequestBody(id: RequestId, facts: ProposalFacts): string {
  const approvers = facts.approvers.map(({ name }) => code(name)).join(', ');
  return [
    codeBlock(wish(facts)),
    '**Pre-checks**',
    '',
    codeBlock(facts.reasons.map(({ code: which, ok, message }) => check(which, ok, message)).join('\n')),
    `**Who may approve:** ${approvers === '' ? 'no one named in policy' : approvers}`,
    '',
    'A click approves nothing: an approval is signed, for exactly this access:',
    '',
    codeBlock(`pam show ${id}\npam approve ${id}\npam deny ${id} --reason "..."`),
    'Merging grants nothing by itself.',
    '',
  ].join('\n');
}

function wish(facts: ProposalFacts): string {
  const { requester, subject, role, risk, description, start, ticket, incident } = facts;
  const rows: readonly (readonly [string, string | null])[] = [
    ['who', subject === requester ? requester : `${subject}, asked by its owner ${requester}`],
    ['role', `${role} (${risk}): ${description}`],
    ['target', facts.target],
    ...facts.permissions.map((one) => ['gets', one] as const),
    ['for', `${facts.duration}${start === null ? ', from the moment it is granted' : ` from ${start}`}`],
    ['why', JSON.stringify(facts.justification)],
    ['ticket', ticket],
    ['incident', incident],
    ...facts.controls.map((one) => ['control', JSON.stringify(one)] as const),
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [row(name, value)])).join('\n');
}

const row = (name: string, value: string): string => `${name.padEnd(9)} ${oneLine(value)}`;

const check = (which: string, ok: boolean, message: string): string =>
  `${ok ? 'ok ' : 'no '} ${oneLine(message)}${ok ? '' : ` [${which}]`}`;

const oneLine = (text: string): string => text.replace(/\s+/gu, ' ');

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
