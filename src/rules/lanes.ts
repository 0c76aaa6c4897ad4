/**
 * What has to be asked of targets, in lanes: one for each system, so that a slow one keeps only itself waiting and none
 * is asked two things at once. In a lane the oldest end comes first, but after what was tried less often: three grants
 * that hang must not keep the rest of their target waiting in every run. Pure.
 */
import type { GrantPart, OpenRecord } from '../model/open-record.ts';
import { inOrder } from './same-json.ts';

/** Something to ask a target about one grant. */
export interface Errand {
  readonly record: OpenRecord;
}

export interface Lane<T extends Errand> {
  /** The same text for the same system, whatever it is called. */
  readonly system: string;
  readonly errands: readonly T[];
}

/** Lanes in the order of their first errands. */
export function lanesOf<T extends Errand>(errands: readonly T[]): readonly Lane<T>[] {
  const lanes = new Map<string, T[]>();
  for (const errand of errands.toSorted(byTurn)) {
    const { grant } = errand.record;
    const system = grant === null ? '' : systemOf(grant);
    const lane = lanes.get(system);
    if (lane === undefined) lanes.set(system, [errand]);
    else lane.push(errand);
  }
  return [...lanes].map(([system, list]) => ({ system, errands: list }));
}

/** Begins somewhere else each time: where there is no order to keep, nobody is always the last. */
export function turned<T>(list: readonly T[], chance: number): readonly T[] {
  const from = Math.floor(chance * list.length);
  return [...list.slice(from), ...list.slice(0, from)];
}

const systemOf = ({ provider, config }: GrantPart): string =>
  `${provider} ${JSON.stringify(inOrder(config))}`;

function byTurn({ record: a }: Errand, { record: b }: Errand): number {
  if (a.attempts !== b.attempts) return a.attempts - b.attempts;
  const [one, other] = [`${a.grant?.end} ${a.id}`, `${b.grant?.end} ${b.id}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
