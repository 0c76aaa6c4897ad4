/**
 * Hostile objects in every place where pam reads, and a clone that is not as it should be; real git, real flows. One
 * grant is past its end, one has a signed stop, one runs on. All of a place at once, and each alone (a sample of them
 * in a short run; `PAM_FULL=1` for all): what is due is revoked, the other is untouched, audit names the commit.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitOfSweep } from '../../src/flows/executor/run-result.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { BEGIN, makeWorld, type World } from '../crash/access-repository.ts';
import {
  CLONES,
  CLOSED,
  LARGE,
  OBJECTS,
  type Place,
  PLACES,
  plantAll,
  plantRef,
  REFS,
} from './hostile-places.ts';
import { Random } from './random.ts';
import { seed } from './table.ts';
import { isFull, some } from '../size.ts';

const minutes = (count: number) => plus(BEGIN, count * 60);
const DUE = 'north dana read';
const STOPPED = 'south erin read';
const LIVE = 'north dana keep';
/** Far above what any of them takes on a busy machine, far below "hangs". */
const LONGEST_MS = 100_000;

let fresh: World;
let stopped: RequestId;

beforeAll(async () => {
  const one = await makeWorld(join(tempDir(), 'world'), { remote: true });
  await one.ask({ role: 'reader', duration: '30m' });
  stopped = await one.ask({ role: 'southerner', requester: 'erin', duration: '4h' });
  await one.ask({ role: 'keeper', duration: '4h' });
  await one.apply();
  fresh = one.another('sweeper');
  await fresh.sweep({ executor: 'pam-sweep' });
  await one.stop(stopped, 'erin');
  if (fresh.held().length !== 3) throw new Error('a grant is missing');
}, 240_000);

interface Swept {
  readonly exit: number;
  readonly codes: readonly string[];
  readonly held: readonly string[];
}

async function swept(world: World): Promise<Swept> {
  world.now = minutes(31);
  const result = await world.sweep({
    executor: 'pam-sweep',
    change: (desk) => ({ ...desk, pause: async () => await Promise.resolve() }),
  });
  const codes = [...new Set(result.troubles.map(({ code }) => code))];
  return { exit: exitOfSweep(result), codes, held: world.held() };
}

const copyOf = (world: World): World => world.copy(join(tempDir(), 'world'));

/** What is wrong after a sweep and an audit; nothing, if all is well. */
async function wrongAfter(place: Place, names: readonly string[]): Promise<readonly string[]> {
  const world = copyOf(fresh);
  const makers = names.flatMap((name) => [...OBJECTS, ...LARGE].filter(([one]) => one === name));
  return await wrongWith(world, place, plantAll(world, place, makers, stopped));
}

async function wrongWith(world: World, place: Place, commits: readonly string[]): Promise<readonly string[]> {
  const { exit, codes, held } = await swept(world);
  const audited = await world.audit();
  const findings = audited.findings.map(({ message }) => message).join('\n');
  // What stands on the ledger is told; of the rest only what a sweep reads.
  const exits = place === 'ledger' ? [3, 20] : [0, 3, 20];
  // A long list of junk is told as its first ones and a number.
  const named =
    place !== 'ledger' ||
    commits.length === 0 ||
    commits.some((commit) => findings.includes(commit.slice(0, 12)));
  return [
    ...(held.join() === LIVE ? [] : [`held: ${held.join()} (${codes.join()})`]),
    ...(exits.includes(exit) ? [] : [`exit ${exit} (${codes.join()})`]),
    ...(named ? [] : [`audit names no commit: ${findings}`]),
  ];
}

const all = [...OBJECTS.keys()];
/** A ledger whose newest commit has no parents is no longer that ledger: `executor-doubt.test.ts` has those. */
const namesFor = (place: Place): readonly string[] =>
  place === 'ledger' ? all.filter((name) => name !== 'no parents') : all;
const random = new Random(seed, 85);
const ALONE = PLACES.flatMap((place) => {
  const few = Array.from({ length: 2 }, () => random.pick(all) ?? '');
  return (isFull ? all : few)
    .filter((name) => namesFor(place).includes(name))
    .map((name) => [place, name] as const);
});

describe('[X85] hostile objects wherever pam reads', () => {
  it.each(
    some(
      PLACES.filter((place) => place !== 'ledger'),
      1,
    ),
  )(
    `all at once on %s (seed ${seed})`,
    async (place) => {
      expect(await wrongAfter(place, namesFor(place))).toEqual([]);
    },
    LONGEST_MS,
  );

  it.each(some(ALONE, 2))(
    `on %s: %s, alone (seed ${seed})`,
    async (place, name) => {
      expect(await wrongAfter(place, [name])).toEqual([]);
    },
    LONGEST_MS,
  );
});

const REF_PLACES = PLACES.flatMap((place) => [...REFS.keys()].map((name) => [place, name] as const));
const NO_LEDGER = ['a blob', 'a tree', 'a tag of a blob'];
const isLeft = ([place, name]: readonly [Place, string]): boolean =>
  place !== 'ledger' || !NO_LEDGER.includes(name);

describe('[X99] a branch that is no commit', () => {
  it.each(some(REF_PLACES.filter(isLeft), 1))(
    'on %s: %s',
    async (place, name) => {
      const world = copyOf(fresh);
      plantRef(world, place, name, stopped);
      expect(await wrongWith(world, place, [])).toEqual([]);
    },
    LONGEST_MS,
  );

  it.each(some(NO_LEDGER, 1))(
    'instead of the ledger: %s; what this machine kept of it is enough to end what is due',
    async (name) => {
      const world = copyOf(fresh);
      plantRef(world, 'ledger', name, stopped);
      const { exit, codes, held } = await swept(world);
      const told = codes.includes('E_LED_ROLLBACK');
      expect({ exit, told, held }).toEqual({ exit: 20, told: true, held: [LIVE] });
      await expect(world.audit()).rejects.toMatchObject({ code: 'E_LED_MISSING', exit: 20 });
      await expect(world.records()).rejects.toMatchObject({ code: 'E_LED_MISSING', exit: 20 });
    },
    LONGEST_MS,
  );
});

describe('[X85] what is larger than anything that pam reads', () => {
  it.each(
    some(
      PLACES.flatMap((place) => [...LARGE.keys()].map((name) => [place, name] as const)),
      1,
    ),
  )(
    'on %s: %s',
    async (place, name) => {
      expect(await wrongAfter(place, [name])).toEqual([]);
    },
    2 * LONGEST_MS,
  );
});

describe('[X92] a clone that is not as it should be', () => {
  it.each(some([...CLONES.keys()], 3))(
    '%s: what is due is revoked',
    async (name) => {
      const world = copyOf(fresh);
      CLONES.get(name)?.(world);
      const { exit, codes, held } = await swept(world);
      // A stop that was not carried out is never passed over in silence.
      const told = [0, 3, 20].includes(exit) && (exit !== 0 || !held.includes(STOPPED));
      const due = held.includes(DUE);
      const live = held.includes(LIVE);
      expect({ codes, exit, told, due, live }).toEqual({ codes, exit, told: true, due: false, live: true });
    },
    LONGEST_MS,
  );
});

describe('[X92] a clone that no git may be asked to read', () => {
  it.each([...CLOSED.keys()])('%s: that is told at once, and what to do', async (name) => {
    const world = copyOf(fresh);
    CLOSED.get(name)?.(world);
    await expect(swept(world)).rejects.toMatchObject({
      code: 'E_GIT_FILES',
      hint: expect.stringMatching(/fresh clone/u) as unknown,
    });
  });
});
