/** For `pam init`: a repository where there is none, a remote, and one commit of the files that were missing. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import { run } from '../process/run.ts';
import { isAllowedUrl } from './remote-url.ts';
import { localEnvironment, said, type Environment } from './sealed.ts';

async function git(
  dir: string,
  env: Environment,
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<string> {
  const options = [
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'commit.gpgSign=false',
    '-c',
    'core.autocrlf=false',
  ];
  const { code, stdout, stderr } = await run('git', ['-C', dir, ...options, ...args], {
    env: { ...localEnvironment(env), ...more },
    timeoutMs: 60_000,
    maxBytes: 1024 * 1024,
  });
  if (code !== 0) throw new PamError('E_GIT', `git ${args[0]} failed${said(stderr)}`);
  return stdout.toString('utf8').trim();
}

/** Makes `dir` a repository on `branch` unless it is in one already. */
export async function startRepository(dir: string, branch: string, env: Environment): Promise<void> {
  await mkdir(dir, { recursive: true });
  if (!existsSync(join(dir, '.git'))) await git(dir, env, ['init', '--quiet', `--initial-branch=${branch}`]);
}

/** Gives the address that the remote had before, where it was another one: an earlier try may have been mistaken. */
export async function addRemote(
  dir: string,
  name: string,
  url: string,
  env: Environment,
): Promise<string | null> {
  if (!isAllowedUrl(url))
    throw new PamError('E_GIT_REMOTE', `pam does not speak to ${url}`, { hint: 'use https, ssh, or a path' });
  const known = (await git(dir, env, ['remote'])).split('\n');
  if (!known.includes(name)) {
    await git(dir, env, ['remote', 'add', '--', name, url]);
    return null;
  }
  const before = await git(dir, env, ['config', '--local', '--get', `remote.${name}.url`]);
  if (before === url) return null;
  await git(dir, env, ['remote', 'set-url', '--', name, url]);
  return before;
}

/** A branch that follows the remote's of the same name, unless a person has said what it follows. */
export async function followRemote(
  dir: string,
  branch: string,
  remote: string,
  env: Environment,
): Promise<void> {
  const set = (await git(dir, env, ['config', '--local', '--list', '--name-only'])).split('\n');
  if (set.includes(`branch.${branch}.remote`)) return;
  await git(dir, env, ['config', '--local', `branch.${branch}.remote`, remote]);
  await git(dir, env, ['config', '--local', `branch.${branch}.merge`, `refs/heads/${branch}`]);
}

/** Writes the files that do not exist yet; gives their paths. */
export async function writeMissing(dir: string, files: ReadonlyMap<string, string>): Promise<string[]> {
  const written: string[] = [];
  for (const [path, text] of files) {
    const place = join(dir, path);
    if (existsSync(place)) continue;
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text, { flag: 'wx' });
    written.push(path);
  }
  return written;
}

/** Commits these paths as they are in the work tree, if anything about them is new. */
export async function commitPaths(
  dir: string,
  paths: readonly string[],
  commit: { readonly message: string; readonly author: string; readonly at: Instant },
  env: Environment,
): Promise<void> {
  await git(dir, env, ['add', '--', ...paths]);
  const staged = await git(dir, env, ['diff', '--cached', '--name-only', '--no-ext-diff', '--', ...paths]);
  if (staged === '') return;
  const { author, at, message } = commit;
  await git(dir, env, ['commit', '--quiet', '--no-verify', '-m', message, '--', ...paths], {
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: `${author}@pam`,
    GIT_AUTHOR_DATE: at,
    GIT_COMMITTER_NAME: author,
    GIT_COMMITTER_EMAIL: `${author}@pam`,
    GIT_COMMITTER_DATE: at,
  });
}
