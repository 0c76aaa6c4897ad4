/** A remote that is not asked: it shows what was fetched before, and takes nothing. */
import { PamError } from '../model/error.ts';
import type { Remote, Repository } from '../model/git.ts';
import { matchPattern, parsePattern } from './ref-names.ts';

const BRANCHES = 'refs/heads/';

export function offlineRemote(repository: Repository, name: string, url: string): Remote {
  const here = `refs/remotes/${name}/`;
  return {
    url,
    list: async (patterns) => {
      const wanted = patterns.map(parsePattern);
      const starts = wanted.map(({ before }) => before).filter((one) => one.startsWith(BRANCHES));
      const seen = await repository.refs(starts.map((one) => here + one.slice(BRANCHES.length)));
      const there = [...seen].map(([ref, oid]) => [BRANCHES + ref.slice(here.length), oid] as const);
      return new Map(there.filter(([ref]) => wanted.some((one) => matchPattern(one, ref) !== undefined)));
    },
    fetch: async () => await Promise.resolve([]),
    fetchLarge: async () => await Promise.resolve(null),
    push: async () =>
      await Promise.reject(
        new PamError('E_OFFLINE', 'nothing is sent with --offline', {
          hint: 'run it again without --offline',
        }),
      ),
    deepen: async () => await Promise.resolve(false),
  };
}
