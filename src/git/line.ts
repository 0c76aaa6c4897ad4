/**
 * The line to one remote: a git directory of our own beside the clone's objects, so that the clone's configuration has
 * no say, and bounds in bytes and time for what it brings.
 */
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainBytes } from '../files/plain-file.ts';
import { PamError } from '../model/error.ts';
import { isOid } from '../model/names.ts';
import { openIncoming } from './incoming.ts';
import type { ObjectStream } from './object-stream.ts';
import { isRef } from './ref-names.ts';
import type { Refs } from './refs.ts';
import { gitError, sealedDirectory, type Environment, type RepositoryPlace, type Sealed } from './sealed.ts';
import { talk, type Answer, type Talk } from './talk.ts';

export interface RemotePlace {
  readonly place: RepositoryPlace;
  readonly sealed: Sealed;
  readonly stream: ObjectStream;
  readonly refs: Refs;
  readonly env: Environment;
  readonly name: string;
  /** How long one conversation may take, and how many bytes of objects it may bring; for tests. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** How long a large branch may bring nothing, neither from the remote nor while git unpacks; for tests. */
  readonly stallMs?: number;
}

const TIMEOUT_MS = 60_000;
/** An access repository that brings more at once than this in one run is an attack, or should be fetched by hand. */
const MAX_BYTES = 512 * 1024 * 1024;

export interface Line {
  readonly url: string;
  readonly directory: string;
  /** Tips that are known to be commits of this clone. */
  readonly commits: Set<string>;
  /** A question that brings no objects, or a push. */
  readonly say: (args: readonly string[]) => Promise<Answer>;
  /** A fetch. What it brought is the clone's once it ended well, and gone otherwise. */
  readonly fetch: (args: readonly string[], how: Fetching) => Promise<void>;
  /** `<ref> <oid>` of what went past a bound: for a while it is not tried again. */
  readonly tired: Map<string, PamError>;
  /** Several refs in one fetch went past a bound in this run: from then on each goes by itself. */
  apart: boolean;
  readonly timeoutMs: number;
}

export interface Fetching {
  /** It failed together with others before: it gets more bytes and time than they had. */
  readonly alone?: boolean;
  /** At most; less than a conversation may take. */
  readonly timeoutMs?: number;
  /** At most; less than a fetch may bring. */
  readonly maxBytes?: number;
}

/**
 * What one branch may take when it is fetched by itself on purpose. Few hosts take so much in one push; and a stop that is
 * signed meanwhile waits for so long.
 */
const LARGE_MS = 5 * 60_000;
const LARGE_BYTES = 8 * 1024 ** 3;
/** A server packs, and git resolves deltas, without a byte that we see; longer than this it is no work but silence. */
const STALL_MS = 120_000;

/** A line for one large branch, beside the one that goes on with all others. */
export function largeLineTo(at: RemotePlace, url: string): Line {
  const maxBytes = Math.min(LARGE_BYTES, roomAt(join(at.place.gitDir, 'objects')));
  // A fetch with others gets half of it, one that is alone twice that half.
  return openLine({ ...at, timeoutMs: LARGE_MS / 2, maxBytes }, url, at.stallMs ?? STALL_MS);
}

/** Half of what is free: the other half stays for the rest of this machine. */
function roomAt(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return Math.floor((bavail * bsize) / 2);
  } catch {
    // The fetch meets what is wrong there, and says it.
    return LARGE_BYTES;
  }
}

/** The directory is made when it is first needed. */
export function lineTo(at: RemotePlace, url: string): () => Line {
  let line: Line | undefined;
  return () => (line ??= openLine(at, url));
}

function openLine(at: RemotePlace, url: string, stallMs?: number): Line {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = at;
  const directory = sealedDirectory(at.place, at.env);
  const where = { directory, objects: join(at.place.gitDir, 'objects'), env: at.env, timeoutMs };
  return {
    url,
    directory,
    timeoutMs,
    commits: new Set(),
    tired: new Map(),
    apart: false,
    say: async (args) => await talk(where, args),
    fetch: async (args, { alone = false, timeoutMs: soon = timeoutMs, maxBytes: few = maxBytes }) => {
      // What failed together with others gets more of both, so that patience alone may bring it.
      const patience = alone ? 2 : 1;
      const bound = patience * Math.min(timeoutMs, soon);
      const most = Math.min(few, (patience * maxBytes) / 2);
      await takeIn({ ...where, timeoutMs: bound }, args, { maxBytes: most, stallMs });
    },
  };
}

const tooMuch = (maxBytes: number): PamError =>
  new PamError('E_GIT_BOUND', `git fetch: it brings more than ${maxBytes} bytes`, {
    hint: 'if that is as it should be, bring it once by hand: git fetch, in this clone',
  });

async function takeIn(
  where: Talk,
  args: readonly string[],
  { maxBytes, stallMs }: { readonly maxBytes: number; readonly stallMs: number | undefined },
): Promise<void> {
  const incoming = openIncoming(where.objects);
  try {
    const { code, stderr } = await talk({ ...where, incoming: { ...incoming, maxBytes, stallMs } }, args);
    if (code !== 0) throw unreachable(stderr);
    // It may have come faster than it was watched.
    if (incoming.size() > maxBytes) throw tooMuch(maxBytes);
    incoming.keep();
  } finally {
    incoming.remove();
  }
}

export const FETCH_FLAGS = [
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
];
/** Where the refs of a fetch go: no remote that pam uses has a dot in its name, so the clone has none there. */
export const AT_ONCE = 'refs/remotes/pam.fetched';

/** Tells the directory which commits the clone has, so that only new objects travel. */
export async function lendTips(at: RemotePlace, line: Line): Promise<void> {
  const { directory, commits } = line;
  const all = [...(await at.refs.refs(['refs/heads/', 'refs/remotes/']))];
  // What lies there in the clone would be taken for what this fetch brought.
  const refs = all.filter(([ref]) => isRef(ref) && !ref.startsWith(`${AT_ONCE}/`));
  const unknown = refs.filter(([, oid]) => !commits.has(oid));
  if (unknown.length > 0) {
    const heads = await at.stream.look(unknown.map(([, oid]) => oid));
    for (const head of heads) if (head?.type === 'commit') commits.add(head.oid);
  }
  const lines = refs.filter(([, oid]) => commits.has(oid)).map(([ref, oid]) => `${oid} ${ref}\n`);
  rmSync(join(directory, 'refs'), { recursive: true, force: true });
  mkdirSync(join(directory, 'refs'));
  writeFileSync(join(directory, 'packed-refs'), lines.join(''));
  lendCuts(at, line);
}

/** Negotiation must not claim history that a shallow clone lacks. */
export function lendCuts({ place }: RemotePlace, { directory }: Line): void {
  const cuts = cutsIn(place.gitDir);
  if (cuts === undefined) rmSync(join(directory, 'shallow'), { force: true });
  else writeFileSync(join(directory, 'shallow'), cuts);
}

/** Where history was cut, as git writes it; `undefined` where it is whole. With a line that is no commit no fetch works. */
export function cutsIn(gitDir: string): Buffer | undefined {
  const text = plainBytes(join(gitDir, 'shallow'), SHALLOW_MAX_BYTES)?.toString('latin1');
  const cuts = text?.split('\n').filter(isOid) ?? [];
  return cuts.length === 0 ? undefined : Buffer.from(cuts.map((cut) => `${cut}\n`).join(''), 'latin1');
}

const SHALLOW_MAX_BYTES = 16 * 1024 * 1024;

export function unreachable(stderr: string): PamError {
  if (stderr.includes('did not send all necessary objects')) {
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
