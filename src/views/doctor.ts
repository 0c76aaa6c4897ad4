/**
 * A diagnosis for people: one short line a finding, each beginning with the word that says how it stands, what to do
 * right below it, what needs doing last. No columns to hold in mind, no symbol that a screen reader would spell out.
 */
import type { Check, CheckArea, CheckState, Skipped } from '../model/check.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';

const STATES: readonly CheckState[] = ['ok', 'unknown', 'warning', 'problem'];

export interface Told {
  readonly checks: readonly Check[];
  readonly skipped: readonly Skipped[];
  /** Admins, where the one who looks is none: what only they can mend is one line then. */
  readonly mendedBy: readonly string[];
}

/** @param all what is good, too */
export function doctorText({ checks, skipped, mendedBy }: Told, style: Style, all: boolean): string {
  const paint: Readonly<Record<CheckState, (text: string) => string>> = {
    ok: style.good,
    unknown: style.warn,
    warning: style.warn,
    problem: style.bad,
  };
  const theirs = mendedBy.length === 0 ? [] : checks.filter(isForAdmins);
  const told = STATES.flatMap((state) => checks.filter((one) => one.state === state))
    .filter((one) => !theirs.includes(one))
    .filter(({ state }) => all || state !== 'ok')
    .flatMap(({ area, code, state, message, hint }) => [
      `${paint[state](state)} ${area}: ${line(message)}${state === 'ok' ? '' : ` [${code}]`}`,
      ...(hint === null || state === 'ok' ? [] : [`  do: ${line(hint)}`]),
    ]);
  const left = all ? skipped.map(({ area, why }) => style.dim(`not here ${area}: ${line(why)}`)) : [];
  return `${[...left, ...forAdmins(theirs, mendedBy), ...told, summary(checks)].join('\n')}\n`;
}

/** What works today and is set in policy or at the forge. A problem is everybody's: it says why something does not work. */
const isForAdmins = ({ area, state }: Check): boolean => state === 'warning' && ADMINS.has(area);
const ADMINS: ReadonlySet<CheckArea> = new Set<CheckArea>(['policy', 'sweeps', 'forge']);

function forAdmins(theirs: readonly Check[], admins: readonly string[]): readonly string[] {
  if (theirs.length === 0) return [];
  const what = theirs.length === 1 ? 'a warning' : `${theirs.length} warnings`;
  return [`${what} for the admins (${admins.join(', ')}): pam doctor --all`];
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
