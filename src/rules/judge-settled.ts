/**
 * `settled` of pam.yaml: digests of entries that are not followed, the way out of a fork. What was settled once stays
 * so in every later version, or readers would meet the fork again; and a policy that names an entry of its own chain
 * is junk there, so that only one side can be followed.
 */
import { PamError } from '../model/error.ts';
import type { Sha256 } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';

export const settledBy = ({ config }: Policy): readonly Sha256[] => config.settled ?? [];

/** What this version settles that the one before it did not. */
export function newlySettled(previous: Policy | null, next: Policy): readonly Sha256[] {
  const known = new Set(previous === null ? [] : settledBy(previous));
  return settledBy(next).filter((one) => !known.has(one));
}

/** Throws `E_POL_SETTLED` when a later version no longer names what an earlier one settled. */
export function judgeKept(previous: Policy | null, next: Policy): void {
  const kept = new Set(settledBy(next));
  const dropped = previous === null ? [] : settledBy(previous).filter((one) => !kept.has(one));
  if (dropped.length === 0) return;
  throw new PamError('E_POL_SETTLED', `this version no longer settles ${dropped.join(', ')}`, {
    hint: 'what `settled` in pam.yaml named once stays there in every later version',
  });
}

export function settlesItsOwn(digest: Sha256): PamError {
  return new PamError(
    'E_POL_SETTLED',
    `it settles ${digest}, an entry of the very chain that it is to follow`,
    {
      hint: 'ratify it on a machine that follows the other side of the fork',
    },
  );
}
