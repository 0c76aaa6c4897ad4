/**
 * Defaults, in one place. Files have passed their schemas; what they leave out is said here, so that rules meet
 * complete values only. Tables by name have no prototype: a request for the role `constructor` finds nothing.
 */
import type { Duration } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import {
  type ApprovalRule,
  type Identity,
  isPlainGit,
  type PamConfig,
  type Person,
  type PersonAccount,
  type POLICY_PATHS,
  type Policy,
  type PolicyKey,
  type RevokedKey,
  type Role,
  type Service,
  type Target,
} from '../model/policy.ts';

export type PolicyPath = (typeof POLICY_PATHS)[number];

const DECIDE_WITHIN = '24h' as Duration;
const OPEN_REQUESTS = 20;

/** What a file may leave out. */
type Lean<T, Optional extends keyof T> = Omit<T, Optional> & Partial<Pick<T, Optional>>;
type Table<T> = Readonly<Record<string, T>>;

type PamFile = Lean<PamConfig, 'main' | 'ledger' | 'incidents' | 'open_requests' | 'notify'>;
/** A person's fields in the file. What else the schema takes is an account, under the kind of its forge. */
const PERSON = { name: true, keys: true, login_key: true, logins: true } as const satisfies Record<
  Exclude<keyof Person, 'accounts'>,
  true
>;
type PersonFile = Lean<Omit<Person, 'accounts'>, 'logins'>;
interface PeopleFile {
  readonly people: Table<PersonFile>;
  readonly services?: Table<Lean<Service, 'logins'>>;
  readonly groups?: Policy['groups'];
  readonly admins: Policy['admins'];
  readonly revoked_keys?: readonly RevokedKey[];
}
type RoleFields = Lean<Role, 'scope' | 'require' | 'decide_within' | 'may_preexist' | 'approval'> & {
  readonly approval: readonly Lean<ApprovalRule, 'fallback' | 'presence'>[];
};

export function fillPolicy(digest: Sha256, dataOf: (path: PolicyPath) => unknown): Policy {
  // Each file has just passed the schema that says what the type here says.
  const pam = dataOf('pam.yaml') as PamFile;
  const people = dataOf('policy/people.yaml') as PeopleFile;
  const roles = dataOf('policy/roles.yaml') as { readonly roles: Table<RoleFields> };
  const targets = dataOf('policy/targets.yaml') as { readonly targets: Table<Lean<Target, 'config'>> };
  return {
    digest,
    config: fillConfig(pam),
    people: mapTable(people.people, fillPerson),
    services: mapTable(people.services ?? {}, fillIdentity),
    groups: mapTable(people.groups ?? {}, (names) => names),
    admins: people.admins,
    revoked_keys: people.revoked_keys ?? [],
    roles: mapTable(roles.roles, fillRole),
    targets: mapTable(targets.targets, ({ provider, config }) => ({ provider, config: config ?? {} })),
  };
}

function fillConfig(file: PamFile): PamConfig {
  const { forge } = file;
  return {
    ...file,
    forge: isPlainGit(forge) ? forge : { ...forge, remote: forge.remote ?? 'origin' },
    main: file.main ?? 'main',
    ledger: file.ledger ?? 'pam-ledger',
    incidents: file.incidents ?? { source: 'file' },
    open_requests: file.open_requests ?? OPEN_REQUESTS,
    notify: file.notify ?? [],
  };
}

/** `accounts` takes the place of the first of them: a change of policy is told in the order of the file. */
function fillPerson(file: PersonFile): Person {
  const accounts = Object.create(null) as Record<string, PersonAccount>;
  const fields = Object.entries(file).map(([field, value]: [string, unknown]) => {
    if (Object.hasOwn(PERSON, field)) return [field, value] as const;
    // Its schema says so.
    accounts[field] = value as PersonAccount;
    return ['accounts', accounts] as const;
  });
  return { ...fillIdentity(Object.fromEntries(fields) as unknown as PersonFile), accounts };
}

function fillIdentity<T extends Lean<Identity, 'logins'>>(one: T): T & Pick<Identity, 'logins'> {
  return {
    ...one,
    keys: one.keys.map((key): PolicyKey => ({ ...key, key: withoutComment(key.key) })),
    ...(one.login_key === undefined ? {} : { login_key: withoutComment(one.login_key) }),
    logins: mapTable(one.logins ?? {}, (login) => login),
  };
}

function fillRole(role: RoleFields): Role {
  return {
    ...role,
    scope: mapTable(role.scope ?? {}, (values) => values),
    require: role.require ?? [],
    approval: role.approval.map((rule) => ({
      ...rule,
      fallback: rule.fallback ?? [],
      presence: rule.presence ?? 'none',
    })),
    decide_within: role.decide_within ?? DECIDE_WITHIN,
    may_preexist: role.may_preexist ?? false,
  };
}

/** What is no key line stays as it is: `judge-identities` says why it is none. */
function withoutComment(line: string): string {
  const [, type, base64] = KEY_LINE.exec(line) ?? [];
  return type === undefined || base64 === undefined ? line : `${type} ${base64}`;
}

const KEY_LINE = /^([!-~]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t].*)?$/u;

function mapTable<A, B>(table: Table<A>, map: (value: A) => B): Table<B> {
  // No prototype, see the head of this file.
  const result = Object.create(null) as Record<string, B>;
  for (const [name, value] of Object.entries(table)) result[name] = map(value);
  return result;
}
