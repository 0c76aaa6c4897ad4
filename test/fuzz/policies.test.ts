/** Policies that nobody ratified, and policies that were and say what no policy may say. */
import { describe } from 'vitest';
import { printEntry } from '../../src/documents/entry-file.ts';
import { readPolicy } from '../../src/documents/policy-files.ts';
import type { Entry } from '../../src/model/entry.ts';
import { PamError } from '../../src/model/error.ts';
import { type Files, POLICY_PATHS, type Policy } from '../../src/model/policy.ts';
import { LEDGER_NAMESPACE, type Signed } from '../../src/model/statement.ts';
import { foldIndex } from '../../src/rules/fold-index.ts';
import { followChain } from '../../src/rules/follow-chain.ts';
import { planApply } from '../../src/rules/plan-apply.ts';
import { verifyEntry } from '../../src/trust/signed-entry.ts';
import { planSweep } from '../../src/rules/plan-sweep.ts';
import { indexDigest } from '../../src/rules/print-index.ts';
import type { ChainState } from '../../src/trust/chain-state.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { fingerprintOf, intentOf, keyNamed, providers, sign, situation } from '../support/world.ts';
import { isCovered, NOW, POOL, WORLD } from './attack-world.ts';
import { mutateYaml } from './mutate-yaml.ts';
import type { Random } from './random.ts';
import { broken, fuzz, layerOf, type Mutant } from './table.ts';

const { ledger, next, ratified } = WORLD;
const { state } = ledger;
const SEQ = 2;
const ADMINS = ['alice', 'bob', 'grace'];

const LAYERS: Readonly<Record<string, RegExp>> = {
  "the admins' signatures": /^E_POL_(?:UNSIGNED|ROOT_CHAIN)$/u,
  'bytes and YAML': /^E_YAML_|^E_REQ_CHARSET$/u,
  schema: /^E_POL_(?:SHAPE|THRESHOLD|KIND|CHARSET|SECRET|MISSING|FILES)$/u,
  chain: /^E_LED_/u,
  'rules about policy': /^E_POL_/u,
  'keys in it': /^E_/u,
};

describe('[C3][C18][C22][C24] mutated policies', () => {
  fuzz(
    'policies that one admin of two signed',
    { runs: 1500, shares: { "the admins' signatures": 0.9, 'the same bytes, in force': 0.002 } },
    (random) => {
      const files = mutated(random);
      return mutant(files, () => judgeUnsigned(random, files));
    },
  );

  fuzz(
    'policies that all admins signed',
    {
      runs: 1200,
      shares: {
        'bytes and YAML': 0.05,
        schema: 0.2,
        'rules about policy': 0.04,
        'in force, and sound': 0.08,
      },
    },
    (random) => {
      const files = mutated(random);
      return mutant(files, () => judgeSigned(files));
    },
  );
});

const mutant = (files: Files, judge: () => string): Mutant => ({
  shown: [...files]
    .filter(([path, bytes]) => !Buffer.from(bytes).equals(Buffer.from(next.files.get(path) ?? [])))
    .map(([path, bytes]) => `${path}:\n${Buffer.from(bytes).toString('latin1')}`)
    .join(''),
  judge,
});

/** One file of the policy that the admins ratified, changed; sometimes one is missing or there is one more. */
function mutated(random: Random): Files {
  const path = random.pick(['policy/people.yaml', 'policy/people.yaml', ...POLICY_PATHS]);
  const files = new Map(next.files);
  const text = Buffer.from(files.get(path) ?? new Uint8Array()).toString('utf8');
  files.set(path, mutateYaml(random, text, POOL));
  if (random.chance(0.01)) files.delete(path);
  return files;
}

/** Nobody but its admins brings a policy into force: not an executor, not one admin alone, not one whom it names. */
function judgeUnsigned(random: Random, files: Files): string {
  const digest = treeDigest(files);
  const by = (signer: string, key: string): Signed => policyStatement(files, signer, key);
  const statements = [
    ...ratified,
    ...random.pick([
      [by('grace', 'grace')],
      [by('grace', 'grace'), by('alice', 'grace'), by('bob', 'thief')],
      [by('grace', 'grace'), by('grace', 'grace'), by('dana', 'dana'), by('pam-apply', 'pam-apply')],
    ]),
  ];
  const executor = random.pick(['pam-apply', 'pam-sweep']);
  const followed = follow(files, statements, executor);
  const same = digest === next.policy.digest;
  if (!(followed instanceof PamError))
    return same ? 'the same bytes, in force' : broken('in force without its admins');
  if (same) broken('what the admins signed is not in force');
  return layerOf(followed.code, LAYERS);
}

/** What admins signed may still be nonsense: then it is refused, or it holds what every policy must hold. */
function judgeSigned(files: Files): string {
  const followed = follow(
    files,
    ADMINS.map((one) => policyStatement(files, one, one)),
    'pam-apply',
  );
  if (followed instanceof PamError) return layerOf(followed.code, LAYERS);
  mustBeSound(followed.policy);
  mustStayWithinApprovals(followed);
  const { root, policy, index } = followed;
  planSweep({ root, policy, providers, index, stops: new Map(), incidents: new Map() }, NOW);
  return 'in force, and sound';
}

function policyStatement(files: Files, signer: string, key: string): Signed {
  const digest = treeDigest(files);
  const previousSha256 = ledger.policy.digest;
  const { root } = state;
  return sign(
    { type: 'policy', root, signer, signedAt: NOW, seq: SEQ, policySha256: digest, previousSha256 },
    { key },
  );
}

function follow(files: Files, statements: readonly Signed[], executor: string): ChainState | PamError {
  const digest = treeDigest(files);
  const events = [{ type: 'policy', id: '-', seq: SEQ, digest, statements }] as const;
  const context = { seq: state.seq + 1, at: NOW, executor, key: fingerprintOf(executor), main: null };
  const index = indexDigest(foldIndex(state.index, events, { ...context, policy: state.policy }));
  const { root, head: previous } = state;
  const entry: Entry = {
    root,
    seq: state.seq + 1,
    previous,
    at: NOW,
    executor,
    policy: digest,
    index,
    events,
  };
  const bytes = printEntry(entry);
  const signature = keyNamed(executor).sign(bytes, LEDGER_NAMESPACE);
  const brought = () => ({ files, policy: readPolicy(files, digest, providers) });
  try {
    return followChain(state, {
      signed: verifyEntry(bytes, signature),
      entry,
      broughtDigest: () => digest,
      brought,
    });
  } catch (error) {
    if (error instanceof PamError && error.code !== 'E_BUG') return error;
    throw error;
  }
}

/** Asked of the policy as it was read, by other means than the rules that judge it. */
function mustBeSound(policy: Policy): void {
  const people = new Set(Object.keys(policy.people));
  const named = (list: readonly string[]): string[] =>
    list.flatMap((one) => (one.startsWith('@') ? (policy.groups[one.slice(1)] ?? []) : [one]));
  const onlyPeople = (list: readonly string[]): boolean => named(list).every((one) => people.has(one));
  const counts = (threshold: number, of: readonly string[]): boolean =>
    Number.isSafeInteger(threshold) && threshold >= 1 && new Set(named(of)).size >= threshold;
  const { admins, roles, services } = policy;
  if (!counts(admins.threshold, admins.people) || !onlyPeople(admins.people))
    broken('admins that cannot agree');
  for (const [id, role] of Object.entries(roles)) {
    if (role.approval.length === 0) broken(`${id} needs no approval`);
    for (const rule of role.approval) {
      if (!counts(rule.threshold, rule.approvers)) broken(`${id} has a threshold of ${rule.threshold}`);
      if (!onlyPeople([...rule.approvers, ...rule.fallback.flatMap((step) => step.approvers)])) {
        broken(`${id} is approved by what is no person`);
      }
    }
    if (!Object.hasOwn(policy.targets, role.target) || role.permissions.length === 0)
      broken(`${id} is about nothing`);
  }
  const holders = new Map<string, string>();
  for (const [id, { keys }] of [...Object.entries(policy.people), ...Object.entries(services)]) {
    for (const { fingerprint } of keys.map(({ key }) => parsePublicKey(key))) {
      if ((holders.get(fingerprint) ?? id) !== id) broken(`${id} shares a key`);
      holders.set(fingerprint, id);
    }
  }
  for (const [id, { owner }] of Object.entries(services)) {
    if (!people.has(owner) || people.has(id)) broken(`nobody answers for ${id}`);
  }
}

/** Whatever the new policy says, a grant under it is what somebody signed, or none. */
function mustStayWithinApprovals(after: ChainState): void {
  const asked = Object.values(WORLD.asked);
  const plan = planApply({ ...situation(ledger, asked), state: after, approvals: WORLD.approvals }, NOW);
  for (const ready of plan.ready) {
    const intent = intentOf(ledger, ready, NOW);
    const record = ledger.record(ready.id) ?? undefined;
    // Admins may ask for fewer signatures than before, never for none.
    if (!isCovered(intent, NOW, record, 1)) broken(`${ready.id} would be granted beyond what was signed`);
  }
}

if (sha256('') === next.policy.digest) throw new Error('there is no next policy');
