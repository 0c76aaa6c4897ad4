/**
 * A whole access repository in one directory, made and used by the real flows: keys, policy, clones, what each
 * host remembers, and a target that writes down its own calls. The directory may be copied and opened again, so
 * that a test can begin many times from one moment. The clock is the test's: it stands still unless it is moved.
 *
 *   keys/                     everybody's signing keys, and the CA's
 *   hosts/<host>/repo         one clone for each host
 *   hosts/<host>/state        what that host remembers
 *   remote.git                the shared remote, if there is one
 *   plugins/ shelf/ krl       the targets
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { layDesk } from '../../src/context.ts';
import { apply } from '../../src/flows/executor/apply.ts';
import { type Audited, audit } from '../../src/flows/audit/audit.ts';
import { beginLedger } from '../../src/flows/setup/begin-ledger.ts';
import type { Desk, Executor, Signer } from '../../src/flows/desk.ts';
import { type LogLine, log } from '../../src/flows/audit/log.ts';
import { freshLedger, lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { proposeRequest } from '../../src/flows/people/make-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { ratifiable, ratify } from '../../src/flows/people/ratify-policy.ts';
import type { RunResult } from '../../src/flows/executor/run-result.ts';
import { prepareApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { prepareStop, signStop } from '../../src/flows/people/sign-stop.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import { walkWhole } from '../../src/flows/ledger/walk/walk-whole.ts';
import { addRemote, commitPaths, startRepository } from '../../src/git/start-repository.ts';
import { memoryOf } from '../../src/memory/kept-heads.ts';
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import { type Instant, parseInstant } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { mayBeLive, type OpenRecord } from '../../src/model/open-record.ts';
import { POLICY_PATHS } from '../../src/model/policy.ts';
import { signAsExecutor } from '../../src/signing/sign-as-executor.ts';
import { generateKey, readPublicKey } from '../../src/signing/ssh-keygen.ts';
import { type Call, type Manners, PLUGIN, pluginFiles } from './shelf-plugin.ts';

export const BEGIN = instant('2026-11-22T18:00:00Z');
const KEYS = ['alice', 'bob', 'dana', 'erin', 'pam-apply', 'pam-apply-two', 'pam-sweep', 'ca'];
export const FIRST: ExecutorName = 'pam-apply';
export type ExecutorName = 'pam-apply' | 'pam-apply-two' | 'pam-sweep';

export function instant(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined) throw new Error(`not an instant: ${text}`);
  return at;
}

/** What a test may say about policy; the rest is always the same. */
export interface PolicyWish {
  readonly withoutSubject?: string;
  readonly withoutTarget?: string;
  readonly revokedKeys?: readonly Readonly<Record<string, string>>[];
  readonly openRequests?: number;
  /** Bytes of `pam.yaml` that no reader accepts. */
  readonly broken?: boolean;
  /** A change that is valid and that nobody signed. */
  readonly note?: string;
}

export interface Wanted {
  readonly role: string;
  readonly requester?: string;
  readonly approver?: string;
  readonly duration?: string;
  readonly scope?: Readonly<Record<string, string>>;
  readonly incident?: string;
}

export type DeskChange = (desk: Desk) => Desk;

export interface World {
  readonly home: string;
  readonly host: string;
  readonly dir: string;
  readonly remote: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Where the clock stands. */
  now: Instant;
  /** Somebody pressed Ctrl-C. */
  interrupted: boolean;
  /** Lines for people that the flows wrote. */
  readonly notes: string[];
  readonly desk: (change?: DeskChange) => Promise<Desk>;
  /** The desk of a run with `--offline`. */
  readonly offline: () => Promise<Desk>;
  readonly executor: (name?: ExecutorName) => Executor;
  readonly signer: (person: string) => Signer;
  /** Asked for, approved and merged: only `apply` is missing. */
  readonly ask: (wanted: Wanted) => Promise<RequestId>;
  readonly stop: (id: RequestId, person: string) => Promise<void>;
  readonly apply: (options?: RunOptions) => Promise<RunResult>;
  readonly sweep: (options?: RunOptions) => Promise<RunResult>;
  readonly audit: () => Promise<Audited>;
  readonly events: () => Promise<readonly LogLine[]>;
  /** The ledger as this clone holds it, from genesis: fetches nothing, remembers nothing. */
  readonly peek: () => Promise<Peek>;
  readonly records: () => Promise<ReadonlyMap<RequestId, OpenRecord>>;
  readonly record: (id: RequestId) => Promise<OpenRecord>;
  /** Commits files to main, as an admin with a plain git would. */
  readonly commitToMain: (files: Readonly<Record<string, string>>) => void;
  readonly commitPolicy: (wish: PolicyWish) => Promise<void>;
  readonly ratify: (person?: string) => Promise<void>;
  /** What the shelf holds: `<realm> <login> <permission>`. */
  readonly held: () => readonly string[];
  readonly putOnShelf: (what: string) => void;
  readonly calls: (op?: Call['op']) => readonly Call[];
  readonly manners: (realm: string, manners: Manners) => void;
  readonly git: (...args: readonly string[]) => string;
  /** Another clone with another memory, and the clock of this one. */
  readonly another: (host: string) => World;
  /** The same world once more, from this moment on, in a directory of its own. */
  readonly copy: (home: string) => World;
}

export interface Peek {
  readonly records: readonly OpenRecord[];
  /** Every intent that was ever recorded, oldest first. */
  readonly intents: readonly GrantingEvent[];
}

export interface RunOptions {
  readonly executor?: ExecutorName;
  readonly only?: readonly RequestId[];
  readonly change?: DeskChange;
}

export async function makeWorld(home: string, options: { readonly remote?: boolean } = {}): Promise<World> {
  for (const dir of ['keys', 'user', 'plugins', 'shelf/held', 'shelf/manners', 'hosts/one/repo']) {
    mkdirSync(join(home, dir), { recursive: true, mode: 0o755 });
  }
  for (const [name, text] of Object.entries(pluginFiles()))
    writeFileSync(join(home, 'plugins', name), text, { mode: 0o755 });
  writeFileSync(join(home, 'plugins', 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(home, 'shelf', 'calls'), '');
  const env = environmentOf(home, 'one');
  for (const name of KEYS) await generateKey(join(home, 'keys', name), name, env);
  const dir = join(home, 'hosts', 'one', 'repo');
  await startRepository(dir, 'main', env);
  if (options.remote === true) {
    gitIn(home, home, ['init', '-q', '--bare', '-b', 'main', 'remote.git']);
    // Or each push starts a git that looks whether there is enough to tidy up, which there never is.
    gitIn(home, join(home, 'remote.git'), ['config', 'receive.autogc', 'false']);
    await addRemote(dir, 'origin', join(home, 'remote.git'), env);
  }
  const files = await policyFiles(home, {});
  for (const [path, text] of Object.entries(files)) put(dir, path, text);
  await commitPaths(dir, POLICY_PATHS, { message: 'An access repository', author: 'alice', at: BEGIN }, env);
  const world = openWorld(home, 'one', BEGIN);
  const { root } = await beginLedger(await world.desk(), world.signer('alice'), world.executor());
  writeFileSync(join(home, 'root'), root);
  return world;
}

/** The environment of a host: what `main.ts` would find there. */
export function environmentOf(home: string, host: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: join(home, 'user'),
    TMPDIR: process.env['TMPDIR'] ?? '/tmp',
    XDG_STATE_HOME: join(home, 'hosts', host, 'state'),
    PAM_PLUGIN_DIR: join(home, 'plugins'),
    PAM_BASTION_CA_KEY: join(home, 'keys', 'ca'),
    PAM_BASTION_KRL: join(home, 'krl'),
  };
}

export function openWorld(home: string, host: string, now: Instant): World {
  const dir = join(home, 'hosts', host, 'repo');
  const bare = join(home, 'remote.git');
  const remote = existsSync(bare) ? bare : null;
  const env = environmentOf(home, host);
  const notes: string[] = [];
  const git = (...args: readonly string[]): string => gitIn(home, dir, args);

  const lay = async (isOffline: boolean): Promise<Desk> => {
    const root = existsSync(join(home, 'root')) ? readFileSync(join(home, 'root'), 'utf8') : undefined;
    const outside = {
      env,
      cwd: home,
      clock: () => world.now,
      interrupted: () => world.interrupted,
      note: (line: string) => notes.push(line),
      progress: () => undefined,
    };
    return await layDesk(outside, { dir, root, offline: isOffline });
  };
  const desk: World['desk'] = async (change = (one) => one) => change(await lay(false));
  const signer = (person: string): Signer => ({ id: person, keyFile: join(home, 'keys', person) });
  const executor = (name: ExecutorName = FIRST): Executor => ({ name, keyFile: join(home, 'keys', name) });

  const ask: World['ask'] = async (wanted) => {
    const { role, requester = 'dana', approver = 'bob', duration = '1h', scope = {}, incident } = wanted;
    const wish = { role, duration, justification: 'The lock has to go.', controls: [], scope, incident };
    const at = await desk(signedHere);
    const { request } = await proposeRequest(at, signer(requester), wish);
    const looked = await lookAtRequest(at, request.id);
    await signApproval(at, looked, prepareApproval(looked, approver, null), signer(approver));
    await mergeRequest(at, await lookAtRequest(at, request.id), 'alice');
    return request.id;
  };
  const records: World['records'] = async () => (await freshLedger(await desk())).view.state.index.records;

  const commitToMain: World['commitToMain'] = (files) => {
    if (remote !== null) {
      git('fetch', '-q', 'origin');
      git('checkout', '-q', '-B', 'main', 'origin/main');
    }
    for (const [path, text] of Object.entries(files)) put(dir, path, text);
    git('add', '-A', '.');
    git('commit', '-q', '-m', 'A change');
    if (remote !== null) git('push', '-q', 'origin', 'main');
  };

  const world: World = {
    home,
    host,
    dir,
    remote,
    env,
    now,
    interrupted: false,
    notes,
    desk,
    offline: async () => await lay(true),
    executor,
    signer,
    ask,
    stop: async (id, person) => {
      const at = await desk(signedHere);
      const looked = await lookAtRequest(at, id);
      await signStop(at, looked, prepareStop(looked, person, 'done'), signer(person));
    },
    apply: async ({ executor: name, only, change } = {}) =>
      await apply(await desk(change), executor(name), only === undefined ? undefined : new Set(only)),
    sweep: async ({ executor: name, change } = {}) =>
      await sweep(await desk(change), executor(name), { targets: [] }),
    audit: async () => await audit(await desk(), undefined),
    events: async () => (await log(await desk(), { limit: 100_000 })).events,
    peek: async () => {
      const intents: GrantingEvent[] = [];
      const { last } = await walkWhole(await desk(), {
        step: ({ after }) => {
          intents.push(...after.entry.events.filter((one) => one.type === 'granting'));
        },
      });
      return { records: [...last.after.index.records.values()], intents };
    },
    records,
    record: async (id) => {
      const record = (await records()).get(id);
      if (record === undefined) throw new Error(`nothing is recorded about ${id}`);
      return record;
    },
    commitToMain,
    commitPolicy: async (wish) => {
      commitToMain(await policyFiles(home, wish));
    },
    ratify: async (person = 'alice') => {
      const at = await desk();
      const found = await ratifiable(at);
      if (found === undefined) throw new Error('main holds the policy in force');
      const { inForce } = await ratify(at, found, signer(person), executor());
      if (!inForce) throw new Error('the policy did not come into force');
    },
    held: () =>
      readdirSync(join(home, 'shelf', 'held'))
        .map(decodeURIComponent)
        .sort(),
    putOnShelf: (what) => {
      writeFileSync(join(home, 'shelf', 'held', encodeURIComponent(what)), '');
    },
    calls: (op) => {
      const lines = readFileSync(join(home, 'shelf', 'calls'), 'utf8')
        .split('\n')
        .slice(0, -1);
      // The plugin of this very directory wrote it.
      const calls = lines.map((line) => JSON.parse(line) as Call);
      return op === undefined ? calls : calls.filter((one) => one.op === op);
    },
    manners: (realm, manners) => {
      writeFileSync(join(home, 'shelf', 'manners', `${realm}.json`), JSON.stringify(manners));
    },
    git,
    another: (name) => {
      const place = join(home, 'hosts', name, 'repo');
      if (remote === null) throw new Error('there is no remote to clone');
      gitIn(home, home, ['clone', '-q', remote, place]);
      return openWorld(home, name, world.now);
    },
    copy: (to) => copyOf(world, to),
  };
  return world;
}

/**
 * The desk of a person whose key has no passphrase: what `ssh-keygen` would sign, byte for byte, without a process
 * (`executor-signing.test.ts` compares the two; that people go to `ssh-keygen` the tests of the program show).
 */
export const signedHere: DeskChange = (desk) => ({
  ...desk,
  sign: async (text, namespace, keyFile) => await signAsExecutor(text, namespace, keyFile, desk.env),
});

/** Paths are part of what a host remembers: they move along. */
function copyOf(world: World, to: string): World {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', world.home, to]);
  for (const host of readdirSync(join(to, 'hosts'))) {
    const state = join(to, 'hosts', host, 'state');
    const placeIn = (home: string): string =>
      world.remote === null ? join(home, 'hosts', host, 'repo', '.git') : join(home, 'remote.git');
    const old = memoryOf(state, placeIn(world.home)).directory;
    if (existsSync(old)) renameSync(old, memoryOf(state, placeIn(to)).directory);
    if (world.remote !== null) {
      const config = join(to, 'hosts', host, 'repo', '.git', 'config');
      const moved = readFileSync(config, 'utf8').replace(world.remote, join(to, 'remote.git'));
      if (!moved.includes(join(to, 'remote.git'))) throw new Error(`${config} names another remote`);
      writeFileSync(config, moved);
    }
  }
  return openWorld(to, world.host, world.now);
}

/** What may be live by the ledger's word, as the shelf would show it. */
export function explained(records: Iterable<OpenRecord>): readonly string[] {
  return [...records].filter(mayBeLive).flatMap(({ grant }) => {
    const { options } = (grant?.config ?? {}) as { readonly options?: { readonly realm: string } };
    return (grant?.permissions ?? []).map((one) => `${options?.realm} ${grant?.login} ${one}`);
  });
}

async function policyFiles(home: string, wish: PolicyWish): Promise<Readonly<Record<string, string>>> {
  const env = environmentOf(home, 'one');
  const keyOf = async (name: string): Promise<string> => await readPublicKey(join(home, 'keys', name), env);
  const keys = Object.fromEntries(
    await Promise.all(KEYS.map(async (name) => [name, await keyOf(name)] as const)),
  );
  const person = (name: string) => ({ name, keys: [{ key: keys[name] }] });
  const service = (name: string, may: readonly string[]) => ({
    owner: 'alice',
    keys: [{ key: keys[name] }],
    executes: { targets: ['*'], may },
  });
  const people = ['alice', 'bob', 'dana', 'erin'].filter((name) => name !== wish.withoutSubject);
  const requesters = ['dana', 'erin'].filter((name) => name !== wish.withoutSubject);
  const role = (target: string, permissions: readonly string[], more: object = {}) => ({
    description: `${permissions.join(' and ')} on ${target}`,
    target,
    permissions,
    risk: 'admin',
    max_duration: '8h',
    requesters,
    approval: [{ approvers: ['alice', 'bob'], threshold: 1 }],
    decide_within: '48h',
    ...more,
  });
  const slots = Array.from({ length: 40 }, (_, slot) => `s${slot}`);
  const shelf = (realm: string) => ({
    provider: 'command',
    config: { plugin: PLUGIN, options: { realm }, identity: realm },
  });
  const targets = {
    north: shelf('north'),
    south: shelf('south'),
    bastion: {
      provider: 'ssh-ca',
      config: {
        ca_key_env: 'PAM_BASTION_CA_KEY',
        ca_public_key: keys['ca'],
        krl_env: 'PAM_BASTION_KRL',
        extensions: ['permit-pty'],
      },
    },
  };
  const roles = {
    reader: role('north', ['read']),
    writer: role('north', ['read', 'write']),
    slot: role('north', ['slot:{slot}'], { scope: { slot: { enum: slots } } }),
    keeper: role('north', ['keep'], { may_preexist: true }),
    fixer: role('north', ['fix'], { require: ['incident'] }),
    southerner: role('south', ['read']),
    root: role('bastion', ['principal:root']),
  };
  const isGone = (name: string | undefined): boolean => name !== undefined && name === wish.withoutTarget;
  const kept = (table: Readonly<Record<string, object>>) =>
    Object.fromEntries(
      Object.entries(table).filter(
        ([name, one]) => !isGone(name) && !('target' in one && one.target === wish.withoutTarget),
      ),
    );
  const forge = existsSync(join(home, 'remote.git')) ? { kind: 'git', remote: 'origin' } : { kind: 'git' };
  const yaml = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const note = wish.note === undefined ? '' : `# ${wish.note}\n`;
  return {
    // High enough for tests that try everything as one requester.
    'pam.yaml':
      wish.broken === true
        ? 'version: 1\nforge: [\n'
        : note + yaml({ version: 1, forge, open_requests: wish.openRequests ?? 500 }),
    'policy/people.yaml': yaml({
      people: Object.fromEntries(people.map((name) => [name, person(name)])),
      services: {
        'pam-apply': service('pam-apply', ['grant', 'revoke']),
        'pam-apply-two': service('pam-apply-two', ['grant', 'revoke']),
        'pam-sweep': service('pam-sweep', ['revoke']),
      },
      admins: { people: ['alice'], threshold: 1 },
      revoked_keys: wish.revokedKeys ?? [],
    }),
    'policy/roles.yaml': yaml({ roles: kept(roles) }),
    'policy/targets.yaml': yaml({ targets: kept(targets) }),
  };
}

function put(dir: string, path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

function gitIn(home: string, dir: string, args: readonly string[]): string {
  const as = ['-c', 'user.name=alice', '-c', 'user.email=alice@pam', '-c', 'protocol.file.allow=always'];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(home, 'user'),
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  };
  return execFileSync('git', [...as, ...args], {
    cwd: dir,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** Makes the remote answer each push only after a while, so that executors really meet. */
export function delayPushes(world: World, milliseconds: number): void {
  const hook = join(world.home, 'remote.git', 'hooks', 'pre-receive');
  mkdirSync(dirname(hook), { recursive: true });
  // In a shell: node itself would take longer to start than most of these waits. One of 256 lengths.
  const script = `#!/bin/sh
ms=$(($(od -An -N1 -tu1 /dev/urandom) * ${milliseconds} / 256))
exec sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
`;
  writeFileSync(hook, script, { mode: 0o755 });
}
