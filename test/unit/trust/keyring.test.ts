import { afterAll, describe, expect, it } from 'vitest';
import type { Instant } from '../../../src/model/instant.ts';
import type { Policy, RevokedKey } from '../../../src/model/policy.ts';
import { compromisedSince, holdersOf, judgeKey, revocationOf } from '../../../src/trust/keyring.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, fingerprintOf, policyOf, TEXTS, textsWith } from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const { policy } = policyOf(TEXTS);
const use = (signer: string, signedAt: Instant, recordedAt: Instant, key = signer) => ({
  key: fingerprintOf(key),
  signer,
  signedAt,
  recordedAt,
});
const windowed = (from: string): Policy =>
  policyOf(textsWith(PEOPLE, '{ key: KEY(bob) }', `{ key: KEY(bob), ${from} }`)).policy;
const revoking = (...revoked_keys: readonly Omit<RevokedKey, 'fingerprint'>[]): Policy => ({
  ...policy,
  revoked_keys: revoked_keys.map((one) => ({ ...one, fingerprint: fingerprintOf('bob') })),
});

describe('whose key', () => {
  it('every key has one holder, person or service', () => {
    expect(holdersOf(policy).get(fingerprintOf('alice-second'))).toMatchObject({
      kind: 'person',
      id: 'alice',
    });
    expect(holdersOf(policy).get(fingerprintOf('deploy-bot'))).toMatchObject({
      kind: 'service',
      id: 'deploy-bot',
    });
    expect(holdersOf(policy)).toBe(holdersOf(policy));
  });

  it('an unknown key, and a known one under another name', () => {
    expect(codeOf(() => judgeKey(policy, use('bob', at('12:00'), at('12:00'), 'nobody')))).toBe(
      'E_KEY_UNKNOWN',
    );
    expect(codeOf(() => judgeKey(policy, use('bob', at('12:00'), at('12:00'), 'alice')))).toBe(
      'E_KEY_PRINCIPAL',
    );
    expect(judgeKey(policy, use('bob', at('12:00'), at('12:00'), 'bob-sk')).id).toBe('bob');
  });
});

describe('did it count at that time', () => {
  it.each([
    ['12:05:00', 'ok'],
    ['12:05:01', 'E_APR_TIME'],
  ])('signed at %s, recorded at 12:00: %s', (signed, code) => {
    expect(codeOf(() => judgeKey(policy, use('bob', at(signed), at('12:00'))))).toBe(code);
  });

  it.each([
    ['from', '12:00', '12:00', 'ok'],
    ['from', '11:59:59', '12:10', 'E_KEY_NOT_YET'],
    ['from', '12:01', '11:59:59', 'E_KEY_NOT_YET'],
    ['until', '11:59:59', '11:59:59', 'ok'],
    ['until', '12:00', '11:59', 'E_KEY_EXPIRED'],
    ['until', '11:00', '12:00', 'E_KEY_EXPIRED'],
  ])('%s noon, signed %s, recorded %s: %s', (word, signed, recorded, code) => {
    const limited = windowed(`${word}: 2026-11-22T12:00:00Z`);
    expect(codeOf(() => judgeKey(limited, use('bob', at(signed), at(recorded))))).toBe(code);
  });

  it.each([
    ['superseded', '12:00', 'E_KEY_REVOKED'],
    ['lost', '12:00', 'E_KEY_REVOKED'],
    ['compromised', '12:00', 'E_KEY_COMPROMISED'],
    ['compromised', '11:59:59', 'ok'],
  ] as const)('%s at noon, recorded %s: %s', (reason, recorded, code) => {
    const revoked = revoking({ at: at('12:00'), reason });
    expect(codeOf(() => judgeKey(revoked, use('bob', at('11:00'), at(recorded))))).toBe(code);
  });

  it('backdating does not help: the moment of recording counts too', () => {
    const revoked = revoking({ at: at('12:00'), reason: 'lost' });
    expect(codeOf(() => judgeKey(revoked, use('bob', at('2020-01-01T00:00:00Z'), at('13:00'))))).toBe(
      'E_KEY_REVOKED',
    );
  });
});

describe('where the machine stands', () => {
  const zone = process.env['TZ'];
  afterAll(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  // ssh-keygen reads a date without Z as local time; ours have no such form.
  it.each([
    ['UTC0', 0],
    ['NZT-13', -780],
    ['PST8', 480],
  ])('[C14] is nothing to a key: TZ=%s', (name, offset) => {
    process.env['TZ'] = name;
    expect(new Date(0).getTimezoneOffset()).toBe(offset);
    const limited = windowed('from: 2026-11-22T12:00:00Z, until: 2026-11-22T13:00:00Z');
    const moments = ['11:59:59', '12:00', '12:59:59', '13:00'];
    const codes = moments.map((moment) =>
      codeOf(() => judgeKey(limited, use('bob', at(moment), at(moment)))),
    );
    expect(codes).toEqual(['E_KEY_NOT_YET', 'ok', 'ok', 'E_KEY_EXPIRED']);
  });
});

describe('a key that is listed twice', () => {
  const late = { at: at('18:00'), reason: 'superseded' } as const;
  const early = { at: at('12:00'), reason: 'compromised' } as const;
  it.each([
    ['late first', [late, early]],
    ['early first', [early, late]],
  ])('the earliest line counts: %s', (_, lines) => {
    const twice = revoking(...lines);
    expect(revocationOf(twice, fingerprintOf('bob'))?.at).toBe(at('12:00'));
    expect(codeOf(() => judgeKey(twice, use('bob', at('13:00'), at('13:00'))))).toBe('E_KEY_COMPROMISED');
  });

  it('compromise is since the earliest report of it, and other reasons are none', () => {
    const key = fingerprintOf('bob');
    expect(compromisedSince(policy, key)).toBeUndefined();
    expect(compromisedSince(revoking(late), key)).toBeUndefined();
    expect(compromisedSince(revoking(late, early), key)).toBe(at('12:00'));
    const since = { ...late, reason: 'compromised', since: at('09:00') } as const;
    expect(compromisedSince(revoking(early, since), key)).toBe(at('09:00'));
    expect(compromisedSince(revoking(since, early), key)).toBe(at('09:00'));
  });
});
