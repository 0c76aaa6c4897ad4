/** Every file of `open/` beside the records. One more is a file beside this one and a line here. */
import type { LedgerEvent } from '../../model/entry.ts';
import type { ShelfName, ShelfShapes, Shelves } from '../../model/open-record.ts';
import type { FoldContext } from '../events/event-kind.ts';
import { beats } from './beats.ts';
import type { ShelfKind } from './shelf-kind.ts';

export const SHELVES: { readonly [N in ShelfName]: ShelfKind<N> } = {
  beats,
};

// The table has exactly these keys, and `shelvesOf` makes a value for each; hence the casts.
const NAMES = Object.keys(SHELVES) as readonly ShelfName[];

/** @param make what each shelf is to hold */
export const shelvesOf = (make: <N extends ShelfName>(name: N) => ShelfShapes[N] | null): Shelves =>
  Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Shelves;

export const NO_SHELVES: Shelves = shelvesOf(() => null);

/** What there is, with its path. */
export const filesOfShelves = (shelves: Shelves): readonly (readonly [string, ShelfShapes[ShelfName]])[] =>
  NAMES.flatMap((name) => {
    const held = shelves[name];
    return held === null ? [] : [[SHELVES[name].path, held] as const];
  });

export const foldShelves = (before: Shelves, events: readonly LedgerEvent[], context: FoldContext): Shelves =>
  shelvesOf((name) => foldOne(name, before, events, context));

const foldOne = <N extends ShelfName>(
  name: N,
  before: Shelves,
  events: readonly LedgerEvent[],
  context: FoldContext,
): ShelfShapes[N] | null => SHELVES[name].fold(before[name], events, context);
