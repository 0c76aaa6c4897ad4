/**
 * Git in memory, behind the same door: histories that would spend their time starting git run a hundred times as
 * fast. Objects have the ids that git would give them, so `memory-repository.test.ts` can do the same things to real
 * git and compare every answer. Clones of one world share their objects, as worktrees do; refs are their own.
 */
import { createHash } from 'node:crypto';
import { matchPattern, fillPattern, parsePattern } from '../../src/git/ref-names.ts';
import { type CommitInfo, CommitLog } from '../../src/model/commit-log.ts';
import { PamError } from '../../src/model/error.ts';
import type { NewCommit, RefMove, Remote, Repository, TreeEntry, Unreadable } from '../../src/model/git.ts';
import { unixSeconds } from '../../src/model/instant.ts';
import { isOid, type Oid } from '../../src/model/names.ts';
import { gitTreeId } from '../../src/trust/git-tree-id.ts';

interface Commit extends CommitInfo {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly message: string;
}

export type RefTable = Map<string, Oid>;

export class MemoryObjects {
  readonly #commits: Map<Oid, Commit>;
  readonly #trees: Map<Oid, Commit['files']>;

  constructor(from?: MemoryObjects) {
    this.#commits = new Map(from === undefined ? [] : from.#commits);
    this.#trees = new Map(from === undefined ? [] : from.#trees);
  }

  has(oid: Oid): boolean {
    return this.#commits.has(oid);
  }

  /** Of a commit, or of a commit's tree. */
  files(treeish: Oid): Commit['files'] {
    return this.#trees.get(treeish) ?? this.commit(treeish).files;
  }

  commit(oid: Oid): Commit {
    const commit = this.#commits.get(oid);
    if (commit === undefined) throw new PamError('E_GIT_OBJECT', `that commit is not in this clone: ${oid}`);
    return commit;
  }

  write({ parents, base, files, message, author, at, mark, tree: wanted }: NewCommit): Oid {
    const after = new Map(base === null ? [] : this.commit(base).files);
    for (const [path, bytes] of files) {
      if (bytes !== null) continue;
      after.delete(path);
      const below = `${path.replace(/\/$/u, '')}/`;
      for (const one of after.keys()) if (one.startsWith(below)) after.delete(one);
    }
    for (const [path, bytes] of files) if (bytes !== null) after.set(path, bytes);
    const tree = gitTreeId(after, SHA1);
    if (wanted !== undefined && wanted !== tree)
      throw new PamError('E_GIT_TREE', 'another tree than it should be');
    const when = `${unixSeconds(at)} +0000`;
    const who = `${author} <${author}@pam> ${when}`;
    const by = mark === undefined ? who : `${author} <${author}+${mark}@pam> ${when}`;
    const text = message.replace(/\n*$/u, '\n');
    const lines = [`tree ${tree}`, ...parents.map((one) => `parent ${one}`), `author ${who}`];
    const oid = idOf('commit', Buffer.from([...lines, `committer ${by}`, '', text].join('\n')));
    this.#commits.set(oid, { oid, tree, parents: [...new Set(parents)], files: after, message: text });
    this.#trees.set(tree, after);
    return oid;
  }

  /** Everything that can be reached, parents before children. */
  reach(tip: Oid, not: ReadonlySet<Oid> = new Set()): readonly Oid[] {
    const found = new Set<Oid>();
    const left: { readonly oid: Oid; readonly done: boolean }[] = [{ oid: tip, done: false }];
    const begun = new Set<Oid>(not);
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      if (one.done) found.add(one.oid);
      if (begun.has(one.oid)) continue;
      begun.add(one.oid);
      const parents = this.commit(one.oid).parents.map((oid) => ({ oid, done: false }));
      left.push({ oid: one.oid, done: true }, ...parents.reverse());
    }
    return [...found];
  }

  isAncestor(ancestor: Oid, descendant: Oid): boolean {
    this.commit(ancestor);
    return this.reach(descendant).includes(ancestor);
  }
}

const SHA1 = '0'.repeat(40) as Oid;

function idOf(type: string, body: Uint8Array): Oid {
  const oid = createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex');
  if (!isOid(oid)) throw new TypeError(`not an object id: ${oid}`);
  return oid;
}

export function memoryRepository(
  objects: MemoryObjects,
  table: RefTable,
  remote?: { readonly name: string; readonly url: string; readonly table: RefTable },
): Repository {
  const readBlobs = async (
    wanted: Parameters<Repository['read']>[0],
    maxBytes: number,
  ): Promise<readonly (Uint8Array | Unreadable | undefined)[]> =>
    await Promise.all(
      wanted.map(async ({ treeish, path }) => {
        const bytes = objects.files(treeish).get(path);
        if (bytes === undefined || bytes.length <= maxBytes) return await Promise.resolve(bytes);
        const why = `${path} has ${bytes.length} bytes; at most ${maxBytes} are read`;
        return { unreadable: 'E_GIT_SIZE', why };
      }),
    );
  const moveRefs = async (moves: readonly RefMove[]): Promise<boolean> => {
    if (moves.some(({ ref, old }) => (table.get(ref) ?? null) !== old)) return await Promise.resolve(false);
    for (const { ref, to } of moves) table.set(ref, objects.commit(to).oid);
    return true;
  };
  const list = async (treeish: Oid, path: string): Promise<readonly TreeEntry[]> => {
    const files = objects.files(treeish);
    const within = ([name]: readonly [string, Uint8Array]): boolean =>
      path === '' || name === path || name.startsWith(`${path}/`);
    return await Promise.resolve(sorted(files).filter(within).map(entryOf));
  };
  const baseOf = (a: Oid, b: Oid): Oid | undefined => {
    const common = objects.reach(a).filter((one) => objects.isAncestor(one, b));
    // The one that is no ancestor of another one.
    return common.find((one) => common.every((other) => other === one || !objects.isAncestor(one, other)));
  };
  const history: Repository['history'] = async (tip, not = []) => {
    const cut = new Set(not.flatMap((one) => objects.reach(one)));
    const found = objects.reach(tip, cut).map((one) => objects.commit(one));
    return await Promise.resolve(found.map(({ oid, tree, parents }) => ({ oid, tree, parents })));
  };
  return {
    gitDir: '/memory/.git',
    workTree: null,
    resolve: async (ref) => await Promise.resolve(table.get(ref)),
    refs: async (prefixes) =>
      await Promise.resolve(
        new Map(sorted(table).filter(([ref]) => prefixes.some((one) => ref.startsWith(one)))),
      ),
    history,
    commitLog: async (tip, not) => {
      const lines = (await history(tip, not)).map(
        ({ oid, tree, parents }) => `${[oid, tree, ...parents].join(' ')}\n`,
      );
      return new CommitLog(Buffer.from(lines.join('')));
    },
    messages: async (commits) =>
      await Promise.resolve(new Map(commits.map((oid) => [oid, objects.commit(oid).message]))),
    isAncestor: async (ancestor, descendant) =>
      await Promise.resolve(objects.isAncestor(ancestor, descendant)),
    mergeBase: async (a, b) => await Promise.resolve(baseOf(a, b)),
    mergeBases: async (heads, of) => {
      const bases = heads.map((head) => [head, baseOf(head, of)] as const);
      return await Promise.resolve(
        new Map(bases.flatMap(([head, base]) => (base === undefined ? [] : [[head, base] as const]))),
      );
    },
    list,
    names: async (treeish, path) =>
      (await list(treeish, path)).map(({ mode, path: name, oid }) => ({ mode, path: name, oid })),
    read: async (wanted, maxBytes) => await readBlobs(wanted, maxBytes),
    writeCommit: async (commit) => objects.write(await commit),
    moveRef: async (ref, to, old) => await moveRefs([{ ref, to, old }]),
    moveRefs,
    remote: async (name) => {
      if (name !== remote?.name) throw new PamError('E_GIT_REMOTE', `this clone has no remote ${name}`);
      return await Promise.resolve(memoryRemote(objects, table, remote));
    },
  };
}

function entryOf([path, bytes]: readonly [string, Uint8Array]): TreeEntry {
  return { mode: '100644', path, oid: idOf('blob', bytes), size: bytes.length };
}

const sorted = <T>(table: ReadonlyMap<string, T>): readonly (readonly [string, T])[] =>
  [...table].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

function memoryRemote(
  objects: MemoryObjects,
  local: RefTable,
  { name, url, table }: { readonly name: string; readonly url: string; readonly table: RefTable },
): Remote {
  const track = (ref: string): string => ref.replace(/^refs\/heads/u, `refs/remotes/${name}`);
  const fetch: Remote['fetch'] = async (refspecs) => {
    const specs = refspecs.map((text) => {
      const [from = '', to = ''] = text.replace(/^\+/u, '').split(':');
      return { from: parsePattern(from), to: parsePattern(to) };
    });
    const wanted = new Map<string, Oid>();
    for (const [source, oid] of table) {
      for (const { from, to } of specs) {
        const text = matchPattern(from, source);
        if (text !== undefined) wanted.set(fillPattern(to, text), oid);
      }
    }
    // Tracking refs follow the remote, backwards too, and go when its refs are gone.
    for (const ref of local.keys()) {
      const followed = specs.some(({ to }) => matchPattern(to, ref) !== undefined);
      if (followed && !wanted.has(ref)) local.delete(ref);
    }
    for (const [ref, oid] of wanted) local.set(ref, oid);
    // Nothing broken gets into memory, so all of it comes.
    return await Promise.resolve([]);
  };
  return {
    url,
    list: async (patterns) => {
      const wanted = patterns.map(parsePattern);
      const matches = ([ref]: readonly [string, Oid]): boolean =>
        ref.startsWith('refs/heads/') && wanted.some((one) => matchPattern(one, ref) !== undefined);
      return await Promise.resolve(new Map(sorted(table).filter(matches)));
    },
    fetch,
    fetchLarge: async (refspec) => {
      await fetch([refspec]);
      return null;
    },
    // Nothing is ever cut from a history in memory.
    deepen: async () => await Promise.resolve(false),
    push: async (moves) => {
      const refused = moves.some(({ oid, ref }) => {
        const there = table.get(ref);
        return there !== undefined && !objects.isAncestor(there, oid);
      });
      if (refused) return await Promise.resolve('rejected');
      for (const { oid, ref } of moves) {
        table.set(ref, objects.commit(oid).oid);
        local.set(track(ref), oid);
      }
      return 'moved';
    },
  };
}
