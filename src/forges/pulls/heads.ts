/**
 * Heads of pull requests, those of forks too, as Git has them. They are kept under a remote's name that no clone can
 * have (`origin.pull`), so that no branch of the remote is ever in their way.
 */
import type { Remote, Repository } from '../../model/git.ts';
import type { Oid } from '../../model/names.ts';
import type { Pull, PullPort } from './pull-port.ts';

export interface Heads {
  /** By pull request number. Those that git refuses, or that are not there, are left out. */
  readonly fetch: (pulls: readonly Pick<Pull, 'number'>[]) => Promise<ReadonlyMap<number, Oid>>;
}

/** The command line has an end, and a remote shows only what it was asked for by name. */
const AT_ONCE = 200;

export function pullHeads(
  { headRef }: Pick<PullPort, 'headRef'>,
  repository: Repository,
  { name, remote }: { readonly name: string; readonly remote: Remote },
): Heads {
  const tracking = (number: number): string => `refs/remotes/${name}.pull/${number}`;
  return {
    fetch: async (pulls) => {
      const numbers = [...new Set(pulls.map(({ number }) => number))];
      const heads = new Map<number, Oid>();
      for (let start = 0; start < numbers.length; start += AT_ONCE) {
        const some = numbers.slice(start, start + AT_ONCE);
        const missed = await remote.fetch(some.map((number) => `+${headRef(number)}:${tracking(number)}`));
        const refused = missed.map(({ ref }) => ref);
        const seen = await repository.refs([`refs/remotes/${name}.pull/`]);
        for (const number of some) {
          const head = seen.get(tracking(number));
          if (head !== undefined && !refused.includes(headRef(number))) heads.set(number, head);
        }
      }
      return heads;
    },
  };
}
