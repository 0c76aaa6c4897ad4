/** Roles that cannot be approved today, or not while one approver is away. Counted without those who would gain by it. */
import { type Check, tellOf } from '../../model/check.ts';
import type { Instant } from '../../model/instant.ts';
import type { Policy, Role } from '../../model/policy.ts';
import { everyRuleCanHold } from '../judge-approval.ts';
import { beneficiaries, members } from '../people.ts';
import { usableKeys } from './judge-holders.ts';

const { ok, warning, problem } = tellOf('policy');

export function judgeReach(policy: Policy, now: Instant): Check[] {
  if (Object.keys(policy.roles).length === 0) return [ok('W_POL_APPROVERS', 'there are no roles yet')];
  const checks = Object.entries(policy.roles).flatMap(([name, role]) => judgeRole(policy, name, role, now));
  return [
    ...(checks.length > 0
      ? checks
      : [ok('W_POL_APPROVERS', 'every role can be approved with any one person away')]),
    ...judgePresence(policy),
  ];
}

function judgeRole(policy: Policy, name: string, role: Role, now: Instant): Check[] {
  const able = role.approval.map((rule) => {
    const named = [rule, ...rule.fallback].flatMap((step) => [...members(policy, step.approvers)]);
    return new Set(named.filter((one) => usableKeys(policy, one, now, rule.presence).length > 0));
  });
  const reaches = (without: ReadonlySet<string>): boolean =>
    everyRuleCanHold(
      role.approval,
      able.map((people) => new Set([...people].filter((one) => !without.has(one)))),
    );
  const requesters = [...members(policy, role.requesters)].map((id) => ({
    id,
    gain: beneficiaries(policy, id, id),
  }));
  const out = requesters.filter(({ gain }) => !reaches(gain)).map(({ id }) => id);
  if (out.length > 0) {
    const all = out.length === requesters.length;
    const message = `${name} can never be approved for ${all ? 'anybody' : out.join(', ')}: too few approvers beside whoever gains`;
    return [
      (all ? problem : warning)('W_POL_APPROVERS', message, 'name more approvers, with keys that count'),
    ];
  }
  const everybody = new Set(able.flatMap((people) => [...people]));
  const missed = new Map<string, { readonly away: string[]; readonly stuck: typeof requesters }>();
  for (const one of everybody) {
    const stuck = requesters.filter(({ gain }) => !reaches(new Set([...gain, one])));
    if (stuck.length === 0) continue;
    const ids = stuck.map(({ id }) => id).join(', ');
    missed.set(ids, { away: [...(missed.get(ids)?.away ?? []), one], stuck });
  }
  return [...missed].map(([ids, { away, stuck }]) => {
    const whom = stuck.length === requesters.length && stuck.length > 1 ? 'anybody' : ids;
    const message = `with ${away.join(' or ')} away, ${name} cannot be approved for ${whom}`;
    const own = [...everybody].filter((one) => stuck.some(({ gain }) => gain.has(one)));
    return warning('W_POL_APPROVERS', message, moreApprovers(role, own));
  });
}

/** @param own approvers who do not count for those requests, since they gain by them */
function moreApprovers({ approval }: Role, own: readonly string[]): string {
  const where = approval.some(({ fallback }) => fallback.length > 0)
    ? 'name one more approver, or one more in a fallback step'
    : 'name one more approver, or add a fallback step';
  if (own.length === 0) return where;
  const gains = own.length === 1 ? 'gains' : 'gain';
  return `${own.join(' and ')} ${gains} by such a request and may not approve it: ${where}`;
}

/** Not wrong, but worth knowing: a stolen laptop with an open agent is enough to approve these. */
function judgePresence(policy: Policy): Check[] {
  const open = Object.entries(policy.roles)
    .filter(
      ([, role]) => role.risk !== 'standard' && role.approval.every(({ presence }) => presence === 'none'),
    )
    .map(([name]) => name);
  if (open.length === 0) return [];
  const message = `approving ${open.join(', ')} asks for no touch of a security key`;
  return [ok('E_APR_PRESENCE', message, 'presence: touch asks for one; attest the keys first')];
}
