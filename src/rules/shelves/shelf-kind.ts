/**
 * All that one file of `open/` beside the records means. `registry.ts` lists them, and nothing else names them all: the
 * index that is folded, printed, digested and read back asks the registry.
 */
import type { LedgerEvent } from '../../model/entry.ts';
import type { ShelfName, ShelfShapes } from '../../model/open-record.ts';
import type { FoldContext } from '../events/event-kind.ts';

export interface ShelfKind<N extends ShelfName> {
  /** Directly below `open/`. */
  readonly path: `open/${string}.json`;
  /** JSON Schema of what it holds; `$ref`s go to `entry.schema.json#/$defs/...`. `pam schema <name>` prints it. */
  readonly schema: ShelfSchema;
  /** What an entry's events make of it; `null` where it holds nothing. */
  readonly fold: (
    before: ShelfShapes[N] | null,
    events: readonly LedgerEvent[],
    context: FoldContext,
  ) => ShelfShapes[N] | null;
}

export interface ShelfSchema {
  readonly $schema: 'https://json-schema.org/draft/2020-12/schema';
  readonly $id: `${string}.schema.json`;
  readonly title: string;
  readonly description: string;
  readonly [keyword: string]: unknown;
}
