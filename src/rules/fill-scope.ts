/** From a role's permissions with `{key}` holes to exact ones. What a request fills in is text, never a new hole. */
import { PamError } from '../model/error.ts';
import type { Role } from '../model/policy.ts';
import { sortBytes } from '../trust/digest.ts';

type Scope = Readonly<Record<string, string>>;
type Holed = Pick<Role, 'permissions' | 'scope'>;

const HOLE = /\{([a-z][a-z0-9_-]{0,39})\}/gu;

/** The keys that a permission has holes for, each once. */
export function holesOf(permission: string): readonly string[] {
  return [...new Set([...permission.matchAll(HOLE)].map(([, key = '']) => key))];
}

/** Every hole filled; `fill` is asked for each key. */
export function fillHoles(permission: string, fill: (key: string) => string): string {
  return permission.replace(HOLE, (_, key: string) => fill(key));
}

/** Sentences saying what is wrong with a request's scope: missing keys, unknown ones, values that are not listed. */
export function checkScope(role: Holed, scope: Scope): readonly string[] {
  const missing = Object.keys(role.scope).filter((key) => !Object.hasOwn(scope, key));
  return [
    ...missing.map((key) => `scope ${key} is missing: one of ${listed(role, key).join(', ')}`),
    ...Object.entries(scope).flatMap(([key, value]) => {
      if (!Object.hasOwn(role.scope, key)) return [`the role has no scope ${JSON.stringify(key)}`];
      const allowed = listed(role, key);
      return allowed.includes(value) ? [] : [`scope ${key} must be one of ${allowed.join(', ')}`];
    }),
  ];
}

/** Filled in, each once, sorted by bytes. Throws `E_POL_SCOPE` for a scope that `checkScope` would not pass. */
export function fillPermissions(role: Holed, scope: Scope): string[] {
  const problems = checkScope(role, scope);
  if (problems.length > 0) throw new PamError('E_POL_SCOPE', problems.join('; '));
  const filled = role.permissions.map((permission) =>
    fillHoles(permission, (key) => {
      const value = Object.hasOwn(scope, key) ? scope[key] : undefined;
      // A policy with such a hole is invalid; a grant must not rest on that alone.
      if (value === undefined) throw new PamError('E_POL_SCOPE', `no scope fills {${key}}`);
      return value;
    }),
  );
  return sortBytes(new Set(filled));
}

function listed(role: Holed, key: string): readonly string[] {
  return Object.hasOwn(role.scope, key) ? (role.scope[key]?.enum ?? []) : [];
}
