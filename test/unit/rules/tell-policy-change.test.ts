import { describe, expect, it } from 'vitest';
import { tellPolicyChange } from '../../../src/rules/tell-policy-change.ts';
import {
  fingerprintOf,
  keyNamed,
  policyOf,
  type PolicyTexts,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const ROLES = 'policy/roles.yaml';
const { policy } = policyOf(TEXTS);
const told = (texts: PolicyTexts): string[] => tellPolicyChange(policy, policyOf(texts).policy);

describe('a policy change in words', () => {
  it('nothing changes, nothing is said', () => expect(tellPolicyChange(policy, policy)).toEqual([]));

  it.each<readonly [string, PolicyTexts, readonly string[]]>([
    [
      'an admin more',
      textsWith(PEOPLE, '[alice, bob, grace]', '[alice, bob, grace, carol]'),
      ['+ carol becomes an admin'],
    ],
    [
      'an admin less',
      textsWith(PEOPLE, '[alice, bob, grace]', '[alice, bob]'),
      ['- grace is no longer an admin'],
    ],
    [
      'the threshold',
      textsWith(PEOPLE, 'threshold: 2', 'threshold: 1'),
      ['! policy changes need 1 admins, before 2'],
    ],
    [
      'a person more',
      textsWith(PEOPLE, 'groups:', '  x-bot: { owner: dana, keys: [{ key: KEY(x-bot) }] }\ngroups:'),
      ['+ service x-bot'],
    ],
    [
      'a key more',
      textsWith(PEOPLE, '{ key: KEY(frank) }', '{ key: KEY(frank) }, { key: KEY(frank-new) }'),
      [`+ key of frank: ${keyNamed('frank-new').line}`],
    ],
    [
      'the window of a key',
      textsWith(PEOPLE, '{ key: KEY(frank) }', '{ key: KEY(frank), until: 2027-01-01T00:00:00Z }'),
      [
        `+ key of frank: ${keyNamed('frank').line} until 2027-01-01T00:00:00Z`,
        `- key of frank: ${keyNamed('frank').line}`,
      ],
    ],
    [
      'a login',
      textsWith(PEOPLE, 'druiz', 'root'),
      ['! person dana: logins {"orders-db":"druiz"} -> {"orders-db":"root"}'],
    ],
    [
      'an account',
      textsWith(PEOPLE, 'dana: {', 'dana: { github: { login: dana-r, id: 7 },'),
      ['! person dana: github unset -> {"login":"dana-r","id":7}'],
    ],
    [
      'an owner',
      textsWith(PEOPLE, 'deploy-bot: { owner: erin', 'deploy-bot: { owner: dana'),
      ['! service deploy-bot: owner "erin" -> "dana"'],
    ],
    [
      'the rights of an executor',
      textsWith(PEOPLE, 'may: [revoke]', 'may: [grant, revoke]'),
      [
        '! service pam-sweep: executes {"targets":["*"],"may":["revoke"]} -> {"targets":["*"],"may":["grant","revoke"]}',
        '! pam-sweep may grant and revoke on *',
      ],
    ],
    [
      'a group: who may approve, ask and receive',
      textsWith(PEOPLE, 'leads: [alice, bob]', 'leads: [alice, bob, frank]'),
      ['+ frank may approve dba', '+ frank may approve reader'],
    ],
    [
      'requesters',
      textsWith(PEOPLE, 'engineering: [alice, dana, erin]', 'engineering: [dana, erin]'),
      [
        '- alice may no longer ask for dba',
        '- alice may no longer ask for operator',
        '- alice may no longer ask for reader',
      ],
    ],
    [
      'a fallback',
      textsWith(ROLES, '[carol], after: 15m', '[carol, frank], after: 15m'),
      [
        '+ frank may approve dba',
        '! role dba: approved by 1 of @leads (alice, bob), after 15m also carol -> 1 of @leads (alice, bob), after 15m also carol, frank',
      ],
    ],
    [
      'a permission',
      textsWith(ROLES, '"role:{schema}_owner", connect]', '"role:{schema}_owner", connect, superuser]'),
      [
        '! role dba: permissions ["role:{schema}_owner","connect"] -> ["role:{schema}_owner","connect","superuser"]',
      ],
    ],
    [
      'a duration',
      textsWith(ROLES, 'max_duration: 2h', 'max_duration: 8h'),
      ['! role dba: max_duration "2h" -> "8h"'],
    ],
    [
      'standing access',
      textsWith(ROLES, 'description: May look', 'description: May look\n    may_preexist: true'),
      ['! role reader: may_preexist false -> true'],
    ],
    [
      'a target',
      textsWith('policy/targets.yaml', 'plugin: legacy', 'plugin: other'),
      ['! target orders-db: config {"plugin":"legacy"} -> {"plugin":"other"}'],
    ],
    [
      'pam.yaml',
      textsWith('pam.yaml', '{ kind: git }', '{ kind: git, remote: origin }'),
      ['! pam.yaml: forge {"kind":"git"} -> {"kind":"git","remote":"origin"}'],
    ],
  ])('%s', (_, texts, lines) => expect(told(texts)).toEqual(lines));

  it('a field that was given up is told like one that was added', () => {
    const reviewed = policyOf(
      textsWith(ROLES, 'description: May look', 'description: May look\n    review_within: 24h'),
    ).policy;
    expect(tellPolicyChange(policy, reviewed)).toEqual(['! role reader: review_within unset -> "24h"']);
    expect(tellPolicyChange(reviewed, policy)).toEqual(['! role reader: review_within "24h" -> unset']);
  });

  it('a revoked key', () => {
    const line = `revoked_keys: [{ fingerprint: "FINGERPRINT(frank)", at: 2026-11-22T12:00:00Z, reason: lost }]\n`;
    expect(told({ ...TEXTS, [PEOPLE]: `${TEXTS[PEOPLE]}${line}` })).toEqual([
      `+ revoked key ${fingerprintOf('frank')} (lost at 2026-11-22T12:00:00Z)`,
    ]);
  });

  it('a role more, by whatever name, and a role less', () => {
    const reader = /  reader:[\s\S]*?threshold: 1 \}\]\n/u.exec(TEXTS[ROLES])?.[0] ?? '';
    const renamed = { ...TEXTS, [ROLES]: TEXTS[ROLES].replace('  reader:', '  constructor:') };
    expect(reader).not.toBe('');
    expect(told({ ...TEXTS, [ROLES]: TEXTS[ROLES].replace(reader, '') })).toEqual(['- role reader']);
    expect(told(renamed)).toEqual([
      '+ role constructor (standard): connect on orders-db, at most 8h',
      '+ @engineering (alice, dana, erin), deploy-bot may ask for constructor',
      '+ 1 of @leads (alice, bob) may approve constructor',
      '- role reader',
    ]);
  });

  it('the first policy is all new', () => {
    const lines = tellPolicyChange(null, policy);
    expect(lines).toContain('+ alice becomes an admin');
    expect(lines).toContain('+ role dba (admin): role:{schema}_owner, connect on orders-db, at most 2h');
    expect(lines).toContain('+ 1 of @leads (alice, bob), after 15m also carol may approve dba');
    expect(lines).toContain('! pam-apply may grant and revoke on *');
    expect(lines.every((line) => line.startsWith('+') || line.startsWith('!'))).toBe(true);
  });
});
