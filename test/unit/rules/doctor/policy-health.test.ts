/** What the policy in force lets its people do today: each finding by a policy that really has it, and one without. */
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../src/model/check.ts';
import { judgeAdmins, judgeExecutors, judgeHolders } from '../../../../src/rules/doctor/judge-holders.ts';
import { judgeReach } from '../../../../src/rules/doctor/judge-reach.ts';
import { at, policyOf, type PolicyTexts, TEXTS, textsWith } from '../../../support/world.ts';

const NOW = at('12:00');
const people = (from: string, to: string, texts: PolicyTexts = TEXTS): PolicyTexts =>
  textsWith('policy/people.yaml', from, to, texts);
const roles = (from: string, to: string, texts: PolicyTexts = TEXTS): PolicyTexts =>
  textsWith('policy/roles.yaml', from, to, texts);
const until = (name: string, when: string): PolicyTexts =>
  people(`{ key: KEY(${name}) }`, `{ key: KEY(${name}), until: ${when} }`);

/** What is not ok, and how the good lines read. */
function told(checks: readonly Check[]): {
  readonly wrong: readonly string[];
  readonly good: readonly string[];
} {
  return {
    wrong: checks
      .filter(({ state }) => state !== 'ok')
      .map(({ state, code, message }) => `${state} ${code}: ${message}`),
    good: checks.filter(({ state }) => state === 'ok').map(({ message }) => message),
  };
}

describe('admins', () => {
  const admins = (texts: PolicyTexts) => told([judgeAdmins(policyOf(texts).policy, NOW)]).wrong;

  it('more of them than a policy needs is good; just as many is one lost key from none', () => {
    expect(admins(TEXTS)).toEqual([]);
    expect(admins(people('[alice, bob, grace], threshold: 2', '[alice, bob], threshold: 2'))).toEqual([
      'warning E_POL_ADMINS: a policy needs 2 of 2 admins: with one key lost, none can be signed any more',
    ]);
  });

  it('fewer than a policy needs is the end of policy', () => {
    const grace = until('grace', '2026-11-22T12:00:00Z');
    expect(admins(grace)).toHaveLength(1);
    const bob = people(
      '{ key: KEY(bob) }, { key: KEY(bob-sk), ',
      '{ key: KEY(bob), until: 2026-11-22T11:00:00Z }, { key: KEY(bob-sk), until: 2026-11-22T11:00:00Z, ',
      grace,
    );
    expect(admins(bob)).toEqual([
      'problem E_POL_ADMINS: a policy needs 2 admins, and only 1 have a key that counts',
    ]);
  });
});

describe('executors', () => {
  const executors = (texts: PolicyTexts) => told(judgeExecutors(policyOf(texts).policy, NOW)).wrong;

  it('one grants and another ends: good', () => {
    expect(executors(TEXTS)).toEqual([]);
  });

  it('the only one who may end is the one who grants', () => {
    expect(executors(people('targets: ["*"], may: [revoke]', 'targets: [orders-db], may: [revoke]'))).toEqual(
      ['warning W_POL_SWEEPER: only pam-apply may end what it grants on bastion'],
    );
    const hint = judgeExecutors(
      policyOf(people('targets: ["*"], may: [revoke]', 'targets: [orders-db], may: [revoke]')).policy,
      NOW,
    )[0]?.hint;
    expect(hint).toContain('may: [revoke]');
  });

  it('a right without a key that counts is none', () => {
    const sweeper = people('{ key: KEY(pam-sweep) }', '{ key: KEY(pam-sweep), until: 2026-11-22T12:00:00Z }');
    expect(executors(sweeper).map((one) => one.split(':')[0])).toEqual([
      'warning W_POL_SWEEPER',
      'warning W_POL_SWEEPER',
    ]);
    const nobody = people('{ key: KEY(pam-apply) }', '{ key: KEY(pam-apply), until: 2026-11-22T12:00:00Z }');
    expect(executors(nobody)).toEqual([
      'problem E_POL_EXECUTOR: no executor may grant on orders-db',
      'problem E_POL_EXECUTOR: no executor may grant on bastion',
    ]);
    expect(
      executors(
        people('{ key: KEY(pam-apply) }', '{ key: KEY(pam-apply), until: 2026-11-22T12:00:00Z }', sweeper),
      ),
    ).toEqual([
      'problem E_POL_EXECUTOR: no executor may end grants on orders-db',
      'problem E_POL_EXECUTOR: no executor may end grants on bastion',
    ]);
  });
});

describe('keys', () => {
  const holders = (texts: PolicyTexts) => told(judgeHolders(policyOf(texts).policy, NOW));

  it('nobody runs out within 30 days', () => {
    expect(holders(TEXTS)).toEqual({
      wrong: [],
      good: ['everybody has a key that counts for the next 30 days'],
    });
    expect(holders(until('dana', '2026-12-22T12:00:00Z')).wrong).toEqual([]);
  });

  it('the last key of somebody soon ends; one of two is no news', () => {
    expect(holders(until('dana', '2026-12-22T11:59:59Z')).wrong).toEqual([
      'warning W_KEY_EXPIRES: the last key of dana expires at 2026-12-22T11:59:59Z',
    ]);
    expect(holders(until('alice', '2026-11-23T00:00:00Z')).wrong).toEqual([]);
  });

  it('no key at all: a warning for a person, an outage for an executor', () => {
    expect(holders(until('dana', '2026-11-22T12:00:00Z')).wrong).toEqual([
      'warning W_KEY_NONE: dana has no key that counts now',
    ]);
    expect(holders(until('pam-sweep', '2026-11-22T12:00:00Z')).wrong).toEqual([
      'problem W_KEY_NONE: pam-sweep has no key that counts now',
    ]);
    const lost = `admins: { people: [alice, bob, grace], threshold: 2 }\nrevoked_keys:\n  - { fingerprint: "FINGERPRINT(erin)", at: 2026-11-22T12:00:00Z, reason: lost }\n`;
    expect(holders(people('admins: { people: [alice, bob, grace], threshold: 2 }\n', lost)).wrong).toEqual([
      'warning W_KEY_NONE: erin has no key that counts now',
    ]);
  });
});

describe('roles', () => {
  const reach = (texts: PolicyTexts) => told(judgeReach(policyOf(texts).policy, NOW));
  /** Nobody who asks approves, and there is always one more. */
  const SPARE = roles(
    'approval: [{ approvers: ["@leads"], threshold: 1 }]',
    'approval: [{ approvers: [bob, grace], threshold: 1 }]',
    roles(
      '      - { approvers: [alice, bob], threshold: 1 }\n      - { approvers: [bob, carol], threshold: 1 }',
      '      - { approvers: [frank, bob, carol], threshold: 2 }',
    ),
  );

  it('each can be approved for everybody with any one person away', () => {
    const spare = roles(
      'requesters: ["@engineering", deploy-bot]\n    require',
      'requesters: [dana]\n    require',
      SPARE,
    );
    expect(reach(spare).wrong).toEqual([]);
    expect(reach(spare).good).toContain('every role can be approved with any one person away');
  });

  it('without requesters an approver list is shorter than it looks', () => {
    // alice asks too, so for her only bob is left, and carol after a while.
    expect(
      reach(roles('fallback: [{ approvers: [carol], after: 15m }]', 'fallback: []', SPARE)).wrong,
    ).toEqual(['warning W_POL_APPROVERS: with bob away, dba cannot be approved for alice']);
  });

  it('one person for two rules is one person', () => {
    expect(reach(TEXTS).wrong).toContain(
      'warning W_POL_APPROVERS: with bob or carol away, operator cannot be approved for alice',
    );
  });

  it('a role that can never be had by some, or by nobody', () => {
    const some = roles('approvers: [bob, grace], threshold: 1', 'approvers: [alice], threshold: 1', SPARE);
    expect(reach(some).wrong).toContain(
      'warning W_POL_APPROVERS: reader can never be approved for alice: too few approvers beside whoever gains',
    );
    const none = roles(
      'requesters: ["@engineering", deploy-bot]\n    approval: [{ approvers: [bob, grace]',
      'requesters: [alice]\n    approval: [{ approvers: [alice]',
      SPARE,
    );
    expect(reach(none).wrong).toContain(
      'problem W_POL_APPROVERS: reader can never be approved for anybody: too few approvers beside whoever gains',
    );
  });

  it('who may not approve their own request is named, beside what would help', () => {
    const dba = (texts: PolicyTexts): readonly (string | null)[] =>
      judgeReach(policyOf(texts).policy, NOW)
        .filter(({ message }) => message.includes(' dba '))
        .flatMap(({ message, hint }) => [message, hint]);
    expect(dba(roles('fallback: [{ approvers: [carol], after: 15m }]', 'fallback: []', SPARE))).toEqual([
      'with bob away, dba cannot be approved for alice',
      'alice gains by such a request and may not approve it: name one more approver, or add a fallback step',
    ]);
    // carol stands in for everybody but herself, and then only alice and bob are left.
    const one = roles(
      'approvers: ["@leads"]\n        threshold: 1\n',
      'approvers: [bob]\n        threshold: 1\n',
      SPARE,
    );
    expect(
      dba(
        roles(
          'requesters: ["@engineering", deploy-bot]\n    require',
          'requesters: [carol]\n    require',
          one,
        ),
      ),
    ).toEqual([
      'with bob away, dba cannot be approved for carol',
      'carol gains by such a request and may not approve it: name one more approver, or one more in a fallback step',
    ]);
    const alone = roles('fallback: [{ approvers: [carol], after: 15m }]', 'fallback: []', one);
    expect(dba(alone)).toEqual([
      'with bob away, dba cannot be approved for anybody',
      'name one more approver, or add a fallback step',
    ]);
  });

  it('an approver whose key has ended is none', () => {
    const ended = people('{ key: KEY(grace) }', '{ key: KEY(grace), until: 2026-11-22T12:00:00Z }', SPARE);
    expect(reach(ended).wrong).toContain(
      'warning W_POL_APPROVERS: with bob away, reader cannot be approved for anybody',
    );
  });

  it('where presence is asked for, only attested keys count', () => {
    const touch = roles(
      '[{ approvers: [bob, grace], threshold: 1 }]',
      // carol's security key was never attested.
      '[{ approvers: [bob, carol, grace], threshold: 1, presence: touch }]',
      SPARE,
    );
    expect(reach(touch).wrong).toContain(
      'warning W_POL_APPROVERS: with bob away, reader cannot be approved for anybody',
    );
  });

  it('that high roles ask for no touch is told, and no reason to fail', () => {
    const touch = (one: Check): boolean => one.code === 'E_APR_PRESENCE';
    expect(judgeReach(policyOf(SPARE).policy, NOW).filter(touch)).toMatchObject([
      { state: 'ok', message: 'approving dba, operator asks for no touch of a security key' },
    ]);
    const calm = roles(
      'risk: admin\n    max_duration: 2h',
      'risk: standard\n    max_duration: 2h',
      roles('risk: admin\n    max_duration: 1h', 'risk: standard\n    max_duration: 1h', SPARE),
    );
    expect(judgeReach(policyOf(calm).policy, NOW).filter(touch)).toEqual([]);
  });
});
