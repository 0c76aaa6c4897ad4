/**
 * What ends access on GitHub, and how soon that can be promised. `sweep_within` refuses new grants while sweeps are late, so
 * a promise that the way cannot keep would refuse them most of the day.
 *
 * GitHub's schedule is best effort: 3 to 5 hours late is common, 12 were seen (orgs/community#210888, #210625; test rows 1 to 3).
 */
import { parseDuration, type Duration } from '../../model/instant.ts';

export interface SweepWay {
  /** As it is given to `--sweep-by`. */
  readonly name: string;
  /** For a person who chooses. */
  readonly title: string;
  readonly within: Duration;
}

const way = (name: string, title: string, within: string): SweepWay => {
  const parsed = parseDuration(within);
  if (parsed === undefined) throw new RangeError(within);
  return { name, title, within: parsed };
};

/** What needs nothing but GitHub: the least is promised where the admin chose none. */
export const DEFAULT_WAY = way('schedule', "GitHub's own schedule, which may be hours late", '24h');

export const SWEEP_WAYS: readonly SweepWay[] = [
  way('watch', 'a machine of your own, where pam stays as a service', '1h'),
  way('timer', 'a timer of your own that starts the workflow at GitHub', '2h'),
  way('hourly', 'a job at GitHub that stays for an hour and starts the next', '6h'),
  DEFAULT_WAY,
];
