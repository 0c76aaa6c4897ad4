/** The decision record of a request that was looked at, as `show`, `approve` and `check` print it. */
import { type Looked, verdictOf } from '../flows/gather/look-at-request.ts';
import { roleOf } from '../rules/exact-grant.ts';
import { nextStep } from '../rules/next-step.ts';
import { isRequest } from '../rules/situation.ts';
import { decisionText } from '../views/decision.ts';
import type { Style } from '../views/style.ts';

export function recordText(looked: Looked, style: Style, next: string | null = nextOf(looked)): string {
  const { id, judged, record, candidate, now } = looked;
  const request = judged?.request ?? null;
  const view = {
    id,
    request,
    role: request === null ? undefined : roleOf(looked.view.state.policy, request.role),
    record,
    decision: verdictOf(looked),
    merged: candidate?.merged ?? false,
    fault: candidate !== null && !isRequest(candidate.request) ? candidate.request : null,
    next,
    now,
  };
  return decisionText(view, style);
}

/** The one command that moves it on. */
export function nextOf({ judged, record, candidate, id, view }: Looked): string | null {
  if (record?.state === 'live') return `pam status ${id}`;
  if (judged === null || candidate === null) return null;
  if (record !== null && !['unseen', 'seen', 'scheduled'].includes(record.state)) return null;
  return nextStep(view.state.policy.config.forge, candidate, judged.decision);
}
