/** Documents as data: fields go, come, change their kind, trade places. The shape often stays, the meaning does not. */
import type { Random } from './random.ts';
import { mutateValue, type Pool } from './mutate-text.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly (string | number)[];

const NUMBERS: readonly [number, ...number[]] = [
  0,
  -1,
  1,
  2,
  0.5,
  65_536,
  2 ** 31,
  2 ** 53,
  2 ** 53 - 1,
  1e21,
  -0,
];

/** One to three edits. */
export function mutateJson(random: Random, value: Json, pool: Pool): Json {
  let mutant = value;
  for (let edits = random.pick([1, 1, 1, 2, 3]); edits > 0; edits--) mutant = editOnce(random, mutant, pool);
  return mutant;
}

function editOnce(random: Random, root: Json, pool: Pool): Json {
  const paths = pathsOf(root);
  const path = random.pick(paths) ?? [];
  const old = at(root, path);
  const kind = random.weighed({
    value: 28,
    retype: 3,
    drop: 4,
    double: 3,
    rename: 2,
    add: 2,
    swap: 3,
    order: 3,
  });
  switch (kind) {
    case 'value':
      return put(root, path, otherValue(random, old, pool));
    case 'retype':
      return put(root, path, retyped(random, old));
    case 'drop':
      return edit(root, path, (parent, key) => without(parent, key));
    case 'double':
      return edit(root, path, (parent, key) =>
        isRecord(parent) ? { ...parent, [`${key}2`]: old } : [...(Array.isArray(parent) ? parent : []), old],
      );
    case 'rename':
      return edit(root, path, (parent, key) =>
        Array.isArray(parent) ? parent : { ...without(parent, key), [mutateValue(random, key, pool)]: old },
      );
    case 'add':
      return put(root, path, isRecord(old) ? { ...old, [random.pick(ODD_KEYS)]: random.pick(pool) } : [old]);
    case 'swap': {
      const other = random.pick(paths) ?? [];
      return put(put(root, path, at(root, other)), other, old);
    }
    case 'order':
      return put(root, path, reordered(old));
  }
}

const ODD_KEYS: readonly [string, ...string[]] = [
  'extra',
  '__proto__',
  'constructor',
  'toString',
  '',
  'version',
];

function otherValue(random: Random, old: Json, pool: Pool): Json {
  if (typeof old === 'string') return mutateValue(random, old, pool);
  if (typeof old === 'number') return random.chance(0.5) ? random.pick(NUMBERS) : old + random.pick([-1, 1]);
  if (typeof old === 'boolean') return !old;
  if (old === null) return random.pick(pool);
  if (Array.isArray(old)) return random.chance(0.4) ? [] : [...old, random.pick(pool)];
  return random.chance(0.4) ? {} : { ...old, [random.pick(pool)]: random.pick(pool) };
}

function retyped(random: Random, old: Json): Json {
  return random.pick<Json>([null, true, 0, '', [], {}, [old], { value: old }, JSON.stringify(old) ?? '']);
}

function reordered(old: Json): Json {
  if (Array.isArray(old)) return [...old].reverse();
  return isRecord(old) ? Object.fromEntries(Object.entries(old).reverse()) : old;
}

const isRecord = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function pathsOf(value: Json, path: Path = []): Path[] {
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => pathsOf(item, [...path, index]))
    : isRecord(value)
      ? Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))
      : [];
  return path.length === 0 ? inner : [path, ...inner];
}

function at(root: Json, path: Path): Json {
  let value: Json = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)] ?? null;
    else value = isRecord(value) && Object.hasOwn(value, key) ? (value[String(key)] ?? null) : null;
  }
  return value;
}

function put(root: Json, path: Path, value: Json): Json {
  return edit(root, path, (parent, key) => {
    if (Array.isArray(parent)) return parent.map((old, index) => (String(index) === key ? value : old));
    return isRecord(parent) ? { ...parent, [key]: value } : parent;
  });
}

/** A place that an earlier edit took away is left alone. */
function edit(root: Json, path: Path, change: (parent: Json, key: string) => Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return root;
  if (rest.length === 0) return change(root, String(key));
  if (Array.isArray(root)) return root.map((old, index) => (index === key ? edit(old, rest, change) : old));
  if (!isRecord(root) || !Object.hasOwn(root, key)) return root;
  // `fromEntries` defines a key `__proto__` like any other; a literal would not.
  return Object.fromEntries(
    Object.entries(root).map(([name, old]) => [name, name === key ? edit(old, rest, change) : old]),
  );
}

function without(parent: Json, key: string): { readonly [key: string]: Json } | readonly Json[] {
  if (Array.isArray(parent)) return parent.filter((_, index) => String(index) !== key);
  return isRecord(parent) ? Object.fromEntries(Object.entries(parent).filter(([name]) => name !== key)) : {};
}
