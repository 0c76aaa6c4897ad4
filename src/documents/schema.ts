/**
 * What a document's shape is to be, and how it is told when it is not so. The functions that judge are made from
 * the schemas before `pam` is built (`build/validators.ts`). Nothing is coerced and no default is filled in here;
 * all problems come at once. Messages never repeat a value from the document.
 */
import type { ErrorObject } from 'ajv';
import { validators as ofConfigs } from '../../generated/config-validators.js';
import { validators as ofDocuments } from '../../generated/document-validators.js';
import { PamError } from '../model/error.ts';
import { orDidYouMean } from '../rules/did-you-mean.ts';
import incident from '../../schemas/incident.schema.json' with { type: 'json' };
import pam from '../../schemas/pam.schema.json' with { type: 'json' };
import people from '../../schemas/people.schema.json' with { type: 'json' };
import request from '../../schemas/request.schema.json' with { type: 'json' };
import roles from '../../schemas/roles.schema.json' with { type: 'json' };
import targets from '../../schemas/targets.schema.json' with { type: 'json' };
import type { SchemaName } from './document-schemas.ts';
import { quoted } from './plain-text.ts';
import { pointerTo } from './yaml.ts';

/** Made from one schema; `errors` are those of the last call. */
export interface Validator {
  (data: unknown): boolean;
  readonly errors?: readonly ErrorObject[] | null;
}

/** One broken rule of a schema, still without a code: that depends on the document. */
export interface ShapeFault {
  readonly rule: 'unknown-field' | 'missing' | 'type' | 'value';
  /** JSON pointer to the value, or to the unknown field itself. */
  readonly path: string;
  readonly message: string;
}

/** What people write by hand: a field that is not known there is mostly a typo. */
const BY_HAND: Partial<Readonly<Record<SchemaName, unknown>>> = {
  incident,
  pam,
  people,
  request,
  roles,
  targets,
};

export function shapeFaults(name: SchemaName, data: unknown): readonly ShapeFault[] {
  return faultsOf(made(ofDocuments.get(name)), data, BY_HAND[name]);
}

const known = new WeakMap<object, Validator>();

/** The same for a schema that is not ours: a provider's for its `config`. */
export function shapeFaultsBy(
  schema: Readonly<Record<string, unknown>>,
  data: unknown,
): readonly ShapeFault[] {
  const validate = known.get(schema) ?? made(ofConfigs.get(JSON.stringify(schema)));
  known.set(schema, validate);
  return faultsOf(validate, data, schema);
}

/** A schema without its compiled validator must never pass for one that refuses nothing. */
function made(validate: Validator | undefined): Validator {
  if (validate !== undefined) return validate;
  throw new PamError('E_BUG', 'there is no validator of this schema', {
    hint: 'npm run build makes them; a provider must stand in the registry',
  });
}

/** @param schema that the validator was made from: where a field is not known, the ones that are stand there */
export function faultsOf(validate: Validator, data: unknown, schema: unknown = {}): readonly ShapeFault[] {
  if (validate(data)) return [];
  const errors = validate.errors ?? [];
  const causes = errors.filter(isCause);
  // Whatever was left out above, a document that is refused is refused.
  const faults = (causes.length === 0 ? errors : causes).map((error) => faultOf(error, schema));
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

function faultOf(error: ErrorObject, schema: unknown): ShapeFault {
  const path = error.instancePath;
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const field = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
      return {
        rule: 'unknown-field',
        path: pointerTo(path, field),
        message: `the field ${quoted(field)} is not known here${orDidYouMean(field, fieldsAt(schema, path))}`,
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

/** The fields that the schema knows of an object at this JSON pointer of a document. */
function fieldsAt(root: unknown, pointer: string): readonly string[] {
  let at: readonly unknown[] = [root];
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = at.flatMap((one) => alternatives(root, one)).flatMap((one) => innerOf(one, name));
  }
  const fields = at.flatMap((one) => alternatives(root, one)).map((one) => partOf(one, 'properties'));
  return [...new Set(fields.flatMap((one) => (isPlain(one) ? Object.keys(one) : [])))];
}

/** What a schema says itself, and what it refers to. Our own schemas, so references end. */
function alternatives(root: unknown, schema: unknown): readonly unknown[] {
  const reference = partOf(schema, '$ref');
  const named = typeof reference === 'string' ? reference.split('/').slice(1) : [];
  const referred = named.length === 0 ? [] : [named.reduce(partOf, root)];
  const choices = ['oneOf', 'anyOf', 'allOf'].flatMap((word) => partOf(schema, word) ?? []);
  return [schema, ...[...referred, ...choices].flatMap((one) => alternatives(root, one))];
}

function innerOf(schema: unknown, name: string): readonly unknown[] {
  const field = partOf(partOf(schema, 'properties'), name);
  return field === undefined ? [partOf(schema, 'additionalProperties'), partOf(schema, 'items')] : [field];
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const partOf = (value: unknown, name: string): unknown =>
  isPlain(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** A fault in a key is reported at that key. */
function nameOf(error: ErrorObject, path: string): string {
  return error.propertyName === undefined ? path : pointerTo(path, error.propertyName);
}

const DURATION_WORDS = 'must be a duration such as 45m, 2h or 1d';

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
        ? DURATION_WORDS
        : 'must be an instant that exists, written YYYY-MM-DDTHH:MM:SSZ';
    case 'pattern':
      return `${what}${PATTERN_WORDS[String(params['pattern'])] ?? message ?? 'is not valid'}`;
    case 'uniqueItems':
      return `${what}has the same entry twice`;
    default:
      return `${what}${limitMessage(keyword, Number(params['limit'])) ?? message ?? 'is not valid'}`;
  }
}

/** Limits of a number, of a text's length, and of how much there may be. */
function limitMessage(keyword: string, limit: number): string | undefined {
  switch (keyword) {
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return limit === 1 ? 'is empty' : `must have at least ${limit}${UNITS[keyword] ?? ''}`;
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return `must have at most ${limit}${UNITS[keyword] ?? ''}`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    default:
      return undefined;
  }
}

const UNITS: Readonly<Record<string, string>> = {
  minLength: ' characters',
  maxLength: ' characters',
  minItems: ' entries',
  maxItems: ' entries',
  minProperties: ' fields',
  maxProperties: ' fields',
};

const NAME_WORDS = 'is no name: a-z, 0-9 and -, beginning with a letter, at most 40';
const ID_WORDS = 'is no id: letters, digits and . _ -, beginning with a letter or digit, at most 64';
const VARIABLE_WORDS = 'is no name of an environment variable: A-Z, 0-9 and _';
const PLAIN_WORDS = 'may hold plain letters, digits, blanks and signs only (ASCII)';

/** Every pattern that a person can meet, in a file written by hand or on the command line; a test asks for each. */
const PATTERN_WORDS: Readonly<Record<string, string>> = {
  '\\S': 'is empty',
  '^[ -~]+$': PLAIN_WORDS,
  '^[a-z][a-z0-9-]{0,39}$': NAME_WORDS,
  '^[a-z][a-z0-9_-]{0,39}$': 'is no name of a key: a-z, 0-9, _ and -, beginning with a letter, at most 40',
  '^@?[a-z][a-z0-9-]{0,39}$': 'is no name, and no group as "@name"',
  '^(\\*|[a-z][a-z0-9-]{0,39})$': 'is no name, and not "*" for all',
  '^[0-9]{8}-[a-z0-9-]{1,40}-[a-z0-9]{6}$': 'is no request id: it looks like 20261122-orders-dba-7k3fq2',
  '^[A-Za-z0-9][!-~]{0,199}$': 'is no ticket: one word of plain letters, digits and signs, without blanks',
  '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$': ID_WORDS,
  '^[1-9][0-9]{0,4}(s|m|h|d)$': DURATION_WORDS,
  '^[1-9][0-9]{0,4}[sm]$': 'must be a short duration such as 30s or 1m',
  '^[A-Z_][A-Z0-9_]{0,63}$': VARIABLE_WORDS,
  '^sha256:[0-9a-f]{64}$': 'is no digest: sha256: and 64 hex digits',
  '^SHA256:[A-Za-z0-9+/]{43}$': 'is no fingerprint: SHA256:..., as `ssh-keygen -l` prints it',
  '^[A-Za-z0-9][A-Za-z0-9._/-]{0,100}$': 'is no name of a branch',
  '^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_.-]{1,100}$': 'must be owner/repository',
  '^[A-Za-z0-9](-?[A-Za-z0-9])*(_[A-Za-z0-9]+)?$': 'is no login of an account',
  '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$': 'is no name of a host: letters, digits, dots and hyphens',
  '^(/([A-Za-z0-9_-][A-Za-z0-9._-]*/)*)?visudo$': 'must be visudo, or its absolute path',
  // A person meets it whose key is pasted wrongly.
  '^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [ -~]*)?$': 'must be the one line of the .pub file: <type> <base64>',
};

function article(type: string): string {
  return /^[aeiou]/u.test(type) ? `an ${type}` : `a ${type}`;
}
