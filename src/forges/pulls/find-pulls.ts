/** Which pull request of an id counts. Forks are anybody's, so the repository's own branch comes first. */
import { PamError } from '../../model/error.ts';
import { isRequestId, type RequestId } from '../../model/names.ts';
import type { Pull, PullLists, Pulls } from './pull-port.ts';

/** Of one id. Further ones are noise. */
const MOST_OF_ONE = 10;

export function pullsOf(lists: PullLists): Pulls {
  const { open: listed, closed, numbered, ofCommit } = lists;
  return {
    open: listed,
    closed,
    of: async (id) => {
      const own = (await lists.ofBranch(`pam/${id}`, id)).filter(
        (one) => one.own && one.headBranch === `pam/${id}`,
      );
      // A flood of open ones must not hide the one of the repository's own branch.
      const open = await orNone(listed, own.length > 0);
      const others = open.filter(({ headBranch }) => headBranch === `pam/${id}`);
      const found = inOrder([...own, ...others]);
      if (found.length > 0) return found.slice(0, MOST_OF_ONE);
      return inOrder((await closed()).filter(({ headBranch }) => headBranch === `pam/${id}`));
    },
    numbered,
    ofCommit: async (commit) => (await ofCommit(commit)).filter(({ merged }) => merged),
  };
}

/**
 * Which one of an id counts: one that is open or was merged before one that was given up, the repository's own branch
 * before a fork's (forks are anybody's), and the earlier one.
 */
export function inOrder(pulls: readonly Pull[]): readonly Pull[] {
  const byNumber = new Map(pulls.map((one) => [one.number, one]));
  const givenUp = ({ open, merged }: Pull): number => Number(!open && !merged);
  return [...byNumber.values()].sort(
    (a, b) => givenUp(a) - givenUp(b) || Number(b.own) - Number(a.own) || a.number - b.number,
  );
}

/** `pam/<id>` */
export function idOf({ headBranch }: Pull): RequestId | undefined {
  const id = headBranch.startsWith('pam/') ? headBranch.slice('pam/'.length) : '';
  return isRequestId(id) ? id : undefined;
}

/** @param spare are there others to go by, where there are more than can be read? */
export async function orNone(list: () => Promise<readonly Pull[]>, spare: boolean): Promise<readonly Pull[]> {
  try {
    return await list();
  } catch (error) {
    if (spare && error instanceof PamError && error.code === 'E_FORGE_LIMIT') return [];
    throw error;
  }
}
