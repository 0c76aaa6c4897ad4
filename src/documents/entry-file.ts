import type { Entry } from '../model/entry.ts';
import type { Beats, OpenRecord } from '../model/open-record.ts';
import { printJsonLine, readJson, readJsonLine } from './json-line.ts';

// Each schema says exactly what the type beside it says; hence the casts.

/** `entry.json`. Throws `E_LED_SHAPE`; says nothing about whether the entry may follow another. */
export const readEntry = (bytes: Uint8Array): Entry => readJsonLine('entry', bytes, 'E_LED_SHAPE') as Entry;
export const printEntry = (entry: Entry): Uint8Array => printJsonLine('entry', entry);

/** `open/<day>/<id>.json`. `rules/print-index.ts` prints it; a signed digest says that the spelling is that one. */
export const readOpenRecord = (bytes: Uint8Array): OpenRecord =>
  readJson('open-record', bytes, 'E_LED_SHAPE') as OpenRecord;

/** `open/beats.json` */
export const readBeats = (bytes: Uint8Array): Beats => readJson('beats', bytes, 'E_LED_SHAPE') as Beats;
