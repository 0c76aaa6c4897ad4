import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import pam from '../../schemas/pam.schema.json' with { type: 'json' };
import { withSources } from '../../build/pam-schema.ts';
import { readIncident } from '../../src/documents/incident-file.ts';
import { openRepository } from '../../src/git/repository.ts';
import { PamError } from '../../src/model/error.ts';
import type { SourceKind, SourcePlace } from '../../src/model/source.ts';
import { UNBUILT_SOURCES } from '../../src/model/source.ts';
import { file } from '../../src/sources/file/file.ts';
import { openSource } from '../../src/sources/open-source.ts';
import { sources } from '../../src/sources/registry.ts';
import { commit, env, newRepository } from '../adapters/git-workbench.ts';
import { type SourceFixture, sourceConformance } from './source.ts';

async function fileFixture(): Promise<SourceFixture> {
  const dir = newRepository();
  const incident = (id: string, status: string): string => `version: 1\nid: ${id}\nstatus: ${status}\n`;
  const main = commit(dir, {
    'incidents/INC-1.yaml': incident('INC-1', 'open'),
    'incidents/INC-2.yaml': incident('INC-2', 'closed'),
    'incidents/INC-3.yaml': incident('INC-3', 'maybe'),
  });
  const repository = await openRepository(dir, env);
  const place: SourcePlace = { config: { source: 'file' }, env, repository, main, readIncident };
  return {
    source: file,
    place,
    open: 'INC-1',
    closed: 'INC-2',
    broken: 'INC-3',
    unreachable: { ...place, main: undefined },
    remove: async () => await rm(dir, { recursive: true, force: true }),
  };
}

sourceConformance('file', fileFixture);

/** Every word that `source:` may be by the schema of pam.yaml, with its own schema. */
function inSchema(schema: typeof pam = pam): ReadonlyMap<string, object> {
  const definitions: Readonly<Record<string, object>> = schema.$defs;
  return new Map(
    schema.properties.incidents.oneOf.map(({ $ref }) => {
      const definition = definitions[$ref.replace('#/$defs/', '')] ?? {};
      const { properties } = definition as {
        readonly properties?: { readonly source?: { readonly const?: string } };
      };
      return [properties?.source?.const ?? '', definition];
    }),
  );
}

const tests = ['.', '../adapters'].flatMap((room) => {
  const place = fileURLToPath(new URL(room, import.meta.url));
  return (
    readdirSync(place)
      // That one holds the text of a test that runs it.
      .filter((name) => name.endsWith('.test.ts') && name !== 'one-more.test.ts')
      .map((name) => readFileSync(join(place, name), 'utf8'))
  );
});

describe.each([...sources])('the registry of sources: %s', (word, source) => {
  it('stands under its own word, in the schema of pam.yaml too, and is not called unbuilt', () => {
    expect(source.kind).toBe(word);
    expect(inSchema().get(word)).toEqual(source.configSchema);
    expect(source.configSchema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: expect.arrayContaining(['source']),
      properties: { source: { type: 'string', const: word } },
    });
    expect(UNBUILT_SOURCES).not.toContain(word);
  });

  it('runs the conformance suite', () => {
    expect(tests.filter((text) => text.includes(`sourceConformance('${word}',`))).toHaveLength(1);
  });
});

describe('sources in the schema of pam.yaml', () => {
  it('each have code, or stand in the list of what is refused', () => {
    expect([...inSchema().keys()].sort()).toEqual([...sources.keys(), ...UNBUILT_SOURCES].sort());
  });

  it('follow the registry', () => {
    const paging: Pick<SourceKind, 'kind' | 'configSchema'> = {
      kind: 'paging',
      configSchema: { properties: { source: { const: 'paging' } } },
    };
    const made = withSources(pam, [...sources.values(), paging]);
    expect([...inSchema(made).keys()]).toEqual([...inSchema().keys(), 'paging']);
    expect(inSchema(made).get('paging')).toBe(paging.configSchema);
    expect(withSources(pam)).toEqual(pam);
  });
});

describe('a source that policy names', () => {
  const place = (source: string): SourcePlace => ({
    config: { source },
    env: {},
    repository: {
      list: async () => await Promise.reject(new Error('not asked')),
      read: async () => await Promise.reject(new Error('not asked')),
    },
    main: undefined,
    readIncident,
  });
  const known = (open: SourceKind['open']): ReadonlyMap<string, SourceKind> =>
    new Map([['paging', { kind: 'paging', configSchema: {}, open }]]);

  it('and that this pam does not have knows nothing', async () => {
    expect(await openSource(sources, place('pagers')).state('INC-1')).toEqual({
      state: 'unknown',
      why: 'this pam does not read incidents from pagers',
    });
  });

  it('is opened with the first question, and once', async () => {
    let opened = 0;
    const source = openSource(
      known(async () => {
        opened += 1;
        return await Promise.resolve({
          state: async () => await Promise.resolve({ state: 'open' as const }),
        });
      }),
      place('paging'),
    );
    expect(opened).toBe(0);
    expect(await Promise.all([source.state('a'), source.state('b')])).toEqual([
      { state: 'open' },
      { state: 'open' },
    ]);
    expect(opened).toBe(1);
  });

  it('and that cannot be opened, or that throws, knows nothing', async () => {
    const refused = new PamError('E_PRV_ENV', 'PAM_SOURCE_TOKEN is not set');
    const unknown = { state: 'unknown', why: 'PAM_SOURCE_TOKEN is not set' };
    const closedDoor = known(async () => await Promise.reject(refused));
    expect(await openSource(closedDoor, place('paging')).state('a')).toEqual(unknown);
    const throwing = known(
      async () => await Promise.resolve({ state: async () => await Promise.reject(refused) }),
    );
    expect(await openSource(throwing, place('paging')).state('a')).toEqual(unknown);
  });
});
