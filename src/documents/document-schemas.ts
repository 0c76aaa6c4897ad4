/** Every document that pam reads, by the name that `pam schema <name>` takes. */
import beats from '../../schemas/beats.schema.json' with { type: 'json' };
import checkpoint from '../../schemas/checkpoint.schema.json' with { type: 'json' };
import entry from '../../schemas/entry.schema.json' with { type: 'json' };
import incident from '../../schemas/incident.schema.json' with { type: 'json' };
import openRecord from '../../schemas/open-record.schema.json' with { type: 'json' };
import pam from '../../schemas/pam.schema.json' with { type: 'json' };
import people from '../../schemas/people.schema.json' with { type: 'json' };
import request from '../../schemas/request.schema.json' with { type: 'json' };
import roles from '../../schemas/roles.schema.json' with { type: 'json' };
import targets from '../../schemas/targets.schema.json' with { type: 'json' };

export const SCHEMAS = {
  beats,
  checkpoint,
  entry,
  incident,
  'open-record': openRecord,
  pam,
  people,
  request,
  roles,
  targets,
} as const satisfies Readonly<Record<string, { readonly $id: string }>>;
export type SchemaName = keyof typeof SCHEMAS;
