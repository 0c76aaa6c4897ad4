/**
 * Rules that came after the first ledgers. They refuse a policy when it is checked, ratified and put in force, and hold
 * grants back under one that is in force already; a policy entry on the chain is never junk for them (DESIGN
 * "Verifying"), audit says so.
 */
import { expected } from '../model/error.ts';
import type { Policy } from '../model/policy.ts';
import { type PublicKey, parsePublicKey } from '../trust/public-key.ts';
import { rawKeyOf } from '../trust/same-key.ts';
import { identities } from './judge-identities.ts';
import { filledIn } from './judge-roles.ts';
import { judgeNotices } from './notices/judge-notices.ts';
import type { PolicyProblem } from './policy-problem.ts';

export const judgeNewPolicy = (policy: Policy): readonly PolicyProblem[] => [
  ...judgeRawKeys(policy),
  ...judgeTellable(policy),
  ...judgeLoginCase(policy),
  ...judgeNotices(policy),
];

/** sudo on hosts of a directory reads `Dana` and `dana` as one user: the access of one would be the other's. */
function judgeLoginCase(policy: Policy): PolicyProblem[] {
  return Object.entries(policy.targets).flatMap(([target, { provider }]) => {
    if (provider !== 'sudoers') return [];
    const holders = new Map<string, { readonly id: string; readonly login: string }>();
    return identities(policy).flatMap(([path, id, { logins }]): PolicyProblem[] => {
      const login = Object.hasOwn(logins, target) ? (logins[target] ?? id) : id;
      const holder = holders.get(login.toLowerCase());
      if (holder === undefined) holders.set(login.toLowerCase(), { id, login });
      // Of the same spelling `judgeTargets` speaks.
      if (holder === undefined || holder.login === login) return [];
      const message = `${id} and ${holder.id} would have one login on ${target}: ${login} and ${holder.login} differ in capitals only`;
      return [{ code: 'E_POL_LOGIN_SHARED', path: `${path}/logins/${target}`, message }];
    });
  });
}

/** An entry names permissions as keys of an object, and its readers take no such key. */
const judgeTellable = ({ roles }: Policy): PolicyProblem[] =>
  Object.entries(roles).flatMap(([name, role]) =>
    role.permissions.flatMap((permission, at) =>
      filledIn(role, permission)?.includes('__proto__') === true
        ? [
            {
              code: 'E_POL_PERMISSION',
              path: `/roles/${name}/permissions/${at}`,
              message: 'a permission __proto__ has no place in a ledger entry',
            },
          ]
        : [],
    ),
  );

/** The same raw key in two wrappings would be two people, or two keys of one of whom only one is revoked. */
function judgeRawKeys(policy: Policy): PolicyProblem[] {
  const owners = new Map<string, { readonly id: string; readonly key: PublicKey }>();
  return identities(policy).flatMap(([path, id, identity]) => {
    const lines = identity.keys.map(({ key }, at) => [`${path}/keys/${at}/key`, key] as const);
    const login =
      identity.login_key === undefined ? [] : [[`${path}/login_key`, identity.login_key] as const];
    return [...lines, ...login].flatMap(([where, line]) => {
      const key = readKey(line);
      if (key === undefined) return [];
      const raw = rawKeyOf(key).id;
      const first = owners.get(raw);
      if (first === undefined) owners.set(raw, { id, key });
      // Of one spelling `judgeIdentities` speaks.
      if (first === undefined || first.key.fingerprint === key.fingerprint) return [];
      return first.id === id ? twice(where, id, first.key) : shared(where, first.id, first.key);
    });
  });
}

const shared = (path: string, owner: string, { fingerprint }: PublicKey): PolicyProblem[] => [
  {
    code: 'E_POL_KEY_SHARED',
    path,
    message: `is the same raw key as ${fingerprint}, which is a key of ${owner} already`,
  },
];

/** A login key may be a signing key of the same person. */
const twice = (path: string, id: string, { fingerprint }: PublicKey): PolicyProblem[] =>
  path.endsWith('/login_key')
    ? []
    : [
        {
          code: 'E_POL_KEY_TWICE',
          path,
          message: `is the same raw key as ${fingerprint}, which ${id} has already`,
        },
      ];

/** A line that is no key is a problem of its own elsewhere. */
function readKey(line: string): PublicKey | undefined {
  try {
    return parsePublicKey(line);
  } catch (error) {
    expected(error);
    return undefined;
  }
}
