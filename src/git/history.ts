/** Questions about ancestry. A cut or missing history is an error, never a shorter answer (catalogue G6). */
import { PamError } from '../model/error.ts';
import { CommitLog } from '../model/commit-log.ts';
import { isUnreadable, type Repository, type Unreadable } from '../model/git.ts';
import { isOid, type Oid } from '../model/names.ts';
import type { ObjectStream } from './object-stream.ts';
import { gitError, type Sealed } from './sealed.ts';

type History = Pick<Repository, 'history' | 'messages' | 'isAncestor' | 'mergeBase' | 'mergeBases'> & {
  readonly commitLog: (tip: Oid, not?: readonly Oid[]) => Promise<CommitLog>;
};

export function openHistory(sealed: Sealed, stream: ObjectStream): History {
  const commitLog = async (tip: Oid, not: readonly Oid[] = [], most?: number): Promise<CommitLog> => {
    const few = await shortLine(stream, checkOid(tip), not, most);
    if (few !== undefined) return new CommitLog(Buffer.from(few, 'latin1'));
    const range = [tip, ...not.map((oid) => `^${checkOid(oid)}`)].join('\n');
    const walk = [
      'rev-list',
      // Sorting needs the whole history; the newest commits of it do not.
      most === undefined ? '--topo-order' : `--max-count=${Math.trunc(most)}`,
      '--reverse',
      '--no-commit-header',
      `--format=%H %T ${firstParents(tip)}`,
      '--stdin',
    ];
    const { code, stdout, stderr } = await sealed.git(walk, {
      stdin: `${checkOid(tip)}\n${range}\n`,
      maxBytes: LONGEST_HISTORY_BYTES,
    });
    if (code !== 0) throw broken(stderr);
    return new CommitLog(stdout);
  };
  return {
    commitLog,
    history: async (tip, not, most) => [...(await commitLog(tip, not, most))],
    messages: async (commits) => {
      const bodies = await stream.commits(commits.map(checkOid), {
        each: LONGEST_COMMIT_BYTES,
        left: LONGEST_HISTORY_BYTES,
      });
      const found = new Map<Oid, string>();
      for (const [at, commit] of commits.entries()) {
        const body = bodies[at];
        if (body !== undefined && !isUnreadable(body)) found.set(commit, messageIn(Buffer.from(body)));
      }
      return found;
    },
    isAncestor: async (ancestor, descendant) => {
      if (await isJustBelow(stream, checkOid(ancestor), checkOid(descendant))) return true;
      const args = ['merge-base', '--is-ancestor', checkOid(ancestor), checkOid(descendant)];
      const { code, stderr } = await sealed.git(args);
      if (code === 0) return true;
      // Git 2.39 answers "no" when a parent is missing and only says so on stderr.
      if (code === 1 && stderr === '') return false;
      throw broken(stderr);
    },
    mergeBase: async (a, b) => {
      // Mostly a proposal is one commit on main as it is, or merged lately.
      if (await isJustBelow(stream, checkOid(b), checkOid(a), LONGEST_LINE)) return b;
      if (await isJustBelow(stream, a, b)) return a;
      const { code, stdout, stderr } = await sealed.git(['merge-base', checkOid(a), checkOid(b)]);
      if (stderr !== '' || (code !== 0 && code !== 1)) throw broken(stderr);
      const base = stdout.toString('utf8').trim();
      return isOid(base) ? base : undefined;
    },
    mergeBases: async (heads, of) => await basesOf(sealed, stream, heads.map(checkOid), checkOid(of)),
  };
}

/**
 * A head on a line of single parents has one best base: the first commit of that line that the other history holds. The
 * whole history is listed, since a walk that git ends early by the commits' dates is not exact.
 */
async function basesOf(
  sealed: Sealed,
  stream: ObjectStream,
  heads: readonly Oid[],
  of: Oid,
): Promise<ReadonlyMap<Oid, Oid>> {
  const bases = new Map<Oid, Oid>();
  const room = { each: LONGEST_LINE_COMMIT_BYTES, left: MOST_LINE_BYTES };
  const tops = await stream.commits(heads, room);
  for (const [at, head] of heads.entries()) if (onlyParentIn(tops[at]) === of) bases.set(head, of);
  const others = heads.filter((head) => !bases.has(head));
  // As many programs either way.
  if (others.length < 2) return bases;
  const walk = ['rev-list', `--max-count=${MOST_LISTED + 1}`, of];
  const { code, stdout, stderr } = await sealed.git(walk);
  const listed = stdout.toString('latin1').split('\n').slice(0, -1);
  if (code !== 0 || stderr !== '' || listed.length > MOST_LISTED) return bases;
  const held = new Set(listed);
  let lines = others.map((head) => ({ head, at: head }));
  for (let step = 0; step <= LONGEST_LINE && lines.length > 0; step++) {
    for (const { head, at } of lines) if (held.has(at)) bases.set(head, at);
    lines = lines.filter(({ at }) => !held.has(at));
    const commits = await stream.commits(
      lines.map(({ at }) => at),
      room,
    );
    lines = lines.flatMap(({ head }, index) => {
      const parent = onlyParentIn(commits[index]);
      return parent === undefined ? [] : [{ head, at: parent }];
    });
  }
  return bases;
}

/**
 * Found among the newest commits, it needs no git of its own: mostly what was seen last is where it was, or a few merges
 * below. Not found says nothing.
 */
async function isJustBelow(
  stream: ObjectStream,
  ancestor: Oid,
  descendant: Oid,
  most = MOST_LOOKED_AT,
): Promise<boolean> {
  const room = { each: LONGEST_LINE_COMMIT_BYTES, left: MOST_LINE_BYTES };
  const seen = new Set<Oid>();
  let level: readonly Oid[] = [descendant];
  while (level.length > 0 && seen.size + level.length <= most) {
    const commits = await stream.commits(level, room);
    // An id that this clone lacks is left to git, which says so.
    if (level.some((oid, at) => oid === ancestor && commits[at] instanceof Uint8Array)) return true;
    for (const oid of level) seen.add(oid);
    level = [...new Set(commits.flatMap(parentsIn))].filter((oid) => !seen.has(oid));
  }
  return false;
}

const MOST_LOOKED_AT = 32;

/**
 * What `rev-list` says of a line of single parents that is soon at its end: a commit of `not`, the first of all, or the
 * last of `most`. `undefined`: it is not as simple as that, or git has to say what is wrong with it.
 */
async function shortLine(
  stream: ObjectStream,
  tip: Oid,
  not: readonly Oid[],
  most = Number.POSITIVE_INFINITY,
): Promise<string | undefined> {
  if (not.length > 1) return undefined;
  const [end] = not.map(checkOid);
  const room = { each: LONGEST_LINE_COMMIT_BYTES, left: MOST_LINE_BYTES };
  const lines: string[] = [];
  for (let at = tip; lines.length <= MOST_LOOKED_AT; ) {
    const [commit] = await stream.commits([at], room);
    const { tree, parents } = headerIn(commit) ?? {};
    const [parent, ...more] = parents ?? [];
    if (tree === undefined || more.length > 0) return undefined;
    // It is read as well: of one that this clone lacks git says so.
    if (at === end) return lines.join('');
    lines.unshift(`${at} ${tree} ${parent ?? ''}\n`);
    if (lines.length >= most || (parent === undefined && end === undefined)) return lines.join('');
    if (parent === undefined) return undefined;
    at = parent;
  }
  return undefined;
}

/** `undefined`: it cannot be read, or is not as git writes it. */
function headerIn(
  commit: Uint8Array | Unreadable | undefined,
): { readonly tree: Oid; readonly parents: readonly Oid[] } | undefined {
  if (commit === undefined || isUnreadable(commit)) return undefined;
  const [, tree = '', parents = ''] = HEADER.exec(Buffer.from(commit).toString('latin1')) ?? [];
  return isOid(tree) ? { tree, parents: oidsIn(parents) } : undefined;
}

function onlyParentIn(commit: Uint8Array | Unreadable | undefined): Oid | undefined {
  const [parent, ...more] = parentsIn(commit);
  return more.length === 0 ? parent : undefined;
}

function parentsIn(commit: Uint8Array | Unreadable | undefined): readonly Oid[] {
  if (commit === undefined || isUnreadable(commit)) return [];
  const [, lines = ''] = PARENTS.exec(Buffer.from(commit).toString('latin1')) ?? [];
  return oidsIn(lines);
}

const oidsIn = (lines: string): readonly Oid[] =>
  [...lines.matchAll(/[0-9a-f]{40,}/gu)].flatMap(([oid]) => (isOid(oid) ? [oid] : []));

/** As git reads them: right behind the tree, and nowhere else. One that git reads and this does not (in capitals) leaves all to git. */
const PARENTS = /^tree [0-9a-f]+\n((?:parent [0-9a-f]+\n)*)author /u;
const HEADER = /^tree ([0-9a-f]{40}|[0-9a-f]{64})\n((?:parent (?:[0-9a-f]{40}|[0-9a-f]{64})\n)*)author /u;
/** Some 100 ms of git. Where main is longer each base costs a program. */
const MOST_LISTED = 20_000;
/** A proposal is one commit on main; by hand it may be a few. */
const LONGEST_LINE = 8;
const LONGEST_LINE_COMMIT_BYTES = 64 * 1024;
const MOST_LINE_BYTES = 64 * 1024 * 1024;

/**
 * A commit may have millions of parents, and anybody may push it: git cuts the line after two of them and says so
 * (`..`), so that every commit has one short line.
 */
const firstParents = (like: Oid): string => `%<(${2 * (like.length + 1) + 2},trunc)%P`;

/** What follows the header, as it stands there; no encoding is believed. */
function messageIn(commit: Buffer): string {
  const blank = commit.indexOf('\n\n');
  return blank === -1 ? '' : commit.toString('utf8', blank + 2);
}

export function checkOid(oid: string): Oid {
  if (isOid(oid)) return oid;
  throw new PamError('E_BUG', `not an object id: ${JSON.stringify(oid)}`);
}

/** Far longer than any that pam writes. */
const LONGEST_COMMIT_BYTES = 1024 * 1024;
/** Some six million commits. */
const LONGEST_HISTORY_BYTES = 1024 * 1024 * 1024;

function broken(stderr: string): PamError {
  if (
    /bad object|not a commit|Not a valid (?:commit|object) name|is a (?:tree|blob|tag), not a commit/iu.test(
      stderr,
    )
  ) {
    return gitError('that commit is not in this clone', stderr, 'E_GIT_OBJECT');
  }
  return new PamError('E_GIT_SHALLOW', 'history is cut: a parent commit is not in this clone', {
    hint: 'fetch all of it: git fetch --unshallow (a full clone: git fetch)',
    cause: gitError('git could not walk it', stderr),
  });
}
