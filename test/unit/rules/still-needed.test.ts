import { describe, expect, it } from 'vitest';
import type { RequestId } from '../../../src/model/names.ts';
import type { OpenRecord } from '../../../src/model/open-record.ts';
import { accessOf, isExplained, isHeld, neededBy, removalOf } from '../../../src/rules/still-needed.ts';
import { providers } from '../../../src/targets/registry.ts';
import { at, grantLive, Ledger, requestId, stop, policyOf, textsWith } from '../../support/world.ts';

const ids = ['aaaaaa', 'bbbbbb', 'cccccc', 'dddddd'].map((end) => requestId(`20261122-dba-${end}`));
const [a, b, c, d] = ids;
if (a === undefined || b === undefined || c === undefined || d === undefined) throw new TypeError('four ids');
const permissive = policyOf(
  textsWith('policy/roles.yaml', 'description: May look', 'description: May look\n    may_preexist: true'),
);
const ledger = new Ledger(permissive);
grantLive(ledger, { id: a }, 'bob', at('12:00'));
grantLive(ledger, { id: b, role: 'reader' }, 'bob', at('12:00'));
grantLive(ledger, { id: c, role: 'reader', requester: 'erin', subject: 'erin' }, 'bob', at('12:00'));
const { index } = ledger.state;
const recordOf = (id: RequestId, from = ledger): OpenRecord => {
  const record = from.record(id);
  if (record === null) throw new TypeError(`no record of ${id}`);
  return record;
};
const accessFrom = (id: RequestId, permission: string) => {
  const { grant } = recordOf(id);
  if (grant === null) throw new TypeError('no grant');
  return accessOf(grant, permission);
};

describe('what another grant still needs', () => {
  it('same system, login and permission', () => {
    expect(neededBy(providers, index, accessFrom(a, 'connect'), new Set([a]))).toEqual([b]);
    expect(neededBy(providers, index, accessFrom(a, 'role:billing_owner'), new Set([a]))).toEqual([]);
    expect(neededBy(providers, index, accessFrom(c, 'connect'), new Set([c]))).toEqual([]);
    expect(
      neededBy(
        providers,
        index,
        { ...accessFrom(a, 'connect'), target: 'other', config: { plugin: 'other' } },
        new Set(),
      ),
    ).toEqual([]);
  });

  it('ending one takes what the other does not need', () => {
    expect(removalOf(providers, index, recordOf(a), 'shared', new Set())).toEqual({
      remove: ['role:billing_owner'],
      keptFor: { connect: [b] },
    });
    expect(removalOf(providers, index, recordOf(b), 'shared', new Set())).toEqual({
      remove: [],
      keptFor: { connect: [a] },
    });
    expect(removalOf(providers, index, recordOf(c), 'shared', new Set())).toEqual({
      remove: ['connect'],
      keptFor: {},
    });
  });

  it('ending both takes all', () => {
    const both = new Set([a, b]);
    expect(removalOf(providers, index, recordOf(a), 'shared', both)).toEqual({
      remove: ['connect', 'role:billing_owner'],
      keptFor: {},
    });
    expect(removalOf(providers, index, recordOf(b), 'shared', both)).toEqual({
      remove: ['connect'],
      keptFor: {},
    });
  });

  it('a grant that is being ended needs nothing', () => {
    const other = new Ledger(permissive);
    grantLive(other, { id: a }, 'bob', at('12:00'));
    grantLive(other, { id: b, role: 'reader' }, 'bob', at('12:00'));
    other.append([{ type: 'stopped', id: b, statement: stop(other, b, 'dana') }], at('12:06'));
    expect(removalOf(providers, other.state.index, recordOf(a, other), 'shared', new Set()).remove).toEqual([
      'connect',
      'role:billing_owner',
    ]);
    // Until it is confirmed gone, it still explains what is there.
    expect(isExplained(providers, other.state.index, accessFrom(a, 'connect'), a)).toBe(true);
  });

  it('objects of their own are taken whole', () => {
    expect(removalOf(providers, index, recordOf(a), 'own', new Set())).toEqual({
      remove: ['connect', 'role:billing_owner'],
      keptFor: {},
    });
  });

  it('nothing is taken for a record without a grant', () => {
    expect(removalOf(providers, index, { ...recordOf(a), grant: null }, 'shared', new Set())).toEqual({
      remove: [],
      keptFor: {},
    });
  });
});

describe('what was there before', () => {
  const found = new Ledger(permissive);
  grantLive(found, { id: a, role: 'reader' }, 'bob', at('12:00'), { preexisting: ['connect'] });

  it('is not taken away', () => {
    expect(removalOf(providers, found.state.index, recordOf(a, found), 'shared', new Set([a]))).toEqual({
      remove: [],
      keptFor: {},
    });
  });

  it('a grant explains what it gave, not what it found', () => {
    expect([
      isExplained(providers, index, accessFrom(a, 'connect'), a),
      isExplained(providers, index, accessFrom(a, 'connect'), d),
    ]).toEqual([true, true]);
    expect(isExplained(providers, index, accessFrom(a, 'role:billing_owner'), a)).toBe(false);
    expect(isExplained(providers, found.state.index, accessFrom(a, 'connect'), d)).toBe(false);
    expect(isHeld(providers, found.state.index, accessFrom(a, 'connect'), d)).toBe(true);
    expect(isHeld(providers, found.state.index, accessFrom(a, 'connect'), a)).toBe(false);
  });
});
