/** Group I: times. What is claimed can only make an answer stricter; ends are written down once and never moved. */
import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { type Instant, plus } from '../../src/model/instant.ts';
import type { Provider } from '../../src/model/target.ts';
import { instant, type World } from '../crash/access-repository.ts';
import { ATTACKED, LIVE_ENDS, merge, preparedScene } from './scene.ts';

const scene = preparedScene();

/** The newest commit of main once more, with other dates: what anybody can write into it. */
function redate(world: World, seconds: number): void {
  const raw = execFileSync('git', ['cat-file', 'commit', 'main'], { cwd: world.dir, encoding: 'utf8' });
  const dated = raw.replace(/^(author|committer) (.*) \d+ \+0000$/gmu, `$1 $2 ${seconds} +0000`);
  expect(dated).not.toBe(raw);
  const args = ['hash-object', '-t', 'commit', '-w', '--stdin'];
  const oid = execFileSync('git', args, { cwd: world.dir, input: dated, encoding: 'utf8' }).trim();
  world.git('update-ref', 'refs/heads/main', oid);
}

async function endOf(world: World, id: Parameters<World['record']>[0]): Promise<Instant | undefined> {
  return (await world.record(id)).grant?.end;
}

describe('[I1] the date of a commit', () => {
  it.each([
    ['of 2001', 978_307_200],
    ['of 2099', 4_070_908_800],
  ])('%s changes nothing: the grant ends as it would have', async (_, seconds) => {
    const { world, victim } = scene();
    await merge(world, victim);
    redate(world, seconds);
    await world.apply();
    expect(await endOf(world, victim)).toBe(plus(ATTACKED, 3600));
    world.now = plus(ATTACKED, 3600);
    await world.sweep({ executor: 'pam-sweep' });
    expect((await world.record(victim)).state).toBe('ended');
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });
});

describe('[I3] the clock of a sweeping host', () => {
  it('an hour fast: it ends what is not due, and its entry says when it thought so', async () => {
    const { world, live } = scene();
    world.now = plus(ATTACKED, 3600);
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    const ended = (await world.events()).filter((one) => one.id === live && one.type === 'revoked');
    expect(ended.map(({ at, executor }) => [at, executor])).toEqual([[plus(ATTACKED, 3600), 'pam-sweep']]);
    expect(world.held()).toEqual([]);
  });

  it('an hour slow: access lives no longer than the target itself allows, and the next one ends it', async () => {
    const { world, live } = scene();
    world.now = plus(LIVE_ENDS, -3600);
    expect((await world.sweep({ executor: 'pam-sweep' })).steps).toEqual([]);
    world.now = LIVE_ENDS;
    await world.sweep({ executor: 'pam-sweep' });
    expect((await world.record(live)).state).toBe('ended');
  });
});

describe('[I6] the time that was asked for', () => {
  it('counts from the grant, not from the request or the approval', async () => {
    const { world, victim } = scene();
    // `decide_within` is the limit of waiting, and the end moves with the grant.
    world.now = plus(ATTACKED, 3 * 3600);
    await merge(world, victim);
    await world.apply();
    expect(await endOf(world, victim)).toBe(plus(ATTACKED, 4 * 3600));
  });
});

describe('[I7] time zones and the nights on which clocks are turned', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it.each(['UTC0', 'NZT-13', 'PST8PDT', 'Europe/Berlin'])(
    'TZ=%s: the same end, to the second',
    async (name) => {
      process.env['TZ'] = name;
      const { world } = scene();
      // An hour before clocks are turned in Berlin.
      world.now = instant('2027-03-28T00:30:00Z');
      const id = await world.ask({ role: 'root', duration: '1h' });
      const shelf = await world.ask({ role: 'writer', requester: 'erin', duration: '1h' });
      await world.apply();
      expect(await endOf(world, id)).toBe('2027-03-28T01:30:00Z');
      const certificate = (await world.record(id)).grant?.receipt?.certificate ?? '';
      const shown = execFileSync('ssh-keygen', ['-L', '-f', '-'], {
        input: certificate,
        encoding: 'utf8',
        env: { ...process.env, TZ: 'UTC0' },
      });
      expect(shown).toContain('to 2027-03-28T01:30:00');
      world.now = instant('2027-03-28T01:29:59Z');
      expect((await world.sweep({ executor: 'pam-sweep' })).steps.filter((one) => one.id === shelf)).toEqual(
        [],
      );
      world.now = instant('2027-03-28T01:30:00Z');
      await world.sweep({ executor: 'pam-sweep' });
      expect((await world.record(shelf)).state).toBe('ended');
    },
  );
});

describe('[I8] a clock that jumps between the intent and the outcome', () => {
  /** The clock is set right (or wrong) by so much while the target is at work. */
  const jumping =
    (world: World, seconds: number) =>
    (desk: Desk): Desk => {
      const command = desk.providers.get('command');
      if (command === undefined) throw new Error('no provider');
      const open: Provider['open'] = async (place) => {
        const session = await command.open(place);
        return {
          ...session,
          grant: async (order) => {
            const receipt = await session.grant(order);
            world.now = plus(world.now, seconds);
            return receipt;
          },
        };
      };
      return { ...desk, providers: new Map(desk.providers).set('command', { ...command, open }) };
    };

  it.each([60, 3600 - 1, -120])('by %i s: the end is the one of the intent', async (seconds) => {
    const { world, victim } = scene();
    await merge(world, victim);
    await world.apply({ change: jumping(world, seconds) });
    const { state, grant } = await world.record(victim);
    expect([state, grant?.end, grant?.granting?.at]).toEqual(['live', plus(ATTACKED, 3600), ATTACKED]);
    world.now = plus(ATTACKED, 3600);
    await world.sweep({ executor: 'pam-sweep' });
    expect((await world.record(victim)).state).toBe('ended');
    expect((await world.audit()).ok).toBe(true);
  });
});
