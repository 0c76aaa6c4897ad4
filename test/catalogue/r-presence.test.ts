/** Group R: whoever sits at, or works on, an approver's machine. A role may want a key that somebody has to touch. */
import { posting } from '../support/posting.ts';
import { describe, expect, it } from 'vitest';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { prepareApproval, publishApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import type { World } from '../crash/access-repository.ts';
import { makeKey, type SignOptions } from '../support/make-signature.ts';
import { attack, permit } from './attack.ts';
import { bringIntoForce, peopleWithKey, rolesWith } from './policy-hands.ts';
import { ATTACKED, makeScene, merge, prepared, propose } from './scene.ts';

const token = makeKey('sk-ssh-ed25519@openssh.com');

/** `writer` wants a touch, and bob has a security key beside the software key with which he signed `victim`. */
const scene = prepared(async () => {
  const made = await makeScene();
  const { world } = made;
  await bringIntoForce(world, {
    'policy/roles.yaml': rolesWith(world, 'writer', {
      approval: [{ approvers: ['alice', 'bob'], threshold: 1, presence: 'touch' }],
    }),
    'policy/people.yaml': peopleWithKey(world, 'bob', {
      key: token.line,
      attested: `sha256:${'a'.repeat(64)}`,
    }),
  });
  return made;
});

/** Bob's approval of what is proposed, made by his token with these flags, pushed past every check of ours. */
async function approveWithToken(world: World, id: RequestId, how: SignOptions): Promise<void> {
  const desk = await world.desk();
  const looked = await lookAtRequest(desk, id);
  const { text } = prepareApproval(looked, 'bob', null);
  const forge = await desk.forge(looked.view.state.policy.config);
  await forge.publish(
    posting(id, { text, armor: token.sign(text, STATEMENT_KINDS.approval.namespace, how) }, 'bob'),
  );
}

describe('group R', () => {
  attack(scene, '[R1]', 'an agent signed with the software key that the machine holds', {
    code: 'E_KEY_NOT_HARDWARE',
    by: ['check', 'apply'],
    do: async ({ world, victim }) => {
      world.git('merge', '-q', '--no-edit', world.git('rev-parse', `refs/heads/pam/${victim}`));
      return victim;
    },
  });

  it('[R1] pam merge does not merge it', async () => {
    const { world, victim } = scene();
    await expect(merge(world, victim)).rejects.toMatchObject({ code: 'E_KEY_NOT_HARDWARE', exit: 5 });
  });

  it('[R1] pam approve signs nothing that would not count', async () => {
    const { world } = scene();
    const id = await propose(world, { role: 'writer', requester: 'erin' });
    const desk = await world.desk();
    const looked = await lookAtRequest(desk, id);
    const signing = signApproval(desk, looked, prepareApproval(looked, 'bob', null), world.signer('bob'));
    await expect(signing).rejects.toMatchObject({ code: 'E_KEY_NOT_HARDWARE', exit: 5 });
    expect(world.git('for-each-ref', `refs/heads/pam-statements/${id}.*`)).toBe('');
  });

  attack(scene, '[R4]', 'a security key that nobody touched', {
    code: 'E_SK_NO_TOUCH',
    by: ['check', 'apply'],
    do: async ({ world }) => {
      const id = await propose(world, { role: 'writer', requester: 'erin' });
      await approveWithToken(world, id, { flags: 0 });
      world.git('merge', '-q', '--no-edit', world.git('rev-parse', `refs/heads/pam/${id}`));
      return id;
    },
  });

  it('[R4] and pam publishes none', async () => {
    const { world } = scene();
    const id = await propose(world, { role: 'writer', requester: 'erin' });
    const desk = await world.desk();
    const looked = await lookAtRequest(desk, id);
    const { text } = prepareApproval(looked, 'bob', null);
    const armor = token.sign(text, STATEMENT_KINDS.approval.namespace, { flags: 0 });
    await expect(publishApproval(desk, looked, { text, armor })).rejects.toMatchObject({
      code: 'E_SK_NO_TOUCH',
    });
  });

  permit(scene, '[Z8]', 'the same key, touched, whatever its counter says', {
    holds: ['north erin read', 'north erin write'],
    do: async ({ world, victim }) => {
      world.now = plus(ATTACKED, 1);
      await approveWithToken(world, victim, { flags: 1, counter: 0 });
      await merge(world, victim);
      return victim;
    },
  });
});
