/**
 * Documents are printed in one order: that of `properties` in their schema. So the schema is the only place that
 * says what a document looks like, and two machines write the same bytes for the same entry.
 */
import { SCHEMAS, type SchemaName } from './document-schemas.ts';

type Schema = Readonly<Record<string, unknown>>;

export function inFieldOrder(name: SchemaName, value: object): unknown {
  return ordered(SCHEMAS[name], SCHEMAS[name], value);
}

function ordered(root: Schema, schema: Schema, value: unknown): unknown {
  const [home, rule] = resolve(root, schema, value);
  if (Array.isArray(value)) {
    return value.map((item) => ordered(home, asSchema(rule['items']), item));
  }
  if (typeof value !== 'object' || value === null) return value;
  const known = asSchema(rule['properties']);
  const others = asSchema(rule['additionalProperties']);
  const fields = new Map<string, unknown>(Object.entries(value));
  const order = [
    ...Object.keys(known).filter((key) => fields.has(key)),
    ...[...fields.keys()].filter((key) => !Object.hasOwn(known, key)),
  ];
  return Object.fromEntries(
    order
      .filter((key) => fields.get(key) !== undefined)
      .map((key) => [
        key,
        ordered(home, Object.hasOwn(known, key) ? asSchema(known[key]) : others, fields.get(key)),
      ]),
  );
}

/** Follows `$ref` (also into another document), "or null" and tagged alternatives to the rule for this value. */
function resolve(root: Schema, schema: Schema, value: unknown): readonly [Schema, Schema] {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const [file = '', pointer = ''] = reference.split('#');
    const home = file === '' ? root : documentOf(file);
    let rule: Schema = home;
    for (const step of pointer.split('/').slice(1)) rule = asSchema(rule[step]);
    return resolve(home, rule, value);
  }
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (!Array.isArray(choices)) return [root, schema];
  const tag = asSchema(schema['discriminator'])['propertyName'];
  for (const choice of choices) {
    const [home, rule] = resolve(root, asSchema(choice), value);
    if (typeof tag !== 'string') {
      if (rule['type'] !== 'null') return [home, rule];
    } else if (asSchema(asSchema(rule['properties'])[tag])['const'] === asSchema(value)[tag])
      return [home, rule];
  }
  return [root, {}];
}

function documentOf(file: string): Schema {
  return Object.values<Schema>(SCHEMAS).find((schema) => schema['$id'] === file) ?? {};
}

/** An object's fields; of anything else none. */
function asSchema(value: unknown): Schema {
  // Read only by key, so an object is all that it must be.
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}
