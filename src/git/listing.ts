/**
 * What a fetch told of the remote's refs, so that the questions which a command asks next need no conversation of their
 * own. Each question is answered once: a command that asks it again wants to know what changed meanwhile.
 */
import type { Oid } from '../model/names.ts';
import { fillPattern, matchPattern, type RefPattern } from './ref-names.ts';

export interface Listing {
  /** `undefined`: it has to be asked; the fetch did not ask for all of these, or it is too long ago. */
  readonly answer: (patterns: readonly RefPattern[]) => ReadonlyMap<string, Oid> | undefined;
}

/** Far less than a decision lives (DESIGN rule 10). */
const LIFE_MS = 10_000;

/**
 * @param asked all of whose refs are in `there`
 * @param lifeMs for tests
 */
export function listingOf(
  asked: readonly RefPattern[],
  there: ReadonlyMap<string, Oid>,
  lifeMs = LIFE_MS,
): Listing {
  let old = false;
  setTimeout(() => (old = true), lifeMs).unref();
  const answered = new Set<string>();
  const covered = (pattern: RefPattern): boolean =>
    asked.some((one) =>
      one.star ? one.after === '' && pattern.before.startsWith(one.before) : same(one, pattern),
    );
  return {
    answer: (patterns) => {
      const texts = patterns.map((one) => fillPattern(one, '*'));
      if (old || !patterns.every(covered) || texts.some((text) => answered.has(text))) return undefined;
      for (const text of texts) answered.add(text);
      const matching = (ref: string): boolean =>
        patterns.some((pattern) => matchPattern(pattern, ref) !== undefined);
      return new Map([...there].filter(([ref]) => matching(ref)));
    },
  };
}

const same = (a: RefPattern, b: RefPattern): boolean => !b.star && a.before === b.before;
