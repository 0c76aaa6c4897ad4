import { describe, expect, it } from 'vitest';
import { exactGrant, identityOf, loginKeyOf, roleOf } from '../../../src/rules/exact-grant.ts';
import {
  at,
  fingerprintOf,
  keyNamed,
  policyOf,
  providers,
  REQUEST,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const { policy } = policyOf(TEXTS);
const now = at('12:00');
const operator = { ...REQUEST, role: 'operator', scope: {} };

describe('the exact grant', () => {
  it('is filled in, sorted, and names the login on the target', () => {
    expect(exactGrant(policy, providers, REQUEST, now)).toEqual({
      subject: 'dana',
      target: 'orders-db',
      login: 'druiz',
      permissions: ['connect', 'role:billing_owner'],
      loginKey: null,
      loginKeyLine: null,
      duration: '45m',
      start: null,
    });
  });

  it('the login is the id where policy says nothing else', () => {
    expect(exactGrant(policy, providers, { ...REQUEST, subject: 'deploy-bot' }, now)?.login).toBe(
      'deploy-bot',
    );
    const start = at('18:00');
    expect(exactGrant(policy, providers, { ...operator, start }, now)).toMatchObject({
      login: 'dana',
      start,
    });
  });

  it.each([
    ['an unknown role', { ...REQUEST, role: 'nosuch' }],
    ['an unknown subject', { ...REQUEST, subject: 'nobody' }],
    ['a role by accident', { ...REQUEST, role: 'constructor' }],
    ['a subject by accident', { ...REQUEST, subject: 'toString' }],
    ['a scope that is missing', { ...REQUEST, scope: {} }],
    ['a scope that is not listed', { ...REQUEST, scope: { schema: 'payroll' } }],
    ['a scope too many', { ...REQUEST, scope: { schema: 'billing', x: 'y' } }],
  ])('there is none for %s', (_, request) => {
    expect(exactGrant(policy, providers, request, now)).toBeUndefined();
  });

  it('there is none without the provider', () => {
    expect(exactGrant(policy, new Map(), REQUEST, now)).toBeUndefined();
  });

  it('names by accident find nothing', () => {
    expect([identityOf(policy, 'constructor'), roleOf(policy, 'hasOwnProperty')]).toEqual([
      undefined,
      undefined,
    ]);
    expect(identityOf(policy, 'deploy-bot')).toBe(policy.services['deploy-bot']);
  });
});

describe('the login key', () => {
  it('is never one that policy revoked, for whatever reason', () => {
    const revoked_keys = [{ fingerprint: fingerprintOf('dana'), at: at('18:00'), reason: 'lost' } as const];
    expect(exactGrant({ ...policy, revoked_keys }, providers, operator, now)).toBeUndefined();
    const named = policyOf(textsWith(PEOPLE, 'logins: {', 'login_key: KEY(dana), logins: {')).policy;
    expect(exactGrant({ ...named, revoked_keys }, providers, operator, now)).toBeUndefined();
  });

  it('is the first signing key, where a provider needs one', () => {
    expect(exactGrant(policy, providers, operator, now)).toMatchObject({
      loginKey: fingerprintOf('dana'),
      loginKeyLine: keyNamed('dana').line,
    });
  });

  it('is the one that policy names, before any other', () => {
    const named = policyOf(textsWith(PEOPLE, 'logins: {', 'login_key: KEY(laptop), logins: {')).policy;
    expect(exactGrant(named, providers, operator, now)?.loginKey).toBe(fingerprintOf('laptop'));
  });

  it.each([
    ['from: 2026-11-22T12:00:01Z', 'later'],
    ['until: 2026-11-22T12:00:00Z', 'over'],
  ])('is never a key that is not valid now: %s', (limit) => {
    const from = 'keys: [{ key: KEY(dana) }], logins';
    const two = policyOf(
      textsWith(PEOPLE, from, `keys: [{ key: KEY(dana), ${limit} }, { key: KEY(dana-new) }], logins`),
    ).policy;
    expect(exactGrant(two, providers, operator, now)?.loginKey).toBe(fingerprintOf('dana-new'));
    const none = policyOf(textsWith(PEOPLE, from, `keys: [{ key: KEY(dana), ${limit} }], logins`)).policy;
    expect(exactGrant(none, providers, operator, now)).toBeUndefined();
    expect(loginKeyOf(policy, { keys: [], logins: {} }, now)).toBeUndefined();
  });
});
