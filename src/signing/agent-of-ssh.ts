/**
 * `IdentityAgent` of the person's ssh_config: password managers and tokens set up their agent there. `ssh` obeys it;
 * `ssh-keygen`, `ssh-add` and so git's signing do not, so it is named in words and never used.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { entriesOf, plainBytes } from '../files/plain-file.ts';
import type { Environment } from './environment.ts';

const MAX_BYTES = 256 * 1024;
const DEEPEST = 3;
const SETTING = /^\s*(IdentityAgent|Include)(?:\s*=\s*|\s+)(.*?)\s*$/iu;

/** The first socket that it names and that is not the one of `SSH_AUTH_SOCK`; `null` where there is none. */
export function agentOfSsh(env: Environment): string | null {
  const home = env['HOME'];
  if (home === undefined) return null;
  return agentIn(join(home, '.ssh', 'config'), join(home, '.ssh'), home, env, DEEPEST) ?? null;
}

function agentIn(
  file: string,
  directory: string,
  home: string,
  env: Environment,
  depth: number,
): string | undefined {
  for (const line of textOf(file).split(/\r?\n/u)) {
    const [, name = '', value = ''] = SETTING.exec(line) ?? [];
    const words = [...value.matchAll(/"([^"]*)"|(\S+)/gu)].map(([, quoted, bare]) =>
      (quoted ?? bare ?? '').replace(/^~(?=\/)|^%d(?=\/)|^\$\{HOME\}(?=\/)/u, home),
    );
    if (name.toLowerCase() === 'include' && depth > 0) {
      for (const place of words.flatMap((word) =>
        filesLike(isAbsolute(word) ? word : join(directory, word)),
      )) {
        const found = agentIn(place, directory, home, env, depth - 1);
        if (found !== undefined) return found;
      }
    }
    const [socket = 'none'] = words;
    const isSocket = name.toLowerCase() === 'identityagent' && isAbsolute(socket);
    if (isSocket && socket !== env['SSH_AUTH_SOCK']) return socket;
  }
  return undefined;
}

/** `*` and `?` in the last part, as people write `config.d/*`. */
function filesLike(pattern: string): readonly string[] {
  const name = basename(pattern);
  if (!/[*?]/u.test(name)) return [pattern];
  const like = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
      .replaceAll('?', '.')
      .replaceAll('*', '.*')}$`,
    'u',
  );
  return entriesOf(dirname(pattern))
    .map((entry) => entry.name)
    .filter((one) => !one.startsWith('.') && like.test(one))
    .sort()
    .map((one) => join(dirname(pattern), one));
}

function textOf(file: string): string {
  try {
    return plainBytes(realpathSync(file), MAX_BYTES)?.toString('utf8') ?? '';
  } catch {
    return '';
  }
}
