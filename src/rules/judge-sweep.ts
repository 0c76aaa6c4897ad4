/** Sweeps leave a trace on the ledger: is it too old while access is live? Access must not begin where no sweep will end it. */
import { type Instant, plus, secondsOf } from '../model/instant.ts';
import { mayBeLive } from '../model/open-record.ts';
import type { ChainState } from '../trust/chain-state.ts';

type Swept = Pick<ChainState, 'policy' | 'index'>;

/** When a sweep last wrote an entry. A sweep that had nothing to write leaves one only where policy sets `sweep_within`. */
export const lastSweepOf = ({ index }: Pick<ChainState, 'index'>): Instant | null =>
  index.beats?.sweep?.at ?? null;

/** A sentence when grants are live and `sweep_within` has passed since the last sweep. */
export function lateSweep(state: Swept, now: Instant): string | undefined {
  const within = state.policy.config.sweep_within;
  if (within === undefined || ![...state.index.records.values()].some(mayBeLive)) return undefined;
  const last = lastSweepOf(state);
  if (last !== null && now <= plus(last, secondsOf(within))) return undefined;
  return `grants are live and the last sweep was ${last ?? 'never'}, not within ${within}`;
}

/** Seconds between records of sweeps that had nothing else to record: a quarter of the limit; `null` without one. */
export const beatEvery = ({ sweep_within: within }: ChainState['policy']['config']): number | null =>
  within === undefined ? null : secondsOf(within) / 4;
