/**
 * JSON Schemas, and what their answers mean. Each validator is compiled when first used. Nothing is coerced and
 * no default is filled in here; all problems come at once. Messages never repeat a value from the document.
 */
import type { AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
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
import { parseDuration, parseInstant } from '../model/instant.ts';
import { quoted } from './plain-text.ts';
import { pointerTo } from './yaml.ts';

/** Every document that pam reads, by the name that `pam schema <name>` takes. */
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
} as const satisfies Readonly<Record<string, AnySchemaObject>>;
export type SchemaName = keyof typeof SCHEMAS;

/** One broken rule of a schema, still without a code: that depends on the document. */
export interface ShapeFault {
  readonly rule: 'unknown-field' | 'missing' | 'type' | 'value';
  /** JSON pointer to the value, or to the unknown field itself. */
  readonly path: string;
  readonly message: string;
}

const compiled = new Map<SchemaName, ValidateFunction>();

export function shapeFaults(name: SchemaName, data: unknown): readonly ShapeFault[] {
  let validate = compiled.get(name);
  if (validate === undefined) {
    const ajv = newAjv(true);
    if (name !== 'entry') ajv.addSchema(entry);
    validate = ajv.compile(SCHEMAS[name]);
    compiled.set(name, validate);
  }
  return faultsOf(validate, data);
}

const foreign = new WeakMap<object, ValidateFunction>();

/** The same for a schema that is not ours, e.g. a provider's for its `config`. */
export function shapeFaultsBy(
  schema: Readonly<Record<string, unknown>>,
  data: unknown,
): readonly ShapeFault[] {
  let validate = foreign.get(schema);
  if (validate === undefined) {
    // A schema of its own Ajv, so that two providers may use one $id.
    validate = newAjv(false).compile(schema);
    foreign.set(schema, validate);
  }
  return faultsOf(validate, data);
}

function newAjv(ours: boolean): Ajv2020 {
  return new Ajv2020({
    strict: true,
    strictTypes: ours,
    strictRequired: false,
    allErrors: true,
    coerceTypes: false,
    useDefaults: false,
    discriminator: true,
    // Compiling the meta-schema costs more than all of ours; a test checks every schema against it.
    validateSchema: false,
    formats: {
      'date-time': (text: string) => parseInstant(text) !== undefined,
      'pam-duration': (text: string) => parseDuration(text) !== undefined,
    },
  });
}

function faultsOf(validate: ValidateFunction, data: unknown): readonly ShapeFault[] {
  if (validate(data)) return [];
  const errors = validate.errors ?? [];
  const causes = errors.filter(isCause);
  // Whatever was left out above, a document that is refused is refused.
  const faults = (causes.length === 0 ? errors : causes).map(faultOf);
  const seen = new Set<string>();
  return faults.filter(({ path, message }) => {
    const key = `${path} ${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Ajv also reports the keywords that merely contain the broken one, and `null` as the other half of "or null". */
function isCause(error: ErrorObject): boolean {
  if (error.keyword === 'anyOf' || error.keyword === 'propertyNames' || error.keyword === 'if') return false;
  return !(error.keyword === 'type' && error.params['type'] === 'null');
}

function faultOf(error: ErrorObject): ShapeFault {
  const path = error.instancePath;
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const field = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
      return {
        rule: 'unknown-field',
        path: pointerTo(path, field),
        message: `the field ${quoted(field)} is not known here`,
      };
    }
    case 'required':
    case 'dependentRequired':
      return {
        rule: 'missing',
        path,
        message: `the field ${quoted(String(params['missingProperty']))} is missing`,
      };
    case 'type':
      return { rule: 'type', path, message: `must be ${article([params['type']].flat().join(' or '))}` };
    default:
      return { rule: 'value', path: nameOf(error, path), message: valueMessage(error) };
  }
}

/** A fault in a key is reported at that key. */
function nameOf(error: ErrorObject, path: string): string {
  return error.propertyName === undefined ? path : pointerTo(path, error.propertyName);
}

function valueMessage({ keyword, params, propertyName, message }: ErrorObject): string {
  const what = propertyName === undefined ? '' : 'as a name ';
  switch (keyword) {
    case 'const':
      return `${what}must be ${JSON.stringify(params['allowedValue'])}`;
    case 'enum':
      return `${what}must be one of ${[params['allowedValues']]
        .flat()
        .map((value) => JSON.stringify(value))
        .join(', ')}`;
    case 'discriminator':
      return `${quoted(String(params['tag']))} is missing or not one of the known words`;
    case 'format':
      return params['format'] === 'pam-duration'
        ? 'must be a duration such as 45m, 2h or 1d'
        : 'must be an instant that exists, written YYYY-MM-DDTHH:MM:SSZ';
    default:
      return `${what}${message ?? 'is not valid'}`;
  }
}

function article(type: string): string {
  return /^[aeiou]/u.test(type) ? `an ${type}` : `a ${type}`;
}
