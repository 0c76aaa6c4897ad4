/** What the policy in force gives one identity to do. Whether one request goes through is judged with that request. */
import type { Policy } from '../model/policy.ts';
import { approversOf, isPerson, members, ownerOf } from './people.ts';

/** Roles that this person or service may ask for: for themselves, or for a service of theirs. */
export function mayRequest(policy: Policy, id: string): readonly string[] {
  const own = [id, ...Object.keys(policy.services).filter((service) => ownerOf(policy, service) === id)];
  return Object.entries(policy.roles)
    .filter(([, role]) => own.some((one) => members(policy, role.requesters).has(one)))
    .map(([name]) => name);
}

/** Roles in which this person is named as an approver, fallbacks too. */
export function mayApprove(policy: Policy, id: string): readonly string[] {
  if (!isPerson(policy, id)) return [];
  return Object.entries(policy.roles)
    .filter(([, role]) => approversOf(policy, role).has(id))
    .map(([name]) => name);
}

/** Everybody whom policy knows, people first. */
export const everybody = ({ people, services }: Policy): readonly string[] => [
  ...Object.keys(people),
  ...Object.keys(services),
];
