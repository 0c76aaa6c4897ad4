/** Every document that pam reads or sends, by the name that `pam schema <name>` takes. */
import checkpoint from '../../schemas/checkpoint.schema.json' with { type: 'json' };
import entry from '../../schemas/entry.schema.json' with { type: 'json' };
import incident from '../../schemas/incident.schema.json' with { type: 'json' };
import notice from '../../schemas/notice.schema.json' with { type: 'json' };
import openRecord from '../../schemas/open-record.schema.json' with { type: 'json' };
import pam from '../../schemas/pam.schema.json' with { type: 'json' };
import people from '../../schemas/people.schema.json' with { type: 'json' };
import request from '../../schemas/request.schema.json' with { type: 'json' };
import roles from '../../schemas/roles.schema.json' with { type: 'json' };
import targets from '../../schemas/targets.schema.json' with { type: 'json' };
import type { ShelfName } from '../model/open-record.ts';
import type { ShelfSchema } from '../rules/shelves/shelf-kind.ts';
import { SHELVES } from '../rules/shelves/registry.ts';

// The same keys as the table's; hence the cast.
const shelfSchemas = Object.fromEntries(
  Object.entries(SHELVES).map(([name, { schema }]) => [name, schema]),
) as Readonly<Record<ShelfName, ShelfSchema>>;

export const SCHEMAS = {
  ...shelfSchemas,
  checkpoint,
  entry,
  incident,
  notice,
  'open-record': openRecord,
  pam,
  people,
  request,
  roles,
  targets,
} as const satisfies Readonly<Record<string, { readonly $id: string }>>;
export type SchemaName = keyof typeof SCHEMAS;
