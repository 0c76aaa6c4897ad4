/**
 * The bare repository, asked with stock git in a scrubbed environment. Every answer about a commit comes from here;
 * nothing is remembered but what a commit id alone decides. Branches are asked for at every request, so they are read from
 * their files, as git does it.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Person {
  readonly name: string;
  readonly email: string;
  /** ISO 8601. */
  readonly date: string;
}

export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
}

export interface ChangedFile {
  readonly status: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed';
  readonly path: string;
  readonly before: string | undefined;
  readonly blob: string;
  readonly additions: number;
  readonly deletions: number;
}

const STATUS: Readonly<Record<string, ChangedFile['status']>> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'changed',
};
const FORMAT = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00';

export class BareGit {
  readonly dir: string;
  /** What was asked of whole commit ids: the answer never changes. */
  readonly #facts = new Map<string, string | undefined>();
  /** Commits that were found: they stay. */
  readonly #commits = new Set<string>();

  constructor(dir: string) {
    this.dir = dir;
  }

  run(args: readonly string[], extra: Readonly<Record<string, string>> = {}): string {
    return execFileSync('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'core.quotePath=false', ...args], {
      cwd: this.dir,
      env: {
        PATH: process.env['PATH'] ?? '',
        GIT_DIR: this.dir,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        LC_ALL: 'C',
        ...extra,
      },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
  }

  /** `undefined` when git says no. */
  try(args: readonly string[], extra: Readonly<Record<string, string>> = {}): string | undefined {
    try {
      return this.run(args, extra);
    } catch (error) {
      if (error instanceof Error && 'status' in error && typeof error.status === 'number') return undefined;
      throw error;
    }
  }

  /** `try`, once for all. Every revision among the arguments must be a whole commit id. */
  #fact(args: readonly string[]): string | undefined {
    const key = args.join('\0');
    if (!this.#facts.has(key)) this.#facts.set(key, this.try(args));
    return this.#facts.get(key);
  }

  #known(args: readonly string[]): string {
    const found = this.#fact(args);
    if (found === undefined) throw new Error(`git ${args.join(' ')} failed`);
    return found;
  }

  /** Branch name to commit, in the order of the names. */
  heads(): ReadonlyMap<string, string> {
    const under = join(this.dir, 'refs', 'heads');
    const names = readdirSync(under, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile() && !one.name.endsWith('.lock'))
      .map((one) => join(one.parentPath, one.name).slice(under.length + 1));
    const loose = names.flatMap((name) => {
      const text = textOf(join(under, name));
      return text === undefined ? [] : [[name, text.trimEnd()] as const];
    });
    // Packed ones come after: one that is packed meanwhile is found in one of the two places.
    const all = new Map([...packedHeads(textOf(join(this.dir, 'packed-refs')) ?? ''), ...loose]);
    return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A whole commit id that exists, or `undefined`. */
  commitId(text: string): string | undefined {
    if (!/^[0-9a-f]{40}$/u.test(text)) return undefined;
    if (this.#commits.has(text)) return text;
    const found = this.try(['rev-parse', '--verify', '--quiet', `${text}^{commit}`])?.trim();
    if (found === text) this.#commits.add(text);
    return found;
  }

  isAncestor(of: string, descendant: string): boolean {
    return this.#fact(['merge-base', '--is-ancestor', of, descendant]) !== undefined;
  }

  mergeBase(a: string, b: string): string | undefined {
    return this.#fact(['merge-base', a, b])?.trim();
  }

  commits(...range: readonly string[]): readonly Commit[] {
    const fields = this.#known([
      'log',
      '-z',
      '--reverse',
      '--topo-order',
      `--format=${FORMAT}`,
      ...range,
      '--',
    ]);
    return commitsOf(fields);
  }

  commit(sha: string): Commit {
    const [found] = commitsOf(this.#known(['log', '-z', '-1', `--format=${FORMAT}`, sha, '--']));
    if (found === undefined) throw new Error(`no commit ${sha}`);
    return found;
  }

  commitIds(...range: readonly string[]): readonly string[] {
    return this.#known(['rev-list', ...range, '--'])
      .split('\n')
      .filter((line) => line !== '');
  }

  files(from: string, to: string): readonly ChangedFile[] {
    const raw = this.#known(['diff-tree', '-r', '-z', '-M', '--raw', '--numstat', '--no-abbrev', from, to]);
    return filesOf(raw.split('\0'));
  }

  patch(from: string, to: string, path: string): string | undefined {
    const text = this.#known(['diff', '--no-ext-diff', '--no-textconv', from, to, '--', `:(literal)${path}`]);
    const at = text.indexOf('\n@@ ');
    return at < 0 ? undefined : text.slice(at + 1).trimEnd();
  }

  read(rev: string, path: string): string | undefined {
    return this.#fact(['cat-file', 'blob', `${rev}:${path}`]);
  }

  list(rev: string, directory: string): readonly string[] {
    const names = this.#fact(['ls-tree', '-z', '--name-only', rev, '--', `${directory}/`]);
    return (names ?? '').split('\0').filter((name) => name !== '');
  }

  /** The tree of a merge, or `undefined` when it conflicts. */
  mergedTree(ours: string, theirs: string): string | undefined {
    const options = ['merge-tree', '--write-tree', '--no-messages', '--allow-unrelated-histories'];
    return this.#fact([...options, ours, theirs])?.trim();
  }

  writeCommit(
    tree: string,
    parents: readonly string[],
    message: string,
    author: Person,
    by: Person = author,
  ): string {
    const env = {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_AUTHOR_DATE: author.date,
      GIT_COMMITTER_NAME: by.name,
      GIT_COMMITTER_EMAIL: by.email,
      GIT_COMMITTER_DATE: by.date,
    };
    const args = ['commit-tree', tree, ...parents.flatMap((one) => ['-p', one]), '-m', message];
    return this.run(args, env).trim();
  }

  /** Fails when the ref is not at `from` any more. */
  moveRef(ref: string, to: string, from: string = ''): void {
    this.run(['update-ref', ref, to, ...(from === '' ? [] : [from])]);
  }
}

/** `undefined`: it is not there, or not any more. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const packedHeads = (text: string): readonly (readonly [string, string])[] =>
  text.split('\n').flatMap((line) => {
    const [, sha = '', name = ''] = /^([0-9a-f]{40}) refs\/heads\/(.+)$/u.exec(line) ?? [];
    return name === '' ? [] : [[name, sha] as const];
  });

function commitsOf(fields: string): readonly Commit[] {
  const parts = fields.split('\0');
  const found: Commit[] = [];
  // Ten fields and the empty one that `-z` leaves between two commits.
  for (let at = 0; at + 10 < parts.length; at += 11) {
    const [sha, tree, parents, an, ae, ad, cn, ce, cd, message] = parts.slice(at, at + 10) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    found.push({
      sha,
      tree,
      parents: parents.split(' ').filter((one) => one !== ''),
      author: { name: an, email: ae, date: ad },
      committer: { name: cn, email: ce, date: cd },
      message: message.trimEnd(),
    });
  }
  return found;
}

/** `--raw -z` first, then `--numstat -z` of the same files in the same order. */
function filesOf(parts: readonly string[]): readonly ChangedFile[] {
  const raw: Omit<ChangedFile, 'additions' | 'deletions'>[] = [];
  let at = 0;
  while (parts[at]?.startsWith(':') === true) {
    const [, , from = '', to = '', kind = ''] = (parts[at] ?? '').split(' ');
    const status = STATUS[kind.charAt(0)] ?? 'changed';
    const twice = status === 'renamed' || status === 'copied';
    raw.push({
      status,
      path: parts[at + (twice ? 2 : 1)] ?? '',
      before: twice ? parts[at + 1] : undefined,
      blob: status === 'removed' ? from : to,
    });
    at += twice ? 3 : 2;
  }
  return raw.map((file) => {
    const [plus = '', minus = ''] = (parts[at] ?? '').split('\t');
    at += file.before === undefined ? 1 : 3;
    // Git prints `-` for binary files.
    return { ...file, additions: Number(plus) || 0, deletions: Number(minus) || 0 };
  });
}
