import { expect, test } from 'vitest';
import { printEntry, readEntry } from '../../../src/documents/entry-file.ts';
import { keptForOnRecord } from '../../../src/flows/executor/record-outcomes.ts';
import type { Entry } from '../../../src/model/entry.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { at, requestId } from '../../support/world.ts';

const id = (number: number) => requestId(`20261122-writer-${String(number).padStart(6, '0')}`);
const ids = (count: number) => Array.from({ length: count }, (_, number) => id(number));

const entryWith = (kept_for: ReturnType<typeof keptForOnRecord>): Entry => ({
  root: sha256(''),
  seq: 7,
  previous: sha256(''),
  at: at('12:00'),
  executor: 'pam-apply',
  policy: sha256(''),
  index: sha256(''),
  events: [{ type: 'revoked', id: id(0), kept_for, usage: null }],
});

test('[X73] grants that a permission is kept for: the first 16 of them are on record, however many there are', () => {
  expect(keptForOnRecord({ read: ids(3), write: ids(16), all: ids(17) })).toEqual({
    read: ids(3),
    write: ids(16),
    all: ids(16),
  });
  const everything = Array.from(
    { length: 64 },
    (_, one) => [`${one} ${'x'.repeat(250)}`, ids(1000)] as const,
  );
  expect(printEntry(entryWith(keptForOnRecord(Object.fromEntries(everything)))).length).toBeLessThan(
    400 * 1024,
  );
});

test('[X81] a permission __proto__ of an older policy keeps no outcome off the ledger', () => {
  const kept = Object.fromEntries([
    ['__proto__', ids(2)],
    ['constructor', ids(1)],
    ['read', ids(1)],
  ]);
  const entry = entryWith(keptForOnRecord(kept));
  expect(readEntry(printEntry(entry))).toEqual(entry);
  expect(entry.events[0]).toMatchObject({ kept_for: { constructor: ids(1), read: ids(1) } });
});
