/**
 * Branches of a plain Git forge: on a remote, seen through remote-tracking refs, or in the clone itself when it is
 * alone. Only the branches asked for are ever fetched.
 */
import { PamError } from '../model/error.ts';
import type { Remote, Repository } from '../model/git.ts';
import type { Oid } from '../model/names.ts';

export interface BranchPlace {
  /**
   * Branches (without `refs/heads/`) that match one of the patterns, brought up to date. `pick` sees their names before
   * anything is fetched; only those that it returns are, and it may throw. `missed` hears of each that could not be
   * brought.
   */
  readonly find: (
    patterns: readonly string[],
    pick?: (branches: readonly string[]) => readonly string[],
    missed?: (branch: string, why: PamError) => void,
  ) => Promise<ReadonlyMap<string, Oid>>;
  /** Which of these branches there are; nothing is fetched. */
  readonly there: (branches: readonly string[]) => Promise<readonly string[]>;
  /** The branch as it was last seen; no network. */
  readonly known: (branch: string) => Promise<Oid | undefined>;
  /** `false` when the branch could not be made because something else has the name. */
  readonly create: (branch: string, oid: Oid) => Promise<boolean>;
}

export interface RemoteSide {
  readonly name: string;
  readonly remote: Remote;
}

/** More than this in one question is an attack or a mistake. */
const MAX_BRANCHES = 10_000;

export function branchPlace(repository: Repository, side: RemoteSide | undefined): BranchPlace {
  return side === undefined ? aloneClone(repository) : remoteBranches(repository, side);
}

function aloneClone(repository: Repository): BranchPlace {
  return {
    find: async (patterns, pick = checkTotal) => {
      const prefixes = patterns.map((pattern) => `refs/heads/${pattern.replace(/\*$/u, '')}`);
      const found = [...(await repository.refs(prefixes))].map(([ref, oid]) => [branchOf(ref), oid] as const);
      const matching = found.filter(([branch]) => patterns.some((pattern) => matches(pattern, branch)));
      return picked(matching, pick);
    },
    there: async (branches) => {
      const found = await repository.refs(branches.map((branch) => `refs/heads/${branch}`));
      return [...found.keys()].map(branchOf).filter((branch) => branches.includes(branch));
    },
    known: async (branch) => await repository.resolve(`refs/heads/${branch}`),
    create: async (branch, oid) => await repository.moveRef(`refs/heads/${branch}`, oid, null),
  };
}

function remoteBranches(repository: Repository, { name, remote }: RemoteSide): BranchPlace {
  const tracking = (branch: string): string => `refs/remotes/${name}/${branch}`;
  return {
    find: async (patterns, pick = checkTotal, tell) => {
      const there = await remote.list(patterns.map((pattern) => `refs/heads/${pattern}`));
      const listed = [...there].map(([ref, oid]) => [branchOf(ref), oid] as const);
      const branches = [...picked(listed, pick)];
      const seen = await trackingOf(repository, patterns.map(tracking));
      const stale = branches.filter(([branch, oid]) => seen.get(tracking(branch)) !== oid);
      if (stale.length === 0) return new Map(branches);
      const missed = await remote.fetch(stale.map(([branch]) => `+refs/heads/${branch}:${tracking(branch)}`));
      // A lock, or a file in the way of a tracking ref, is in this clone alone: what the remote has counts all the same.
      const here = new Map<string, Oid>();
      for (const { ref, why, oid } of missed) {
        if (oid === undefined) tell?.(branchOf(ref), why);
        else here.set(branchOf(ref), oid);
      }
      const now = await trackingOf(repository, patterns.map(tracking));
      // What moved or went since it was listed is what the clone now says it is.
      return new Map(
        branches.flatMap(([branch]) => {
          const oid = here.get(branch) ?? now.get(tracking(branch));
          return oid === undefined ? [] : [[branch, oid] as const];
        }),
      );
    },
    there: async (branches) =>
      [...(await remote.list(branches.map((branch) => `refs/heads/${branch}`))).keys()].map(branchOf),
    known: async (branch) => await repository.resolve(tracking(branch)),
    create: async (branch, oid) => (await remote.push([{ oid, ref: `refs/heads/${branch}` }])) === 'moved',
  };
}

function picked(
  branches: readonly (readonly [string, Oid])[],
  pick: (branches: readonly string[]) => readonly string[],
): ReadonlyMap<string, Oid> {
  const wanted = new Set(pick(branches.map(([branch]) => branch)));
  return new Map(branches.filter(([branch]) => wanted.has(branch)));
}

function checkTotal(branches: readonly string[]): readonly string[] {
  if (branches.length > MAX_BRANCHES) {
    throw new PamError(
      'E_FORGE_LIMIT',
      `${branches.length} branches match; at most ${MAX_BRANCHES} are read`,
    );
  }
  return branches;
}

async function trackingOf(
  repository: Repository,
  patterns: readonly string[],
): Promise<ReadonlyMap<string, Oid>> {
  return await repository.refs(patterns.map((pattern) => pattern.replace(/\*$/u, '')));
}

function branchOf(ref: string): string {
  return ref.replace(/^refs\/heads\//u, '');
}

function matches(pattern: string, branch: string): boolean {
  return pattern.endsWith('*') ? branch.startsWith(pattern.slice(0, -1)) : branch === pattern;
}
