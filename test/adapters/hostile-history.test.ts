/**
 * What somebody who may push can do to main, and a stranger to the objects of a clone: nothing is granted for it, the
 * target is not called, and the ledger records no grant.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { EXIT, PamError } from '../../src/model/error.ts';
import { plus } from '../../src/model/instant.ts';
import { type RequestId, requestPath, signaturePath } from '../../src/model/names.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { writeObject, writeRef, writeTree } from '../fuzz/loose-objects.ts';
import { BEGIN, makeWorld, openWorld, type World } from '../crash/access-repository.ts';
import { git as stockGit, tempDir } from './git-workbench.ts';

let fresh: World;
/** Asked for, approved, merged: only `apply` is missing. */
let ready: RequestId;
beforeAll(async () => {
  fresh = await makeWorld(join(tempDir(), 'world'), { remote: true });
  ready = await fresh.ask({ role: 'reader', duration: '30m' });
  fresh.git('fetch', '-q', 'origin');
  fresh.git('checkout', '-q', '-B', 'main', 'origin/main');
}, 120_000);

const copy = (): World => fresh.copy(join(tempDir(), 'world'));

const codesOf = ({ troubles, steps }: RunResult): readonly string[] => [
  ...troubles.map(({ code }) => code),
  ...steps.flatMap(({ error }) => (error === null ? [] : [error.code])),
];

/** Main gets what the index holds now. */
function push(world: World, message = 'A change'): void {
  world.git('commit', '-q', '--allow-empty', '-m', message);
  world.git('push', '-q', '--force', 'origin', 'HEAD:refs/heads/main');
}

async function nothingGranted(world: World): Promise<void> {
  expect(world.calls('grant')).toEqual([]);
  expect(world.held()).toEqual([]);
  expect((await world.peek()).intents).toEqual([]);
  expect((await world.audit()).findings).toEqual([]);
}

describe('requests on main that are no plain files', () => {
  const blob = (world: World, text: string): string => {
    writeFileSync(join(world.home, 'blob'), text);
    return world.git('hash-object', '-w', '--no-filters', join(world.home, 'blob')).trim();
  };
  const put = (world: World, mode: string, oid: string, path: string): void => {
    world.git('update-index', '--add', '--cacheinfo', `${mode},${oid},${path}`);
  };
  const bytesOf = (world: World, path: string): string => world.git('rev-parse', `HEAD:${path}`).trim();

  it.each<readonly [string, (world: World) => void]>([
    [
      '[G1] a link to another file',
      (world) => {
        put(world, '120000', blob(world, '/etc/passwd'), requestPath(ready));
      },
    ],
    [
      '[G1] a link whose text is the approved request',
      (world) => {
        put(world, '120000', bytesOf(world, requestPath(ready)), requestPath(ready));
      },
    ],
    [
      '[G1] a signature that is a link',
      (world) => {
        put(world, '120000', bytesOf(world, signaturePath(ready)), signaturePath(ready));
      },
    ],
    [
      '[G2] a submodule',
      (world) => {
        put(world, '160000', world.git('rev-parse', 'HEAD').trim(), requestPath(ready));
      },
    ],
    [
      '[G4] an executable',
      (world) => {
        put(world, '100755', bytesOf(world, requestPath(ready)), requestPath(ready));
      },
    ],
  ])('%s is E_GIT_MODE', async (_, change) => {
    const world = copy();
    change(world);
    push(world);
    const run = await world.apply();
    expect({ codes: codesOf(run), exit: exitOfRun(run) }).toEqual({
      codes: ['E_GIT_MODE'],
      exit: EXIT.refused,
    });
    await nothingGranted(world);
  });

  it('[G4] a directory in its place is no request', async () => {
    const world = copy();
    world.git('rm', '-rq', '--cached', requestPath(ready));
    put(world, '100644', blob(world, 'x'), `${requestPath(ready)}/x`);
    push(world);
    const run = await world.apply();
    expect({ codes: codesOf(run), exit: exitOfRun(run) }).toEqual({ codes: [], exit: EXIT.done });
    await nothingGranted(world);
  });
});

describe('histories of main', () => {
  it('[G14] main was taken back to before what apply read: E_LED_MAIN, and what is live still ends', async () => {
    const world = copy();
    await world.apply();
    expect(world.held()).toEqual(['north dana read']);
    const before = world.calls('grant').length;
    await world.ask({ role: 'southerner' });
    world.git('fetch', '-q', 'origin');
    const theirs = world.git('rev-parse', 'origin/main').trim();
    world.git('checkout', '-q', '-B', 'main', `${theirs}~2`);
    push(world, 'Another story');
    const run = await world.apply();
    expect({ codes: codesOf(run), exit: exitOfRun(run) }).toEqual({
      codes: ['E_LED_MAIN'],
      exit: EXIT.integrity,
    });
    expect(world.calls('grant')).toHaveLength(before);
    world.now = plus(BEGIN, 31 * 60);
    await world.sweep();
    expect(world.held()).toEqual([]);
  });

  it('[G15] a merge commit may bring what no parent holds: it is judged like any other bytes', async () => {
    const world = copy();
    const foreign = '20261122-reader-zzzzzz';
    const text = world.git('show', `HEAD:${requestPath(ready)}`).replaceAll(ready, foreign);
    writeFileSync(join(world.home, 'evil'), text);
    const oid = world.git('hash-object', '-w', join(world.home, 'evil')).trim();
    const path = requestPath(ready).replace(ready, foreign);
    world.git('rm', '-rq', '--cached', 'requests');
    world.git('update-index', '--add', '--cacheinfo', `100644,${oid},${path}`);
    const tree = world.git('write-tree').trim();
    const merge = world.git('commit-tree', tree, '-p', 'HEAD', '-p', 'HEAD~1', '-m', 'Merge').trim();
    world.git('push', '-q', 'origin', `${merge}:refs/heads/main`);
    const run = await world.apply();
    expect({ codes: codesOf(run), exit: exitOfRun(run) }).toEqual({
      // Not E_APR_MISSING, as the catalogue has it: what nobody signed as a request gets no further.
      codes: ['E_SIG_MISSING'],
      exit: EXIT.refused,
    });
    await nothingGranted(world);
  });

  it('[G16] a policy that comes by the second parent is not the signed one either', async () => {
    const world = copy();
    const base = world.git('rev-parse', 'HEAD').trim();
    world.git('checkout', '-q', '-b', 'side', `${base}~1`);
    const policy = readFileSync(join(world.dir, 'policy/roles.yaml'), 'utf8');
    writeFileSync(join(world.dir, 'policy/roles.yaml'), `${policy}# more\n`);
    world.git('commit', '-qam', 'Weaker');
    world.git('checkout', '-q', 'main');
    world.git('merge', '-q', '--no-ff', '-m', 'Merge', 'side');
    push(world);
    const run = await world.apply();
    expect({ codes: codesOf(run), exit: exitOfRun(run) }).toEqual({
      codes: ['E_POL_UNSIGNED'],
      exit: EXIT.refused,
    });
    await nothingGranted(world);
  });

  it('[G12][G18][G19] attributes, names and dates of commits change nothing', async () => {
    const world = copy();
    const attributes = '* text eol=crlf ident working-tree-encoding=UTF-16 filter=x -diff export-subst\n';
    writeFileSync(join(world.home, 'attributes'), attributes);
    const oid = world.git('hash-object', '-w', '--no-filters', join(world.home, 'attributes')).trim();
    world.git('update-index', '--add', '--cacheinfo', `100644,${oid},.gitattributes`);
    const tree = world.git('write-tree').trim();
    // Whoever commits may call himself bob, in 1999.
    world.git('config', 'user.name', 'Bob');
    world.git('config', 'user.email', 'bob@example.com');
    const raw = `tree ${tree}\nparent ${world.git('rev-parse', 'HEAD').trim()}\nauthor bob <bob@example.com> 946684799 +0000\ncommitter bob <bob@example.com> 946684799 +0000\n\nApproved-by: bob\n`;
    writeFileSync(join(world.home, 'commit'), raw);
    const commit = world.git('hash-object', '-w', '-t', 'commit', join(world.home, 'commit')).trim();
    world.git('push', '-q', 'origin', `${commit}:refs/heads/main`);
    expect(codesOf(await world.apply())).toEqual([]);
    expect(world.held()).toEqual(['north dana read']);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  // The catalogue wants fsck to refuse it. DESIGN section 5 fetches without fsck, so that such a commit freezes nothing;
  // what it holds is what git itself reads, and only the bytes that `seen` recorded count.
  it('[G17] a commit with two trees is read as git reads it', async () => {
    const world = copy();
    const tree = world.git('rev-parse', 'HEAD^{tree}').trim();
    const parent = world.git('rev-parse', 'HEAD').trim();
    const empty = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
    const bare = world.remote ?? '';
    const by = 'author a <a@a> 1795370400 +0000\ncommitter a <a@a> 1795370400 +0000\n\nx\n';
    const plant = (first: string, second: string): void => {
      writeFileSync(join(world.home, 'commit'), `tree ${first}\ntree ${second}\nparent ${parent}\n${by}`);
      const args = ['hash-object', '-w', '-t', 'commit', '--literally', join(world.home, 'commit')];
      writeFileSync(join(bare, 'refs/heads/main'), `${stockGit(bare, ...args).trim()}\n`);
    };
    stockGit(bare, 'hash-object', '-w', '-t', 'tree', '/dev/null');
    plant(empty, tree);
    const without = await world.apply();
    expect(codesOf(without)).toContain('E_POL_UNSIGNED');
    await nothingGranted(world);
    plant(tree, empty);
    expect(codesOf(await world.apply())).toEqual([]);
    expect(world.held()).toEqual(['north dana read']);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });
});

describe('what anybody may push, while something is due', () => {
  it('[X5] junk of every kind on ledger, main and statements: the run goes on, and the end comes', async () => {
    const world = copy();
    await world.apply();
    expect(world.held()).toEqual(['north dana read']);
    const remote = world.remote ?? '';
    const tipOf = (branch: string): string => stockGit(remote, 'rev-parse', `refs/heads/${branch}`);
    const blob = writeObject(remote, 'blob', 'x');
    const line = (mode: string, name: string, oid: string = blob) => ({ mode, name, oid });
    const signature = line('100644', 'entry.json.sig');
    const sub = writeTree(remote, [line('100644', 'x')]);
    const wide = Array.from({ length: 3000 }, (_, n) => line('100644', String(n).padStart(6, '0')));
    const trees = [
      writeTree(remote, [line('644', 'a')]),
      writeTree(remote, wide),
      writeTree(remote, [line('120000', 'entry.json'), signature]),
      writeTree(remote, [line('160000', 'entry.json', '1'.repeat(40)), signature]),
      writeTree(remote, [line('40000', 'entry.json', sub)]),
    ];
    const commit = (tree: string, ...parents: readonly string[]): string =>
      writeObject(
        remote,
        'commit',
        `tree ${tree}\n${parents.map((one) => `parent ${one}\n`).join('')}author m <m@m> 1 +0000\ncommitter m <m@m> 1 +0000\n\nx\n`,
      );
    let tip = tipOf('pam-ledger');
    for (const tree of trees) tip = commit(tree, tip);
    tip = commit(trees[0] ?? '', ...Array.from({ length: 20_000 }, () => tip));
    writeRef(remote, 'refs/heads/pam-ledger', tip);
    const main = tipOf('main');
    const odd = stockGit(remote, 'ls-tree', main)
      .split('\n')
      .map((one) => one.split(/[ \t]/u));
    const asBefore = odd.map(([mode = '', , oid = '', name = '']) =>
      line(mode.replace(/^0/u, ''), name, oid),
    );
    writeRef(remote, 'refs/heads/main', commit(writeTree(remote, [line('644', '!'), ...asBefore]), main));
    for (const [at, tree] of trees.entries())
      writeRef(remote, `refs/heads/pam-statements/${ready}.${String(at).padStart(16, '0')}`, commit(tree));
    world.now = plus(BEGIN, 60);
    const run = await world.apply();
    expect([...new Set(codesOf(run))]).toEqual(['E_LED_JUNK']);
    world.now = plus(BEGIN, 31 * 60);
    expect(codesOf(await world.sweep())).toEqual([]);
    expect(world.held()).toEqual([]);
    const audited = await world.audit();
    expect(audited.findings.map(({ code }) => code)).toContain('W_LED_JUNK');
  }, 120_000);

  it('[X9] an entry that this clone lacks is no junk: nothing is appended in its place, and the end comes', async () => {
    const world = copy();
    await world.apply();
    const remote = world.remote ?? '';
    const before = stockGit(remote, 'rev-parse', 'refs/heads/pam-ledger');
    const blob = writeObject(remote, 'blob', 'x');
    const names = ['entry.json', 'entry.json.sig'];
    const tree = writeTree(
      remote,
      names.map((name) => ({ mode: '100644', name, oid: blob })),
    );
    const text = `tree ${tree}\nparent ${before}\nauthor m <m@m> 1 +0000\ncommitter m <m@m> 1 +0000\n\nx\n`;
    const tip = writeObject(remote, 'commit', text);
    writeRef(remote, 'refs/heads/pam-ledger', tip);
    const change = (desk: Desk): Desk => {
      const lacking = { unreadable: 'E_GIT_PARTIAL', why: 'this clone lacks it' } as const;
      const read: Desk['repository']['read'] = async (wanted, ...more) => {
        const found = await desk.repository.read(wanted, ...more);
        return found.map((one, at) => (wanted[at]?.treeish === tree ? lacking : one));
      };
      return { ...desk, repository: { ...desk.repository, read } };
    };
    world.now = plus(BEGIN, 31 * 60);
    expect(codesOf(await world.apply({ change }))).toContain('E_GIT_PARTIAL');
    expect(codesOf(await world.sweep({ change }))).toContain('E_GIT_PARTIAL');
    expect(world.held()).toEqual([]);
    expect(stockGit(remote, 'rev-parse', 'refs/heads/pam-ledger')).toBe(tip);
  }, 120_000);
});

describe('clones that lack or bend objects', () => {
  /** A host whose clone was made by `how`. */
  function host(world: World, ...how: readonly string[]): World {
    const dir = join(world.home, 'hosts', 'runner', 'repo');
    stockGit(world.home, 'clone', '-q', ...how, `file://${world.remote ?? ''}`, dir);
    stockGit(dir, 'remote', 'set-url', 'origin', world.remote ?? '');
    return openWorld(world.home, 'runner', world.now);
  }
  const codeOf = async (promise: Promise<unknown>): Promise<string> =>
    await promise.then(
      () => 'none',
      (error: unknown) => (error instanceof PamError ? error.code : 'other'),
    );

  it('[G6] a shallow clone holds no ledger that can be audited', async () => {
    const world = copy();
    await world.apply();
    const runner = host(world, '--depth', '1', '--no-single-branch');
    expect(await codeOf(runner.audit())).toBe('E_GIT_SHALLOW');
    // Whoever grants from there would not know what was granted before.
    await codeOf(runner.apply());
    expect(world.calls('grant')).toHaveLength(1);
    expect((await world.peek()).intents).toHaveLength(1);
  });

  it('[G7] a partial clone fetches nothing on its own', async () => {
    const world = copy();
    await world.apply();
    stockGit(world.remote ?? '', 'config', 'uploadpack.allowFilter', 'true');
    const runner = host(world, '--filter=blob:none', '--no-checkout');
    expect(await codeOf(runner.audit())).toBe('E_GIT_PARTIAL');
    expect(await codeOf(runner.apply())).toBe('E_GIT_PARTIAL');
    expect(world.calls('grant')).toHaveLength(1);
  });

  it('[G20] an object whose bytes are not what its name says', async () => {
    const world = copy();
    const oid = world.git('rev-parse', `HEAD:${requestPath(ready)}`).trim();
    explode(world);
    const path = join(world.dir, '.git/objects', oid.slice(0, 2), oid.slice(2));
    const honest = inflateSync(readFileSync(path)).toString('utf8');
    const forged = honest.replace('duration: 30m', 'duration: 80m');
    expect(forged).not.toBe(honest);
    rmSync(path);
    writeFileSync(path, deflateSync(forged));
    // Plain git believes it.
    expect(world.git('cat-file', 'blob', oid)).toContain('duration: 80m');
    const run = await world.apply();
    expect({ codes: codesOf(run), exit: exitOfRun(run) }).toEqual({
      codes: ['E_APR_DIGEST'],
      exit: EXIT.refused,
    });
    await nothingGranted(world);
  });

  /** Every object on its own, so that one can be bent. */
  function explode(world: World): void {
    const packs = join(world.dir, '.git/objects/pack');
    for (const name of readdirSync(packs).filter((one) => one.endsWith('.pack'))) {
      const pack = readFileSync(join(packs, name));
      for (const one of readdirSync(packs)) rmSync(join(packs, one), { force: true });
      spawnSync('git', ['unpack-objects', '-q'], { cwd: world.dir, input: pack });
    }
  }
});
