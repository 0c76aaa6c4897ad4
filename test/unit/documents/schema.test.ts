import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { SCHEMAS, type SchemaName, shapeFaults, shapeFaultsBy } from '../../../src/documents/schema.ts';
import { readIncident } from '../../../src/documents/incident-file.ts';
import { providers } from '../../../src/targets/registry.ts';
import { codeOf } from '../../support/error-code.ts';

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

  it('[A17] checks formats, in schemas of others too', () => {
    const schema = { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } };
    expect(shapeFaultsBy(schema, { at: '2026-02-28T00:00:00Z' })).toEqual([]);
    expect(shapeFaultsBy(schema, { at: '2026-02-30T00:00:00Z' })).toMatchObject([
      { rule: 'value', path: '/at' },
    ]);
    expect(() => shapeFaultsBy({ type: 'string', format: 'made-up' }, 'x')).toThrow(/format/u);
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

  it('refuses even if every error were left out of the telling', () => {
    expect(shapeFaultsBy({ type: 'null' }, 1)).toHaveLength(1);
    expect(shapeFaultsBy({ anyOf: [{ type: 'null' }] }, 1)).not.toHaveLength(0);
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
