/** What a human decides from, as data: forges with pull requests print it, `pam show` has its own view. */
import type { Reason } from '../model/decision.ts';
import type { ProposalFacts } from '../model/forge.ts';
import type { Instant } from '../model/instant.ts';
import type { Policy } from '../model/policy.ts';
import type { Request } from '../model/request.ts';
import { exactGrant, roleOf } from './exact-grant.ts';
import { accountOf, beneficiaries, members } from './people.ts';
import type { ProviderFacts } from './provider-facts.ts';

export function proposalFacts(
  policy: Policy,
  providers: ReadonlyMap<string, ProviderFacts>,
  request: Request,
  reasons: readonly Reason[],
  now: Instant,
): ProposalFacts {
  const { requester, subject, duration, justification } = request;
  const role = roleOf(policy, request.role);
  const gains = beneficiaries(policy, requester, subject);
  const named = new Set(role?.approval.flatMap((rule) => [...members(policy, rule.approvers)]));
  return {
    requester,
    subject,
    role: request.role,
    description: role?.description ?? '',
    risk: role?.risk ?? '',
    target: role?.target ?? '',
    permissions: exactGrant(policy, providers, request, now)?.permissions ?? [],
    duration,
    start: request.start ?? null,
    justification,
    ticket: request.ticket ?? null,
    incident: request.incident ?? null,
    controls: request.compensating_controls ?? [],
    reasons,
    approvers: [...named]
      .filter((name) => !gains.has(name))
      .map((name) => ({ name, login: accountOf(policy, policy.config.forge.kind, name)?.login ?? null })),
  };
}
