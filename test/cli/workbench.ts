/**
 * A team and its access repository: real keys, real git, the real program (in this process, where that shows the same). alice, bob and carol are admins, dana and
 * erin ask, `deploy-bot` is dana's, `pam-apply` grants and `pam-sweep` only revokes. Either everybody works in one
 * lone clone, or each in a clone of their own of a bare remote, with a machine (home, state) of their own.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type How, type Ran, runProgram, runStock, tempDir } from './program.ts';
import { runHere } from './run-here.ts';

export const PEOPLE = ['alice', 'bob', 'carol', 'dana', 'erin'] as const;
const SERVICES = ['deploy-bot', 'pam-apply', 'pam-sweep'] as const;
const KEYS = [...PEOPLE, ...SERVICES, 'mallory', 'ca'];

export interface Actor {
  readonly name: string;
  readonly clone: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pam: (args: readonly string[], how?: Partial<How>) => Promise<Ran>;
  /** Stock git in this clone; fails when git does. */
  readonly git: (...args: readonly string[]) => string;
}

export interface Bench {
  readonly dir: string;
  /** The bare remote; `null` with a lone clone. */
  readonly bare: string | null;
  readonly trustRoot: string;
  readonly alice: Actor;
  readonly bob: Actor;
  readonly carol: Actor;
  readonly dana: Actor;
  readonly erin: Actor;
  readonly deployBot: Actor;
  readonly apply: Actor;
  readonly sweep: Actor;
  /** Moves the clock of every run from now on. */
  readonly later: (seconds: number) => void;
  /** What the instant `seconds` from the bench's now looks like in documents. */
  readonly instant: (seconds: number) => string;
  readonly key: (name: string) => string;
  readonly publicKey: (name: string) => string;
  /** `krl`, the sudoers directory, the plugin's state. */
  readonly targets: { readonly krl: string; readonly sudoers: string; readonly legacy: string };
  /** What any run may change: every ref of every repository, every work tree and index. */
  readonly landscape: () => Readonly<Record<string, string>>;
}

export interface Plan {
  readonly remote: boolean;
  /** Each command is a process of its own, as it is for a person. */
  readonly processes?: true;
  readonly threshold?: 1 | 2;
  /** Added to `pam.yaml`. */
  readonly config?: string;
  /** Replaces the catalogue. */
  readonly roles?: string;
  /** The forge is GitHub: `forge` of `pam.yaml`, what `init` is told, everybody's account, and who asks with what. */
  readonly github?: {
    readonly forge: string;
    readonly init: readonly string[];
    readonly accounts: Readonly<Record<string, number>>;
    /** Asked at each run: the hub is there only when its repository is. */
    readonly env: (name: string) => Readonly<Record<string, string>>;
  };
}

export const ROLES = `roles:
  bastion-root:
    description: Root on the bastion
    target: bastion
    permissions: ["principal:root"]
    risk: admin
    max_duration: 1h
    requesters: [dana, erin]
    require: [ticket]
    approval:
      - { approvers: ["@leads"], threshold: 1, fallback: [{ approvers: [carol], after: 15m }] }
  web-restart:
    description: Restart the web server
    target: web-sudo
    permissions: ["run:root:/usr/bin/systemctl restart nginx"]
    risk: standard
    max_duration: 8h
    requesters: ["@engineering", deploy-bot]
    approval: [{ approvers: [bob, carol], threshold: 1 }]
    decide_within: 1h
  realm-admin:
    description: Admin of one realm of the legacy system
    target: legacy
    permissions: ["admin:{realm}"]
    scope: { realm: { enum: [prod, test] } }
    risk: break-glass
    max_duration: 30m
    requesters: ["@engineering"]
    require: [incident, compensating_controls, "justification:10"]
    approval:
      - { approvers: [alice], threshold: 1 }
      - { approvers: [alice, bob, carol], threshold: 1 }
  publish:
    description: Publish packages
    target: legacy
    permissions: ["publish:packages"]
    risk: standard
    max_duration: 1h
    requesters: [deploy-bot]
    approval: [{ approvers: [dana, alice], threshold: 1 }]
`;

const PLUGIN = `#!/usr/bin/env node
const { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { op, login, permissions } = JSON.parse(readFileSync(0, 'utf8'));
const state = process.env.LEGACY_STATE;
mkdirSync(state, { recursive: true });
writeFileSync(join(state, '.environment'), JSON.stringify(process.env));
const says = join(state, 'says');
const message = existsSync(says) ? readFileSync(says, 'utf8') : '';
if (existsSync(join(state, 'down'))) {
  process.stderr.write(message);
  process.exit(1);
}
const place = (one) => join(state, Buffer.from(login + ' ' + one).toString('hex'));
if (op === 'grant') for (const one of permissions) writeFileSync(place(one), '');
if (op === 'revoke') for (const one of permissions) rmSync(place(one), { force: true });
const there = permissions.some((one) => existsSync(place(one)));
process.stdout.write(JSON.stringify({ version: 1, state: there ? 'present' : 'absent', handle: {}, message }));
`;

function peopleFile(
  publicKey: (name: string) => string,
  threshold: number,
  accounts: Readonly<Record<string, number>>,
): string {
  const people = PEOPLE.map((one) => {
    const id = accounts[one];
    const github = id === undefined ? '' : `, github: { login: ${one}-gh, id: ${id} }`;
    // Sudo's target looks for the login on this very host.
    const logins = one === 'dana' ? ', logins: { web-sudo: daemon }' : '';
    return `  ${one}: { name: ${one}${github}${logins}, keys: [{ key: ${publicKey(one)} }] }\n`;
  }).join('');
  const key = (name: string): string => `keys: [{ key: ${publicKey(name)} }]`;
  return `people:
${people}services:
  deploy-bot: { owner: dana, ${key('deploy-bot')} }
  pam-apply: { owner: alice, ${key('pam-apply')}, executes: { targets: ["*"], may: [grant, revoke] } }
  pam-sweep: { owner: alice, ${key('pam-sweep')}, executes: { targets: ["*"], may: [revoke] } }
groups: { engineering: [dana, erin], leads: [alice, bob] }
admins: { people: [alice, bob, carol], threshold: ${threshold} }
`;
}

function targetsFile(publicKey: (name: string) => string): string {
  return `targets:
  bastion:
    provider: ssh-ca
    config: { ca_key_env: PAM_CA, ca_public_key: "${publicKey('ca')}", krl_env: PAM_KRL, extensions: [permit-pty] }
  web-sudo: { provider: sudoers, config: { directory_env: PAM_SUDOERS_DIR } }
  legacy: { provider: command, config: { plugin: legacy, env: [LEGACY_STATE] } }
`;
}

export const INCIDENT = 'version: 1\nid: INC-7\nstatus: open\ntitle: The checkout is down\n';

export async function bench(plan: Plan): Promise<Bench> {
  const dir = tempDir();
  const keys = join(dir, 'keys');
  mkdirSync(keys);
  for (const name of KEYS) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(keys, name)]);
  }
  const key = (name: string): string => join(keys, name);
  const publicKey = (name: string): string =>
    readFileSync(`${key(name)}.pub`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  const targets = { krl: join(dir, 'krl'), sudoers: join(dir, 'sudoers.d'), legacy: join(dir, 'legacy') };
  mkdirSync(targets.sudoers, { mode: 0o750 });
  const plugins = join(dir, 'plugins');
  mkdirSync(plugins, { mode: 0o755 });
  writeFileSync(join(plugins, 'pam-provider-legacy'), PLUGIN);
  chmodSync(join(plugins, 'pam-provider-legacy'), 0o755);
  writeFileSync(join(plugins, 'package.json'), '{ "type": "commonjs" }\n');

  let ahead = 0;
  // What a process trusts of TLS it reads at its start.
  const pam = plan.processes === true || plan.github !== undefined ? runProgram : runHere;
  const bare = plan.remote ? join(dir, 'access.git') : null;
  const machine = (name: string, clone: string, more: Readonly<Record<string, string>>): Actor => {
    const home = join(dir, 'home', name);
    const tmp = join(dir, 'tmp', name);
    mkdirSync(home, { recursive: true });
    mkdirSync(tmp, { recursive: true });
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_STATE_HOME: plan.remote ? join(home, '.state') : join(dir, 'state'),
      TMPDIR: tmp,
      ...more,
    };
    return {
      name,
      clone,
      env,
      pam: async (args, how = {}) =>
        await pam(args, {
          cwd: clone,
          ahead,
          ...how,
          env: { ...env, ...plan.github?.env(name), ...how.env },
        }),
      git: (...args) => stockGit(clone, env, args),
    };
  };
  const lone = join(dir, 'access');
  const actor = (name: string, more: Readonly<Record<string, string>>): Actor =>
    machine(name, plan.remote ? join(dir, `clone-${name}`) : lone, more);
  const signer = (name: string): Actor => actor(name, { PAM_PERSON: name, PAM_KEY: key(name) });
  const places = {
    PAM_KRL: targets.krl,
    PAM_SUDOERS_DIR: targets.sudoers,
    PAM_PLUGIN_DIR: plugins,
    LEGACY_STATE: targets.legacy,
  };
  const executor = (name: string, more: Readonly<Record<string, string>>): Actor =>
    actor(name, { PAM_EXECUTOR: name, PAM_EXECUTOR_KEY: key(name), ...places, ...more });

  const alice = signer('alice');
  const forge = plan.github?.forge ?? `{ kind: git${plan.remote ? ', remote: origin' : ''} }`;
  const files: Readonly<Record<string, string>> = {
    'pam.yaml': `version: 1\nforge: ${forge}\nmain: main\nledger: pam-ledger\nincidents: { source: file }\n${plan.config ?? ''}`,
    'policy/people.yaml': peopleFile(publicKey, plan.threshold ?? 1, plan.github?.accounts ?? {}),
    'policy/targets.yaml': targetsFile(publicKey),
    'policy/roles.yaml': plan.roles ?? ROLES,
  };
  mkdirSync(alice.clone, { recursive: true });
  for (const [path, text] of Object.entries(files)) write(alice.clone, path, text);
  if (bare !== null) {
    execFileSync('git', ['init', '-q', '--bare', '--initial-branch=main', bare]);
    // Or each push starts a git that looks whether there is enough to tidy up, which there never is.
    execFileSync('git', ['-C', bare, 'config', 'receive.autogc', 'false']);
  }
  const init = ['init', '--json', '--executor', 'pam-apply', '--executor-key', key('pam-apply')];
  const began = await alice.pam([
    ...init,
    ...(bare === null ? [] : ['--remote', bare]),
    ...(plan.github?.init ?? []),
  ]);
  if (began.code !== 0) throw new Error(`init failed: ${began.err}`);
  const { root: trustRoot } = JSON.parse(began.out) as { readonly root: string };

  const others = [...PEOPLE.slice(1), 'deploy-bot'].map((name) => [name, signer(name)] as const);
  const executors = [
    executor('pam-apply', { PAM_CA: key('ca'), PAM_ROOT: trustRoot }),
    executor('pam-sweep', { PAM_ROOT: trustRoot }),
  ];
  const everybody = [alice, ...others.map(([, one]) => one), ...executors];
  if (bare !== null) {
    for (const one of everybody.slice(1)) {
      execFileSync('git', ['clone', '-q', bare, one.clone], { env: { ...one.env } });
    }
  }
  const by = (name: string): Actor => {
    const found = everybody.find((one) => one.name === name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found;
  };
  return {
    dir,
    bare,
    trustRoot,
    alice,
    bob: by('bob'),
    carol: by('carol'),
    dana: by('dana'),
    erin: by('erin'),
    deployBot: by('deploy-bot'),
    apply: by('pam-apply'),
    sweep: by('pam-sweep'),
    later: (seconds) => {
      ahead += seconds;
    },
    instant: (seconds) => `${new Date(Date.now() + (ahead + seconds) * 1000).toISOString().slice(0, 19)}Z`,
    key,
    publicKey,
    targets,
    landscape: () => {
      const clones = [...new Set(everybody.map((one) => one.clone))];
      const seen: Record<string, string> = {};
      for (const clone of clones) Object.assign(seen, cloneLandscape(clone, plan.remote));
      if (bare !== null) seen[bare] = refsOf(bare, 'refs');
      for (const place of [targets.krl, targets.sudoers, targets.legacy]) seen[place] = digestOf(place);
      return seen;
    },
  };
}

export function stockGit(
  dir: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always'];
  return execFileSync('git', ['-C', dir, ...who, ...args], {
    env: { ...env, LC_ALL: 'C' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

export function write(dir: string, path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

/** Commits what is written, and pushes main where there is a remote: what an admin does by hand. */
export function commitToMain(
  who: Actor,
  files: Readonly<Record<string, string | Uint8Array>>,
  remote: boolean,
): void {
  if (remote) who.git('pull', '-q', '--ff-only', 'origin', 'main');
  for (const [path, text] of Object.entries(files)) write(who.clone, path, text);
  who.git('add', '-A', '.');
  who.git('commit', '-q', '-m', 'by hand');
  if (remote) who.git('push', '-q', 'origin', 'HEAD:main');
}

const refsOf = (dir: string, under: string): string =>
  execFileSync('git', ['-C', dir, 'for-each-ref', '--format=%(refname) %(objectname)', under], {
    encoding: 'utf8',
  });

/** In a clone with a remote, fetching moves remote-tracking refs; nothing else may move. */
function cloneLandscape(clone: string, remote: boolean): Readonly<Record<string, string>> {
  const head = readFileSync(join(clone, '.git', 'HEAD'), 'utf8');
  return {
    [clone]: `${head}${refsOf(clone, remote ? 'refs/heads' : 'refs')}`,
    [`${clone} index`]: execFileSync('git', ['-C', clone, 'ls-files', '--stage'], { encoding: 'utf8' }),
    [`${clone} files`]: digestOf(clone),
  };
}

function digestOf(place: string): string {
  if (!existsSync(place)) return 'absent';
  if (!lstatSync(place).isDirectory()) return createHash('sha256').update(readFileSync(place)).digest('hex');
  const parts = readdirSync(place)
    .filter((name) => name !== '.git' && name !== '.environment')
    .sort()
    .map((name) => `${name} ${digestOf(join(place, name))}`);
  return parts.join('\n');
}

/** Runs a stock program with an actor's environment, in its clone. */
export async function stock(who: Actor, file: string, args: readonly string[], stdin?: string): Promise<Ran> {
  return await runStock(file, args, {
    cwd: who.clone,
    env: who.env,
    ...(stdin === undefined ? {} : { stdin }),
  });
}

export interface Asked {
  readonly id: string;
  readonly path: string;
  readonly branch: string;
  readonly proposal: string;
}

/** Asks for a role and gives what `--json` answered; fails when pam did not. */
export async function ask(who: Actor, role: string, ...more: readonly string[]): Promise<Asked> {
  const ran = await who.pam(['request', role, '--json', '--reason', 'to mend the checkout', ...more]);
  if (ran.code !== 0) throw new Error(`${role} was refused: ${ran.err}`);
  return JSON.parse(ran.out) as Asked;
}

export const askBastion = async (who: Actor, duration: string = '10m'): Promise<string> =>
  (await ask(who, 'bastion-root', '--for', duration, '--ticket', 'OPS-1')).id;

/** Every step must succeed. */
export async function must(run: Promise<Ran>): Promise<Ran> {
  const ran = await run;
  if (ran.code !== 0) throw new Error(`exit ${ran.code}\n${ran.out}\n${ran.err}`);
  return ran;
}

/** Asks, approves, merges: ready for `apply`. */
export async function approved(team: Bench, id: string, approver: Actor = team.alice): Promise<string> {
  await must(approver.pam(['approve', id, '--yes']));
  await must(approver.pam(['merge', id]));
  return id;
}
