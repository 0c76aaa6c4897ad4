/** Plans and runs, in the manner of terraform: one line a step, only symbols that occur, one counting line. */
import type { Reason } from '../model/decision.ts';
import { hintOfCode } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Planned, PlanStep } from '../flows/people/plan-run.ts';
import type { RunResult, RunStep } from '../flows/executor/run-result.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';
import { ago, span, untilWhen } from './when.ts';

const SIGNS: Readonly<Record<RunStep['action'], string>> = {
  see: '.',
  stop: 'x',
  refuse: 'x',
  schedule: '~',
  grant: '+',
  revoke: '-',
  policy: '*',
};

/** One step of a plan or of a run. */
interface Told {
  readonly action: RunStep['action'];
  readonly id: string;
  readonly target: string | null;
  readonly what: string;
}

function stepLine({ action, id, target, what }: Told, now: Instant): string {
  // A policy belongs to no request.
  const place = [...(action === 'policy' ? [] : [id]), ...(target === null ? [] : [line(target)])];
  // The first is ours; what people wrote stands behind it, and an ending has theirs alone.
  const isOurs = action === 'grant' || action === 'schedule';
  const told = line(what);
  const text = isOurs ? told.replace(UNTIL, (_, end: string) => untilWhen(end as Instant, now)) : told;
  return `  ${SIGNS[action]} ${action.padEnd(8)} ${[...place, text].join('  ')}`.trimEnd();
}

/** Documents have the bare instant; people are told how far off it is. */
const UNTIL = /\buntil (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)/u;

/** @param now for telling how far off an end is */
export function runText(result: RunResult, style: Style, now: Instant): string {
  const helped = new Set<string>();
  const lines = result.steps.flatMap((step) => {
    const state = step.result === 'done' ? '' : `  ${style.bad(step.result.toUpperCase())}`;
    const why =
      step.error === null || step.result === 'done'
        ? ''
        : `: ${line(step.error.message)} [${step.error.code}]`;
    return [`${stepLine(step, now)}${state}${why}`, ...whatToDo(step, helped)];
  });
  lines.push(...waitingLines(result.waiting), ...troubleLines(result.troubles, style));
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
  ].filter(([count]) => count !== 0);
  lines.push(
    counts.length > 0
      ? `${counts.map(([count, word]) => `${count} ${word}`).join(', ')}.`
      : `${NOTHING}${idleText(result.idle, now)}.`,
  );
  return `${lines.join('\n')}\n`;
}

/** Once for each code: ten steps that failed alike are mended once. */
function whatToDo({ result, error }: RunStep, helped: Set<string>): readonly string[] {
  if (result !== 'failed' || error === null || helped.has(error.code)) return [];
  helped.add(error.code);
  const hint = hintOfCode(error.code);
  return hint === undefined ? [] : [`    do: ${line(hint)}`];
}

const NOTHING = 'Nothing to do';

/** A sweep that found nothing leaves no trace of its own each time: what is on record may be older than it. */
function idleText(idle: RunResult['idle'], now: Instant): string {
  if (idle === undefined) return '';
  const { lastSweep, every } = idle;
  const last = lastSweep === null ? 'none on record' : ago(lastSweep, now);
  const rule =
    every === null
      ? 'idle sweeps are recorded only with sweep_within'
      : `idle sweeps are recorded every ${span(every)}`;
  return ` (last recorded sweep: ${last}; ${rule})`;
}

/** One waits with its reason; of several, how many for each reason: the same list would come at every run. */
function waitingLines(waiting: RunResult['waiting']): string[] {
  const reasonOf = ({ decision }: RunResult['waiting'][number]): string =>
    line(decision.reasons.find((one) => !one.ok)?.message ?? 'nothing is missing');
  const [only] = waiting;
  if (only === undefined) return [];
  if (waiting.length === 1) return [`  ? wait     ${only.id}  ${reasonOf(only)}`];
  const counts = new Map<string, number>();
  for (const one of waiting) counts.set(reasonOf(one), (counts.get(reasonOf(one)) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a);
  const told = most.slice(0, MOST_REASONS).map(([reason, count]) => `${reason} (${count})`);
  const more = most.length > MOST_REASONS ? ['...'] : [];
  return [`  ? ${waiting.length} waiting: ${[...told, ...more].join('; ')}   \`pam status\` lists them`];
}

const MOST_REASONS = 3;

export function troubleLines(troubles: readonly Reason[], style: Style): string[] {
  return troubles.map((one) => `  ${style.warn('!')} ${line(one.message)} [${one.code}]`);
}

export function planText({ steps, waiting, troubles, now }: Planned, style: Style): string {
  const lines = steps.map((step) => {
    const what = step.permissions.join(', ');
    const until = step.until === null ? '' : ` until ${step.until}`;
    const whose = step.action === 'revoke' ? `from ${step.subject}` : `to ${step.subject}${until}`;
    const who = step.subject === null ? '' : `${what} ${whose}, `;
    return stepLine({ ...step, what: `${who}${step.why}` }, now);
  });
  lines.push(...waitingLines(waiting), ...troubleLines(troubles, style));
  const count = (action: PlanStep['action']): number => steps.filter((one) => one.action === action).length;
  const counts = (['grant', 'schedule', 'revoke', 'refuse'] as const)
    .map((action) => [count(action), action] as const)
    .filter(([number]) => number > 0)
    .map(([number, action]) => `${number} to ${action}`);
  lines.push(counts.length === 0 ? `${NOTHING}.` : `Plan: ${counts.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}
