/**
 * Documents are printed in one order: that of `properties` in their schema. So the schema is the only place that
 * says what a document looks like, and two machines write the same bytes for the same entry.
 */
import { SCHEMAS, type SchemaName } from './document-schemas.ts';

type Schema = Readonly<Record<string, unknown>>;
const NOTHING: Schema = {};

export function inFieldOrder(name: SchemaName, value: object): unknown {
  return ordered(SCHEMAS[name], SCHEMAS[name], value);
}

function ordered(root: Schema, schema: Schema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [home, rule] = resolve(root, schema, value);
  if (Array.isArray(value)) {
    const items = asSchema(rule['items']);
    return value.map((item) => ordered(home, items, item));
  }
  const known = asSchema(rule['properties']);
  const others = asSchema(rule['additionalProperties']);
  const fields = asSchema(value);
  const entries: [string, unknown][] = [];
  const add = (key: string, below: Schema): void => {
    if (fields[key] !== undefined) entries.push([key, ordered(home, below, fields[key])]);
  };
  for (const key of namesIn(known)) if (Object.hasOwn(fields, key)) add(key, asSchema(known[key]));
  for (const key of Object.keys(fields)) if (!Object.hasOwn(known, key)) add(key, others);
  return Object.fromEntries(entries);
}

const names = new WeakMap<Schema, readonly string[]>();

function namesIn(properties: Schema): readonly string[] {
  const known = names.get(properties) ?? Object.keys(properties);
  names.set(properties, known);
  return known;
}

/** A rule and the document that it stands in. */
type Rule = readonly [home: Schema, rule: Schema];

/** Through `$ref`, "or null" and tagged alternatives to the rule for this value. */
function resolve(root: Schema, schema: Schema, value: unknown): Rule {
  const [home, rule] = follow(root, schema);
  const choices = rule['anyOf'] ?? rule['oneOf'];
  if (!Array.isArray(choices)) return [home, rule];
  const tag = asSchema(rule['discriminator'])['propertyName'];
  if (typeof tag === 'string') return byTag(home, choices, tag).get(asSchema(value)[tag]) ?? [home, NOTHING];
  const some = choices.map((one) => follow(home, asSchema(one)));
  return some.find(([, one]) => one['type'] !== 'null') ?? [home, NOTHING];
}

const followed = new WeakMap<Schema, Rule>();

/** Follows `$ref`, also into another document. */
function follow(root: Schema, schema: Schema): Rule {
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return [root, schema];
  const known = followed.get(schema);
  if (known !== undefined) return known;
  const [file = '', pointer = ''] = reference.split('#');
  const home = file === '' ? root : documentOf(file);
  let rule: Schema = home;
  for (const step of pointer.split('/').slice(1)) rule = asSchema(rule[step]);
  const found = follow(home, rule);
  followed.set(schema, found);
  return found;
}

const tagged = new WeakMap<readonly unknown[], ReadonlyMap<unknown, Rule>>();

function byTag(home: Schema, choices: readonly unknown[], tag: string): ReadonlyMap<unknown, Rule> {
  const known = tagged.get(choices);
  if (known !== undefined) return known;
  const found = new Map<unknown, Rule>();
  for (const choice of choices) {
    const rule = follow(home, asSchema(choice));
    const word = asSchema(asSchema(rule[1]['properties'])[tag])['const'];
    if (!found.has(word)) found.set(word, rule);
  }
  tagged.set(choices, found);
  return found;
}

function documentOf(file: string): Schema {
  return Object.values<Schema>(SCHEMAS).find((schema) => schema['$id'] === file) ?? {};
}

/** An object's fields; of anything else none. */
function asSchema(value: unknown): Schema {
  // Read only by key, so an object is all that it must be.
  return typeof value === 'object' && value !== null ? (value as Schema) : NOTHING;
}
