/** A key at hand against a policy: the key's own life. Whether a file can be read is tried with real files. */
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../../../src/model/instant.ts';
import { judgeKeyInPolicy } from '../../../../src/rules/doctor/judge-key-file.ts';
import { at, keyNamed, policyOf, type PolicyTexts, TEXTS, textsWith } from '../../../support/world.ts';

function judged(
  texts: PolicyTexts,
  name: string,
  holder = 'dana',
  now: Instant = at('12:00'),
): readonly string[] {
  const key = {
    file: 'k',
    line: keyNamed(name).line,
    half: 'private',
    locked: false,
    inAgent: false,
    otherPublic: null,
  } as const;
  return judgeKeyInPolicy(policyOf(texts).policy, { area: 'person', holder, named: 'k', key }, now).map(
    ({ state, code, message }) => `${state} ${code}: ${message}`,
  );
}
const with_ = (more: string): PolicyTexts =>
  textsWith('policy/people.yaml', '{ key: KEY(dana) }', `{ key: KEY(dana)${more} }`);
const revoked = (reason: string): PolicyTexts => ({
  ...TEXTS,
  'policy/people.yaml': `${TEXTS['policy/people.yaml']}revoked_keys:\n  - { fingerprint: "FINGERPRINT(dana)", at: 2026-11-22T11:00:00Z, reason: ${reason} }\n`,
});

describe('the key at hand', () => {
  it('is the one that policy lists', () => {
    expect(judged(TEXTS, 'dana').join()).toMatch(/^ok E_KEY_UNKNOWN: policy lists SHA256:/u);
    expect(judged(TEXTS, 'mallory').join()).toMatch(/^problem E_KEY_UNKNOWN: .*is not in policy/u);
    expect(judged(TEXTS, 'bob').join()).toBe(
      "problem E_KEY_PRINCIPAL: bob's key is at hand, not one of dana's",
    );
  });

  it('counts now, and longer than 30 days', () => {
    expect(judged(with_(', until: 2026-12-22T12:00:00Z'), 'dana').join()).toMatch(/^ok/u);
    expect(judged(with_(', until: 2026-12-22T11:59:59Z'), 'dana').join()).toMatch(/^warning W_KEY_EXPIRES/u);
    expect(judged(with_(', until: 2026-11-22T12:00:00Z'), 'dana').join()).toMatch(/^problem E_KEY_EXPIRED/u);
    expect(judged(with_(', from: 2026-11-22T12:00:01Z'), 'dana').join()).toMatch(/^problem E_KEY_NOT_YET/u);
  });

  it('was not revoked', () => {
    expect(judged(revoked('compromised'), 'dana').join()).toMatch(/^problem E_KEY_COMPROMISED/u);
    expect(judged(revoked('lost'), 'dana').join()).toMatch(/^problem E_KEY_REVOKED/u);
  });
});
