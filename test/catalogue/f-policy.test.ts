/**
 * Group F as far as it happens on main and in proposals. What is done to policy on the ledger itself (F3, F11, F17)
 * is with the ledger's attacks. Grants stop while main differs from the policy in force, so `E_POL_UNSIGNED` answers
 * with 8 for one id ("a later time") and with 5 for a run.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ratifiable } from '../../src/flows/people/ratify-policy.ts';
import { EXIT, PamError } from '../../src/model/error.ts';
import { requestPath, signaturePath } from '../../src/model/names.ts';
import { plus } from '../../src/model/instant.ts';
import { makeWorld } from '../crash/access-repository.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { type Attack, attack, run } from './attack.ts';
import {
  approveBytes,
  type Files,
  handsOf,
  plant,
  requestBy,
  requestId,
  signedFiles,
  textOf,
} from './hostile-hands.ts';
import { bringIntoForce, policyText, rolesWith, signPolicyOnMain } from './policy-hands.ts';
import { ATTACKED, LIVE_ENDS, LIVE_HELD, merge, preparedScene, propose } from './scene.ts';

const scene = preparedScene();
const UNSIGNED = 'main holds a policy that its admins have not signed';
const ratified = { types: ['policy'], why: 'an honest admin signed the version that the row speaks of' };
const HELD_BACK = { check: EXIT.pending, apply: EXIT.pending };

/** Main holds a policy that is not in force: every request waits, and every sweep goes on. */
const notInForce = (rows: string, title: string, make: Attack['do']): void => {
  attack(scene, rows, title, {
    code: 'E_POL_UNSIGNED',
    by: ['check', 'apply'],
    exit: HELD_BACK,
    grantsStop: UNSIGNED,
    do: make,
  });
};

describe('group F: a proposal brings more than its request', () => {
  const ID = requestId('20261122-writer-ffffff');

  /** The request of erin with her signature, approved by bob, and more files on the same branch. */
  const withFiles = (files: Files): Attack => ({
    code: 'E_PR_SCOPE',
    by: 'check',
    do: async ({ world }) => {
      const text = textOf({ id: ID });
      await approveBytes(await handsOf(world), requestBy({ id: ID }), text);
      plant(world, `pam/${ID}`, { ...(await signedFiles(await handsOf(world), ID, text)), ...files });
      return ID;
    },
  });

  attack(
    scene,
    '[F1]',
    'a policy that makes mallory an approver',
    withFiles({ 'policy/people.yaml': '{}\n' }),
  );
  // `pam` judges with the schema that is built into it, never with one from the repository.
  attack(
    scene,
    '[F10]',
    'another schema, lock file and workflow',
    withFiles({
      'schemas/request.schema.json': '{}\n',
      'package-lock.json': '{}\n',
      '.github/workflows/pam.yml': 'on: push\n',
    }),
  );

  attack(scene, '[F1]', 'both are merged, and mallory approves', {
    code: 'E_KEY_UNKNOWN',
    by: ['check', 'apply'],
    grantsStop: UNSIGNED,
    do: async ({ world }) => {
      const text = textOf({ id: ID });
      const mallory = world
        .git('show', 'refs/heads/main:policy/people.yaml')
        .replace('"bob": {', '"mallory": {');
      const roles = rolesWith(world, 'writer', { approval: [{ approvers: ['mallory'], threshold: 1 }] });
      // The key pair that stands for mallory's: one that policy lists for nobody.
      await approveBytes(await handsOf(world), requestBy({ id: ID }), text, { signer: 'mallory', key: 'ca' });
      plant(world, 'main', {
        ...(await signedFiles(await handsOf(world), ID, text)),
        'policy/people.yaml': mallory,
        'policy/roles.yaml': roles,
      });
      return ID;
    },
  });

  attack(scene, '[F8]', 'a branch from a main whose policy allowed it', {
    code: 'E_POL_TTL',
    by: ['check', 'apply'],
    alsoRecords: ratified,
    auditFinds: [],
    do: async ({ world }) => {
      const old = world.git('rev-parse', 'refs/heads/main');
      const text = textOf({ id: ID });
      await approveBytes(await handsOf(world), requestBy({ id: ID }), text);
      await bringIntoForce(world, {
        'policy/roles.yaml': rolesWith(world, 'writer', { max_duration: '10m' }),
      });
      const files = await signedFiles(await handsOf(world), ID, text);
      plant(world, `pam/${ID}`, files, old);
      plant(world, 'main', files);
      return ID;
    },
  });
});

describe('group F: main holds a policy that is not in force', () => {
  notInForce('[F2]', 'nobody signed it, and the request is good under either', async ({ world, victim }) => {
    await merge(world, victim);
    await world.commitPolicy({ note: 'nobody signed this' });
    return victim;
  });

  notInForce('[F2]', 'signed by an approver who is no admin', async ({ world, victim }) => {
    await merge(world, victim);
    plant(world, 'main', { 'policy/roles.yaml': rolesWith(world, 'writer', { max_duration: '7d' }) });
    await signPolicyOnMain(world, { signer: 'bob' });
    return victim;
  });

  // The version that the statement names is the next one, and the digest that comes before is the one in force, so
  // no statement of an older version fits again. On the ledger: E_POL_ROLLBACK.
  attack(scene, '[F3]', 'the version before, with the statements that were good then', {
    code: 'E_POL_UNSIGNED',
    by: ['check', 'apply'],
    exit: HELD_BACK,
    grantsStop: UNSIGNED,
    alsoRecords: ratified,
    do: async ({ world, victim }) => {
      const before = world.git('show', 'refs/heads/main:policy/roles.yaml');
      await bringIntoForce(world, {
        'policy/roles.yaml': rolesWith(world, 'writer', { max_duration: '2h' }),
      });
      await merge(world, victim);
      plant(world, 'main', { 'policy/roles.yaml': `${before}\n` });
      await signPolicyOnMain(world, { seq: 1 });
      await signPolicyOnMain(world, { seq: 2 });
      return victim;
    },
  });

  // E_POL_ROOT_CHAIN is what `judgePolicyChange` says of it; nothing may come in force, so apply says "not signed".
  notInForce('[F4]', 'signed by the new admins alone', async ({ world, victim }) => {
    await merge(world, victim);
    plant(world, 'main', {
      'policy/people.yaml': policyText(world, 'policy/people.yaml', (document) => {
        Object.assign(document, { admins: { people: ['bob', 'dana'], threshold: 2 } });
      }),
    });
    await signPolicyOnMain(world, { signer: 'bob' });
    await signPolicyOnMain(world, { signer: 'dana' });
    return victim;
  });

  // A policy has no `expires`; what dies is a signature that nobody used for seven days.
  notInForce('[F14]', 'a signature of eight days ago', async ({ world, victim }) => {
    await merge(world, victim);
    plant(world, 'main', { 'policy/roles.yaml': rolesWith(world, 'writer', { max_duration: '7d' }) });
    await signPolicyOnMain(world, { signedAt: plus(ATTACKED, -8 * 86_400) });
    return victim;
  });
});

describe('group F: a policy that may not be', () => {
  const threshold = (value: unknown) => ({ approval: [{ approvers: ['alice', 'bob'], threshold: value }] });

  attack(scene, '[F5]', 'an admin looks at a threshold of 0', {
    code: 'E_POL_THRESHOLD',
    by: 'person',
    exit: { person: EXIT.invalid },
    grantsStop: UNSIGNED,
    do: async ({ world }) => {
      plant(world, 'main', { 'policy/roles.yaml': rolesWith(world, 'writer', threshold(0)) });
      await ratifiable(await world.desk());
    },
  });

  notInForce('[F5]', 'a threshold of 0 that the admins did sign', async ({ world }) => {
    plant(world, 'main', { 'policy/roles.yaml': rolesWith(world, 'reader', threshold(0)) });
    await signPolicyOnMain(world);
    const id = await propose(world, { role: 'reader', requester: 'erin' });
    const main = world.git('rev-parse', `refs/heads/pam/${id}`);
    plant(world, 'main', {
      [requestPath(id)]: `${world.git('show', `${main}:${requestPath(id)}`)}\n`,
      [signaturePath(id)]: `${world.git('show', `${main}:${signaturePath(id)}`)}\n`,
    });
    return id;
  });

  notInForce(
    '[F7]',
    'gone from main altogether, though the admin signed just that',
    async ({ world, victim }) => {
      await merge(world, victim);
      plant(world, 'main', { policy: null, 'pam.yaml': null });
      await signPolicyOnMain(world);
      return victim;
    },
  );

  notInForce('[F7]', 'a symbolic link to another file', async ({ world, victim }) => {
    await merge(world, victim);
    plant(world, 'main', { 'policy/roles.yaml': { mode: '120000', bytes: 'people.yaml' } });
    return victim;
  });

  it.each<readonly [string, Files, string]>([
    ['deleted', { 'policy/roles.yaml': null }, 'E_POL_MISSING'],
    ['empty', { 'policy/roles.yaml': '' }, 'E_POL_MISSING'],
    ['a symbolic link', { 'policy/roles.yaml': { mode: '120000', bytes: 'people.yaml' } }, 'E_POL_FILES'],
    ['a submodule', { 'policy/roles.yaml': { mode: '160000', bytes: '1'.repeat(40) } }, 'E_POL_FILES'],
    ['a file too many', { 'policy/more.yaml': 'a: 1\n' }, 'E_POL_FILES'],
    ['no YAML', { 'pam.yaml': 'version: 1\nforge: [\n' }, 'E_YAML_SYNTAX'],
    ['larger than any policy', { 'policy/roles.yaml': `# ${'x'.repeat(300_000)}\n` }, 'E_YAML_SIZE'],
  ])('[F7] %s: no admin is asked to sign that', async (_, files, code) => {
    const { world } = scene();
    plant(world, 'main', files);
    const error: unknown = await ratifiable(await world.desk()).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(PamError);
    expect(error).toMatchObject({ exit: EXIT.invalid });
    const { code: own, issues } = error as PamError;
    expect([own, ...issues.map((one) => one.code)]).toContain(code);
  });
});

describe('group F: policy moves on under what was signed', () => {
  attack(scene, '[F12]', 'its role is gone: no rule is no grant', {
    code: 'E_POL_ROLE',
    by: ['check', 'apply'],
    alsoRecords: ratified,
    do: async ({ world, victim }) => {
      await merge(world, victim);
      await bringIntoForce(world, {
        'policy/roles.yaml': policyText(world, 'policy/roles.yaml', ({ roles }) => {
          delete roles?.['writer'];
        }),
      });
      return victim;
    },
  });

  // DESIGN section 4: an approval names no policy, it names the exact grant. Catalogue: E_POLICY_CHANGED.
  attack(scene, '[F13]', 'its role gives more than was signed', {
    code: 'E_APR_GRANT',
    by: ['check', 'apply'],
    alsoRecords: ratified,
    do: async ({ world, victim }) => {
      await merge(world, victim);
      await bringIntoForce(world, {
        'policy/roles.yaml': rolesWith(world, 'writer', { permissions: ['read', 'write', 'own'] }),
      });
      return victim;
    },
  });

  attack(scene, '[F13]', 'its approver may approve it no longer', {
    code: 'E_APR_SCOPE',
    by: ['check', 'apply'],
    alsoRecords: ratified,
    do: async ({ world, victim }) => {
      await merge(world, victim);
      await bringIntoForce(world, {
        'policy/roles.yaml': rolesWith(world, 'writer', {
          approval: [{ approvers: ['alice'], threshold: 1 }],
        }),
      });
      return victim;
    },
  });
});

describe('group F: another beginning', () => {
  it('[F18] the ledger of a repository that was made anew: who knows the old one ends what is live, and nobody grants', async () => {
    const { world, victim, live } = scene();
    await world.sweep({ executor: 'pam-sweep' });
    await merge(world, victim);
    const other = await makeWorld(join(tempDir(), 'other'));
    world.git('fetch', '-q', other.dir, 'refs/heads/pam-ledger');
    world.git('update-ref', 'refs/heads/pam-ledger', 'FETCH_HEAD');
    const before = world.calls('grant').length;
    const applied = await run('apply', world, victim);
    expect(applied).toMatchObject({ codes: expect.arrayContaining(['E_LED_FORK']), exit: EXIT.integrity });
    // A machine that knows nothing but the pinned root.
    const fresh = await run(
      'apply',
      { ...world, apply: () => world.apply({ executor: 'pam-apply-two' }) },
      victim,
    );
    expect(fresh).toEqual({ by: 'apply', codes: ['E_POL_GENESIS'], exit: EXIT.integrity });
    expect(await run('audit', world, undefined)).toMatchObject({
      codes: ['E_POL_GENESIS'],
      exit: EXIT.integrity,
    });
    world.now = LIVE_ENDS;
    const { steps, troubles } = await world.sweep({ executor: 'pam-sweep' });
    expect(steps).toMatchObject([{ id: live, action: 'revoke', result: 'done' }]);
    expect(troubles.map(({ code }) => code)).toContain('E_LED_FORK');
    expect({ held: world.held(), granted: world.calls('grant').length - before }).toEqual({
      held: [],
      granted: 0,
    });
  });

  it('[F18] a machine without a pin: a person is told, an executor does nothing', async () => {
    const { world, victim } = scene();
    await merge(world, victim);
    rmSync(join(world.home, 'root'));
    rmSync(join(world.home, 'hosts', world.host, 'state'), { recursive: true });
    for (const by of ['apply', 'sweep'] as const) {
      expect(await run(by, world, victim)).toEqual({ by, codes: ['E_LED_UNPINNED'], exit: EXIT.integrity });
    }
    await run('check', world, victim);
    expect(world.notes.filter((line) => line.startsWith('first use here'))).toHaveLength(1);
    expect(world.held()).toEqual([LIVE_HELD]);
  });
});
