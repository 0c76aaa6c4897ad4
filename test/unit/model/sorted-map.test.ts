import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedMap } from '../../../src/model/sorted-map.ts';

/** Keys that fill some leaves, divide them and empty them again. */
const key = fc.nat({ max: 700 }).map((one) => String(one).padStart(3, '0'));
const change = fc.record({ key, value: fc.option(fc.nat({ max: 3 }), { nil: undefined, freq: 3 }) });
const changes = fc.array(change, { maxLength: 1500, size: 'max' });

const sorted = (map: ReadonlyMap<string, number>): readonly (readonly [string, number])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

function changed(
  map: SortedMap<string, number>,
  list: readonly { key: string; value: number | undefined }[],
) {
  let now = map;
  for (const { key: one, value } of list) now = value === undefined ? now.without(one) : now.with(one, value);
  return now;
}

describe('a sorted map', () => {
  it('holds what a plain map holds, in the order of its keys, whatever came and went', () => {
    let most = 0;
    fc.assert(
      fc.property(changes, changes, (first, then) => {
        const plain = new Map<string, number>();
        const map = changed(SortedMap.of([]), first);
        for (const { key: one, value } of first)
          if (value === undefined) plain.delete(one);
          else plain.set(one, value);
        expect([...map]).toEqual(sorted(plain));
        expect([...map.keys()]).toEqual([...map].map(([one]) => one));
        expect([...map.values()]).toEqual([...map].map(([, value]) => value));
        expect(map.size).toBe(plain.size);
        expect([...SortedMap.of(plain)]).toEqual([...map]);
        for (const { key: one } of then)
          expect([map.get(one), map.has(one)]).toEqual([plain.get(one), plain.has(one)]);
        expect(map.leaves.every(({ keys, values }) => keys.length > 0 && keys.length === values.length)).toBe(
          true,
        );
        most = Math.max(most, map.leaves.length);
      }),
      { seed: 20_261_122, numRuns: 20 },
    );
    expect(most).toBeGreaterThan(3);
  });

  it('never changes, and tells what differs from another one, in both directions', () => {
    fc.assert(
      fc.property(changes, changes, (first, then) => {
        const before = changed(SortedMap.of([]), first);
        const held = [...before];
        const after = changed(before, then);
        expect([...before]).toEqual(held);
        const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
        const differ = keys.filter((one) => before.get(one) !== after.get(one));
        expect([...after.since(before)]).toEqual(differ.map((one) => [one, before.get(one), after.get(one)]));
        expect([...before.since(after)]).toEqual(differ.map((one) => [one, after.get(one), before.get(one)]));
      }),
      { seed: 20_261_122, numRuns: 20 },
    );
  });

  it('shares all leaves but one with the map that it was made of', () => {
    const many = SortedMap.of(Array.from({ length: 10_000 }, (_, at) => [String(at), at] as const));
    const shared = (other: SortedMap<string, number>): number =>
      other.leaves.filter((leaf) => many.leaves.includes(leaf)).length;
    expect(many.leaves.length).toBeGreaterThan(70);
    for (const next of [many.with('5', -1), many.with('5x', 1), many.without('5'), many.without('0')])
      expect(shared(next)).toBe(many.leaves.length - 1);
    expect(many.with('5', 5)).toBe(many);
    expect(many.without('x')).toBe(many);
    expect(SortedMap.of(many)).toBe(many);
  });

  it('grows by single keys without leaves that are nearly empty, and shrinks to none', () => {
    const names = Array.from({ length: 5000 }, (_, at) => String((at * 7919) % 5000).padStart(4, '0'));
    let map: SortedMap<string, string> = SortedMap.of([]);
    for (const name of names) map = map.with(name, name);
    expect(map.leaves.length).toBeLessThan(100);
    for (const name of names.slice(0, 4500)) map = map.without(name);
    expect(map.leaves.length).toBeLessThan(40);
    for (const name of names) map = map.without(name);
    expect([map.size, map.leaves.length]).toEqual([0, 0]);
  });
});
