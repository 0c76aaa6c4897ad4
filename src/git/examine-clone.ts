/** What `doctor` wants to know of a clone and of a remote on this machine. Reads files; nothing of them is obeyed. */
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { entriesOf, plainBytes } from '../files/plain-file.ts';
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
    grafts: (lstatSync(join(gitDir, 'info', 'grafts'), { throwIfNoEntry: false })?.size ?? 0) > 0,
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
  if (plainBytes(file, MAX_CONFIG_BYTES) === undefined) return '';
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
  const packed = plainBytes(join(gitDir, 'packed-refs'), MAX_PACKED_BYTES)?.toString('utf8') ?? '';
  const names = [...packed.matchAll(/^[0-9a-f]+ refs\/replace\/(\S+)$/gmu)].map(([, name]) => name ?? '');
  return new Set([...names, ...namesIn(join(gitDir, 'refs', 'replace'))]).size;
}

const MAX_PACKED_BYTES = 64 * 1024 * 1024;
const MAX_CONFIG_BYTES = 1024 * 1024;

const namesIn = (directory: string): readonly string[] => entriesOf(directory).map(({ name }) => name);
