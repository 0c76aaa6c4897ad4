import type { Instant } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import { printJsonLine, readJsonLine } from './json-line.ts';

/** A verified place on a ledger, to be kept elsewhere. */
export interface Checkpoint {
  readonly schema: 'pam.checkpoint/1';
  readonly root: Sha256;
  readonly seq: number;
  readonly head: Sha256;
  readonly at: Instant;
}

/** Throws `E_LED_CHECKPOINT`. */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  // The schema says exactly what the type says.
  return readJsonLine('checkpoint', bytes, 'E_LED_CHECKPOINT') as Checkpoint;
}

export const printCheckpoint = (checkpoint: Checkpoint): Uint8Array =>
  printJsonLine('checkpoint', checkpoint);
