/** One raw key in each of its wrappings: one id, one owner, one revocation; and the chain still reads such a policy. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readNewPolicy } from '../../../src/documents/policy-files.ts';
import { judgeNewPolicy } from '../../../src/rules/judge-new-policy.ts';
import { treeDigest } from '../../../src/trust/digest.ts';
import { compromisedSince, revocationOf } from '../../../src/trust/keyring.ts';
import { parsePublicKey, type PublicKey } from '../../../src/trust/public-key.ts';
import { rawKeyOf } from '../../../src/trust/same-key.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, policyOf, type PolicyTexts, providers, TEXTS, textsWith } from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';

function field(bytes: string | Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(bytes));
  return Buffer.concat([length, Buffer.from(bytes)]);
}

const line = (type: string, ...fields: readonly (string | Uint8Array)[]): PublicKey =>
  parsePublicKey(`${type} ${Buffer.concat([type, ...fields].map(field)).toString('base64')}`);

/** Made without the code: each pair is one raw key. */
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const point = Buffer.from(ed.x ?? '', 'base64url');
const curve = Buffer.concat([
  Buffer.of(4),
  Buffer.from(ec.x ?? '', 'base64url'),
  Buffer.from(ec.y ?? '', 'base64url'),
]);
const pairs = [
  [line('ssh-ed25519', point), line('sk-ssh-ed25519@openssh.com', point, 'ssh:')],
  [
    line('ecdsa-sha2-nistp256', 'nistp256', curve),
    line('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', curve, 'ssh:'),
  ],
] as const;
/** The same raw keys in a spelling that has a name. */
const named = [line('sk-ssh-ed25519@openssh.com', point, 'ssh:work')] as const;
const both = pairs.flatMap(([a, b]) => [[a.type, a, b] as const, [b.type, b, a] as const]);

const CAROL = '  carol: { name: Carol, keys: [';
const ERIN = '  erin: { name: Erin, keys: [';
const REVOKED = 'admins: { people';
const entry = ({ line: key }: PublicKey): string => `{ key: ${key} }, `;
const texts = (...changes: readonly (readonly [string, string])[]): PolicyTexts =>
  changes.reduce((sum, [from, to]) => textsWith(PEOPLE, from, to, sum), TEXTS);
const codes = (of: PolicyTexts): string[] => judgeNewPolicy(policyOf(of).policy).map(({ code }) => code);

describe('[X31] one raw key is one key, whatever it is wrapped in', () => {
  it.each(both)('%s and its twin', (_, one, twin) => {
    expect(rawKeyOf(one)).toEqual({ ...rawKeyOf(twin), fingerprints: rawKeyOf(one).fingerprints });
    expect(rawKeyOf(one).fingerprints).toContain(twin.fingerprint);
    expect(rawKeyOf(one).fingerprints).toContain(one.fingerprint);
    for (const other of pairs.flat().filter((each) => each !== one && each !== twin))
      expect(rawKeyOf(other).id).not.toBe(rawKeyOf(one).id);
  });

  it('[D22] a FIDO key for ssh:<name> is its raw key, and its own fingerprint is among the spellings', () => {
    const [one] = named;
    const [[plain, hardware]] = pairs;
    expect(rawKeyOf(one).id).toBe(rawKeyOf(plain).id);
    expect(rawKeyOf(one).fingerprints).toEqual([plain.fingerprint, hardware.fingerprint, one.fingerprint]);
    const two = texts([CAROL, `${CAROL}${entry(one)}`], [ERIN, `${ERIN}${entry(hardware)}`]);
    expect(codes(two)).toEqual(['E_POL_KEY_SHARED']);
  });

  it.each(both)('%s of one person and its twin of another', (_, one, twin) => {
    const two = texts([CAROL, `${CAROL}${entry(one)}`], [ERIN, `${ERIN}${entry(twin)}`]);
    expect(codes(two)).toEqual(['E_POL_KEY_SHARED']);
    const own = texts([CAROL, `${CAROL}${entry(one)}${entry(twin)}`]);
    expect(codes(own)).toEqual(['E_POL_KEY_TWICE']);
    const login = texts(
      [CAROL, `${CAROL}${entry(one)}`],
      ['  erin: { name: Erin,', `  erin: { name: Erin, login_key: ${twin.line},`],
    );
    expect(codes(login)).toEqual(['E_POL_KEY_SHARED']);
    expect(codes(texts([CAROL, `${CAROL}${entry(one)}`]))).toEqual([]);
    // The chain reads what an earlier build put in force; nothing new comes into force like that.
    const { files } = policyOf(two);
    expect(codeOf(() => readNewPolicy(files, treeDigest(files), providers, at('12:00')))).toBe(
      'E_POL_KEY_SHARED',
    );
  });

  it('the keys of an honest policy are nobody else’s', () => {
    expect(codes(TEXTS)).toEqual([]);
  });
});

describe('[X32] revoking one spelling revokes the other', () => {
  it.each(both)('%s', (_, one, twin) => {
    const list = (key: PublicKey): string =>
      `revoked_keys: [{ fingerprint: "${key.fingerprint}", at: ${at('12:00')}, reason: compromised, since: ${at('11:00')} }]\n${REVOKED}`;
    const { policy } = policyOf(texts([CAROL, `${CAROL}${entry(one)}`], [REVOKED, list(twin)]));
    expect(revocationOf(policy, one.fingerprint)?.reason).toBe('compromised');
    expect(compromisedSince(policy, one.fingerprint)).toBe(at('11:00'));
    for (const other of pairs.flat().filter((each) => each !== one && each !== twin))
      expect(revocationOf(policy, other.fingerprint)).toBeUndefined();
  });
});

describe('[X81] a permission that no ledger entry can name', () => {
  const ROLES = 'policy/roles.yaml';
  const reader = 'permissions: [connect]';
  it.each([
    ['as it stands', [[reader, 'permissions: [__proto__]']], '/roles/reader/permissions/0'],
    [
      'once it is filled in',
      [
        ['permissions: ["role:{schema}_owner", connect]', 'permissions: [connect, "{schema}__"]'],
        ['schema: { enum: [billing, shipping] }', 'schema: { enum: [billing, __proto] }'],
      ],
      '/roles/dba/permissions/1',
    ],
  ] as const)('%s: no new policy, and the chain still reads an older one', (_, changes, path) => {
    const changed = changes.reduce((sum, [from, to]) => textsWith(ROLES, from, to, sum), TEXTS);
    const { policy, files } = policyOf(changed);
    expect(judgeNewPolicy(policy)).toMatchObject([{ code: 'E_POL_PERMISSION', path }]);
    expect(codeOf(() => readNewPolicy(files, treeDigest(files), providers, at('12:00')))).toBe(
      'E_POL_PERMISSION',
    );
  });

  it('others with such names are permissions like any other', () => {
    for (const name of ['constructor', '__proto', 'proto__', 'toString'])
      expect(codes(textsWith(ROLES, reader, `permissions: [${name}]`))).toEqual([]);
  });
});

describe('logins that differ in capitals only', () => {
  const TARGETS = 'policy/targets.yaml';
  const withLogin = (login: string, provider: string): string[] =>
    codes(
      textsWith(
        TARGETS,
        'targets:\n',
        `targets:\n  web: { provider: ${provider} }\n`,
        texts([CAROL, `  carol: { name: Carol, logins: { web: ${login} }, keys: [`]),
      ),
    );
  const SUDOERS = 'sudoers, config: { directory_env: PAM_SUDOERS_DIR }';
  const SSH =
    'ssh-ca, config: { krl_env: PAM_WEB, ca: "SHA256:0000000000000000000000000000000000000000000" }';

  it.each([
    ['Erin', SUDOERS, ['E_POL_LOGIN_SHARED']],
    ['Carol', SUDOERS, []],
    ['carol', SUDOERS, []],
    ['Erin', SSH, []],
  ])('%s on %s', (login, provider, found) => {
    expect(withLogin(login, provider)).toEqual(found);
  });
});
