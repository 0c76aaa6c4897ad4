/** Where the repository of a directory is: found as git finds it, mostly without it, and only if git would trust its owner. */
import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { handledLater, PamError } from '../model/error.ts';
import { run, type RunResult } from '../process/run.ts';
import { checkGitFiles, checkObjectFiles } from './check-object-files.ts';
import { plainClone } from './plain-clone.ts';
import { baseEnvironment, said, type Environment, type RepositoryPlace } from './sealed.ts';

/**
 * Throws `E_GIT_NONE` when there is no repository, `E_GIT_OWNER` when it belongs to another user.
 * This call alone sees the person's global config: their own `safe.directory` is theirs to give.
 */
export async function findRepository(dir: string, env: Environment): Promise<RepositoryPlace> {
  const ask = async (args: readonly string[]): Promise<RunResult> =>
    await run(
      'git',
      ['--no-pager', '-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', ...args],
      {
        cwd: dir,
        env: {
          ...baseEnvironment(env),
          GIT_CONFIG_NOSYSTEM: '1',
          ...(env['HOME'] === undefined ? {} : { HOME: env['HOME'] }),
          ...(env['XDG_CONFIG_HOME'] === undefined ? {} : { XDG_CONFIG_HOME: env['XDG_CONFIG_HOME'] }),
          ...(env['GIT_CONFIG_GLOBAL'] === undefined ? {} : { GIT_CONFIG_GLOBAL: env['GIT_CONFIG_GLOBAL'] }),
        },
        timeoutMs: TIMEOUT_MS,
        maxBytes: 64 * 1024,
      },
    );
  const real = realDirectory(dir);
  checkGitFiles(join(dir, '.git'));
  // Mostly the objects are here, and can be looked at while git looks for them.
  const likely = join(dir, '.git', 'objects');
  const looked = checkObjectFiles(likely);
  handledLater(looked);
  const plain = plainClone(real);
  if (plain !== undefined) {
    await looked;
    return plain;
  }
  const found = await ask([
    'rev-parse',
    '--path-format=absolute',
    '--git-common-dir',
    '--is-inside-work-tree',
    '--show-object-format',
    // Last: outside of a work tree git answers all but this, and says so.
    '--show-toplevel',
  ]);
  const outside = found.stderr.includes('must be run in a work tree');
  if (found.code !== 0 && !outside) throw notFound(dir, found.stderr);
  const [gitDir, inside, objectFormat, top, ...rest] = found.stdout.toString('utf8').split('\n');
  if (gitDir === undefined || !gitDir.startsWith('/') || rest.length !== (outside ? 0 : 1)) {
    throw new PamError('E_GIT', `git gave an unreadable answer about the repository of ${dir}`);
  }
  if (objectFormat !== 'sha1' && objectFormat !== 'sha256') {
    throw new PamError('E_GIT', `the object format of ${dir} is unknown to pam`);
  }
  const workTree = inside === 'true' && top !== undefined && top !== '' ? top : null;
  const place = { gitDir: realpathSync(gitDir), workTree, objectFormat } as const;
  const objects = join(place.gitDir, 'objects');
  await (objects === (await realPath(likely)) ? looked : checkObjectFiles(objects));
  return place;
}

const realPath = async (path: string): Promise<string | undefined> =>
  await realpath(path).catch(() => undefined);

/** It reads a handful of small files; in a stranger's clone one of them may be a pipe that never ends. */
const TIMEOUT_MS = 15_000;

function realDirectory(dir: string): string {
  try {
    return realpathSync(dir);
  } catch (cause) {
    throw new PamError('E_GIT_NONE', `there is no directory ${dir}`, { cause });
  }
}

function notFound(dir: string, stderr: string): PamError {
  if (stderr.includes('dubious ownership')) {
    return new PamError('E_GIT_OWNER', `the repository at ${dir} belongs to another user`, {
      hint: 'work in a clone of your own, or trust this one with: git config --global --add safe.directory <path>',
    });
  }
  if (stderr.includes('not a git repository')) {
    return new PamError('E_GIT_NONE', `${dir} is not in a git repository`, {
      hint: 'go to a clone of the access repository, or name it with -C <dir>',
    });
  }
  return new PamError('E_GIT', `git cannot use the repository at ${dir}${said(stderr)}`);
}
