/** The page of the CI job that runs this, where there is one. A courtesy: the exit code is the answer. */
import { appendFileSync, lstatSync } from 'node:fs';
import { forges } from '../forges/registry.ts';
import type { Session } from './session.ts';

/** A step may write so much (GitHub: 1 MiB); what is beyond it would take the rest of the page with it. */
const MOST_BYTES = 1_000_000;

export function addToSummary(at: Session, markdown: string): void {
  const file = summaryFile(at.env);
  if (file === undefined) return;
  try {
    const there = lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (there + Buffer.byteLength(markdown) < MOST_BYTES) appendFileSync(file, `${markdown}\n`);
  } catch (cause) {
    at.show(`the job summary could not be written: ${String(cause)}\n`);
  }
}

/** Wherever its jobs run; what policy calls the forge need not be the same. */
const summaryFile = (env: Session['env']): string | undefined =>
  [...forges.values()]
    .flatMap(({ summaryVariable }) => (summaryVariable === undefined ? [] : (env[summaryVariable] ?? [])))
    .find((file) => file !== '');
