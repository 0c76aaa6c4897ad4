/**
 * Threads that do one kind of work beside each other: each loads the same file of the program once, and is then given
 * one job after the other. Jobs and answers are plain data. An answer that is an error ends the whole crew.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Exit, PamError } from '../model/error.ts';

export interface Crew {
  /** The file of the program that calls `serve`. */
  readonly file: string;
  /** What every worker is told at its start. */
  readonly setup: unknown;
  readonly workers: number;
}

type Said<Answer> = { readonly done: Answer } | { readonly failed: Failure };

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exit: Exit;
  readonly hint: string | undefined;
}

/**
 * Answers in the order of the jobs, which are taken up in that order too.
 * @param jobs how many there are
 * @param jobAt makes one when its turn comes, so that none has to lie around
 */
export async function* inOrder<Answer>(
  { file, setup, workers }: Crew,
  jobs: number,
  jobAt: (place: number) => unknown,
): AsyncGenerator<Answer, void, undefined> {
  const threads = Array.from(
    { length: Math.min(workers, jobs) },
    () => new Worker(file, { workerData: setup, resourceLimits: SMALL }),
  );
  let next = 0;
  const answers = Array.from({ length: jobs }, () => promised<Answer>());
  // Whoever stopped asking waits for no answer.
  for (const { promise } of answers) promise.catch(() => undefined);
  const work = async (thread: Worker): Promise<void> => {
    while (next < jobs) {
      const mine = next;
      next += 1;
      answers[mine]?.settle(ask<Answer>(thread, jobAt(mine)));
      await answers[mine]?.promise.catch(() => undefined);
    }
  };
  try {
    void Promise.all(threads.map(work));
    for (const { promise } of answers) yield await promise;
  } finally {
    next = jobs;
    await Promise.all(threads.map(async (thread) => await thread.terminate()));
  }
}

/** V8 lets garbage lie in proportion to what a thread may take. */
const SMALL = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 1024 };

function promised<T>(): { readonly promise: Promise<T>; readonly settle: (value: Promise<T>) => void } {
  let settle: (value: Promise<T>) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (settle = resolve));
  return { promise, settle };
}

async function ask<Answer>(thread: Worker, job: unknown): Promise<Answer> {
  return await new Promise<Answer>((resolve, reject) => {
    const ended = (code: number): void =>
      reject(new PamError('E_RUN_ENDED', `a thread of this program ended with ${code}`));
    const forget = (): void => {
      thread.off('message', said).off('error', failed).off('exit', ended);
    };
    const said = (answer: Said<Answer>): void => {
      forget();
      if ('done' in answer) resolve(answer.done);
      else {
        const { code, message, exit, hint } = answer.failed;
        reject(new PamError(code, message, { exit, ...(hint === undefined ? {} : { hint }) }));
      }
    };
    const failed = (error: Error & { readonly code?: unknown }): void => {
      const full = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(full ? new PamError('E_RUN_MEMORY', 'a thread of this program ran out of memory') : error);
    };
    thread.once('message', said).once('error', failed).once('exit', ended);
    thread.postMessage(job);
  });
}

/** What a worker does: once `begin` with the setup, then one job after the other. */
export function serve<Answer>(begin: (setup: unknown) => Promise<(job: unknown) => Promise<Answer>>): void {
  const port = parentPort;
  if (port === null) throw new PamError('E_BUG', 'this file is for a thread');
  const ready = begin(workerData);
  ready.catch(() => undefined);
  port.on('message', (job: unknown) => {
    const answer = async (): Promise<Said<Answer>> => {
      try {
        return { done: await (await ready)(job) };
      } catch (error) {
        // Anything else is a bug, and ends the thread with its trace.
        if (!(error instanceof PamError)) throw error;
        const { code, message, exit, hint } = error;
        return { failed: { code, message, exit, hint } };
      }
    };
    void answer().then((said) => port.postMessage(said));
  });
}
