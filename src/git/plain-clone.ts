/**
 * The repository of a directory that is its work tree and holds it in `.git`, laid out as git itself lays it: told from
 * its files, for starting git only to ask where it is costs as much as reading the ledger. Anything else is left for git
 * to find. What is accepted here git accepts as well, so nothing is trusted that git would not trust.
 */
import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { plainBytes } from '../files/plain-file.ts';
import { readSettings } from './read-config.ts';
import type { RepositoryPlace } from './sealed.ts';

/** @param dir a real path */
export function plainClone(dir: string): RepositoryPlace | undefined {
  const gitDir = join(dir, '.git');
  if (/[\0-\x1f\x7f]/u.test(dir)) return undefined;
  if (!isOwnDirectory(dir) || !isOwnDirectory(gitDir)) return undefined;
  const parts = ['objects', 'refs'].map((name) => statOf(join(gitDir, name)));
  if (!parts.every((one) => one?.isDirectory() === true)) return undefined;
  // A linked work tree has it, and then most of the repository lies elsewhere.
  if (statOf(join(gitDir, 'commondir')) !== undefined) return undefined;
  const head = plainBytes(join(gitDir, 'HEAD'), HEAD_MAX_BYTES)?.toString('latin1') ?? '';
  if (!HEAD.test(head) || !isOfFirstFormat(join(gitDir, 'config'))) return undefined;
  return { gitDir, workTree: dir, objectFormat: 'sha1' };
}

/** An extension may name another format of objects or of refs, or settings that lie in another file. */
function isOfFirstFormat(file: string): boolean {
  const settings = readSettings(file);
  if (settings === undefined || settings.some(({ section }) => section === 'extensions')) return false;
  const core = settings.filter(({ section, subsection }) => section === 'core' && subsection === undefined);
  const valuesOf = (name: string): string =>
    core
      .filter(({ key }) => key === name)
      .map(({ value }) => value)
      .join();
  return (
    valuesOf('repositoryformatversion') === '0' && valuesOf('bare') === 'false' && valuesOf('worktree') === ''
  );
}

/** As git asks it (`safe.directory`): the work tree and its git directory belong to the user who runs this. */
function isOwnDirectory(path: string): boolean {
  const stat = statOf(path);
  return stat?.isDirectory() === true && stat.uid === process.geteuid?.();
}

/** `undefined`: it is not there, or cannot be looked at. No link is followed. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

const HEAD = /^(?:ref: refs\/[!-~]+|[0-9a-f]{40})\n$/u;
const HEAD_MAX_BYTES = 1024;
