/**
 * What a forge shows as Markdown: job summaries, and the comment that follows a request to its end. What people wrote
 * stays inside code that it cannot close, where nothing is an image, a link, a mention or markup (catalogue O4). There are
 * no ages in it: a text that changes with the clock would be written anew in every run.
 */
import { code } from '../forges/markdown.ts';
import { checkLine, wishLines } from '../forges/pull-request-text.ts';
import type { CheckedProposal } from '../flows/people/check-proposal.ts';
import type { RunResult, RunStep } from '../flows/executor/run-result.ts';
import { type Looked, verdictOf } from '../flows/gather/look-at-request.ts';
import type { Reason } from '../model/decision.ts';
import { EXIT, placeOfIssue } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import { mayBeLive, type OpenRecord } from '../model/open-record.ts';
import { roleOf } from '../rules/exact-grant.ts';
import { foldIssues } from './error.ts';
import { dateTime } from './when.ts';

/** @param next the command that moves it on */
export function proposalMarkdown(checked: CheckedProposal, next: string | null): string {
  const { what, looked, issues } = checked;
  const isRequest = looked !== null && looked.judged !== null && issues.length === 0;
  const lines = isRequest ? requestLines(looked, looked.judged) : problemLines(checked);
  const heading =
    (looked === null ? undefined : stateOf(looked)) ?? VERDICTS[checked.exit] ?? 'cannot be judged';
  const then = next === null ? [] : ['', `**Next:** ${code(next)}`];
  return [`### pam: ${heading}`, '', code(what), '', ...lines, ...then, ''].join('\n');
}

const VERDICTS: Readonly<Partial<Record<number, string>>> = {
  [EXIT.done]: 'approved',
  [EXIT.pending]: 'waits for people',
  [EXIT.invalid]: 'invalid',
  [EXIT.refused]: 'refused',
};

/** What the ledger says of it; `undefined` while it is open. */
function stateOf({ record }: Looked): string | undefined {
  if (record === null) return undefined;
  const { state, grant, final_at: over } = record;
  const until = grant === null ? '' : ` until ${timeOf(grant.end)}`;
  switch (state) {
    case 'granting':
      return 'being granted';
    case 'live':
      return `granted${until}`;
    case 'scheduled':
      return `approved, begins later${until}`;
    case 'ending':
      return 'is being taken back';
    case 'ended':
    case 'failed':
    case 'refused':
    case 'stopped':
      return `${state}${over === null ? '' : ` ${timeOf(over)}`}`;
    case 'unseen':
    case 'seen':
      return undefined;
  }
}

const timeOf = (at: Instant): string => dateTime(at, undefined);

function requestLines(looked: Looked, { request }: NonNullable<Looked['judged']>): readonly string[] {
  const { record, view, candidate } = looked;
  const decision = verdictOf(looked);
  const role = roleOf(view.state.policy, request.role);
  const wish = wishLines({
    ...request,
    start: request.start ?? null,
    ticket: request.ticket ?? null,
    incident: request.incident ?? null,
    controls: request.compensating_controls ?? [],
    target: role?.target ?? null,
    description: role?.description ?? null,
    risk: role?.risk ?? null,
    permissions: decision?.grant?.permissions ?? [],
  });
  const asks = decision !== null && (record?.grant == null || record.state === 'scheduled');
  const merged = candidate?.merged === true && asks ? ['- merged'] : [];
  const checks = asks ? ['', '**Checks**', '', ...decision.reasons.map(checkLine), ...merged] : [];
  return [
    ...wish,
    ...(record?.grant == null ? [] : ['', ...grantLines(record, decision?.reasons ?? [])]),
    ...checks,
  ];
}

function grantLines(record: OpenRecord, reasons: readonly Reason[]): readonly string[] {
  const { grant, ending, final_at: over } = record;
  if (grant === null) return [];
  const stop = mayBeLive(record) ? reasons.find((one) => one.code === 'E_POL_DENIED' && !one.ok) : undefined;
  const because =
    ending !== null
      ? code(
          ending.cause === 'stopped' ? `stopped by ${ending.because}` : `${ending.cause}: ${ending.because}`,
        )
      : stop === undefined
        ? null
        : `${code(stop.message)}; the next sweep takes it away`;
  return [
    `- **Granted:** ${grant.permissions.map(code).join(', ')} on ${code(grant.target)} to ${code(grant.login)}`,
    `- **Approved by:** ${grant.approvers.map(code).join(', ')}`,
    `- **End:** ${timeOf(over ?? grant.end)}`,
    ...(because === null ? [] : [`- **Because:** ${because}`]),
  ];
}

/** A comment has an end (GitHub: 65,536 characters); the command that is named shows all of it. */
const MOST_LINES = 100;
const LONGEST_TEXT = 300;

const short = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text;

/** A policy change, a request that cannot be read, or a pull request that is none of both. */
function problemLines({ issues, reasons, told }: CheckedProposal): readonly string[] {
  const problems = foldIssues(issues).map(({ issue, more }) => {
    const parts = [placeOfIssue(issue), issue.path, issue.message];
    const text = parts.filter((part) => part !== undefined && part !== '').join(' ');
    return `- ${code(short(text))} (${issue.code}${more === 0 ? '' : `, ${more} more`})`;
  });
  const lines = [...told.map((one) => `- ${code(short(one))}`), ...problems, ...reasons.map(checkLine)];
  const left = lines.length - MOST_LINES;
  return left > 0 ? [...lines.slice(0, MOST_LINES), '', `and ${left} more.`] : lines;
}

/** What a run did, for the page of its job. @param name `apply` or `sweep` */
export function runMarkdown(name: string, { steps, waiting, troubles }: RunResult): string {
  const heading = `### pam ${name}: ${countsOf(steps, troubles.length)}`;
  const done = steps.map(({ action, id, target, what, result, error }) => {
    const parts = [...(id === '-' ? [] : [id]), ...(target === null ? [] : [target]), what];
    const bad = result === 'done' ? '' : ` **${result}**`;
    const why = error === null || result === 'done' ? '' : `: ${code(error.message)} (${error.code})`;
    return `- ${action}${bad} ${parts.map(code).join(' ')}${why}`;
  });
  const bad = troubles.map((one) => `- **trouble** ${code(one.message)} (${one.code})`);
  const waits =
    waiting.length === 0 ? [] : ['', `${waiting.length} waiting; ${code('pam status')} lists them.`];
  return [heading, '', ...done, ...bad, ...waits, ''].join('\n');
}

function countsOf(steps: readonly RunStep[], troubles: number): string {
  const count = (action: RunStep['action']): number =>
    steps.filter((one) => one.action === action && one.result === 'done').length;
  const counts = [
    [count('policy'), 'put in force'],
    [count('grant'), 'granted'],
    [count('schedule'), 'scheduled'],
    [count('revoke'), 'revoked'],
    [count('refuse') + count('stop'), 'refused or stopped'],
    [steps.filter(({ result }) => result !== 'done').length, 'not done'],
    [troubles, troubles === 1 ? 'trouble' : 'troubles'],
  ] as const;
  const told = counts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  return told.length === 0 ? 'nothing to do' : told.join(', ');
}
