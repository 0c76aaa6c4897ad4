import { describe, expect, it } from 'vitest';
import type { Policy } from '../../../src/model/policy.ts';
import { judgePolicy } from '../../../src/rules/judge-policy.ts';
import { publicKeyFromBlob } from '../../../src/trust/public-key.ts';
import { makeKey } from '../../support/make-signature.ts';
import { hardware, keys, policyWith, providers } from '../documents/policy-fixture.ts';

const good = policyWith();
const REVOKED = publicKeyFromBlob(makeKey().blob);

/** The valid policy with one part replaced, as plain data: what a change in a file would come to. */
function changed(change: (policy: Mutable<Policy>) => void): Policy {
  // structuredClone keeps data only, which is all that a policy is.
  const policy = structuredClone(good) as Mutable<Policy>;
  change(policy);
  return policy;
}
type Mutable<T> = T extends string | number | boolean ? T : { -readonly [K in keyof T]-?: Mutable<T[K]> };
/** For paths that the fixture is known to have. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture lacks it');
  return value;
}
const rule = (policy: Mutable<Policy>) => present(present(policy.roles['dba']).approval[0]);
const role = (policy: Mutable<Policy>) => present(policy.roles['dba']);
const person = (policy: Mutable<Policy>, id: string) => present(policy.people[id]);
const executor = (policy: Mutable<Policy>) => present(policy.services['apply']).executes;
const key = (line: string) => ({ key: line }) as Mutable<Policy>['people'][string]['keys'][number];
const problemsOf = (policy: Policy) => judgePolicy(policy, providers);

describe('judging a policy', () => {
  it('has nothing to say about a good one', () => {
    expect(problemsOf(good)).toEqual([]);
    expect(problemsOf(changed(() => undefined))).toEqual([]);
  });

  const identityPoint = `ssh-ed25519 ${Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32, 1]),
    Buffer.alloc(31),
  ]).toString('base64')}`;

  it.each<[string, string, string, (policy: Mutable<Policy>) => void]>([
    [
      '[C3] one key for two people',
      'E_POL_KEY_SHARED',
      '/people/bob/keys/0/key',
      (p) => person(p, 'bob').keys.splice(0, 1, key(keys['alice'] ?? '')),
    ],
    [
      '[C3] one key for a person and a service',
      'E_POL_KEY_SHARED',
      '/services/bot/keys/0/key',
      (p) => present(p.services['bot']).keys.splice(0, 1, key(keys['alice'] ?? '')),
    ],
    [
      '[C3] a login key that is somebody else’s',
      'E_POL_KEY_SHARED',
      '/people/carol/login_key',
      (p) => Object.assign(person(p, 'carol'), { login_key: keys['alice'] }),
    ],
    [
      'a key listed twice',
      'E_POL_KEY_TWICE',
      '/people/bob/keys/1/key',
      (p) => person(p, 'bob').keys.push(key(keys['bob'] ?? '')),
    ],
    [
      '[C24] the identity point as a key',
      'E_KEY_SMALL_ORDER',
      '/people/bob/keys/0/key',
      (p) => person(p, 'bob').keys.splice(0, 1, key(identityPoint)),
    ],
    [
      '[C16] a key type of the past',
      'E_KEYTYPE',
      '/people/bob/keys/0/key',
      (p) => person(p, 'bob').keys.splice(0, 1, key('ssh-dss AAAAB3NzaC1kc3MAAAAA')),
    ],
    [
      'a window that ends before it begins',
      'E_POL_KEY_WINDOW',
      '/people/bob/keys/0/until',
      (p) =>
        Object.assign(present(person(p, 'bob').keys[0]), {
          from: '2026-02-01T00:00:00Z',
          until: '2026-02-01T00:00:00Z',
        }),
    ],
    [
      'an attestation for a software key',
      'E_POL_ATTESTED',
      '/people/bob/keys/0/attested',
      (p) => Object.assign(present(person(p, 'bob').keys[0]), { attested: `sha256:${'0'.repeat(64)}` }),
    ],
    [
      'one GitHub account for two people',
      'E_POL_GITHUB_SHARED',
      '/people/bob/github/id',
      (p) => Object.assign(person(p, 'bob').accounts['github'] ?? {}, { id: 1 }),
    ],
    [
      'one GitHub login for two people',
      'E_POL_GITHUB_SHARED',
      '/people/bob/github/login',
      (p) => Object.assign(person(p, 'bob').accounts['github'] ?? {}, { login: 'AL' }),
    ],
    [
      '[C18] a service as approver',
      'E_POL_NONHUMAN',
      '/roles/dba/approval/0/approvers/0',
      (p) => rule(p).approvers.splice(0, 1, 'bot'),
    ],
    [
      '[C18] a service as fallback',
      'E_POL_NONHUMAN',
      '/roles/dba/approval/0/fallback/0/approvers/0',
      (p) => present(rule(p).fallback[0]).approvers.splice(0, 1, 'bot'),
    ],
    [
      '[C18] a service in a group',
      'E_POL_NONHUMAN',
      '/groups/leads/0',
      (p) => present(p.groups['leads']).splice(0, 1, 'bot'),
    ],
    [
      '[C18] a service as admin',
      'E_POL_NONHUMAN',
      '/admins/people/0',
      (p) => p.admins.people.splice(0, 1, 'bot'),
    ],
    [
      '[C18] a service as owner',
      'E_POL_NONHUMAN',
      '/services/bot/owner',
      (p) => Object.assign(present(p.services['bot']), { owner: 'apply' }),
    ],
    [
      'an approver whom nobody knows',
      'E_POL_UNKNOWN_NAME',
      '/roles/dba/approval/0/approvers/0',
      (p) => rule(p).approvers.splice(0, 1, 'mallory'),
    ],
    [
      'an approver that every object has',
      'E_POL_UNKNOWN_NAME',
      '/roles/dba/approval/0/approvers/0',
      (p) => rule(p).approvers.splice(0, 1, 'constructor'),
    ],
    [
      'a group whom nobody knows',
      'E_POL_UNKNOWN_NAME',
      '/roles/dba/approval/0/approvers/0',
      (p) => rule(p).approvers.splice(0, 1, '@nobody'),
    ],
    [
      'a group without its @',
      'E_POL_UNKNOWN_NAME',
      '/roles/dba/approval/0/approvers/0',
      (p) => rule(p).approvers.splice(0, 1, 'leads'),
    ],
    [
      'a requester whom nobody knows',
      'E_POL_UNKNOWN_NAME',
      '/roles/dba/requesters/0',
      (p) => role(p).requesters.splice(0, 1, 'mallory'),
    ],
    [
      'an admin whom nobody knows',
      'E_POL_UNKNOWN_NAME',
      '/admins/people/0',
      (p) => p.admins.people.splice(0, 1, 'mallory'),
    ],
    [
      'a group in a group',
      'E_POL_GROUP_NESTED',
      '/groups/leads/2',
      (p) => present(p.groups['leads']).push('@leads'),
    ],
    [
      'a group named as a person',
      'E_POL_NAME_SHARED',
      '/groups/bob',
      (p) => Object.assign(p.groups, { bob: ['alice'] }),
    ],
    [
      'a service named as a person',
      'E_POL_NAME_SHARED',
      '/services/dana',
      (p) => Object.assign(p.services, { dana: p.services['bot'] }),
    ],
    [
      'a name in capitals',
      'E_POL_NAME',
      '/targets/DB2',
      (p) => Object.assign(p.targets, { DB2: { provider: 'plain', config: {} } }),
    ],
    [
      '[F5] a threshold of zero',
      'E_POL_THRESHOLD',
      '/roles/dba/approval/0/threshold',
      (p) => Object.assign(rule(p), { threshold: 0 }),
    ],
    [
      '[F5] a threshold of NaN',
      'E_POL_THRESHOLD',
      '/roles/dba/approval/0/threshold',
      (p) => Object.assign(rule(p), { threshold: Number.NaN }),
    ],
    [
      '[F5] a threshold over everybody',
      'E_POL_THRESHOLD',
      '/roles/dba/approval/0/threshold',
      (p) => Object.assign(rule(p), { threshold: 5 }),
    ],
    [
      '[F5] no admins enough',
      'E_POL_THRESHOLD',
      '/admins/threshold',
      (p) => Object.assign(p.admins, { threshold: 3 }),
    ],
    [
      '[F5] one admin named twice',
      'E_POL_THRESHOLD',
      '/admins/threshold',
      (p) => Object.assign(p.admins, { people: ['alice', 'alice'], threshold: 2 }),
    ],
    [
      '[C22] fewer people than the threshold',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval/0/threshold',
      (p) => Object.assign(rule(p), { threshold: 4 }),
    ],
    [
      '[C22] a person listed twice counts once',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval/0/threshold',
      (p) => Object.assign(rule(p), { approvers: ['@leads', 'alice', 'bob'], fallback: [], threshold: 3 }),
    ],
    [
      '[C22] a person whose only key is revoked',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval/0/threshold',
      (p) => {
        Object.assign(rule(p), { approvers: ['bob'], fallback: [] });
        Object.assign(p.people, { bob: { ...person(p, 'bob'), keys: [key(REVOKED.line)] } });
        Object.assign(p, {
          revoked_keys: [{ fingerprint: REVOKED.fingerprint, at: '2026-01-01T00:00:00Z', reason: 'lost' }],
        });
      },
    ],
    [
      '[C21] nobody with a security key',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval/0/threshold',
      (p) => Object.assign(rule(p), { presence: 'touch' }),
    ],
    [
      '[C25] a security key without attestation',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval/0/threshold',
      (p) => {
        person(p, 'bob').keys.push(key(hardware));
        Object.assign(rule(p), { presence: 'touch' });
      },
    ],
    [
      '[C22] one person for two rules',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval',
      (p) => {
        Object.assign(rule(p), { approvers: ['alice'], fallback: [] });
        role(p).approval.push({ ...rule(p) });
      },
    ],
    [
      '[C22] two people for three rules',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval',
      (p) => {
        Object.assign(rule(p), { fallback: [] });
        role(p).approval.push({ ...rule(p) }, { ...rule(p) });
      },
    ],
    [
      'no rule at all',
      'E_POL_UNSATISFIABLE',
      '/roles/dba/approval',
      (p) => Object.assign(role(p), { approval: [] }),
    ],
    [
      'fallbacks out of order',
      'E_POL_FALLBACK',
      '/roles/dba/approval/0/fallback/1/after',
      (p) => rule(p).fallback.push({ ...present(rule(p).fallback[0]) }),
    ],
    [
      '[A6] a target that does not exist',
      'E_POL_TARGET',
      '/roles/dba/target',
      (p) => Object.assign(role(p), { target: 'nowhere' }),
    ],
    [
      'an executor of an unknown target',
      'E_POL_TARGET',
      '/services/apply/executes/targets',
      (p) => executor(p).targets.push('nowhere'),
    ],
    [
      'a login on an unknown target',
      'E_POL_TARGET',
      '/people/dana/logins/nowhere',
      (p) => Object.assign(person(p, 'dana').logins, { nowhere: 'x' }),
    ],
    [
      'a provider that does not exist',
      'E_POL_PROVIDER',
      '/targets/db/provider',
      (p) => Object.assign(present(p.targets['db']), { provider: 'magic' }),
    ],
    [
      'one system under two names',
      'E_POL_TARGET_SHARED',
      '/targets/other',
      (p) => Object.assign(present(p.targets['other']), { config: { identity: 'one' } }),
    ],
    [
      'one login for two people',
      'E_POL_LOGIN_SHARED',
      '/people/dana/logins/db',
      (p) => Object.assign(person(p, 'dana').logins, { db: 'bob' }),
    ],
    [
      'a login that is another’s default',
      'E_POL_LOGIN_SHARED',
      '/services/bot/logins/other',
      (p) => Object.assign(person(p, 'dana').logins, { other: 'bot' }),
    ],
    [
      'a login that the target cannot hold',
      'E_POL_LOGIN',
      '/people/dana/logins/db',
      (p) => Object.assign(person(p, 'dana').logins, { db: 'a;b' }),
    ],
    [
      'a permission that the target cannot hold',
      'E_POL_PERMISSION',
      '/roles/dba/permissions/0',
      (p) => Object.assign(present(role(p).scope['schema']), { enum: ['billing', '1'] }),
    ],
    [
      'a hole that no scope fills',
      'E_POL_SCOPE_KEYS',
      '/roles/dba/permissions/0',
      (p) => role(p).permissions.splice(0, 1, 'role:{schema}_{level}'),
    ],
    [
      'a scope that no permission uses',
      'E_POL_SCOPE_KEYS',
      '/roles/dba/scope/level',
      (p) => Object.assign(role(p).scope, { level: { enum: ['a'] } }),
    ],
    [
      'a brace that is no hole',
      'E_POL_SCOPE_KEYS',
      '/roles/dba/permissions/0',
      (p) => role(p).permissions.splice(0, 1, 'role:{schema}_{Level}'),
    ],
    [
      'a value that would be a hole',
      'E_POL_SCOPE_VALUE',
      '/roles/dba/scope/schema/enum/1',
      (p) => present(role(p).scope['schema']).enum.splice(1, 1, '{schema}'),
    ],
    [
      'a value that cannot be seen',
      'E_POL_SCOPE_VALUE',
      '/roles/dba/scope/schema/enum/1',
      (p) => present(role(p).scope['schema']).enum.splice(1, 1, ' '),
    ],
    [
      'a word that nothing requires',
      'E_POL_REQUIRE',
      '/roles/dba/require/2',
      (p) => role(p).require.push('tickets'),
    ],
    [
      'a justification of zero',
      'E_POL_REQUIRE',
      '/roles/dba/require/2',
      (p) => role(p).require.push('justification:0'),
    ],
    [
      'more than a week to decide',
      'E_POL_DECIDE_WITHIN',
      '/roles/dba/decide_within',
      (p) => Object.assign(role(p), { decide_within: '169h' }),
    ],
    [
      'nobody who may revoke',
      'E_POL_EXECUTOR',
      '/roles/dba/target',
      (p) => executor(p).may.splice(0, 2, 'grant'),
    ],
    [
      'a revoker for another target only',
      'E_POL_EXECUTOR',
      '/roles/dba/target',
      (p) => executor(p).targets.splice(0, 1, 'other'),
    ],
    [
      '[F17] a right of its own invention',
      'E_POL_KIND',
      '/services/apply/executes/may',
      (p) => Object.assign(executor(p), { may: ['revoke', 'approve'] }),
    ],
    [
      'a since without a compromise',
      'E_POL_REVOKED',
      '/revoked_keys/0/since',
      (p) =>
        Object.assign(p, {
          revoked_keys: [
            {
              fingerprint: 'SHA256:x',
              at: '2026-01-02T00:00:00Z',
              reason: 'lost',
              since: '2026-01-01T00:00:00Z',
            },
          ],
        }),
    ],
    [
      'a ledger on main',
      'E_POL_BRANCH',
      '/config/ledger',
      (p) => Object.assign(p.config, { ledger: 'main' }),
    ],
    [
      '[G9] a branch that is an option',
      'E_POL_BRANCH',
      '/config/main',
      (p) => Object.assign(p.config, { main: '--upload-pack=x' }),
    ],
    [
      '[G9] a branch that is an object id',
      'E_POL_BRANCH',
      '/config/main',
      (p) => Object.assign(p.config, { main: 'a'.repeat(40) }),
    ],
    [
      'a branch among the proposals',
      'E_POL_BRANCH',
      '/config/ledger',
      (p) => Object.assign(p.config, { ledger: 'pam/ledger' }),
    ],
    [
      'a branch that climbs',
      'E_POL_BRANCH',
      '/config/main',
      (p) => Object.assign(p.config, { main: 'a/../b' }),
    ],
  ])('%s is refused', (_, code, path, change) => {
    expect(problemsOf(changed(change))).toContainEqual(expect.objectContaining({ code, path }));
  });

  it('[Z11] takes two keys of one person, and a signing key as login key', () => {
    const policy = changed((p) => {
      person(p, 'bob').keys.push(key(hardware));
      Object.assign(person(p, 'bob'), { login_key: keys['bob'] });
    });
    expect(problemsOf(policy)).toEqual([]);
  });

  it('counts an attested security key as one that can be touched', () => {
    const policy = changed((p) => {
      person(p, 'bob').keys.push({ ...key(hardware), attested: `sha256:${'0'.repeat(64)}` as never });
      Object.assign(rule(p), { presence: 'touch' });
    });
    expect(problemsOf(policy)).toEqual([]);
  });

  it('finds a way to seat people that a greedy count misses', () => {
    // alice alone fits the second rule, so the first must take bob although it meets alice first.
    const policy = changed((p) => {
      Object.assign(rule(p), { approvers: ['alice', 'bob'], fallback: [] });
      role(p).approval.push({ ...rule(p), approvers: ['alice'] });
    });
    expect(problemsOf(policy)).toEqual([]);
  });

  it('tells all problems at once', () => {
    const policy = changed((p) => {
      Object.assign(role(p), { decide_within: '8d' });
      Object.assign(p.config, { main: '-x' });
      p.admins.people.push('mallory');
    });
    expect(problemsOf(policy)).toHaveLength(3);
  });
});
