import { describe, expect, it } from 'vitest';
import { readPolicy } from '../../../src/documents/policy-files.ts';
import { EXIT, PamError } from '../../../src/model/error.ts';
import type { Files } from '../../../src/model/policy.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { filesWith, keys, type Path, policyWith, providers } from './policy-fixture.ts';

const digest = sha256('any');

function refused(files: Files): PamError {
  try {
    readPolicy(files, digest, providers);
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  }
  throw new Error('the policy was read');
}
const codes = (files: Files): readonly string[] => refused(files).issues.map(({ code }) => code);

const padded = (size: number): Files =>
  new Map([
    ...filesWith(),
    ['pam.yaml', Buffer.from(`version: 1\nforge: { kind: git }\n#${'x'.repeat(size)}\n`)],
  ]);

describe('reading a policy', () => {
  it('fills in every default', () => {
    const policy = policyWith();
    expect(policy.config).toMatchObject({
      version: 1,
      forge: { kind: 'git' },
      main: 'main',
      ledger: 'pam-ledger',
      incidents: { source: 'file' },
      notify: [],
    });
    expect(policy.roles['dba']).toMatchObject({ decide_within: '24h', may_preexist: false });
    expect(policy.roles['dba']?.approval[0]).toMatchObject({ presence: 'none', threshold: 1 });
    expect(policy.people['alice']?.logins).toEqual({});
    expect(policy.people['dana']?.keys[0]?.key).toBe(keys['dana']);
    expect(policy.targets['other']?.config).toEqual({ plugin: 'other' });
    expect(policy.revoked_keys).toEqual([]);
  });

  it.each([
    ['a comment', `${keys['spare']} dana@laptop`],
    ['an umlaut in it', `${keys['spare']} jörg@büro`],
    ['a typographic apostrophe', `"${keys['spare']} dana@Dana’s-MacBook.local"`],
    ['another script', `${keys['spare']} 山田の鍵`],
    ['two blanks', `${keys['spare']?.replace(' ', '  ')}`],
    ['blanks at the end', `"${keys['spare']}  "`],
  ])('takes a key line with %s', (_, line) => {
    const policy = policyWith(
      'policy/people.yaml',
      `{ key: ${keys['dana']} comment here }`,
      `{ key: ${line} }`,
    );
    expect(policy.people['dana']?.keys[0]?.key).toBe(keys['spare']);
  });

  it.each([
    ['options', `'from="10.0.0.0/8" ${keys['spare']}'`, 'E_KEY_LINE', 'options of authorized_keys'],
    ['a fingerprint', 'SHA256:RzGj8OxIlFIvu2XwwqLhFuC18KV9V++5UspWS8FMqII', 'E_KEY_LINE', 'fingerprint'],
    ['a path', '~/.ssh/id_ed25519.pub', 'E_KEY_LINE', 'path'],
    ['a second line', `"${keys['spare']}\\n${keys['bob']}"`, 'E_POL_CHARSET', 'U+000A'],
    ['a direction mark', `"${keys['spare']} \\u202edana"`, 'E_POL_CHARSET', 'U+202E'],
  ])('says in words what is wrong with %s', (_, line, code, words) => {
    const [issue, ...more] = refused(
      filesWith('policy/people.yaml', `{ key: ${keys['dana']} comment here }`, `{ key: ${line} }`),
    ).issues;
    expect(more).toEqual([]);
    expect(issue).toMatchObject({ code, path: '/people/dana/keys/0/key', line: 5 });
    expect(issue?.message).toContain(words);
    expect(issue?.message).not.toContain('pattern');
  });

  it('names a GitHub remote', () => {
    const github = '{ kind: github, repository: acme/access }';
    expect(policyWith('pam.yaml', '{ kind: git }', github).config.forge).toEqual({
      kind: 'github',
      repository: 'acme/access',
      remote: 'origin',
    });
  });

  it('finds nothing under names that every object has', () => {
    const policy = policyWith();
    for (const table of [policy.people, policy.services, policy.groups, policy.roles, policy.targets]) {
      expect(table['constructor']).toBeUndefined();
    }
    expect(policy.people['alice']?.logins['constructor']).toBeUndefined();
    expect(policy.roles['dba']?.scope['constructor']).toBeUndefined();
  });

  it('[F7] refuses a missing, an empty and an extra file', () => {
    const without = new Map([...filesWith()].filter(([path]) => path !== 'policy/roles.yaml'));
    expect(codes(without)).toEqual(['E_POL_MISSING']);
    expect(codes(new Map([...filesWith(), ['policy/roles.yaml', new Uint8Array()]]))).toEqual([
      'E_POL_MISSING',
    ]);
    expect(codes(new Map([...filesWith(), ['policy/more.yaml', Buffer.from('a: 1')]]))).toEqual([
      'E_POL_FILES',
    ]);
    expect(codes(filesWith('policy/roles.yaml', 'roles:', 'roles: ['))[0]).toMatch(/^E_YAML_/u);
  });

  it('is always of class invalid and says where', () => {
    const error = refused(filesWith('policy/roles.yaml', 'risk: admin', 'risk: low'));
    expect(error.exit).toBe(EXIT.invalid);
    expect(error.issues).toMatchObject([
      { file: 'policy/roles.yaml', line: 7, col: 5, path: '/roles/dba/risk', code: 'E_POL_SHAPE' },
    ]);
    expect(refused(filesWith('policy/roles.yaml', 'target: db', 'target: dbx')).issues).toMatchObject([
      { file: 'policy/roles.yaml', line: 4, path: '/roles/dba/target', code: 'E_POL_TARGET' },
    ]);
  });

  it('tells the problems of all files at once', () => {
    const files = new Map([
      ...filesWith('policy/roles.yaml', 'risk: admin', 'risk: low'),
      ['pam.yaml', Buffer.from('version: 2\nforge: { kind: svn }\nextra: 1\n')],
      ['policy/targets.yaml', Buffer.from('targets: [a')],
    ]);
    const { issues, message } = refused(files);
    expect(new Set(issues.map(({ file }) => file))).toEqual(
      new Set(['pam.yaml', 'policy/roles.yaml', 'policy/targets.yaml']),
    );
    expect(message).toContain(`${issues.length} problems`);
  });

  it.each<[string, Path, string, string, string]>([
    ['[F5] threshold 0', 'policy/roles.yaml', 'threshold: 1', 'threshold: 0', 'E_POL_THRESHOLD'],
    ['[F5] threshold -1', 'policy/roles.yaml', 'threshold: 1', 'threshold: -1', 'E_POL_THRESHOLD'],
    ['[F5] threshold 1.5', 'policy/roles.yaml', 'threshold: 1', 'threshold: 1.5', 'E_POL_THRESHOLD'],
    ['[F5] threshold "2"', 'policy/roles.yaml', 'threshold: 1', 'threshold: "2"', 'E_POL_THRESHOLD'],
    ['[F5] threshold .nan', 'policy/roles.yaml', 'threshold: 1', 'threshold: .nan', 'E_POL_THRESHOLD'],
    ['[F5] threshold .inf', 'policy/roles.yaml', 'threshold: 1', 'threshold: .inf', 'E_POL_THRESHOLD'],
    ['[F5] threshold over everybody', 'policy/roles.yaml', 'threshold: 1', 'threshold: 5', 'E_POL_THRESHOLD'],
    ['[F5] admins threshold 3 of 2', 'policy/people.yaml', 'threshold: 1', 'threshold: 3', 'E_POL_THRESHOLD'],
    [
      '[F17] an executor right that does not exist',
      'policy/people.yaml',
      'may: [grant, revoke]',
      'may: [granting]',
      'E_POL_KIND',
    ],
    [
      'unknown field in a person',
      'policy/people.yaml',
      'name: Alice,',
      'name: Alice, root: true,',
      'E_POL_SHAPE',
    ],
    [
      'unknown field in a rule',
      'policy/roles.yaml',
      'threshold: 1,',
      'threshold: 1, skip: true,',
      'E_POL_SHAPE',
    ],
    [
      'no approval rule at all',
      'policy/roles.yaml',
      '- { approvers: ["@leads"], threshold: 1, fallback: [{ approvers: [carol], after: 15m }] }',
      '[]',
      'E_POL_SHAPE',
    ],
    [
      'a config that the provider does not know',
      'policy/targets.yaml',
      'identity: one',
      'identty: one',
      'E_POL_SHAPE',
    ],
    [
      'no config where the provider needs some',
      'policy/targets.yaml',
      ', config: { plugin: other }',
      '',
      'E_POL_SHAPE',
    ],
    [
      'a date that does not exist',
      'policy/people.yaml',
      `${keys['alice']} }`,
      `${keys['alice']}, until: 2026-02-30T00:00:00Z }`,
      'E_POL_SHAPE',
    ],
    [
      'a github id that JSON cannot hold',
      'policy/people.yaml',
      'id: 1 ',
      'id: 9007199254740993 ',
      'E_POL_SHAPE',
    ],
    [
      'a control character in a name',
      'policy/people.yaml',
      'name: Alice',
      'name: "A\\e[2J"',
      'E_POL_CHARSET',
    ],
    ['a token', 'policy/targets.yaml', 'identity: one', `identity: ghp_${'a'.repeat(36)}`, 'E_POL_SECRET'],
    [
      '[B1] a role twice',
      'policy/roles.yaml',
      'risk: admin',
      'risk: admin\n    risk: standard',
      'E_YAML_DUPKEY',
    ],
    ['a name with a capital', 'policy/targets.yaml', '  other:', '  Other:', 'E_POL_SHAPE'],
    ['a name that is not text', 'policy/targets.yaml', '  other:', '  1:', 'E_YAML_KEY'],
  ])('%s is refused', (_, path, from, to, code) => {
    expect(codes(filesWith(path, from, to))).toContain(code);
  });

  it('reads large files but not larger ones', () => {
    expect(readPolicy(padded(200_000), digest, providers).config.main).toBe('main');
    expect(codes(padded(300_000))).toEqual(['E_YAML_SIZE']);
  });
});
