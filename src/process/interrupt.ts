/**
 * What Ctrl-C, SIGTERM and a closed terminal do to a run (DESIGN rule 11; `this-run.ts` says which one). `main.ts` hears
 * the process's signals and reports them.
 *
 * Until something was begun that has to be finished (a push, a call that changes a target), an interrupt cuts off:
 * programs that run are ended, whatever waits for them gets `Interrupted`, and no program starts and no question is
 * asked any more. Afterwards nothing is cut off: flows look at `desk.interrupted()` and begin nothing new.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { handledLater, Interrupted } from '../model/error.ts';
import { type Run, thisRun, within } from './this-run.ts';

export const isInterrupted = (): boolean => thisRun().heard;

/** Interrupted, and there is nothing to finish. */
export function isCutOff(): boolean {
  const { heard, begun } = thisRun();
  return heard && !begun;
}

/** Throws `Interrupted` when this run is cut off. Stands in front of all that starts or sends something. */
export function checkInterrupt(): void {
  if (isCutOff()) throw new Interrupted();
}

/** A signal arrived for that run. */
export function interrupt(run: Run = thisRun()): void {
  run.heard = true;
  within(run, callListeners);
}

/** From now on an interrupt lets this run finish. */
export function letFinish(): void {
  thisRun().begun = true;
}

/** What was begun is finished, or did not come about: an interrupt, also one that was heard meanwhile, cuts off. */
export function letCutOff(): void {
  thisRun().begun = false;
  callListeners();
}

/** For tests of what stands below `runPam`, which are many in one process. */
export function forgetInterrupt(): void {
  Object.assign(thisRun(), { heard: false, begun: false });
}

function callListeners(): void {
  if (isCutOff()) for (const stop of thisRun().listening) stop();
}

/** @param stop called once when this run is cut off @returns stops listening */
export function whenCutOff(stop: () => void): () => void {
  const { listening } = thisRun();
  const once = (): void => {
    listening.delete(once);
    stop();
  };
  listening.add(once);
  return () => void listening.delete(once);
}

/** Waits for `work`, or throws `Interrupted` as soon as this run is cut off; what `work` does then is not heard. */
export async function orCutOff<T>(work: Promise<T>): Promise<T> {
  checkInterrupt();
  let ignore = (): void => undefined;
  const cut = new Promise<never>((_resolve, reject) => {
    ignore = whenCutOff(() => reject(new Interrupted()));
  });
  try {
    return await Promise.race([work, cut]);
  } finally {
    ignore();
    handledLater(work);
  }
}

const SIGNALS: ReadonlySet<string> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP']);
/** The same as a shell tells them, one that stands between us and the program. */
const AS_CODES: ReadonlySet<number> = new Set([129, 130, 143]);
const OWN_TURN_MS = 100;

/**
 * A program ended of a signal that may have been sent to this process too, as the terminal does: waits a moment for our
 * own, so that the end of a child is never heard before its reason.
 */
export async function ownTurn(code: number | null, signal: string | null = null): Promise<void> {
  const suspect = signal === null ? code === null || AS_CODES.has(code) : SIGNALS.has(signal);
  if (!suspect) return;
  for (let waited = 0; waited < OWN_TURN_MS && !isInterrupted(); waited += 5) await sleep(5);
}
