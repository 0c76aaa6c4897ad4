import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenRecord } from '../../../src/model/open-record.ts';
import { queuesOf } from '../../../src/rules/queue-by-system.ts';
import { identityOf, type Place, placeText, sameSystem, systemsOf } from '../../../src/rules/same-system.ts';
import {
  accessOf,
  changingNow,
  isExplained,
  isHeld,
  neededBy,
  removalOf,
} from '../../../src/rules/still-needed.ts';
import { providers } from '../../../src/targets/registry.ts';
import {
  at,
  fingerprintOf,
  grantLive,
  Ledger,
  policyOf,
  type PolicyTexts,
  requestId,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const ca = (name: string): Record<string, unknown> => ({ krl_env: 'KRL', ca: fingerprintOf(name) });
const plain = { plugin: 'legacy', env: ['A', 'B'], options: { realm: 'prod' } };
const place = (provider: string, target: string, config: Place['config']): Place => ({
  provider,
  target,
  config,
});

/** What stands in two grants' records, and whether they are on one system. */
const TABLE: readonly (readonly [string, Place, Place, boolean])[] = [
  ['one target, one config', place('command', 'db', plain), place('command', 'db', { ...plain }), true],
  [
    'an option switched',
    place('command', 'db', plain),
    place('command', 'db', { ...plain, native_expiry: true }),
    true,
  ],
  [
    'variables in another order',
    place('command', 'db', plain),
    place('command', 'db', { ...plain, env: ['B', 'A'] }),
    true,
  ],
  ['the target renamed', place('command', 'db', plain), place('command', 'orders-db', plain), true],
  [
    'renamed, and its config in another order',
    place('command', 'db', plain),
    place('command', 'orders-db', { options: { realm: 'prod' }, env: ['A', 'B'], plugin: 'legacy' }),
    true,
  ],
  [
    'another name and another config, and no identity',
    place('command', 'db', plain),
    place('command', 'other', { ...plain, options: { realm: 'test' } }),
    false,
  ],
  [
    'one identity, whatever else changed',
    place('command', 'db', { ...plain, identity: 'prod' }),
    place('command', 'other', { plugin: 'newer', identity: 'prod' }),
    true,
  ],
  [
    'the name given to another system',
    place('command', 'db', { ...plain, identity: 'prod' }),
    place('command', 'db', { ...plain, identity: 'test' }),
    false,
  ],
  [
    'identity written down since',
    place('command', 'db', plain),
    place('command', 'db', { ...plain, identity: 'prod' }),
    true,
  ],
  [
    'identity written down since, under another name',
    place('command', 'db', plain),
    place('command', 'other', { ...plain, identity: 'prod' }),
    false,
  ],
  ['another provider', place('command', 'db', plain), place('sudoers', 'db', plain), false],
  [
    'one CA, an option switched and the target renamed',
    place('ssh-ca', 'bastion', { ...ca('ca'), extensions: ['permit-pty'] }),
    place('ssh-ca', 'jump', ca('ca')),
    true,
  ],
  ['another CA', place('ssh-ca', 'bastion', ca('ca')), place('ssh-ca', 'bastion', ca('other-ca')), false],
  [
    'a config that names no CA',
    place('ssh-ca', 'bastion', { ca: 7 }),
    place('ssh-ca', 'bastion', ca('ca')),
    true,
  ],
  [
    'a directory, by the name of its target',
    place('sudoers', 'web', { directory_env: 'D' }),
    place('sudoers', 'web', { directory_env: 'D', visudo: '/usr/sbin/visudo' }),
    true,
  ],
  [
    'a provider that this pam lacks',
    place('gone', 'db', { identity: 'a' }),
    place('gone', 'db', { identity: 'b' }),
    true,
  ],
];

describe('[X57] two grants are on one system', () => {
  it.each(TABLE)('%s', (_, one, other, same) => {
    expect([sameSystem(providers, one, other), sameSystem(providers, other, one)]).toEqual([same, same]);
  });

  it('a provider that throws at a config names no identity', () => {
    const fragile = new Map([['fragile', { identity: () => never() }]]);
    expect(identityOf(fragile, { provider: 'fragile', config: {} })).toBe(undefined);
  });

  it('groups are what is connected, and nothing else', () => {
    const config = fc.record(
      { identity: fc.constantFrom('x', 'y'), plugin: fc.constantFrom('p', 'q') },
      { requiredKeys: ['plugin'] },
    );
    const some = fc.record({
      provider: fc.constantFrom('command', 'sudoers'),
      target: fc.constantFrom('a', 'b', 'c'),
      config,
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 7 }), (places) => {
        const byText = new Map(places.map((one) => [placeText(one), one]));
        const groups = systemsOf(providers, byText);
        for (const text of byText.keys()) {
          expect(groups.get(text)?.toSorted()).toEqual(reached(byText, text));
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Step by step over `sameSystem`, until nothing is added. */
function reached(places: ReadonlyMap<string, Place>, from: string): readonly string[] {
  const found = new Set([from]);
  for (const text of found) {
    for (const [other, there] of places) {
      const here = places.get(text);
      if (here !== undefined && sameSystem(providers, here, there)) found.add(other);
    }
  }
  return [...found].sort();
}

function never(): never {
  throw new TypeError('no such config');
}

const [first, second] = [requestId('20261122-reader-aaaaaa'), requestId('20261122-reader-bbbbbb')];
const LEGACY = 'provider: command, config: { plugin: legacy }';
const target = (text: string, from: PolicyTexts = TEXTS): PolicyTexts =>
  textsWith('policy/targets.yaml', LEGACY, text, from);
const renamed = (texts: PolicyTexts): PolicyTexts => {
  const rename = (text: string): string => text.replaceAll('orders-db', 'orders');
  return {
    ...texts,
    'policy/targets.yaml': rename(texts['policy/targets.yaml']),
    'policy/roles.yaml': rename(texts['policy/roles.yaml']),
    // A login of its own would be another login there.
    'policy/people.yaml': rename(texts['policy/people.yaml']),
  };
};
const named = (identity: string, more = ''): PolicyTexts =>
  target(`provider: command, config: { plugin: legacy, identity: ${identity}${more} }`);

/** Two grants of one permission to dana, with a change of policy between them. */
function twoGrants(before: PolicyTexts, after: PolicyTexts): Ledger {
  const ledger = new Ledger(policyOf(before));
  grantLive(ledger, { id: first, role: 'reader' }, 'bob', at('12:00'));
  ledger.changePolicy(policyOf(after), at('12:10'), ['alice', 'bob', 'grace']);
  grantLive(ledger, { id: second, role: 'reader' }, 'bob', at('12:20'));
  return ledger;
}

const grantIn = (ledger: Ledger, id: typeof first) => {
  const record = ledger.record(id);
  if (record?.grant == null) throw new TypeError(`no grant ${id}`);
  return { record, grant: record.grant };
};

const CHANGES: readonly (readonly [string, PolicyTexts, PolicyTexts, boolean])[] = [
  ['nothing of the target', TEXTS, textsWith('pam.yaml', 'version: 1', 'version: 1\nmain: main'), true],
  [
    'an option',
    TEXTS,
    target('provider: command, config: { plugin: legacy, options: { timeout: 3 } }'),
    true,
  ],
  [
    'its variables',
    target('provider: command, config: { plugin: legacy, env: [A, B] }'),
    target('provider: command, config: { plugin: legacy, env: [B, A, C] }'),
    true,
  ],
  ['its name', TEXTS, renamed(TEXTS), true],
  [
    'its name and an option, under one identity',
    named('prod'),
    renamed(named('prod', ', native_expiry: true')),
    true,
  ],
  ['its identity: the name was given to another system', named('prod'), named('test'), false],
];

describe('[X58] a policy changed between two grants of one membership', () => {
  it.each(CHANGES)('%s', (_, before, after, same) => {
    const ledger = twoGrants(before, after);
    const { index } = ledger.state;
    const one = grantIn(ledger, first);
    const other = grantIn(ledger, second);
    const keep = { remove: [], keptFor: { connect: [second] } };
    const take = { remove: ['connect'], keptFor: {} };
    expect(removalOf(providers, index, one.record, 'shared', new Set([first]))).toEqual(same ? keep : take);
    const access = accessOf(other.grant, 'connect');
    const found = same ? [first] : [];
    expect(neededBy(providers, index, access, new Set([second]))).toEqual(found);
    expect(isExplained(providers, index, access, second)).toBe(same);
    expect(isHeld(providers, index, access, second)).toBe(same);
    const questions = [one, other].map(({ record }) => ({ record }));
    expect(queuesOf(providers, questions).map((queue) => queue.questions.length)).toEqual(
      same ? [2] : [1, 1],
    );
  });

  it('the first is being given at this moment: the second waits', () => {
    const ledger = new Ledger(policyOf(TEXTS));
    const asked = grantLive(ledger, { id: first, role: 'reader' }, 'bob', at('12:00'));
    const { grant } = grantIn(ledger, first);
    const begun: OpenRecord = { ...grantIn(ledger, first).record, state: 'granting' };
    const index = { ...ledger.state.index, records: new Map([[asked.id, begun]]) };
    const switched = accessOf({ ...grant, config: { plugin: 'legacy', native_expiry: true } }, 'connect');
    expect(changingNow(providers, index, switched, second)).toEqual([first]);
  });
});
