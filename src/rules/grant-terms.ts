/** From a decision to what is written down: all that a revoker and an auditor need, whatever policy says later. */
import type { Decision } from '../model/decision.ts';
import type { GrantTerms } from '../model/entry.ts';
import { type Instant, plus, secondsOf } from '../model/instant.ts';
import type { Snapshot } from './decide.ts';
import { exactGrant, roleOf } from './exact-grant.ts';
import { sameJson } from './same-json.ts';

/** The terms that a `granting` or `scheduled` event writes down; `undefined` where nothing of it is left to give. */
export function termsOf(snapshot: Snapshot, decision: Decision, now: Instant): GrantTerms | undefined {
  const { policy, request, record } = snapshot;
  const role = roleOf(policy, request.role);
  const target = role === undefined ? undefined : policy.targets[role.target];
  const exact = exactGrant(policy, snapshot.providers, request, now);
  if (decision.grant === null || exact === undefined || target === undefined) return undefined;
  const { loginKeyLine, loginKey: _fingerprint, ...grant } = exact;
  const end = record?.grant?.end ?? plus(request.start ?? now, secondsOf(request.duration));
  if (end <= now) return undefined;
  return {
    subject: grant.subject,
    role: request.role,
    target: grant.target,
    provider: target.provider,
    config: target.config,
    login: grant.login,
    permissions: grant.permissions,
    login_key: loginKeyLine,
    duration: grant.duration,
    start: grant.start,
    incident: request.incident ?? null,
    approvers: decision.counted.map((one) => one.signer).sort(),
    keys: [...new Set(decision.counted.map((one) => one.key))].sort(),
    end,
  };
}

/** A resumed grant is the recorded one, to the letter: a target that policy moved since is not the same grant. */
export function sameTerms(terms: GrantTerms, recorded: GrantTerms): boolean {
  return Object.entries(terms).every(([key, value]) => sameJson(value, recorded[key as keyof GrantTerms]));
}
