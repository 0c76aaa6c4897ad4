/**
 * Settings that would make a person believe in a protection that is not there, asked of a policy that is about to be
 * checked, signed or brought into force. What could never be carried out is refused; what is only weaker than it looks,
 * or does nothing, is a remark. Never asked of a policy on the chain. Pure; paths are JSON pointers into `Policy`.
 */
import type { Instant } from '../model/instant.ts';
import type { ExecutorRight, Policy } from '../model/policy.ts';
import type { Provider } from '../model/target.ts';
import { usableKeys } from './doctor/judge-holders.ts';
import { members } from './people.ts';
import type { PolicyProblem } from './policy-problem.ts';
import { executesOn } from './people.ts';
import { unbuiltSettings } from './unbuilt.ts';

export type SettingFacts = Pick<Provider, 'objects' | 'remarks'>;
export type SettingFactsByKind = ReadonlyMap<string, SettingFacts>;

export function refusedSettings(policy: Policy): readonly PolicyProblem[] {
  return [...unbuiltSettings(policy), ...judgeGranters(policy), ...judgeSweepLimit(policy)];
}

const holdersOf = (policy: Policy, target: string, right: ExecutorRight): readonly string[] =>
  Object.keys(policy.services).filter((id) => executesOn(policy, id, target, right));

/** That a service may revoke there is a rule of every policy, also on the chain (`judge-roles.ts`). */
function judgeGranters(policy: Policy): PolicyProblem[] {
  return Object.entries(policy.roles)
    .filter(([, { target }]) => holdersOf(policy, target, 'grant').length === 0)
    .map(([name, { target }]) => ({
      code: 'E_POL_EXECUTOR',
      path: `/roles/${name}/target`,
      message: `no service may grant on ${target}, so this role is never granted`,
    }));
}

function judgeSweepLimit({ config, services }: Policy): PolicyProblem[] {
  if (config.sweep_within === undefined) return [];
  if (Object.values(services).some(({ executes }) => executes?.may.includes('revoke') === true)) return [];
  const message = 'no service may revoke, so no sweep can ever be within it';
  return [{ code: 'E_POL_EXECUTOR', path: '/config/sweep_within', message }];
}

/** Codes begin with `W_`. */
export function settingRemarks(
  policy: Policy,
  providers: SettingFactsByKind,
  now: Instant,
): readonly PolicyProblem[] {
  return [
    ...remarkSweepers(policy),
    ...remarkPresence(policy, now),
    ...remarkTargets(policy, providers),
    ...remarkRoles(policy, providers),
  ];
}

/** `sweep_within` asks for the last sweep, by any executor: who could make it look better than it is? */
function remarkSweepers(policy: Policy): PolicyProblem[] {
  if (policy.config.sweep_within === undefined) return [];
  const targets = [...new Set(Object.values(policy.roles).map(({ target }) => target))];
  const path = '/config/sweep_within';
  const alone = targets.filter((target) => {
    const granters = holdersOf(policy, target, 'grant');
    return holdersOf(policy, target, 'revoke').every((id) => granters.includes(id));
  });
  const services = Object.keys(policy.services);
  const all = services.some((id) => targets.every((target) => executesOn(policy, id, target, 'revoke')));
  const told = alone.join(', ');
  const remarks: PolicyProblem[] = [];
  if (alone.length > 0) {
    const message = `on ${told} only what grants may revoke: where that stops, nothing ends access there; a service with may: [revoke] would`;
    remarks.push({ code: 'W_POL_SWEEPER', path, message });
  }
  if (!all && targets.length > 0) {
    const message = `no one service may revoke on ${targets.join(', ')}: a sweep of some of them counts as one of all`;
    remarks.push({ code: 'W_POL_SWEEP_PARTLY', path, message });
  }
  return remarks;
}

/** That enough attested keys stand in the policy is a rule of it; whether they count today is not. */
function remarkPresence(policy: Policy, now: Instant): PolicyProblem[] {
  return Object.entries(policy.roles).flatMap(([name, role]) =>
    role.approval.flatMap((rule, at): PolicyProblem[] => {
      if (rule.presence === 'none') return [];
      const named = [rule, ...rule.fallback].flatMap((step) => [...members(policy, step.approvers)]);
      const able = [...new Set(named)].filter((id) => usableKeys(policy, id, now, rule.presence).length > 0);
      if (able.length >= rule.threshold) return [];
      const message = `needs ${rule.threshold}, and ${able.length} of its approvers hold an attested security key that counts now`;
      return [{ code: 'W_POL_PRESENCE', path: `/roles/${name}/approval/${at}/presence`, message }];
    }),
  );
}

function remarkTargets(policy: Policy, providers: SettingFactsByKind): PolicyProblem[] {
  return Object.entries(policy.targets).flatMap(([name, { provider, config }]) =>
    (providers.get(provider)?.remarks?.(config) ?? []).map(({ code, path, message }) => ({
      code,
      path: `/targets/${name}/config${path}`,
      message,
    })),
  );
}

function remarkRoles(policy: Policy, providers: SettingFactsByKind): PolicyProblem[] {
  return Object.entries(policy.roles).flatMap(([name, role]): PolicyProblem[] => {
    const provider = policy.targets[role.target]?.provider ?? '';
    if (!role.may_preexist || providers.get(provider)?.objects !== 'own') return [];
    const message = `does nothing: every grant of ${provider} is an object of its own, whatever was there before`;
    return [{ code: 'W_POL_IDLE', path: `/roles/${name}/may_preexist`, message }];
  });
}
