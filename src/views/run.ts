/** Plans and runs, in the manner of terraform: one line a step, only symbols that occur, one counting line. */
import type { Reason } from '../model/decision.ts';
import type { Instant } from '../model/instant.ts';
import type { PlanStep } from '../flows/people/plan-run.ts';
import type { RunResult, RunStep } from '../flows/executor/run-result.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';
import { untilWhen } from './when.ts';

const SIGNS: Readonly<Record<RunStep['action'], string>> = {
  see: '.',
  stop: 'x',
  refuse: 'x',
  schedule: '~',
  grant: '+',
  revoke: '-',
  policy: '*',
};

export function runText(result: RunResult, style: Style): string {
  const lines = result.steps.map((step) => {
    const target = step.target === null ? '' : `${line(step.target)}  `;
    const state = step.result === 'done' ? '' : `  ${style.bad(step.result.toUpperCase())}`;
    const why =
      step.error === null || step.result === 'done'
        ? ''
        : `: ${line(step.error.message)} [${step.error.code}]`;
    // A policy belongs to no request.
    const id = step.action === 'policy' ? '' : `${step.id}  `;
    return `  ${SIGNS[step.action]} ${step.action.padEnd(8)} ${id}${target}${line(step.what)}${state}${why}`;
  });
  for (const { id, decision } of result.waiting) {
    const missing = decision.reasons.find((one) => !one.ok);
    lines.push(`  ? wait     ${id}  ${line(missing?.message ?? '')}`);
  }
  lines.push(...troubleLines(result.troubles, style));
  const done = (action: RunStep['action']): number =>
    result.steps.filter((one) => one.action === action && one.result === 'done').length;
  const failed = result.steps.filter((one) => one.result === 'failed').length;
  const left = result.steps.filter((one) => one.action === 'revoke' && one.result === 'skipped').length;
  const skipped = result.steps.filter((one) => one.action === 'grant' && one.result === 'skipped').length;
  const counts = [
    [done('policy'), 'put in force'],
    [done('grant'), 'granted'],
    [done('schedule'), 'scheduled'],
    [done('revoke'), 'revoked'],
    [done('refuse') + done('stop'), 'refused or stopped'],
    [failed, 'failed'],
    [left, 'left for the next run'],
    [skipped, 'skipped'],
    [result.waiting.length, 'waiting'],
  ].filter(([count]) => count !== 0);
  lines.push(
    counts.length === 0
      ? 'Nothing to do.'
      : `${counts.map(([count, word]) => `${count} ${word}`).join(', ')}.`,
  );
  return `${lines.join('\n')}\n`;
}

export function troubleLines(troubles: readonly Reason[], style: Style): string[] {
  return troubles.map((one) => `  ${style.warn('!')} ${line(one.message)} [${one.code}]`);
}

export function planText(
  steps: readonly PlanStep[],
  troubles: readonly Reason[],
  now: Instant,
  style: Style,
): string {
  const lines = steps.map((step) => {
    const what = step.permissions.map(line).join(', ');
    const until = step.until === null ? '' : `   ${untilWhen(step.until as Instant, now)}`;
    const join = step.action === 'revoke' ? 'from' : 'to';
    const who = step.subject === null ? '' : `   ${what} ${join} ${line(step.subject)}`;
    return `  ${SIGNS[step.action]} ${step.action.padEnd(8)} ${line(step.target ?? step.id)}${who}${until}   ${line(step.why)}`;
  });
  lines.push(...troubleLines(troubles, style));
  const count = (action: PlanStep['action']): number => steps.filter((one) => one.action === action).length;
  const counts = (['grant', 'schedule', 'revoke', 'refuse'] as const)
    .map((action) => [count(action), action] as const)
    .filter(([number]) => number > 0)
    .map(([number, action]) => `${number} to ${action}`);
  lines.push(counts.length === 0 ? 'Nothing to do.' : `Plan: ${counts.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}
