/**
 * A remote: list, fetch, push. All three run in a git directory of our own beside the clone's objects, so the clone's
 * configuration has no say; the clone's tracking refs are moved by us, afterwards, by compare-and-swap.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PamError } from '../model/error.ts';
import type { PushResult, Remote } from '../model/git.ts';
import { isOid, type Oid } from '../model/names.ts';
import {
  checkRef,
  fillPattern,
  isPullFollowed,
  isPullHead,
  isRef,
  matchPattern,
  parsePattern,
  type RefPattern,
} from './ref-names.ts';
import { readRef } from './read-ref.ts';
import { parseRefs, type RefChange, type Refs } from './refs.ts';
import { remoteUrl } from './remote-url.ts';
import { gitError, sealedDirectory, type Environment, type RepositoryPlace, type Sealed } from './sealed.ts';
import { talk, type Answer } from './talk.ts';

export interface RemotePlace {
  readonly place: RepositoryPlace;
  readonly sealed: Sealed;
  readonly refs: Refs;
  readonly env: Environment;
  readonly name: string;
  /** How long one conversation may take; 60 s unless a test says otherwise. */
  readonly timeoutMs?: number;
}

/** At most this many refs are asked for in one fetch: the command line has an end. */
const REFS_A_FETCH = 500;

interface Line {
  readonly url: string;
  readonly directory: string;
  /** Tips that are known to be commits of this clone. */
  readonly commits: Set<string>;
  readonly say: (args: readonly string[]) => Promise<Answer>;
}

export async function openRemote(at: RemotePlace): Promise<Remote> {
  const url = await remoteUrl(at.sealed, at.place, at.name);
  let directory: string | undefined;
  const commits = new Set<string>();
  const line = (): Line => {
    const dir = (directory ??= sealedDirectory(at.place, at.env, false));
    const where = {
      directory: dir,
      objects: join(at.place.gitDir, 'objects'),
      env: at.env,
      timeoutMs: at.timeoutMs ?? 60_000,
    };
    return { url, directory: dir, commits, say: async (args) => await talk(where, args) };
  };
  return {
    url,
    list: async (patterns) => await listRemote(line(), patterns.map(parsePattern)),
    fetch: async (refspecs, how) => {
      const specs = refspecs.map(parseRefspec);
      if (how?.moved === true && (await fetchNamed(at, line(), specs))) return;
      await fetchRefs(at, line(), specs, true);
    },
    fetchGood: async (refspecs) => await fetchRefs(at, line(), refspecs.map(parseRefspec), false),
    push: async (moves) => await pushRefs(at, line(), moves),
    deepen: async (branches, by) => await deepen(at, line(), branches, by),
  };
}

const FETCH_FLAGS = [
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
];
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

interface Refspec {
  readonly from: RefPattern;
  readonly to: RefPattern;
}

function parseRefspec(text: string): Refspec {
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

/** Tracking refs follow the remote, backwards too, and go when its refs are gone. */
async function fetchRefs(
  at: RemotePlace,
  line: Line,
  specs: readonly Refspec[],
  strict: boolean,
): Promise<readonly string[]> {
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
  const { fetched, refused } = await bring(at, line, stale, strict);
  await follow(at, specs, wanted, fetched);
  return refused;
}

/**
 * Without asking what there is: for whoever knows that it is something new. `false`: one of them is not there, or not
 * named in full, so somebody has to look.
 */
async function fetchNamed(at: RemotePlace, line: Line, specs: readonly Refspec[]): Promise<boolean> {
  if (specs.length > REFS_A_FETCH || specs.some(({ from }) => from.star)) return false;
  const wanted = new Map(specs.map(({ from, to }) => [to.before, from.before]));
  try {
    await follow(at, specs, wanted, await bringAll(at, line, [...wanted]));
    return true;
  } catch (error) {
    if (error instanceof PamError && error.message.includes("couldn't find remote ref")) return false;
    throw error;
  }
}

async function trackingRefs(refs: Refs, specs: readonly Refspec[]): Promise<ReadonlyMap<string, Oid>> {
  const found = await refs.refs([...new Set(specs.map(({ to }) => to.before))]);
  return new Map([...found].filter(([ref]) => specs.some(({ to }) => matchPattern(to, ref) !== undefined)));
}

/** A tracking ref, and the remote's ref that it follows. */
type Pair = readonly [string, string];

interface Brought {
  readonly fetched: ReadonlyMap<string, Oid>;
  /** Remote refs whose objects git refuses: they stay where they are. */
  readonly refused: readonly string[];
}

/** Halving finds one bad ref of 500 in nine fetches; somebody who pushes many of them is a flood. */
const MOST_HALVINGS = 100;

/** Fetches pairs; what each target should now be. @param strict one bad object fails them all */
async function bring(at: RemotePlace, line: Line, pairs: readonly Pair[], strict: boolean): Promise<Brought> {
  const fetched = new Map<string, Oid>();
  const refused: string[] = [];
  const waiting: (readonly Pair[])[] = [];
  for (let start = 0; start < pairs.length; start += REFS_A_FETCH)
    waiting.push(pairs.slice(start, start + REFS_A_FETCH));
  let halvings = 0;
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    try {
      for (const [target, oid] of await bringAll(at, line, part)) fetched.set(target, oid);
    } catch (error) {
      if (strict || !(error instanceof PamError) || error.code !== 'E_GIT_OBJECT') throw error;
      if (part.length === 1) refused.push(...part.map(([, source]) => source));
      else {
        if (halvings++ >= MOST_HALVINGS)
          throw new PamError('E_FORGE_LIMIT', 'too many branches hold objects that git refuses', {
            cause: error,
          });
        const half = Math.ceil(part.length / 2);
        waiting.push(part.slice(0, half), part.slice(half));
      }
    }
  }
  return { fetched, refused };
}

async function bringAll(
  at: RemotePlace,
  line: Line,
  part: readonly Pair[],
): Promise<ReadonlyMap<string, Oid>> {
  await lendTips(at, line);
  const specs = part.map(([, source], index) => `+${source}:refs/pam-fetched/${index}`);
  const args = ['fetch', ...FETCH_FLAGS, '--end-of-options', line.url, ...specs];
  const { code, stderr } = await line.say(args);
  if (code !== 0) throw unreachable(stderr);
  return new Map(
    part.flatMap(([target], index) => {
      const oid = readRef(line.directory, `refs/pam-fetched/${index}`) ?? null;
      if (oid !== null) line.commits.add(oid);
      return oid === null ? [] : [[target, oid] as const];
    }),
  );
}

/**
 * More history for a clone that was cut. Never a fetch with a depth: that would cut what is there. Git keeps the list
 * of cuts in the clone's own `shallow`, which the directory of ours points at.
 */
async function deepen(
  at: RemotePlace,
  line: Line,
  branches: readonly string[],
  by: number | null,
): Promise<boolean> {
  const cuts = join(at.place.gitDir, 'shallow');
  if (!existsSync(cuts)) return false;
  await lendTips(at, line);
  const specs = branches.map(
    (branch, index) => `+${checkRef(`refs/heads/${branch}`)}:refs/pam-fetched/${index}`,
  );
  const more = by === null ? '--unshallow' : `--deepen=${by}`;
  const args = ['fetch', ...FETCH_FLAGS, more, '--end-of-options', line.url, ...specs];
  const { code, stderr } = await line.say(args);
  if (code !== 0) throw unreachable(stderr);
  // When nothing is cut any more git removes its file, which here was only a link to the clone's.
  if (!existsSync(join(line.directory, 'shallow'))) rmSync(cuts, { force: true });
  return true;
}

/** Tells the directory which commits the clone has, so that only new objects travel. */
async function lendTips(at: RemotePlace, { directory, commits }: Line): Promise<void> {
  const refs = [...(await at.refs.refs(['refs/heads/', 'refs/remotes/']))].filter(([ref]) => isRef(ref));
  const unknown = refs.filter(([, oid]) => !commits.has(oid));
  if (unknown.length > 0) {
    const stdin = unknown.map(([, oid]) => `${oid}\n`).join('');
    const out = (await at.sealed.must(['cat-file', '--batch-check'], { stdin })).toString('utf8');
    for (const [, oid] of out.matchAll(/^([0-9a-f]+) commit /gmu)) if (oid !== undefined) commits.add(oid);
  }
  const lines = refs.filter(([, oid]) => commits.has(oid)).map(([ref, oid]) => `${oid} ${ref}\n`);
  rmSync(join(directory, 'refs'), { recursive: true, force: true });
  mkdirSync(join(directory, 'refs'));
  writeFileSync(join(directory, 'packed-refs'), lines.join(''));
}

async function follow(
  at: RemotePlace,
  specs: readonly Refspec[],
  wanted: ReadonlyMap<string, string>,
  fetched: ReadonlyMap<string, Oid>,
): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const now = await trackingRefs(at.refs, specs);
    const gone = [...now].filter(([ref]) => !wanted.has(ref) && isRef(ref));
    const deletions = gone.map(([ref, old]): RefChange => ({ ref, to: null, old }));
    const updates = [...fetched]
      .filter(([ref, oid]) => now.get(ref) !== oid)
      .map(([ref, to]): RefChange => ({ ref, to, old: now.get(ref) ?? null }));
    // Deletions on their own: a name may have to go before one below it can come.
    if ((await at.refs.change(deletions)) && (await at.refs.change(updates))) return;
  }
  throw new PamError('E_GIT_REF', 'the remote-tracking refs kept moving while they were brought up to date');
}

async function pushRefs(
  at: RemotePlace,
  line: Line,
  moves: readonly { readonly oid: Oid; readonly ref: string }[],
): Promise<PushResult> {
  if (moves.length === 0) return 'moved';
  const specs = moves.map(({ oid, ref }) => {
    if (!isOid(oid) || !checkRef(ref).startsWith('refs/heads/'))
      throw new PamError('E_BUG', `cannot push to ${ref}`);
    return `${oid}:${ref}`;
  });
  const tracking = moves
    .map(({ ref }) => ref.replace(/^refs\/heads/u, `refs/remotes/${at.name}`))
    .filter(isRef);
  const before = new Map<string, Oid | undefined>();
  for (const ref of tracking) before.set(ref, await at.refs.resolve(ref));
  const atomic = moves.length > 1 ? ['--atomic'] : [];
  const args = [
    'push',
    '--porcelain',
    '--quiet',
    '--no-verify',
    ...atomic,
    '--end-of-options',
    line.url,
    ...specs,
  ];
  const answer = await line.say(args);
  if (answer.code !== 0) return judgeRefusal(answer);
  for (const { oid } of moves) line.commits.add(oid);
  await Promise.all(
    tracking.map(async (ref, index) => {
      const to = moves[index]?.oid;
      // Best effort, as git itself does it: the next fetch would say the same.
      if (to !== undefined)
        await at.refs.change([{ ref, to, old: before.get(ref) ?? null }]).catch(() => false);
    }),
  );
  return 'moved';
}

/** A refused ref has its own line, `!<tab>from:to<tab>[rejected] (why)`. Without one nobody knows what happened. */
function judgeRefusal(answer: Answer): PushResult {
  const refused = answer.stdout.split('\n').filter((text) => text.startsWith('!\t'));
  if (refused.length > 0 && refused.every((text) => /\[(?:remote )?rejected\]/u.test(text)))
    return 'rejected';
  throw unreachable(answer.stderr);
}

function unreachable(stderr: string): PamError {
  if (/fsck error in pack|^error: object [0-9a-f]{40,64}: /mu.test(stderr)) {
    return new PamError('E_GIT_OBJECT', 'the remote holds an object that git refuses', {
      exit: EXIT.integrity,
      hint: 'find out who pushed it; on the server, receive.fsckObjects=true keeps such objects out',
      cause: gitError('git fetch failed', stderr),
    });
  }
  if (stderr.includes('did not receive expected object')) {
    return new PamError(
      'E_GIT_PARTIAL',
      'the remote left objects out, or this clone lacks some that it should have',
      {
        hint: 'use a full clone (made without --filter)',
        cause: gitError('git fetch failed', stderr),
      },
    );
  }
  const error = gitError('the remote did not answer as expected', stderr, 'E_GIT_NETWORK');
  return new PamError(error.code, error.message, {
    hint: 'check the network and that git fetch works in this clone',
  });
}
