import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import { readable, type Repository } from '../../src/model/git.ts';
import { openRepository } from '../../src/git/repository.ts';
import {
  codeOf,
  commit,
  env,
  git,
  head,
  home,
  instant,
  newRepository,
  strays,
  oidOf,
  tempDir,
  utf8,
  withRemote,
  write,
} from './git-workbench.ts';

const open = async (dir: string): Promise<Repository> => await openRepository(dir, env);
const at = instant('2026-11-22T18:00:00Z');

describe('finding a repository', () => {
  it('finds it from a directory below, and says where the parts are', async () => {
    const dir = newRepository();
    mkdirSync(join(dir, 'a/b'), { recursive: true });
    const repository = await open(join(dir, 'a/b'));
    expect(repository).toMatchObject({ gitDir: join(dir, '.git'), workTree: dir });
  });

  it('opens bare repositories and linked work trees', async () => {
    const { bare, clone } = withRemote();
    expect((await open(bare)).workTree).toBeNull();
    const dir = clone();
    const linked = join(tempDir(), 'linked');
    git(dir, 'worktree', 'add', '-q', '-b', 'other', linked);
    const repository = await open(linked);
    expect(repository).toMatchObject({ gitDir: join(dir, '.git'), workTree: linked });
    expect(await repository.resolve('refs/heads/main')).toBe(head(dir));
  });

  it('E_GIT_NONE without a repository or a directory', async () => {
    expect(await codeOf(open(tempDir()))).toBe('E_GIT_NONE');
    expect(await codeOf(open(join(tempDir(), 'nowhere')))).toBe('E_GIT_NONE');
  });

  it.runIf(process.getuid?.() === 0)('[G22] a repository of another user is refused', async () => {
    const dir = newRepository();
    chownSync(join(dir, '.git'), 12_345, 12_345);
    chownSync(dir, 12_345, 12_345);
    expect(await codeOf(open(dir))).toBe('E_GIT_OWNER');
  });
});

describe('refs', () => {
  it('resolves full names, exactly', async () => {
    const dir = newRepository();
    git(dir, 'branch', 'main-2');
    git(dir, 'branch', 'below/main');
    const repository = await open(dir);
    expect(await repository.resolve('refs/heads/main')).toBe(head(dir));
    expect(await repository.resolve('refs/heads/mai')).toBeUndefined();
    expect(await repository.resolve('refs/heads/below')).toBeUndefined();
    expect([...(await repository.refs(['refs/heads/main', 'refs/heads/below/'])).keys()]).toEqual([
      'refs/heads/below/main',
      'refs/heads/main',
      'refs/heads/main-2',
    ]);
    expect((await repository.refs([])).size).toBe(0);
  });

  it('[G9] names that could be options or expressions are refused, or harmless', async () => {
    const dir = newRepository();
    const fork = commit(dir, { x: '1' });
    writeFileSync(join(dir, '.git/refs/heads/--upload-pack=x'), `${head(dir, 'HEAD~1')}\n`);
    git(dir, 'update-ref', `refs/heads/${fork}`, 'HEAD~1');
    git(dir, 'update-ref', 'refs/heads/HEAD', 'HEAD~1');
    const repository = await open(dir);
    const names = [
      '--upload-pack=x',
      'main',
      'HEAD',
      'refs/heads/--upload-pack=x',
      'refs/heads/a..b',
      'refs/heads/a^1',
      'refs/heads/a b',
      'refs/heads/x.lock',
      'refs/heads/*',
      'refs/heads/@{u}',
      'refs/heads/\n',
    ];
    expect(await strays(names, 'E_GIT_REF', repository.resolve)).toEqual([]);
    expect(
      await strays(names, 'E_GIT_REF', async (ref) => await repository.moveRef(ref, fork, null)),
    ).toEqual([]);
    // A branch named like an object id never stands for that object.
    expect((await repository.history(fork)).at(-1)?.oid).toBe(fork);
    expect(await repository.resolve(`refs/heads/${fork}`)).toBe(head(dir, 'HEAD~1'));
    // The door is typed; what slips past the types is caught too.
    const revs = ['main', '--all', `${fork}^`, fork.slice(0, 12)] as (typeof fork)[];
    expect(await strays(revs, 'E_BUG', async (rev) => await repository.history(rev))).toEqual([]);
    expect(await strays(revs, 'E_BUG', async (rev) => await repository.list(rev, ''))).toEqual([]);
  });

  it('moves a ref only from the value that the caller knows, also when packed', async () => {
    const dir = newRepository();
    const [one, two] = [head(dir), commit(dir, { x: '2' })];
    git(dir, 'pack-refs', '--all');
    const repository = await open(dir);
    expect(await repository.moveRef('refs/heads/new', one, null)).toBe(true);
    expect(await repository.moveRef('refs/heads/new', two, null)).toBe(false);
    expect(await repository.moveRef('refs/heads/new', two, two)).toBe(false);
    expect(await repository.moveRef('refs/heads/new', two, one)).toBe(true);
    expect(await repository.moveRef('refs/heads/gone', two, one)).toBe(false);
    expect(git(dir, 'rev-parse', 'refs/heads/new')).toBe(two);
  });

  it('[K1] of twenty writers of one ref exactly one wins each step', async () => {
    const dir = newRepository();
    const start = head(dir);
    const repositories = await Promise.all([open(dir), open(dir), open(dir), open(dir)]);
    const commits = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, n) =>
          await (repositories[n % 4] ?? (await open(dir))).writeCommit({
            parents: [start],
            base: start,
            files: new Map(),
            message: `m${n}`,
            author: 'bot',
            at,
          }),
      ),
    );
    const moved = await Promise.all(
      commits.map(async (oid, n) => await repositories[n % 4]?.moveRef('refs/heads/main', oid, start)),
    );
    expect(moved.filter((each) => each === true)).toHaveLength(1);
  });

  it('moves several refs all or none', async () => {
    const dir = newRepository();
    const [one, two] = [head(dir), commit(dir, { x: '2' })];
    const repository = await open(dir);
    const moves = [
      { ref: 'refs/heads/a', to: two, old: null },
      { ref: 'refs/heads/main', to: one, old: one },
    ];
    expect(await repository.moveRefs(moves)).toBe(false);
    expect(await repository.resolve('refs/heads/a')).toBeUndefined();
  });

  it('a symbolic ref is moved itself, never what it points at', async () => {
    const dir = newRepository();
    const [one, two] = [head(dir), commit(dir, { x: '2' })];
    git(dir, 'symbolic-ref', 'refs/heads/sym', 'refs/heads/main');
    const repository = await open(dir);
    expect(await repository.moveRef('refs/heads/sym', one, two)).toBe(true);
    expect([head(dir, 'refs/heads/sym'), head(dir, 'refs/heads/main')]).toEqual([one, two]);
  });

  it('[K9] a lock that stays is an error with a hint, not a lost race', async () => {
    const dir = newRepository();
    writeFileSync(join(dir, '.git/refs/heads/main.lock'), '');
    const repository = await open(dir);
    expect(await codeOf(repository.moveRef('refs/heads/main', head(dir), head(dir)))).toBe('E_GIT_LOCK');
  });
});

describe('history', () => {
  it('lists commits parents first, with tree and parents, from a boundary on', async () => {
    const dir = newRepository();
    const one = head(dir);
    git(dir, 'checkout', '-q', '-b', 'side');
    const side = commit(dir, { s: '1' });
    git(dir, 'checkout', '-q', 'main');
    const two = commit(dir, { m: '1' });
    git(dir, 'merge', '-q', '--no-ff', '-m', 'merge', 'side');
    const merge = head(dir);
    const repository = await open(dir);
    const walked = await repository.history(merge, [one]);
    expect(walked.at(-1)).toEqual({ oid: merge, tree: head(dir, 'HEAD^{tree}'), parents: [two, side] });
    expect(new Set(walked.map(({ oid }) => oid))).toEqual(new Set([side, two, merge]));
    expect(await repository.history(one, [merge])).toEqual([]);
    expect(await repository.isAncestor(side, merge)).toBe(true);
    expect(await repository.isAncestor(merge, side)).toBe(false);
    expect(await repository.mergeBase(side, two)).toBe(one);
    const lone = await repository.writeCommit({
      parents: [],
      base: null,
      files: new Map(),
      message: 'x',
      author: 'a',
      at,
    });
    expect(await repository.mergeBase(lone, two)).toBeUndefined();
    expect(await codeOf(repository.history(oidOf('1'.repeat(40))))).toBe('E_GIT_OBJECT');
  });

  it('[G6] a shallow clone is an error, never a shorter history', async () => {
    const seed = newRepository();
    const first = head(seed);
    for (const n of ['1', '2', '3']) commit(seed, { n });
    const dir = join(tempDir(), 'shallow');
    git(home, 'clone', '-q', '--depth', '2', `file://${seed}`, dir);
    const repository = await open(dir);
    expect(await codeOf(repository.history(head(dir)))).toBe('E_GIT_SHALLOW');
    expect(await repository.history(head(dir), [head(dir, 'HEAD~1')])).toHaveLength(1);
    const fresh = await repository.writeCommit({
      parents: [],
      base: null,
      files: new Map(),
      message: 'x',
      author: 'a',
      at,
    });
    expect(await codeOf(repository.isAncestor(fresh, head(dir)))).toBe('E_GIT_SHALLOW');
    expect(await codeOf(repository.mergeBase(fresh, head(dir)))).toBe('E_GIT_SHALLOW');
    expect(await codeOf(repository.history(first))).toBe('E_GIT_OBJECT');
  });

  it('[G6] a forged shallow file and grafts change nothing', async () => {
    const dir = newRepository();
    const [one, two] = [head(dir), commit(dir, { n: '2' })];
    const three = commit(dir, { n: '3' });
    const before = await (await open(dir)).history(three);
    writeFileSync(join(dir, '.git/shallow'), `${two}\n`);
    writeFileSync(join(dir, '.git/info/grafts'), `${three} ${one}\n`);
    expect(git(dir, 'rev-list', '--count', 'HEAD')).not.toBe('3');
    expect(await (await open(dir)).history(three)).toEqual(before);
    expect(before).toHaveLength(3);
  });

  it('[G5] replace refs change neither content nor history', async () => {
    const dir = newRepository();
    const tip = commit(dir, { note: 'true words\n' });
    const [blob, other] = [head(dir, 'HEAD:note'), head(dir, 'HEAD:pam.yaml')];
    git(dir, 'replace', blob, other);
    git(dir, 'replace', '--graft', tip);
    expect(git(dir, 'show', 'HEAD:note')).not.toBe('true words');
    expect(git(dir, 'rev-list', '--count', 'HEAD')).toBe('1');
    const repository = await open(dir);
    expect(await repository.history(tip)).toHaveLength(2);
    expect(utf8((await repository.read([{ treeish: tip, path: 'note' }], 100))[0])).toBe('true words\n');
  });

  it('[G6] a forged commit-graph has no say', async () => {
    const dir = newRepository();
    const tip = commit(dir, { x: '1' });
    git(dir, 'commit-graph', 'write', '--reachable');
    const graph = join(dir, '.git/objects/info/commit-graph');
    const bytes = readFileSync(graph);
    // The first parent in each commit's data: say that there is none.
    execFileSync('chmod', ['u+w', graph]);
    const none = Buffer.from([0x70, 0, 0, 0]);
    for (let from = bytes.indexOf('CDAT'); from < bytes.length - 4; from += 1) {
      if (bytes.readUInt32BE(from) < 2 && bytes.readUInt32BE(from + 4) === 0x70000000) none.copy(bytes, from);
    }
    writeFileSync(graph, bytes);
    expect(git(dir, 'rev-list', '--count', 'HEAD')).toBe('1');
    expect(await (await open(dir)).history(tip)).toHaveLength(2);
  });
});

describe('trees and blobs', () => {
  it('lists with mode, path and size, below a path, and nothing for a missing one', async () => {
    const dir = newRepository();
    const tip = commit(dir, { 'a/b/c.txt': '12345', 'a/ä "x".txt': '1', 'ab/d': '' });
    const repository = await open(dir);
    expect(await repository.list(tip, 'a')).toEqual([
      { mode: '100644', path: 'a/b/c.txt', oid: head(dir, 'HEAD:a/b/c.txt'), size: 5 },
      { mode: '100644', path: 'a/ä "x".txt', oid: head(dir, 'HEAD:a/ä "x".txt'), size: 1 },
    ]);
    expect(await repository.list(tip, 'missing/dir')).toEqual([]);
    expect(await repository.list(tip, '')).toHaveLength(4);
    expect(await repository.list(head(dir, 'HEAD:a'), 'b')).toHaveLength(1);
    const paths = ['../x', 'a//b', './a', '/a', 'a/', 'a\nb'];
    expect(await strays(paths, 'E_GIT_PATH', async (path) => await repository.list(tip, path))).toEqual([]);
  });

  it('[G1][G2][G4] symlinks, submodules and modes show in the list', async () => {
    const dir = newRepository();
    const oid = head(dir);
    execFileSync('ln', ['-s', '/etc/passwd', join(dir, 'link')]);
    write(dir, 'run.sh', '');
    git(dir, 'add', '-A', '.');
    git(dir, 'update-index', '--chmod=+x', 'run.sh');
    git(dir, 'update-index', '--add', '--cacheinfo', `160000,${oid},sub`);
    git(dir, 'commit', '-q', '-m', 'modes');
    const repository = await open(dir);
    const modes = readable(await repository.list(head(dir), ''), 'all').map(
      ({ mode, path }) => `${mode} ${path}`,
    );
    expect(modes).toEqual(['120000 link', '100644 pam.yaml', '100755 run.sh', '160000 sub']);
    const wanted = ['link', 'sub', 'pam.yaml', 'none', 'pam.yaml/x'].map((path) => ({
      treeish: head(dir),
      path,
    }));
    expect((await repository.read(wanted, 100)).map(utf8)).toEqual([
      '/etc/passwd',
      undefined,
      'version: 1\n',
      undefined,
      undefined,
    ]);
  });

  it('[G12] gives blob bytes, whatever attributes and filters say', async () => {
    const dir = newRepository();
    const raw = Buffer.from('a: $Id$ $Format:%H$\nb: ü\n');
    const tip = commit(dir, { r: raw });
    write(
      dir,
      '.gitattributes',
      '* text eol=crlf ident filter=x working-tree-encoding=UTF-16 export-subst -diff\n',
    );
    write(dir, '.git/info/attributes', '* filter=x eol=crlf ident\n');
    git(dir, 'config', 'filter.x.smudge', 'false');
    git(dir, 'config', 'core.autocrlf', 'true');
    const repository = await open(dir);
    expect((await repository.read([{ treeish: tip, path: 'r' }], 100))[0]).toEqual(Uint8Array.from(raw));
  });

  it('reads binary content, empty files and the same blob twice, in order', async () => {
    const dir = newRepository();
    const bytes = Buffer.from([0, 10, 255, 13, 10]);
    const tip = commit(dir, { bin: bytes, empty: '', same: bytes });
    const repository = await open(dir);
    const wanted = ['same', 'empty', 'bin', 'same'].map((path) => ({ treeish: tip, path }));
    expect(await repository.read(wanted, 5)).toEqual(
      [bytes, Buffer.alloc(0), bytes, bytes].map((each) => Uint8Array.from(each)),
    );
  });

  it('[Q2] a 100 MB blob is refused by its size', async () => {
    const dir = newRepository();
    const tip = commit(dir, { big: Buffer.alloc(100 * 1024 * 1024) });
    const repository = await open(dir);
    const before = process.memoryUsage().rss;
    expect(await repository.read([{ treeish: tip, path: 'big' }], 16_384)).toMatchObject([
      { unreadable: 'E_GIT_SIZE' },
    ]);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
  });

  it('reads thousands of files in one question', async () => {
    const dir = newRepository();
    const files = Object.fromEntries(
      Array.from({ length: 3000 }, (_, n) => [`d${n % 30}/f${n}`, `content ${n}`]),
    );
    const tip = commit(dir, files);
    const repository = await open(dir);
    const wanted = Object.keys(files).map((path) => ({ treeish: tip, path }));
    const contents = await repository.read(wanted, 100);
    expect(contents.map(utf8)).toEqual(Object.values(files));
  });

  it('[G7] a partial clone is an error and never fetches; its remote program does not run', async () => {
    const seed = newRepository();
    commit(seed, { note: 'old\n' });
    const tip = commit(seed, { note: 'new\n' });
    git(seed, 'config', 'uploadpack.allowFilter', 'true');
    const dir = join(tempDir(), 'partial');
    git(home, 'clone', '-q', '--no-checkout', '--filter=blob:none', `file://${seed}`, dir);
    const canary = join(tempDir(), 'canary');
    git(dir, 'config', 'remote.origin.uploadpack', `touch ${canary}; git-upload-pack`);
    const repository = await open(dir);
    expect(await repository.read([{ treeish: tip, path: 'note' }], 100)).toMatchObject([
      { unreadable: 'E_GIT_PARTIAL' },
    ]);
    expect(await repository.list(tip, '')).toMatchObject([
      { path: 'note', size: null },
      { path: 'pam.yaml' },
    ]);
    expect(await repository.read([{ treeish: tip, path: 'absent' }], 100)).toEqual([undefined]);
    expect(existsSync(canary)).toBe(false);
    // The canary can sing: plain git does run it.
    git(dir, 'cat-file', 'blob', `${tip}:note`);
    expect(existsSync(canary)).toBe(true);
  });
});

describe('writing commits', () => {
  it('refuses to make another tree than it should be', async () => {
    const dir = newRepository();
    const base = commit(dir, { a: '1', b: '2' });
    const repository = await open(dir);
    const wanted = { parents: [base], base, files: new Map([['b', null]]), message: 'm', author: 'bot', at };
    const tree = oidOf(git(dir, 'rev-parse', `${await repository.writeCommit(wanted)}^{tree}`));
    expect(git(dir, 'ls-tree', '--name-only', tree)).not.toContain('b');
    await repository.writeCommit({ ...wanted, tree });
    expect(await codeOf(repository.writeCommit({ ...wanted, files: new Map(), tree }))).toBe('E_GIT_TREE');
  });

  it('writes on a base tree: adds, replaces, removes files and directories, moves nothing', async () => {
    const dir = newRepository();
    const base = commit(dir, { 'open/a/1.json': '1', 'open/a/2.json': '2', 'open/b.json': 'b', keep: 'k' });
    const status = (): string =>
      `${git(dir, 'for-each-ref')} ${git(dir, 'status', '--porcelain')} ${readdirSync(join(dir, '.git')).join(' ')}`;
    const before = status();
    const repository = await open(dir);
    const oid = await repository.writeCommit({
      parents: [base],
      base,
      files: new Map<string, Uint8Array | null>([
        ['open/a/', null],
        ['open/a', Buffer.from('now a file')],
        ['open/b.json', null],
        ['open/c d/ü.json', Buffer.from([1, 0, 10])],
        ['never/was', null],
      ]),
      message: 'grant 2026: dana\n\nbody',
      author: 'pam-apply',
      at,
    });
    expect(status()).toBe(before);
    expect(
      readable(await repository.list(oid, ''), 'all').map(({ mode, path }) => `${mode} ${path}`),
    ).toEqual(['keep', 'open/a', 'open/c d/ü.json', 'pam.yaml'].map((path) => `100644 ${path}`));
    expect((await repository.read([{ treeish: oid, path: 'open/c d/ü.json' }], 9))[0]).toEqual(
      Uint8Array.from([1, 0, 10]),
    );
    expect(git(dir, 'log', '-1', '--format=%an|%ae|%at|%cn|%ce|%ct|%P|%B', oid)).toBe(
      `pam-apply|pam-apply@pam|1795370400|pam-apply|pam-apply@pam|1795370400|${base}|grant 2026: dana\n\nbody`,
    );
    git(dir, 'fsck', '--strict', '--no-dangling');
  });

  it('writes merges, commits without parents, and trees that start from nothing or from another commit', async () => {
    const dir = newRepository();
    const [one, two] = [head(dir), commit(dir, { x: '2' })];
    const repository = await open(dir);
    const common = { message: 'm', author: 'a', at };
    const merge = await repository.writeCommit({
      ...common,
      parents: [one, two],
      base: two,
      files: new Map([['y', Buffer.from('y')]]),
    });
    const lone = await repository.writeCommit({
      ...common,
      parents: [],
      base: null,
      files: new Map([['s', Buffer.from('s')]]),
    });
    const bare = await repository.writeCommit({
      ...common,
      parents: [two],
      base: null,
      files: new Map([['s', Buffer.from('s')]]),
    });
    const copy = await repository.writeCommit({ ...common, parents: [], base: two, files: new Map() });
    expect((await repository.history(merge)).at(-1)?.parents).toEqual([one, two]);
    const names = async (oid: typeof one): Promise<string> =>
      readable(await repository.list(oid, ''), 'all')
        .map(({ path }) => path)
        .join(' ');
    expect([await names(merge), await names(lone), await names(bare), await names(copy)]).toEqual([
      'pam.yaml x y',
      's',
      's',
      'pam.yaml x',
    ]);
  });

  it('refuses paths and authors that could be syntax', async () => {
    const dir = newRepository();
    const repository = await open(dir);
    const common = { parents: [], base: null, message: 'm', at };
    const paths = ['a\nb', '"a"', '../a', 'a/../b', '/a', ''];
    const writing = async (author: string, path: string): Promise<unknown> =>
      await repository.writeCommit({ ...common, author, files: new Map([[path, Buffer.from('')]]) });
    expect(await strays(paths, 'E_GIT_PATH', async (path) => await writing('a', path))).toEqual([]);
    const authors = ['a\nfrom x', 'a <b>', ''];
    expect(await strays(authors, 'E_BUG', async (author) => await writing(author, 'x'))).toEqual([]);
  });

  it('takes a promise: the same commit when it is kept, its own error and no object when it is broken', async () => {
    const dir = newRepository();
    const repository = await open(dir);
    const wanted = {
      parents: [head(dir)],
      base: head(dir),
      files: new Map([['a', Buffer.from('a')]]),
      message: 'm',
      author: 'a',
      at,
    };
    const later = new Promise<typeof wanted>((resolve) => {
      setTimeout(() => resolve(wanted), 300);
    });
    const oid = await repository.writeCommit(later);
    expect(await repository.writeCommit(wanted)).toBe(oid);
    const objects = (): readonly string[] => git(dir, 'count-objects', '-v').split('\n');
    const before = objects();
    const broken = Promise.reject<typeof wanted>(new PamError('E_SIGN', 'nobody touched the key'));
    expect(await codeOf(repository.writeCommit(broken))).toBe('E_SIGN');
    expect(objects()).toEqual(before);
  });

  it('works in SHA-256 repositories', async () => {
    const dir = newRepository('--object-format=sha256');
    const repository = await open(dir);
    const oid = await repository.writeCommit({
      parents: [head(dir)],
      base: head(dir),
      files: new Map([['a', Buffer.from('a')]]),
      message: 'm',
      author: 'a',
      at,
    });
    expect(oid).toHaveLength(64);
    expect(await repository.moveRef('refs/heads/pam-ledger', oid, null)).toBe(true);
    expect(utf8((await repository.read([{ treeish: oid, path: 'a' }], 9))[0])).toBe('a');
  });
});

describe('a hostile clone', () => {
  it('[G10][G19] nothing that its configuration names is run', async () => {
    const dir = newRepository();
    const canaries = tempDir();
    const evil = (name: string): string => `sh -c 'touch ${canaries}/${name}; exit 1'`;
    for (const [key, value] of Object.entries({
      'core.fsmonitor': evil('fsmonitor'),
      'core.pager': evil('pager'),
      'core.sshCommand': evil('ssh'),
      'core.editor': evil('editor'),
      'core.gitProxy': evil('proxy'),
      'core.alternateRefsCommand': evil('alternates'),
      'credential.helper': `!${evil('credential')}`,
      'diff.external': evil('diff'),
      'filter.x.clean': evil('clean'),
      'filter.x.smudge': evil('smudge'),
      'filter.x.process': evil('process'),
      'gpg.program': evil('gpg'),
      'gpg.ssh.program': evil('sshsig'),
      'log.showSignature': 'true',
      'uploadpack.packObjectsHook': evil('pack'),
      'core.hooksPath': join(dir, '.git/evil'),
    }))
      git(dir, 'config', key, value);
    for (const folder of ['.git/evil', '.git/hooks']) {
      for (const hook of [
        'reference-transaction',
        'post-index-change',
        'pre-push',
        'post-checkout',
        'post-merge',
      ]) {
        write(dir, `${folder}/${hook}`, `#!/bin/sh\ntouch ${canaries}/${hook}\n`);
        execFileSync('chmod', ['+x', join(dir, folder, hook)]);
      }
    }
    write(dir, '.git/info/attributes', '* filter=x diff=x\n');
    write(dir, '.mailmap', 'Bob <bob@example.com> <pam@pam>\n');
    const repository = await open(dir);
    const tip = await repository.resolve('refs/heads/main');
    if (tip === undefined) throw new Error('no main');
    await repository.refs(['refs/heads/']);
    await repository.history(tip);
    await repository.isAncestor(tip, tip);
    await repository.mergeBase(tip, tip);
    await repository.list(tip, '');
    await repository.read([{ treeish: tip, path: 'pam.yaml' }], 100);
    const oid = await repository.writeCommit({
      parents: [tip],
      base: tip,
      files: new Map(),
      message: 'm',
      author: 'a',
      at,
    });
    expect(await repository.moveRef('refs/heads/new', oid, null)).toBe(true);
    expect(readdirSync(canaries)).toEqual([]);
    // The hooks do work: plain git runs one.
    execFileSync('git', ['update-ref', 'refs/heads/other', oid], { cwd: dir, env });
    expect(readdirSync(canaries)).toContain('reference-transaction');
  });
});
