/** What a command will ask its forge, as far as this machine can tell before it has fetched. */
import type { About } from '../../model/forge.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import type { ChainState } from '../../trust/chain-state.ts';

/** @param known the ledger as this machine verified it last; `undefined`: only the days are known */
export function aboutAll(known: ChainState | undefined, now: Instant): About {
  const records = known === undefined ? [] : [...known.index.records.values()];
  const asked = records.filter((one) => isUndecided(one) || isStoppable(one));
  return { ids: asked.map(({ id }) => id), days: daysAround(now), ...nextPolicy(known) };
}

/** Of one request alone. */
export const aboutOne = (id: About['ids'][number], known: ChainState | undefined): About => ({
  ids: [id],
  days: [],
  ...nextPolicy(known),
});

/** @param known no stop of anything else would be obeyed */
export function aboutStops(known: ChainState): About {
  const stoppable = [...known.index.records.values()].filter(isStoppable);
  return { ids: stoppable.map(({ id }) => id), days: [], ...nextPolicy(known) };
}

const nextPolicy = (known: ChainState | undefined): { readonly policy?: number } =>
  known === undefined ? {} : { policy: (known.index.beats?.policy.seq ?? 0) + 1 };

const UNDECIDED: ReadonlySet<string> = new Set(['unseen', 'seen', 'scheduled', 'granting', 'refused']);

export const isUndecided = ({ state }: OpenRecord): boolean => UNDECIDED.has(state);

export const isStoppable = ({ seen, final_at: over }: OpenRecord): boolean => seen !== null && over === null;

/** Yesterday, today and tomorrow as `YYYYMMDD`. */
export function daysAround(now: Instant): string[] {
  return [-86_400, 0, 86_400].map((offset) => plus(now, offset).slice(0, 10).replaceAll('-', ''));
}
