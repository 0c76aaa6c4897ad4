/**
 * Asks targets side by side, one question at a time on each. What a run cannot ask any more, because a target stays
 * silent or the time is up, is handed back: it is reported, and the next run begins with it.
 */
import { PamError } from '../../model/error.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { Errand, Lane } from '../../rules/lanes.ts';
import type { Desk } from '../desk.ts';

/** Each may start a program, and each may wait for it. */
const SYSTEMS_AT_ONCE = 8;
/** A target that was silent so often in a row is left alone for the rest of the run. */
const MOST_SILENCES = 3;
/** A run begins no question after so long; the one at hand is finished. Runs follow each other closely. */
export const BUDGET_SECONDS = 300;

/** What one run of a sweep has learnt about targets, over all that it asks. */
export interface Round {
  readonly until: Instant;
  /** Time-outs in a row, by each text under which grants recorded the system. */
  readonly silences: Map<string, number>;
}

export const beginRound = (now: Instant): Round => ({
  until: plus(now, BUDGET_SECONDS),
  silences: new Map(),
});

export interface Left<T> {
  readonly errand: T;
  readonly why: PamError;
}

/**
 * @param ask answers with what went wrong, `null` when nothing did
 * @returns what was not asked; after an interrupt that is all the rest
 */
export async function askTargets<T extends Errand>(
  desk: Desk,
  round: Round,
  lanes: readonly Lane<T>[],
  ask: (errand: T) => Promise<PamError | null>,
): Promise<readonly Left<T>[]> {
  const queue = [...lanes];
  const left: Left<T>[] = [];
  const walk = async (): Promise<void> => {
    for (let lane = queue.shift(); lane !== undefined; lane = queue.shift())
      left.push(...(await walkLane(desk, round, lane, ask)));
  };
  // A bug in one lane must not leave the others unasked.
  const walked = await Promise.allSettled(Array.from({ length: SYSTEMS_AT_ONCE }, walk));
  for (const one of walked) if (one.status === 'rejected') throw one.reason;
  return left;
}

async function walkLane<T extends Errand>(
  desk: Desk,
  round: Round,
  { system, errands }: Lane<T>,
  ask: (errand: T) => Promise<PamError | null>,
): Promise<readonly Left<T>[]> {
  for (const [at, errand] of errands.entries()) {
    if (desk.interrupted()) return errands.slice(at).map((one) => ({ errand: one, why: interrupted() }));
    const silences = Math.max(0, ...system.map((text) => round.silences.get(text) ?? 0));
    if (silences >= MOST_SILENCES || desk.clock() >= round.until) {
      const why = silences >= MOST_SILENCES ? silent(errand) : outOfTime();
      return errands.slice(at).map((one) => ({ errand: one, why }));
    }
    const error = await ask(errand);
    const now = error?.code === 'E_PRV_TIMEOUT' ? silences + 1 : 0;
    for (const text of system) round.silences.set(text, now);
  }
  return [];
}

function silent({ record }: Errand): PamError {
  const target = record.grant?.target ?? 'the target';
  const why = `${target} did not answer ${MOST_SILENCES} times in a row`;
  return new PamError('E_SWEEP_SILENT', `not tried: ${why}; the next run tries again`);
}

function interrupted(): PamError {
  return new PamError('E_INTERRUPTED', 'not tried: this run was interrupted; the next run goes on');
}

function outOfTime(): PamError {
  const why = `this run has had its ${BUDGET_SECONDS} s`;
  return new PamError('E_SWEEP_BUDGET', `not tried: ${why}; the next run goes on`);
}
