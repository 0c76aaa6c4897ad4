/** Sweep as a service: it wakes at the next end, not on a grid, and at least every `LONGEST_NAP` for what it cannot foresee. */
import { Interrupted, PamError } from '../model/error.ts';
import { secondsBetween } from '../model/instant.ts';
import { mayBeLive } from '../model/open-record.ts';
import type { Desk, Executor } from './desk.ts';
import { readLedger } from './read-ledger.ts';
import type { RunResult } from './run-result.ts';
import { sweep, type SweepScope } from './sweep.ts';

const LONGEST_NAP_SECONDS = 60;
const NAP_STEP_MS = 250;

export async function watchSweep(
  desk: Desk,
  executor: Executor,
  scope: SweepScope,
  told: (result: RunResult) => void,
): Promise<void> {
  try {
    while (!desk.interrupted()) await watchOnce(desk, executor, scope, told);
  } catch (error) {
    // It had begun nothing that is not recorded.
    if (!(error instanceof Interrupted)) throw error;
  }
}

async function watchOnce(
  desk: Desk,
  executor: Executor,
  scope: SweepScope,
  told: (result: RunResult) => void,
): Promise<void> {
  try {
    told(await sweep(desk, executor, scope));
  } catch (error) {
    // A service that revokes must not die of one bad round.
    if (!(error instanceof PamError)) throw error;
    desk.note(`${error.message} [${error.code}]`);
  }
  desk.allRecorded();
  const until = (await napSeconds(desk, executor)) * 1000;
  for (let slept = 0; slept < until && !desk.interrupted(); slept += NAP_STEP_MS)
    await desk.pause(NAP_STEP_MS);
}

async function napSeconds(desk: Desk, executor: Executor): Promise<number> {
  try {
    const { state } = await readLedger(desk, executor);
    const now = desk.clock();
    const ends = [...state.index.records.values()].filter(mayBeLive).flatMap(({ grant }) => grant?.end ?? []);
    const left = ends.map((end) => secondsBetween(now, end)).filter((seconds) => seconds > 0);
    return Math.min(LONGEST_NAP_SECONDS, ...left);
  } catch (error) {
    if (error instanceof PamError) return LONGEST_NAP_SECONDS;
    throw error;
  }
}
