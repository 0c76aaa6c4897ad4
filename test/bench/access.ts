/** Clones of a history, and the machines that work in them: each with a memory of its own, outside the clone. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { layDesk } from '../../src/context.ts';
import { printCheckpoint } from '../../src/documents/checkpoint-file.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { openRepository } from '../../src/git/repository.ts';
import { memoryOf } from '../../src/memory/kept-heads.ts';
import { type Instant, instantOf } from '../../src/model/instant.ts';
import type { Sha256 } from '../../src/model/names.ts';
import { isOid } from '../../src/model/names.ts';
import { CHECKPOINT_NAMESPACE } from '../../src/model/statement.ts';
import { keyNamed, writeKeyFiles } from './keys.ts';
import { APPLY, type History, KEY_NAMES, SWEEP } from './make-history.ts';
import { must, PLACE, run } from './measure.ts';

export const KEYS = join(PLACE, 'keys');
writeKeyFiles(KEYS, KEY_NAMES);

export interface Machine {
  readonly clone: string;
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What `pam sweep` needs to know of its machine. */
export function machineAt(place: string, root: Sha256, executor: string = SWEEP): Machine {
  const sudoers = join(PLACE, 'sudoers.d');
  mkdirSync(sudoers, { recursive: true, mode: 0o750 });
  const state = join(place, 'state');
  const env = {
    XDG_STATE_HOME: state,
    PAM_ROOT: root,
    PAM_EXECUTOR: executor,
    PAM_EXECUTOR_KEY: join(KEYS, executor),
    PAM_SUDOERS_DIR: sudoers,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  return { clone: join(place, 'clone'), state, env };
}

export async function git(dir: string, ...args: readonly string[]): Promise<string> {
  const env = { GIT_CONFIG_NOSYSTEM: '1' };
  const who = ['-c', 'user.name=bench', '-c', 'user.email=bench@pam', '-c', 'gc.auto=0'];
  return (await must(run('git', ['-C', dir, ...who, ...args], { env }))).out.trim();
}

/** A second bare repository with the same objects, as hard links. */
export function copyOf(bare: string, to: string): string {
  cpSync(bare, to, { recursive: true, preserveTimestamps: true });
  return to;
}

export interface CloneHow {
  /** As a CI job clones: the newest commit of each branch. */
  readonly shallow?: boolean;
  /** The clone is of yesterday: what is newer has to be fetched. */
  readonly yesterday?: boolean;
}

export async function cloneOf(
  history: Pick<History, 'dir' | 'yesterday'>,
  to: string,
  how: CloneHow = {},
): Promise<string> {
  const tip = await git(history.dir, 'rev-parse', 'refs/heads/pam-ledger');
  if (how.yesterday === true)
    await git(history.dir, 'update-ref', 'refs/heads/pam-ledger', history.yesterday.commit);
  const depth = how.shallow === true ? ['--depth=1', '--no-single-branch'] : [];
  await must(run('git', ['clone', '-q', '--no-local', ...depth, `file://${history.dir}`, to]));
  await git(history.dir, 'update-ref', 'refs/heads/pam-ledger', tip);
  return to;
}

/** The machine remembers yesterday's entry, as its own executor key signed it. */
export async function rememberYesterday(
  history: History,
  machine: Machine,
  executor: string = SWEEP,
): Promise<void> {
  const repository = await openRepository(machine.clone, { PATH: process.env['PATH'] });
  const { url } = await repository.remote('origin');
  const memory = memoryOf(machine.state, url);
  await memory.pinRoot(history.root);
  await memory.keepBranches({ main: 'main', ledger: 'pam-ledger' });
  const { seq, head, at, commit } = history.yesterday;
  if (!isOid(commit)) throw new Error(`no commit: ${commit}`);
  const text = Buffer.from(
    printCheckpoint({ schema: 'pam.checkpoint/1', root: history.root, seq, head, at }),
  ).toString('utf8');
  const signature = keyNamed(executor).sign(text, CHECKPOINT_NAMESPACE);
  await memory.keepHead(`executor.${executor}`, { text, signature, commit });
}

/** The desk of a run in this process. @param ahead seconds */
export async function deskAt(machine: Machine, ahead = 0): Promise<Desk> {
  const clock = (): Instant => instantOf(Date.now() + ahead * 1000);
  const silent = (): void => undefined;
  const outside = {
    env: { PATH: process.env['PATH'] ?? '', HOME: PLACE, TMPDIR: PLACE, ...machine.env },
    cwd: machine.clone,
    clock,
    interrupted: () => false,
    note: silent,
    progress: silent,
  };
  return await layDesk(outside, { dir: undefined, root: undefined, offline: false });
}

export { APPLY, SWEEP };
