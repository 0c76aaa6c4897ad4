/** Targets and the names that people and services have on them. */
import type { Policy } from '../model/policy.ts';
import { identities } from './judge-identities.ts';
import type { PolicyProblem, ProviderRulesByKind } from './policy-problem.ts';
import { identityOf } from './same-system.ts';

export function judgeTargets(policy: Policy, providers: ProviderRulesByKind): PolicyProblem[] {
  return [...judgeProviders(policy, providers), ...judgeLogins(policy, providers)];
}

function judgeProviders(policy: Policy, providers: ProviderRulesByKind): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const taken = new Map<string, string>();
  for (const [name, target] of Object.entries(policy.targets)) {
    const provider = providers.get(target.provider);
    if (provider === undefined) {
      const known = [...providers.keys()].join(', ');
      const message = `there is no provider ${target.provider}; there are: ${known}`;
      problems.push({ code: 'E_POL_PROVIDER', path: `/targets/${name}/provider`, message });
      continue;
    }
    const identity = identityOf(providers, target);
    if (identity === undefined) continue;
    const key = `${provider.kind} ${identity}`;
    const other = taken.get(key);
    if (other === undefined) taken.set(key, name);
    else {
      const message = `is the same system as ${other}: what one ends, the other would still hold`;
      problems.push({ code: 'E_POL_TARGET_SHARED', path: `/targets/${name}`, message });
    }
  }
  return problems;
}

/** Two identities with one login on a target could not be told apart there. */
function judgeLogins(policy: Policy, providers: ProviderRulesByKind): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const [path, , { logins }] of identities(policy)) {
    for (const [target, login] of Object.entries(logins)) {
      const at = `${path}/logins/${target}`;
      if (!Object.hasOwn(policy.targets, target)) {
        problems.push({
          code: 'E_POL_TARGET',
          path: at,
          message: `there is no target ${JSON.stringify(target)}`,
        });
        continue;
      }
      const wrong = providers.get(policy.targets[target]?.provider ?? '')?.checkLogin(login);
      if (wrong !== undefined) problems.push({ code: 'E_POL_LOGIN', path: at, message: wrong });
    }
  }
  for (const target of Object.keys(policy.targets)) {
    const holders = new Map<string, string>();
    for (const [path, id, { logins }] of identities(policy)) {
      const login = Object.hasOwn(logins, target) ? (logins[target] ?? id) : id;
      const holder = holders.get(login);
      if (holder === undefined) holders.set(login, id);
      else {
        const message = `${id} and ${holder} would have one login on ${target}`;
        problems.push({ code: 'E_POL_LOGIN_SHARED', path: `${path}/logins/${target}`, message });
      }
    }
  }
  return problems;
}
