/**
 * What GitHub does between an event and a machine, over the double and its list of runs.
 *
 * - One run of a concurrency group is under way and one waits; a newer one takes the place of the one that waits, whatever
 *   `cancel-in-progress` says. Names are the repository's and have no case, so any workflow on any branch may enter a group, hold
 *   it, or cancel the run that is under way (docs.github.com: control-workflow-concurrency). `queue: max` lets a hundred wait
 *   (changelog 2026-05-07; not on Enterprise Server).
 * - A schedule belongs to an account; it stops when that is gone (orgs/community#109354), and when the workflow is off.
 * - A run that is started again has the workflow file of its old commit (docs.github.com: re-running-workflows-and-jobs).
 */
import type { Github } from '../github/github.ts';
import type { Run } from '../github/hub.ts';
import { type Event, type Hosting, type JobRan, lineOf, runJob, workflowFor } from './actions-runner.ts';

interface Entered {
  readonly file: string;
  readonly job: string;
  readonly event: Event;
  readonly run: Run;
  readonly queues: boolean;
}

interface Line {
  underWay: Entered | undefined;
  waiting: Entered[];
}

export interface Carried {
  readonly file: string;
  readonly job: string;
  readonly event: Event;
  /** `undefined`: it never began, since it was cancelled or replaced. */
  readonly ran: JobRan | undefined;
}

export class ActionsService {
  readonly #hosting: Hosting;
  readonly #hub: Github;
  readonly #env: Readonly<Record<string, string>>;
  readonly #scheduledBy: string;
  readonly #lines = new Map<string, Line>();
  /** In no group, so nothing is ever in its way. */
  readonly #free: Entered[] = [];
  readonly #admitted = new Map<Run, number>();

  /**
   * @param scheduledBy the login of the account that last changed the schedules
   * @param env more of the environment of every step
   */
  constructor(
    hosting: Hosting,
    hub: Github,
    scheduledBy: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#hosting = hosting;
    this.#hub = hub;
    this.#env = { GITHUB_API_URL: hub.url, GITHUB_SERVER_URL: hub.url, ...env };
    this.#scheduledBy = scheduledBy;
  }

  /** GitHub comes to a workflow's schedule, on time or hours later. Says whether it begins a run. */
  schedule(file: string): boolean {
    if (!this.#isOn(file) || !this.#hub.exists(this.#scheduledBy)) return false;
    this.#hub.addRun({ workflow: file, event: 'schedule', status: 'queued', conclusion: null });
    this.admit();
    return true;
  }

  /** A push to main, a pull request, a review. */
  begin(file: string, event: Event): void {
    if (!this.#isOn(file)) return;
    this.#hub.addRun({ workflow: file, event: event.name, status: 'queued', conclusion: null });
    const run = this.#hub.runs.at(-1);
    if (run !== undefined) this.#enter(run, event);
  }

  /** Takes in what is queued at the double: dispatches, schedules, and runs that are started again. */
  admit(): void {
    for (const run of this.#hub.runs) {
      if (run.status !== 'queued' || this.#admitted.get(run) === run.attempt) continue;
      const again = run.attempt > 1 ? { sha: run.sha } : {};
      this.#enter(run, {
        name: run.event,
        ref: `refs/heads/${run.branch}`,
        inputs: run.inputs,
        ...again,
      });
    }
  }

  /** Until nothing waits any more. */
  async carryOut(): Promise<readonly Carried[]> {
    this.admit();
    const all: Carried[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { file, job, event, run } = next;
      // By then a person with write may have cancelled it.
      const ran = run.status === 'completed' ? undefined : await runJob(this.#hosting, file, job, event);
      if (ran !== undefined) this.#hub.endRun(run.id, ran.result);
      all.push({ file, job, event, ran });
      this.admit();
    }
    return all;
  }

  #isOn(file: string): boolean {
    return (this.#hub.settings.workflowStates[file] ?? 'active') === 'active';
  }

  #enter(run: Run, started: Event): void {
    const event: Event = { ...started, env: { ...this.#env, ...started.env } };
    const file = run.workflow;
    this.#admitted.set(run, run.attempt);
    for (const [job, written] of Object.entries(workflowFor(this.#hosting, file, event).jobs)) {
      const { group, cancels, queues } = lineOf(written, event);
      const entered: Entered = { file, job, event, run, queues };
      if (group === undefined) this.#free.push(entered);
      else this.#standInLine(group, entered, cancels);
    }
  }

  #standInLine(group: string, entered: Entered, cancels: boolean): void {
    const line = this.#lines.get(group) ?? { underWay: undefined, waiting: [] };
    this.#lines.set(group, line);
    const cancel = ({ run }: Entered): void => {
      this.#hub.endRun(run.id, 'cancelled');
    };
    if (cancels && line.underWay !== undefined) {
      cancel(line.underWay);
      line.underWay = undefined;
    }
    if (line.underWay === undefined && line.waiting.length === 0) {
      line.underWay = entered;
      return;
    }
    if (!entered.queues) line.waiting.splice(0).forEach(cancel);
    line.waiting.push(entered);
  }

  #next(): Entered | undefined {
    const free = this.#free.shift();
    if (free !== undefined) return free;
    for (const line of this.#lines.values()) {
      const next = line.underWay ?? line.waiting.shift();
      line.underWay = undefined;
      if (next !== undefined) return next;
    }
    return undefined;
  }
}
