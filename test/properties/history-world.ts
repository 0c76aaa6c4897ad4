/**
 * The world of random histories: keys that are the same in every process, hosts with a clone, a memory and a clock
 * each, one remote, and two targets that live in memory. Everything between them is real: flows, rules, signatures,
 * ledger bytes.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign as rawSign } from 'node:crypto';
import { createHash } from 'node:crypto';
import { readIncident } from '../../src/documents/incident-file.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { branchesAbout, gitBranches } from '../../src/forges/git-branches.ts';
import { fileIncidents } from '../../src/sources/file/file-incidents.ts';
import type { KeptHead } from '../../src/memory/head-files.ts';
import type { Branches, Memory } from '../../src/memory/kept-heads.ts';
import { PamError } from '../../src/model/error.ts';
import type { Repository } from '../../src/model/git.ts';
import { type Instant, instantOf } from '../../src/model/instant.ts';
import type { Sha256 } from '../../src/model/names.ts';
import type { Order, Provider, TargetSession } from '../../src/model/target.ts';
import { command } from '../../src/targets/command/command.ts';
import { sshCa } from '../../src/targets/ssh-ca/ssh-ca.ts';
import { printArmor } from '../../src/trust/armor.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { wireString } from '../../src/trust/wire.ts';
import type { ModelPolicy } from './history-model.ts';
import { type MemoryObjects, memoryRepository, type RefTable } from './memory-repository.ts';

export const BEGIN = Date.parse('2026-11-22T08:00:00Z') / 1000;

interface Key {
  readonly line: string;
  readonly blob: Buffer;
  readonly privateKey: KeyObject;
}

const keys = new Map<string, Key>();
/** One Ed25519 key a name: a failing seed fails again in another process, byte for byte. */
export function keyOf(name: string): Key {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const secret = createHash('sha256').update(`key of ${name}`).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const blob = Buffer.concat([wireString('ssh-ed25519'), wireString(Buffer.from(x ?? '', 'base64url'))]);
  const made = { line: `ssh-ed25519 ${blob.toString('base64')}`, blob, privateKey };
  keys.set(name, made);
  return made;
}

export const fingerprintOf = (name: string) => parsePublicKey(keyOf(name).line).fingerprint;

export function signAs(name: string, text: string, namespace: string): string {
  const { blob, privateKey } = keyOf(name);
  const hash = createHash('sha512').update(text).digest();
  const said = [wireString(namespace), wireString(''), wireString('sha512')];
  const raw = rawSign(null, Buffer.concat([Buffer.from('SSHSIG'), ...said, wireString(hash)]), privateKey);
  const signature = wireString(Buffer.concat([wireString('ssh-ed25519'), wireString(raw)]));
  return printArmor(
    Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01', 'latin1'), wireString(blob), ...said, signature]),
  );
}

export const EXECUTORS = ['pam-apply', 'pam-apply-two', 'pam-sweep'] as const;
export type ExecutorName = (typeof EXECUTORS)[number];
export const ADMIN = 'grace';

/** What each model policy is in files. */
export function policyTexts(policy: ModelPolicy): Readonly<Record<string, string>> {
  const yaml = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
  const may: Readonly<Record<ExecutorName, readonly string[]>> = {
    'pam-apply': ['grant', 'revoke'],
    'pam-apply-two': ['grant', 'revoke'],
    'pam-sweep': ['revoke'],
  };
  const services = Object.entries(policy.services).map(([id, owner]) => {
    const rights = Object.entries(may).find(([name]) => name === id)?.[1];
    const executes = rights === undefined ? {} : { executes: { targets: ['*'], may: rights } };
    return [id, { owner, keys: [{ key: keyOf(id).line }], ...executes }];
  });
  const roles = Object.entries(policy.roles).map(([name, role]) => [
    name,
    {
      description: name,
      target: role.target,
      permissions: role.permissions,
      risk: 'standard',
      max_duration: `${role.maxSeconds}s`,
      requesters: role.requesters,
      may_preexist: role.mayPreexist,
      decide_within: '6h',
      approval: role.rules.map(({ approvers, threshold, fallback }) => ({
        approvers,
        threshold,
        ...(fallback === null
          ? {}
          : { fallback: [{ approvers: fallback.approvers, after: `${fallback.after}s` }] }),
      })),
    },
  ]);
  const targets = {
    shelf: { provider: 'command', config: { plugin: 'shelf' } },
    bastion: {
      provider: 'ssh-ca',
      config: { ca_key_env: 'CA', ca_public_key: keyOf('ca').line, krl_env: 'KRL', extensions: [] },
    },
  };
  return {
    'pam.yaml': yaml({ version: 1, forge: { kind: 'git', remote: 'origin' }, open_requests: 1000 }),
    'policy/people.yaml': yaml({
      people: Object.fromEntries(
        policy.people.map((name) => [name, { name, keys: [{ key: keyOf(name).line }] }]),
      ),
      services: Object.fromEntries(services),
      admins: { people: [ADMIN], threshold: 1 },
      revoked_keys: Object.entries(policy.compromised).map(([name, since]) => ({
        fingerprint: fingerprintOf(name),
        // Reported half an hour after it was stolen: what was recorded in between is void all the same.
        at: instantOf((since + 1800) * 1000),
        reason: 'compromised',
        since: instantOf(since * 1000),
      })),
    }),
    'policy/roles.yaml': yaml({ roles: Object.fromEntries(roles) }),
    'policy/targets.yaml': yaml({
      targets: Object.fromEntries(Object.entries(targets).filter(([name]) => policy.targets.includes(name))),
    }),
  };
}

export type Mood = 'well' | 'down' | 'breaks' | 'lies';

/** A call as it reached a target, and what the executor's clock said when it was ordered. */
export interface Call {
  readonly op: 'grant' | 'revoke';
  readonly target: string;
  readonly id: string;
  readonly login: string;
  readonly permissions: readonly string[];
  readonly until: number;
  readonly clock: number;
}

/** What is granted here is an entry of a map; certificates and what audit reads in them are tested with ssh-keygen. */
const { faultOfReceipt: _certificates, ...withoutPaper } = sshCa;

/**
 * Two targets in memory: `shelf`, where a permission of a login is one fact whoever gave it, and `bastion`, where
 * each grant is an object of its own that expires by itself. Keys: `shelf <login> <permission>`, `bastion <id>`.
 */
export class Targets {
  /** Until when, by the world's clock. */
  readonly there = new Map<string, number>();
  mood: Mood = 'well';
  onCall: (call: Call) => void = () => undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  present(key: string): boolean {
    return (this.there.get(key) ?? 0) > this.#now();
  }

  keys(): readonly string[] {
    return [...this.there.keys()].filter((key) => this.present(key)).sort();
  }

  readonly providers: ReadonlyMap<string, Provider> = new Map([
    ['command', { ...command, open: async ({ target }) => await Promise.resolve(this.#session(target)) }],
    ['ssh-ca', { ...withoutPaper, open: async ({ target }) => await Promise.resolve(this.#session(target)) }],
  ]);

  #session(target: string): TargetSession {
    const place = (id: string, login: string, permission: string): string =>
      target === 'bastion' ? `bastion ${id}` : `shelf ${login} ${permission}`;
    const ask = (): void => {
      if (this.mood === 'down') throw new PamError('E_PRV', `${target} is down`);
    };
    const act = async (op: Call['op'], order: Order): Promise<void> => {
      ask();
      const { id, login, permissions, until, now } = order;
      const times = { until: Date.parse(until) / 1000, clock: Date.parse(now) / 1000 };
      this.onCall({ op, target, id, login, permissions, ...times });
      if (this.mood === 'lies') return;
      for (const one of permissions) {
        if (op === 'revoke') this.there.delete(place(id, login, one));
        else this.there.set(place(id, login, one), target === 'bastion' ? times.until : Infinity);
      }
      if (this.mood === 'breaks') throw new PamError('E_PRV', `${target} broke down afterwards`);
      await Promise.resolve();
    };
    return {
      verifyIdentity: async () => {
        await Promise.resolve(ask());
      },
      grant: async (order) => {
        await act('grant', order);
        return {};
      },
      revoke: async (order) => {
        await act('revoke', order);
      },
      inspect: async ({ id, login, permissions }) => {
        ask();
        const which = permissions.filter((one) => this.present(place(id, login, one)));
        return await Promise.resolve(which.length === 0 ? { state: 'absent' } : { state: 'present', which });
      },
    };
  }
}

/** One machine: a clone, a memory outside it, and a clock that may be wrong. */
export interface Host {
  readonly name: string;
  readonly table: RefTable;
  readonly memory: Memory;
  skew: number;
}

export interface Wires {
  readonly objects: MemoryObjects;
  readonly remote: RefTable;
  readonly targets: Targets;
  readonly now: () => number;
  readonly root: Sha256 | undefined;
  readonly nonce: (bytes: number) => string;
}

export function repositoryOf({ objects, remote }: Wires, host: Host): Repository {
  return memoryRepository(objects, host.table, { name: 'origin', url: 'memory:access', table: remote });
}

export const clockOf = (wires: Wires, host: Host): Instant => instantOf((wires.now() + host.skew) * 1000);

export async function deskOf(wires: Wires, host: Host): Promise<Desk> {
  const repository = repositoryOf(wires, host);
  const remote = await repository.remote('origin');
  const clock = (): Instant => clockOf(wires, host);
  return {
    repository,
    remote: { name: 'origin', open: async () => await Promise.resolve(remote) },
    hint: { main: 'main', ledger: 'pam-ledger' },
    memory: host.memory,
    givenRoot: wires.root,
    offline: false,
    clock,
    pause: async () => {
      await Promise.resolve();
    },
    chance: () => 0,
    nonce: (bytes) => wires.nonce(bytes),
    env: {},
    providers: wires.targets.providers,
    notices: new Map(),
    branchesAbout,
    forge: async ({ main }) =>
      await Promise.resolve(
        gitBranches({ repository, main, now: clock, chance: () => 0, remote: { name: 'origin', remote } }),
      ),
    incidents: (_config, main) => fileIncidents({ repository, main, readIncident }),
    bringAlong: async () => await Promise.resolve({ left: null }),
    interrupted: () => false,
    allRecorded: () => undefined,
    progress: () => undefined,
    note: () => undefined,
    keyOf: async (name) => await Promise.resolve(fingerprintOf(name)),
    sign: async (text, namespace, name) => await Promise.resolve(signAs(name, text, namespace)),
  };
}

export function newHost(name: string): Host {
  return { name, table: new Map(), memory: memoryOfHost(), skew: 0 };
}

/** What a host remembers; `kept-heads.ts` keeps the same in files. */
function memoryOfHost(): Memory {
  const heads = new Map<string, KeptHead>();
  const told = new Map<string, string>();
  let root: Sha256 | undefined;
  let branches: Branches | undefined;
  return {
    directory: '/memory',
    pinnedRoot: async () => await Promise.resolve(root),
    pinRoot: async (pinned) => {
      root = await Promise.resolve(pinned);
    },
    branches: async () => await Promise.resolve(branches),
    keepBranches: async (names) => {
      branches = await Promise.resolve(names);
    },
    keptHead: async (owner) => await Promise.resolve(heads.get(owner)),
    keepHead: async (owner, kept) => {
      await Promise.resolve(heads.set(owner, kept));
    },
    keptNotices: async (executor) => await Promise.resolve(told.get(executor)),
    keepNotices: async (executor, _root, text) => {
      await Promise.resolve(told.set(executor, text));
    },
  };
}
