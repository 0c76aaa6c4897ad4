/**
 * What belongs to one run of the program and not to the process in which it happens: whether it was interrupted, what it
 * began, what it leaves behind. A process that is `pam` has one run, its own; a caller of `runPam` gives each call a run of
 * its own, and several may be under way at the same time.
 *
 * Everything that starts a program or opens a door has to find its run, from signing to a provider's plugin. Handing it down
 * would be one more argument of some thirty functions, and a function that forgets it would be deaf to Ctrl-C in silence.
 * So it comes along with the work (`AsyncLocalStorage`). Node 20 takes a tenth to a fifth more CPU for that
 * (measured: `status` 287 -> 323 ms, `audit` 277 -> 330), which is why the process's own run does without.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** What is not settled: whether the last push arrived; what was being done at a target. */
export type Unsettled = 'push' | 'target';

export interface Run {
  /** An interrupt arrived. */
  heard: boolean;
  /** Something was begun that has to be finished first. */
  begun: boolean;
  /** Called once when this run is cut off. */
  readonly listening: Set<() => void>;
  readonly unsettled: Set<Unsettled>;
  /** Temporary things, removed at the end. */
  readonly leftovers: Set<() => void>;
  /** Where programs speak to the person: the process's own stderr, or what takes its place. */
  readonly stderr: 'inherit' | ((chunk: Buffer) => void);
}

export const newRun = (stderr: Run['stderr'] = 'inherit'): Run => ({
  heard: false,
  begun: false,
  listening: new Set(),
  unsettled: new Set(),
  leftovers: new Set(),
  stderr,
});

/** The process's own: of `main.ts`, and of whatever else runs outside of `runPam`. */
export const PROCESS_RUN = newRun();

const runs = new AsyncLocalStorage<Run>();

export const thisRun = (): Run => runs.getStore() ?? PROCESS_RUN;

/** All that `work` does and starts belongs to `run`. */
export function within<T>(run: Run, work: () => T): T {
  return run === thisRun() ? work() : runs.run(run, work);
}

/** @param tidy called once at the end of this run, which for the process's own is the end of the process */
export function atEndOfRun(tidy: () => void): void {
  const run = thisRun();
  if (run === PROCESS_RUN && run.leftovers.size === 0) process.once('exit', () => tidyUp(run));
  run.leftovers.add(tidy);
}

export function tidyUp({ leftovers }: Run): void {
  for (const tidy of leftovers) tidy();
  leftovers.clear();
}
