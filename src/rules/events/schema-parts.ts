/** Parts of event schemas: `$ref`s to the definitions that all entries share (`schemas/entry.schema.json`). */
import type { EventSchema } from './event-kind.ts';

const ref = (name: string): { readonly $ref: string } => ({ $ref: `#/$defs/${name}` });

export const SHA256 = ref('sha256');
export const NAME = ref('name');
export const REQUEST_ID = ref('requestId');
export const INSTANT = ref('instant');
export const SEQ = ref('seq');
export const SIGNED = ref('signed');
export const NOTE = ref('note');
export const STOPPER_KEYS = ref('stopperKeys');
export const HANDLE = ref('handle');
export const EVIDENCE = ref('evidence');
export const GRANT = ref('grant');
export const RECEIPT = ref('receipt');
export const USAGE = ref('usage');
/** Of an event about the ledger itself. */
export const NO_REQUEST = { type: 'string', const: '-' };

/** @param properties all but `type`; required unless they are named in `optional` */
export function eventSchema(
  type: string,
  description: string,
  properties: Readonly<Record<string, object>>,
  optional: readonly string[] = [],
): EventSchema {
  return {
    type: 'object',
    additionalProperties: false,
    description,
    required: ['type', ...Object.keys(properties).filter((name) => !optional.includes(name))],
    properties: { type: { type: 'string', const: type }, ...properties },
  };
}
