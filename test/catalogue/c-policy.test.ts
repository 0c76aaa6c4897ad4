/**
 * Group C, keys and people as policy lists them. Each policy stands on main and its only admin signed it, deceived or
 * not: it must not come into force, nothing is granted meanwhile, and sweeps go on.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { freshLedger } from '../../src/flows/gather/look-at-request.ts';
import { ratifiable } from '../../src/flows/people/ratify-policy.ts';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { policyFilesOf } from '../../src/flows/ledger/walk/ledger-files.ts';
import { EXIT, PamError } from '../../src/model/error.ts';
import { isOid } from '../../src/model/names.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { wireString } from '../../src/trust/wire.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import type { World } from '../crash/access-repository.ts';
import { makeKey, mpint } from '../support/make-signature.ts';
import { publishAll } from './forger.ts';
import {
  commitPolicy,
  documentsOf,
  type KeyedScene,
  keyedScene,
  type KeyEntry,
  type PolicyDocuments,
} from './keyed-scene.ts';
import { GOOD_HELD, LIVE_ENDS, LIVE_HELD, merge } from './scene.ts';

interface BadPolicy {
  readonly title: string;
  readonly code: string;
  readonly change: (documents: PolicyDocuments) => void;
}

const keyLine = (type: string, ...fields: readonly (string | Uint8Array)[]): string =>
  `${type} ${Buffer.concat([type, ...fields].map((one) => wireString(one))).toString('base64')}`;
const bob = (documents: PolicyDocuments): { keys: KeyEntry[] } =>
  documents.people.people['bob'] ?? { keys: [] };
const withKey =
  (entry: (own: readonly KeyEntry[]) => KeyEntry) =>
  (documents: PolicyDocuments): void => {
    const { keys } = bob(documents);
    keys.push(entry(keys));
  };
const withLine = (line: string): BadPolicy['change'] => withKey(() => ({ key: line }));
/** A key of the scene's, moved to another place. */
const first = (identity: { readonly keys: readonly KeyEntry[] } | undefined): string =>
  identity?.keys[0]?.key ?? '';
const withApprover =
  (name: string): BadPolicy['change'] =>
  ({ roles }) => {
    roles.roles['anyone']?.approval[0]?.approvers.push(name);
  };
const withRule =
  (rule: Partial<PolicyDocuments['roles']['roles'][string]['approval'][number]>): BadPolicy['change'] =>
  ({ roles }) => {
    Object.assign(roles.roles['anyone']?.approval[0] ?? {}, rule);
  };
const rsa1024 = makeKey('ssh-rsa', { bits: 1024 }).line;
const rsa16384 = keyLine(
  'ssh-rsa',
  mpint(Buffer.from([1, 0, 1])).subarray(4),
  mpint(Buffer.alloc(2048, 0xff)).subarray(4),
);
const identityPoint = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);

const POLICIES: readonly BadPolicy[] = [
  {
    title: '[C3] one key for two people',
    code: 'E_POL_KEY_SHARED',
    change: (documents) => bob(documents).keys.push({ key: first(documents.people.people['alice']) }),
  },
  {
    title: '[C3] one key for a person and a service',
    code: 'E_POL_KEY_SHARED',
    change: (documents) => bob(documents).keys.push({ key: first(documents.people.services['pam-apply']) }),
  },
  {
    title: "[C3] somebody's login key is an approver's signing key",
    code: 'E_POL_KEY_SHARED',
    change: (documents) => {
      Object.assign(documents.people.people['erin'] ?? {}, { login_key: first(bob(documents)) });
    },
  },
  // No allowed_signers file: names are names, and no pattern is one. The catalogue's E_POL_SIGNER_PATTERN is these.
  {
    title: '[C9] a person called *',
    code: 'E_POL_SHAPE',
    change: ({ people }) =>
      Object.assign(people.people, { '*': { name: 'All', keys: [{ key: makeKey().line }] } }),
  },
  ...['*', '*@example.com', '!bob', 'b*'].map((name) => ({
    title: `[C9] an approver called ${name}`,
    code: 'E_POL_SHAPE',
    change: withApprover(name),
  })),
  {
    title: '[C9] an approver whom every object has',
    code: 'E_POL_UNKNOWN_NAME',
    change: withApprover('constructor'),
  },
  // The catalogue's E_POL_SIGNER_CA: a key line has a type and a key, and no certificate is a key.
  {
    title: '[C13] a certificate authority',
    code: 'E_KEY_LINE',
    change: withLine(`cert-authority ${makeKey().line}`),
  },
  {
    title: '[C13] a certificate as key',
    code: 'E_KEYTYPE',
    change: withLine(keyLine('ssh-ed25519-cert-v01@openssh.com', Buffer.alloc(32), Buffer.alloc(32))),
  },
  // Instants have one spelling, with Z, so no time zone is ever asked; the catalogue's E_POL_SIGNER_TZ.
  ...['20270101', '2027-01-01', '2027-01-01T00:00:00', '2027-01-01T00:00:00+02:00', '20270101000000Z'].map(
    (until) => ({
      title: `[C14] a key that is valid until ${until}`,
      code: 'E_POL_SHAPE',
      change: withKey(() => ({ key: makeKey().line, until })),
    }),
  ),
  { title: '[C16] RSA of 1024 bits', code: 'E_RSA_BITS', change: withLine(rsa1024) },
  { title: '[C16] RSA of 16384 bits', code: 'E_RSA_BITS', change: withLine(rsa16384) },
  { title: '[C16] DSA', code: 'E_KEYTYPE', change: withLine(keyLine('ssh-dss', Buffer.alloc(128, 1))) },
  {
    title: '[C16] P-192',
    code: 'E_KEYTYPE',
    change: withLine(keyLine('ecdsa-sha2-nistp192', 'nistp192', Buffer.alloc(49, 4))),
  },
  ...['deploy-bot', 'pam-apply', 'pam-sweep'].map((name) => ({
    title: `[C18] ${name} as approver`,
    code: 'E_POL_NONHUMAN',
    change: withApprover(name),
  })),
  {
    title: '[C18] a person who is called a service',
    code: 'E_POL_SHAPE',
    change: (documents) => Object.assign(bob(documents), { kind: 'service' }),
  },
  {
    title: '[C21] a touch that nobody who is named can give',
    code: 'E_POL_UNSATISFIABLE',
    change: withRule({ approvers: ['alice'], presence: 'touch' }),
  },
  {
    title: '[C25] an attestation for a software key',
    code: 'E_POL_ATTESTED',
    change: withKey(() => ({ key: makeKey().line, attested: `sha256:${'a'.repeat(64)}` })),
  },
  {
    title: '[C25] a touch where nobody attested the key',
    code: 'E_POL_UNSATISFIABLE',
    change: (documents) => {
      for (const one of bob(documents).keys) delete one.attested;
    },
  },
  {
    title: '[C22] two of one person',
    code: 'E_POL_UNSATISFIABLE',
    change: withRule({ approvers: ['bob'], threshold: 2 }),
  },
  {
    title: '[C22] one person for two rules',
    code: 'E_POL_UNSATISFIABLE',
    change: ({ roles }) => {
      const rule = { approvers: ['bob'], threshold: 1 };
      Object.assign(roles.roles['anyone'] ?? {}, { approval: [rule, { ...rule }] });
    },
  },
  // All fourteen encodings: test/unit/trust/public-key.test.ts.
  {
    title: '[C24] the identity point',
    code: 'E_KEY_SMALL_ORDER',
    change: withLine(keyLine('ssh-ed25519', identityPoint)),
  },
  {
    title: '[C24] the identity point as FIDO key',
    code: 'E_KEY_SMALL_ORDER',
    change: withLine(keyLine('sk-ssh-ed25519@openssh.com', identityPoint, 'ssh:')),
  },
];

describe('policies that name people and keys wrongly', () => {
  const prepare = keyedScene();
  let scene: KeyedScene;
  let world: World;
  let good: string;

  beforeAll(async () => {
    scene = prepare();
    ({ world } = scene);
    // Approved by all that it needs: only the policy on main stands between it and its grant.
    await merge(world, scene.good);
    good = JSON.stringify(documentsOf(world));
  });
  const goodDocuments = (): PolicyDocuments => JSON.parse(good) as PolicyDocuments;

  it.each(POLICIES.map((one) => [one.title, one] as const))('%s', async (_, { code, change }) => {
    const documents = goodDocuments();
    change(documents);
    commitPolicy(world, documents);
    await expectRefused(world, code);
    await signPolicyOnMain(scene);
    const { seq } = await world.audit();
    const result = await world.apply();
    expect(result).toMatchObject({ steps: [], troubles: [{ code: 'E_POL_UNSIGNED' }] });
    expect(exitOfRun(result)).toBe(EXIT.refused);
    expect(world.held()).toEqual([LIVE_HELD]);
    expect((await world.audit()).seq).toBe(seq);
  });

  it('they stop no sweep; with the good policy back, the good request is granted and audit agrees', async () => {
    world.now = LIVE_ENDS;
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
    commitPolicy(world, goodDocuments());
    await world.apply();
    expect(world.held()).toEqual([GOOD_HELD]);
    expect(await world.audit()).toMatchObject({ ok: true });
  });
});

/** `pam ratify` shows the admin what is wrong instead of signing it; exit 4. */
async function expectRefused(world: World, code: string): Promise<void> {
  const error: unknown = await ratifiable(await world.desk()).catch((thrown: unknown) => thrown);
  if (!(error instanceof PamError)) throw new Error('it was not refused', { cause: error });
  expect(error.exit).toBe(EXIT.invalid);
  expect([error.code, ...error.issues.map((issue) => issue.code)]).toContain(code);
}

async function signPolicyOnMain({ world, keys }: KeyedScene): Promise<void> {
  const desk = await world.desk();
  const { state } = (await freshLedger(desk)).view;
  const main = world.git('rev-parse', 'refs/heads/main');
  if (!isOid(main)) throw new Error('there is no main');
  const seq = (state.index.beats?.policy.seq ?? 0) + 1;
  const text = printStatement({
    type: 'policy',
    root: state.root,
    signer: 'alice',
    signedAt: world.now,
    seq,
    policySha256: treeDigest(await policyFilesOf(desk.repository, main)),
    previousSha256: state.policy.digest,
  });
  const armor = keys.get('alice')?.sign(text, STATEMENT_KINDS.policy.namespace) ?? '';
  publishAll(world, [{ topic: `policy-${seq}`, signed: { text, armor } }]);
}
