/** The one command that moves a request on, for the reader of its decision. */
import type { Decision } from '../model/decision.ts';
import { type ForgeConfig, isPlainGit } from '../model/policy.ts';
import type { Candidate } from './situation.ts';

/** `null` when nothing moves it any more. */
export function nextStep(
  forge: Pick<ForgeConfig, 'kind'>,
  { id, place, merged }: Pick<Candidate, 'id' | 'place' | 'merged'>,
  { verdict, final, next, reasons }: Decision,
): string | null {
  if (final) return null;
  if (reasons.some(({ code, ok }) => code === 'E_POL_LIMIT' && !ok))
    return 'pam status   (older requests of the same requester come first)';
  if (verdict === 'approved') {
    if (merged) return 'pam apply   (an executor)';
    return isPlainGit(forge) ? `pam merge ${id}` : `merge ${place}`;
  }
  return `pam approve ${id}${next === null ? '' : `   (from ${next} on, fallback approvers too)`}`;
}
