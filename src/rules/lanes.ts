/**
 * What has to be asked of targets, in lanes: one for each system, so that a slow one keeps only itself waiting and none
 * is asked two things at once. In a lane the oldest end comes first, but after what was tried less often: three grants
 * that hang must not keep the rest of their target waiting in every run. Pure.
 */
import type { OpenRecord } from '../model/open-record.ts';
import { type Identities, type Place, placeText, systemsOf } from './same-system.ts';

/** Something to ask a target about one grant. */
export interface Errand {
  readonly record: OpenRecord;
}

export interface Lane<T extends Errand> {
  /** Every text of `placeText` under which grants of this lane recorded their system. */
  readonly system: readonly string[];
  readonly errands: readonly T[];
}

/** Lanes in the order of their first errands. */
export function lanesOf<T extends Errand>(providers: Identities, errands: readonly T[]): readonly Lane<T>[] {
  const inTurn = errands
    .toSorted(byTurn)
    .map((errand) => ({ errand, text: textOf(errand), place: errand.record.grant }));
  const places = new Map<string, Place>();
  for (const { text, place } of inTurn) if (place !== null) places.set(text, place);
  const systems = systemsOf(providers, places);
  const lanes = new Map<readonly string[], T[]>();
  for (const { errand, text } of inTurn) {
    const system = systems.get(text) ?? NOWHERE;
    const lane = lanes.get(system);
    if (lane === undefined) lanes.set(system, [errand]);
    else lane.push(errand);
  }
  return [...lanes].map(([system, list]) => ({ system, errands: list }));
}

const NOWHERE: readonly string[] = [];
const textOf = ({ record: { grant } }: Errand): string => (grant === null ? '' : placeText(grant));

/** Rotates the list by a random offset, so that no entry is always served last. */
export function turned<T>(list: readonly T[], chance: number): readonly T[] {
  const from = Math.floor(chance * list.length);
  return [...list.slice(from), ...list.slice(0, from)];
}

function byTurn({ record: a }: Errand, { record: b }: Errand): number {
  if (a.attempts !== b.attempts) return a.attempts - b.attempts;
  const [one, other] = [`${a.grant?.end} ${a.id}`, `${b.grant?.end} ${b.id}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
