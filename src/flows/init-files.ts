/** The files of a new access repository: the least that is valid, and comments that say what comes next. */
export interface Beginning {
  readonly admin: string;
  readonly adminKey: string;
  readonly executor: string;
  readonly executorKey: string;
  readonly remote: string | undefined;
}

export function initFiles(begin: Beginning): ReadonlyMap<string, string> {
  const forge = begin.remote === undefined ? '{ kind: git }' : `{ kind: git, remote: ${begin.remote} }`;
  return new Map([
    [
      'pam.yaml',
      `version: 1\nforge: ${forge}\nmain: main\nledger: pam-ledger\nincidents: { source: file }\n`,
    ],
    [
      'policy/people.yaml',
      `# People sign; services may ask for themselves and execute, and never approve.
people:
  ${begin.admin}:
    name: ${begin.admin}
    keys:
      - key: ${begin.adminKey}
services:
  ${begin.executor}:
    owner: ${begin.admin}
    keys:
      - key: ${begin.executorKey}
    executes: { targets: ["*"], may: [grant, revoke] }
groups: {}
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
