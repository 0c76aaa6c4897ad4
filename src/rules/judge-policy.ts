/**
 * What a schema cannot say about a policy: that names exist, that no person can be mistaken for another, that
 * every rule can be met, that what can be granted can be taken away. All problems at once; an empty answer means
 * that deciding may rest on this policy. Paths are JSON pointers into `Policy`.
 */
import { isName } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import { judgeIdentities } from './judge-identities.ts';
import { judgeRoles } from './judge-roles.ts';
import { judgeTargets } from './judge-targets.ts';
import type { PolicyProblem, ProviderRulesByKind } from './policy-problem.ts';

export function judgePolicy(policy: Policy, providers: ProviderRulesByKind): readonly PolicyProblem[] {
  return [
    ...judgeNames(policy),
    ...judgeBranches(policy),
    ...judgeIdentities(policy),
    ...judgeTargets(policy, providers),
    ...judgeRoles(policy, providers),
  ];
}

/** One name means one thing: a person, a service or a group. */
function judgeNames(policy: Policy): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const kind of ['people', 'services', 'groups', 'roles', 'targets'] as const) {
    for (const name of Object.keys(policy[kind])) {
      const path = `/${kind}/${name}`;
      if (!isName(name)) problems.push({ code: 'E_POL_NAME', path, message: 'is not a name: a-z, 0-9, -' });
      const first = kind === 'groups' ? ['people', 'services'] : kind === 'services' ? ['people'] : [];
      const taken = first.find((other) => Object.hasOwn(policy[other as 'people' | 'services'], name));
      if (taken !== undefined) {
        problems.push({
          code: 'E_POL_NAME_SHARED',
          path,
          message: `${name} is a name among ${taken} already`,
        });
      }
    }
  }
  return problems;
}

/** Git's own rules for branch names, and none that could be an option, an object id or a branch of pam's. */
const BRANCH = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,100}$/u;
const NOT_A_BRANCH = /\.\.|\/\/|\/\.|\.\/|\/$|\.$|\.lock(?:\/|$)|^HEAD$|^[0-9a-f]{40}(?:[0-9a-f]{24})?$/u;

function judgeBranches({ config }: Policy): PolicyProblem[] {
  const problems = (['main', 'ledger'] as const).flatMap((key): PolicyProblem[] => {
    const branch = config[key];
    const path = `/config/${key}`;
    if (!BRANCH.test(branch) || NOT_A_BRANCH.test(branch)) {
      return [{ code: 'E_POL_BRANCH', path, message: 'is not a plain branch name' }];
    }
    return branch.startsWith('pam/') || branch.startsWith('pam-statements')
      ? [{ code: 'E_POL_BRANCH', path, message: 'is where pam keeps proposals and statements' }]
      : [];
  });
  if (config.main === config.ledger) {
    problems.push({
      code: 'E_POL_BRANCH',
      path: '/config/ledger',
      message: 'must be another branch than main',
    });
  }
  return problems;
}
