import type { ErrorCode } from '../model/error-codes.ts';
import { Document } from 'yaml';
import { type Issue, PamError } from '../model/error.ts';
import { dayOf } from '../model/instant.ts';
import { isRequestId, requestPath } from '../model/names.ts';
import type { Request } from '../model/request.ts';
import { inFieldOrder } from './field-order.ts';
import { valueFault } from './plain-text.ts';
import { findSecret } from './secrets.ts';
import { type ShapeFault, shapeFaults } from './schema.ts';
import { readYaml, REQUEST_BYTES, refusal, type YamlFile } from './yaml.ts';

/**
 * Reads one request file; `path` is where it stands in its repository (or where a draft lies). Throws PamError
 * with every problem in `issues` and the code of the first. A secret is the only problem told when there is one.
 */
export function readRequest(bytes: Uint8Array, path: string): Request {
  const raw = rawSecret(bytes);
  if (raw !== undefined) throw secretRefusal(raw, path);
  const file = readYaml(bytes, path, REQUEST_BYTES);
  const hidden = file.texts.find(({ value }) => findSecret(value) !== undefined);
  if (hidden !== undefined)
    throw secretRefusal(findSecret(hidden.value) ?? '', path, file.placeOf(hidden.pointer));
  const issues = [...shapeIssues(file, path), ...textIssues(file, path), ...idIssues(file, path)];
  if (issues.length > 0) throw refusal(inFileOrder(issues));
  // The schema has just said so.
  return file.data as Request;
}

/** What pam writes itself: fields in the order of the schema, readable by `readRequest`. */
export function printRequest(request: Request, schemaPath?: string): string {
  const document = new Document(inFieldOrder('request', request), {
    version: '1.2',
    schema: 'core',
    aliasDuplicateObjects: false,
  });
  const yaml = document.toString({
    lineWidth: 0,
    blockQuote: 'literal',
    // The printer of yaml 2.9.1 loses blanks where it breaks quoted text over lines.
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });
  return schemaPath === undefined ? yaml : `# yaml-language-server: $schema=${schemaPath}\n${yaml}`;
}

function shapeIssues(file: YamlFile, path: string): Issue[] {
  return shapeFaults('request', file.data).map((fault) => ({
    file: path,
    ...file.placeOf(fault.path),
    path: fault.path,
    code: shapeCode(fault),
    message: fault.message,
  }));
}

function shapeCode(fault: ShapeFault): ErrorCode {
  if (fault.rule === 'unknown-field') return 'E_REQ_UNKNOWN_FIELD';
  if (fault.rule === 'missing') return 'E_REQ_MISSING';
  if (fault.path === '/id') return 'E_REQ_ID_SYNTAX';
  if (fault.path === '/duration') return 'E_REQ_TTL';
  if (fault.path === '/start') return 'E_REQ_TIME';
  return fault.rule === 'type' ? 'E_REQ_TYPE' : 'E_REQ_SHAPE';
}

/** Escapes in quotes can write what the raw characters may not. Only a justification has several lines. */
function textIssues(file: YamlFile, path: string): Issue[] {
  return file.texts.flatMap(({ pointer, value }) => {
    const message = valueFault(value, pointer === '/justification');
    return message === undefined
      ? []
      : [{ file: path, ...file.placeOf(pointer), path: pointer, code: 'E_REQ_CHARSET', message }];
  });
}

function idIssues(file: YamlFile, path: string): Issue[] {
  // A mapping or something else without `id`; the schema has refused the latter.
  const id = (file.data as { readonly id?: unknown } | null)?.id;
  if (typeof id !== 'string' || !isRequestId(id)) return [];
  const at = (): Pick<Issue, 'file' | 'line' | 'col' | 'path'> => ({
    file: path,
    ...file.placeOf('/id'),
    path: '/id',
  });
  if (dayOf(id) === undefined) {
    return [{ ...at(), code: 'E_REQ_ID_SYNTAX', message: 'starts with a date that does not exist' }];
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name !== `${id}.yaml`)
    return [{ ...at(), code: 'E_REQ_ID_MISMATCH', message: "must be the file's name" }];
  if (path.startsWith('requests/') && path !== requestPath(id)) {
    return [{ ...at(), code: 'E_REQ_ID_MISMATCH', message: `the file belongs at ${requestPath(id)}` }];
  }
  return [];
}

function inFileOrder(issues: readonly Issue[]): readonly Issue[] {
  return [...issues].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.col ?? 0) - (b.col ?? 0));
}

/** A file that is no UTF-8 can still hold a secret; bytes are enough to see one. */
function rawSecret(bytes: Uint8Array): string | undefined {
  return bytes.length > REQUEST_BYTES ? undefined : findSecret(Buffer.from(bytes).toString('latin1'));
}

function secretRefusal(kind: string, file: string, place: { line?: number; col?: number } = {}): PamError {
  const message = `holds what looks like ${kind}`;
  return new PamError('E_REQ_SECRET', `${file}: ${message}`, {
    hint: 'take it out, and replace the secret: every reader of the file may have it',
    issues: [{ file, ...place, code: 'E_REQ_SECRET', message }],
  });
}
