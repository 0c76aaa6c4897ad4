/**
 * GitHub's published description of the operations in use, as `extract-openapi.mjs` wrote it, and the check of every
 * answer and every body against it. A schema is compiled when it is first needed.
 */
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import written from './openapi.json' with { type: 'json' };

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly body?: AnySchema | null;
  readonly bodyRequired?: boolean;
  /** Status to schema, `null` without a body. */
  readonly answers: Readonly<Record<string, AnySchema | null>>;
}

interface Description {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly $defs: Readonly<Record<string, AnySchema>>;
}

// Its literal type says nothing that anybody needs.
const description = written as unknown as Description;

export const OPERATIONS = description.operations;

export function operationOf(id: string): Operation {
  const found = OPERATIONS[id];
  if (found === undefined) throw new Error(`${id} is not in openapi.json: add it to extract-openapi.mjs`);
  return found;
}

// The description has words that JSON Schema does not know, and formats of GitHub's own (`repo.nwo`).
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  validateSchema: false,
  inlineRefs: false,
  logger: false,
});
addFormats.default(ajv);
// Git takes any address, and GitHub hands it on.
ajv.addFormat('email', /@/u);
ajv.addSchema({ $id: 'github', $defs: description.$defs });
const compiled = new Map<string, ValidateFunction>();

function validatorOf(name: string, schema: AnySchema): ValidateFunction {
  let found = compiled.get(name);
  if (found === undefined) {
    found = ajv.compile(schema);
    compiled.set(name, found);
  }
  return found;
}

function faults(name: string, schema: AnySchema, value: unknown): readonly string[] {
  const validate = validatorOf(name, schema);
  if (validate(value)) return [];
  return (validate.errors ?? []).map((one) => `${name}: ${one.instancePath || '/'} ${one.message ?? ''}`);
}

/** GitHub answers some statuses without saying so; their shape is that of every error. */
const ERRORS: AnySchema = {
  anyOf: ['basic-error', 'validation-error', 'validation-error-simple'].map((name) => ({
    $ref: `github#/$defs/${name}`,
  })),
};

/** What is wrong with an answer, in words; empty when nothing is. */
export function faultsOfAnswer(id: string, status: number, body: unknown): readonly string[] {
  const schema = operationOf(id).answers[String(status)];
  const name = `${id} ${status}`;
  if (schema === undefined) {
    // Any request may be redirected, whether its operation says so or not.
    return status < 300 ? [`${name}: GitHub never answers this`] : faults(name, ERRORS, body);
  }
  if (schema === null) {
    if (status >= 400) return faults(name, ERRORS, body);
    return body === undefined ? [] : [`${name}: has no body`];
  }
  return faults(name, schema, body);
}

/** `undefined`: nothing was sent. */
export function faultsOfBody(id: string, body: unknown): readonly string[] {
  const { body: schema, bodyRequired } = operationOf(id);
  const name = `body of ${id}`;
  if (body === undefined) return bodyRequired === true ? [`${name}: is missing`] : [];
  if (schema === undefined || schema === null) return [`${name}: it takes none`];
  return faults(name, schema, body);
}
