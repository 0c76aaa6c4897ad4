/**
 * Group Q: whoever may push makes pam work for nothing. What is bounded: a run reads what is open and what is dated
 * around today, so many files and many branches stop nobody else. Each row grants a good request and sweeps the
 * live one in the middle of it.
 */
import { describe, expect, it } from 'vitest';
import { EXIT, PamError } from '../../src/model/error.ts';
import { requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import type { Desk } from '../../src/flows/desk.ts';
import type { World } from '../crash/access-repository.ts';
import { run } from './attack.ts';
import { floodMain, letters, pushBranches, watched } from './floods.ts';
import { requestId } from './hostile-hands.ts';
import { GOOD_HELD, LIVE_ENDS, LIVE_HELD, merge, preparedScene, propose, type Scene } from './scene.ts';

const scene = preparedScene();
const main = (world: World): string => world.git('rev-parse', 'refs/heads/main');
const branchNames = (count: number, prefix: string): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${letters(at)}`);

async function expectOthersGoOn({ world, good }: Scene, granted: readonly string[] = []): Promise<void> {
  await merge(world, good);
  await world.apply();
  expect(world.held()).toEqual([LIVE_HELD, ...granted, GOOD_HELD].sort());
  world.now = LIVE_ENDS;
  expect(await run('sweep', world, undefined)).toMatchObject({ exit: 0 });
  expect(world.held()).toEqual([...granted, GOOD_HELD].sort());
}

describe('group Q', () => {
  it('[Q1] 10,000 merged request files: nobody looks at those of other days, and a sweep at none', async () => {
    const at = scene();
    const { world, good } = at;
    const old = Array.from({ length: 10_000 }, (_, one) => requestId(`20261102-writer-${letters(one)}`));
    floodMain(
      world,
      old.flatMap((id) => [requestPath(id), signaturePath(id)]),
      'x',
    );
    await merge(world, good);
    const applied = watched();
    await world.apply({ change: applied.change });
    expect(world.held()).toEqual([LIVE_HELD, GOOD_HELD]);
    expect(applied.paths.filter((path) => path.includes('20261102'))).toEqual([]);
    world.now = LIVE_ENDS;
    const swept = watched();
    await world.sweep({ executor: 'pam-sweep', change: swept.change });
    expect(world.held()).toEqual([GOOD_HELD]);
    expect(swept.paths.length).toBeGreaterThan(0);
    expect(swept.paths.filter((path) => path.startsWith('requests'))).toEqual([]);
  });

  it('[Q3] bracket bombs under the ids of today: refused once, and a sweep looks at none', async () => {
    const at = scene();
    const { world } = at;
    const bombs = Array.from({ length: 50 }, (_, one) => requestId(`20261122-writer-${letters(one)}`));
    floodMain(world, bombs.map(requestPath), '['.repeat(900) + ']'.repeat(900));
    const swept = watched();
    world.now = LIVE_ENDS;
    await world.sweep({ executor: 'pam-sweep', change: swept.change });
    expect(world.held()).toEqual([]);
    expect(swept.paths.filter((path) => path.startsWith('requests'))).toEqual([]);
    const first = await run('apply', world, undefined);
    expect(first.codes.filter((code) => code === 'E_YAML_DEPTH')).toHaveLength(bombs.length);
    const again = await run('apply', world, undefined);
    expect(again.codes).not.toContain('E_YAML_DEPTH');
  });

  it('[Q1] more new proposals than are read: those that are merged or known go on, the new ones wait', async () => {
    const at = scene();
    const { world, unapproved } = at;
    const fresh = await propose(world, { role: 'reader', requester: 'erin' });
    pushBranches(world, branchNames(3001, 'pam/20261122-flood-'), main(world));
    await expectOthersGoOn(at);
    expect(
      world.notes.filter((line) => /^there are 30\d\d proposals; at most 3000 are read/u.test(line)),
    ).not.toEqual([]);
    const records = await world.records();
    expect([records.get(fresh)?.state, records.get(unapproved)?.state]).toEqual([undefined, 'seen']);
    expect(await run('check', world, fresh)).toMatchObject({ exit: 8 });
  });

  it('[Q1] as many branches as are read, none of them a proposal', async () => {
    const at = scene();
    pushBranches(at.world, branchNames(500, 'pam/20261122-flood-'), main(at.world));
    await expectOthersGoOn(at);
    expect([...(await at.world.records()).keys()].filter((id) => id.includes('flood'))).toEqual([]);
  });

  it('[Q1] more statements about one id than are read: that id waits, for a stop may be among them', async () => {
    const at = scene();
    const { world, victim } = at;
    await merge(world, victim);
    pushBranches(
      world,
      Array.from(
        { length: 2001 },
        (_, one) => `pam-statements/${victim}.${one.toString(16).padStart(16, '0')}`,
      ),
      main(world),
    );
    await merge(world, at.good);
    await world.apply();
    expect(world.held()).toEqual([LIVE_HELD, GOOD_HELD]);
    world.now = LIVE_ENDS;
    // The sweep could not read whether somebody stopped that id: it says so, and ends what is over.
    expect(await run('sweep', world, undefined)).toMatchObject({ codes: ['E_FORGE_LIMIT'], exit: 3 });
    expect(world.held()).toEqual([GOOD_HELD]);
  });

  it('[X102] more statements about one id than are read: it is stopped all the same, live, seen or new', async () => {
    const at = scene();
    const { world, live, unapproved } = at;
    const fresh = await propose(world, { role: 'reader', requester: 'erin' });
    const flooded = [live, unapproved, fresh];
    pushBranches(
      world,
      flooded.flatMap((id) =>
        Array.from(
          { length: 2001 },
          (_, one) => `pam-statements/${id}.${one.toString(16).padStart(16, '0')}`,
        ),
      ),
      main(world),
    );
    for (const id of flooded) await world.stop(id, id === fresh ? 'erin' : 'alice');
    // A run reads all but two of them, drawn anew each time.
    for (let runs = 0; runs < 3 && world.held().length > 0; runs++) await run('sweep', world, undefined);
    expect(world.held()).toEqual([]);
    expect((await world.record(live)).ending?.cause).toBe('stopped');
  });

  it.each(['E_FORGE_LIMIT', 'E_FORGE_PAGING', 'E_FORGE_BUSY'] as const)(
    '[Q1] what is said about one id cannot be read whole (%s): a stop in the rest of it counts',
    async (code) => {
      const at = scene();
      const { world, live, good } = at;
      await world.stop(live, 'alice');
      await merge(world, good);
      const partly = (desk: Desk): Desk => ({
        ...desk,
        forge: async (config) => {
          const forge = await desk.forge(config);
          return {
            ...forge,
            statements: async (topics, doubt) => {
              for (const { name } of topics) doubt?.(name, new PamError(code, 'not all of it'));
              return await forge.statements(topics);
            },
          };
        },
      });
      await world.apply({ change: partly });
      expect(world.held()).toEqual([LIVE_HELD]);
      const swept = await run('sweep', world, undefined, partly);
      expect([swept.exit, [...new Set(swept.codes)]]).toEqual([3, [code]]);
      expect(world.held()).toEqual([]);
      expect((await world.record(live)).ending?.cause).toBe('stopped');
    },
  );

  it('[Q5] one requester asks for too much: the surplus waits, what is on its way goes on, nobody else waits', async () => {
    const at = scene();
    const { world, victim, unapproved } = at;
    await world.commitPolicy({ openRequests: 4 });
    await world.ratify();
    const asked: RequestId[] = [];
    for (let count = 0; count < 5; count += 1)
      asked.push(await propose(world, { role: 'reader', requester: 'erin' }, 'bob'));
    const { waiting } = await world.apply();
    const limited = waiting.flatMap(({ id, decision }) =>
      decision.reasons.some(({ code, ok }) => code === 'E_POL_LIMIT' && !ok) ? [id] : [],
    );
    // Two of hers were seen before, and two more are now.
    expect(limited).toHaveLength(3);
    const surplus = limited[0] ?? victim;
    expect(await run('check', world, surplus)).toMatchObject({ codes: ['E_POL_LIMIT'], exit: EXIT.pending });
    // Pam merges none of it; who merges it past pam gains nothing.
    await expect(merge(world, surplus)).rejects.toMatchObject({ code: 'E_POL_LIMIT', exit: EXIT.pending });
    world.git('merge', '-q', '--no-ff', '-m', 'past pam', `pam/${surplus}`);
    expect(await run('apply', world, surplus)).toMatchObject({
      codes: expect.arrayContaining(['E_POL_LIMIT']),
      exit: EXIT.pending,
    });
    const refs = world.git('for-each-ref');
    await expect(propose(world, { role: 'reader', requester: 'erin' })).rejects.toMatchObject({
      code: 'E_POL_LIMIT',
      exit: EXIT.refused,
    });
    expect(world.git('for-each-ref')).toBe(refs);
    // Hers that were seen are decided as ever, and others ask as ever.
    await propose(world, { role: 'reader', requester: 'dana' });
    await merge(world, victim);
    await world.apply();
    expect((await world.record(victim)).state).toBe('live');
    expect((await world.records()).has(surplus)).toBe(false);
    // One was decided, so one more may be open: the merged one comes first.
    await world.apply();
    expect((await world.record(surplus)).state).toBe('live');
    const seen = async () => {
      const records = await world.records();
      return limited.filter((id) => records.has(id)).length;
    };
    await world.apply();
    expect(await seen()).toBe(2);
    await world.stop(unapproved, 'erin');
    await world.apply();
    await world.apply();
    expect(await seen()).toBe(3);
    expect((await world.audit()).findings).toEqual([]);
    expect(asked).toHaveLength(5);
    await expectOthersGoOn(at, ['north erin read', 'north erin write']);
  });

  it('[Q1] a branch that takes the name of all statements: whoever signs is told which', async () => {
    const { world, unapproved } = scene();
    const refs = world.git('for-each-ref', '--format=%(refname)', 'refs/heads/pam-statements').split('\n');
    for (const ref of refs) world.git('update-ref', '-d', ref);
    world.git('update-ref', 'refs/heads/pam-statements', main(world));
    const error: unknown = await world.stop(unapproved, 'alice').catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(PamError);
    expect(error).toMatchObject({
      code: 'E_FORGE_REFUSED',
      message: expect.stringContaining('the branch pam-statements is in the way'),
    });
  });

  it.each(['{id}', '{id}/x', '{id}./x', '{id}.0123456789abcdef/x'])(
    '[Q1] the branch pam-statements/%s keeps nobody from stopping that id',
    async (name) => {
      const at = scene();
      const { world, live } = at;
      world.git('update-ref', `refs/heads/pam-statements/${name.replace('{id}', live)}`, main(world));
      await world.stop(live, 'alice');
      expect(await run('sweep', world, undefined)).toMatchObject({ codes: [], exit: 0 });
      expect(world.held()).toEqual([]);
      expect((await world.record(live)).ending?.cause).toBe('stopped');
    },
  );
});
