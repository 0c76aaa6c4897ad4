/** What every command owes a script: one document on stdout, or one error on stderr, and nothing changed by a "no". */
import { expect } from 'vitest';
import type { How, Ran } from './program.ts';
import type { Actor, Bench } from './workbench.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parse(text: string): Json {
  const value: unknown = JSON.parse(text);
  if (!isJson(value)) throw new Error(`not a document: ${text}`);
  return value;
}

/** The list of documents under `name`. */
export function listOf(document: Json, name: string): readonly Json[] {
  const list = document[name];
  if (!Array.isArray(list)) throw new Error(`${name} is not a list`);
  return list.filter(isJson);
}

/** The one document on stdout: its kind, exactly these fields, and a silent stderr unless notes are named. */
export function documentOf(
  ran: Ran,
  schema: string,
  fields: readonly string[],
  expected: { readonly code?: number; readonly notes?: RegExp } = {},
): Json {
  expect({ code: ran.code, err: ran.err.replace(expected.notes ?? /^$/u, '') }).toEqual({
    code: expected.code ?? 0,
    err: '',
  });
  const document = parse(ran.out);
  expect(document['schema']).toBe(schema);
  expect(Object.keys(document).sort()).toEqual(['schema', ...fields].sort());
  return document;
}

export interface Refusal {
  readonly who: Actor;
  readonly args: readonly string[];
  readonly code: string;
  readonly exit: number;
  readonly says?: RegExp;
  readonly how?: Partial<How>;
}

/** One JSON twin for each code and test file is enough: errors are printed in one place. */
const inJson = new Set<string>();

/**
 * What is wrong with these refusals; a test expects nothing. Each must be refused with its code and exit, in words
 * and in JSON, on stderr alone; and all together must change nothing anywhere.
 */
export async function wrongRefusals(team: Bench, refusals: readonly Refusal[]): Promise<readonly unknown[]> {
  const before = team.landscape();
  const wrong: unknown[] = [];
  for (const { who, args, code, exit, says, how } of refusals) {
    const twin = inJson.has(code) ? undefined : who.pam(['--json', ...args], how);
    inJson.add(code);
    const [plain, json] = await Promise.all([who.pam(args, how), twin]);
    const right = [
      plain.code === exit,
      plain.out === '',
      plain.err.includes(`[${code}]`),
      /^error: [^A-Z]/mu.test(plain.err),
      says === undefined || says.test(plain.err),
      json === undefined || isErrorDocument(json, code, exit),
    ];
    if (right.every((one) => one)) continue;
    wrong.push({ args, wanted: { code, exit, says: String(says) }, right, plain, json });
  }
  const after = team.landscape();
  const changed = Object.keys(before).filter((place) => before[place] !== after[place]);
  return changed.length === 0 ? wrong : [...wrong, { changed }];
}

function isErrorDocument(ran: Ran, code: string, exit: number): boolean {
  const error = parse(ran.err.slice(ran.err.indexOf('{\n')));
  return (
    ran.code === exit &&
    ran.out === '' &&
    Object.keys(error).join(' ') === 'schema code message hint issues' &&
    error['schema'] === 'pam.error/1' &&
    error['code'] === code &&
    !String(error['message']).endsWith('.')
  );
}

/** Done in silence: exit 0 and nothing on stderr. */
export function expectQuiet(ran: Ran): string {
  expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: '' });
  return ran.out;
}
