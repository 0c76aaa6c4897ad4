/** That a role's approval rules name people, and that enough of them exist to meet all rules at once. */
import { secondsOf } from '../model/instant.ts';
import type { ApprovalRule, Policy, Role } from '../model/policy.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { notAPerson } from './judge-identities.ts';
import type { PolicyProblem } from './policy-problem.ts';
import { members } from './people.ts';

const MOST_RULES = 8;

export function judgeApproval(policy: Policy, role: Role, rolePath: string): PolicyProblem[] {
  const path = `${rolePath}/approval`;
  const rules = role.approval;
  if (rules.length === 0 || rules.length > MOST_RULES) {
    return [{ code: 'E_POL_UNSATISFIABLE', path, message: `must be 1 to ${MOST_RULES} rules` }];
  }
  const problems = rules.flatMap((rule, at) => judgeRule(policy, rule, `${path}/${at}`));
  if (problems.length > 0) return problems;
  const eligible = rules.map((rule) => eligiblePeople(policy, rule));
  const met = everyRuleCanHold(rules, eligible);
  const message = 'there are not enough people: each counts for one rule only';
  return met ? [] : [{ code: 'E_POL_UNSATISFIABLE', path, message }];
}

function judgeRule(policy: Policy, rule: ApprovalRule, path: string): PolicyProblem[] {
  const problems: PolicyProblem[] = [
    ...judgeApprovers(policy, rule.approvers, `${path}/approvers`),
    ...rule.fallback.flatMap((step, at) =>
      judgeApprovers(policy, step.approvers, `${path}/fallback/${at}/approvers`),
    ),
    ...rule.fallback.flatMap((step, at): PolicyProblem[] => {
      const before = rule.fallback[at - 1];
      return before === undefined || secondsOf(before.after) < secondsOf(step.after)
        ? []
        : [
            {
              code: 'E_POL_FALLBACK',
              path: `${path}/fallback/${at}/after`,
              message: 'must be later than the step before',
            },
          ];
    }),
  ];
  const here = { path: `${path}/threshold` };
  const everybody = Object.keys(policy.people).length;
  if (!Number.isInteger(rule.threshold) || rule.threshold < 1 || rule.threshold > everybody) {
    const message = `must be a whole number from 1 to ${everybody}, the number of people`;
    return [...problems, { ...here, code: 'E_POL_THRESHOLD', message }];
  }
  const able = eligiblePeople(policy, rule).size;
  if (problems.length === 0 && able < rule.threshold) {
    const key = rule.presence === 'none' ? 'a key that counts' : 'an attested security key';
    const message = `needs ${rule.threshold}, but the rule names ${able} with ${key}`;
    return [{ ...here, code: 'E_POL_UNSATISFIABLE', message }];
  }
  return problems;
}

function judgeApprovers(policy: Policy, names: readonly string[], path: string): PolicyProblem[] {
  return names.flatMap((name, at) => {
    const here = `${path}/${at}`;
    if (!name.startsWith('@')) return notAPerson(policy, name, here) ?? [];
    const known = Object.hasOwn(policy.groups, name.slice(1));
    const message = `there is no group ${JSON.stringify(name.slice(1))}`;
    return known ? [] : [{ code: 'E_POL_UNKNOWN_NAME', path: here, message }];
  });
}

/** People, fallbacks too, who hold a key that could sign for this rule. */
function eligiblePeople(policy: Policy, rule: ApprovalRule): ReadonlySet<string> {
  const named = [rule, ...rule.fallback].flatMap((step) => [...members(policy, step.approvers)]);
  return new Set(named.filter((name) => canSign(policy, name, rule)));
}

function canSign(policy: Policy, name: string, rule: ApprovalRule): boolean {
  const person = Object.hasOwn(policy.people, name) ? policy.people[name] : undefined;
  return (person?.keys ?? []).some(({ key, attested }) => {
    try {
      const { fingerprint, hardware } = parsePublicKey(key);
      if (policy.revoked_keys.some((revoked) => revoked.fingerprint === fingerprint)) return false;
      return rule.presence === 'none' || (hardware && attested !== undefined);
    } catch {
      // A key that cannot be read signs nothing; it is a problem of its own elsewhere.
      return false;
    }
  });
}

/** Can each rule get its number of people, each person counted once? Augmenting paths over the rules' seats. */
export function everyRuleCanHold(
  rules: readonly ApprovalRule[],
  eligible: readonly ReadonlySet<string>[],
): boolean {
  const seats = rules.flatMap((rule, at) => Array.from({ length: rule.threshold }, () => at));
  const seatOf = new Map<string, number>();
  const seated = (seat: number, tried: Set<string>): boolean => {
    for (const person of eligible[seats[seat] ?? 0] ?? []) {
      if (tried.has(person)) continue;
      tried.add(person);
      const other = seatOf.get(person);
      if (other === undefined || seated(other, tried)) {
        seatOf.set(person, seat);
        return true;
      }
    }
    return false;
  };
  return seats.every((_, seat) => seated(seat, new Set()));
}
