import { describe, expect, it } from 'vitest';
import type { VerifiedApproval } from '../../../src/model/decision.ts';
import { parseDuration } from '../../../src/model/instant.ts';
import type { ApprovalRule } from '../../../src/model/policy.ts';
import { type Clocks, eligibility, latestPerPerson, seat } from '../../../src/rules/count-approvals.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { at, fingerprintOf, policyOf, TEXTS } from '../../support/world.ts';

const { policy } = policyOf(TEXTS);
const clocks: Clocks = { now: at('12:30'), seenAt: at('12:00') };
const after = (text: string) => {
  const duration = parseDuration(text);
  if (duration === undefined) throw new TypeError(text);
  return duration;
};
const rule = (
  approvers: readonly string[],
  threshold = 1,
  more: Partial<ApprovalRule> = {},
): ApprovalRule => ({
  approvers,
  threshold,
  fallback: [],
  presence: 'none',
  ...more,
});
const by = (signer: string, more: Partial<VerifiedApproval> = {}): VerifiedApproval => ({
  signer,
  signedAt: at('12:20'),
  capacity: 'named',
  because: null,
  ledger: { seq: 0, head: sha256('') },
  key: fingerprintOf(signer),
  presence: { touched: false, verified: false },
  attested: false,
  signed: { text: '', armor: '' },
  ...more,
});
const standIn = (signer: string, more: Partial<VerifiedApproval> = {}) =>
  by(signer, { capacity: 'fallback', because: 'asleep', ...more });

describe('one approval a person', () => {
  it('the latest, in the order of names', () => {
    const late = by('bob', { signedAt: at('12:21') });
    expect(latestPerPerson([by('bob'), by('alice'), late, by('bob', { signedAt: at('12:19') })])).toEqual([
      by('alice'),
      late,
    ]);
  });

  it('of two of one second the same one, in whatever order they come', () => {
    const texts = ['a', 'b'].map((text) => by('bob', { signed: { text, armor: '' } }));
    expect(latestPerPerson(texts)).toEqual(latestPerPerson([...texts].reverse()));
  });
});

describe('may this one count for that rule', () => {
  const fallback = [
    { approvers: ['carol'], after: after('15m') },
    { approvers: ['frank', 'carol'], after: after('30m') },
  ];
  const leads = rule(['@leads'], 1, { fallback });
  const code = (one: VerifiedApproval, how = leads, when = clocks) =>
    eligibility(policy, how, one, when)?.code;

  it.each<readonly [string, VerifiedApproval, string | undefined]>([
    ['a named one', by('alice'), undefined],
    ['a stranger', by('dana'), 'E_APR_SCOPE'],
    ['a stranger as fallback', standIn('dana'), 'E_APR_SCOPE'],
    ['a fallback as named', by('carol'), 'E_APR_CAPACITY'],
    ['a named one as fallback', standIn('alice'), 'E_APR_CAPACITY'],
    ['a delegate', by('alice', { capacity: 'delegate:bob', because: 'x' }), 'E_APR_CAPACITY'],
    ['a fallback in its time', standIn('carol'), undefined],
    ['a fallback without a reason', standIn('carol', { because: null }), 'E_APR_BECAUSE'],
    ['a fallback with blanks for a reason', standIn('carol', { because: ' \t' }), 'E_APR_BECAUSE'],
    [
      'a fallback signed a second early',
      standIn('carol', { signedAt: at('12:14:59') }),
      'E_APR_FALLBACK_EARLY',
    ],
    ['the second step, signed too early', standIn('frank'), 'E_APR_FALLBACK_EARLY'],
    ['the second step in its time', standIn('frank', { signedAt: at('12:30') }), undefined],
  ])('%s', (_, one, expected) => expect(code(one)).toBe(expected));

  it('both clocks must have come, and one must run', () => {
    const signed = standIn('carol', { signedAt: at('12:15') });
    expect(code(signed, leads, { now: at('12:14:59'), seenAt: at('12:00') })).toBe('E_APR_FALLBACK_EARLY');
    expect(code(signed, leads, { now: at('12:15'), seenAt: at('12:00') })).toBeUndefined();
    expect(code(signed, leads, { now: at('18:00'), seenAt: null })).toBe('E_APR_FALLBACK_EARLY');
  });

  it.each<readonly [ApprovalRule['presence'], boolean, boolean, boolean, string | undefined]>([
    ['none', false, false, false, undefined],
    ['touch', false, false, true, 'E_KEY_NOT_HARDWARE'],
    ['touch', true, false, false, 'E_KEY_NOT_ATTESTED'],
    ['touch', true, false, true, undefined],
    ['verified', true, false, true, 'E_SK_NO_UV'],
    ['verified', true, true, true, undefined],
    ['verified', false, true, true, 'E_KEY_NOT_HARDWARE'],
  ])(
    'presence %s, touched %s, verified %s, attested %s',
    (presence, touched, verified, attested, expected) => {
      const one = by('bob', { presence: { touched, verified }, attested });
      expect(code(one, rule(['bob'], 1, { presence }))).toBe(expected);
    },
  );
});

describe('people on rules', () => {
  const held = (rules: readonly ApprovalRule[], signers: readonly string[]) =>
    seat(
      policy,
      rules,
      signers.map((one) => by(one)),
      clocks,
    ).map((one) => [one.held, one.counted.map(({ signer }) => signer)]);

  it('a person counts for one rule only', () => {
    expect(held([rule(['bob']), rule(['bob'])], ['bob'])).toEqual([
      [true, ['bob']],
      [false, []],
    ]);
  });

  it('nobody takes a chair that only another can fill', () => {
    expect(held([rule(['alice', 'bob']), rule(['bob'])], ['alice', 'bob'])).toEqual([
      [true, ['alice']],
      [true, ['bob']],
    ]);
    const three = held(
      [rule(['alice', 'bob', 'carol'], 2), rule(['alice', 'bob'])],
      ['alice', 'bob', 'carol'],
    );
    expect(three.map(([ok]) => ok)).toEqual([true, true]);
  });

  it('most rules hold, whichever they are', () => {
    expect(
      held([rule(['alice', 'bob'], 2), rule(['alice']), rule(['bob'])], ['alice', 'bob']).map(([ok]) => ok),
    ).toEqual([false, true, true]);
  });

  it('who is left over still shows how many are missing', () => {
    expect(held([rule(['alice', 'bob', 'carol'], 3)], ['alice', 'bob'])).toEqual([[false, ['alice', 'bob']]]);
  });

  it('more than needed are not counted', () => {
    expect(held([rule(['alice', 'bob', 'carol'])], ['alice', 'bob', 'carol'])).toEqual([[true, ['alice']]]);
  });

  it('says for which rule each counts, and nobody means nothing holds', () => {
    const seats = seat(policy, [rule(['alice']), rule(['bob'])], [by('bob'), by('alice')], clocks);
    expect(seats.flatMap(({ counted }) => counted.map((one) => [one.signer, one.rule]))).toEqual([
      ['alice', 0],
      ['bob', 1],
    ]);
    expect(held([rule(['alice'])], [])).toEqual([[false, []]]);
  });
});
