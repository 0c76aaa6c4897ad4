import { describe, expect, it } from 'vitest';
import type { VerifiedApproval } from '../../../src/model/decision.ts';
import type { Duration } from '../../../src/model/instant.ts';
import type { ApprovalRule, Role } from '../../../src/model/policy.ts';
import {
  helpers,
  judgeApprovers,
  namesLater,
  namesNow,
  tellHelpers,
} from '../../../src/rules/who-can-approve.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { at, fingerprintOf, policyOf, TEXTS } from '../../support/world.ts';

const { policy } = policyOf(TEXTS);
const [some] = Object.values(policy.roles);

interface Rule {
  readonly by: readonly string[];
  readonly need?: number;
  readonly later?: readonly [person: string, after: string];
}

function role(...rules: readonly Rule[]): Role {
  if (some === undefined) throw new Error('the example has no role');
  const approval = rules.map(
    ({ by, need = 1, later }): ApprovalRule => ({
      approvers: by,
      threshold: need,
      // Words that policy files may hold.
      fallback: later === undefined ? [] : [{ approvers: [later[0]], after: later[1] as Duration }],
      presence: 'none',
    }),
  );
  return { ...some, approval };
}

const approval = (signer: string): VerifiedApproval => ({
  signer,
  signedAt: at('12:00'),
  capacity: 'named',
  because: null,
  ledger: { seq: 0, head: sha256('') },
  key: fingerprintOf('anybody'),
  presence: { touched: false, verified: false },
  attested: false,
  signed: { text: '', armor: '' },
});

const verdict = (asked: Role, ...gain: readonly string[]): readonly string[] =>
  judgeApprovers(policy, asked, new Set(gain)).map(({ code, message }) => `${code} ${message}`);

function told(asked: Role, signed: readonly string[], gain: readonly string[] = [], seenAt = at('12:00')) {
  const clocks = { now: at('12:05'), seenAt };
  const given = { policy, role: asked, excluded: new Set(gain), approvals: signed.map(approval), clocks };
  return helpers(given);
}
const now = (...args: Parameters<typeof told>): readonly string[] => namesNow(told(...args), at('12:05'));

describe('a request that can never be approved', () => {
  it('has no approver left, too few of them, or one for two rules', () => {
    expect(verdict(role({ by: ['alice'] }), 'alice')).toEqual([
      expect.stringMatching(/^E_POL_NOBODY .* no approver is left$/u),
    ]);
    expect(verdict(role({ by: ['alice', 'bob'], need: 2 }), 'alice')).toEqual([
      expect.stringMatching(/^E_POL_NOBODY .* 2 different people, .* only bob may approve$/u),
    ]);
    expect(verdict(role({ by: ['alice', 'bob'] }, { by: ['bob'] }), 'alice')).toHaveLength(1);
    // Three rules, each with two people, of two people in all: no count of any one rule shows it.
    const three = { by: ['bob', 'carol'] };
    expect(verdict(role(three, three, three))).toHaveLength(1);
  });

  it('is none where somebody else, a fallback or a group is enough', () => {
    expect(verdict(role({ by: ['alice', 'bob'] }), 'alice')).toEqual([]);
    expect(verdict(role({ by: ['alice'], later: ['bob', '15m'] }), 'alice')).toEqual([]);
    expect(verdict(role({ by: ['alice', 'bob'] }, { by: ['bob'] }), 'dana')).toEqual([]);
    expect(verdict(role({ by: ['alice', 'bob', 'carol'] }, { by: ['bob'] }, { by: ['alice'] }))).toEqual([]);
  });
});

describe('who can bring it nearer', () => {
  it('names only people whose signature would count', () => {
    expect(now(role({ by: ['alice', 'bob'] }), [])).toEqual(['alice', 'bob']);
    expect(now(role({ by: ['alice', 'bob'] }), [], ['alice'])).toEqual(['bob']);
    expect(now(role({ by: ['alice', 'bob'], need: 2 }), ['bob'])).toEqual(['alice']);
    // She is the only one for the first rule, so she cannot be spent on the second.
    const two = role({ by: ['alice'] }, { by: ['alice', 'bob', 'carol'] });
    expect(told(two, []).map(({ person, rule }) => `${person} ${rule}`)).toEqual([
      'alice 0',
      'bob 1',
      'carol 1',
    ]);
    expect(now(two, ['bob'])).toEqual(['alice']);
  });

  it('names the one that frees a signature for the rule that only its signer can fill', () => {
    const both = role({ by: ['alice', 'bob'] }, { by: ['bob'] });
    expect(now(both, ['bob'])).toEqual(['alice']);
    expect(now(both, ['alice'])).toEqual(['bob']);
  });

  it('names nobody where what was signed cannot be completed', () => {
    expect(now(role({ by: ['alice', 'bob'] }, { by: ['bob'] }), ['bob'], ['alice'])).toEqual([]);
    expect(now(role({ by: ['alice', 'bob'], need: 2 }), ['bob'], ['alice'])).toEqual([]);
  });

  it('tells fallback approvers with the moment from which they count', () => {
    const asked = role({ by: ['alice'], later: ['carol', '15m'] });
    const early = told(asked, []);
    expect(namesNow(early, at('12:05'))).toEqual(['alice']);
    expect(namesLater(early, at('12:05'))).toEqual([{ person: 'carol', from: at('12:15') }]);
    expect(tellHelpers(early, at('12:05'))).toBe(
      `alice may approve; carol too from ${at('12:15')} on, with --reason`,
    );
    expect(namesNow(early, at('12:15'))).toEqual(['alice', 'carol']);
    const unseen = helpers({
      policy,
      role: asked,
      excluded: new Set(),
      approvals: [],
      clocks: { now: at('12:05'), seenAt: null },
    });
    expect(tellHelpers(unseen, at('12:05'))).toBe(
      'alice may approve; carol too 15m after an executor has seen it, with --reason',
    );
  });

  it('a large group costs no more than the kinds of people in it', () => {
    const many = Array.from({ length: 3000 }, (_, number) => `p${number}`);
    const started = performance.now();
    expect(now(role({ by: many, need: 3 }, { by: many }), [])).toHaveLength(3000);
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
