/**
 * Asks targets side by side, one question at a time on each. What a run cannot ask any more, because a target stays
 * silent or the time is up, is handed back: it is reported, and the next run begins with it.
 */
import { PamError } from '../../model/error.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { Question, SystemQueue } from '../../rules/queue-by-system.ts';
import type { Desk } from '../desk.ts';

/** Each may start a program, and each may wait for it. */
const SYSTEMS_AT_ONCE = 8;
/** A target that timed out so often in a row is left alone for the rest of the run. */
const MOST_TIMEOUTS = 3;
/** A run begins no question after so long; the one at hand is finished. Runs follow each other closely. */
export const BUDGET_SECONDS = 300;

/** What one run of a sweep has learnt about targets, over all that it asks. */
export interface Budget {
  readonly until: Instant;
  /** Time-outs in a row, by each text under which grants recorded the system. */
  readonly timeoutsInARow: Map<string, number>;
}

export const beginBudget = (now: Instant): Budget => ({
  until: plus(now, BUDGET_SECONDS),
  timeoutsInARow: new Map(),
});

export interface Unasked<T> {
  readonly question: T;
  readonly why: PamError;
}

/**
 * @param ask answers with what went wrong, `null` when nothing did
 * @returns what was not asked; after an interrupt that is all the rest
 */
export async function askTargets<T extends Question>(
  desk: Desk,
  budget: Budget,
  queues: readonly SystemQueue<T>[],
  ask: (question: T) => Promise<PamError | null>,
): Promise<readonly Unasked<T>[]> {
  const waiting = [...queues];
  const left: Unasked<T>[] = [];
  const walk = async (): Promise<void> => {
    for (let queue = waiting.shift(); queue !== undefined; queue = waiting.shift())
      left.push(...(await askInTurn(desk, budget, queue, ask)));
  };
  // A bug in one queue must not leave the others unasked.
  const walked = await Promise.allSettled(Array.from({ length: SYSTEMS_AT_ONCE }, walk));
  for (const one of walked) if (one.status === 'rejected') throw one.reason;
  return left;
}

async function askInTurn<T extends Question>(
  desk: Desk,
  budget: Budget,
  { system, questions }: SystemQueue<T>,
  ask: (question: T) => Promise<PamError | null>,
): Promise<readonly Unasked<T>[]> {
  for (const [at, question] of questions.entries()) {
    if (desk.interrupted()) return questions.slice(at).map((one) => ({ question: one, why: interrupted() }));
    const timeoutsInARow = Math.max(0, ...system.map((text) => budget.timeoutsInARow.get(text) ?? 0));
    if (timeoutsInARow >= MOST_TIMEOUTS || desk.clock() >= budget.until) {
      const why = timeoutsInARow >= MOST_TIMEOUTS ? silent(question) : outOfTime();
      return questions.slice(at).map((one) => ({ question: one, why }));
    }
    const error = await ask(question);
    const now = error?.code === 'E_PRV_TIMEOUT' ? timeoutsInARow + 1 : 0;
    for (const text of system) budget.timeoutsInARow.set(text, now);
  }
  return [];
}

function silent({ record }: Question): PamError {
  const target = record.grant?.target ?? 'the target';
  const why = `${target} did not answer ${MOST_TIMEOUTS} times in a row`;
  return new PamError('E_SWEEP_SILENT', `not tried: ${why}; the next run tries again`);
}

function interrupted(): PamError {
  return new PamError('E_INTERRUPTED', 'not tried: this run was interrupted; the next run goes on');
}

function outOfTime(): PamError {
  const why = `this run has had its ${BUDGET_SECONDS} s`;
  return new PamError('E_SWEEP_BUDGET', `not tried: ${why}; the next run goes on`);
}
