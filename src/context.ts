/**
 * The composition root: one desk and one session a run, from concrete adapters, laid only when a command asks for
 * them. Clock, streams and signals come from `program.ts`; nothing below reads them anywhere else.
 *
 * One file: every adapter that a run can have is seen in one place.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readIncident } from './documents/incident-file.ts';
import { POLICY_BYTES, readYaml } from './documents/yaml.ts';
import { plainBytes } from './files/plain-file.ts';
import { plainGit } from './forges/plain-git.ts';
import { forges, kindOf } from './forges/registry.ts';
import { bringAlong } from './git/bring-along.ts';
import { examineClone, gitVersion, receiveSettings } from './git/examine-clone.ts';
import { offlineRemote } from './git/offline-remote.ts';
import { openRepository } from './git/repository.ts';
import { examineDirectory } from './memory/examine-directory.ts';
import { type Memory, memoryOf } from './memory/kept-heads.ts';
import { expected, PamError } from './model/error.ts';
import type { Forge } from './model/forge.ts';
import { isUnreadable, type Remote, type Repository } from './model/git.ts';
import type { Instant } from './model/instant.ts';
import type { Machine } from './model/machine.ts';
import { isName, isSha256, type Sha256 } from './model/names.ts';
import { isPlainGit, type PamConfig } from './model/policy.ts';
import { CHECKPOINT_NAMESPACE, LEDGER_NAMESPACE } from './model/statement.ts';
import { noticeKinds } from './notices/registry.ts';
import { type Doors, openDoors } from './process/doors.ts';
import { stateHome } from './process/own-places.ts';
import { examineKey, keygenSigns } from './signing/examine-key.ts';
import { signAsExecutor } from './signing/sign-as-executor.ts';
import { readPublicKey, signText } from './signing/ssh-keygen.ts';
import { openSource } from './sources/open-source.ts';
import { sources } from './sources/registry.ts';
import { providers } from './targets/registry.ts';
import { parsePublicKey } from './trust/public-key.ts';
import type { Desk, Executor } from './flows/desk.ts';
import type { Auditors, PartFound } from './flows/audit/ledger-part.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a run has of the world, as the desk takes it. */
export interface Outside {
  readonly env: Environment;
  readonly cwd: string;
  readonly clock: () => Instant;
  readonly interrupted: () => boolean;
  readonly note: (line: string) => void;
  readonly progress: (what: string) => void;
}

export interface Options {
  readonly dir: string | undefined;
  readonly root: string | undefined;
  readonly offline: boolean;
}

/**
 * A file that a person named, from where they stand. Where this process stands there too it stays as they named it, which is
 * how messages say it; `~/` is the home directory (`signing/ssh-keygen.ts`).
 */
export function fileFrom(cwd: string, path: string): string {
  const file = resolve(cwd, path);
  return path.startsWith('~/') || file === resolve(path) ? path : file;
}

/** Entries and kept heads. What a person signs goes to ssh-keygen, which may ask for a passphrase or a touch. */
const EXECUTORS_SIGN: ReadonlySet<string> = new Set([LEDGER_NAMESPACE, CHECKPOINT_NAMESPACE]);

export const directoryOf = (outside: Outside, dir: string | undefined): string =>
  resolve(outside.cwd, dir ?? '.');

export async function layDesk(outside: Outside, options: Options): Promise<Desk> {
  const { env } = outside;
  const dir = directoryOf(outside, options.dir);
  const doors = openDoors(outside.interrupted);
  const repository = doors.repository(await openRepository(dir, env));
  let opened: Promise<Remote> | undefined;
  const connect = async (name: string): Promise<Remote> => {
    const remote = await repository.remote(name);
    return options.offline ? offlineRemote(repository, name, remote.url) : remote;
  };
  const open = (name: string): Promise<Remote> => (opened ??= connect(name));
  const { hint, memory } = await locate(repository, env, outside.note);
  const remoteName = hint.forge.remote;
  return {
    repository,
    remote: remoteName === undefined ? null : { name: remoteName, open: () => open(remoteName) },
    hint,
    memory,
    givenRoot: rootOf(options.root ?? env['PAM_ROOT']),
    offline: options.offline,
    clock: outside.clock,
    pause: doors.pause,
    chance: Math.random,
    nonce: (bytes) => randomBytes(bytes).toString('hex'),
    env,
    providers: doors.providers(providers),
    notices: noticeKinds,
    branchesAbout: kindOf(hint.forge).branchesAbout,
    forge: forgesOf(repository, open, outside, options.offline, doors),
    incidents: ({ incidents }, main) =>
      openSource(sources, { config: incidents, env, repository, main, readIncident }),
    bringAlong: async (branch, from, to) => {
      const along = await bringAlong(repository, env, { branch, from, to });
      return { left: along.state === 'left' ? along.why : null };
    },
    interrupted: outside.interrupted,
    allRecorded: doors.allRecorded,
    note: outside.note,
    progress: outside.progress,
    keyOf: async (keyFile) => parsePublicKey(await readPublicKey(keyFile, env)).fingerprint,
    sign: doors.signing(
      async (text: string, namespace: string, keyFile: string) =>
        await (EXECUTORS_SIGN.has(namespace) ? signAsExecutor : signText)(text, namespace, keyFile, env),
    ),
  };
}

/** What a process of `audit-worker.ts` is told. */
export interface AuditSetup {
  readonly env: Environment;
  readonly cwd: string;
  readonly now: Instant;
  readonly options: Options;
}

/** One for each core. They need the built program: the source as it stands cannot be run by node alone. */
/** For long ledgers; `null` where there is one core, or nothing to start them from. */
export function auditorsOf({ env, cwd, clock }: Outside, options: Options): Auditors | null {
  const file = fileURLToPath(new URL('audit-worker.cjs', import.meta.url));
  const count = availableParallelism();
  if (!import.meta.url.endsWith('.cjs') || count < 2) return null;
  return {
    count,
    worthwhile: 2000,
    longest: 4096,
    found: async function* (jobs, jobAt) {
      const { inOrder } = await import('./process/crew.ts');
      const setup: AuditSetup = { env: { ...env }, cwd, now: clock(), options };
      yield* inOrder<PartFound | null>(
        { file, env: definedOf(env), cwd, setup, workers: count },
        jobs,
        jobAt,
      );
    },
  };
}

const definedOf = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

export function layMachine(env: Environment): Machine {
  return {
    gitVersion: async () => await gitVersion(env),
    keygenSigns: async () => await keygenSigns(env),
    key: async (file) => await examineKey(file, env),
    clone: async (gitDir) => await examineClone(gitDir, env),
    receive: async (url) => await receiveSettings(url, env),
    directory: examineDirectory,
  };
}

/** The kind says how it is opened, and loads what it needs. */
function forgesOf(
  repository: Repository,
  open: (name: string) => Promise<Remote>,
  outside: Outside,
  offline: boolean,
  { write: door }: Doors,
): (config: PamConfig) => Promise<Forge> {
  const { clock: now, note } = outside;
  const env = withKeyFile(outside);
  const chance = Math.random;
  const made = new Map<string, unknown>();
  const once = <T>(name: string, make: () => T): T => {
    if (!made.has(name)) made.set(name, make());
    // Each name has one maker.
    return made.get(name) as T;
  };
  return async (config) => {
    const { remote } = config.forge;
    const side = remote === undefined ? {} : { remote: { name: remote, remote: await open(remote) } };
    const place = { config, repository, ...side, offline, env, now, chance, note, door, once };
    return await kindOf(config.forge).open(place);
  };
}

/** The environment, with the key file of a GitHub App named from where the run was started. */
function withKeyFile({ env, cwd }: Outside): Environment {
  const name = 'PAM_GITHUB_APP_KEY';
  const file = env[name] ?? '';
  return file === '' ? env : { ...env, [name]: fileFrom(cwd, file) };
}

type Hint = Pick<PamConfig, 'main' | 'ledger'> & {
  readonly forge: { readonly kind: string; readonly remote?: string };
};

/**
 * Where to look before any policy is verified. Nothing unsigned may decide that alone (else an edit of `pam.yaml` on
 * main would stop the sweeps): of all places that this clone might mean, the one that this machine has pinned comes
 * first, then the first that holds a ledger branch. The root decides whether it is the right one.
 */
async function locate(
  repository: Repository,
  env: Environment,
  note: (line: string) => void,
): Promise<{ readonly hint: Hint; readonly memory: Memory }> {
  let firstWithLedger: { readonly hint: Hint; readonly memory: Memory } | undefined;
  let first: { readonly hint: Hint; readonly memory: Memory } | undefined;
  for await (const hint of hintsOf(repository)) {
    const place = await placeOf(repository, hint);
    // A clone without the remote can still be audited; whatever needs the remote fails when it asks for it.
    const memory = memoryOf(stateHome(env), place ?? repository.gitDir, note);
    if (place !== undefined && (await memory.pinnedRoot()) !== undefined) {
      return { hint: { ...hint, ...(await memory.branches()) }, memory };
    }
    const { remote } = hint.forge;
    const ref = remote === undefined ? `refs/heads/${hint.ledger}` : `refs/remotes/${remote}/${hint.ledger}`;
    if (place !== undefined) first ??= { hint, memory };
    if (firstWithLedger === undefined && (await repository.resolve(ref)) !== undefined)
      firstWithLedger = { hint, memory };
  }
  const found = firstWithLedger ?? first;
  if (found === undefined) throw new PamError('E_BUG', 'there is always a place to look');
  return found;
}

/** The remote's URL, or the lone clone's own place; `undefined` when this clone has no such remote. */
async function placeOf(repository: Repository, hint: Hint): Promise<string | undefined> {
  if (hint.forge.remote === undefined) return repository.gitDir;
  try {
    return (await repository.remote(hint.forge.remote)).url;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

const DEFAULTS = { main: 'main', ledger: 'pam-ledger' };

/** What `pam.yaml` of the work tree and of main say, and what they would say untouched. */
async function* hintsOf(repository: Repository): AsyncGenerator<Hint, void, undefined> {
  for await (const bytes of pamFiles(repository)) {
    const hint = readHint(bytes);
    if (hint !== undefined) yield hint;
  }
  yield { ...DEFAULTS, forge: { kind: 'git', remote: 'origin' } };
  yield { ...DEFAULTS, forge: { kind: 'git' } };
}

function readHint(bytes: Uint8Array): Hint | undefined {
  try {
    const data = readYaml(bytes, 'pam.yaml', POLICY_BYTES).data as Partial<Record<string, unknown>> | null;
    const forge = data?.['forge'] as Partial<Record<string, unknown>> | null | undefined;
    const text = (value: unknown, otherwise: string): string =>
      typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._/-]{0,100}$/u.test(value) ? value : otherwise;
    const { kind } = forges.get(String(forge?.['kind'])) ?? plainGit;
    const remote = text(forge?.['remote'], isPlainGit({ kind }) ? '' : 'origin');
    return {
      main: text(data?.['main'], DEFAULTS.main),
      ledger: text(data?.['ledger'], DEFAULTS.ledger),
      forge: remote === '' ? { kind } : { kind, remote },
    };
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/**
 * One after the other: mostly the first says enough. Another branch may be checked out, which has none, and a pusher may
 * have made it a link, a directory or too large: what cannot be read is as if it were absent.
 */
async function* pamFiles(repository: Repository): AsyncGenerator<Uint8Array, void, undefined> {
  const { workTree } = repository;
  const here = workTree === null ? undefined : plainBytes(join(workTree, 'pam.yaml'), POLICY_BYTES);
  if (here !== undefined) yield here;
  for (const ref of ['refs/heads/main', 'refs/remotes/origin/main']) {
    const bytes = await pamFileAt(repository, ref);
    if (bytes !== undefined) yield bytes;
  }
}

async function pamFileAt(repository: Repository, ref: string): Promise<Uint8Array | undefined> {
  try {
    const commit = await repository.resolve(ref);
    if (commit === undefined) return undefined;
    const [bytes] = await repository.read([{ treeish: commit, path: 'pam.yaml' }], POLICY_BYTES);
    return isUnreadable(bytes) ? undefined : bytes;
  } catch (error) {
    // A hint that cannot be read is no reason to end a sweep; what else needs that branch says what is wrong with it.
    expected(error);
    return undefined;
  }
}

function rootOf(text: string | undefined): Sha256 | undefined {
  if (text === undefined || text === '') return undefined;
  if (isSha256(text)) return text;
  throw new PamError('E_USAGE', `${JSON.stringify(text)} is not a trust root`, {
    hint: 'it looks like sha256:5f0c...',
  });
}

export function executorOf(
  name: string | undefined,
  keyFile: string | undefined,
  { env, cwd }: Outside,
): Executor | null {
  const who = name ?? env['PAM_EXECUTOR'];
  const key = keyFile ?? env['PAM_EXECUTOR_KEY'];
  if (who === undefined && key === undefined) return null;
  if (who === undefined || key === undefined) {
    throw new PamError('E_USAGE', 'an executor needs a name and a key', {
      hint: 'give both --executor and --executor-key, or set both PAM_EXECUTOR and PAM_EXECUTOR_KEY',
    });
  }
  if (!isName(who)) throw new PamError('E_USAGE', `${JSON.stringify(who)} is not the name of a service`);
  return { name: who, keyFile: fileFrom(cwd, key) };
}
