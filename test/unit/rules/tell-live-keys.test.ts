import { describe, expect, it } from 'vitest';
import { tellLiveKeys } from '../../../src/rules/tell-live-keys.ts';
import {
  at,
  fingerprintOf,
  grantLive,
  keyNamed,
  Ledger,
  policyOf,
  type PolicyTexts,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const ledger = new Ledger();
const { id } = grantLive(ledger, {}, 'bob', at('12:00'));
const record = ledger.record(id);
if (record?.grant == null) throw new Error('it is live');
// As a target records it that needs one.
const grant = { ...record.grant, login_key: keyNamed('dana').line };
const index = { records: new Map([[id, { ...record, grant }]]) };
const told = (texts: PolicyTexts): readonly string[] => tellLiveKeys(index, policyOf(texts).policy);

describe('a key that goes while access is live on it', () => {
  it('is told with the command that ends that access', () => {
    expect(told(textsWith(PEOPLE, '{ key: KEY(dana) }', '{ key: KEY(dana-new) }'))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^! the key ${fingerprintOf('dana').replaceAll(/[+/]/gu, '.')} of dana goes, .* until .* \\(${id}\\); .*pam revoke ${id} --reason "`,
          'u',
        ),
      ),
    ]);
  });

  it.each<readonly [string, PolicyTexts]>([
    ['that stays', TEXTS],
    ['of somebody else', textsWith(PEOPLE, '{ key: KEY(frank) }', '{ key: KEY(frank-new) }')],
    [
      'that stays beside a new one',
      textsWith(PEOPLE, '{ key: KEY(dana) }', '{ key: KEY(dana-new) }, { key: KEY(dana) }'),
    ],
    [
      'that is the login key now',
      textsWith(PEOPLE, '{ key: KEY(dana) }]', '{ key: KEY(dana-new) }], login_key: KEY(dana)'),
    ],
    [
      'that is compromised: the next sweep ends it',
      textsWith(
        PEOPLE,
        'admins:',
        `revoked_keys: [{ fingerprint: "${fingerprintOf('dana')}", at: 2026-11-22T13:00:00Z, reason: compromised, since: 2026-11-22T11:00:00Z }]\nadmins:`,
      ),
    ],
  ])('nothing is said of one %s', (_, texts) => {
    expect(told(texts)).toEqual([]);
  });
});
