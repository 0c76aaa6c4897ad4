/** A run that tells people what it did. */
import type { Reason } from '../../model/decision.ts';
import { Interrupted } from '../../model/error.ts';
import type { Desk, Executor } from '../desk.ts';
import { type Leaves, openOutbox } from './send-notices.ts';

/**
 * Carries what is ready to be sent, and answers what came of it: at once, or, for a run that stays, later and elsewhere,
 * since the next round must not wait for a dead receiver.
 */
export type Courier = (sending: () => Promise<readonly Reason[]>) => Promise<readonly Reason[]>;

const atOnce: Courier = async (sending) => await sending();

/** @param run is given the desk to work with */
export async function tellingPeople<R extends { readonly troubles: readonly Reason[] }>(
  desk: Desk,
  executor: Executor,
  courier: Courier = atOnce,
  run: (heard: Desk) => Promise<{ readonly result: R; readonly leaves: Leaves }>,
): Promise<R> {
  const outbox = openOutbox(desk, executor);
  try {
    const { result, leaves } = await run(outbox.desk);
    const troubles = await courier(await outbox.ready(leaves));
    return troubles.length === 0 ? result : { ...result, troubles: [...result.troubles, ...troubles] };
  } catch (error) {
    const state = outbox.newest();
    // What was written before it failed happened all the same.
    if (!(error instanceof Interrupted) && state !== undefined) {
      const troubles = await courier(await outbox.ready({ state, situation: null, open: () => [] }));
      for (const { code, message } of troubles) desk.note(`${message} [${code}]`);
    }
    throw error;
  }
}
