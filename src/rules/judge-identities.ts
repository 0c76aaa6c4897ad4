/** People, services, groups, admins: who is who, and that no key, login or account stands for two of them. */
import { expected } from '../model/error.ts';
import { ACCOUNT_SHARED, type Identity, type Policy } from '../model/policy.ts';
import { type PublicKey, parsePublicKey } from '../trust/public-key.ts';
import type { PolicyProblem } from './policy-problem.ts';

export function judgeIdentities(policy: Policy): PolicyProblem[] {
  return [
    ...judgeKeys(policy),
    ...judgeAccounts(policy),
    ...judgeServices(policy),
    ...judgeGroups(policy),
    ...judgeAdmins(policy),
    ...judgeRevokedKeys(policy),
  ];
}

/** Every identity with the pointer to it. */
export function identities(policy: Policy): readonly (readonly [string, string, Identity])[] {
  return [
    ...Object.entries(policy.people).map(([id, one]) => [`/people/${id}`, id, one] as const),
    ...Object.entries(policy.services).map(([id, one]) => [`/services/${id}`, id, one] as const),
  ];
}

/** Why `name` cannot stand where only a person can. */
export function notAPerson(policy: Policy, name: string, path: string): PolicyProblem | undefined {
  if (Object.hasOwn(policy.people, name)) return undefined;
  if (Object.hasOwn(policy.services, name)) {
    return { code: 'E_POL_NONHUMAN', path, message: `${name} is a service; only a person can stand here` };
  }
  const hint = Object.hasOwn(policy.groups, name) ? `; a group is written @${name}` : '';
  return { code: 'E_POL_UNKNOWN_NAME', path, message: `there is no person ${JSON.stringify(name)}${hint}` };
}

function judgeKeys(policy: Policy): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const owner = new Map<string, string>();
  for (const [path, id, identity] of identities(policy)) {
    const own = new Set<string>();
    for (const [at, entry] of identity.keys.entries()) {
      const keyPath = `${path}/keys/${at}/key`;
      const key = readKey(entry.key, keyPath, problems);
      if (key === undefined) continue;
      if (own.has(key.fingerprint)) {
        problems.push({ code: 'E_POL_KEY_TWICE', path: keyPath, message: `${id} has this key already` });
      }
      own.add(key.fingerprint);
      if (entry.from !== undefined && entry.until !== undefined && entry.from >= entry.until) {
        problems.push({
          code: 'E_POL_KEY_WINDOW',
          path: `${path}/keys/${at}/until`,
          message: 'must be after `from`',
        });
      }
      if (entry.attested !== undefined && !key.hardware) {
        const message = 'only a security key (sk-...) can be attested';
        problems.push({ code: 'E_POL_ATTESTED', path: `${path}/keys/${at}/attested`, message });
      }
      claim(owner, key, id, keyPath, problems);
    }
    if (identity.login_key === undefined) continue;
    const login = readKey(identity.login_key, `${path}/login_key`, problems);
    if (login !== undefined) claim(owner, login, id, `${path}/login_key`, problems);
  }
  return problems;
}

function readKey(line: string, path: string, problems: PolicyProblem[]): PublicKey | undefined {
  try {
    return parsePublicKey(line);
  } catch (cause) {
    const error = expected(cause);
    problems.push({ code: error.code, path, message: error.message });
    return undefined;
  }
}

/** Signing and login keys alike: the holder of a person's key *is* that person somewhere. */
function claim(
  owner: Map<string, string>,
  key: PublicKey,
  id: string,
  path: string,
  problems: PolicyProblem[],
): void {
  const holder = owner.get(key.fingerprint) ?? id;
  owner.set(key.fingerprint, holder);
  if (holder === id) return;
  problems.push({
    code: 'E_POL_KEY_SHARED',
    path,
    message: `${key.fingerprint} is a key of ${holder} already`,
  });
}

function judgeAccounts(policy: Policy): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const taken = new Map<string, string>();
  for (const [id, { accounts }] of Object.entries(policy.people)) {
    for (const [forge, { login, id: number }] of Object.entries(accounts)) {
      for (const [field, account] of [
        ['id', `${forge} ${number}`],
        ['login', `${forge} @${login.toLowerCase()}`],
      ] as const) {
        const holder = taken.get(account);
        const path = `/people/${id}/${forge}/${field}`;
        if (holder === undefined) taken.set(account, id);
        else problems.push({ code: ACCOUNT_SHARED, path, message: `is the account of ${holder} already` });
      }
    }
  }
  return problems;
}

function judgeServices(policy: Policy): PolicyProblem[] {
  return Object.entries(policy.services).flatMap(([id, { owner, executes }]) => {
    const path = `/services/${id}`;
    const ownerProblem = notAPerson(policy, owner, `${path}/owner`);
    const rights = (executes?.may ?? []).filter((right) => right !== 'grant' && right !== 'revoke');
    const targets = (executes?.targets ?? []).filter(
      (name) => name !== '*' && !Object.hasOwn(policy.targets, name),
    );
    const problems: PolicyProblem[] = [
      ...(ownerProblem === undefined ? [] : [ownerProblem]),
      ...rights.map(
        (right): PolicyProblem => ({
          code: 'E_POL_KIND',
          path: `${path}/executes/may`,
          message: `an executor may grant or revoke, not ${JSON.stringify(right)}`,
        }),
      ),
      ...targets.map(
        (name): PolicyProblem => ({
          code: 'E_POL_TARGET',
          path: `${path}/executes/targets`,
          message: `there is no target ${JSON.stringify(name)}`,
        }),
      ),
    ];
    return problems;
  });
}

function judgeGroups(policy: Policy): PolicyProblem[] {
  return Object.entries(policy.groups).flatMap(([group, names]) =>
    names.flatMap((name, at) => {
      const path = `/groups/${group}/${at}`;
      if (name.startsWith('@') || Object.hasOwn(policy.groups, name)) {
        return [{ code: 'E_POL_GROUP_NESTED', path, message: 'a group holds people, no groups' }];
      }
      return notAPerson(policy, name, path) ?? [];
    }),
  );
}

function judgeAdmins({ admins, ...policy }: Policy): PolicyProblem[] {
  const problems = admins.people.flatMap(
    (name, at) => notAPerson({ ...policy, admins }, name, `/admins/people/${at}`) ?? [],
  );
  const people = new Set(admins.people).size;
  if (!Number.isInteger(admins.threshold) || admins.threshold < 1 || admins.threshold > people) {
    const message = `must be a whole number from 1 to ${people}, the number of admins`;
    problems.push({ code: 'E_POL_THRESHOLD', path: '/admins/threshold', message });
  }
  return problems;
}

function judgeRevokedKeys({ revoked_keys }: Policy): PolicyProblem[] {
  return revoked_keys.flatMap(({ reason, since, at }, index) => {
    const path = `/revoked_keys/${index}/since`;
    if (since === undefined) return [];
    if (reason !== 'compromised') {
      return [{ code: 'E_POL_REVOKED', path, message: 'only a compromised key has a `since`' }];
    }
    return since > at ? [{ code: 'E_POL_REVOKED', path, message: 'must not be after `at`' }] : [];
  });
}
