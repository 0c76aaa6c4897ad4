/** Where `pam init` begins: whether the remote is one to begin on, and what of this machine is undone when it fails. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addRemote, startRepository } from '../git/start-repository.ts';
import { expected, PamError } from '../model/error.ts';
import type { Session } from './session.ts';

/** Before anything is made. Throws where the remote does not answer, or holds a ledger already. */
export async function needEmptyRemote(at: Session, url: string): Promise<void> {
  const asking = await mkdtemp(join(at.env['TMPDIR'] ?? tmpdir(), 'pam-init-'));
  try {
    await startRepository(asking, 'main', at.env);
    await addRemote(asking, 'origin', url, at.env);
    const { repository, hint } = await at.deskAt(asking);
    const ledger = `refs/heads/${hint.ledger}`;
    if ((await listed(await repository.remote('origin'), ledger)).size === 0) return;
    throw new PamError('E_LED_EXISTS', `the remote has a branch ${hint.ledger} already; nothing was made`, {
      exit: 1,
      hint: 'clone it instead of making it anew',
    });
  } finally {
    await rm(asking, { recursive: true, force: true });
  }
}

type Remote = Awaited<ReturnType<Awaited<ReturnType<Session['deskAt']>>['repository']['remote']>>;

async function listed(remote: Remote, ref: string): Promise<ReadonlyMap<string, unknown>> {
  try {
    return await remote.list([ref]);
  } catch (cause) {
    const { code, message } = expected(cause);
    throw new PamError(code, `${message}; nothing was made`, {
      hint: 'make the bare repository first (git init --bare), and see that `git ls-remote <url>` answers',
    });
  }
}

/** What stood there before: only what pam made is ever undone. */
export interface Before {
  readonly place: string;
  readonly directory: boolean;
  readonly repository: boolean;
}

export const whatIsThere = (place: string): Before => ({
  place,
  directory: existsSync(place),
  repository: existsSync(join(place, '.git')),
});

/** @param written paths of files that this run wrote */
export async function undo(
  { place, directory, repository }: Before,
  written: readonly string[],
): Promise<void> {
  if (!directory) return await rm(place, { recursive: true, force: true });
  // In a repository that a person made, their work tree is theirs, and the files are the beginning that they look at.
  if (repository) return;
  for (const path of written) await rm(join(place, path), { force: true });
  await rm(join(place, '.git'), { recursive: true, force: true });
}
