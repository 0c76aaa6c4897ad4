/**
 * Trees, blobs and commits that anybody may push, as loose objects in a real repository: each is answered for by itself,
 * and what stands beside it is read as ever.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { branchPlace } from '../../src/forges/branch-place.ts';
import { statementBranch, statementBranches } from '../../src/forges/statement-branches.ts';
import { requestsOnMain } from '../../src/flows/gather/requests-on-main.ts';
import { openRepository } from '../../src/git/repository.ts';
import { isUnreadable, type Repository, type TreeEntry, type Unreadable } from '../../src/model/git.ts';
import { type Oid, requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import { inTreeOrder, type TreeLine, writeObject, writeRef, writeTree } from '../fuzz/loose-objects.ts';
import { codeOf, env, git, instant, oidOf, tempDir, utf8 } from './git-workbench.ts';

let dir: string;
let repository: Repository;
let blob: Oid;
/** What stands beside everything odd. */
let good: Oid;
const NOWHERE = oidOf('1'.repeat(40));

beforeAll(async () => {
  const work = tempDir();
  git(work, 'init', '-q', '-b', 'main');
  dir = join(work, '.git');
  repository = await openRepository(work, env);
  blob = writeObject(dir, 'blob', 'x\n');
  good = writeTree(dir, [{ mode: '100644', name: 'a', oid: blob }]);
});

const entry = (mode: string, name: string, oid: string = blob): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(oid, 'hex')]);
const tree = (...entries: readonly Buffer[]): Oid => writeObject(dir, 'tree', Buffer.concat(entries));

const saidOf = (found: readonly TreeEntry[] | Unreadable): unknown =>
  isUnreadable(found) ? found.unreadable : found.map(({ mode, path }) => `${mode} ${path}`);

/** What is read at `path` of an odd tree, while good ones on both sides of it are read as ever. */
async function readBeside(odd: Oid, path = 'a', treeBytes?: number): Promise<string | undefined> {
  const wanted = [good, odd, good, odd, good].map((treeish) => ({
    treeish,
    path: treeish === odd ? path : 'a',
  }));
  const bounds = treeBytes === undefined ? {} : { treeBytes };
  const [one, first, two, second, three] = (await repository.read(wanted, 100, bounds)).map(utf8);
  expect([one, two, three]).toEqual(['x\n', 'x\n', 'x\n']);
  expect(second).toBe(first);
  return first;
}

describe('[X1] trees that no honest git writes', () => {
  /** One to seven octal digits; what git makes of them is the file type alone. */
  const modes = [
    '6',
    '44',
    '644',
    '0644',
    '10644',
    '100644',
    '0100644',
    '7100644',
    '40000',
    '040000',
    '0040000',
  ];
  it.each([...modes, '120777', '0120000', '160000', '7777777', '0', '00000000100644'])(
    'an entry of mode %s is an entry like git reads it, and the others are read',
    async (mode) => {
      const odd = tree(
        entry('100644', 'a'),
        entry(mode, 'b', /^0*4/u.test(mode) && mode.length > 4 ? good : blob),
      );
      expect(await readBeside(odd)).toBe('x\n');
      const value = mode.length > 7 ? 0 : Number.parseInt(mode, 8) & 0o170000;
      const known = { [0o100000]: '100644 b', [0o120000]: '120000 b', [0o040000]: '100644 b/a' }[value];
      expect(saidOf(await repository.list(odd, ''))).toEqual(['100644 a', known ?? '160000 b']);
    },
  );

  it.each<readonly [string, (good: Buffer) => Buffer]>([
    ['cut in an id', (whole) => whole.subarray(0, -1)],
    ['cut in a name', (whole) => Buffer.concat([whole, Buffer.from('100644 b')])],
    ['a mode alone', (whole) => Buffer.concat([whole, Buffer.from('100644')])],
    ['no mode', (whole) => Buffer.concat([whole, entry('', 'b')])],
    ['a mode that is no number', (whole) => Buffer.concat([whole, entry('10x644', 'b')])],
    ['a mode with an eight', (whole) => Buffer.concat([whole, entry('100684', 'b')])],
    ['an empty name', (whole) => Buffer.concat([whole, entry('100644', '')])],
    ['NULs', (whole) => Buffer.concat([whole, Buffer.alloc(64)])],
    ['text', () => Buffer.from('{"version":1}\n')],
  ])('bytes that are no tree (%s) are unreadable, the others are read', async (_, make) => {
    const odd = writeObject(dir, 'tree', make(entry('100644', 'a')));
    expect(await readBeside(odd)).toBe('E_GIT_UNREADABLE');
    expect(saidOf(await repository.list(odd, ''))).toBe('E_GIT_UNREADABLE');
    const above = writeTree(dir, inTreeOrder([{ mode: '40000', name: 'odd', oid: odd }, line('a')]));
    expect(await readBeside(above, 'odd/a')).toBe('E_GIT_UNREADABLE');
    expect(await readBeside(above)).toBe('x\n');
    // It stands for itself, so that two that hold it are still alike.
    expect(saidOf(await repository.list(above, ''))).toEqual(['100644 a', '040000 odd']);
    expect(saidOf(await repository.list(above, 'odd'))).toBe('E_GIT_UNREADABLE');
  });

  const line = (name: string, oid: string = blob): TreeLine => ({ mode: '100644', name, oid });

  it('names: twice, with a slash, with dots, that are no UTF-8', async () => {
    const other = writeObject(dir, 'blob', 'y\n');
    const odd = tree(
      ...['a', 'a', 'b/c', '..', '.', '.git', '\xff\xfe', '\n', 'x'.repeat(5000)].map((name, at) =>
        entry('100644', name, at === 0 ? blob : other),
      ),
    );
    expect(await readBeside(odd)).toBe('x\n');
    expect(await readBeside(odd, 'b/c')).toBeUndefined();
    expect(saidOf(await repository.list(odd, ''))).toHaveLength(9);
  });

  it('one thing where another should be, and what the clone lacks', async () => {
    const commit = writeCommit([], good);
    const names: Readonly<Record<string, TreeLine>> = {
      'a blob as directory': { mode: '40000', name: 'a', oid: blob },
      'a tree as file': { mode: '100644', name: 'a', oid: good },
      'a commit as file': { mode: '100644', name: 'a', oid: commit },
      'a lost file': { mode: '100644', name: 'a', oid: NOWHERE },
      'a lost directory': { mode: '40000', name: 'a', oid: NOWHERE },
      'a submodule': { mode: '160000', name: 'a', oid: NOWHERE },
    };
    const told: Record<string, unknown> = {};
    for (const [what, item] of Object.entries(names)) {
      const odd = writeTree(dir, [item]);
      const listed = await repository.list(odd, '');
      const sizes = isUnreadable(listed) ? listed : listed.map(({ mode, size }) => `${mode} ${size}`);
      told[what] = [await readBeside(odd, item.mode === '40000' ? 'a/b' : 'a'), sizes];
    }
    expect(told).toEqual({
      'a blob as directory': ['E_GIT_UNREADABLE', ['040000 0']],
      'a tree as file': ['E_GIT_UNREADABLE', ['100644 null']],
      'a commit as file': ['E_GIT_UNREADABLE', ['100644 null']],
      'a lost file': ['E_GIT_PARTIAL', ['100644 null']],
      'a lost directory': ['E_GIT_PARTIAL', ['040000 0']],
      'a submodule': [undefined, ['160000 0']],
    });
    expect(await readBeside(NOWHERE)).toBe('E_GIT_PARTIAL');
    expect(await readBeside(blob)).toBe('E_GIT_UNREADABLE');
    expect(saidOf(await repository.list(NOWHERE, ''))).toBe('E_GIT_PARTIAL');
  });
});

describe('[X2] sizes around each limit', () => {
  it('a blob, a tree, a list: as much as may be is read, one more is that one thing too large', async () => {
    for (const [size, said] of [
      [99, 'y'.repeat(99)],
      [100, 'y'.repeat(100)],
      [101, 'E_GIT_SIZE'],
      [70_000, 'E_GIT_SIZE'],
      [3_000_000, 'E_GIT_SIZE'],
    ] as const) {
      const file = writeObject(dir, 'blob', 'y'.repeat(size));
      expect(await readBeside(tree(entry('100644', 'a', file)))).toBe(said);
    }
    for (const count of [3, 4, 5, 3000]) {
      const items = Array.from({ length: count }, (_, n) =>
        entry('100644', `f${String(n).padStart(4, '0')}`),
      );
      const bytes = Buffer.concat(items).length;
      const odd = tree(...items);
      expect(await readBeside(odd, 'f0000', bytes)).toBe('x\n');
      expect(await readBeside(odd, 'f0000', Math.max(64, bytes - 1))).toBe('E_GIT_SIZE');
      expect(saidOf(await repository.list(odd, '', { entries: 4 }))).toEqual(
        count <= 4 ? items.map((_, n) => `100644 f000${n}`) : 'E_GIT_SIZE',
      );
    }
  });

  it('a root of more than 16 MiB, and one tree in a million places', async () => {
    const items = Array.from({ length: 420_000 }, (_, n) => entry('100644', String(n).padStart(12, '0')));
    const large = writeObject(dir, 'tree', Buffer.concat(items));
    expect(await readBeside(large)).toBe('E_GIT_SIZE');
    expect(saidOf(await repository.list(large, ''))).toBe('E_GIT_SIZE');
    let bomb = good;
    const wide = (oid: Oid): Oid =>
      writeTree(
        dir,
        Array.from({ length: 1000 }, (_, n) => ({ mode: '40000', name: `d${n + 1000}`, oid })),
      );
    for (let depth = 0; depth < 4; depth++) bomb = wide(bomb);
    expect(saidOf(await repository.list(bomb, ''))).toBe('E_GIT_SIZE');
    expect(await readBeside(bomb, 'd1000/d1000/d1000/d1000/a')).toBe('x\n');
    let deep = good;
    for (let depth = 0; depth < 300; depth++)
      deep = writeTree(dir, [{ mode: '40000', name: 'd', oid: deep }]);
    expect(saidOf(await repository.list(deep, ''))).toEqual([`040000 ${'d/'.repeat(64)}d`]);
  }, 60_000);
});

describe('[X3] broken objects, and a git that is broken itself', () => {
  /** A loose object that says what it is and holds something else. */
  function broken(): Oid {
    const oid = oidOf(createHash('sha1').update(String(Math.random())).digest('hex'));
    mkdirSync(join(dir, 'objects', oid.slice(0, 2)), { recursive: true });
    const whole = join(dir, 'objects', blob.slice(0, 2), blob.slice(2));
    writeFileSync(join(dir, 'objects', oid.slice(0, 2), oid.slice(2)), git(dir, 'hash-object', whole));
    return oid;
  }

  it('each is unreadable, the ones between are read', async () => {
    const trees = Array.from({ length: 20 }, () => tree(entry('100644', 'a', broken())));
    const wanted = trees.flatMap((treeish) => [treeish, good]).map((treeish) => ({ treeish, path: 'a' }));
    const read = (await repository.read(wanted, 100)).map(utf8);
    expect(read.filter((one) => one === 'x\n')).toHaveLength(20);
    expect(read.filter((one) => one?.startsWith('E_GIT_'))).toHaveLength(20);
    expect(await readBeside(broken())).toMatch(/^E_GIT_/u);
  }, 60_000);

  it('a git that answers nothing is an error, never "no such file"', async () => {
    const bin = tempDir();
    const real = git(dir, '--exec-path');
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\ncase "$*" in *cat-file*) exit 1;; esac\nexec ${real}/git "$@"\n`,
    );
    chmodSync(join(bin, 'git'), 0o755);
    const deaf = await openRepository(join(dir, '..'), { ...env, PATH: `${bin}:${env['PATH'] ?? ''}` });
    expect(await codeOf(deaf.read([{ treeish: good, path: 'a' }], 100))).toBe('E_RUN_ENDED');
    expect(await codeOf(deaf.list(good, ''))).toBe('E_RUN_ENDED');
  });
});

const WHEN = 'm <m@m> 1795000000 +0000';

function writeCommit(
  parents: readonly Oid[],
  root: Oid,
  more: Partial<Record<'who' | 'head' | 'text', string>> = {},
): Oid {
  const { who = `author ${WHEN}\ncommitter ${WHEN}\n`, head = '', text = 'x\n' } = more;
  const above = parents.map((one) => `parent ${one}\n`).join('');
  return writeObject(dir, 'commit', `tree ${root}\n${above}${who}${head}\n${text}`);
}

describe('[X4] commits that no honest git writes', () => {
  it('are walked over, whatever their header says', async () => {
    const odd: Partial<Record<'who' | 'head' | 'text', string>>[] = [
      { who: '' },
      { who: 'author\n' },
      { who: 'committer x <> 99999999999999999999999 +9999\nauthor y\n' },
      { who: `author m <m@m> -1 -9999\ncommitter ${'m'.repeat(100_000)} <m@m> 0 x\n` },
      { head: 'encoding UTF-16\n' },
      { head: 'encoding no-such\n', text: '\xff\n' },
      { head: `gpgsig -----BEGIN\n${' x\n'.repeat(1_000_000)}` },
      { head: 'x\0y\n' },
      { text: 'a\0b\n' },
      { text: '' },
      { text: '..\n' },
    ];
    let tip = writeCommit([], good, { text: 'first\n' });
    const made = [tip];
    for (const more of odd) made.push((tip = writeCommit([tip], good, more)));
    tip = writeCommit([tip], good, { text: 'last\n' });
    const walked = await repository.history(tip);
    expect(walked.map(({ oid }) => oid)).toEqual([...made, tip]);
    expect(walked.slice(1).map(({ parents }) => parents)).toEqual(made.map((one) => [one]));
    const messages = await repository.messages([...made, NOWHERE, blob, tip]);
    expect([messages.get(made[0] ?? tip), messages.get(tip)]).toEqual(['first\n', 'last\n']);
    expect([messages.has(NOWHERE), messages.has(blob)]).toEqual([false, false]);
    expect(await repository.isAncestor(made[0] ?? tip, tip)).toBe(true);
    expect(await repository.mergeBase(made[3] ?? tip, tip)).toBe(made[3]);
  });

  it('have as many parents as there are lines: two of them are told', async () => {
    const [one, two] = [writeCommit([], good), writeCommit([], good, { text: '2' })];
    const many = writeCommit([one, ...Array.from({ length: 100_000 }, () => two)], good);
    const tip = writeCommit([many], good);
    const walked = await repository.history(tip);
    expect(walked.slice(2).map(({ parents }) => parents.length)).toEqual([2, 1]);
    expect(walked.at(-2)?.parents).toEqual([one, two]);
    expect((await repository.commitLog(tip)).length).toBe(4);
    expect((await repository.messages([many, tip])).size).toBe(1);
    const merge = writeCommit([one, two], good);
    expect((await repository.history(merge)).at(-1)?.parents).toEqual([one, two]);
  }, 60_000);
});

describe('[X6] statement branches', () => {
  const TOPIC = '20261122-reader-abcdef';
  const OTHER = '20261122-reader-uvwxyz';
  const statement = (text: string): Oid =>
    writeTree(dir, [
      { mode: '100644', name: 'statement', oid: writeObject(dir, 'blob', text) },
      { mode: '100644', name: 'statement.sig', oid: writeObject(dir, 'blob', 'sig') },
    ]);

  it('one odd branch never silences another, of any topic; one that was lost here is told', async () => {
    const right = { mode: '100644', name: 'statement', oid: writeObject(dir, 'blob', 'odd') };
    const odd = [
      tree(entry('644', 'a')),
      tree(entry('100644', 'statement'), Buffer.from('cut')),
      tree(...Array.from({ length: 100_000 }, (_, n) => entry('100644', `f${n}`))),
      writeTree(dir, [right, { mode: '40000', name: 'statement.sig', oid: good }]),
      writeTree(dir, [right, { mode: '100644', name: 'statement.sig', oid: good }]),
      writeTree(dir, [right, { mode: '160000', name: 'statement.sig', oid: NOWHERE }]),
      writeTree(dir, [
        right,
        { ...right, name: 'statement.sig', oid: writeObject(dir, 'blob', 'z'.repeat(200_000)) },
      ]),
      blob,
    ];
    const ref = (topic: string, text: string): string => `refs/heads/${statementBranch(topic, text)}`;
    for (const [at, root] of odd.entries())
      writeRef(
        dir,
        `refs/heads/pam-statements/${TOPIC}.${String(at).padStart(16, '0')}`,
        root === blob ? root : writeCommit([], root),
      );
    writeRef(dir, ref(TOPIC, 'stop'), writeCommit([], statement('stop')));
    writeRef(dir, ref(OTHER, 'other'), writeCommit([], statement('other')));
    const branches = statementBranches(repository, branchPlace(repository, undefined), () => 0);
    const find = async (): Promise<unknown> => {
      const doubts: string[] = [];
      const found = await branches.find(
        [TOPIC, OTHER],
        (topic, { code }) => void doubts.push(`${topic} ${code}`),
      );
      return [...[...found.values()].map((all) => all.map(({ signed }) => signed?.text)), doubts];
    };
    expect(await find()).toEqual([['stop'], ['other'], []]);
    const lost = writeTree(dir, [right, { ...right, name: 'statement.sig', oid: NOWHERE }]);
    writeRef(dir, ref(OTHER, 'odd'), writeCommit([], lost));
    expect(await find()).toEqual([['stop'], ['other'], [`${OTHER} E_GIT_PARTIAL`]]);
  });
});

describe('[X7] requests on main', () => {
  const DAY = '20261122';
  const id = (tail: string): RequestId => `${DAY}-reader-${tail}` as RequestId;
  const nameIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const text = (): Oid => writeObject(dir, 'blob', 'version: 1\n');

  function mainWith(month: Oid, year = '2026', mode = '40000'): Oid {
    const years = writeTree(dir, [{ mode, name: '11', oid: month }]);
    const requests = writeTree(dir, [{ mode: '40000', name: year, oid: years }]);
    return writeCommit([], writeTree(dir, [{ mode: '40000', name: 'requests', oid: requests }]));
  }
  const filesOf = (one: RequestId, yaml: Oid = text(), sig: Oid = blob): TreeLine[] => [
    { mode: '100644', name: nameIn(requestPath(one)), oid: yaml },
    { mode: '100644', name: nameIn(signaturePath(one)), oid: sig },
  ];
  const look = async (main: Oid, ids: readonly RequestId[] = []): Promise<unknown> => {
    const found = await requestsOnMain({ repository, branch: 'main' }, main, ids, [DAY]);
    return [found.candidates.map((one) => one.id), [...found.unread], found.faults.map(({ code }) => code)];
  };

  it('an odd file stops its own request, an odd directory those in it, and both are told', async () => {
    const beside = filesOf(id('aaaaaa'));
    const main = (...lines: readonly TreeLine[]): Oid =>
      mainWith(writeTree(dir, inTreeOrder([...beside, ...lines])));
    expect(await look(main(...filesOf(id('bbbbbb'))))).toEqual([[id('aaaaaa'), id('bbbbbb')], [], []]);
    expect(await look(main(...filesOf(id('bbbbbb'), NOWHERE)))).toEqual([
      [id('aaaaaa')],
      [id('bbbbbb')],
      ['E_GIT_PARTIAL'],
    ]);
    expect(await look(main(...filesOf(id('bbbbbb'), text(), good)))).toEqual([
      [id('aaaaaa')],
      [id('bbbbbb')],
      ['E_GIT_UNREADABLE'],
    ]);
    expect(await look(main({ mode: '644', name: 'zz', oid: NOWHERE }))).toEqual([[id('aaaaaa')], [], []]);
    const cut = writeObject(dir, 'tree', Buffer.concat([entry('100644', 'a'), Buffer.from('100')]));
    for (const month of [cut, blob, NOWHERE])
      expect(await look(mainWith(month), [id('cccccc'), '20251130-reader-dddddd' as RequestId])).toEqual([
        [],
        [id('cccccc')],
        [month === NOWHERE ? 'E_GIT_PARTIAL' : 'E_GIT_UNREADABLE'],
      ]);
    expect(await look(mainWith(good, '2025'))).toEqual([[], [], []]);
    expect(await look(mainWith(good, '2026', '100644'))).toEqual([[], [], []]);
    expect(await look(writeCommit([], cut), [id('cccccc')])).toEqual([
      [],
      [id('cccccc')],
      ['E_GIT_UNREADABLE'],
    ]);
  });
});

describe('[X8] writing on top of what a pusher made', () => {
  const onTop = async (base: Oid, path = 'requests/a'): Promise<Oid> =>
    await repository.writeCommit({
      parents: [],
      base,
      files: new Map([[path, Buffer.from('new')]]),
      message: 'm',
      author: 'a',
      at: instant('2026-11-22T18:00:00Z'),
    });

  it('odd entries stay as they are; a directory that cannot be read is named, and nothing is written', async () => {
    const odd = tree(entry('644', 'a'), entry('0040000', 'requests', good), entry('7777777', 'z'));
    const made = await onTop(odd);
    expect(utf8((await repository.read([{ treeish: made, path: 'requests/a' }], 9))[0])).toBe('new');
    expect(saidOf(await repository.list(made, ''))).toEqual(['160000 a', '100644 requests/a', '160000 z']);
    const cut = writeObject(dir, 'tree', 'cut');
    for (const oid of [cut, blob, NOWHERE]) {
      const below = writeTree(dir, [{ mode: '40000', name: 'requests', oid }]);
      await expect(onTop(below)).rejects.toMatchObject({
        code: oid === NOWHERE ? 'E_GIT_PARTIAL' : 'E_GIT_UNREADABLE',
        message: expect.stringMatching(/^requests\/ in .* cannot be read/u) as string,
        exit: 1,
      });
      // What is not gone into is taken over as it is.
      expect(saidOf(await repository.list(await onTop(below, 'b'), 'b'))).toEqual(['100644 b']);
      await expect(onTop(oid)).rejects.toMatchObject({ exit: 1 });
    }
  });
});
