/**
 * Settings that a policy may hold and that this build does not obey (DESIGN rule 12): one line each. A policy with one
 * of them is refused when it is checked, ratified or brought into force, and nothing is granted under it. The chain
 * never judges by this list: a policy that an earlier build believed stays believed, and its sweeps and audit go on.
 * The change that builds a setting takes its line out. Pure.
 */
import { UNBUILT_NOTICES } from '../model/notice.ts';
import { UNBUILT_SOURCES } from '../model/source.ts';
import type { Policy } from '../model/policy.ts';
import { NOTICE_VARIABLE, variablesOf } from './notices/variables.ts';
import type { PolicyProblem } from './policy-problem.ts';

export const UNBUILT_CODE = 'E_POL_UNBUILT';

interface Unbuilt {
  /** As it is written in the file. */
  readonly setting: string;
  readonly file: string;
  /** JSON pointers into `Policy` where it stands. */
  readonly at: (policy: Policy) => readonly string[];
  /** What a person who wrote it would believe in, and does not get. */
  readonly why: string;
  readonly instead: string;
}

const ROLES = 'policy/roles.yaml';
const UNBUILT: readonly Unbuilt[] = [
  {
    setting: 'notify',
    file: 'pam.yaml',
    at: ({ config }) =>
      config.notify.some((one) => variablesOf(one).some(([, name]) => !NOTICE_VARIABLE.test(name)))
        ? ['/config/notify']
        : [],
    why: 'this pam takes addresses and secrets of notices from variables PAM_NOTICE_... only',
    instead: 'name such ones',
  },
  ...UNBUILT_NOTICES.map(
    (event): Unbuilt => ({
      setting: `notify on ${event}`,
      file: 'pam.yaml',
      at: ({ config }) =>
        config.notify.flatMap(({ on }, at) => {
          const place = on.indexOf(event);
          return place === -1 ? [] : [`/config/notify/${at}/on/${place}`];
        }),
      why: `no ledger of this pam holds what \`${event}\` would tell`,
      instead: 'take the word out',
    }),
  ),
  {
    setting: 'incidents',
    file: 'pam.yaml',
    at: ({ config }) =>
      UNBUILT_SOURCES.includes(config.incidents.source) ? ['/config/incidents/source'] : [],
    why: 'this pam reads incidents from files on main only',
    instead: 'write { source: file }',
  },
  {
    setting: 'review_within',
    file: ROLES,
    at: ({ roles }) =>
      Object.keys(roles)
        .filter((name) => roles[name]?.review_within !== undefined)
        .map((name) => `/roles/${name}/review_within`),
    why: 'this pam asks for no review when access has ended',
    instead: 'take it out',
  },
];

/** Fields that the design names and no schema of this build takes yet: refused as unknown, and this says why. */
const NOT_YET: Readonly<Record<string, readonly string[]>> = {
  'pam.yaml': ['tickets', 'lift', 'approve_page'],
  'policy/people.yaml': ['origins', 'tls_key'],
  [ROLES]: ['delegates', 'passkeys', 'checks', 'owes', 'controls'],
};

export const isNotYetBuilt = (file: string, field: string): boolean =>
  NOT_YET[file]?.includes(field) === true;

export function unbuiltSettings(policy: Policy): readonly PolicyProblem[] {
  return UNBUILT.flatMap(({ setting, at, why, instead }) =>
    at(policy).map((path) => ({
      code: UNBUILT_CODE,
      path,
      message: `${setting} is not obeyed: ${why}; ${instead}`,
    })),
  );
}

/** One sentence for each setting of the policy in force that keeps grants from being made under it. */
export function unbuiltInForce(policy: Policy): readonly string[] {
  return UNBUILT.filter(({ at }) => at(policy).length > 0).map(
    ({ setting, file, why, instead }) =>
      `the policy in force has ${setting} in ${file}, and ${why}; ${instead}, and admins sign that with \`pam ratify\``,
  );
}
