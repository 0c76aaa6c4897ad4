/** Whether sweeps come, whichever machine they run on: then GitHub's own schedule is only what is left when that machine fails. */
import type { Sweeps } from '../../model/forge.ts';
import { type Instant, plus } from '../../model/instant.ts';

/** By the ledger. Only where policy sets `sweep_within` does a sweep with nothing to do leave a trace there. */
export const isSwept = ({ within, last }: Sweeps, now: Instant): boolean =>
  within !== null && last !== null && plus(last, within) >= now;
