import type { SourceKind } from '../../model/source.ts';

/** `incidents/<id>.yaml` on main (DESIGN section 3). */
export const file: SourceKind = {
  kind: 'file',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['source'],
    properties: {
      source: { type: 'string', const: 'file', description: 'incidents/<id>.yaml on main.' },
    },
  },
  open: async (place) => (await import('./file-incidents.ts')).fileIncidents(place),
};
