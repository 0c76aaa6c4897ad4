/** The files of a new access repository: the least that is valid, and comments that say what comes next. */
import type { SweepWay } from './sweep-ways.ts';

export interface Beginning {
  readonly admin: string;
  readonly adminKey: string;
  readonly executor: string;
  readonly executorKey: string;
  readonly remote: string | undefined;
  readonly github: OnGithub | undefined;
}

/** Proposals are pull requests there, and two executors run there. */
export interface OnGithub {
  /** `owner/name` */
  readonly repository: string;
  /** The admin's. */
  readonly account: { readonly login: string; readonly id: number } | undefined;
  /** A service that may only take away. */
  readonly sweeper: { readonly name: string; readonly key: string } | undefined;
  /** What will sweep there. */
  readonly sweepBy: SweepWay;
}

export function initFiles(begin: Beginning): ReadonlyMap<string, string> {
  const { github } = begin;
  const account = github?.account;
  const sweeper = github?.sweeper;
  return new Map([
    [
      'pam.yaml',
      `version: 1\nforge: ${forgeOf(begin)}\nmain: main\nledger: pam-ledger\nincidents: { source: file }\n${
        github === undefined ? '' : sweepWithin(github.sweepBy)
      }`,
    ],
    [
      'policy/people.yaml',
      `# People sign; services may ask for themselves and execute, and never approve.
people:
  ${begin.admin}:
    name: ${begin.admin}
${account === undefined ? '' : `    github: { login: ${account.login}, id: ${account.id} }\n`}    keys:
      - key: ${begin.adminKey}
services:
${service(begin, begin.executor, begin.executorKey, 'grant, revoke')}${
  sweeper === undefined ? '' : service(begin, sweeper.name, sweeper.key, 'revoke')
}groups: {}
# So many of these sign every later version of this policy, with \`pam ratify\`.
admins: { people: [${begin.admin}], threshold: 1 }
revoked_keys: []
`,
    ],
    [
      'policy/targets.yaml',
      `# A target is a system where access is granted. Never a secret here: *_env names a variable of the executor.
# targets:
#   bastion:
#     provider: ssh-ca
#     config: { ca_key_env: PAM_BASTION_CA_KEY, ca_public_key: "ssh-ed25519 AAAA...", krl_env: PAM_BASTION_KRL, extensions: [permit-pty] }
targets: {}
`,
    ],
    [
      'policy/roles.yaml',
      `# A role is what may be asked for: exact permissions on one target, for how long at most, and who approves.
# roles:
#   bastion-root:
#     description: Root on the bastion
#     target: bastion
#     permissions: ["principal:root"]
#     risk: admin
#     max_duration: 1h
#     requesters: [dana]
#     require: [ticket]
#     approval:
#       - { approvers: [${begin.admin}], threshold: 1 }
roles: {}
`,
    ],
  ]);
}

const sweepWithin = ({ title, within }: SweepWay): string =>
  `# Access that nobody will end must not begin: no new grant while grants are live and sweeps are missing for so long.
# What sweeps here is ${title} (docs/pam-setup.md, where it runs).
sweep_within: ${within}
`;

const service = ({ admin }: Beginning, name: string, key: string, may: string): string => `  ${name}:
    owner: ${admin}
    keys:
      - key: ${key}
    executes: { targets: ["*"], may: [${may}] }
`;

function forgeOf({ remote, github }: Beginning): string {
  if (github !== undefined) {
    return `{ kind: github, repository: ${github.repository}, remote: ${remote ?? 'origin'} }`;
  }
  return remote === undefined ? '{ kind: git }' : `{ kind: git, remote: ${remote} }`;
}
