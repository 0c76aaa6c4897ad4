/** What each lie in an approval is called is in the decision cases; here is what a list of approvals comes to. */
import { describe, expect, it } from 'vitest';
import type { Signed } from '../../../src/model/statement.ts';
import { exactGrant } from '../../../src/rules/exact-grant.ts';
import {
  namedEntry,
  verifyApproval,
  verifyApprovals,
  type ApprovalFacts,
} from '../../../src/rules/verify-approvals.ts';
import { codeOf } from '../../support/error-code.ts';
import {
  approve,
  ask,
  at,
  fingerprintOf,
  Ledger,
  providers,
  REQUEST,
  seenEvent,
} from '../../support/world.ts';

const ledger = new Ledger();
const asked = ask({}, { root: ledger.state.root });
ledger.append([seenEvent(asked)], at('12:00'));
const exact = exactGrant(ledger.policy, providers, REQUEST, at('12:00'));
if (exact === undefined) throw new TypeError('no grant');
const { loginKeyLine: _line, ...grant } = exact;
const facts: ApprovalFacts = {
  root: ledger.state.root,
  policy: ledger.policy,
  id: asked.id,
  requestSha256: asked.requestSha256,
  grant,
  beneficiaries: new Set(['dana', 'grace']),
  recordedAt: at('12:10'),
  times: { requested: at('12:00'), within: ledger.policy.roles['dba']?.decide_within ?? REQUEST.duration },
  witnesses: ledger.witnesses,
};

describe('approvals', () => {
  it('good ones carry all that counting needs', () => {
    const signed = approve(ledger, asked, 'bob', { key: 'bob-sk', flags: 5 });
    expect(verifyApproval(facts, signed)).toEqual({
      signer: 'bob',
      signedAt: at('12:05'),
      capacity: 'named',
      because: null,
      ledger: ledger.point,
      key: fingerprintOf('bob-sk'),
      presence: { touched: true, verified: true },
      attested: true,
      signed,
    });
  });

  it('bad ones are told one by one and take nothing from the good', () => {
    const junk: Signed = { text: 'x', armor: 'y' };
    const list = [
      junk,
      approve(ledger, asked, 'alice'),
      approve(ledger, asked, 'dana'),
      approve(ledger, asked, 'bob', { key: 'thief' }),
    ];
    const { good, bad } = verifyApprovals(facts, list);
    expect(good.map(({ signer }) => signer)).toEqual(['alice']);
    expect(bad.map(({ code, ok }) => [code, ok])).toEqual([
      ['E_STATEMENT', false],
      ['E_APR_SELF', false],
      ['E_KEY_UNKNOWN', false],
    ]);
  });

  it('whoever gains, whatever they are, is no approver', () => {
    expect(codeOf(() => verifyApproval(facts, approve(ledger, asked, 'grace')))).toBe('E_APR_SELF');
    expect(codeOf(() => verifyApproval(facts, approve(ledger, asked, 'deploy-bot')))).toBe('E_APR_NONHUMAN');
  });

  it('an approval without a capacity or a ledger entry is none', () => {
    const { text, armor } = approve(ledger, asked, 'bob');
    expect(codeOf(() => verifyApproval(facts, { armor, text: text.replace('named', 'whatever') }))).toBe(
      'E_STATEMENT',
    );
    expect(
      codeOf(() => verifyApproval(facts, { armor, text: text.replace(/^ledger: .*$/mu, 'ledger: -') })),
    ).toBe('E_STATEMENT');
  });

  it('the ledger entry that it names must be on this very chain', () => {
    const signed = approve(ledger, asked, 'bob');
    expect(codeOf(() => verifyApproval({ ...facts, witnesses: new Map() }, signed))).toBe('E_APR_LEDGER');
    const { seq, head } = ledger.point;
    expect(codeOf(() => verifyApproval({ ...facts, witnesses: new Map([[seq + 1, head]]) }, signed))).toBe(
      'E_APR_LEDGER',
    );
  });

  it('[Q1] nobody walks down to the ledger entry that a stranger names', () => {
    const named = (signed: Signed): number | undefined => namedEntry(ledger.policy, signed);
    const { text, armor } = approve(ledger, asked, 'bob');
    expect(named({ text, armor })).toBe(ledger.point.seq);
    expect(named(approve(ledger, asked, 'bob', { key: 'thief' }))).toBeUndefined();
    expect(named(approve(ledger, asked, 'bob', { key: 'alice' }))).toBeUndefined();
    expect(named(approve(ledger, asked, 'deploy-bot'))).toBeUndefined();
    expect(named({ armor, text: text.replace(/^ledger: [0-9]+/mu, 'ledger: 0') })).toBeUndefined();
    expect(named({ text: 'x', armor: 'y' })).toBeUndefined();
  });

  it.each([
    ['12:09:59', '12:10', 'E_KEY_COMPROMISED'],
    ['12:10', '12:10', 'E_KEY_COMPROMISED'],
    ['12:10:01', '12:10', 'ok'],
  ])('compromised since %s, recorded %s: %s', (since, recordedAt, code) => {
    const fingerprint = fingerprintOf('bob');
    const policy = {
      ...ledger.policy,
      revoked_keys: [{ fingerprint, at: at('18:00'), reason: 'compromised', since: at(since) } as const],
    };
    expect(
      codeOf(() =>
        verifyApproval({ ...facts, policy, recordedAt: at(recordedAt) }, approve(ledger, asked, 'bob')),
      ),
    ).toBe(code);
  });
});
