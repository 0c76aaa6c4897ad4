/** From a request to the exact grant that people sign and targets get: nothing left to interpret. */
import type { Instant } from '../model/instant.ts';
import type { Identity, Policy, Role } from '../model/policy.ts';
import type { Request } from '../model/request.ts';
import type { ExactGrant } from '../model/statement.ts';
import { revocationOf } from '../trust/keyring.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { checkScope, fillPermissions } from './fill-scope.ts';
import type { ProviderFacts } from './provider-facts.ts';

export function identityOf(policy: Policy, id: string): Identity | undefined {
  if (Object.hasOwn(policy.people, id)) return policy.people[id];
  return Object.hasOwn(policy.services, id) ? policy.services[id] : undefined;
}

export function roleOf(policy: Policy, name: string): Role | undefined {
  return Object.hasOwn(policy.roles, name) ? policy.roles[name] : undefined;
}

/** The key that certificates are issued for, `<type> <base64>`: `login_key`, else the first key valid at `at`. */
export function loginKeyOf(policy: Policy, identity: Identity, at: Instant): string | undefined {
  const good = (key: string): boolean => revocationOf(policy, parsePublicKey(key).fingerprint) === undefined;
  if (identity.login_key !== undefined) return good(identity.login_key) ? identity.login_key : undefined;
  return identity.keys.find(
    ({ key, from, until }) =>
      (from === undefined || from <= at) && (until === undefined || at < until) && good(key),
  )?.key;
}

/**
 * `undefined` when the policy knows no such role, target or subject, lacks the login key that is needed, or when the
 * request's scope does not fill the role's.
 */
export function exactGrant(
  policy: Policy,
  providers: ReadonlyMap<string, ProviderFacts>,
  request: Request,
  now: Instant,
): (ExactGrant & { readonly loginKeyLine: string | null }) | undefined {
  const role = roleOf(policy, request.role);
  const identity = identityOf(policy, request.subject);
  if (role === undefined || identity === undefined) return undefined;
  if (checkScope(role, request.scope ?? {}).length > 0) return undefined;
  const target = policy.targets[role.target];
  const provider = target === undefined ? undefined : providers.get(target.provider);
  if (provider === undefined) return undefined;
  const line = provider.needsLoginKey ? loginKeyOf(policy, identity, now) : undefined;
  if (provider.needsLoginKey && line === undefined) return undefined;
  return {
    subject: request.subject,
    target: role.target,
    login: identity.logins[role.target] ?? request.subject,
    permissions: fillPermissions(role, request.scope ?? {}),
    loginKey: line === undefined ? null : parsePublicKey(line).fingerprint,
    loginKeyLine: line ?? null,
    duration: request.duration,
    start: request.start ?? null,
  };
}
