/** Remote-tracking refs: which the refspecs name, and how they follow what was brought, by compare-and-swap. */
import { expected, PamError } from '../model/error.ts';
import type { NotBrought } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { isPullFollowed, isRef, matchPattern, parsePattern, type RefPattern } from './ref-names.ts';
import type { RefChange, Refs } from './refs.ts';

export interface Refspec {
  readonly from: RefPattern;
  readonly to: RefPattern;
}

export function parseRefspec(text: string): Refspec {
  const [source, target, ...more] = text.replace(/^\+/u, '').split(':');
  if (source === undefined || target === undefined || more.length > 0) {
    throw new PamError('E_GIT_REF', `${JSON.stringify(text)} is not a refspec`);
  }
  const spec = { from: parsePattern(source), to: parsePattern(target) };
  const branch = source.startsWith('refs/heads/') && target.startsWith('refs/remotes/');
  if (!(branch || isPullFollowed(source, target)) || spec.from.star !== spec.to.star) {
    throw new PamError(
      'E_GIT_REF',
      `${JSON.stringify(text)} does not go from a branch or a pull request's head to a remote-tracking ref`,
    );
  }
  return spec;
}

export async function trackingRefs(refs: Refs, specs: readonly Refspec[]): Promise<ReadonlyMap<string, Oid>> {
  const found = await refs.refs([...new Set(specs.map(({ to }) => to.before))]);
  return new Map([...found].filter(([ref]) => specs.some(({ to }) => matchPattern(to, ref) !== undefined)));
}

/** Moves tracking refs: all at once, and where that does not go, each by itself. */
export async function follow(
  refs: Refs,
  specs: readonly Refspec[],
  wanted: ReadonlyMap<string, string>,
  fetched: ReadonlyMap<string, Oid>,
): Promise<readonly NotBrought[]> {
  let updates: readonly RefChange[] = [];
  for (let tries = 0; tries < 5; tries += 1) {
    const now = await trackingRefs(refs, specs);
    const gone = [...now].filter(([ref]) => !wanted.has(ref) && isRef(ref));
    const deletions = gone.map(([ref, old]): RefChange => ({ ref, to: null, old }));
    updates = [...fetched]
      .filter(([ref, oid]) => now.get(ref) !== oid)
      .map(([ref, to]): RefChange => ({ ref, to, old: now.get(ref) ?? null }));
    try {
      // Deletions on their own: a name may have to go before one below it can come.
      if ((await refs.change(deletions)) && (await refs.change(updates))) return [];
    } catch (cause) {
      const error = expected(cause);
      return await moveEach(refs, wanted, [...deletions, ...updates], error);
    }
  }
  // Others move them, or git reads there what is none of the refs that we see.
  const why = new PamError('E_GIT_REF', 'a remote-tracking ref kept moving while it was brought up to date');
  return updates.map((change) => missedOf(change, wanted.get(change.ref) ?? change.ref, why));
}

/** A lock that a dead git left at one ref, an object that git takes for no commit: the others move all the same. */
async function moveEach(
  refs: Refs,
  wanted: ReadonlyMap<string, string>,
  changes: readonly RefChange[],
  first: PamError,
): Promise<readonly NotBrought[]> {
  if (changes.length > MOST_MOVES) throw first;
  const nameOf = ({ ref }: RefChange): string => wanted.get(ref) ?? ref;
  const [only] = changes;
  // It was by itself already, and may have waited some seconds for a lock.
  if (only !== undefined && changes.length === 1) return [missedOf(only, nameOf(only), first)];
  const missed: NotBrought[] = [];
  let kept = 0;
  for (const change of changes) {
    // What stays waits some seconds for its lock each time, and a ref that should be gone harms nothing.
    if (change.to === null && kept >= MOST_KEPT) continue;
    try {
      await refs.change([change]);
    } catch (cause) {
      if (change.to === null) kept += 1;
      missed.push(missedOf(change, nameOf(change), expected(cause)));
    }
  }
  return missed;
}

const missedOf = ({ to }: RefChange, ref: string, why: PamError): NotBrought =>
  to === null ? { ref, why } : { ref, why, oid: to };

/** So many refs that could not be deleted, and the others are left for the next run. */
const MOST_KEPT = 3;

/** Each is a git that starts. */
const MOST_MOVES = 200;
