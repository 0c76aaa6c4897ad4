import type { CheckedProposal } from '../flows/people/check-proposal.ts';
import type { Reason } from '../model/decision.ts';
import { type Exit, type Issue, placeOfIssue } from '../model/error.ts';
import { foldIssues } from './error.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';

export function checkText(
  exit: Exit,
  issues: readonly Issue[],
  reasons: readonly Reason[],
  style: Style,
): string {
  return `${[...problems(issues), ...reasons.map((one) => reasonLine(one, style)), verdictOf(exit, style)].join('\n')}\n`;
}

/** What holds, and should be known. */
export const warningLines = (warnings: readonly Issue[], style: Style): string =>
  problems(warnings)
    .map((one) => `${style.warn('warning')} ${one}\n`)
    .join('');

/** Several proposals, each under its name. */
export function proposalsText(checked: readonly CheckedProposal[], style: Style): string {
  if (checked.length === 0) return 'no proposal is open\n';
  return checked
    .map(({ what, exit, issues, reasons, told }) => {
      const lines = told.map((one) => `  ${line(one)}\n`).join('');
      return `${style.bold(line(what))}\n${lines}${checkText(exit, issues, reasons, style)}`;
    })
    .join('\n');
}

function problems(issues: readonly Issue[]): string[] {
  return foldIssues(issues).map(({ issue, more }) => {
    const parts = [placeOfIssue(issue), issue.path, issue.message];
    return `${line(parts.filter((part) => part !== undefined && part !== '').join(' '))} [${issue.code}]${more === 0 ? '' : ` (${more} more)`}`;
  });
}

function reasonLine(one: Reason, style: Style): string {
  return `  ${one.ok ? style.good('ok ') : style.bad('no ')} ${line(one.message)}${one.ok ? '' : ` [${one.code}]`}`;
}

function verdictOf(exit: Exit, style: Style): string {
  if (exit === 0) return style.good('good');
  return exit === 8 ? style.warn('pending') : style.bad(exit === 4 ? 'invalid' : 'refused');
}
