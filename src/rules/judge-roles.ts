/** Each role: that it can be granted, taken away, and approved by people who exist. */
import { secondsOf } from '../model/instant.ts';
import type { Policy, Role } from '../model/policy.ts';
import { judgeApproval } from './judge-approval.ts';
import { identities } from './judge-identities.ts';
import { fillHoles, holesOf } from './fill-scope.ts';
import type { PolicyProblem, ProviderRules, ProviderRulesByKind } from './policy-problem.ts';
import { members } from './people.ts';

const LONGEST_DECISION_SECONDS = 7 * 86_400;
/** More exact permissions than this from one line is no longer a list that people read. */
const MOST_FILLED = 4096;
const PRINTABLE = /^[!-~](?:[ -~]*[!-~])?$/u;
const REQUIREMENT = /^(?:ticket|incident|compensating_controls|justification:[1-9][0-9]{0,3})$/u;
const LONGEST_JUSTIFICATION = 2000;

export function judgeRoles(policy: Policy, providers: ProviderRulesByKind): PolicyProblem[] {
  return Object.entries(policy.roles).flatMap(([name, role]): PolicyProblem[] => {
    const path = `/roles/${name}`;
    const target = Object.hasOwn(policy.targets, role.target) ? policy.targets[role.target] : undefined;
    const provider = target === undefined ? undefined : providers.get(target.provider);
    return [
      ...(target === undefined
        ? [
            {
              code: 'E_POL_TARGET' as const,
              path: `${path}/target`,
              message: `there is no target ${JSON.stringify(role.target)}`,
            },
          ]
        : judgeExecutors(policy, role, path)),
      ...judgeScope(role, path),
      ...(provider === undefined ? [] : judgePermissions(role, path, provider)),
      ...judgeRequesters(policy, role, path, provider),
      ...judgeRequirements(role, path),
      ...judgeApproval(policy, role, path),
      ...judgeTimes(role, path),
    ];
  });
}

/** What can be granted must have a service that may take it away. */
function judgeExecutors(policy: Policy, role: Role, path: string): PolicyProblem[] {
  const revoker = Object.values(policy.services).some(
    ({ executes }) =>
      executes !== undefined &&
      executes.may.includes('revoke') &&
      (executes.targets.includes('*') || executes.targets.includes(role.target)),
  );
  const message = `no service may revoke on ${role.target}`;
  return revoker ? [] : [{ code: 'E_POL_EXECUTOR', path: `${path}/target`, message }];
}

/** Every hole has a key, every key a hole, every value is plain text. */
function judgeScope(role: Role, path: string): PolicyProblem[] {
  const used = new Set(role.permissions.flatMap(holesOf));
  const problems = role.permissions.flatMap((permission, at): PolicyProblem[] => {
    const here = { code: 'E_POL_SCOPE_KEYS' as const, path: `${path}/permissions/${at}` };
    const undefinedKeys = holesOf(permission).filter((key) => !Object.hasOwn(role.scope, key));
    if (/[{}]/u.test(fillHoles(permission, () => '')))
      return [{ ...here, message: 'has a brace that is no {key}' }];
    return undefinedKeys.map((key) => ({ ...here, message: `{${key}} is not in scope` }));
  });
  for (const [key, { enum: values }] of Object.entries(role.scope)) {
    const here = `${path}/scope/${key}`;
    if (!used.has(key))
      problems.push({ code: 'E_POL_SCOPE_KEYS', path: here, message: 'no permission uses this key' });
    for (const [at, value] of values.entries()) {
      if (PRINTABLE.test(value) && !/[{}]/u.test(value)) continue;
      const message = 'must be printable ASCII without blanks at its ends and without braces';
      problems.push({ code: 'E_POL_SCOPE_VALUE', path: `${here}/enum/${at}`, message });
    }
  }
  return problems;
}

/** Every permission that any request could come to, in the provider's grammar. One complaint a line is enough. */
function judgePermissions(role: Role, path: string, provider: ProviderRules): PolicyProblem[] {
  return role.permissions.flatMap((permission, at): PolicyProblem[] => {
    const here = `${path}/permissions/${at}`;
    const all = filledIn(role, permission);
    if (all === undefined) {
      return [
        { code: 'E_POL_SCOPE_VALUE', path: here, message: `stands for more than ${MOST_FILLED} permissions` },
      ];
    }
    for (const filled of all) {
      const wrong = provider.checkPermission(filled);
      if (wrong !== undefined) {
        return [{ code: 'E_POL_PERMISSION', path: here, message: `${JSON.stringify(filled)}: ${wrong}` }];
      }
    }
    return [];
  });
}

/** Every permission that this line can come to; `undefined` where those are too many. */
export function filledIn(role: Role, permission: string): readonly string[] | undefined {
  const keys = holesOf(permission);
  const values = keys.map((key) => (Object.hasOwn(role.scope, key) ? (role.scope[key]?.enum ?? []) : []));
  if (values.reduce((count, list) => count * list.length, 1) > MOST_FILLED) return undefined;
  return choices(values).map((choice) => fillHoles(permission, (key) => choice[keys.indexOf(key)] ?? ''));
}

/** One value of each list, in every combination. */
function choices(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<readonly (readonly string[])[]>(
    (done, list) => done.flatMap((start) => list.map((value) => [...start, value])),
    [[]],
  );
}

function judgeRequesters(
  policy: Policy,
  role: Role,
  path: string,
  provider: ProviderRules | undefined,
): PolicyProblem[] {
  const problems = role.requesters.flatMap((name, at): PolicyProblem[] => {
    const [kind, known, bare] = name.startsWith('@')
      ? ['group', Object.hasOwn(policy.groups, name.slice(1)), name.slice(1)]
      : [
          'person or service',
          Object.hasOwn(policy.people, name) || Object.hasOwn(policy.services, name),
          name,
        ];
    if (known) return [];
    const message = `there is no ${kind} ${JSON.stringify(bare)}`;
    return [{ code: 'E_POL_UNKNOWN_NAME', path: `${path}/requesters/${at}`, message }];
  });
  const who = members(policy, role.requesters);
  for (const [, id, { logins }] of identities(policy)) {
    // A login that policy spells out is judged where it stands.
    if (!who.has(id) || Object.hasOwn(logins, role.target)) continue;
    const wrong = provider?.checkLogin(id);
    if (wrong === undefined) continue;
    problems.push({
      code: 'E_POL_LOGIN',
      path: `${path}/requesters`,
      message: `${id} on ${role.target}: ${wrong}`,
    });
  }
  return problems;
}

function judgeRequirements(role: Role, path: string): PolicyProblem[] {
  return role.require.flatMap((word, at): PolicyProblem[] => {
    const least = Number(word.split(':')[1] ?? 0);
    if (REQUIREMENT.test(word) && least <= LONGEST_JUSTIFICATION) return [];
    const message = 'must be ticket, incident, compensating_controls or justification:<1 to 2000>';
    return [{ code: 'E_POL_REQUIRE', path: `${path}/require/${at}`, message }];
  });
}

function judgeTimes(role: Role, path: string): PolicyProblem[] {
  return secondsOf(role.decide_within) > LONGEST_DECISION_SECONDS
    ? [{ code: 'E_POL_DECIDE_WITHIN', path: `${path}/decide_within`, message: 'must be at most 7d' }]
    : [];
}
