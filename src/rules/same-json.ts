/** Documents come back from `open/` with sorted keys, and from elsewhere as they were written: order says nothing. */

/** Keys sorted at every level: the one order that needs no list to maintain. */
export function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const keys = Object.keys(fields).sort();
  return Object.fromEntries(keys.map((key) => [key, inOrder(fields[key])]));
}

const texts = new WeakMap<object, string>();

/** `JSON.stringify(inOrder(value))` of a document, which never changes: what two have in common is printed once. */
export function jsonInOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonInOrder).join(',')}]`;
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = objectText(value);
  texts.set(value, text);
  return text;
}

function objectText(value: object): string {
  // Read only by key, so an object is all that it must be.
  const fields = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of Object.keys(fields).sort()) {
    // Objects keep numbers among their keys in an order of their own.
    if (key >= '0' && key < ':') return JSON.stringify(inOrder(value));
    const inner = fields[key];
    if (inner === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${jsonInOrder(inner)}`;
  }
  return `{${text}}`;
}

export const sameJson = (a: unknown, b: unknown): boolean => a === b || jsonInOrder(a) === jsonInOrder(b);
