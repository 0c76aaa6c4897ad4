/**
 * Real git: commits, trees and refs that nobody's tool would make, pushed to the ledger, to main, as proposals and as
 * statements, a few dozen at a time. Executors go on: nothing is granted that was not signed, what is due ends.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import { status } from '../../src/flows/people/status.ts';
import { PamError } from '../../src/model/error.ts';
import { plus } from '../../src/model/instant.ts';
import { requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { BEGIN, makeWorld, type World } from '../crash/access-repository.ts';
import { inTreeOrder, type TreeLine, writeObject, writeRef, writeTree } from './loose-objects.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { Random } from './random.ts';
import { seed } from './table.ts';

/** Each round is one access repository with as many hostile things in it. */
const ROUNDS = Number(process.env['PAM_RUNS'] ?? 240) / 30;
const A_ROUND = 30;
const minutes = (count: number) => plus(BEGIN, count * 60);

let fresh: World;
let live: RequestId;
let wanted: RequestId;
let unsigned: RequestId;

beforeAll(async () => {
  fresh = await makeWorld(join(tempDir(), 'world'), { remote: true });
  live = await fresh.ask({ role: 'writer', duration: '30m' });
  await fresh.apply();
  wanted = await fresh.ask({ role: 'southerner', requester: 'erin', duration: '2h' });
  unsigned = await fresh.ask({ role: 'keeper', duration: '2h' });
  // Merged, and its approval lost: whatever else is pushed, it may never be granted.
  const { remote } = fresh;
  if (remote === null) throw new Error('there is no remote');
  const heads = join(remote, 'refs', 'heads', 'pam-statements');
  for (const name of readdirSync(heads)) if (name.startsWith(`${unsigned}.`)) rmSync(join(heads, name));
  if (fresh.held().length !== 2) throw new Error('the first grant is missing');
}, 120_000);

interface Place {
  /** Of the remote, and of the executor's clone. */
  readonly gitDir: string;
  readonly clone: string;
  readonly random: Random;
  readonly day: string;
  /** Trees and commits of main and the ledger, for grafting on. */
  readonly main: string;
  ledger: string;
  readonly blobs: readonly string[];
  /** Only what `git fsck` lets through; else one such object keeps everything else from being fetched. */
  readonly clean: boolean;
}

const KINDS = ['ledger', 'main', 'proposal', 'statement', 'ref'] as const;
type Kind = (typeof KINDS)[number];

describe('[D12] hostile objects in real git', () => {
  const reached = new Map<string, number>();
  const note = (what: string): void => {
    reached.set(what, (reached.get(what) ?? 0) + 1);
  };

  it.each(Array.from({ length: Math.ceil(ROUNDS) }, (_, round) => round))(
    `round %i (seed ${seed}): executors live, and nobody gains`,
    async (round) => {
      const world = fresh.copy(join(tempDir(), 'world'));
      const plan = planOf(round);
      const pushed = push(world, new Random(seed, round), plan, note);
      const told = JSON.stringify({ seed, round, plan, pushed });
      // A push that is lost for good is lost at once.
      const change = (desk: Desk): Desk => ({ ...desk, pause: async () => undefined });
      world.now = minutes(5);
      for (let run = 0; run < 2; run++) await lives(told, note, async () => await world.apply({ change }));
      await lives(told, note, async () => await status(await world.desk(), undefined, true));
      await lives(told, note, async () => await world.audit());
      const granted = new Set(world.calls('grant').map(({ id }) => id));
      // Junk costs one run, and nobody more than that.
      const due =
        plan.clean && !plan.kinds.includes('main')
          ? [live, wanted]
          : [...granted].filter((id) => id !== unsigned);
      expect({ told, granted: [...granted].sort() }).toEqual({ told, granted: [...due].sort() });
      // The end of the first grant comes, whatever stands on whichever branch.
      world.now = minutes(31);
      await lives(told, note, async () => await world.sweep({ executor: 'pam-apply', change }));
      const left = world.held().filter((one) => one.startsWith('north dana '));
      expect({ told, left }).toEqual({ told, left: [] });
    },
    120_000,
  );

  it('and this is where they went', () => {
    const lines = [...reached]
      .sort(([, a], [, b]) => b - a)
      .map(([what, count]) => `${String(count).padStart(6)}  ${what}`);
    process.stdout.write(
      `\nhostile objects in real git: ${Math.ceil(ROUNDS) * A_ROUND}\n${lines.join('\n')}\n`,
    );
    for (const kind of KINDS)
      expect({ kind, pushed: (reached.get(kind) ?? 0) > 0 }).toEqual({ kind, pushed: true });
    // Junk on the ledger has to be seen as such, or these rounds were about nothing.
    expect(reached.get('E_LED_JUNK') ?? 0).toBeGreaterThan(0);
  });
});

interface Plan {
  readonly clean: boolean;
  readonly kinds: readonly Kind[];
}

/** Most rounds hold only what a fetch takes, so that it is pam that has to judge it. */
function planOf(round: number): Plan {
  const plans: readonly [Plan, ...Plan[]] = [
    { clean: true, kinds: ['ledger', 'proposal', 'statement', 'ref'] },
    { clean: true, kinds: ['ledger', 'ref'] },
    { clean: true, kinds: ['proposal', 'statement', 'ref'] },
    { clean: true, kinds: ['main', 'proposal', 'ledger'] },
    { clean: false, kinds: KINDS },
  ];
  return plans[round % plans.length] ?? plans[0];
}

/** Done, or refused with a code: no other exception, no bug. */
async function lives(told: string, note: (what: string) => void, act: () => Promise<unknown>): Promise<void> {
  try {
    const done = await act();
    for (const code of JSON.stringify(done ?? {}).match(/E_[A-Z_]+/gu) ?? []) note(code);
  } catch (error) {
    if (!(error instanceof PamError) || error.code === 'E_BUG')
      throw new Error(`${told}: ${String(error)}`, { cause: error });
    note(`${error.code} thrown`);
  }
}

function push(world: World, random: Random, plan: Plan, note: (what: string) => void): readonly string[] {
  const gitDir = world.remote ?? '';
  const tip = (ref: string): string => world.git('ls-remote', gitDir, ref).split('\t')[0] ?? '';
  const place: Place = {
    gitDir,
    clone: join(world.dir, '.git'),
    random,
    day: BEGIN.slice(0, 10).replaceAll('-', ''),
    main: tip('refs/heads/main'),
    ledger: tip('refs/heads/pam-ledger'),
    blobs: ['', 'null\n', '{}\n', '['.repeat(900), 'x'.repeat(20_000), 'version: 1\n'].map((text) =>
      writeObject(gitDir, 'blob', text),
    ),
    clean: plan.clean,
  };
  const trees = { main: linesOf(world, place.main), ledger: linesOf(world, place.ledger) };
  const made: string[] = [];
  for (let count = 0; count < A_ROUND; count++) {
    const kind = random.pick(plan.kinds) ?? 'ref';
    made.push(`${kind} ${MAKERS[kind](place, trees)}`);
    note(kind);
  }
  return made;
}

interface Trees {
  readonly main: readonly TreeLine[];
  readonly ledger: readonly TreeLine[];
}

function linesOf(world: World, commit: string): TreeLine[] {
  const dir = world.remote ?? '';
  return world
    .git('--git-dir', dir, 'ls-tree', '-z', commit)
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [info = '', name = ''] = line.split('\t');
      const [mode = '', , oid = ''] = info.split(' ');
      return { mode: mode.replace(/^0/u, ''), name, oid };
    });
}

const MODES = ['100644', '100755', '120000', '160000', '100644'] as const;
const BROKEN_MODES = [...MODES, '40000', '100664', '0100644', '100000', '777'] as const;
const NAMES = [
  '\n',
  '\ud83d\ude00',
  'con',
  '-x',
  ' ',
  '\u001b[2J',
  'pam.yaml~',
  'Policy',
  'x'.repeat(300),
] as const;
const BROKEN_NAMES = [...NAMES, '..', '.', '.git', '.GIT', 'a/b', '', 'entry.json', 'policy'] as const;

/** One tree with something odd in it. */
function oddTree({ gitDir, random, blobs, clean }: Place, lines: readonly TreeLine[]): string {
  const at = random.below(Math.max(1, lines.length));
  const blob = random.pick(blobs) ?? '';
  const line = lines[at] ?? { mode: '100644', name: 'x', oid: blob };
  const rest = lines.filter((_, index) => index !== at);
  const mode = random.pick(clean ? MODES : BROKEN_MODES) ?? '100644';
  const name = random.pick(clean ? NAMES : BROKEN_NAMES) ?? 'x';
  const file = { ...line, mode: '100644', oid: blob };
  switch (
    random.weighed({ mode: 4, name: 3, add: 4, content: 4, odd: clean ? 0 : 3, deep: 1, none: 1, self: 1 })
  ) {
    case 'mode':
      return writeTree(gitDir, inTreeOrder([...rest, { ...file, mode }]));
    case 'name':
      return writeTree(gitDir, inTreeOrder([...rest, { ...line, name }]));
    case 'add':
      return writeTree(gitDir, inTreeOrder([...lines, { mode, name, oid: blob }]));
    case 'content':
      return writeTree(gitDir, inTreeOrder([...rest, file]));
    case 'odd':
      return writeTree(gitDir, random.chance(0.5) ? [...lines].reverse() : [...lines, line]);
    case 'deep': {
      let oid = writeTree(gitDir, [{ mode: '100644', name: 'x', oid: blob }]);
      for (let depth = 0; depth < 300; depth++) oid = writeTree(gitDir, [{ mode: '40000', name: 'd', oid }]);
      return writeTree(gitDir, inTreeOrder([...lines, { mode: '40000', name: 'zdeep', oid }]));
    }
    case 'none':
      return writeTree(gitDir, []);
    case 'self':
      return writeTree(
        gitDir,
        inTreeOrder([...rest, { ...line, mode: '40000', oid: writeTree(gitDir, lines) }]),
      );
  }
}

/** A commit of it, its header as odd as its tree. */
function oddCommit({ gitDir, random, clean }: Place, tree: string, parents: readonly string[]): string {
  const good = 'mallory <m@m> 1795000000 +0000';
  const odd = ['mallory <m@m> 99999999999999999999 +0000', 'mallory <m@m> -1 -9999', 'mallory', '<\u0007> 0'];
  const who = clean ? random.pick([good, '\u001b[2J <\u0007> 0 +0000']) : random.pick([good, good, ...odd]);
  const more = random.pick(['', '', '', 'encoding UTF-16\n', 'gpgsig -----BEGIN\n x\n', 'x y\n']);
  const message = random.pick([
    'grant: all of it\n',
    '',
    'x'.repeat(100_000),
    '\u001b]0;x\u0007\n',
    clean ? '' : '\0',
  ]);
  const head = [
    `tree ${tree}`,
    ...parents.map((one) => `parent ${one}`),
    `author ${who}`,
    `committer ${who}`,
  ];
  const commit = Buffer.from(`${head.join('\n')}\n${more}\n${message}`);
  return writeObject(gitDir, 'commit', !clean && random.chance(0.2) ? mutateBytes(random, commit) : commit);
}

const MAKERS: Readonly<Record<Kind, (place: Place, trees: Trees) => string>> = {
  ledger: (place, { ledger }) => {
    const { random, gitDir } = place;
    const before = place.ledger;
    const parents = random.pick([[before], [before], [before], [before, place.main]]);
    const commit = oddCommit(
      place,
      random.chance(0.8) ? oddTree(place, ledger) : writeTree(gitDir, ledger),
      parents,
    );
    place.ledger = commit;
    writeRef(gitDir, 'refs/heads/pam-ledger', commit);
    return commit;
  },
  main: (place, { main }) => {
    const commit = oddCommit(place, oddTree(place, main), [place.main]);
    writeRef(place.gitDir, 'refs/heads/main', commit);
    return commit;
  },
  proposal: (place) => {
    const { random, gitDir, day, blobs } = place;
    const id = random.pick([
      wanted,
      unsigned,
      `${day}-reader-${String(random.below(1_000_000)).padStart(6, '0')}`,
    ]) as RequestId;
    const blob = (): string => random.pick(blobs) ?? '';
    const files: TreeLine[] = [requestPath(id), signaturePath(id)].map((path) => {
      return {
        mode: random.pick(['100644', ...MODES]),
        name: path.slice(path.lastIndexOf('/') + 1),
        oid: blob(),
      };
    });
    const month = random.chance(0.5) ? writeTree(gitDir, inTreeOrder(files)) : oddTree(place, files);
    const year = writeTree(gitDir, [{ mode: '40000', name: id.slice(4, 6), oid: month }]);
    const all = writeTree(gitDir, [{ mode: '40000', name: id.slice(0, 4), oid: year }]);
    const tree = writeTree(gitDir, [{ mode: '40000', name: 'requests', oid: all }]);
    const parents = random.pick([[place.main], [], [place.main, place.ledger]]);
    const commit = oddCommit(place, tree, parents);
    // A server takes no branch that is no commit; a broken one might.
    writeRef(gitDir, `refs/heads/pam/${id}`, place.clean ? commit : random.pick([commit, tree, blob()]));
    return id;
  },
  statement: (place) => {
    const { random, gitDir, blobs } = place;
    const topic = random.pick([wanted, unsigned, live, 'policy-2', 'policy-1', 'delegation-dana']);
    const bytes = mutateBytes(random, Buffer.from(readFileSync(new URL(import.meta.url)).subarray(0, 600)));
    const names = ['statement', 'statement.sig'].map((name): TreeLine => {
      return { mode: '100644', name, oid: random.pick([writeObject(gitDir, 'blob', bytes), ...blobs]) };
    });
    const tree = random.chance(0.5) ? oddTree(place, names) : writeTree(gitDir, names);
    const commit = oddCommit(place, tree, random.pick([[], [], [place.main]]));
    const odd = place.clean ? 'x\u00e9' : random.pick(['..x', 'a b']);
    const name = random.pick(['0123456789abcdef', `${random.below(10 ** 9)}`.padStart(16, '0'), 'x', odd]);
    const ref = `refs/heads/pam-statements/${topic}${random.pick(['.', '.', '.', '/'])}${name}`;
    writeRef(gitDir, ref, place.clean || random.chance(0.85) ? commit : tree);
    return ref;
  },
  ref: ({ random, gitDir, clone, main, ledger, day, blobs, clean }) => {
    const oid = random.pick([main, ledger, (clean ? undefined : random.pick(blobs)) ?? main]);
    const ref = random.pick([
      'refs/replace/0000000000000000000000000000000000000000',
      `refs/replace/${main}`,
      `refs/replace/${ledger}`,
      'refs/tags/main',
      'refs/tags/pam-ledger',
      'refs/heads/origin/main',
      'refs/heads/refs/heads/main',
      `refs/heads/pam/${day}-a-b/${random.below(100)}`,
      `refs/heads/pam/${day}-${'x'.repeat(200)}`,
      `refs/heads/pam/${day}-reader-\u00e9\u00e9\u00e9`,
      'refs/heads/HEAD',
      'refs/notes/commits',
    ]);
    // A server that honours its own replacements is broken for everybody; in the clone they must mean nothing.
    writeRef(clean && ref.startsWith('refs/replace/') ? clone : gitDir, ref, oid);
    return ref;
  },
};
