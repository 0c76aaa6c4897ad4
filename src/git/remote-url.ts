/**
 * Which remote a name stands for. Only its URL is read from the clone, and only an https, ssh or file one: everything
 * else that a clone can say about a remote (other push URL, helper programs, includes) is ignored on purpose.
 * pam reads from and pushes to one place, or a push would be no compare-and-swap.
 */
import { join } from 'node:path';
import { plainBytes } from '../files/plain-file.ts';
import { PamError } from '../model/error.ts';
import { readConfig } from './read-config.ts';
import type { RepositoryPlace, Sealed } from './sealed.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/u;
const HOST = '[A-Za-z0-9][A-Za-z0-9.-]*';
const USER = '(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?';
const ALLOWED: readonly RegExp[] = [
  new RegExp(`^https://(?:[^/@\\s]*@)?(?:${HOST}|\\[[0-9A-Fa-f:.]+\\])(?::\\d+)?/`, 'u'),
  new RegExp(`^ssh://${USER}(?:${HOST}|\\[[0-9A-Fa-f:.]+\\])(?::\\d+)?/[^-]`, 'u'),
  // The scp-like form; a second colon would be a remote helper (`ext::...`), two slashes another protocol.
  new RegExp(`^${USER}${HOST}:(?!//)[^:-]`, 'u'),
  /^file:\/\/\/[^-]/u,
  /^\//u,
];

/** Throws `E_GIT_REMOTE` when there is no such remote or pam does not speak its protocol. */
export async function remoteUrl(sealed: Sealed, place: RepositoryPlace, name: string): Promise<string> {
  if (!NAME.test(name)) throw refused(name, 'has a name that pam does not use');
  const file = join(place.gitDir, 'config');
  const urls = readConfig(file, ['remote', name, 'url']) ?? (await askGit(sealed, file, name));
  if (urls.length === 0) {
    throw new PamError('E_GIT_REMOTE', `this clone has no remote ${name}`, {
      hint: `git remote add ${name} <url>, or change forge.remote in pam.yaml`,
    });
  }
  const [url] = urls;
  if (url === undefined || urls.length > 1) throw refused(name, 'has more than one URL');
  if (!isAllowedUrl(url)) throw refused(name, 'has a URL that pam does not use');
  return url;
}

/** Git reads what is written in another way than its own; never a pipe, nor a link that leads out of the clone. */
async function askGit(sealed: Sealed, file: string, name: string): Promise<readonly string[]> {
  if (plainBytes(file, CONFIG_MAX_BYTES) === undefined) return [];
  const config = ['config', '--file', file, '--no-includes', '-z', '--get-all', `remote.${name}.url`];
  const { code, stdout } = await sealed.git(config);
  return code === 0 ? stdout.toString('utf8').split('\0').slice(0, -1) : [];
}

const CONFIG_MAX_BYTES = 1024 * 1024;

export function isAllowedUrl(url: string): boolean {
  return url.length <= 2000 && !/[\0-\x1f\x7f]/u.test(url) && ALLOWED.some((form) => form.test(url));
}

function refused(name: string, why: string): PamError {
  return new PamError('E_GIT_REMOTE', `the remote ${JSON.stringify(name)} ${why}`, {
    hint: 'use one URL: https://, ssh://, user@host:path, file:/// or an absolute path',
  });
}
