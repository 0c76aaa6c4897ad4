/** Sweep as a service: it wakes at the next end, not on a grid, and at least every `LONGEST_NAP` for what it cannot foresee. */
import { Interrupted } from '../../model/error.ts';
import { secondsBetween } from '../../model/instant.ts';
import { mayBeLive } from '../../model/open-record.ts';
import type { Desk, Executor } from '../desk.ts';
import { held, readOrHold, type Tell } from '../ledger/net.ts';
import type { RunResult } from './run-result.ts';
import type { SweepScope } from './sweep-run.ts';
import { sweep } from './sweep.ts';

export const LONGEST_NAP_SECONDS = 60;
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
  // A service that revokes must not die of one failed sweep.
  const round = async (): Promise<void> => told(await sweep(desk, executor, scope));
  await held(noteOn(desk), 'this round failed', undefined, round);
  desk.allRecorded();
  const until = (await napSeconds(desk, executor)) * 1000;
  for (let slept = 0; slept < until && !desk.interrupted(); slept += NAP_STEP_MS)
    await desk.pause(NAP_STEP_MS);
}

async function napSeconds(desk: Desk, executor: Executor): Promise<number> {
  return await held(noteOn(desk), 'the next end is not known', LONGEST_NAP_SECONDS, async () => {
    const { state } = await readOrHold(desk, executor);
    const now = desk.clock();
    const ends = [...state.index.records.values()].filter(mayBeLive).flatMap(({ grant }) => grant?.end ?? []);
    const left = ends.map((end) => secondsBetween(now, end)).filter((seconds) => seconds > 0);
    return Math.min(LONGEST_NAP_SECONDS, ...left);
  });
}

const noteOn =
  (desk: Desk): Tell =>
  ({ code, message }) =>
    desk.note(`${message} [${code}]`);
