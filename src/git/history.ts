/** Questions about ancestry. A cut or missing history is an error, never a shorter answer (catalogue G6). */
import { PamError } from '../model/error.ts';
import { type CommitInfo, CommitLog } from '../model/commit-log.ts';
import { isOid, type Oid } from '../model/names.ts';
import { gitError, type Sealed } from './sealed.ts';

export interface History {
  readonly history: (tip: Oid, not?: readonly Oid[], most?: number) => Promise<readonly CommitInfo[]>;
  readonly commitLog: (tip: Oid, not?: readonly Oid[]) => Promise<CommitLog>;
  readonly messages: (commits: readonly Oid[]) => Promise<ReadonlyMap<Oid, string>>;
  readonly isAncestor: (ancestor: Oid, descendant: Oid) => Promise<boolean>;
  readonly mergeBase: (a: Oid, b: Oid) => Promise<Oid | undefined>;
}

export function openHistory(sealed: Sealed): History {
  const commitLog = async (tip: Oid, not: readonly Oid[] = [], most?: number): Promise<CommitLog> => {
    const range = [tip, ...not.map((oid) => `^${checkOid(oid)}`)].join('\n');
    const walk = [
      'rev-list',
      // Sorting needs the whole history; the newest commits of it do not.
      most === undefined ? '--topo-order' : `--max-count=${Math.trunc(most)}`,
      '--reverse',
      '--no-commit-header',
      '--format=%H %T %P',
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
      if (commits.length === 0) return new Map();
      const show = [
        'rev-list',
        '--no-walk=unsorted',
        '--no-commit-header',
        '--format=%x00%H%x00%B',
        '--stdin',
      ];
      const { code, stdout, stderr } = await sealed.git(show, {
        stdin: `${commits.map(checkOid).join('\n')}\n`,
      });
      if (code !== 0) throw broken(stderr);
      const [, ...parts] = stdout.toString('utf8').split('\0');
      const found = new Map<Oid, string>();
      for (let at = 0; at + 1 < parts.length; at += 2) {
        // `%B` ends with the message's own line feed, and rev-list adds one.
        found.set(checkOid(parts[at] ?? ''), (parts[at + 1] ?? '').replace(/\n$/u, ''));
      }
      return found;
    },
    isAncestor: async (ancestor, descendant) => {
      const args = ['merge-base', '--is-ancestor', checkOid(ancestor), checkOid(descendant)];
      const { code, stderr } = await sealed.git(args);
      if (code === 0) return true;
      // Git 2.39 answers "no" when a parent is missing and only says so on stderr.
      if (code === 1 && stderr === '') return false;
      throw broken(stderr);
    },
    mergeBase: async (a, b) => {
      const { code, stdout, stderr } = await sealed.git(['merge-base', checkOid(a), checkOid(b)]);
      if (stderr !== '' || (code !== 0 && code !== 1)) throw broken(stderr);
      const base = stdout.toString('utf8').trim();
      return isOid(base) ? base : undefined;
    },
  };
}

export function checkOid(oid: string): Oid {
  if (isOid(oid)) return oid;
  throw new PamError('E_BUG', `not an object id: ${JSON.stringify(oid)}`);
}

/** Some eight million commits. */
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
