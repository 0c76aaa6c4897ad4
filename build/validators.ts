/**
 * Makes `generated/*-validators.js`: a function for every schema in `schemas/` and for every provider's
 * `configSchema`. Events, files of `open/`, sources, notices and forges come from their registries, and the files of `schemas/` follow
 * them. Compiling schemas takes half a second, so it is done here and `pam` ships without a compiler.
 * `src/documents/schema.ts` puts into words what the functions answer.
 *
 * Runs before every build and every test run, and a test compares the files with their sources: nobody works
 * with the validators of yesterday's schemas.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { _, Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { SCHEMAS } from '../src/documents/document-schemas.ts';
import { formats } from '../src/documents/formats.ts';
import { forges } from '../src/forges/registry.ts';
import type { Provider } from '../src/model/target.ts';
import { SHELVES } from '../src/rules/shelves/registry.ts';
import { providers } from '../src/targets/registry.ts';
import { withEvents } from './entry-schema.ts';
import { withAccounts, withForges } from './forge-schemas.ts';
import { withNotices, withSources } from './pam-schema.ts';

/** @param root of the project */
export async function writeValidators(root: string): Promise<void> {
  mkdirSync(join(root, 'generated'), { recursive: true });
  for (const [path, text] of await validatorFiles(root, [...providers.values()])) {
    const place = join(root, path);
    // Whoever watches the files sees a change only when there is one.
    if (contentOf(place) !== text) writeFileSync(place, text);
  }
  for (const [name, schema] of Object.entries(fromRegistries())) {
    // `npm run format` lays it out.
    if (!isDeepStrictEqual(schema, SCHEMAS[name as keyof typeof SCHEMAS]))
      writeFileSync(join(root, `schemas/${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`);
  }
  for (const { schema } of Object.values(SHELVES)) {
    const place = join(root, 'schemas', schema.$id);
    if (!isDeepStrictEqual(JSON.parse(contentOf(place) ?? 'null'), schema))
      writeFileSync(place, `${JSON.stringify(schema, null, 2)}\n`);
  }
}

/** Documents of which a part stands in a registry. */
function fromRegistries(): Pick<typeof SCHEMAS, 'entry' | 'pam' | 'people'> {
  const kinds = [...forges.values()];
  return {
    entry: withEvents(SCHEMAS.entry),
    pam: withForges(withNotices(withSources(SCHEMAS.pam)), kinds),
    people: withAccounts(SCHEMAS.people, kinds),
  };
}

const TYPES = `import type { Validator } from '../src/documents/schema.ts';
export declare const validators: ReadonlyMap<string, Validator>;
`;

/** What each file is to hold, by its path in the project. */
export async function validatorFiles(
  root: string,
  known: readonly Pick<Provider, 'configSchema'>[],
): Promise<ReadonlyMap<string, string>> {
  const documents = Object.entries({ ...SCHEMAS, ...fromRegistries() });
  // Found by the very schema; the `$id` is ours, so that two providers may have one.
  const configs = known.map(
    ({ configSchema }, at) =>
      [JSON.stringify(configSchema), { ...configSchema, $id: `config${at}` }] as const,
  );
  return new Map([
    ['generated/document-validators.js', await selfContained(root, codeOf(documents, true))],
    ['generated/document-validators.d.ts', TYPES],
    ['generated/config-validators.js', await selfContained(root, codeOf(configs, false))],
    ['generated/config-validators.d.ts', TYPES],
  ]);
}

type Schemas = readonly (readonly [key: string, schema: AnySchemaObject & { readonly $id: string }])[];

/** A module that exports the map `validators`. */
function codeOf(schemas: Schemas, strictTypes: boolean): string {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes,
    strictRequired: false,
    allErrors: true,
    coerceTypes: false,
    useDefaults: false,
    discriminator: true,
    // A test checks every schema against the draft that it names.
    validateSchema: false,
    formats,
    code: { source: true, esm: true, formats: _`formats` },
  });
  for (const [, schema] of schemas) ajv.addSchema(schema);
  const names = new Map(schemas.map(([, { $id }], at) => [`v${at}`, $id]));
  const entries = schemas.map(([key], at) => `[${JSON.stringify(key)}, v${at}]`);
  // Where in the schema a rule stands is told to nobody, and each start would read it.
  const code = standalone
    .default(ajv, Object.fromEntries(names))
    .replaceAll(/schemaPath:"(?:[^"\\]|\\.)*",/gu, '');
  return `import { formats } from '../src/documents/formats.ts';
${code}
export const validators = new Map([${entries.join(', ')}]);
`;
}

/** With the few functions of Ajv's own that the code calls put in, and nothing else of it. */
async function selfContained(root: string, code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: join(root, 'generated') },
    bundle: true,
    external: ['../src/*'],
    format: 'esm',
    platform: 'node',
    target: 'node20',
    write: false,
    banner: { js: '// Made by build/validators.ts of schemas/ and src/targets/. Not for editing.' },
  });
  return outputFiles[0]?.text ?? '';
}

function contentOf(place: string): string | undefined {
  try {
    return readFileSync(place, 'utf8');
  } catch {
    return undefined;
  }
}
