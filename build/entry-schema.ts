/** The schema of a ledger entry, with the events that the registry lists put in. */
import type { EventSchema } from '../src/rules/events/event-kind.ts';
import { EVENTS } from '../src/rules/events/registry.ts';

interface EntrySchema {
  readonly $defs: Readonly<Record<string, object>>;
}

/** `revoke_failed` -> `revokeFailed`, as the definitions are named. */
const definitionOf = (type: string): string =>
  type.replace(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase());

/** @param schema as it stands in `schemas/entry.schema.json`; definitions of its events may be those of yesterday */
export function withEvents<T extends EntrySchema>(schema: T): T {
  const kinds: readonly (readonly [string, { readonly schema: EventSchema }])[] = Object.entries(EVENTS);
  const names = kinds.map(([type]) => definitionOf(type));
  const shared = Object.entries(schema.$defs).filter(
    ([name, one]) => name !== 'event' && !names.includes(name) && !isEvent(one),
  );
  const event = {
    type: 'object',
    required: ['type'],
    discriminator: { propertyName: 'type' },
    oneOf: names.map((name) => ({ $ref: `#/$defs/${name}` })),
  };
  const events = kinds.map(([type, kind]) => [definitionOf(type), kind.schema] as const);
  return { ...schema, $defs: Object.fromEntries([...shared, ['event', event], ...events]) };
}

/** One that was listed once, and is no more. */
const isEvent = (definition: object): boolean =>
  'properties' in definition &&
  typeof definition.properties === 'object' &&
  definition.properties !== null &&
  'type' in definition.properties;
