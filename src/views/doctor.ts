/**
 * A diagnosis for people: one short line a finding, each beginning with the word that says how it stands, what to do
 * right below it, what needs doing last. No columns to hold in mind, no symbol that a screen reader would spell out.
 */
import type { Check, CheckState, Skipped } from '../model/check.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';

const STATES: readonly CheckState[] = ['ok', 'unknown', 'warning', 'problem'];

/** @param all what is good, too */
export function doctorText(
  checks: readonly Check[],
  skipped: readonly Skipped[],
  style: Style,
  all: boolean,
): string {
  const paint: Readonly<Record<CheckState, (text: string) => string>> = {
    ok: style.good,
    unknown: style.warn,
    warning: style.warn,
    problem: style.bad,
  };
  const told = STATES.flatMap((state) => checks.filter((one) => one.state === state))
    .filter(({ state }) => all || state !== 'ok')
    .flatMap(({ area, code, state, message, hint }) => [
      `${paint[state](state)} ${area}: ${line(message)}${state === 'ok' ? '' : ` [${code}]`}`,
      ...(hint === null || state === 'ok' ? [] : [`  do: ${line(hint)}`]),
    ]);
  const left = all ? skipped.map(({ area, why }) => style.dim(`not here ${area}: ${line(why)}`)) : [];
  return `${[...left, ...told, summary(checks)].join('\n')}\n`;
}

function summary(checks: readonly Check[]): string {
  const counts = STATES.toReversed().flatMap((state) => {
    const count = checks.filter((one) => one.state === state).length;
    if (count === 0) return [];
    return state === 'ok' || state === 'unknown'
      ? [`${count} ${state}`]
      : [`${count} ${state}${count === 1 ? '' : 's'}`];
  });
  return `Checked ${checks.length}: ${counts.join(', ')}.`;
}
