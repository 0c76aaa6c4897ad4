/**
 * A map in the order of its keys that never changes. One that differs in a few keys shares everything else with the one
 * that it was made of, so making it costs the same however much both hold. What is worked out of its contents can
 * be remembered by leaf: of the next map only leaves that changed are looked at again.
 */
export interface Leaf<K extends string, V> {
  /** Ascending by code units, never empty. */
  readonly keys: readonly K[];
  /** In the order of the keys. */
  readonly values: readonly V[];
}

/** What a key holds in two maps; `undefined`: it is not there. */
export type Difference<K extends string, V> = readonly [key: K, before: V | undefined, after: V | undefined];

/** A leaf with more is divided; two that together have no more than half of it become one. */
const MOST_IN_LEAF = 128;

export class SortedMap<K extends string, V> implements ReadonlyMap<K, V> {
  readonly size: number;
  /** In the order of their keys. */
  readonly leaves: readonly Leaf<K, V>[];

  private constructor(leaves: readonly Leaf<K, V>[], size: number) {
    this.leaves = leaves;
    this.size = size;
  }

  /** Of two entries with one key the later one counts, as in a `Map`. */
  static of<K extends string, V>(entries: Iterable<readonly [K, V]>): SortedMap<K, V> {
    if (entries instanceof SortedMap) return entries as SortedMap<K, V>;
    const found = [...new Map(entries)].sort(([a], [b]) => (a < b ? -1 : 1));
    const leaves: Leaf<K, V>[] = [];
    for (let from = 0; from < found.length; from += MOST_IN_LEAF) {
      const some = found.slice(from, from + MOST_IN_LEAF);
      leaves.push({ keys: some.map(([key]) => key), values: some.map(([, value]) => value) });
    }
    return new SortedMap(leaves, found.length);
  }

  get(key: K): V | undefined {
    const leaf = this.leaves[this.#leafFor(key)];
    if (leaf === undefined) return undefined;
    const at = placeIn(leaf.keys, key);
    return leaf.keys[at] === key ? leaf.values[at] : undefined;
  }

  has(key: K): boolean {
    const keys = this.leaves[this.#leafFor(key)]?.keys ?? [];
    return keys[placeIn(keys, key)] === key;
  }

  with(key: K, value: V): SortedMap<K, V> {
    const place = this.#leafFor(key);
    const { keys, values } = this.leaves[place] ?? { keys: [], values: [] };
    const at = placeIn(keys, key);
    if (keys[at] === key) {
      if (values[at] === value) return this;
      return this.#exchange(place, 1, [{ keys, values: values.with(at, value) }], 0);
    }
    const more = { keys: keys.toSpliced(at, 0, key), values: values.toSpliced(at, 0, value) };
    return this.#exchange(place, 1, more.keys.length > MOST_IN_LEAF ? halvesOf(more) : [more], 1);
  }

  without(key: K): SortedMap<K, V> {
    const place = this.#leafFor(key);
    const leaf = this.leaves[place];
    if (leaf === undefined) return this;
    const at = placeIn(leaf.keys, key);
    if (leaf.keys[at] !== key) return this;
    const rest = { keys: leaf.keys.toSpliced(at, 1), values: leaf.values.toSpliced(at, 1) };
    if (rest.keys.length === 0) return this.#exchange(place, 1, [], -1);
    const next = this.leaves[place + 1];
    const few = next !== undefined && rest.keys.length + next.keys.length <= MOST_IN_LEAF / 2;
    return few ? this.#exchange(place, 2, [joined(rest, next)], -1) : this.#exchange(place, 1, [rest], -1);
  }

  /** Every key that holds something else here than there, ascending; leaves that both share are not looked into. */
  *since(before: SortedMap<K, V>): Generator<Difference<K, V>, undefined, undefined> {
    const [old, now] = [new Cursor(before.leaves), new Cursor(this.leaves)];
    for (;;) {
      if (old.leaf !== undefined && old.leaf === now.leaf && old.at === now.at) {
        old.nextLeaf();
        now.nextLeaf();
        continue;
      }
      const [a, b] = [old.key, now.key];
      if (a === undefined && b === undefined) return undefined;
      if (b === undefined || (a !== undefined && a < b)) {
        if (a !== undefined) yield [a, old.value, undefined];
        old.next();
      } else if (a === undefined || b < a) {
        yield [b, undefined, now.value];
        now.next();
      } else {
        if (old.value !== now.value) yield [a, old.value, now.value];
        old.next();
        now.next();
      }
    }
  }

  *entries(): Generator<[K, V], undefined, undefined> {
    // Both have the same length.
    for (const { keys, values } of this.leaves)
      for (const [at, key] of keys.entries()) yield [key, values[at] as V];
    return undefined;
  }

  *keys(): Generator<K, undefined, undefined> {
    for (const { keys } of this.leaves) yield* keys;
    return undefined;
  }

  *values(): Generator<V, undefined, undefined> {
    for (const { values } of this.leaves) yield* values;
    return undefined;
  }

  [Symbol.iterator](): Generator<[K, V], undefined, undefined> {
    return this.entries();
  }

  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) each(value, key, this);
  }

  /** The number of the leaf that holds the key, or would. */
  #leafFor(key: K): number {
    let [low, high] = [0, this.leaves.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const first = this.leaves[middle]?.keys[0];
      if (first !== undefined && first <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #exchange(place: number, count: number, by: readonly Leaf<K, V>[], more: number): SortedMap<K, V> {
    return new SortedMap(this.leaves.toSpliced(place, count, ...by), this.size + more);
  }
}

/** Where the key stands, or would. */
function placeIn(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = keys[middle];
    if (there !== undefined && there < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function halvesOf<K extends string, V>({ keys, values }: Leaf<K, V>): readonly Leaf<K, V>[] {
  const middle = keys.length >>> 1;
  return [
    { keys: keys.slice(0, middle), values: values.slice(0, middle) },
    { keys: keys.slice(middle), values: values.slice(middle) },
  ];
}

const joined = <K extends string, V>(a: Leaf<K, V>, b: Leaf<K, V>): Leaf<K, V> => ({
  keys: a.keys.concat(b.keys),
  values: a.values.concat(b.values),
});

class Cursor<K extends string, V> {
  readonly #leaves: readonly Leaf<K, V>[];
  #place = 0;
  at = 0;

  constructor(leaves: readonly Leaf<K, V>[]) {
    this.#leaves = leaves;
  }

  get leaf(): Leaf<K, V> | undefined {
    return this.#leaves[this.#place];
  }

  get key(): K | undefined {
    return this.leaf?.keys[this.at];
  }

  get value(): V | undefined {
    return this.leaf?.values[this.at];
  }

  next(): void {
    this.at += 1;
    if (this.at >= (this.leaf?.keys.length ?? 0)) this.nextLeaf();
  }

  nextLeaf(): void {
    this.#place += 1;
    this.at = 0;
  }
}
