/** Group Z: what looks odd and must not be refused, along the whole path. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { prepareApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { plus } from '../../src/model/instant.ts';
import { requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import { readPublicKey } from '../../src/signing/ssh-keygen.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import type { World } from '../crash/access-repository.ts';
import { permit } from './attack.ts';
import { plant } from './hostile-hands.ts';
import { bringIntoForce, peopleWithKey, policyText, rolesWith } from './policy-hands.ts';
import { ATTACKED, LIVE_ENDS, LIVE_HELD, merge, preparedScene, propose } from './scene.ts';

const WRITER = ['north erin read', 'north erin write'];

const publicKeyOf = async (world: World, name: string): Promise<string> =>
  await readPublicKey(world.signer(name).keyFile, world.env);

async function approveAs(world: World, id: RequestId, person: string, key: string = person): Promise<void> {
  const desk = await world.desk();
  const looked = await lookAtRequest(desk, id);
  const signer = { ...world.signer(key), id: person };
  await signApproval(desk, looked, prepareApproval(looked, person, null), signer);
}

describe('group Z in a lone clone', () => {
  const scene = preparedScene();

  permit(scene, '[Z9]', 'a squash: main gets the two blobs in a commit of somebody else', {
    holds: WRITER,
    do: async ({ world, victim }) => {
      const bytes = (path: string): string => `${world.git('show', `refs/heads/pam/${victim}:${path}`)}\n`;
      const paths = [requestPath(victim), signaturePath(victim)];
      plant(world, 'main', Object.fromEntries(paths.map((path) => [path, bytes(path)])));
      return victim;
    },
  });

  permit(
    scene,
    '[Z9, Z17, Z21]',
    'main moved on, and the proposal took it up; its merge carries an OpenPGP signature',
    {
      holds: WRITER,
      do: async ({ world, victim }) => {
        plant(world, 'main', { 'docs/README.md': 'unrelated\n' });
        world.git('checkout', '-q', `pam/${victim}`);
        world.git('merge', '-q', '--no-edit', 'main');
        world.git('checkout', '-q', 'main');
        plant(world, 'main', { 'docs/MORE.md': 'unrelated\n' });
        world.git('merge', '-q', '--no-ff', '--no-edit', `pam/${victim}`);
        const merged = world.git('cat-file', 'commit', 'HEAD');
        const armor = '-----BEGIN PGP SIGNATURE-----\n\n iQ==\n -----END PGP SIGNATURE-----';
        const signed = merged.replace(/^(committer .*)$/mu, `$1\ngpgsig ${armor}`);
        writeFileSync(join(world.home, 'commit'), `${signed}\n`);
        const commit = world.git('hash-object', '-t', 'commit', '-w', join(world.home, 'commit'));
        world.git('update-ref', 'refs/heads/main', commit);
        return victim;
      },
    },
  );

  it('[Z11, Z23] an approver with two keys signs with both, one of them twice: one voice of two', async () => {
    const { world, victim } = scene();
    const key = await publicKeyOf(world, 'ca');
    const approval = [{ approvers: ['alice', 'bob'], threshold: 2 }];
    await bringIntoForce(world, {
      'policy/people.yaml': peopleWithKey(world, 'bob', { key }),
      'policy/roles.yaml': rolesWith(world, 'writer', { approval }),
    });
    for (const [at, name] of ['bob', 'bob', 'ca'].entries()) {
      world.now = plus(ATTACKED, at + 1);
      await approveAs(world, victim, 'bob', name);
    }
    const { judged } = await lookAtRequest(await world.desk(), victim);
    expect(judged?.decision).toMatchObject({
      verdict: 'pending',
      // His latest, so it is the second key that counts.
      counted: [{ signer: 'bob', key: parsePublicKey(key).fingerprint }],
    });
    await approveAs(world, victim, 'alice');
    await merge(world, victim);
    await world.apply();
    expect(world.held()).toEqual([LIVE_HELD, ...WRITER]);
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });

  it('[Z1, Z2, Z15] key, approver and role changed after the grant: it runs to its recorded end, and audit is content', async () => {
    const { world } = scene();
    world.now = plus(ATTACKED, 60);
    const key = await publicKeyOf(world, 'bob');
    await bringIntoForce(world, {
      'policy/roles.yaml': policyText(world, 'policy/roles.yaml', ({ roles }) => {
        for (const role of Object.values(roles ?? {})) {
          Object.assign(role, { max_duration: '5m', approval: [{ approvers: ['alice'], threshold: 1 }] });
        }
      }),
      'policy/people.yaml': policyText(world, 'policy/people.yaml', (document) => {
        delete document['people']?.['bob'];
        const gone = { fingerprint: parsePublicKey(key).fingerprint, at: world.now, reason: 'superseded' };
        Object.assign(document, { revoked_keys: [gone] });
      }),
    });
    expect((await world.sweep({ executor: 'pam-sweep' })).steps).toEqual([]);
    expect(world.held()).toEqual([LIVE_HELD]);
    world.now = LIVE_ENDS;
    const swept = await world.sweep({ executor: 'pam-sweep' });
    expect([exitOfRun(swept), swept.steps.length, world.held()]).toEqual([0, 1, []]);
    world.now = plus(LIVE_ENDS, 365 * 86_400);
    expect(await world.audit()).toMatchObject({ ok: true });
  });
});

describe('group Z with a remote', () => {
  const scene = preparedScene({ remote: true });

  it('[Z18] the push of an entry loses three times and wins the fourth', async () => {
    const { world, good } = scene();
    await merge(world, good);
    const hooks = join(world.home, 'remote.git', 'hooks');
    mkdirSync(hooks, { recursive: true });
    const lost = join(world.home, 'lost');
    writeFileSync(
      join(hooks, 'pre-receive'),
      `#!/bin/sh\necho x >> '${lost}'\ntest "$(wc -l < '${lost}')" -gt 3\n`,
    );
    chmodSync(join(hooks, 'pre-receive'), 0o755);
    const result = await world.apply();
    expect(exitOfRun(result)).toBe(0);
    expect(world.held()).toEqual([LIVE_HELD, 'south dana read']);
    expect(world.calls('grant').filter(({ id }) => id === good)).toHaveLength(1);
    expect((await world.events()).filter(({ id, type }) => id === good && type === 'granting')).toHaveLength(
      1,
    );
  });

  it('[Z27] two approvers sign at the same moment from two clones, and both count', async () => {
    const { world } = scene();
    const approval = [{ approvers: ['alice', 'bob'], threshold: 2 }];
    world.commitToMain({ 'policy/roles.yaml': rolesWith(world, 'writer', { approval }) });
    await world.ratify();
    const id = await propose(world, { role: 'writer', requester: 'erin' });
    const [two, three] = [world.another('two'), world.another('three')];
    await Promise.all([approveAs(two, id, 'alice'), approveAs(three, id, 'bob')]);
    const { judged } = await lookAtRequest(await world.desk(), id);
    expect(judged?.decision).toMatchObject({
      verdict: 'approved',
      counted: [{ signer: 'alice' }, { signer: 'bob' }],
    });
    await merge(world, id);
    await world.apply();
    expect(world.held()).toEqual([LIVE_HELD, ...WRITER]);
  });

  it('[Z20] the remote is gone: a sweep and an audit work on from what the clone holds', async () => {
    const { world } = scene();
    world.git('remote', 'set-url', 'origin', join(world.home, 'nowhere.git'));
    expect(await world.audit()).toMatchObject({ ok: true });
    world.now = LIVE_ENDS;
    const result = await world.sweep();
    expect(world.held()).toEqual([]);
    expect([exitOfRun(result), result.steps.map(({ result: how }) => how)]).toEqual([3, ['done']]);
  });
});
