/**
 * What has to be asked of targets, in queues: one for each system, so that a slow one keeps only itself waiting and none
 * is asked two things at once. In a queue the oldest end comes first, but after what was tried less often: three grants
 * that hang must not keep the rest of their target waiting in every run. Pure.
 */
import type { OpenRecord } from '../model/open-record.ts';
import { type Identities, type Place, placeText, systemsOf } from './same-system.ts';

/** Something to ask a target about one grant. */
export interface Question {
  readonly record: OpenRecord;
}

export interface SystemQueue<T extends Question> {
  /** Every text of `placeText` under which grants of this queue recorded their system. */
  readonly system: readonly string[];
  readonly questions: readonly T[];
}

/** Queues in the order of their first questions. */
export function queuesOf<T extends Question>(
  providers: Identities,
  questions: readonly T[],
): readonly SystemQueue<T>[] {
  const inTurn = questions
    .toSorted(byTurn)
    .map((question) => ({ question, text: textOf(question), place: question.record.grant }));
  const places = new Map<string, Place>();
  for (const { text, place } of inTurn) if (place !== null) places.set(text, place);
  const systems = systemsOf(providers, places);
  const queues = new Map<readonly string[], T[]>();
  for (const { question, text } of inTurn) {
    const system = systems.get(text) ?? NOWHERE;
    const queue = queues.get(system);
    if (queue === undefined) queues.set(system, [question]);
    else queue.push(question);
  }
  return [...queues].map(([system, list]) => ({ system, questions: list }));
}

const NOWHERE: readonly string[] = [];
const textOf = ({ record: { grant } }: Question): string => (grant === null ? '' : placeText(grant));

/** Rotates the list by a random offset, so that no entry is always served last. */
export function rotated<T>(list: readonly T[], chance: number): readonly T[] {
  const from = Math.floor(chance * list.length);
  return [...list.slice(from), ...list.slice(0, from)];
}

function byTurn({ record: a }: Question, { record: b }: Question): number {
  if (a.attempts !== b.attempts) return a.attempts - b.attempts;
  const [one, other] = [`${a.grant?.end} ${a.id}`, `${b.grant?.end} ${b.id}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
