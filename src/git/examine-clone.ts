/** What `doctor` wants to know of a clone and of a remote on this machine. Reads files; nothing of them is obeyed. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PamError } from '../model/error.ts';
import type { CloneFacts, ReceiveSettings } from '../model/machine.ts';
import { run } from '../process/run.ts';
import { type Environment, localEnvironment } from './sealed.ts';

export async function gitVersion(env: Environment): Promise<string> {
  const { stdout } = await run('git', ['--version'], {
    env: localEnvironment(env),
    timeoutMs: 10_000,
    maxBytes: 4096,
  });
  const [version] = /\d+(?:\.\d+)+/u.exec(stdout.toString('utf8')) ?? [];
  if (version === undefined) throw new PamError('E_GIT', 'git does not say which version it is');
  return version;
}

export async function examineClone(gitDir: string, env: Environment): Promise<CloneFacts> {
  const promised = await settings(
    join(gitDir, 'config'),
    ['--get-regexp', String.raw`^(remote\..*\.(promisor|partialclonefilter)|extensions\.partialclone)$`],
    env,
  );
  return {
    shallow: existsSync(join(gitDir, 'shallow')),
    partial:
      promised !== '' || namesIn(join(gitDir, 'objects', 'pack')).some((one) => one.endsWith('.promisor')),
    replaced: replaceRefs(gitDir),
    grafts: (statSync(join(gitDir, 'info', 'grafts'), { throwIfNoEntry: false })?.size ?? 0) > 0,
  };
}

/** For a path or a `file:` URL; any other remote keeps its settings to itself. */
export async function receiveSettings(url: string, env: Environment): Promise<ReceiveSettings | null> {
  const path = url.startsWith('/') ? url : url.startsWith('file://') ? fileURLToPath(url) : undefined;
  if (path === undefined) return null;
  const config = [join(path, 'config'), join(path, '.git', 'config')].find((file) => existsSync(file));
  if (config === undefined) return null;
  const isOn = async (name: string): Promise<boolean> =>
    (await settings(config, ['--type=bool', '--get', `receive.${name}`], env)).trim() === 'true';
  return {
    path,
    denyDeletes: await isOn('denyDeletes'),
    denyNonFastForwards: await isOn('denyNonFastForwards'),
  };
}

/** What git reads in exactly this file; empty where it says nothing, or nothing that git understands. */
async function settings(file: string, question: readonly string[], env: Environment): Promise<string> {
  const { code, stdout } = await run('git', ['config', '--file', file, '--no-includes', ...question], {
    env: localEnvironment(env),
    cwd: '/',
    timeoutMs: 10_000,
    maxBytes: 256 * 1024,
  });
  return code === 0 ? stdout.toString('utf8') : '';
}

/** Counted in the files: git's own door does not know these names. */
function replaceRefs(gitDir: string): number {
  const file = join(gitDir, 'packed-refs');
  const stat = statSync(file, { throwIfNoEntry: false });
  // In a stranger's clone it may be a pipe that never ends.
  const readable = stat?.isFile() === true && stat.size <= MAX_PACKED_BYTES;
  const packed = readable ? readFileSync(file, 'utf8') : '';
  const names = [...packed.matchAll(/^[0-9a-f]+ refs\/replace\/(\S+)$/gmu)].map(([, name]) => name ?? '');
  return new Set([...names, ...namesIn(join(gitDir, 'refs', 'replace'))]).size;
}

const MAX_PACKED_BYTES = 32 * 1024 * 1024;

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
