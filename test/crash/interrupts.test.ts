/**
 * Ctrl-C at every step that an executor takes, before and after it: what was begun is finished and recorded, nothing else
 * is begun, and the exit is 130. `PAM_FULL=1` tries every step; else one of each that opens a door.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { Interrupted } from '../../src/model/error.ts';
import { mayBeLive, type OpenRecord } from '../../src/model/open-record.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { forgetInterrupt } from '../../src/process/interrupt.ts';
import { type DeskChange, explained, instant, makeWorld, type World } from './access-repository.ts';
import { type Act, tracedDesk } from './traced-desk.ts';
import { isFull } from '../size.ts';

const LATER = instant('2026-11-22T18:03:00Z');
const SHELF_ENDS = instant('2026-11-22T18:30:00Z');
const ALL_ENDED = instant('2026-11-22T20:30:00Z');
/** The doors, and what stands between them. */
const TELLING = [
  'command.inspect',
  'desk.sign',
  'repository.moveRef',
  'command.grant',
  'ssh-ca.grant',
  'command.revoke',
  'ssh-ca.revoke',
];

interface Moment {
  readonly step: number;
  readonly name: string;
  readonly when: 'before' | 'after';
}

const traced =
  (act: Act): DeskChange =>
  (desk) =>
    tracedDesk(desk, act);

async function stepsOf(world: World, run: 'apply' | 'sweep'): Promise<readonly string[]> {
  const steps: string[] = [];
  await world[run]({
    change: traced(async (name, step) => {
      steps.push(name);
      return await step();
    }),
  });
  return steps;
}

/** One moment of each step by name, in turns before the last and after the first of it. */
function momentsOf(steps: readonly string[]): readonly Moment[] {
  if (isFull)
    return steps.flatMap((name, step) => [
      { name, step, when: 'before' } as const,
      { name, step, when: 'after' } as const,
    ]);
  return [...new Set(steps)]
    .filter((name) => TELLING.includes(name))
    .map((name, at) =>
      at % 2 === 0
        ? { name, step: steps.lastIndexOf(name), when: 'before' }
        : { name, step: steps.indexOf(name), when: 'after' },
    );
}

/** Runs until it is interrupted at that moment; `null` when it was cut off with nothing begun. */
async function interrupted(world: World, run: 'apply' | 'sweep', moment: Moment): Promise<RunResult | null> {
  let taken = 0;
  const change = traced(async (_name, step) => {
    const here = taken++ === moment.step;
    if (here && moment.when === 'before') world.interrupted = true;
    const result = await step();
    if (here) world.interrupted = true;
    return result;
  });
  try {
    return await world[run]({ change });
  } catch (error) {
    if (error instanceof Interrupted) return null;
    throw error;
  } finally {
    world.interrupted = false;
    // The desk's doors told the process that something was begun; the next run is a process of its own.
    forgetInterrupt();
  }
}

const copyOf = (world: World): World => world.copy(join(tempDir(), 'copy'));
const ledgerOf = (world: World): string => world.git('rev-parse', 'pam-ledger').trim();

/** The other target is an SSH CA: what it gave is in no directory. */
const atTheShelf = (records: readonly OpenRecord[]): readonly string[] =>
  [...explained(records)].filter((one) => one.startsWith('north ')).sort();

async function sweptClean(world: World, now = ALL_ENDED): Promise<void> {
  world.now = now;
  expect(exitOfRun(await world.sweep())).toBe(0);
  expect(world.held()).toEqual([]);
  expect((await world.peek()).records.filter(mayBeLive)).toEqual([]);
  const { ok, findings } = await world.audit();
  expect({ ok, findings }).toEqual({ ok: true, findings: [] });
}

const made = await makeWorld(join(tempDir(), 'world'));
await made.ask({ role: 'writer', duration: '30m' });
await made.ask({ role: 'root', duration: '2h' });
const granted = copyOf(made);
await granted.apply();
forgetInterrupt();
granted.now = SHELF_ENDS;
const root = [...(await granted.records()).values()].find(({ grant }) => grant?.target === 'bastion');
if (root === undefined) throw new Error('no grant on bastion');
await granted.stop(root.id, 'dana');
forgetInterrupt();
const applySteps = await stepsOf(copyOf(made), 'apply');
forgetInterrupt();
const sweepSteps = await stepsOf(copyOf(granted), 'sweep');
forgetInterrupt();

/** What one run says of itself, beside what is left open in the ledger. */
function tellOf(result: RunResult | null): { readonly exit: number; readonly left: readonly string[] } {
  if (result === null) return { exit: 130, left: [] };
  const left = result.steps.filter((one) => one.result === 'skipped').map(({ id }) => id);
  return { exit: exitOfRun(result), left: left.toSorted() };
}

const inState = (records: readonly OpenRecord[], states: readonly string[]): readonly string[] =>
  records
    .filter(({ state }) => states.includes(state))
    .map(({ id }) => id)
    .toSorted();

describe('[X53] apply is interrupted', { timeout: 120_000 }, () => {
  it.each(momentsOf(applySteps))('$when step $step, $name', async (moment) => {
    const world = copyOf(made);
    const before = ledgerOf(world);
    const result = await interrupted(world, 'apply', moment);
    const { records } = await world.peek();
    // Begun and not finished is left, and told; what was cut off with nothing begun wrote nothing.
    expect(tellOf(result)).toEqual({ exit: 130, left: inState(records, ['granting']) });
    expect(result === null && ledgerOf(world) !== before).toBe(false);
    // What the target was told is on record with its outcome; what was only announced is not there.
    expect(world.held()).toEqual(atTheShelf(records.filter(({ state }) => state === 'live')));
    // The next run goes on.
    world.now = LATER;
    expect(exitOfRun(await world.apply())).toBe(0);
    expect([...(await world.records()).values()].map(({ state }) => state)).toEqual(['live', 'live']);
    await sweptClean(world);
  });
});

describe('[X53] sweep is interrupted', { timeout: 120_000 }, () => {
  it.each(momentsOf(sweepSteps))('$when step $step, $name', async (moment) => {
    const world = copyOf(granted);
    const before = ledgerOf(world);
    const result = await interrupted(world, 'sweep', moment);
    const { records } = await world.peek();
    const { exit, left } = tellOf(result);
    expect(exit).toBe(130);
    expect(inState(records, ['live', 'ending'])).toEqual(expect.arrayContaining([...left]));
    expect(result === null && ledgerOf(world) !== before).toBe(false);
    // Each call that was made is on record: nothing is gone that still counts as live.
    expect(world.held()).toEqual(atTheShelf(records.filter(mayBeLive)));
    await sweptClean(world, SHELF_ENDS);
  });
});

it('[X53] the moments are steps that there are', () => {
  for (const name of ['desk.sign', 'repository.moveRef', 'command.grant', 'ssh-ca.grant', 'memory.keepHead'])
    expect(applySteps).toContain(name);
  for (const name of ['desk.sign', 'repository.moveRef', 'command.revoke', 'ssh-ca.revoke'])
    expect(sweepSteps).toContain(name);
});
