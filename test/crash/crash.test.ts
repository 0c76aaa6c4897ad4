/**
 * Kill a real executor before and after every step that it takes (once between two, where nothing is begun), go on with
 * `apply` and with `sweep`, and find nothing that the ledger does not explain. The steps are found by watching one run; the
 * list below is compared with what was found, so a step that appears or goes makes this test fail until somebody has looked
 * at it.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import type { Instant } from '../../src/model/instant.ts';
import { mayBeLive } from '../../src/model/open-record.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { explained, instant, makeWorld, type World } from './access-repository.ts';
import { some } from '../size.ts';
import type { Death, Round } from './killable-executor.ts';
import { bundleExecutor } from './run-executor.ts';

/** Every step that may kill us. Whoever adds one adds it here, and says below what must hold after it. */
const KILL_CASES = [
  'command.grant',
  'command.inspect',
  'command.revoke',
  'command.verifyIdentity',
  'desk.sign',
  'memory.keepBranches',
  'memory.keepHead',
  'remote.fetch',
  'remote.push',
  'repository.moveRef',
  'repository.writeCommit',
  'ssh-ca.grant',
  'ssh-ca.inspect',
  'ssh-ca.prepare',
  'ssh-ca.revoke',
  'ssh-ca.verifyIdentity',
];

const AT_THE_SHELF = ['north dana read', 'north dana write'];
const LATER = instant('2026-11-22T18:03:00Z');
const SHELF_ENDS = instant('2026-11-22T18:30:00Z');
const ALL_ENDED = instant('2026-11-22T20:30:00Z');

const scratch = tempDir();
const runExecutor = await bundleExecutor(scratch);

interface Scene {
  readonly name: string;
  readonly run: Round['run'];
  readonly world: World;
  readonly now: Instant;
  /** The steps of a run that nobody kills. */
  readonly steps: readonly string[];
  readonly deaths: readonly Death[];
}

/** Two grants wait, on a shelf and on an SSH CA. */
async function beforeApply(remote: boolean): Promise<World> {
  const world = await makeWorld(join(tempDir(), 'world'), { remote });
  await world.ask({ role: 'writer', duration: '30m' });
  await world.ask({ role: 'root', duration: '2h' });
  return world;
}

/** Both are live; the shelf's end has come, and dana gives the other one back. */
async function beforeSweep(start: World): Promise<World> {
  const world = start.copy(join(tempDir(), 'world'));
  const { steps } = await world.apply();
  const granted = steps.filter(({ action }) => action === 'grant');
  expect(granted.map(({ result }) => result)).toEqual(['done', 'done']);
  world.now = SHELF_ENDS;
  const root = granted.find(({ target }) => target === 'bastion')?.id;
  if (root === undefined || root === '-') throw new Error('no grant on bastion');
  await world.stop(root, 'dana');
  return world;
}

async function sceneOf(name: string, run: Round['run'], world: World): Promise<Scene> {
  const dry = world.copy(join(tempDir(), 'dry'));
  const { steps, apart, report, stderr } = await ordered(dry, run, world.now);
  expect({ stderr, rounds: report?.rounds }).toEqual({ stderr: '', rounds: [0] });
  // A remote changes nothing but how the ledger moves: only its own steps are killed once more.
  const wanted = (step: string): boolean => world.remote === null || step.startsWith('remote.');
  // Nothing that lasts is done outside of steps (traced-desk.ts). So a death before a step that begins when all others are
  // over is the death after the last of them, and not died twice; but the catalogue names the one before a grant.
  const sameAsAfter = (step: number): boolean =>
    step > 0 && apart.has(step) && wanted(steps[step - 1] ?? '') && steps[step] !== 'command.grant';
  const deaths = steps.flatMap((step, at): Death[] =>
    wanted(step)
      ? [...(sameAsAfter(at) ? [] : [{ step: at, when: 'before' } as const]), { step: at, when: 'after' }]
      : [],
  );
  return { name, run, world, now: world.now, steps, deaths };
}

async function ordered(world: World, run: Round['run'], now: Instant, death?: Death) {
  const { home, host } = world;
  return await runExecutor({
    home,
    host,
    executor: 'pam-apply',
    now,
    runs: [{ run }],
    ...(death === undefined ? {} : { death }),
  });
}

const lone = await beforeApply(false);
const shared = await beforeApply(true);
const scenes = await Promise.all([
  sceneOf('apply', 'apply', lone),
  sceneOf('apply with a remote', 'apply', shared),
  beforeSweep(lone).then((world) => sceneOf('sweep', 'sweep', world)),
  beforeSweep(shared).then((world) => sceneOf('sweep with a remote', 'sweep', world)),
]);

/** Two at a time: each is a process of its own, and programs below it. */
let running = 0;
const waiting: (() => void)[] = [];
async function inTurn(work: () => Promise<void>): Promise<void> {
  if (running >= 2) await new Promise<void>((go) => waiting.push(go));
  running++;
  try {
    await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

async function killed(scene: Scene, death: Death): Promise<World> {
  const world = scene.world.copy(join(tempDir(), 'killed'));
  const ended = await ordered(world, scene.run, scene.now, death);
  expect(ended).toMatchObject({ signal: 'SIGKILL', report: null });
  // What it does beside that step (git starts while an entry is signed) may have begun.
  expect(ended.steps.slice(0, death.step + 1)).toEqual(scene.steps.slice(0, death.step + 1));
  expect(ended.steps.length).toBeLessThanOrEqual(death.step + (death.when === 'before' ? 1 : 2));
  return world;
}

const copyOf = (world: World): World => world.copy(join(tempDir(), 'copy'));

/** What the target shows and no recorded intent explains: never anything, whatever happened. */
async function unexplained(world: World): Promise<readonly string[]> {
  const known = explained((await world.peek()).records);
  return world.held().filter((one) => !known.includes(one));
}

async function sweptClean(world: World, now: Instant): Promise<void> {
  world.now = now;
  expect(exitOfRun(await world.sweep())).toBe(0);
  expect(world.held()).toEqual([]);
  const { records, intents } = await world.peek();
  expect(records.filter(mayBeLive)).toEqual([]);
  const begun = new Set(intents.map(({ id }) => id));
  const states = records.flatMap(({ id, state }) => (begun.has(id) ? [state] : []));
  expect(states).toEqual([...begun].map(() => 'ended'));
  const { ok, findings } = await world.audit();
  expect({ ok, findings }).toEqual({ ok: true, findings: [] });
}

/** After a dead `apply`: finished with the same end and handle, by an `apply` as soon as it may. */
async function applyGoesOn(world: World): Promise<void> {
  const { intents } = await world.peek();
  const calls = world.calls('grant');
  // The dead one might be only slow: until its `act_by` nobody else acts.
  if (intents.length > 0) await world.apply();
  expect((await world.peek()).intents).toEqual(intents);
  expect(world.calls('grant')).toEqual(calls);
  world.now = LATER;
  expect(exitOfRun(await world.apply())).toBe(0);
  expect(world.held()).toEqual(AT_THE_SHELF);
  const { records } = await world.peek();
  expect(records.map(({ state }) => state)).toEqual(['live', 'live']);
  for (const { id, handle, grant } of intents) {
    const record = records.find((one) => one.id === id);
    expect(record?.grant).toMatchObject({ end: grant.end, granting: { handle } });
  }
  await sweptClean(world, ALL_ENDED);
}

async function certificateIsRevoked(world: World, scene: Scene): Promise<void> {
  const { records } = await scene.world.peek();
  const certificate = records.flatMap(({ grant }) => grant?.receipt?.certificate ?? []).join('\n');
  expect(certificate).toContain('-cert-v01@openssh.com ');
  const file = join(world.home, 'certificate.pub');
  writeFileSync(file, `${certificate}\n`);
  const { status, stdout } = spawnSync('ssh-keygen', ['-Q', '-f', join(world.home, 'krl'), file], {
    encoding: 'utf8',
  });
  expect(stdout).toContain('REVOKED');
  expect(status).toBe(1);
}

/** The rows of the attack catalogue that this death is. */
function rowOf({ steps }: Scene, { step, when }: Death): string {
  if (steps[step] === 'command.revoke') return '[K8] ';
  if (steps[step] !== 'command.grant') return '';
  return when === 'before' ? '[K3] ' : '[K4] ';
}

it('knows every step that an executor takes', () => {
  expect([...new Set(scenes.flatMap(({ steps }) => steps))].sort()).toEqual(KILL_CASES);
  const cases = scenes.flatMap(({ steps, deaths }) => deaths.flatMap(({ step }) => steps[step] ?? []));
  expect([...new Set(cases)].sort()).toEqual(KILL_CASES);
});

for (const scene of scenes) {
  describe.concurrent(`${scene.name} is killed`, { timeout: 300_000 }, () => {
    for (const death of some(scene.deaths, 2)) {
      it(`${rowOf(scene, death)}${death.when} step ${death.step + 1}, ${scene.steps[death.step]}`, async () => {
        await inTurn(async () => {
          const world = await killed(scene, death);
          expect(await unexplained(world)).toEqual([]);
          const other = copyOf(world);
          if (scene.run === 'apply') {
            await applyGoesOn(world);
            await sweptClean(other, ALL_ENDED);
            return;
          }
          await sweptClean(world, SHELF_ENDS);
          await certificateIsRevoked(world, scene);
          // Nothing that ended comes back.
          await other.apply();
          expect(await unexplained(other)).toEqual([]);
          await sweptClean(other, SHELF_ENDS);
          expect((await other.peek()).intents).toEqual((await scene.world.peek()).intents);
        });
      });
    }
  });
}

describe.concurrent('the target goes on when its executor is dead', { timeout: 300_000 }, () => {
  for (const scene of scenes.filter(({ world }) => world.remote === null)) {
    const step = scene.steps.indexOf(scene.run === 'apply' ? 'command.grant' : 'command.revoke');
    it(`${rowOf(scene, { step, when: 'during' })}${scene.run} is killed during ${scene.steps[step]}`, async ({
      expect: own,
    }) => {
      await inTurn(async () => {
        const slow = { ...scene, world: copyOf(scene.world) };
        slow.world.manners('north', { grant: 'slow', revoke: 'slow' });
        const world = await killed(slow, { step, when: 'during' });
        const before = world.held();
        // The common one belongs to another test as soon as one beside it ends.
        await own.poll(() => world.held(), { timeout: 10_000 }).not.toEqual(before);
        expect(await unexplained(world)).toEqual([]);
        world.manners('north', {});
        const other = copyOf(world);
        if (scene.run === 'apply') await applyGoesOn(world);
        await sweptClean(other, scene.run === 'apply' ? ALL_ENDED : SHELF_ENDS);
      });
    });
  }
});
