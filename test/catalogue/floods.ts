/** Many branches and many files at once, by whoever may push: written straight into git, one call for all. */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desk } from '../../src/flows/desk.ts';
import type { DeskChange, World } from '../crash/access-repository.ts';

/** Six letters or digits, another for each number. */
export const letters = (number: number): string => number.toString(36).padStart(6, '0');

export function pushBranches(world: World, names: readonly string[], commit: string): void {
  const gitDir = world.remote ?? join(world.dir, '.git');
  const lines = names.map((name) => `${commit} refs/heads/${name}\n`);
  appendFileSync(join(gitDir, 'packed-refs'), lines.join(''));
}

/** Puts the same bytes under all these paths of main. */
export function floodMain(world: World, paths: readonly string[], bytes: string): void {
  const env = {
    ...process.env,
    HOME: join(world.home, 'user'),
    GIT_INDEX_FILE: join(world.home, 'flood-index'),
  };
  const git = (args: readonly string[], input = ''): string =>
    execFileSync('git', ['-c', 'user.name=m', '-c', 'user.email=m@m', ...args], {
      cwd: world.dir,
      env,
      input,
      encoding: 'utf8',
    }).trim();
  const blob = git(['hash-object', '-w', '--stdin'], bytes);
  git(['read-tree', 'refs/heads/main']);
  git(['update-index', '--index-info'], paths.map((path) => `100644 ${blob}\t${path}\n`).join(''));
  const commit = git(['commit-tree', git(['write-tree']), '-p', 'refs/heads/main', '-m', 'many']);
  git(['update-ref', 'refs/heads/main', commit]);
}

export interface Watched {
  readonly change: DeskChange;
  /** Paths that were listed or read, in any tree. */
  readonly paths: string[];
}

/** The real desk, with its questions to Git written down. */
export function watched(): Watched {
  const paths: string[] = [];
  const change = (desk: Desk): Desk => {
    const { repository } = desk;
    return {
      ...desk,
      repository: {
        ...repository,
        list: async (treeish, path, bounds) => {
          paths.push(path);
          return await repository.list(treeish, path, bounds);
        },
        names: async (treeish, path, bounds) => {
          paths.push(path);
          return await repository.names(treeish, path, bounds);
        },
        read: async (wanted, maxBytes, bounds) => {
          paths.push(...wanted.map((one) => one.path));
          return await repository.read(wanted, maxBytes, bounds);
        },
      },
    };
  };
  return { change, paths };
}
