/** Ledger commits without a disk: the trees that git would hold, with git's own ids, behind the door of `model/git.ts`. */
import type { CommitInfo } from '../../src/model/commit-log.ts';
import type { Repository, TreeEntry } from '../../src/model/git.ts';
import type { Oid } from '../../src/model/names.ts';
import { gitTreeId } from '../../src/trust/git-tree-id.ts';

export type TreeFiles = ReadonlyMap<string, Uint8Array | string>;

const ANY = '0'.repeat(40) as Oid;

export interface InMemory {
  readonly repository: Repository;
  readonly commits: readonly CommitInfo[];
}

/** One commit a tree, each on top of the one before. */
export function commitsInMemory(trees: readonly TreeFiles[], first = 1): InMemory {
  const oidOf = (at: number): Oid => (first + at).toString(16).padStart(40, '0') as Oid;
  const commits = trees.map((files, at) => ({
    oid: oidOf(at),
    tree: gitTreeId(files, ANY),
    parents: first + at === 1 ? [] : [oidOf(at - 1)],
  }));
  const held = new Map(
    trees.flatMap((files, at) =>
      [oidOf(at), gitTreeId(files, ANY)].map((treeish) => [treeish, files] as const),
    ),
  );
  const read: Repository['read'] = async (wanted, maxBytes) =>
    wanted.map(({ treeish, path }) => {
      const content = held.get(treeish)?.get(path);
      const bytes = content === undefined ? undefined : Buffer.from(content);
      if (bytes === undefined || bytes.length <= maxBytes) return bytes;
      return { unreadable: 'E_GIT_SIZE', why: 'it is too large' };
    });
  const list: Repository['list'] = async (treeish, path) =>
    [...(held.get(treeish) ?? [])]
      .filter(([name]) => path === '' || name === path || name.startsWith(`${path}/`))
      .map(([name, content]): TreeEntry => {
        return { mode: '100644', path: name, oid: ANY, size: Buffer.byteLength(content) };
      });
  const none = (): never => {
    throw new Error('walking a ledger needs no more than reading');
  };
  const repository: Repository = {
    gitDir: '',
    workTree: null,
    resolve: none,
    refs: none,
    history: none,
    commitLog: none,
    messages: none,
    isAncestor: none,
    mergeBase: none,
    mergeBases: none,
    list,
    names: list,
    read,
    writeCommit: none,
    moveRef: none,
    moveRefs: none,
    remote: none,
  };
  return { repository, commits };
}
