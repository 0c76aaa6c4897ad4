/** Fetching what a pusher made to hold others up: each kind on one branch, and what becomes of the other branches. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRepository } from '../../src/git/find-repository.ts';
import { openRemote } from '../../src/git/network.ts';
import { openObjectStream } from '../../src/git/object-stream.ts';
import { openRefs } from '../../src/git/refs.ts';
import { seal } from '../../src/git/sealed.ts';
import type { Remote } from '../../src/model/git.ts';
import { env, git, head, tempDir, withRemote } from './git-workbench.ts';

interface Pushed {
  readonly bare: string;
  readonly dir: string;
}

/** Writes one object as it is; its id. */
function raw(dir: string, type: string, bytes: Uint8Array | string): string {
  const args = ['hash-object', '-t', type, '-w', '--literally', '--stdin'];
  return execFileSync('git', args, { cwd: dir, input: bytes, encoding: 'utf8' }).trim();
}

const treeOf = (mode: string, name: string, blob: string): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(blob, 'hex')]);

const commitOf = (tree: string, more = '', by = 'm <m@m>'): string =>
  `tree ${tree}\n${more}author ${by} 1700000000 +0000\ncommitter ${by} 1700000000 +0000\n\nx\n`;

/** A commit that stock `git push` takes and fsck refuses. */
const ODD: Readonly<Record<string, (at: Pushed, tree: string, blob: string) => string>> = {
  'no address': ({ dir }, tree) => raw(dir, 'commit', commitOf(tree, '', 'mallory')),
  'two trees': ({ dir }, tree) => raw(dir, 'commit', commitOf(tree, `tree ${tree}\n`)),
  'a NUL in the message': ({ dir }, tree) => raw(dir, 'commit', `${commitOf(tree)}\0\n`),
  'no author': ({ dir }, tree) => raw(dir, 'commit', `tree ${tree}\n\nx\n`),
  'a file called .git': ({ dir }, _, blob) =>
    raw(dir, 'commit', commitOf(raw(dir, 'tree', treeOf('100644', '.git', blob)))),
  'a path with a slash': ({ dir }, _, blob) =>
    raw(dir, 'commit', commitOf(raw(dir, 'tree', treeOf('100644', 'a/b', blob)))),
  ...Object.fromEntries(
    ['644', '0100644', '100777'].map((mode) => [
      `mode ${mode}`,
      ({ dir }: Pushed, _: string, blob: string): string =>
        raw(dir, 'commit', commitOf(raw(dir, 'tree', treeOf(mode, 'a', blob)))),
    ]),
  ),
};

interface Side extends Pushed {
  readonly remote: Remote;
  readonly clone: string;
  readonly tracked: (branch: string) => string | undefined;
}

interface Bounds {
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly stallMs?: number;
  readonly home?: string;
}

/** A clone before anything hostile was pushed, and another from which it is. */
async function side({ home, ...bounds }: Bounds = {}): Promise<Side> {
  const { bare, clone } = withRemote();
  const [ours, dir] = [clone(), clone()];
  const own = { ...env, TMPDIR: tempDir(), ...(home === undefined ? {} : { HOME: home }) };
  const place = await findRepository(ours, own);
  const sealed = seal(place, own);
  const refs = openRefs(sealed, place);
  const remote = await openRemote({
    place,
    sealed,
    stream: openObjectStream(sealed),
    refs,
    env: own,
    name: 'origin',
    ...bounds,
  });
  const tracked = (branch: string): string | undefined => {
    const found = git(ours, 'for-each-ref', '--format=%(objectname)', `refs/remotes/origin/${branch}`);
    return found === '' ? undefined : found;
  };
  return { bare, dir, remote, clone: ours, tracked };
}

const push = ({ dir }: Pushed, commit: string, branch: string): void => {
  git(dir, 'push', '-q', 'origin', `${commit}:refs/heads/${branch}`);
};

const specOf = (branch: string): string => `+refs/heads/${branch}:refs/remotes/origin/${branch}`;

/** A commit with one blob that does not get smaller. */
function large({ dir }: Pushed, bytes: number): string {
  const blob = raw(dir, 'blob', randomBytes(bytes));
  return raw(dir, 'commit', commitOf(raw(dir, 'tree', treeOf('100644', 'large', blob))));
}

/** Nothing half-fetched stays in the clone. */
const leftovers = (clone: string): readonly string[] =>
  readdirSync(join(clone, '.git/objects'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /tmp_/u.test(name),
  );

describe('[X10] objects that fsck refuses', () => {
  it.each(Object.keys(ODD))('%s: comes, on any branch', async (name) => {
    const at = await side();
    const [tree, blob] = [head(at.dir, 'HEAD^{tree}'), head(at.dir, 'HEAD:pam.yaml')];
    const commit = ODD[name]?.(at, tree, blob) ?? '';
    const branches = ['pam-ledger', 'pam-statements/x.0123456789abcdef', 'main'];
    for (const branch of branches) git(at.dir, 'push', '-qf', 'origin', `${commit}:refs/heads/${branch}`);
    expect(await at.remote.fetch(branches.map(specOf))).toEqual([]);
    expect(branches.map(at.tracked)).toEqual(branches.map(() => commit));
  });
});

describe('[X100] what lies among the refs of the clone', () => {
  it('a pipe: git is not let near it while it fetches', async () => {
    const at = await side({ timeoutMs: 5000 });
    const next = raw(at.dir, 'commit', commitOf(head(at.dir, 'HEAD^{tree}'), `parent ${head(at.dir)}\n`));
    push(at, next, 'pam-ledger');
    const pipe = join(at.clone, '.git/refs/remotes/origin/zz');
    execFileSync('mkfifo', [pipe]);
    expect(await at.remote.fetch([specOf('pam-ledger')])).toEqual([]);
    rmSync(pipe);
    expect(at.tracked('pam-ledger')).toBe(next);
  }, 60_000);
});

describe('[X11] more than one fetch may bring', () => {
  const STOPS = ['a', 'b', 'c'].map((n) => `pam-statements/20261129-x-aaaaaa.${n.repeat(16)}`);

  it.each([
    ['main', 'pam-ledger'],
    ['pam-ledger', 'main'],
    [`pam-statements/20261129-other-bbbbbb.${'0'.repeat(16)}`, 'pam-ledger'],
    [`pam-statements/20261129-x-aaaaaa.${'0'.repeat(16)}`, 'pam-ledger'],
  ])(
    'in bytes, on %s: hurts that branch alone, and leaves nothing behind',
    async (flooded, other) => {
      const at = await side({ maxBytes: 2_000_000 });
      const small = head(at.dir);
      git(at.dir, 'push', '-qf', 'origin', `${large(at, 3_000_000)}:refs/heads/${flooded}`);
      const next = raw(at.dir, 'commit', commitOf(head(at.dir, 'HEAD^{tree}'), `parent ${small}\n`));
      for (const branch of [other, ...STOPS]) push(at, next, branch);
      const before = at.tracked(flooded);
      const missed = await at.remote.fetch([flooded, other, ...STOPS].map(specOf));
      expect(missed).toMatchObject([{ ref: `refs/heads/${flooded}`, why: { code: 'E_GIT_BOUND' } }]);
      expect([other, ...STOPS].map(at.tracked)).toEqual([other, ...STOPS].map(() => next));
      expect(at.tracked(flooded)).toBe(before);
      expect(leftovers(at.clone)).toEqual([]);
      // In the same run it is not tried again where it stands; where it moves on, it is.
      const again = await at.remote.fetch([flooded, other].map(specOf));
      expect(again).toMatchObject([{ why: { code: 'E_GIT_BOUND' } }]);
      git(at.dir, 'push', '-qf', 'origin', `${next}:refs/heads/${flooded}`);
      expect(await at.remote.fetch([flooded, other].map(specOf))).toEqual([]);
      expect(at.tracked(flooded)).toBe(next);
    },
    120_000,
  );

  it('[X105] in bytes, on the ledger: by itself it comes, and is fetched with the others from then on', async () => {
    const at = await side({ maxBytes: 2_000_000 });
    const tip = large(at, 3_000_000);
    push(at, tip, 'pam-ledger');
    expect(await at.remote.fetch([specOf('pam-ledger'), specOf('main')])).toMatchObject([
      { ref: 'refs/heads/pam-ledger', why: { code: 'E_GIT_BOUND' } },
    ]);
    expect(await at.remote.fetchLarge(specOf('pam-ledger'))).toBeNull();
    expect(at.tracked('pam-ledger')).toBe(tip);
    expect(await at.remote.fetch([specOf('pam-ledger'), specOf('main')])).toEqual([]);
    expect(leftovers(at.clone)).toEqual([]);
  }, 60_000);

  it('[X105] a remote that falls silent while the ledger is fetched by itself: it is given up', async () => {
    const own = tempDir();
    const at = await side({ stallMs: 1000, home: own });
    push(at, large(at, 1000), 'pam-ledger');
    const hook = join(own, 'pack');
    writeFileSync(hook, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    writeFileSync(join(own, '.gitconfig'), `[uploadpack]\n\tpackObjectsHook = ${hook}\n`);
    const why = await at.remote.fetchLarge(specOf('pam-ledger'));
    expect(why).toMatchObject({ code: 'E_GIT_BOUND' });
    expect(why?.message).toContain('nothing came for 1 s');
    expect(leftovers(at.clone)).toEqual([]);
  }, 60_000);

  it('[X105] heavy branches about requests are given up at their own bound, not at that of main', async () => {
    // Too little for all at once, so that it is asked apart.
    const at = await side({ maxBytes: 36_000_000 });
    const [light, heavy] = ['pam/20261129-x-aaaaaa', 'pam/20261129-x-bbbbbb'];
    push(at, large(at, 18_000_000), heavy);
    push(at, large(at, 1000), light);
    const missed = await at.remote.fetch(['+refs/heads/pam/*:refs/remotes/origin/pam/*']);
    expect(missed).toMatchObject([{ ref: `refs/heads/${heavy}`, why: { code: 'E_GIT_BOUND' } }]);
    expect(at.tracked(light)).toBeDefined();
  }, 120_000);

  it('[X107] in bytes, on a hundred statements of one topic: the one among them that is none of them arrives', async () => {
    const at = await side({ maxBytes: 1_000_000 });
    const blob = raw(at.dir, 'blob', randomBytes(3_000_000));
    const tree = raw(at.dir, 'tree', treeOf('100644', 'large', blob));
    const topic = 'pam-statements/20261129-x-aaaaaa';
    const names = Array.from(
      { length: 100 },
      (_, n) => `${topic}.${(n * 41).toString(16).padStart(16, '0')}`,
    );
    const specs = names.map((name, n) => {
      const commit = raw(at.dir, 'commit', commitOf(tree).replace('1700000000', String(1_700_000_000 + n)));
      return `${commit}:refs/heads/${name}`;
    });
    git(at.dir, 'push', '-q', 'origin', ...specs);
    const stop = `${topic}.${'8'.repeat(16)}`;
    push(at, raw(at.dir, 'commit', commitOf(head(at.dir, 'HEAD^{tree}'))), stop);
    const missed = await at.remote.fetch([`+refs/heads/${topic}.*:refs/remotes/origin/${topic}.*`]);
    expect(at.tracked(stop)).toBeDefined();
    expect(missed).toHaveLength(100);
  }, 240_000);

  it('in time, on main: the others arrive', async () => {
    const own = tempDir();
    const at = await side({ timeoutMs: 3000, home: own });
    const tip = large(at, 1000);
    git(at.dir, 'push', '-qf', 'origin', `${tip}:refs/heads/main`);
    const next = raw(at.dir, 'commit', commitOf(head(at.dir, 'HEAD^{tree}')));
    push(at, next, 'pam-ledger');
    // The server packs what is asked for, and main takes it for ever.
    const hook = join(own, 'pack');
    const body = `#!/bin/sh\ncat >${own}/asked.$$\ngrep -q ${tip} ${own}/asked.$$ && exec sleep 60\nexec "$@" <${own}/asked.$$\n`;
    writeFileSync(hook, body, { mode: 0o755 });
    writeFileSync(join(own, '.gitconfig'), `[uploadpack]\n\tpackObjectsHook = ${hook}\n`);
    const missed = await at.remote.fetch(['main', 'pam-ledger'].map(specOf));
    expect(missed).toMatchObject([{ ref: 'refs/heads/main', why: { code: 'E_GIT_BOUND' } }]);
    expect(at.tracked('pam-ledger')).toBe(next);
    expect(leftovers(at.clone)).toEqual([]);
  }, 60_000);
});
