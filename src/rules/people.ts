/** Who is who on one request: members of lists, owners, beneficiaries, and who may stop it. */
import type { ExecutorRight, PersonAccount, Policy, Role } from '../model/policy.ts';

/** Lists of a policy never change, and they are asked for again with every request. */
const known = new WeakMap<Policy, WeakMap<readonly string[], ReadonlySet<string>>>();

/** Names in one of the policy's lists, with `@group` replaced by its people. */
export function members(policy: Policy, list: readonly string[]): ReadonlySet<string> {
  const lists = known.get(policy) ?? new WeakMap<readonly string[], ReadonlySet<string>>();
  known.set(policy, lists);
  const names =
    lists.get(list) ??
    new Set(list.flatMap((name) => (name.startsWith('@') ? (policy.groups[name.slice(1)] ?? []) : [name])));
  lists.set(list, names);
  return names;
}

export const isPerson = (policy: Policy, id: string): boolean => Object.hasOwn(policy.people, id);

/** This person's account at a forge of this kind, as policy lists it. The one place where rules read it. */
export function accountOf(policy: Policy, kind: string, id: string): PersonAccount | undefined {
  const accounts = Object.hasOwn(policy.people, id) ? (policy.people[id]?.accounts ?? {}) : {};
  return Object.hasOwn(accounts, kind) ? accounts[kind] : undefined;
}

/** The owner, if `id` is a service. */
export function ownerOf(policy: Policy, id: string): string | undefined {
  return Object.hasOwn(policy.services, id) ? policy.services[id]?.owner : undefined;
}

/** Owners of the requester and of the subject, where they are services. */
export function ownersOf(policy: Policy, requester: string, subject: string): string[] {
  return [...new Set([requester, subject].flatMap((id) => ownerOf(policy, id) ?? []))];
}

/** Who gains by it, and therefore may not approve it (DESIGN rule 1). */
export function beneficiaries(policy: Policy, requester: string, subject: string): ReadonlySet<string> {
  return new Set([requester, subject, ...ownersOf(policy, requester, subject)]);
}

/** Everybody whom any rule of the role names, fallbacks too. */
export function approversOf(policy: Policy, role: Role): ReadonlySet<string> {
  return new Set(
    role.approval.flatMap((rule) => [
      ...members(policy, rule.approvers),
      ...rule.fallback.flatMap((step) => [...members(policy, step.approvers)]),
    ]),
  );
}

/** The subject, the requester, a service's owner, anyone named in the role's approval, any admin. */
export function stoppersOf(
  policy: Policy,
  on: { readonly requester: string; readonly subject: string; readonly role: string },
): ReadonlySet<string> {
  const role = Object.hasOwn(policy.roles, on.role) ? policy.roles[on.role] : undefined;
  return new Set([
    on.requester,
    on.subject,
    ...ownersOf(policy, on.requester, on.subject),
    ...(role === undefined ? [] : approversOf(policy, role)),
    ...policy.admins.people,
  ]);
}

/** May this executor do this at this target? */
export function executesOn(policy: Policy, executor: string, target: string, right: ExecutorRight): boolean {
  const executes = Object.hasOwn(policy.services, executor) ? policy.services[executor]?.executes : undefined;
  if (executes === undefined || !executes.may.includes(right)) return false;
  return executes.targets.includes('*') || executes.targets.includes(target);
}
