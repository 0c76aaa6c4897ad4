import type { ErrorCode } from './error-codes.ts';
import type { Duration, Instant } from './instant.ts';
import type { Fingerprint, Sha256 } from './names.ts';

/** A signing key of a person or service, as policy lists it. */
export interface PolicyKey {
  /** `<type> <base64>`, no comment. */
  readonly key: string;
  readonly from?: Instant;
  readonly until?: Instant;
  /** Digest of the hardware attestation seen at enrolment. */
  readonly attested?: Sha256;
}

export interface Identity {
  readonly keys: readonly PolicyKey[];
  /** `<type> <base64>`; the key that certificates are issued for. Default: the first valid signing key. */
  readonly login_key?: string;
  /** Name on a target, by target. Default: the id. */
  readonly logins: Readonly<Record<string, string>>;
}

/** An account at a forge. The numeric id is the identity; the login may change. */
export interface PersonAccount {
  readonly login: string;
  readonly id: number;
}

export interface Person extends Identity {
  readonly name: string;
  /** By the kind of forge, which is also the field in `people.yaml`. Rules ask `accountOf` (`rules/people.ts`). */
  readonly accounts: Readonly<Record<string, PersonAccount>>;
}

export type ExecutorRight = 'grant' | 'revoke';

export interface Service extends Identity {
  readonly owner: string;
  readonly executes?: { readonly targets: readonly string[]; readonly may: readonly ExecutorRight[] };
}

export interface RevokedKey {
  readonly fingerprint: Fingerprint;
  readonly at: Instant;
  readonly reason: 'compromised' | 'lost' | 'superseded';
  /** Only with `compromised`: approvals recorded at or after this are void. Default: `at`. */
  readonly since?: Instant;
}

export type Presence = 'none' | 'touch' | 'verified';
export type Risk = 'standard' | 'admin' | 'break-glass';

/** One rule of a role's approval; every rule must hold. `approvers` are people or `@group`. */
export interface ApprovalRule {
  readonly approvers: readonly string[];
  readonly threshold: number;
  readonly fallback: readonly { readonly approvers: readonly string[]; readonly after: Duration }[];
  readonly presence: Presence;
}

export interface Role {
  readonly description: string;
  readonly target: string;
  /** The provider's own words, with `{key}` holes that the request's scope fills. */
  readonly permissions: readonly string[];
  readonly scope: Readonly<Record<string, { readonly enum: readonly string[] }>>;
  readonly risk: Risk;
  readonly max_duration: Duration;
  /** People, services or `@group`: who may ask *and* receive. */
  readonly requesters: readonly string[];
  /** `ticket`, `incident`, `compensating_controls`, `justification:<min chars>` */
  readonly require: readonly string[];
  readonly approval: readonly ApprovalRule[];
  readonly decide_within: Duration;
  readonly may_preexist: boolean;
  readonly review_within?: Duration;
}

export interface Target {
  readonly provider: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What else stands in it is for the kind (`forges/registry.ts`), whose schema it passed. */
export interface ForgeConfig {
  readonly kind: string;
  /** Only plain Git can do without. */
  readonly remote?: string;
  readonly [setting: string]: unknown;
}

/** Branches carry everything and `pam merge` merges; every other forge has pull requests, and merges them itself. */
export const isPlainGit = ({ kind }: Pick<ForgeConfig, 'kind'>): boolean => kind === 'git';

/** `pam.yaml` */
export interface PamConfig {
  readonly version: 1;
  readonly forge: ForgeConfig;
  /** Branch names, without `refs/heads/`. */
  readonly main: string;
  readonly ledger: string;
  readonly incidents: { readonly source: string; readonly [key: string]: unknown };
  readonly sweep_within?: Duration;
  /** Undecided requests that one requester may have on the ledger. */
  readonly open_requests: number;
  /** Digests of ledger entries that are not followed: the way out of a fork. Absent where there are none. */
  readonly settled?: readonly Sha256[];
  readonly notify: readonly NotifyConfig[];
}

/** Who is told about what. What else stands in it is for the kind (`notices/registry.ts`), whose schema it passed. */
export interface NotifyConfig {
  readonly kind: string;
  /** Events; what else a policy may name here is refused before it is signed (`rules/unbuilt.ts`). */
  readonly on: readonly string[];
  /** These roles only. */
  readonly roles?: readonly string[];
  readonly risk?: readonly Risk[];
  /** `false`: without people's reasons. Default: with them, but for break-glass. */
  readonly why?: boolean;
  readonly [setting: string]: unknown;
}

/** `pam.yaml` and `policy/*.yaml`, read, checked, with every default filled in. */
export interface Policy {
  /** Digest of the files that it was read from. */
  readonly digest: Sha256;
  readonly config: PamConfig;
  readonly people: Readonly<Record<string, Person>>;
  readonly services: Readonly<Record<string, Service>>;
  /** People only, no nesting. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly admins: { readonly people: readonly string[]; readonly threshold: number };
  readonly revoked_keys: readonly RevokedKey[];
  readonly roles: Readonly<Record<string, Role>>;
  readonly targets: Readonly<Record<string, Target>>;
}

/** Raw files by path (`pam.yaml`, `policy/people.yaml`, ...): exactly the bytes that Git holds. */
export type Files = ReadonlyMap<string, Uint8Array>;

export const POLICY_PATHS = [
  'pam.yaml',
  'policy/people.yaml',
  'policy/roles.yaml',
  'policy/targets.yaml',
] as const;

/** Of any forge: a code never changes, and the first forge with accounts gave this one its name. */
export const ACCOUNT_SHARED: ErrorCode = 'E_POL_GITHUB_SHARED';
