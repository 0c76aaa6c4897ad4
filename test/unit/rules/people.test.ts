import { describe, expect, it } from 'vitest';
import {
  accountOf,
  approversOf,
  beneficiaries,
  isPerson,
  members,
  ownerOf,
  ownersOf,
  stoppersOf,
} from '../../../src/rules/people.ts';
import { policyOf, TEXTS, textsWith } from '../../support/world.ts';

const { policy } = policyOf(TEXTS);
const dba = policy.roles['dba'];

describe('who is who', () => {
  it('members: names, and the people of groups', () => {
    expect([...members(policy, ['@leads', 'dana', 'alice'])]).toEqual(['alice', 'bob', 'dana']);
    expect([...members(policy, ['@nosuch', '@constructor'])]).toEqual([]);
  });

  it('an account is that of this person at this kind of forge', () => {
    const account = { login: 'dana-r', id: 7 };
    const known = policyOf(
      textsWith('policy/people.yaml', 'dana: {', 'dana: { github: { login: dana-r, id: 7 },'),
    ).policy;
    expect(accountOf(known, 'github', 'dana')).toEqual(account);
    expect(known.people['dana']).toMatchObject({ name: 'Dana', accounts: { github: account } });
    for (const [kind, id] of [
      ['git', 'dana'],
      ['name', 'dana'],
      ['constructor', 'dana'],
      ['github', 'erin'],
      ['github', 'constructor'],
    ] as const)
      expect(accountOf(known, kind, id)).toBeUndefined();
  });

  it('people and services are told apart, and nothing is found by accident', () => {
    expect(['alice', 'deploy-bot', 'nobody', 'constructor'].map((id) => isPerson(policy, id))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(['alice', 'deploy-bot', 'toString'].map((id) => ownerOf(policy, id))).toEqual([
      undefined,
      'erin',
      undefined,
    ]);
  });

  it.each([
    ['dana', 'dana', [], ['dana']],
    ['deploy-bot', 'deploy-bot', ['erin'], ['deploy-bot', 'erin']],
    ['erin', 'deploy-bot', ['erin'], ['deploy-bot', 'erin']],
    ['deploy-bot', 'pam-apply', ['erin', 'alice'], ['alice', 'deploy-bot', 'erin', 'pam-apply']],
  ])('%s asks for %s', (requester, subject, owners, gainers) => {
    expect(ownersOf(policy, requester, subject)).toEqual(owners);
    expect([...beneficiaries(policy, requester, subject)].sort()).toEqual(gainers);
  });

  it('whoever a role names may stop it, fallbacks too, and requester, subject, owner, admins', () => {
    if (dba === undefined) throw new TypeError('the world has no dba');
    expect([...approversOf(policy, dba)].sort()).toEqual(['alice', 'bob', 'carol']);
    const on = { requester: 'deploy-bot', subject: 'deploy-bot', role: 'dba' };
    expect([...stoppersOf(policy, on)].sort()).toEqual([
      'alice',
      'bob',
      'carol',
      'deploy-bot',
      'erin',
      'grace',
    ]);
    expect([...stoppersOf(policy, { ...on, role: 'nosuch' })].sort()).toEqual([
      'alice',
      'bob',
      'deploy-bot',
      'erin',
      'grace',
    ]);
  });
});
