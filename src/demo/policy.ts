/** Writes the demo's policy, with the public keys that the demo just made. Stands in for a person with an editor. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function writePolicy(base: string, dir: string): void {
  const key = (name: string): string =>
    readFileSync(join(base, 'keys', `${name}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  mkdirSync(join(dir, 'policy'), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(dir, 'policy', name), text);
  write(
    'people.yaml',
    `people:
  alice: { name: Alice Ng, keys: [{ key: ${key('alice')} }] }
  dana: { name: Dana Ruiz, keys: [{ key: ${key('dana')} }] }
services:
  pam-apply:
    owner: alice
    keys: [{ key: ${key('pam-apply')} }]
    executes: { targets: ["*"], may: [grant, revoke] }
admins: { people: [alice], threshold: 1 }
`,
  );
  write(
    'targets.yaml',
    `targets:
  bastion:
    provider: ssh-ca
    config:
      ca_key_env: PAM_BASTION_CA_KEY
      ca_public_key: "${key('ca')}"
      krl_env: PAM_BASTION_KRL
      extensions: [permit-pty]
`,
  );
  write(
    'roles.yaml',
    `roles:
  bastion-root:
    description: Root on the bastion
    target: bastion
    permissions: ["principal:root"]
    risk: admin
    max_duration: 1h
    requesters: [dana]
    require: [ticket]
    approval:
      - { approvers: [alice], threshold: 1 }
`,
  );
}
