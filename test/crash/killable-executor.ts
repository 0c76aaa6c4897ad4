/**
 * An executor in a process of its own that writes down each step it takes and, when told to, dies at one of them
 * as a machine dies: SIGKILL, no handlers, no flushing. Bundled and started by the tests in this folder.
 *
 *   before   the step was not taken
 *   after    it was taken, and nothing after it
 *   during   it was begun, and goes on without us (a plugin outlives its pam)
 *
 * argv: one JSON `Orders`. stdout: one JSON `Report`, if it lives that long.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layDesk } from '../../src/context.ts';
import { appendEntry } from '../../src/flows/ledger/append-entry.ts';
import { apply } from '../../src/flows/executor/apply.ts';
import type { Desk, Executor } from '../../src/flows/desk.ts';
import { readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { exitOfApply, exitOfRun } from '../../src/flows/executor/run-result.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import { PamError } from '../../src/model/error.ts';
import { instantOf } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { environmentOf, instant } from './access-repository.ts';
import { type Act, tracedDesk } from './traced-desk.ts';

export interface Death {
  /** Counts from 0. */
  readonly step: number;
  readonly when: 'before' | 'after' | 'during';
}

export interface Orders {
  readonly home: string;
  readonly host: string;
  readonly executor: string;
  /** Where the clock begins; with `ticks` it goes on from there. */
  readonly now: string;
  readonly ticks?: boolean;
  /** The real moment (ms) at which the clock showed `now`; else it is when this process began. */
  readonly since?: number;
  readonly runs: readonly Round[];
  /** Each step's name when it begins, one a line; `.<number>` when it is over. The first one is 0. */
  readonly steps: string;
  readonly death?: Death;
}

export interface Round {
  /** `beat`: append one heartbeat that says `live`, whether one is due or not. */
  readonly run: 'apply' | 'sweep' | 'beat';
  readonly live?: number;
  readonly only?: readonly RequestId[];
}

export interface Report {
  /** An exit code, or the code of the error that ended the round. */
  readonly rounds: readonly (number | string)[];
  readonly notes: readonly string[];
}

async function main(orders: Orders): Promise<Report> {
  const { home, host, executor: name } = orders;
  const started = orders.since ?? Date.now();
  const begin = Date.parse(instant(orders.now));
  const notes: string[] = [];
  const outside = {
    env: environmentOf(home, host),
    cwd: home,
    clock: () => instantOf(begin + (orders.ticks === true ? Date.now() - started : 0)),
    interrupted: () => false,
    note: (line: string) => notes.push(line),
    progress: () => undefined,
  };
  const dir = join(home, 'hosts', host, 'repo');
  const root = readFileSync(join(home, 'root'), 'utf8');
  const executor = { name, keyFile: join(home, 'keys', name) };
  const act = mortal(orders);
  const rounds: (number | string)[] = [];
  for (const { run, only, live = 0 } of orders.runs) {
    const desk = tracedDesk(await layDesk(outside, { dir, root, offline: false }), act);
    try {
      if (run === 'beat') rounds.push(await beat(desk, executor, live));
      else if (run === 'sweep') rounds.push(exitOfRun(await sweep(desk, executor, { targets: [] })));
      else rounds.push(exitOfApply(await apply(desk, executor, only && new Set(only)), only ?? []));
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      rounds.push(error.code);
    }
  }
  return { rounds, notes };
}

/** Nothing but an append: what a race is about. Told that it lost, it does what the hint says: runs again. */
async function beat(desk: Desk, executor: Executor, live: number): Promise<number> {
  for (let again = 5; ; again--) {
    try {
      const { entry } = await appendEntry(desk, executor, await readLedger(desk, executor), async () =>
        Promise.resolve({ events: [{ type: 'heartbeat', id: '-', live }] }),
      );
      return entry?.seq ?? -1;
    } catch (error) {
      if (again === 0 || !(error instanceof PamError) || error.code !== 'E_RACE_LOST') throw error;
    }
  }
}

function mortal({ steps, death, home }: Orders): Act {
  let taken = 0;
  const callsFile = join(home, 'shelf', 'calls');
  return async (name, step) => {
    const at = taken++;
    const here = death?.step === at ? death.when : undefined;
    appendFileSync(steps, `${name}\n`);
    if (here === 'before') die();
    if (here === 'during') {
      const before = readFileSync(callsFile, 'utf8').length;
      step().catch(() => undefined);
      while (readFileSync(callsFile, 'utf8').length === before)
        await new Promise((wake) => setTimeout(wake, 5));
      die();
    }
    const result = await step();
    if (here === 'after') die();
    appendFileSync(steps, `.${at}\n`);
    return result;
  };
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}

// The test gives it as one argument, from the type above.
const report = await main(JSON.parse(process.argv[2] ?? '') as Orders);
process.stdout.write(`${JSON.stringify(report)}\n`);
