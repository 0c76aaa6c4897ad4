import { describe, expect, it } from 'vitest';
import type { OpenRecord } from '../../../src/model/open-record.ts';
import { queuesOf, rotated } from '../../../src/rules/queue-by-system.ts';
import { providers } from '../../../src/targets/registry.ts';
import { at, grantLive, Ledger, requestId } from '../../support/world.ts';

const { asked, ledger } = (() => {
  const begun = new Ledger();
  return { ledger: begun, asked: grantLive(begun, {}, 'bob', at('12:00')) };
})();
const live = ledger.record(asked.id);

interface Wish {
  readonly end?: string;
  readonly attempts?: number;
  readonly target?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

function record(letter: string, { end = '12:45', attempts = 0, target, config }: Wish = {}): OpenRecord {
  if (live?.grant == null) throw new TypeError('no grant');
  const { grant } = live;
  const changed = {
    ...grant,
    end: at(end),
    target: target ?? grant.target,
    config: config ?? grant.config,
  };
  return { ...live, id: requestId(`20261122-dba-${letter.repeat(6)}`), attempts, grant: changed };
}

const told = (records: readonly OpenRecord[]): readonly string[] =>
  queuesOf(
    providers,
    records.map((one) => ({ record: one })),
  ).map(({ questions }) => questions.map((question) => question.record.id.slice(-1)).join(''));

describe('queues', () => {
  it('one for each system, in the order of their first questions', () => {
    const other = { target: 'other', config: { plugin: 'other' } };
    expect(
      told([record('a', { end: '12:30' }), record('b', { end: '12:10', ...other }), record('c')]),
    ).toEqual(['b', 'ac']);
  });

  it('the system counts, not its name nor the order of its config', () => {
    const [one, two] = [
      { a: 1, b: { c: 2, d: 3 } },
      { b: { d: 3, c: 2 }, a: 1 },
    ];
    expect(told([record('a', { config: one }), record('b', { config: two, target: 'renamed' })])).toEqual([
      'ab',
    ]);
    expect(
      told([record('a', { config: one }), record('b', { config: { ...one, a: 2 }, target: 'other' })]),
    ).toEqual(['a', 'b']);
  });

  it('[Q6] in a queue the oldest end first, and what ends together by id', () => {
    expect(
      told([
        record('d'),
        record('b', { end: '12:30' }),
        record('c'),
        record('a', { end: '12:40' }),
        record('e', { end: '09:00' }),
      ]),
    ).toEqual(['ebacd']);
  });

  it('[Q6] but after what was tried less often', () => {
    expect(
      told([
        record('a', { end: '09:00', attempts: 2 }),
        record('b', { end: '10:00', attempts: 1 }),
        record('c', { end: '12:00' }),
        record('d', { end: '11:00' }),
      ]),
    ).toEqual(['dcba']);
  });

  it('rotated, everybody is there once, and anybody may be the first', () => {
    const list = [1, 2, 3];
    expect([0, 0.34, 0.67, 0.999].map((chance) => rotated(list, chance))).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 1, 2],
    ]);
    expect(rotated([], 0.5)).toEqual([]);
  });
});
