/**
 * What others can put into Git, and where. `OBJECTS` makes one hostile commit each from the files that honestly stand in
 * a place; `PLACES` says where it goes; `REFS` is what else than a commit a branch of the remote may be, as a server that
 * checks nothing would take it; `CLONES` is what may be wrong with the clone itself and the machine around it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { World } from '../crash/access-repository.ts';
import { inTreeOrder, type TreeLine, writeObject, writeRef, writeTree } from './loose-objects.ts';

export interface Stuff {
  /** Of the remote. */
  readonly gitDir: string;
  /** What stands there honestly; the first one is the file that pam reads first. */
  readonly lines: readonly TreeLine[];
  readonly parents: readonly string[];
}

/** The object that the ref shall point at. */
export type MakeObject = (stuff: Stuff) => string;

const WHO = 'mallory <m@m> 1795000000 +0000';

function commitOf({ gitDir, parents }: Stuff, tree: string, message = 'x\n', more = ''): string {
  const head = [
    `tree ${tree}`,
    ...parents.map((one) => `parent ${one}`),
    `author ${WHO}`,
    `committer ${WHO}`,
  ];
  return writeObject(gitDir, 'commit', `${head.join('\n')}\n${more}\n${message}`);
}

const lineOf = ({ lines }: Stuff): TreeLine => lines[0] ?? { mode: '100644', name: 'x', oid: '0'.repeat(40) };

/** The files, the first of them changed. */
const withFirst =
  (change: (line: TreeLine, stuff: Stuff) => TreeLine): MakeObject =>
  (stuff) => {
    const first = lineOf(stuff);
    const rest = stuff.lines.filter((one) => one !== first);
    return commitOf(stuff, writeTree(stuff.gitDir, inTreeOrder([...rest, change(first, stuff)])));
  };

const withMore =
  (more: (stuff: Stuff) => readonly TreeLine[]): MakeObject =>
  (stuff) =>
    commitOf(stuff, writeTree(stuff.gitDir, inTreeOrder([...stuff.lines, ...more(stuff)])));

const ofSize = (bytes: number): MakeObject =>
  withFirst((line, { gitDir }) => ({ ...line, oid: writeObject(gitDir, 'blob', Buffer.alloc(bytes, 'x')) }));

const NOWHERE = 'deadbeef'.repeat(5);
const MODES = ['1', '44', '644', '0644', '40755', '100664', '100755', '0100644', '1100644', '777777', '0'];
const NAMES = ['.', '..', '.git', 'a/b', '', '\n', ' ', '-x', '\u001b[2J', 'n'.repeat(5000)];
/** Below, at and above the limits of a statement, a request, a policy file and an entry. */
const SIZES = [
  0,
  8 * 1024,
  8 * 1024 + 1,
  16 * 1024 + 1,
  256 * 1024 + 1,
  1024 * 1024,
  1024 * 1024 + 1,
  3_000_000,
];

export const OBJECTS: ReadonlyMap<string, MakeObject> = new Map<string, MakeObject>([
  ...MODES.map((mode): [string, MakeObject] => [`mode ${mode}`, withFirst((line) => ({ ...line, mode }))]),
  ...MODES.map((mode): [string, MakeObject] => [
    `mode ${mode} beside it`,
    withMore((stuff) => [{ mode, name: 'zz', oid: lineOf(stuff).oid }]),
  ]),
  ...NAMES.map((name): [string, MakeObject] => [
    `name ${JSON.stringify(name.slice(0, 8))}`,
    withMore((stuff) => [{ mode: '100644', name, oid: lineOf(stuff).oid }]),
  ]),
  ...SIZES.map((size): [string, MakeObject] => [`${size} bytes`, ofSize(size)]),
  ['a link', withFirst((line) => ({ ...line, mode: '120000' }))],
  [
    'a link to /dev/zero',
    withFirst((line, { gitDir }) => ({
      ...line,
      mode: '120000',
      oid: writeObject(gitDir, 'blob', '/dev/zero'),
    })),
  ],
  ['a submodule', withFirst((line) => ({ ...line, mode: '160000', oid: NOWHERE }))],
  [
    'a directory of that name',
    withFirst((line, { gitDir, lines }) => ({ ...line, mode: '40000', oid: writeTree(gitDir, lines) })),
  ],
  ['a directory that is a file', withFirst((line) => ({ ...line, mode: '40000' }))],
  [
    'a file that is a directory',
    withFirst((line, { gitDir, lines }) => ({ ...line, oid: writeTree(gitDir, lines) })),
  ],
  [
    'a file that is a commit',
    withFirst((line, stuff) => ({ ...line, oid: commitOf(stuff, writeTree(stuff.gitDir, [])) })),
  ],
  ['NULs', withFirst((line, { gitDir }) => ({ ...line, oid: writeObject(gitDir, 'blob', '\0\0{}\0\n') }))],
  ['the name twice', withMore((stuff) => [lineOf(stuff)])],
  [
    'out of order',
    (stuff) => commitOf(stuff, writeTree(stuff.gitDir, [...inTreeOrder(stuff.lines)].reverse())),
  ],
  ['nothing', (stuff) => commitOf(stuff, writeTree(stuff.gitDir, []))],
  [
    'half a tree',
    (stuff) =>
      commitOf(stuff, writeObject(stuff.gitDir, 'tree', Buffer.from('100644 entry.json\0abc', 'latin1'))),
  ],
  ['a tree of anything', (stuff) => commitOf(stuff, writeObject(stuff.gitDir, 'tree', 'x'.repeat(999)))],
  [
    'ten thousand files',
    withMore(({ gitDir }) => {
      const oid = writeObject(gitDir, 'blob', 'x');
      return Array.from({ length: 10_000 }, (_, at) => ({ mode: '100644', name: `z${at}`, oid }));
    }),
  ],
  [
    'three hundred directories deep',
    withMore(({ gitDir, lines }) => {
      let oid: string = writeTree(gitDir, inTreeOrder(lines));
      for (let depth = 0; depth < 300; depth++) oid = writeTree(gitDir, [{ mode: '40000', name: 'd', oid }]);
      return [{ mode: '40000', name: 'zdeep', oid }];
    }),
  ],
  [
    'no parents',
    (stuff) => commitOf({ ...stuff, parents: [] }, writeTree(stuff.gitDir, inTreeOrder(stuff.lines))),
  ],
  [
    'the parent a thousand times',
    (stuff) => {
      const parents = Array.from({ length: 1000 }, () => stuff.parents[0] ?? '').filter(Boolean);
      return commitOf({ ...stuff, parents }, writeTree(stuff.gitDir, inTreeOrder(stuff.lines)));
    },
  ],
  ['a copy', (stuff) => commitOf(stuff, writeTree(stuff.gitDir, inTreeOrder(stuff.lines)))],
  [
    'a long message',
    (stuff) => commitOf(stuff, writeTree(stuff.gitDir, inTreeOrder(stuff.lines)), 'x'.repeat(2_000_000)),
  ],
  [
    'a NUL in the message',
    (stuff) => commitOf(stuff, writeTree(stuff.gitDir, inTreeOrder(stuff.lines)), 'a\0b\n'),
  ],
  [
    'headers that nobody knows',
    (stuff) =>
      commitOf(
        stuff,
        writeTree(stuff.gitDir, inTreeOrder(stuff.lines)),
        'x\n',
        'encoding UTF-16\nx y\ngpgsig -\n z\n',
      ),
  ],
  [
    'a commit with nobody',
    (stuff) => {
      const { gitDir, lines, parents } = stuff;
      const tree = writeTree(gitDir, inTreeOrder(lines));
      return writeObject(
        gitDir,
        'commit',
        `tree ${tree}\n${parents.map((one) => `parent ${one}\n`).join('')}\n`,
      );
    },
  ],
]);

/** Above every limit, and slow to make: each for itself only. */
export const LARGE: ReadonlyMap<string, MakeObject> = new Map<string, MakeObject>([
  [
    'a tree above sixteen megabytes',
    (stuff) => {
      const { gitDir, lines } = stuff;
      const oid = Buffer.from(writeObject(gitDir, 'blob', 'x'), 'hex');
      const honest = inTreeOrder(lines).map((one) =>
        Buffer.concat([Buffer.from(`${one.mode} ${one.name}\0`), Buffer.from(one.oid, 'hex')]),
      );
      const more = Array.from({ length: 500_000 }, (_, at) =>
        Buffer.concat([Buffer.from(`100644 z${String(at).padStart(7, '0')}\0`), oid]),
      );
      return commitOf(stuff, writeObject(gitDir, 'tree', Buffer.concat([...honest, ...more])));
    },
  ],
  [
    'half a million parents',
    (stuff) => {
      const parents = Array.from({ length: 500_000 }, () => stuff.parents[0] ?? '').filter(Boolean);
      return commitOf({ ...stuff, parents }, writeTree(stuff.gitDir, inTreeOrder(stuff.lines)));
    },
  ],
]);

export type Place = 'ledger' | 'main' | 'statement' | 'pam-krl';
export const PLACES: readonly Place[] = ['ledger', 'main', 'statement', 'pam-krl'];

/** A repository, and stock git to look into it. */
type Remote = Pick<World, 'remote' | 'git'>;

/** Puts these objects there: one on top of the other, or side by side. @returns the commits */
export function plantAll(
  world: Remote,
  place: Place,
  makers: readonly (readonly [string, MakeObject])[],
  topic: string,
): readonly string[] {
  const gitDir = world.remote ?? '';
  const made: string[] = [];
  const branch = { ledger: 'pam-ledger', main: 'main', statement: 'main', 'pam-krl': 'main' }[place];
  const tip = world.git('ls-remote', gitDir, `refs/heads/${branch}`).split('\t')[0] ?? '';
  const honest = linesOf(world, gitDir, tip);
  const blob = honest.find(({ mode }) => mode === '100644')?.oid ?? '';
  const file = (name: string): TreeLine => ({ mode: '100644', name, oid: blob });
  const lines = {
    ledger: honest,
    main: [...honest].sort((a) => (a.name === 'pam.yaml' ? -1 : 1)),
    statement: ['statement', 'statement.sig'].map(file),
    'pam-krl': [file('krl')],
  }[place];
  let below = tip;
  for (const [at, [, make]] of makers.entries()) {
    const stacked = place === 'ledger' || place === 'main';
    const oid = make({ gitDir, lines, parents: stacked ? [below] : [] });
    made.push(oid);
    below = oid;
    const ref = {
      ledger: 'pam-ledger',
      main: 'main',
      statement: `pam-statements/${topic}.${String(at).padStart(16, '0')}`,
      'pam-krl': at === 0 ? 'pam-krl' : `pam-krl-${at}`,
    }[place];
    writeRef(gitDir, `refs/heads/${ref}`, oid);
  }
  return made;
}

/** What a ref may hold instead of a commit. */
export const REFS: ReadonlyMap<string, (gitDir: string, commit: string) => string> = new Map([
  ['a blob', (gitDir: string) => writeObject(gitDir, 'blob', '{}')],
  ['a tree', (gitDir: string) => writeTree(gitDir, [])],
  ['a tag', (gitDir: string, commit: string) => tagOf(gitDir, 'commit', commit)],
  ['a tag of a blob', (gitDir: string) => tagOf(gitDir, 'blob', writeObject(gitDir, 'blob', '{}'))],
  [
    'a tag of a tag of a tag',
    (gitDir: string, commit: string) =>
      tagOf(gitDir, 'tag', tagOf(gitDir, 'tag', tagOf(gitDir, 'commit', commit))),
  ],
  ['a tag of anything', (gitDir: string) => writeObject(gitDir, 'tag', 'object x\n\0')],
]);

const tagOf = (gitDir: string, type: string, oid: string): string =>
  writeObject(gitDir, 'tag', `object ${oid}\ntype ${type}\ntag x\ntagger ${WHO}\n\nx\n`);

/** Such a branch, in that place of the remote. */
export function plantRef(world: Remote, place: Place, name: string, topic: string): void {
  const gitDir = world.remote ?? '';
  const branch = { ledger: 'pam-ledger', main: 'main', statement: 'main', 'pam-krl': 'main' }[place];
  const tip = world.git('ls-remote', gitDir, `refs/heads/${branch}`).split('\t')[0] ?? '';
  const ref = {
    ledger: 'pam-ledger',
    main: 'main',
    statement: `pam-statements/${topic}.${'0'.repeat(16)}`,
    'pam-krl': 'pam-krl',
  }[place];
  writeRef(gitDir, `refs/heads/${ref}`, REFS.get(name)?.(gitDir, tip) ?? '');
}

export function linesOf(world: Pick<World, 'git'>, gitDir: string, commit: string): readonly TreeLine[] {
  const out = world.git('--git-dir', gitDir, 'ls-tree', '-z', commit);
  return out
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [info = '', name = ''] = line.split('\t');
      const [mode = '', , oid = ''] = info.split(' ');
      return { mode: mode.replace(/^0/u, ''), name, oid };
    });
}

/** Files of the clone's git directory, and of its work tree. */
const inGit = (world: World, ...path: readonly string[]): string => join(world.dir, '.git', ...path);

function cloneAnew(world: World, ...args: readonly string[]): void {
  rmSync(world.dir, { recursive: true });
  const env = { PATH: process.env['PATH'] ?? '', HOME: join(world.home, 'user'), GIT_CONFIG_NOSYSTEM: '1' };
  execFileSync('git', ['clone', '-q', ...args, `file://${world.remote ?? ''}`, world.dir], { env });
  world.git('remote', 'set-url', 'origin', world.remote ?? '');
}

function inPlaceOf(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true, force: true });
  make(path);
}

const pipe = (at: string): void => {
  mkdirSync(dirname(at), { recursive: true });
  execFileSync('mkfifo', [at]);
};

/** What may lie where git keeps a ref. */
function refFiles(): ReadonlyMap<string, (path: string) => void> {
  const file = (text: string) => (path: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  return new Map([
    ['empty', file('')],
    ['no id', file('\0\0\n')],
    ['an id of noughts', file(`${'0'.repeat(40)}\n`)],
    ['an object that is not here', file(`${NOWHERE}\n`)],
    ['a ref to itself', file('ref: refs/remotes/origin/zz\n')],
    ['large', file('x'.repeat(3_000_000))],
    ['a pipe', pipe],
    [
      'a link to /dev/zero',
      (path: string) => {
        mkdirSync(dirname(path), { recursive: true });
        symlinkSync('/dev/zero', path);
      },
    ],
    ['a directory', (path: string) => void mkdirSync(path, { recursive: true })],
  ]);
}

/** What may be wrong with the clone in which a sweep runs, and with the machine around it. */
export const CLONES: ReadonlyMap<string, (world: World) => void> = new Map([
  ['as it should be', () => undefined],
  [
    'without main',
    (world: World) => {
      world.git('checkout', '-q', '--detach');
      world.git('branch', '-q', '-D', 'main');
      world.git('update-ref', '-d', 'refs/remotes/origin/main');
      world.git('--git-dir', world.remote ?? '', 'update-ref', '-d', 'refs/heads/main');
    },
  ],
  ['a detached HEAD', (world: World) => void world.git('checkout', '-q', '--detach')],
  [
    'in the middle of a merge',
    (world: World) => {
      writeFileSync(inGit(world, 'MERGE_HEAD'), `${world.git('rev-parse', 'HEAD')}\n`);
      writeFileSync(
        join(world.dir, 'pam.yaml'),
        '<<<<<<< HEAD\nversion: 1\n=======\nversion: 1\n>>>>>>> x\n',
      );
    },
  ],
  ['a shallow clone', (world: World) => cloneAnew(world, '--depth', '1')],
  ['a bare clone', (world: World) => cloneAnew(world, '--bare')],
  ['no remote there', (world: World) => rmSync(world.remote ?? '', { recursive: true })],
  ['no tracking refs', (world: World) => inPlaceOf(inGit(world, 'refs', 'remotes'), () => undefined)],
  [
    'packed-refs of anything',
    (world: World) =>
      writeFileSync(inGit(world, 'packed-refs'), '# pack-refs with: peeled\nxx refs/heads/x\n'),
  ],
  [
    'pam.yaml is a link',
    (world: World) => inPlaceOf(join(world.dir, 'pam.yaml'), (at) => symlinkSync('/dev/zero', at)),
  ],
  [
    'pam.yaml is a directory',
    (world: World) => inPlaceOf(join(world.dir, 'pam.yaml'), (at) => mkdirSync(at)),
  ],
  [
    'pam.yaml is a pipe',
    (world: World) => inPlaceOf(join(world.dir, 'pam.yaml'), (at) => void execFileSync('mkfifo', [at])),
  ],
  [
    'pam.yaml is large',
    (world: World) => writeFileSync(join(world.dir, 'pam.yaml'), 'x: '.repeat(1_000_000)),
  ],
  [
    'pam.yaml names another place',
    (world: World) =>
      writeFileSync(
        join(world.dir, 'pam.yaml'),
        'version: 1\nforge: { kind: git, remote: nowhere }\nledger: no\n',
      ),
  ],
  [
    'the newest entry is broken on disk',
    (world: World) => {
      const oid = world.git('rev-parse', 'refs/remotes/origin/pam-ledger:entry.json');
      // Git asks packs first, so this is broken only where the object lies alone; then the pack goes as well.
      const path = inGit(world, 'objects', oid.slice(0, 2), oid.slice(2));
      inPlaceOf(path, (at) => writeFileSync(at, 'broken'));
    },
  ],
  ...[...refFiles()].map(([what, make]): [string, (world: World) => void] => [
    `the ledger's tracking ref is ${what}`,
    (world) => inPlaceOf(inGit(world, 'refs', 'remotes', 'origin', 'pam-ledger'), make),
  ]),
  ...[...refFiles()].map(([what, make]): [string, (world: World) => void] => [
    `beside the tracking refs lies ${what}`,
    (world) => inPlaceOf(inGit(world, 'refs', 'remotes', 'origin', 'zz'), make),
  ]),
  ...[...refFiles()].map(([what, make]): [string, (world: World) => void] => [
    `among the statements lies ${what}`,
    (world) => inPlaceOf(inGit(world, 'refs', 'remotes', 'origin', 'pam-statements', 'zz'), make),
  ]),
  [
    'packs of anything',
    (world: World) => {
      for (const end of ['pack', 'idx', 'rev'])
        writeFileSync(inGit(world, 'objects', 'pack', `pack-${'a'.repeat(40)}.${end}`), 'x'.repeat(2000));
    },
  ],
  ['an index of anything', (world: World) => writeFileSync(inGit(world, 'index'), 'x'.repeat(2000))],
  ['shallow of anything', (world: World) => writeFileSync(inGit(world, 'shallow'), 'x\n\0')],
  ['shallow is a pipe', (world: World) => inPlaceOf(inGit(world, 'shallow'), pipe)],
  [
    'hooks that never end',
    (world: World) => {
      for (const name of ['pre-push', 'reference-transaction', 'post-checkout'])
        inPlaceOf(inGit(world, 'hooks', name), (at) =>
          writeFileSync(at, '#!/bin/sh\nsleep 1000\n', { mode: 0o755 }),
        );
    },
  ],
  [
    'temporary files go nowhere',
    (world: World) => {
      // The same object is the environment of every desk of this world.
      Object.assign(world.env, { TMPDIR: '/nowhere/at/all' });
    },
  ],
  [
    'nothing can be remembered',
    (world: World) => {
      const state = world.env['XDG_STATE_HOME'] ?? '';
      inPlaceOf(state, (at) => writeFileSync(at, ''));
    },
  ],
]);

/** Clones that no git may be asked to read: it would wait, or never end. */
export const CLOSED: ReadonlyMap<string, (world: World) => void> = new Map([
  [
    'a pipe among the objects',
    (world: World) => inPlaceOf(inGit(world, 'objects', 'ab', 'c'.repeat(38)), pipe),
  ],
  [
    'alternates of anything',
    (world: World) =>
      writeFileSync(inGit(world, 'objects', 'info', 'alternates'), '/dev/zero\n\0\n../../..\n'),
  ],
  ['config is a pipe', (world: World) => inPlaceOf(inGit(world, 'config'), pipe)],
  [
    'config is a link to /dev/zero',
    (world: World) => inPlaceOf(inGit(world, 'config'), (at) => symlinkSync('/dev/zero', at)),
  ],
  ['HEAD is a pipe', (world: World) => inPlaceOf(inGit(world, 'HEAD'), pipe)],
]);
