/**
 * A remote: list, fetch, push. All three go over a line of our own (`line.ts`); the clone's tracking refs are moved by us,
 * afterwards, by compare-and-swap.
 */
import { expected, PamError } from '../model/error.ts';
import type { NotBrought, Remote } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { bringApart, type Brought, byTopic, type Pair } from './bring-apart.ts';
import { deepen } from './deepen.ts';
import { follow, parseRefspec, type Refspec, trackingRefs } from './follow-refs.ts';
import {
  AT_ONCE,
  FETCH_FLAGS,
  type Fetching,
  largeLineTo,
  lendTips,
  type Line,
  lineTo,
  type RemotePlace,
  unreachable,
} from './line.ts';
import { listingOf, type Listing } from './listing.ts';
import { pushRefs } from './push-refs.ts';
import { readRef, readRefs } from './read-ref.ts';
import { fillPattern, isPullHead, isRef, matchPattern, parsePattern, type RefPattern } from './ref-names.ts';
import { parseRefs } from './refs.ts';
import { remoteUrl } from './remote-url.ts';

/** At most this many refs are asked for in one fetch: the command line has an end. */
const REFS_A_FETCH = 500;

export async function openRemote(at: RemotePlace): Promise<Remote> {
  const url = await remoteUrl(at.sealed, at.place, at.name);
  const line = lineTo(at, url);
  let heard: Listing | undefined;
  let large: PamError | null = null;
  return {
    url,
    list: async (patterns, anew) => {
      const wanted = patterns.map(parsePattern);
      const known = anew === undefined ? heard?.answer(wanted) : undefined;
      return known ?? (await listRemote(line(), wanted));
    },
    fetch: async (refspecs, ahead = []) => {
      heard = undefined;
      const specs = refspecs.map(parseRefspec);
      const all = [...specs, ...ahead.map(parseRefspec)];
      const once = await fetchAtOnce(at, line(), all);
      if (once === undefined) return await fetchRefs(at, line(), specs);
      if (once.missed.length === 0)
        heard = listingOf(
          all.map(({ from }) => from),
          once.there,
        );
      // What was only brought ahead is asked for again by the question that needs it.
      const isOurs = ({ ref }: NotBrought): boolean =>
        specs.some((spec) => [spec.from, spec.to].some((one) => matchPattern(one, ref) !== undefined));
      return once.missed.filter(isOurs);
    },
    fetchLarge: async (refspec) => {
      if (large !== null) return large;
      const why = await fetchLarge(at, url, line(), parseRefspec(refspec));
      if (why?.code === 'E_GIT_BOUND') {
        large = why;
        setTimeout(() => (large = null), LARGE_REST_MS).unref();
      }
      return why;
    },
    push: async (moves) => {
      heard = undefined;
      return await pushRefs(at, line(), moves);
    },
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

/** Longer than any but a flood or a first fetch over a slow line takes. */
const AT_ONCE_MS = 10_000;
/** More refs than these are a flood: each question then counts its own before it follows any. */
const MOST_AT_ONCE = 5000;

/**
 * One conversation instead of two: what there is and what is new of it. `undefined`: it has to be asked first what there
 * is, since one of them is not there, or holds the others up, or there is too much.
 */
async function fetchAtOnce(
  at: RemotePlace,
  line: Line,
  specs: readonly Refspec[],
): Promise<{ readonly there: ReadonlyMap<string, Oid>; readonly missed: readonly NotBrought[] } | undefined> {
  if (specs.length > REFS_A_FETCH || line.apart || line.tired.size > 0) return undefined;
  try {
    await lendTips(at, line);
    const asked = specs.map(({ from }, index) =>
      from.star ? `+${fillPattern(from, '*')}:${AT_ONCE}/${index}-*` : `+${from.before}:${AT_ONCE}/${index}-`,
    );
    const bound = { timeoutMs: AT_ONCE_MS };
    await line.fetch(['fetch', ...FETCH_FLAGS, '--end-of-options', line.url, ...asked], bound);
  } catch (error) {
    expected(error);
    return undefined;
  }
  const brought = readRefs(line.directory, [`${AT_ONCE}/`]);
  if (brought.size > MOST_AT_ONCE) return undefined;
  const there = new Map<string, Oid>();
  const wanted = new Map<string, string>();
  const fetched = new Map<string, Oid>();
  for (const [ref, oid] of brought) {
    const [, index = '', text = ''] = /^([0-9]+)-(.*)$/u.exec(ref.slice(AT_ONCE.length + 1)) ?? [];
    const spec = specs[Number(index)];
    if (spec === undefined) continue;
    const source = fillPattern(spec.from, text);
    if (!isRef(source) && !isPullHead(source)) continue;
    const target = fillPattern(spec.to, text);
    line.commits.add(oid);
    there.set(source, oid);
    wanted.set(target, source);
    fetched.set(target, oid);
  }
  try {
    return { there, missed: await follow(at.refs, specs, wanted, fetched) };
  } catch (error) {
    // Too many that cannot be moved one by one: those that are needed now come by themselves.
    expected(error);
    return undefined;
  }
}

/** A minute for all, two for each of those that nothing but patience will bring, and an end to it. */
const PATIENCE = 4;
/** A run that stays does not spend all its time on what it cannot fetch. */
const LARGE_REST_MS = 30 * 60_000;
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

async function fetchLarge(
  at: RemotePlace,
  url: string,
  usual: Line,
  { from, to }: Refspec,
): Promise<PamError | null> {
  if (from.star || to.star) throw new PamError('E_BUG', 'one branch at a time');
  try {
    const line = largeLineTo(at, url);
    const pair: Pair = [to.before, from.before];
    const fetched = await bringAll(at, line, [pair], true);
    const [missed] = await follow(at.refs, [{ from, to }], new Map([pair]), fetched);
    if (missed !== undefined) return missed.why;
    usual.tired.clear();
    return null;
  } catch (cause) {
    return expected(cause);
  }
}

function inPortions(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  const portions: (readonly Pair[])[] = [];
  for (let start = 0; start < pairs.length; start += REFS_A_FETCH)
    portions.push(pairs.slice(start, start + REFS_A_FETCH));
  return portions;
}

const KIB = 1024;
/**
 * What branches about requests may take, so that a heavy one among them is given up in a moment and not in two minutes. A
 * statement takes 8 KiB and has no history; a proposal may bring as much history as a shallow clone lacks of main.
 */
const LIGHT = [
  { below: 'refs/heads/pam-statements/', bytes: 1024 * KIB, bytesEach: 64 * KIB },
  { below: 'refs/heads/pam/', bytes: 16 * 1024 * KIB, bytesEach: 64 * KIB },
] as const;
const LIGHT_MS = 30_000;

function boundOf(part: readonly Pair[]): Omit<Fetching, 'alone'> {
  const light = LIGHT.find(({ below }) => part.every(([, source]) => source.startsWith(below)));
  return light === undefined
    ? {}
    : { maxBytes: light.bytes + part.length * light.bytesEach, timeoutMs: LIGHT_MS };
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
    const args = ['fetch', ...FETCH_FLAGS, '--end-of-options', line.url, ...specs];
    await line.fetch(args, { alone, ...boundOf(part) });
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
