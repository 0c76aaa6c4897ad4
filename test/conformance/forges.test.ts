/** The suite of forges over each of them, and what every kind in the registry keeps to. */
import { describe, expect, it } from 'vitest';
import people from '../../schemas/people.schema.json' with { type: 'json' };
import pam from '../../schemas/pam.schema.json' with { type: 'json' };
import type { ForgeKind } from '../../src/forges/forge-kind.ts';
import { forges, kindOf } from '../../src/forges/registry.ts';
import { type ForgeConfig, isPlainGit } from '../../src/model/policy.ts';
import { accountOf } from '../../src/rules/people.ts';
import { env, withRemote } from '../adapters/git-workbench.ts';
import { codeOf } from '../support/error-code.ts';
import { policyOf, TEXTS } from '../support/world.ts';
import { conformance } from './forge.ts';
import {
  doubleFixture,
  emulateFixture,
  loneCloneFixture,
  openForge,
  plainGitFixture,
} from './forge-fixtures.ts';

conformance('plain Git, a remote', false, plainGitFixture);
conformance('plain Git, a clone alone', false, loneCloneFixture);
conformance('GitHub, the double', true, doubleFixture);
conformance('GitHub, emulate', true, emulateFixture);

interface Schema {
  readonly type?: string;
  readonly $ref?: string;
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const DEFINITIONS: Readonly<Record<string, Schema>> = pam.$defs;

/** The least that a schema takes; texts say an example of themselves. */
function leastOf(schema: Schema): unknown {
  if (schema.$ref !== undefined) return leastOf(DEFINITIONS[schema.$ref.replace('#/$defs/', '')] ?? {});
  if (schema.properties !== undefined)
    return Object.fromEntries(
      (schema.required ?? []).map((field) => [field, leastOf(schema.properties?.[field] ?? {})]),
    );
  return schema.const ?? schema.examples?.[0] ?? schema.minimum ?? 'someone';
}

/** `person` is put in front of what stands in each person's entry. */
function policyWith(config: ForgeConfig, person: (name: string) => string): ReturnType<typeof policyOf> {
  const entry = /^ {2}(alice|bob): \{ /gmu;
  return policyOf({
    ...TEXTS,
    'pam.yaml': `version: 1\nforge: ${JSON.stringify(config)}\n`,
    'policy/people.yaml': TEXTS['policy/people.yaml'].replaceAll(
      entry,
      (line, name: string) => `${line}${person(name)}`,
    ),
  });
}

describe.each([...forges])('the kind %s', (kind, one: ForgeKind) => {
  const config = leastOf(one.configSchema) as ForgeConfig;

  it('is listed under its own word, and pam.yaml takes it', () => {
    expect(one.kind).toBe(kind);
    expect(kindOf(config)).toBe(one);
    expect(config.kind).toBe(kind);
    expect(pam.properties.forge.oneOf).toContainEqual({ $ref: `#/$defs/${kind}` });
    const { policy } = policyWith(config, () => '');
    expect(policy.config.forge).toEqual(isPlainGit(one) ? config : { ...config, remote: 'origin' });
    expect(codeOf(() => policyWith({ ...config, surprise: 1 }, () => ''))).toBe('E_POL_SHAPE');
  });

  const { properties } = people.$defs.person;

  it.runIf(one.accountSchema === null)('knows no accounts, so people.yaml takes none', () => {
    expect(Object.hasOwn(properties, kind)).toBe(false);
  });

  it.runIf(one.accountSchema !== null)('an account there is of one person alone, and rules find it', () => {
    const account = (login: string, id: number): string => `${kind}: { login: ${login}, id: ${id} }, `;
    const { policy } = policyWith(config, (name) => account(name, name.length));
    expect(accountOf(policy, kind, 'alice')).toEqual({ login: 'alice', id: 5 });
    expect(accountOf(policy, kind, 'bob')).toEqual({ login: 'bob', id: 3 });
    expect(accountOf(policy, kind, 'carol')).toBeUndefined();
    for (const shared of [() => account('same', 1), (name: string) => account(name, 1)])
      expect(codeOf(() => policyWith(config, shared))).toBe('E_POL_GITHUB_SHARED');
    expect(codeOf(() => policyWith(config, () => `${kind}: { login: alice }, `))).toBe('E_POL_SHAPE');
  });

  it('without a network it asks nothing, and is still what it is', async () => {
    const { clone } = withRemote();
    const forge = await openForge({ ...config, remote: 'origin' }, clone(), { env, offline: true });
    expect(forge.kind).toBe(kind);
    expect(await forge.proposals({ ids: [], days: ['20261122'] })).toEqual([]);
    expect([forge.whoami, forge.open, forge.settings]).toEqual([undefined, undefined, undefined]);
  });
});

it('a word that no kind has is a mistake of ours: the schema lets none through', () => {
  expect(codeOf(() => kindOf({ kind: 'constructor' }))).toBe('E_BUG');
  expect(codeOf(() => policyWith({ kind: 'constructor' }, () => ''))).toBe('E_POL_SHAPE');
});
