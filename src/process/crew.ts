/**
 * Processes of this program that do one kind of work beside each other: each runs the same file of it, and is given one
 * job after the other. Jobs and answers are plain data, as a thread's would be. (Threads are slower here: two of them
 * in one process hinder each other by half.) An answer that is an error ends the whole crew.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import { type ChildProcess, fork } from 'node:child_process';
import { type Exit, expected, handledLater, PamError } from '../model/error.ts';
import { orCutOff } from './interrupt.ts';

export interface Crew {
  /** The file of the program that calls `serve`. */
  readonly file: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What every one of them is told first. */
  readonly setup: unknown;
  readonly workers: number;
}

type Said<Answer> = { readonly done: Answer } | { readonly failed: Failure };

interface Failure {
  readonly code: ErrorCode;
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
  crew: Crew,
  jobs: number,
  jobAt: (place: number) => unknown,
): AsyncGenerator<Answer, void, undefined> {
  const workers = Array.from({ length: Math.min(crew.workers, jobs) }, () => start(crew));
  const busy = new Set<ChildProcess>();
  let next = 0;
  const answers = Array.from({ length: jobs }, () => promised<Answer>());
  for (const { promise } of answers) handledLater(promise);
  const work = async (worker: ChildProcess): Promise<void> => {
    while (next < jobs) {
      const mine = next;
      next += 1;
      busy.add(worker);
      answers[mine]?.settle(ask<Answer>(worker, jobAt(mine)));
      await answers[mine]?.promise.catch(() => undefined);
      busy.delete(worker);
    }
  };
  try {
    void Promise.all(workers.map(work));
    for (const { promise } of answers) yield await orCutOff(promise);
  } finally {
    next = jobs;
    await Promise.all(workers.map(async (worker) => await letGo(worker, busy.has(worker))));
  }
}

/** Disconnects: an idle worker exits and is awaited, a busy one is detached. */
async function letGo(worker: ChildProcess, busy: boolean): Promise<void> {
  if (isGone(worker)) return;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.disconnect();
  if (busy) worker.unref();
  else await ended;
}

const isGone = ({ pid, exitCode, signalCode, connected }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null || !connected;

function start({ file, env, cwd, setup }: Crew): ChildProcess {
  const worker = fork(file, [], {
    env: { ...env },
    cwd,
    execArgv: [],
    serialization: 'advanced',
    // Ctrl-C is for the process that the person started.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // `ask` rejects with it.
  worker.on('error', () => undefined);
  worker.send({ setup });
  return worker;
}

function promised<T>(): { readonly promise: Promise<T>; readonly settle: (value: Promise<T>) => void } {
  let settle: (value: Promise<T>) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (settle = resolve));
  return { promise, settle };
}

async function ask<Answer>(worker: ChildProcess, job: unknown): Promise<Answer> {
  return await new Promise<Answer>((resolve, reject) => {
    const ended = (): void =>
      reject(new PamError('E_RUN_ENDED', 'a process of this program ended before it answered'));
    const said = (answer: unknown): void => {
      worker.off('message', said).off('exit', ended).off('error', ended);
      const heard = answer as Said<Answer>;
      if ('done' in heard) resolve(heard.done);
      else {
        const { code, message, exit, hint } = heard.failed;
        reject(new PamError(code, message, { exit, ...(hint === undefined ? {} : { hint }) }));
      }
    };
    // One that could not be started says `error`, and never `exit`.
    worker.once('message', said).once('exit', ended).once('error', ended);
    if (isGone(worker)) ended();
    else worker.send({ job });
  });
}

/**
 * What a worker does: once `begin` with the setup, then one job after the other, until the parent disconnects.
 * @param leave ends this process, after a disconnect or when the parent was killed: its answer has no reader any more
 */
export function serve<Answer>(
  begin: (setup: unknown) => Promise<(job: unknown) => Promise<Answer>>,
  leave: () => void,
): void {
  let ready: Promise<(job: unknown) => Promise<Answer>> | undefined;
  process.once('disconnect', leave);
  process.on('message', (said: { readonly setup: unknown } | { readonly job: unknown }) => {
    if ('setup' in said) {
      ready = begin(said.setup);
      handledLater(ready);
      return;
    }
    const answer = async (): Promise<Said<Answer>> => {
      try {
        if (ready === undefined) throw new PamError('E_BUG', 'a job came before the setup');
        return { done: await (await ready)(said.job) };
      } catch (cause) {
        // Anything else is a bug, and ends the process with its trace.
        const error = expected(cause);
        const { code, message, exit, hint } = error;
        return { failed: { code, message, exit, hint } };
      }
    };
    void answer().then((heard) => process.send?.(heard, undefined, undefined, () => undefined));
  });
}
