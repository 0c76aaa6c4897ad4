/**
 * Many refs in one conversation while that goes well, and each by itself in the run in which it does not: what one
 * pusher put on one branch (an object that no git can read, more bytes or time than a fetch may take) keeps no other
 * branch from being read.
 */
import { randomInt } from 'node:crypto';
import { expected, PamError } from '../model/error.ts';
import type { NotBrought } from '../model/git.ts';
import type { Oid } from '../model/names.ts';

/** A tracking ref, and the remote's ref that it follows. */
export type Pair = readonly [target: string, source: string];

export interface Brought {
  /** What each target should now be. */
  readonly fetched: ReadonlyMap<string, Oid>;
  readonly missed: readonly NotBrought[];
}

export interface Fetching {
  /** @param alone it failed together with others before */
  readonly together: (pairs: readonly Pair[], alone: boolean) => Promise<ReadonlyMap<string, Oid>>;
  /** After so long nothing is taken apart any further; what was not tried by then is left for the next run. */
  readonly patienceMs: number;
}

/**
 * Halving finds two bad refs of 500 in eighteen fetches. Where there are many, no half would ever be without one, and the rest
 * is tried ref by ref, in random order, for as long as there is patience: what is found in no run would be silenced.
 */
const MOST_HALVINGS = 24;

/** The statements of a topic stay together: `pam-statements/<topic>.<16 hex>`. */
const topicOf = (source: string): string =>
  /^refs\/heads\/pam-statements\/([^./]+)\./u.exec(source)?.[1] ?? source;

export async function bringApart(
  portions: readonly (readonly Pair[])[],
  fetching: Fetching,
): Promise<Brought> {
  const fetched = new Map<string, Oid>();
  const missed: NotBrought[] = [];
  const waiting: (readonly Pair[])[] = [];
  const bring = async (part: readonly Pair[], alone: boolean): Promise<PamError | undefined> => {
    try {
      for (const [target, oid] of await fetching.together(part, alone)) fetched.set(target, oid);
      return undefined;
    } catch (error) {
      return expected(error);
    }
  };
  let tired = false;
  const patience = setTimeout(() => {
    tired = true;
  }, fetching.patienceMs).unref();
  for (const portion of portions) {
    const failed = await bring(portion, portion.length === 1);
    if (failed === undefined) continue;
    const groups = byTopic(portion);
    if (portion.length === 1) missed.push(...missedOf(portion, failed));
    else waiting.push(...(groups.length === 1 ? halves(portion) : groups));
  }
  let halvings = 0;
  const singles: Pair[] = [];
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part.length > 1 && halvings >= MOST_HALVINGS) {
      singles.push(...part);
      continue;
    }
    // Main and the ledger are always tried, however long the others took.
    const failed = tired && !isBase(part) ? left() : await bring(part, true);
    if (failed === undefined) continue;
    if (part.length === 1 || tired) missed.push(...missedOf(part, failed));
    else {
      halvings += 1;
      waiting.push(...halves(part));
    }
  }
  for (const single of mixed(singles)) {
    const failed = tired ? left() : await bring([single], true);
    if (failed !== undefined) missed.push(...missedOf([single], failed));
  }
  clearTimeout(patience);
  return { fetched, missed };
}

/** Main or the ledger: by itself, and no branch of a request. */
const isBase = (part: readonly Pair[]): boolean =>
  part.length === 1 &&
  part.every(([, source]) => !/^refs\/(?:heads\/pam(?:-statements)?\/|pull\/)/u.test(source));

const left = (): PamError => new PamError('E_FORGE_LIMIT', 'other branches took all the time that there was');

const missedOf = (part: readonly Pair[], why: PamError): readonly NotBrought[] =>
  part.map(([, ref]) => ({ ref, why }));

/** By what they are about, in random order: a topic that a pusher made slow must not stand in front of others in each run. */
export function byTopic(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  const groups = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const topic = topicOf(pair[1]);
    groups.set(topic, [...(groups.get(topic) ?? []), pair]);
  }
  return mixed([...groups.values()]);
}

/** By chance: a pusher who names branches so that they come first would be in front of the same ones in each run. */
function halves(part: readonly Pair[]): readonly (readonly Pair[])[] {
  const all = mixed(part);
  const half = Math.ceil(all.length / 2);
  return [all.slice(0, half), all.slice(half)];
}

function mixed<T>(list: readonly T[]): readonly T[] {
  const all = [...list];
  for (let at = all.length - 1; at > 0; at -= 1) {
    const other = randomInt(at + 1);
    const [one, two] = [all[at], all[other]];
    if (one !== undefined && two !== undefined) [all[at], all[other]] = [two, one];
  }
  return all;
}
