/** A small valid policy as files, to be broken one line at a time; and a provider that takes plain words. */
import type { Files, Policy } from '../../../src/model/policy.ts';
import type { Provider } from '../../../src/model/target.ts';
import { readPolicy } from '../../../src/documents/policy-files.ts';
import { command } from '../../../src/targets/command/command.ts';
import { treeDigest } from '../../../src/trust/digest.ts';
import { makeKey } from '../../support/make-signature.ts';

const names = ['alice', 'bob', 'carol', 'dana', 'bot', 'apply', 'spare'] as const;
export const keys = Object.fromEntries(names.map((name) => [name, makeKey().line]));
export const hardware = makeKey('sk-ssh-ed25519@openssh.com').line;

export const texts = {
  'pam.yaml': 'version: 1\nforge: { kind: git }\n',
  'policy/people.yaml': `people:
  alice: { name: Alice, keys: [{ key: ${keys['alice']} }], github: { login: al, id: 1 } }
  bob: { name: Bob, keys: [{ key: ${keys['bob']} }], github: { login: bo, id: 2 } }
  carol: { name: Carol, keys: [{ key: ${keys['carol']} }] }
  dana: { name: Dana, keys: [{ key: ${keys['dana']} comment here }], logins: { db: druiz } }
services:
  bot: { owner: dana, keys: [{ key: ${keys['bot']} }] }
  apply: { owner: alice, keys: [{ key: ${keys['apply']} }], executes: { targets: ["*"], may: [grant, revoke] } }
groups: { leads: [alice, bob] }
admins: { people: [alice, bob], threshold: 1 }
`,
  'policy/roles.yaml': `roles:
  dba:
    description: Owner
    target: db
    permissions: ["role:{schema}_owner"]
    scope: { schema: { enum: [billing, shipping] } }
    risk: admin
    max_duration: 2h
    requesters: [dana, bot, "@leads"]
    require: [ticket, "justification:10"]
    approval:
      - { approvers: ["@leads"], threshold: 1, fallback: [{ approvers: [carol], after: 15m }] }
`,
  'policy/targets.yaml':
    'targets:\n  db: { provider: plain, config: { plugin: db, identity: one } }\n  other: { provider: plain, config: { plugin: other } }\n',
};
export type Path = keyof typeof texts;

export const plain: Provider = {
  kind: 'plain',
  // Validators are made of the schemas in the registry, so this one is lent.
  configSchema: command.configSchema,
  expiresByItself: () => false,
  objects: 'shared',
  needsLoginKey: false,
  checkPermission: (permission) => (/^role:[a-z_]+$/u.test(permission) ? undefined : 'must be role:<name>'),
  checkLogin: (login) => (/^[a-z]+$/u.test(login) ? undefined : 'must be letters'),
  identity: ({ identity }) => (typeof identity === 'string' ? identity : undefined),
  open: async () => await Promise.reject(new Error('no test opens a target')),
};
export const providers = new Map([['plain', plain]]);

/** The files, with one text replaced; a text that is not there is a mistake in the test. */
export function filesWith(path?: Path, from = '', to = ''): Files {
  const changed = { ...texts };
  if (path !== undefined) {
    if (!changed[path].includes(from)) throw new Error(`${path} does not hold ${from}`);
    changed[path] = changed[path].replace(from, () => to);
  }
  return new Map(Object.entries(changed).map(([name, text]) => [name, Buffer.from(text)]));
}

export function policyWith(path?: Path, from = '', to = ''): Policy {
  const files = filesWith(path, from, to);
  return readPolicy(files, treeDigest(files), providers);
}
