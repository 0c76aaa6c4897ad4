/** One thing that `doctor` looked at: how it stands, and what to do about it. */
import type { ErrorCode } from './error-codes.ts';

export interface Check {
  /** As in a `Reason`: the code that the check fails with, also when it is `ok`. */
  readonly code: ErrorCode;
  readonly area: CheckArea;
  readonly state: CheckState;
  /** A short sentence for people. */
  readonly message: string;
  readonly hint: string | null;
}

/** In the order in which they are told. */
export const CHECK_AREAS = [
  'programs',
  'memory',
  'repository',
  'remote',
  'root',
  'ledger',
  'policy',
  'person',
  'executor',
  'clock',
  'incidents',
  'sweeps',
  'targets',
  'notices',
  'forge',
] as const;
export type CheckArea = (typeof CHECK_AREAS)[number];

/**
 * - `warning`: works today; the admins should know.
 * - `problem`: something does not work, or does not hold.
 * - `unknown`: could not be looked at. Never a polite `ok`.
 */
export type CheckState = 'ok' | 'warning' | 'problem' | 'unknown';

/** An area that is nothing of this machine's, and why. */
export interface Skipped {
  readonly area: CheckArea;
  readonly why: string;
}

type Tell = (code: ErrorCode, message: string, hint?: string) => Check;

/** The four ways to tell of one area. */
export function tellOf(area: CheckArea): Readonly<Record<CheckState, Tell>> {
  const tell =
    (state: CheckState): Tell =>
    (code, message, hint) => ({ code, area, state, message, hint: hint ?? null });
  return { ok: tell('ok'), warning: tell('warning'), problem: tell('problem'), unknown: tell('unknown') };
}
