import type { Entry, LedgerEvent } from '../model/entry.ts';
import type { Instant } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import type { OpenRecord, ShelfName, ShelfShapes } from '../model/open-record.ts';
import { printJsonLine, readJson, readJsonLine } from './json-line.ts';

// Each schema says exactly what the type beside it says; hence the casts.

/** `entry.json`. Throws `E_LED_SHAPE`; says nothing about whether the entry may follow another. */
export const readEntry = (bytes: Uint8Array): Entry => readJsonLine('entry', bytes, 'E_LED_SHAPE') as Entry;
export const printEntry = (entry: Entry): Uint8Array => printJsonLine('entry', entry);

/**
 * Why no entry can hold this event as it is; `undefined` when one can. What a target gave is asked this before it is
 * recorded, so that it is that target's error and never the run's.
 */
export function eventFault(event: LedgerEvent): string | undefined {
  try {
    readEntry(printEntry({ ...AROUND, events: [event] }));
    return undefined;
  } catch (error) {
    // A RangeError where it is nested deeper than this program can follow.
    return error instanceof Error ? error.message : String(error);
  }
}

const DIGEST = `sha256:${'0'.repeat(64)}` as Sha256; // of the form, which is all that is looked at
const AROUND: Omit<Entry, 'events'> = {
  root: null,
  seq: 0,
  previous: null,
  at: '2026-01-01T00:00:00Z' as Instant, // likewise
  executor: 'executor',
  policy: DIGEST,
  index: DIGEST,
};

/** `open/<day>/<id>.json`. `rules/print-index.ts` prints it; a signed digest says that the spelling is that one. */
export const readOpenRecord = (bytes: Uint8Array): OpenRecord =>
  readJson('open-record', bytes, 'E_LED_SHAPE') as OpenRecord;

/** A file of `open/` beside the records. */
export const readShelf = <N extends ShelfName>(name: N, bytes: Uint8Array): ShelfShapes[N] =>
  readJson(name, bytes, 'E_LED_SHAPE') as ShelfShapes[N];
