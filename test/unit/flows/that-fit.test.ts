import { describe, expect, test } from 'vitest';
import { printEntry } from '../../../src/documents/entry-file.ts';
import { faultInEntry, thatFit } from '../../../src/flows/ledger/fit-entry.ts';
import type { Entry, LedgerEvent } from '../../../src/model/entry.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { at, requestId } from '../../support/world.ts';

const id = (number: number) => requestId(`20261122-writer-${String(number).padStart(6, '0')}`);
const failed = (number: number, length: number): LedgerEvent => ({
  type: 'failed',
  id: id(number),
  error: { code: 'E_PRV', message: 'x'.repeat(length) },
});

describe('[X73] what goes into one entry', () => {
  test.each([
    ['alone', 0, 1],
    ['before the others', 0, 4],
    ['in the middle', 2, 4],
    ['behind them', 3, 4],
  ])('an event that fits into no entry, %s, stops only itself', (_what, place, count) => {
    const events = Array.from({ length: count }, (_, nth) => failed(nth, nth === place ? 500_000 : 10));
    expect(thatFit(events)).toEqual(events);
    expect(events.map((one) => faultInEntry(one) !== undefined)).toEqual(
      events.map((_, nth) => nth === place),
    );
  });

  test('many outcomes of the largest kind: as many as readers take, in their order, and the rest after them', () => {
    const all = Array.from({ length: 3000 }, (_, number) => failed(number, 1000));
    let left: readonly LedgerEvent[] = all;
    const written: LedgerEvent[] = [];
    for (let entries = 0; left.length > 0; entries += 1) {
      expect(entries).toBeLessThan(20);
      const events = thatFit(left);
      const entry: Entry = {
        root: sha256(''),
        seq: 7,
        previous: sha256(''),
        at: at('12:00'),
        executor: 'pam-apply',
        policy: sha256(''),
        index: sha256(''),
        events,
      };
      expect(printEntry(entry).length).toBeLessThan(1024 * 1024);
      written.push(...events);
      left = left.slice(events.length);
    }
    expect(written).toEqual(all);
  });
});
