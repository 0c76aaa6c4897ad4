/**
 * The house (DESIGN section 8): floors, one spawner, one clock, no drawer for leftovers. Every rule is also tried on
 * a small copy of the house with one planted violation, so that a rule that finds nothing cannot hide.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const FLOORS: Readonly<Record<string, number>> = {
  model: 0,
  trust: 1,
  rules: 1,
  files: 1.5,
  process: 1.5,
  github: 1.5,
  documents: 2,
  git: 2,
  forges: 2,
  targets: 2,
  sources: 2,
  signing: 2,
  memory: 2,
  notices: 2,
  flows: 3,
  // Apart: it types commands as a person would, so it imports nothing of the product.
  demo: 3,
  commands: 4,
  views: 4,
  'context.ts': 5,
  'main.ts': 5,
  'program.ts': 5,
  'audit-worker.ts': 5,
};
const ADAPTERS = 2;
/** Rooms of `flows/`, from the ground up. Two of one floor do not know each other. */
const FLOW_FLOORS: Readonly<Record<string, number>> = {
  'desk.ts': 0,
  'ledger/walk': 1,
  ledger: 2,
  gather: 3,
  'at-targets': 3,
  notices: 3,
  audit: 4,
  executor: 4,
  // A person with an executor at hand has it act at once.
  people: 5,
  doctor: 5,
  setup: 5,
};
const MOST_FILES_IN_A_ROOM = 12;
const SPAWNERS = ['process/run.ts', 'process/crew.ts', 'process/keep-open.ts', 'git/talk.ts', 'demo/tell.ts'];
/** `fs` functions that open a file to read it, or follow a directory's links. */
const OPENS =
  /\b(?:readFileSync|readFile|openSync|createReadStream|opendir|opendirSync)\b|\bopen\b[^;]*from 'node:fs|\brecursive: true, (?:withFileTypes|encoding)/u;
/** Files of the machine, or that a person named on the command line; none of them lies in a clone because others put it there. */
const OPENERS: Readonly<Record<string, string>> = {
  'files/plain-file.ts': 'the helper itself',
  'process/person-here.ts': 'the terminal of this process',
  'signing/key-file.ts': 'the key that a person or an executor named',
  'targets/ssh-ca/krl-file.ts': 'the list that the executor named, read where hosts read it',
  'targets/durable-file.ts': 'writes the files of a target',
  'targets/ssh-ca/issue-certificate.ts': 'a directory of its own, made a moment before',
  'targets/file-lock.ts': 'the lock beside the list',
  'targets/sudoers/sudoers-session.ts': 'the directory of the target',
  'targets/sudoers/sudoers-files.ts': 'the files of sudo on the host',
  'targets/ssh-ca/ssh-ca-config.ts': 'the public half of the key that the executor named',
  'github/access-token.ts': 'the key file of an app, named by the environment',
  'commands/audit.ts': 'a checkpoint that the auditor named',
  'commands/signing-options.ts': 'a statement that its signer named',
  'commands/vendored-program.ts': 'the running program; what lies in the clone goes through the helper',
  'demo/policy.ts': 'a world of its own',
};
/** Servers that a rule could be written for, and plain Git as a word that something is compared with. */
const FORGES = /git-?hub|gitlab|gitea|forgejo|bitbucket|'git'/iu;
const LEFTOVERS = /^(?:utils?|helpers?|common|shared|misc|index)(?:\.ts)?$/u;

interface File {
  /** Relative to `src`, with `/`. */
  readonly path: string;
  readonly code: string;
  readonly imports: readonly string[];
}

const roomOf = (path: string): string => path.split('/')[0] ?? path;
/** Of a file in `flows/`: the directory that it lies in, below `flows/`. */
const flowRoomOf = (path: string): string =>
  dirname(path) === 'flows' ? basename(path) : dirname(path).slice('flows/'.length);
const floorOf = (path: string): number | undefined => FLOORS[roomOf(path)];

function readHouse(src: string): readonly File[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const code = withoutComments(readFileSync(join(src, path), 'utf8'));
      const named = [...code.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/gu)].map(
        (match) => match[1] ?? '',
      );
      const imports = named.map((one) => (one.startsWith('.') ? normalize(join(dirname(path), one)) : one));
      return { path, code, imports };
    });
}

/** Line comments only where they begin a line or follow a blank: `https://` in a string stays. */
function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//gu, '').replace(/(^|\s)\/\/.*$/gmu, '$1');
}

const rules: Readonly<Record<string, (files: readonly File[], src: string) => readonly string[]>> = {
  'every room has a floor': (files) =>
    [...new Set(files.map(({ path }) => roomOf(path)))].filter((room) => !Object.hasOwn(FLOORS, room)),

  'imports only go down': (files) =>
    edges(files)
      .filter(([from, to]) => (floorOf(to) ?? 9) > (floorOf(from) ?? -1))
      .map(arrow),

  'every room of flows has a floor, and looks down': (files) => [
    ...files
      .filter(({ path }) => roomOf(path) === 'flows' && !Object.hasOwn(FLOW_FLOORS, flowRoomOf(path)))
      .map(({ path }) => path),
    ...edges(files)
      .filter(([from, to]) => roomOf(from) === 'flows' && roomOf(to) === 'flows')
      .filter(([from, to]) => flowRoomOf(from) !== flowRoomOf(to))
      .filter(([from, to]) => (FLOW_FLOORS[flowRoomOf(to)] ?? 9) >= (FLOW_FLOORS[flowRoomOf(from)] ?? -1))
      .map(arrow),
  ],

  'no room of flows is crowded': (files) => {
    const rooms = files.filter(({ path }) => roomOf(path) === 'flows').map(({ path }) => flowRoomOf(path));
    return [...new Set(rooms)].filter(
      (room) => rooms.filter((one) => one === room).length > MOST_FILES_IN_A_ROOM,
    );
  },

  'adapters do not know each other': (files) =>
    edges(files)
      .filter(
        ([from, to]) => floorOf(from) === ADAPTERS && floorOf(to) === ADAPTERS && roomOf(from) !== roomOf(to),
      )
      .map(arrow),

  'only commands and main show things': (files) =>
    edges(files)
      .filter(
        ([from, to]) =>
          roomOf(to) === 'views' && !['views', 'commands', 'main.ts', 'program.ts'].includes(roomOf(from)),
      )
      .map(arrow),

  'the demo knows nothing of the product, and only its command knows the demo': (files) =>
    edges(files)
      .filter(([from, to]) => (roomOf(from) === 'demo') !== (roomOf(to) === 'demo'))
      .filter(([from]) => from !== 'commands/demo.ts')
      .map(arrow),

  'no file imports itself, however long the way': (files) => cycles(edges(files)),

  'no room imports itself through another': (files) =>
    cycles(
      edges(files)
        .map(([from, to]): Edge => [roomOf(from), roomOf(to)])
        .filter(([from, to]) => from !== to),
    ),

  'floors 0 and 1 read nothing: no module but node:crypto': (files) =>
    files
      .filter(({ path }) => (floorOf(path) ?? 9) <= 1)
      .flatMap(({ path, imports }) =>
        imports
          .filter((one) => !one.endsWith('.ts') && one !== 'node:crypto')
          .map((one) => arrow([path, one])),
      ),

  'a file over 300 lines says at its head why it is one': (files, house) =>
    files
      .filter(({ path }) => {
        const text = readFileSync(join(house, path), 'utf8');
        return text.split('\n').length > 301 && !/^\/\*\*(?:(?!\*\/)[\s\S])*One file: /u.test(text);
      })
      .map(({ path }) => path),

  'no rule names a forge': (files) =>
    files
      .filter(({ path, code }) => ['rules', 'trust'].includes(roomOf(path)) && FORGES.test(code))
      .map(({ path }) => path),

  'one file starts programs': (files) =>
    files
      .filter(({ path }) => !SPAWNERS.includes(path))
      .filter(
        ({ code, imports }) =>
          imports.some((one) =>
            /^(?:node:)?(?:child_process|cluster|worker_threads)$|^simple-git$/u.test(one),
          ) || /\brequire\s*\(/u.test(code),
      )
      .map(({ path }) => path),

  'only main.ts reads clock, environment and arguments, and only it exits': (files) =>
    files
      .filter(({ path }) => path !== 'main.ts')
      // A helper that was let go has to go.
      .map((file) =>
        file.path === 'audit-worker.ts' ? { ...file, code: file.code.replace('process.exit()', '') } : file,
      )
      .flatMap(({ path, code }) =>
        [
          ...code.matchAll(
            /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bprocess\.(?:env|exit|exitCode|argv|cwd|hrtime|stdin|stdout|stderr)\b|\bperformance\.now\b/gu,
          ),
        ].map(([what]) => `${path}: ${what}`),
      ),

  'one file opens what a clone holds': (files) =>
    files
      .filter(({ path, code }) => !Object.hasOwn(OPENERS, path) && OPENS.test(code))
      .map(({ path }) => path),

  'only context.ts takes chance from the machine': (files) =>
    files
      .filter(({ path, code }) => path !== 'context.ts' && /\bMath\.random\b/u.test(code))
      .map(({ path }) => path),

  'nothing is ever forced': (files) =>
    files.filter(({ code }) => code.includes('--force')).map(({ path }) => path),

  'no drawer for leftovers and no barrel': (files) =>
    files.map(({ path }) => path).filter((path) => path.split('/').some((part) => LEFTOVERS.test(part))),

  'no any, no non-null cast of the type checker': (files) =>
    files
      .filter(({ code }) => /:\s*any\b|\bas any\b|<any>|@ts-(?:ignore|nocheck|expect-error)/u.test(code))
      .map(({ path }) => path),

  'every room is named in src/README.md': (files, src) => {
    const map = readFileSync(join(src, 'README.md'), 'utf8');
    return [...new Set(files.map(({ path }) => roomOf(path)))].filter(
      (room) => !new RegExp(`(?<![a-z-])${room.replace('.', '\\.')}(?![a-z-])`, 'u').test(map),
    );
  },
};

type Edge = readonly [from: string, to: string];
const arrow = ([from, to]: Edge): string => `${from} -> ${to}`;

/** Imports inside the house; `../package.json` and modules are none. */
function edges(files: readonly File[]): Edge[] {
  const known = new Set(files.map(({ path }) => path));
  return files.flatMap(({ path, imports }) =>
    imports.filter((one) => known.has(one)).map((one): Edge => [path, one]),
  );
}

function cycles(all: readonly Edge[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const [from, to] of all) next.set(from, (next.get(from) ?? new Set()).add(to));
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (at: string, way: readonly string[]): void => {
    if (way.includes(at)) {
      found.push([...way.slice(way.indexOf(at)), at].join(' -> '));
      return;
    }
    if (done.has(at)) return;
    for (const to of next.get(at) ?? []) walk(to, [...way, at]);
    done.add(at);
  };
  for (const at of next.keys()) walk(at, []);
  return found;
}

const src = fileURLToPath(new URL('../src', import.meta.url));
const ruleOf = (name: string): ((src: string) => readonly string[]) => {
  const rule = rules[name];
  if (rule === undefined) throw new Error(`there is no rule ${name}`);
  return (place) => rule(readHouse(place), place);
};

describe('the house stands', () => {
  test.each(Object.keys(rules))('%s', (name) => {
    expect(ruleOf(name)(src)).toEqual([]);
  });

  test('the map is of this house: most of it was read, and its imports were understood', () => {
    const files = readHouse(src);
    expect(files.length).toBeGreaterThan(100);
    expect(edges(files).length).toBeGreaterThan(400);
    const dangling = files.flatMap(({ path, imports }) =>
      imports
        .filter((one) => one.endsWith('.ts') && !files.some((file) => file.path === one))
        .map((one) => arrow([path, one])),
    );
    expect(dangling).toEqual([]);
  });
});

describe('each rule finds what breaks it', () => {
  const made: string[] = [];
  afterEach(() => {
    for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
  });

  function houseWith(path: string, code: string): string {
    const place = join(mkdtempSync(join(tmpdir(), 'pam-house-')), basename(src));
    made.push(dirname(place));
    cpSync(src, place, { recursive: true });
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), code);
    return place;
  }

  const planted: readonly (readonly [rule: string, path: string, code: string, found: string])[] = [
    ['every room has a floor', 'attic/box.ts', 'export {};', 'attic'],
    [
      'imports only go down',
      'rules/planted.ts',
      "import { sweep } from '../flows/executor/sweep.ts';",
      'rules/planted.ts -> flows/executor/sweep.ts',
    ],
    [
      'imports only go down',
      'model/planted.ts',
      "import type { Policy } from '../trust/keyring.ts';",
      'model/planted.ts -> trust/keyring.ts',
    ],
    [
      'imports only go down',
      'flows/planted.ts',
      "export const load = () => import('../context.ts');",
      'flows/planted.ts -> context.ts',
    ],
    [
      'imports only go down',
      'trust/planted.ts',
      "export { run } from '../process/run.ts';",
      'trust/planted.ts -> process/run.ts',
    ],
    [
      'every room of flows has a floor, and looks down',
      'flows/ledger/planted.ts',
      "import type { Standing } from '../gather/halts.ts';",
      'flows/ledger/planted.ts -> flows/gather/halts.ts',
    ],
    [
      'every room of flows has a floor, and looks down',
      'flows/gather/planted.ts',
      "import { openTarget } from '../at-targets/target-desk.ts';",
      'flows/gather/planted.ts -> flows/at-targets/target-desk.ts',
    ],
    [
      'every room of flows has a floor, and looks down',
      'flows/attic/box.ts',
      'export {};',
      'flows/attic/box.ts',
    ],
    [
      'adapters do not know each other',
      'git/planted.ts',
      "import '../memory/kept-heads.ts';",
      'git/planted.ts -> memory/kept-heads.ts',
    ],
    [
      'only commands and main show things',
      'context.ts',
      "import { line } from './views/escape.ts';",
      'context.ts -> views/escape.ts',
    ],
    [
      'the demo knows nothing of the product, and only its command knows the demo',
      'demo/planted.ts',
      "import { decide } from '../rules/decide.ts';",
      'demo/planted.ts -> rules/decide.ts',
    ],
    [
      'no file imports itself, however long the way',
      'model/names.ts',
      "import type { Instant } from './instant.ts'; import type { Request } from './request.ts';",
      'model/request.ts -> model/names.ts -> model/request.ts',
    ],
    [
      'no room imports itself through another',
      'trust/planted.ts',
      "import { decide } from '../rules/decide.ts';",
      'rules -> trust -> rules',
    ],
    [
      'floors 0 and 1 read nothing: no module but node:crypto',
      'rules/planted.ts',
      "import { readFileSync } from 'node:fs';",
      'rules/planted.ts -> node:fs',
    ],
    [
      'a file over 300 lines says at its head why it is one',
      'rules/planted.ts',
      `export {};${'\n'.repeat(301)}// One file: too late.`,
      'rules/planted.ts',
    ],
    [
      'no rule names a forge',
      'rules/planted.ts',
      "export const mine = (person) => person.accounts['github'];",
      'rules/planted.ts',
    ],
    [
      'no rule names a forge',
      'trust/planted.ts',
      "export const merges = ({ kind }) => kind === 'git';",
      'trust/planted.ts',
    ],
    [
      'one file starts programs',
      'targets/planted.ts',
      "import { spawn } from 'node:child_process';",
      'targets/planted.ts',
    ],
    [
      'one file starts programs',
      'git/planted.ts',
      "const load = () => import('simple-git');",
      'git/planted.ts',
    ],
    [
      'only main.ts reads clock, environment and arguments, and only it exits',
      'rules/planted.ts',
      'export const now = Date.now();',
      'rules/planted.ts: Date.now',
    ],
    [
      'only main.ts reads clock, environment and arguments, and only it exits',
      'flows/planted.ts',
      'export const at = new Date();',
      'flows/planted.ts: new Date()',
    ],
    [
      'only main.ts reads clock, environment and arguments, and only it exits',
      'views/planted.ts',
      "export const home = process.env['HOME'];",
      'views/planted.ts: process.env',
    ],
    [
      'only main.ts reads clock, environment and arguments, and only it exits',
      'commands/planted.ts',
      'process.exit(1);',
      'commands/planted.ts: process.exit',
    ],
    [
      'only main.ts reads clock, environment and arguments, and only it exits',
      'audit-worker.ts',
      "process.exit();\nexport const home = process.env['HOME'];",
      'audit-worker.ts: process.env',
    ],
    [
      'one file opens what a clone holds',
      'git/planted.ts',
      "import { readFileSync } from 'node:fs'; export const head = readFileSync('HEAD');",
      'git/planted.ts',
    ],
    [
      'one file opens what a clone holds',
      'flows/planted.ts',
      "import { open } from 'node:fs/promises'; export const head = await open('HEAD');",
      'flows/planted.ts',
    ],
    [
      'only context.ts takes chance from the machine',
      'flows/planted.ts',
      'export const luck = Math.random();',
      'flows/planted.ts',
    ],
    [
      'nothing is ever forced',
      'git/planted.ts',
      "export const args = ['push', '--force-with-lease'];",
      'git/planted.ts',
    ],
    ['no drawer for leftovers and no barrel', 'rules/helpers.ts', 'export {};', 'rules/helpers.ts'],
    ['no drawer for leftovers and no barrel', 'model/index.ts', 'export {};', 'model/index.ts'],
    [
      'no any, no non-null cast of the type checker',
      'rules/planted.ts',
      'export const loose = {} as any;',
      'rules/planted.ts',
    ],
  ];

  test.each(planted)('%s: %s', (rule, path, code, found) => {
    const before = ruleOf(rule)(src);
    const after = ruleOf(rule)(houseWith(path, code));
    expect(after.filter((one) => !before.includes(one))).toContain(found);
  });

  test('every room is named in src/README.md', () => {
    const place = houseWith('README.md', 'model/ trust/ main.ts');
    const missing = ruleOf('every room is named in src/README.md')(place);
    expect(missing).toContain('flows');
    expect(missing).not.toContain('trust');
  });

  test('no room of flows is crowded', () => {
    const place = houseWith('flows/gather/planted-1.ts', 'export {};');
    for (let n = 2; n <= MOST_FILES_IN_A_ROOM; n += 1)
      writeFileSync(join(place, `flows/gather/planted-${n}.ts`), 'export {};');
    expect(ruleOf('no room of flows is crowded')(place)).toEqual(['gather']);
  });

  test('every rule has a planted violation', () => {
    const tried = new Set([
      ...planted.map(([rule]) => rule),
      'every room is named in src/README.md',
      'no room of flows is crowded',
    ]);
    expect(Object.keys(rules).filter((name) => !tried.has(name))).toEqual([]);
  });
});
