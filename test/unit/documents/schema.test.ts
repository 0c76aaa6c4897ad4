import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { validatorFiles } from '../../../build/validators.ts';
import { SCHEMAS, type SchemaName } from '../../../src/documents/document-schemas.ts';
import { faultsOf, shapeFaults, shapeFaultsBy, type Validator } from '../../../src/documents/schema.ts';
import { readIncident } from '../../../src/documents/incident-file.ts';
import { providers } from '../../../src/targets/registry.ts';
import { command } from '../../../src/targets/command/command.ts';
import { codeOf } from '../../support/error-code.ts';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const CONFIGS = 'generated/config-validators.js';

// Object.keys of a constant table gives its own keys.
const names = Object.keys(SCHEMAS) as SchemaName[];

/** Every schema inside a schema that describes an object with fields. */
function objectsIn(schema: unknown, path: string): [string, Record<string, unknown>][] {
  if (typeof schema !== 'object' || schema === null) return [];
  const here = schema as Record<string, unknown>;
  const inner = Object.entries(here).flatMap(([key, value]) => objectsIn(value, `${path}/${key}`));
  const types = [here['type']].flat();
  return types.includes('object') ? [[path, here], ...inner] : inner;
}

describe('schemas', () => {
  it.each(names)('[A1] %s leaves no object open by accident', (name) => {
    const open = objectsIn(SCHEMAS[name], '').filter(
      ([, schema]) => schema['additionalProperties'] === undefined && schema['oneOf'] === undefined,
    );
    expect(open).toEqual([]);
  });

  it('leaves only providers’ own words open on purpose', () => {
    const open = names.flatMap((name) =>
      objectsIn(SCHEMAS[name], name).filter(([, schema]) => schema['additionalProperties'] === true),
    );
    expect(open.map(([path]) => path)).toEqual([
      'entry/$defs/grant/properties/config',
      'entry/$defs/receipt/properties/handle',
      'open-record/$defs/grant/properties/config',
      'targets/properties/targets/additionalProperties/properties/config',
    ]);
  });

  it.each(names)('%s compiles in strict mode and refuses what is no object', (name) => {
    expect(shapeFaults(name, null)).toMatchObject([{ rule: 'type', path: '' }]);
  });

  it.each([
    [
      'roles',
      { roles: { dba: { approval: [{ treshold: 1 }] } } },
      '/roles/dba/approval/0/treshold',
      'threshold',
    ],
    ['roles', { roles: { dba: { requestors: [] } } }, '/roles/dba/requestors', 'requesters'],
    ['people', { service: {} }, '/service', 'services'],
    [
      'people',
      { services: { bot: { executes: { target: [] } } } },
      '/services/bot/executes/target',
      'targets',
    ],
    ['pam', { legder: 'x' }, '/legder', 'ledger'],
    ['request', { durration: '1h' }, '/durration', 'duration'],
  ] as const)('in %s a misspelt field is told with the one that was meant', (name, data, path, meant) => {
    const fault = shapeFaults(name, data).find((one) => one.path === path);
    expect(fault).toMatchObject({ rule: 'unknown-field' });
    expect(fault?.message).toMatch(new RegExp(` is not known here \\(did you mean ${meant}\\?\\)$`, 'u'));
  });

  it("in a provider's config, too", () => {
    expect(shapeFaultsBy(command.configSchema, { plugin: 'x', enviroment: [] })).toMatchObject([
      { path: '/enviroment', message: 'the field "enviroment" is not known here' },
    ]);
    expect(shapeFaultsBy(command.configSchema, { plugni: 'x' })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ message: 'the field "plugni" is not known here (did you mean plugin?)' }),
      ]),
    );
  });

  const patternsIn = (schema: unknown): string[] =>
    typeof schema !== 'object' || schema === null
      ? []
      : Object.entries(schema).flatMap(([key, value]) =>
          key === 'pattern' && typeof value === 'string' ? [value] : patternsIn(value),
        );
  const byHand = (['incident', 'pam', 'people', 'request', 'roles', 'targets'] as const).map(
    (name): [string, unknown] => [name, SCHEMAS[name]],
  );
  const configs = [...providers].map(([name, { configSchema }]): [string, unknown] => [
    `config of ${name}`,
    configSchema,
  ]);

  it.each([...byHand, ...configs])('%s has words for each of its patterns and limits', (_, schema) => {
    for (const pattern of patternsIn(schema)) {
      const refuses = Object.assign(() => false, {
        errors: [
          {
            keyword: 'pattern',
            instancePath: '/a',
            schemaPath: '',
            params: { pattern },
            message: `must match pattern "${pattern}"`,
          },
        ],
      });
      expect(faultsOf(refuses, {})).toEqual([
        { rule: 'value', path: '/a', message: expect.not.stringMatching(/pattern|\^/u) as string },
      ]);
    }
  });

  it.each([
    [{ justification: ' ' }, '/justification', 'is empty'],
    [{ justification: '' }, '/justification', 'is empty'],
    [{ justification: 'x'.repeat(2001) }, '/justification', 'must have at most 2000 characters'],
    [
      { ticket: 'two words' },
      '/ticket',
      'is no ticket: one word of plain letters, digits and signs, without blanks',
    ],
    [{ compensating_controls: [] }, '/compensating_controls', 'is empty'],
    [
      { compensating_controls: Array<string>(17).fill('x') },
      '/compensating_controls',
      'must have at most 16 entries',
    ],
    [
      { scope: { Realm: 'x' } },
      '/scope/Realm',
      'as a name is no name of a key: a-z, 0-9, _ and -, beginning with a letter, at most 40',
    ],
  ])('of %j it says in words, and once, what is wrong', (data, path, message) => {
    const found = shapeFaults('request', data).filter((one) => one.path === path);
    expect(found).toEqual([{ rule: 'value', path, message }]);
  });

  it('says nothing of the value that it refuses', () => {
    const secret = 'hunter2-hunter2';
    const faults = shapeFaults('request', {
      id: secret,
      duration: secret,
      start: secret,
      version: secret,
      requester: [secret],
    });
    expect(faults.length).toBeGreaterThan(5);
    expect(JSON.stringify(faults)).not.toContain(secret);
  });
});

/** Validators of a provider's schema as the build makes them, under a name of its own. */
async function validatorOf(configSchema: Readonly<Record<string, unknown>>): Promise<Validator> {
  const files = await validatorFiles(project, [{ ...command, configSchema }]);
  writeFileSync(ofThisTest, files.get(CONFIGS) ?? '');
  const module = (await import(`${ofThisTest}?${asked++}`)) as {
    readonly validators: ReadonlyMap<string, Validator>;
  };
  return module.validators.get(JSON.stringify(configSchema)) ?? (() => true);
}
let asked = 0;
const ofThisTest = join(project, 'generated', `of-a-test-${process.pid}.js`);
afterAll(() => rmSync(ofThisTest, { force: true }));

describe('validators', () => {
  it('are those of the schemas and providers as they are now', async () => {
    for (const [path, text] of await validatorFiles(project, [...providers.values()])) {
      // Not with `toBe`: a difference would fill the screen.
      expect([path, readFileSync(join(project, path), 'utf8') === text]).toEqual([path, true]);
    }
  });

  it('are made of every schema that there is', () => {
    const files = readdirSync(join(project, 'schemas')).map((file) => file.replace('.schema.json', ''));
    expect(files.sort()).toEqual([...names].sort());
  });

  it('of a schema that nobody knew are missed', () => {
    expect(codeOf(() => shapeFaultsBy({ type: 'object' }, {}))).toBe('E_BUG');
  });

  it('of two providers may come from schemas with one $id', async () => {
    const schemas = ['a', 'b'].map((word) => ({ $id: 'config', const: word }));
    const made = schemas.map((configSchema) => ({ ...command, configSchema }));
    expect((await validatorFiles(project, made)).get(CONFIGS)).toContain('"b"');
  });

  it('[A17] check formats, in schemas of others too', async () => {
    const schema = { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } };
    const validate = await validatorOf(schema);
    expect(faultsOf(validate, { at: '2026-02-28T00:00:00Z' })).toEqual([]);
    expect(faultsOf(validate, { at: '2026-02-30T00:00:00Z' })).toMatchObject([
      { rule: 'value', path: '/at' },
    ]);
    await expect(validatorOf({ type: 'string', format: 'made-up' })).rejects.toThrow(/format/u);
  });

  it('refuse even if every error were left out of the telling', async () => {
    expect(faultsOf(await validatorOf({ type: 'null' }), 1)).toHaveLength(1);
    expect(faultsOf(await validatorOf({ anyOf: [{ type: 'null' }] }), 1)).not.toHaveLength(0);
  });
});

const read = (text: string, path = 'incidents/INC-1.yaml') => readIncident(Buffer.from(text), path);

describe('incident files', () => {
  it('reads open and closed ones', () => {
    expect(read('version: 1\nid: INC-1\nstatus: open\ntitle: x\n')).toEqual({
      version: 1,
      id: 'INC-1',
      status: 'open',
      title: 'x',
    });
    expect(read('version: 1\nid: INC-1\nstatus: closed\n').status).toBe('closed');
  });
  it.each([
    ['another id', 'version: 1\nid: INC-2\nstatus: open\n', 'E_INC_SHAPE'],
    ['another status', 'version: 1\nid: INC-1\nstatus: reopened\n', 'E_INC_SHAPE'],
    ['a status that is not text', 'version: 1\nid: INC-1\nstatus: true\n', 'E_INC_SHAPE'],
    ['an extra field', 'version: 1\nid: INC-1\nstatus: open\nforce: true\n', 'E_INC_SHAPE'],
    ['an escape in the title', 'version: 1\nid: INC-1\nstatus: open\ntitle: "\\e"\n', 'E_INC_SHAPE'],
    ['a status twice', 'version: 1\nid: INC-1\nstatus: closed\nstatus: open\n', 'E_YAML_DUPKEY'],
    ['nothing', '', 'E_INC_SHAPE'],
  ])('refuses %s', (_, text, code) => {
    expect(codeOf(() => read(text))).toBe(code);
  });
});

describe('schemas as schemas', () => {
  const named = [
    ...Object.entries(SCHEMAS),
    ...[...providers].map(([kind, { configSchema }]) => [kind, configSchema] as const),
  ];
  it.each(named)('%s is valid by the draft that it names', (_, schema) => {
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(ajv.validateSchema({ ...schema, type: 'objekt' })).toBe(false);
  });
});
