/** The schemas of `pam.yaml` and `policy/people.yaml`, with the kinds of forge that the registry lists put in. */
import type { ForgeKind } from '../src/forges/forge-kind.ts';

type Kinds = readonly Pick<ForgeKind, 'kind' | 'configSchema' | 'accountSchema'>[];

interface PamSchema {
  readonly properties: {
    readonly forge: { readonly oneOf: readonly { readonly $ref: string }[] };
  };
  readonly $defs: object;
}

interface PeopleSchema {
  readonly $defs: { readonly person: { readonly properties: object } };
}

const pointerTo = (kind: string): string => `#/$defs/${kind}`;

/** @param schema as it stands in `schemas/pam.schema.json`; it may name kinds that were listed once */
export function withForges<T extends PamSchema>(schema: T, kinds: Kinds): T {
  const { forge } = schema.properties;
  const listed = forge.oneOf.map(({ $ref }) => $ref);
  const others = Object.entries(schema.$defs).filter(([name]) => !listed.includes(pointerTo(name)));
  const oneOf = kinds.map(({ kind }) => ({ $ref: pointerTo(kind) }));
  return {
    ...schema,
    properties: { ...schema.properties, forge: { ...forge, oneOf } },
    $defs: Object.fromEntries([...others, ...kinds.map(({ kind, configSchema }) => [kind, configSchema])]),
  };
}

/** @param schema as it stands in `schemas/people.schema.json`; it may name kinds that were listed once */
export function withAccounts<T extends PeopleSchema>(schema: T, kinds: Kinds): T {
  const { person } = schema.$defs;
  const others = Object.entries(person.properties).filter(([, one]: [string, unknown]) => !isAccount(one));
  const accounts = kinds.flatMap(({ kind, accountSchema }) =>
    accountSchema === null ? [] : [[kind, accountSchema] as const],
  );
  const properties = Object.fromEntries([...others, ...accounts]);
  return { ...schema, $defs: { ...schema.$defs, person: { ...person, properties } } };
}

/** `{ login, id }` */
function isAccount(property: unknown): boolean {
  if (typeof property !== 'object' || property === null || !('properties' in property)) return false;
  const { properties } = property;
  return typeof properties === 'object' && properties !== null && 'login' in properties && 'id' in properties;
}
