import { describe, expect, it } from 'vitest';
import type { Policy, Service } from '../../../src/model/policy.ts';
import type { Signed, StatementOf } from '../../../src/model/statement.ts';
import { EMPTY_INDEX } from '../../../src/rules/fold-index.ts';
import {
  judgePolicyChange,
  POLICY_STATEMENT_LIFE_SECONDS,
  tallies,
} from '../../../src/rules/judge-policy-change.ts';
import { plus } from '../../../src/model/instant.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, grantLive, Ledger, policyOf, sign, TEXTS, textsWith } from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const root = sha256('root');
const { policy: previous } = policyOf(TEXTS);
const next = policyOf(textsWith('policy/roles.yaml', 'max_duration: 2h', 'max_duration: 1h')).policy;
const otherAdmins = policyOf(
  textsWith(PEOPLE, 'people: [alice, bob, grace], threshold: 2', 'people: [carol, frank], threshold: 2'),
).policy;

const statement = (
  signer: string,
  to: Policy,
  more: Partial<StatementOf<'policy'>> = {},
  key = signer,
): Signed =>
  sign(
    {
      type: 'policy',
      root,
      signer,
      signedAt: at('12:00'),
      seq: 2,
      policySha256: to.digest,
      previousSha256: previous.digest,
      ...more,
    },
    { key },
  );
const change = (
  statements: readonly Signed[],
  to = next,
  recordedAt = at('12:10'),
  from: Policy | null = previous,
) => ({
  root,
  seq: from === null ? 1 : 2,
  next: to,
  previous: from,
  statements,
  recordedAt,
});
const code = (...of: Parameters<typeof change>) =>
  codeOf(() => judgePolicyChange(change(...of), EMPTY_INDEX));
const by = (...signers: readonly string[]) => signers.map((one) => statement(one, next));

describe('may this policy follow that one', () => {
  it.each<readonly [string, readonly Signed[], string]>([
    ['two of the three admins', by('alice', 'bob'), 'ok'],
    ['all three', by('alice', 'bob', 'grace'), 'ok'],
    ['one', by('alice'), 'E_POL_UNSIGNED'],
    ['nobody', [], 'E_POL_UNSIGNED'],
    [
      'one with two keys',
      [statement('alice', next), statement('alice', next, {}, 'alice-second')],
      'E_POL_UNSIGNED',
    ],
    ['one twice', by('alice', 'alice'), 'E_POL_UNSIGNED'],
    ['one and somebody who is no admin', by('alice', 'carol'), 'E_POL_UNSIGNED'],
    ['one and a service', [...by('alice'), statement('pam-apply', next)], 'E_POL_UNSIGNED'],
    ['one and a forgery', [...by('alice'), statement('bob', next, {}, 'frank')], 'E_POL_UNSIGNED'],
    [
      'one and another root',
      [...by('alice'), statement('bob', next, { root: sha256('x') })],
      'E_POL_UNSIGNED',
    ],
    ['one and another version', [...by('alice'), statement('bob', next, { seq: 3 })], 'E_POL_UNSIGNED'],
    ['one and other files', [...by('alice'), statement('bob', otherAdmins)], 'E_POL_UNSIGNED'],
    [
      'one and another version before',
      [...by('alice'), statement('bob', next, { previousSha256: next.digest })],
      'E_POL_UNSIGNED',
    ],
    [
      'one and one signed ahead',
      [...by('alice'), statement('bob', next, { signedAt: at('12:15:01') })],
      'E_POL_UNSIGNED',
    ],
    ['two beside junk', [{ text: '', armor: '' }, ...by('alice', 'bob')], 'ok'],
  ])('%s', (_, statements, expected) => expect(code(statements)).toBe(expected));

  it('[F14] a statement dies after seven days', () => {
    const last = plus(at('12:00'), POLICY_STATEMENT_LIFE_SECONDS);
    expect(POLICY_STATEMENT_LIFE_SECONDS).toBe(7 * 86_400);
    expect([code(by('alice', 'bob'), next, last), code(by('alice', 'bob'), next, plus(last, 1))]).toEqual([
      'ok',
      'E_POL_UNSIGNED',
    ]);
  });

  it('version 1 is signed by its own admins', () => {
    const first = (...signers: readonly string[]) =>
      signers.map((one) => statement(one, next, { seq: 1, previousSha256: null }));
    expect(code(first('alice', 'grace'), next, at('12:10'), null)).toBe('ok');
    expect(code(first('alice'), next, at('12:10'), null)).toBe('E_POL_UNSIGNED');
  });
});

describe('other admins', () => {
  const both = (signers: readonly string[]) =>
    code(
      signers.map((one) => statement(one, otherAdmins)),
      otherAdmins,
    );

  it('[F4] must agree too, and agree alone to nothing', () => {
    expect(both(['alice', 'bob', 'carol', 'frank'])).toBe('ok');
    expect(both(['alice', 'bob', 'carol'])).toBe('E_POL_UNSIGNED');
    expect(both(['alice', 'bob'])).toBe('E_POL_UNSIGNED');
    expect(both(['carol', 'frank'])).toBe('E_POL_ROOT_CHAIN');
    expect(tallies(change([statement('carol', otherAdmins)], otherAdmins))).toEqual([
      { have: [], need: 2 },
      { have: ['carol'], need: 2 },
    ]);
  });

  it.each<readonly [string, Policy, number]>([
    ['a role', next, 1],
    ['another threshold', policyOf(textsWith(PEOPLE, 'threshold: 2', 'threshold: 3')).policy, 2],
    [
      "another admin's key",
      policyOf(textsWith(PEOPLE, '{ key: KEY(grace) }', '{ key: KEY(grace-new) }')).policy,
      2,
    ],
    [
      "the window of an admin's key",
      policyOf(textsWith(PEOPLE, '{ key: KEY(grace) }', '{ key: KEY(grace), until: 2027-01-01T00:00:00Z }'))
        .policy,
      2,
    ],
    [
      "somebody else's key",
      policyOf(textsWith(PEOPLE, '{ key: KEY(frank) }', '{ key: KEY(frank-new) }')).policy,
      1,
    ],
    [
      'the order of admins',
      policyOf(textsWith(PEOPLE, '[alice, bob, grace]', '[grace, bob, alice]')).policy,
      1,
    ],
  ])('%s changes: %#', (_, to, counts) => expect(tallies(change([], to))).toHaveLength(counts));
});

describe('what is live', () => {
  it('must have somebody who may revoke it', () => {
    const ledger = new Ledger();
    grantLive(ledger, {}, 'bob', at('12:00'));
    const bound = (service: Service): Service => ({
      ...service,
      executes: { targets: ['bastion'], may: ['grant', 'revoke'] },
    });
    const services = Object.fromEntries(Object.entries(next.services).map(([id, one]) => [id, bound(one)]));
    const noRevoker = { ...next, services };
    const statements = by('alice', 'bob');
    const judge = (index: typeof EMPTY_INDEX) =>
      codeOf(() => judgePolicyChange(change(statements, noRevoker), index));
    expect([judge(ledger.state.index), judge(EMPTY_INDEX)]).toEqual(['E_POL_EXECUTOR', 'ok']);
  });
});
