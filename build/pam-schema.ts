/** The schema of `pam.yaml`, with the sources of incidents and the kinds of notices that the registries list put in. */
import type { NoticeKind } from '../src/model/notice.ts';
import type { SourceKind } from '../src/model/source.ts';
import { noticeKinds } from '../src/notices/registry.ts';
import { sources } from '../src/sources/registry.ts';

interface PamSchema {
  readonly properties: { readonly incidents: { readonly oneOf: readonly { readonly $ref: string }[] } };
  readonly $defs: Readonly<Record<string, object>>;
}

/** `file` -> `incidentFile`, as the definitions are named. */
const definitionOf = (kind: string): string =>
  `incident${kind.charAt(0).toUpperCase()}${kind.slice(1).replace(/[^A-Za-z0-9]/gu, '_')}`;

/**
 * @param schema as it stands in `schemas/pam.schema.json`. Sources that no code reads (`UNBUILT_SOURCES`) stay in it:
 *   policies that an earlier build believed may name them
 */
export function withSources<T extends PamSchema>(
  schema: T,
  known: Iterable<Pick<SourceKind, 'kind' | 'configSchema'>> = sources.values(),
): T {
  const { incidents } = schema.properties;
  const made = [...known].map(({ kind, configSchema }) => [definitionOf(kind), configSchema] as const);
  const refs = made.map(([name]) => `#/$defs/${name}`);
  const oneOf = [...new Set([...incidents.oneOf.map(({ $ref }) => $ref), ...refs])].map(($ref) => ({ $ref }));
  return {
    ...schema,
    properties: { ...schema.properties, incidents: { ...incidents, oneOf } },
    $defs: { ...schema.$defs, ...Object.fromEntries(made) },
  };
}

interface WithNotify {
  readonly properties: {
    readonly notify: { readonly items: { readonly oneOf: readonly { readonly $ref: string }[] } };
  };
  readonly $defs: object;
}

const noticeDefinition = (kind: string): string =>
  `notice${kind.charAt(0).toUpperCase()}${kind.slice(1).replace(/[^A-Za-z0-9]/gu, '_')}`;

/** @param schema as it stands in `schemas/pam.schema.json`; it may name kinds that were listed once */
export function withNotices<T extends WithNotify>(
  schema: T,
  known: Iterable<Pick<NoticeKind, 'kind' | 'configSchema'>> = noticeKinds.values(),
): T {
  const { notify } = schema.properties;
  const made = [...known].map(({ kind, configSchema }) => [noticeDefinition(kind), configSchema] as const);
  const listed = notify.items.oneOf.map(({ $ref }) => $ref);
  const others = Object.entries(schema.$defs).filter(([name]) => !listed.includes(`#/$defs/${name}`));
  const oneOf = made.map(([name]) => ({ $ref: `#/$defs/${name}` }));
  return {
    ...schema,
    properties: { ...schema.properties, notify: { ...notify, items: { ...notify.items, oneOf } } },
    $defs: Object.fromEntries([...others, ...made]),
  };
}
