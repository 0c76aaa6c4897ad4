/**
 * A remote: list, fetch, push. All three go over a line of our own (`line.ts`); the clone's tracking refs are moved by us,
 * afterwards, by compare-and-swap.
 */
import { PamError } from '../model/error.ts';
import type { NotBrought, Remote } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { bringApart, type Brought, byTopic, type Pair } from './bring-apart.ts';
import { deepen } from './deepen.ts';
import { follow, parseRefspec, type Refspec, trackingRefs } from './follow-refs.ts';
import { FETCH_FLAGS, lendTips, type Line, lineTo, type RemotePlace, unreachable } from './line.ts';
import { pushRefs } from './push-refs.ts';
import { readRef } from './read-ref.ts';
import { fillPattern, isPullHead, isRef, matchPattern, parsePattern, type RefPattern } from './ref-names.ts';
import { parseRefs } from './refs.ts';
import { remoteUrl } from './remote-url.ts';

/** At most this many refs are asked for in one fetch: the command line has an end. */
const REFS_A_FETCH = 500;

export async function openRemote(at: RemotePlace): Promise<Remote> {
  const url = await remoteUrl(at.sealed, at.place, at.name);
  const line = lineTo(at, url);
  return {
    url,
    list: async (patterns) => await listRemote(line(), patterns.map(parsePattern)),
    fetch: async (refspecs, how) => {
      const specs = refspecs.map(parseRefspec);
      const named = how?.moved === true ? await fetchNamed(at, line(), specs) : undefined;
      return named ?? (await fetchRefs(at, line(), specs));
    },
    push: async (moves) => await pushRefs(at, line(), moves),
    deepen: async (branches, by) => await deepen(at, line(), branches, by),
  };
}

const MOST_PATTERNS = 400;

async function listRemote(line: Line, patterns: readonly RefPattern[]): Promise<ReadonlyMap<string, Oid>> {
  if (patterns.length === 0) return new Map();
  const { code, stdout, stderr } = await line.say([
    'ls-remote',
    '--quiet',
    ...(patterns.some(({ before }) => isPullHead(before)) ? [] : ['--heads']),
    '--end-of-options',
    line.url,
    // Git only shows less for it, but what it does not show we need not read.
    ...(patterns.length <= MOST_PATTERNS
      ? patterns.map((one) => (one.star ? fillPattern(one, '*') : one.before))
      : []),
  ]);
  if (code !== 0) throw unreachable(stderr);
  const refs = parseRefs(stdout).filter(
    ([ref]) =>
      (isRef(ref) || isPullHead(ref)) && patterns.some((pattern) => matchPattern(pattern, ref) !== undefined),
  );
  return new Map(refs);
}

/** Tracking refs follow the remote, backwards too, and go when its refs are gone. What could not be brought stays. */
async function fetchRefs(
  at: RemotePlace,
  line: Line,
  specs: readonly Refspec[],
): Promise<readonly NotBrought[]> {
  const there = await listRemote(
    line,
    specs.map(({ from }) => from),
  );
  const wanted = new Map<string, string>();
  for (const [source] of there) {
    for (const { from, to } of specs) {
      const text = matchPattern(from, source);
      if (text !== undefined) wanted.set(fillPattern(to, text), source);
    }
  }
  const here = await trackingRefs(at.refs, specs);
  const stale = [...wanted].filter(([target, source]) => here.get(target) !== there.get(source));
  const { fetched, missed } = await bring(at, line, stale, there);
  return [...missed, ...(await follow(at.refs, specs, wanted, fetched))];
}

/**
 * Without asking what there is: for a caller who knows that it is something new. `undefined`: one of them is not there,
 * not named in full, or holds the others up, so the remote has to be asked.
 */
async function fetchNamed(
  at: RemotePlace,
  line: Line,
  specs: readonly Refspec[],
): Promise<readonly NotBrought[] | undefined> {
  if (specs.length > REFS_A_FETCH || specs.some(({ from }) => from.star) || line.apart) return undefined;
  const wanted = new Map(specs.map(({ from, to }) => [to.before, from.before]));
  try {
    const fetched = await bringAll(at, line, [...wanted], false);
    return await follow(at.refs, specs, wanted, fetched);
  } catch (error) {
    if (error instanceof PamError) return undefined;
    throw error;
  }
}

/** A minute for all, two for each of those that nothing but patience will bring, and an end to it. */
const PATIENCE = 4;
/** Within one run, a ref that went past a bound is not tried again at the same commit. */
const REST_MS = 10 * 60_000;

async function bring(
  at: RemotePlace,
  line: Line,
  pairs: readonly Pair[],
  there: ReadonlyMap<string, Oid>,
): Promise<Brought> {
  const tip = (source: string): string => `${source} ${there.get(source) ?? ''}`;
  const resting = pairs.flatMap(([, ref]) => {
    const why = line.tired.get(tip(ref));
    return why === undefined ? [] : [{ ref, why }];
  });
  const rested = pairs.filter(([, source]) => !line.tired.has(tip(source)));
  const groups = line.apart ? byTopic(rested) : [rested];
  const { fetched, missed } = await bringApart(groups.flatMap(inPortions), {
    together: async (part, alone) => await bringAll(at, line, part, alone),
    patienceMs: PATIENCE * line.timeoutMs,
  });
  for (const { ref, why } of missed) {
    if (why.code !== 'E_GIT_BOUND') continue;
    const key = tip(ref);
    line.tired.set(key, why);
    setTimeout(() => line.tired.delete(key), REST_MS).unref();
  }
  return { fetched, missed: [...resting, ...missed] };
}

function inPortions(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  const portions: (readonly Pair[])[] = [];
  for (let start = 0; start < pairs.length; start += REFS_A_FETCH)
    portions.push(pairs.slice(start, start + REFS_A_FETCH));
  return portions;
}

async function bringAll(
  at: RemotePlace,
  line: Line,
  part: readonly Pair[],
  alone: boolean,
): Promise<ReadonlyMap<string, Oid>> {
  await lendTips(at, line);
  const specs = part.map(([, source], index) => `+${source}:refs/pam-fetched/${index}`);
  try {
    await line.fetch(['fetch', ...FETCH_FLAGS, '--end-of-options', line.url, ...specs], alone);
  } catch (error) {
    if (error instanceof PamError && error.code === 'E_GIT_BOUND' && part.length > 1) line.apart = true;
    throw error;
  }
  return new Map(
    part.flatMap(([target], index) => {
      const oid = readRef(line.directory, `refs/pam-fetched/${index}`);
      if (oid !== null) line.commits.add(oid);
      return oid === null ? [] : [[target, oid] as const];
    }),
  );
}
