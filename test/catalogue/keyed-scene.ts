/**
 * The scene for attacks on keys, signatures and counting. Its people hold keys that are made in process, of every
 * type that can sign, so that a test may sign anything in any way; its policy has every kind of approval rule.
 */
import { plus } from '../../src/model/instant.ts';
import type { Fingerprint, RequestId } from '../../src/model/names.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { BEGIN, type World } from '../crash/access-repository.ts';
import { KEY_TYPES, makeKey, type TestKey } from '../support/make-signature.ts';
import { ATTACKED, makeScene, merge, minutes, prepared, propose, type Scene } from './scene.ts';

export interface KeyedScene extends Scene {
  /** By name: `bob`, `bob-second`, `bob-old`, `bob ssh-rsa` ... */
  readonly keys: ReadonlyMap<string, TestKey>;
  /** `oncall` for erin: alice is named, carol may stand in from minute 16 on, frank from minute 31. */
  readonly oncall: RequestId;
  /** `quick` for erin, to be decided by minute 21; bob approved it. */
  readonly quick: RequestId;
  /** `pair` for erin, which two people must approve; bob did. */
  readonly pair: RequestId;
  /** `quick` for dana, granted, ended after a minute and swept. */
  readonly spent: RequestId;
}

/** JSON is YAML: the scene's policy files can be read, changed and written back. */
export interface PolicyDocuments {
  readonly people: {
    people: Record<string, { name: string; keys: KeyEntry[]; login_key?: string }>;
    services: Record<string, { owner: string; keys: KeyEntry[]; executes?: object }>;
    revoked_keys: object[];
  };
  readonly roles: { roles: Record<string, RoleEntry> };
}
export interface KeyEntry {
  key: string;
  from?: string;
  until?: string;
  attested?: string;
}
export interface RoleEntry {
  requesters: string[];
  max_duration: string;
  decide_within: string;
  permissions: string[];
  approval: {
    approvers: string[];
    threshold: number;
    presence?: string;
    fallback?: { approvers: string[]; after: string }[];
  }[];
}

export const fingerprintOf = (key: TestKey): Fingerprint => parsePublicKey(key.line).fingerprint;
const ATTESTED = `sha256:${'a'.repeat(64)}`;

/** The policy on main. */
export function documentsOf({ git }: World): PolicyDocuments {
  const read = (path: string): unknown => JSON.parse(git('show', `main:${path}`));
  // The world's own files, written by `makeWorld`.
  return { people: read('policy/people.yaml'), roles: read('policy/roles.yaml') } as PolicyDocuments;
}

/** Commits a policy to main that nobody has signed. */
export function commitPolicy({ commitToMain }: World, { people, roles }: PolicyDocuments): void {
  const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  commitToMain({ 'policy/people.yaml': print(people), 'policy/roles.yaml': print(roles) });
}

/** Changes the policy, and alice, who is the only admin, signs it: in force. */
export async function changePolicy(
  world: World,
  change: (documents: PolicyDocuments) => void,
): Promise<void> {
  const documents = documentsOf(world);
  change(documents);
  commitPolicy(world, documents);
  await world.ratify();
}

const at = (minute: number): string => plus(BEGIN, minute * 60);

/** What policy says about each of bob's keys besides the plain ones. */
const BOBS: Readonly<Record<string, Omit<KeyEntry, 'key'>>> = {
  'bob-second': {},
  'bob-old': { until: at(8) },
  'bob-next': { from: at(12) },
};

export function keyedScene(): () => KeyedScene {
  return prepared(makeKeyedScene);
}

async function makeKeyedScene(): Promise<KeyedScene> {
  const keys = makeKeys();
  const scene = await makeScene();
  const { world } = scene;
  world.now = minutes(1);
  await changePolicy(world, (documents) => writePolicy(documents, keys));
  const spent = await propose(world, { role: 'quick', duration: '1m' }, 'bob');
  const oncall = await propose(world, { role: 'oncall', requester: 'erin' });
  const quick = await propose(world, { role: 'quick', requester: 'erin' }, 'bob');
  const pair = await propose(world, { role: 'pair', requester: 'erin' }, 'bob');
  await merge(world, spent);
  await world.apply();
  world.now = minutes(3);
  await world.sweep();
  world.now = ATTACKED;
  return { ...scene, keys, spent, oncall, quick, pair };
}

function makeKeys(): ReadonlyMap<string, TestKey> {
  const people = ['alice', 'bob', 'carol', 'frank', 'grace', 'dana', 'erin', 'deploy-bot', 'bob-login'];
  const named = [...people, ...Object.keys(BOBS), 'alice-second', 'nobody'];
  const plain = named.map((name) => [name, makeKey()] as const);
  const typed = KEY_TYPES.map((type) => [`bob ${type}`, makeKey(type)] as const);
  return new Map([...plain, ...typed, ['bob-sk', makeKey('sk-ssh-ed25519@openssh.com')] as const]);
}

function writePolicy({ people, roles }: PolicyDocuments, keys: ReadonlyMap<string, TestKey>): void {
  const line = (name: string): string => keys.get(name)?.line ?? '';
  for (const name of ['alice', 'bob', 'carol', 'frank', 'grace', 'dana', 'erin']) {
    people.people[name] ??= { name, keys: [] };
    people.people[name].keys.push({ key: line(name) });
  }
  people.people['alice']?.keys.push({ key: line('alice-second') });
  const bob = people.people['bob']?.keys;
  for (const [name, more] of Object.entries(BOBS)) bob?.push({ key: line(name), ...more });
  for (const type of KEY_TYPES) {
    bob?.push({ key: line(`bob ${type}`), ...(type.startsWith('sk-') ? { attested: ATTESTED } : {}) });
  }
  // A hardware key like the others, but nobody saw that it is one.
  bob?.push({ key: line('bob-sk') });
  Object.assign(people.people['bob'] ?? {}, { login_key: line('bob-login') });
  people.services['deploy-bot'] = { owner: 'bob', keys: [{ key: line('deploy-bot') }] };

  const requesters = ['dana', 'erin', 'bob', 'deploy-bot'];
  const like = roles.roles['writer'];
  const role = (name: string, approval: RoleEntry['approval'], more: Partial<RoleEntry> = {}): void => {
    if (like !== undefined)
      roles.roles[name] = { ...like, permissions: [name], requesters, approval, ...more };
  };
  role('pair', [{ approvers: ['alice', 'bob', 'carol'], threshold: 2 }]);
  role('touched', [{ approvers: ['bob'], threshold: 1, presence: 'touch' }]);
  role('verified', [{ approvers: ['bob'], threshold: 1, presence: 'verified' }]);
  role('carols', [{ approvers: ['carol'], threshold: 1 }]);
  role('anyone', [{ approvers: ['alice', 'bob'], threshold: 1 }]);
  role('quick', [{ approvers: ['alice', 'bob'], threshold: 1 }], { decide_within: '20m' });
  role('oncall', [
    {
      approvers: ['alice'],
      threshold: 1,
      fallback: [
        { approvers: ['carol'], after: '15m' },
        { approvers: ['frank'], after: '30m' },
      ],
    },
  ]);
}
