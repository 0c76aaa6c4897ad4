/**
 * Targets that cannot be used before something stands there: hosts that cannot find their revocation list refuse everyone
 * (DESIGN section 7, ssh-ca). Each of policy's targets that this executor serves is asked to make it; a failure is that
 * target's own trouble, and the next one is asked all the same.
 */
import type { ExecutorRight } from '../../model/policy.ts';
import { executesOn } from '../../rules/people.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import type { Desk, Executor } from '../desk.ts';
import { held, type Tell } from '../ledger/net.ts';
import { openTarget, sceneOf } from './target-desk.ts';

const RIGHTS: readonly ExecutorRight[] = ['grant', 'revoke'];

/** @param only these targets; empty = all */
export async function prepareTargets(
  desk: Desk,
  { name }: Pick<Executor, 'name'>,
  state: ChainState,
  tell: Tell,
  only: readonly string[] = [],
): Promise<void> {
  const { policy } = state;
  for (const [target, config] of Object.entries(policy.targets)) {
    if (desk.interrupted()) return;
    if (only.length > 0 && !only.includes(target)) continue;
    if (!RIGHTS.some((right) => executesOn(policy, name, target, right))) continue;
    await held(tell, `${target} could not be made ready`, undefined, async () => {
      const place = { target, ...config };
      const { session } = await openTarget(desk, place);
      await session.prepare?.(sceneOf(desk.providers, state, place, new Set()), desk.clock());
    });
  }
}
