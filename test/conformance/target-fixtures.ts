/** The three built-in targets around the real things: `ssh-keygen`, `sudo`, a program. */
import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Order, TargetPlace } from '../../src/model/target.ts';
import { command } from '../../src/targets/command/command.ts';
import { sshCa } from '../../src/targets/ssh-ca/ssh-ca.ts';
import { sudoers } from '../../src/targets/sudoers/sudoers.ts';
import { type Fixture, instant, NOW, requestId } from './target.ts';

export const execute = promisify(execFile);

export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return await execute(program, [...args]).then(
    () => true,
    () => false,
  );
}

const PATH = process.env['PATH'] ?? '';
const CANARY = 'canary-8f1d-"quoted"-secret';

export const ORDER: Order = {
  id: requestId('20261122-root-7k3fq2'),
  subject: 'dana',
  login: 'daemon',
  permissions: [],
  loginKey: null,
  from: NOW,
  until: instant('2026-11-22T18:45:00Z'),
  handle: { serial: 41 * 65_536 },
  receipt: null,
  now: NOW,
  within: 60,
};

async function temporary(): Promise<{ readonly root: string; readonly remove: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'pam-target-'));
  return { root, remove: async () => await rm(root, { recursive: true, force: true }) };
}

export interface SshCaFixture extends Fixture {
  readonly krl: string;
  readonly caLine: string;
  readonly caKey: string;
  readonly loginKey: string;
}

export async function sshCaFixture(
  options: { readonly type?: string; readonly bits?: string; readonly loginType?: string } = {},
): Promise<SshCaFixture> {
  const { root, remove } = await temporary();
  const [caKey, otherKey, loginKey] = [join(root, 'ca'), join(root, 'other'), join(root, 'login')];
  const bits = options.bits === undefined ? [] : ['-b', options.bits];
  await execute('ssh-keygen', [
    '-q',
    '-t',
    options.type ?? 'ed25519',
    ...bits,
    '-N',
    '',
    '-C',
    '',
    '-f',
    caKey,
  ]);
  await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', otherKey]);
  await execute('ssh-keygen', [
    '-q',
    '-t',
    options.loginType ?? 'ed25519',
    '-N',
    '',
    '-C',
    '',
    '-f',
    loginKey,
  ]);
  await mkdir(join(root, 'tmp'));
  const caLine = (await readFile(`${caKey}.pub`, 'utf8')).trim();
  const otherLine = (await readFile(`${otherKey}.pub`, 'utf8')).trim();
  const krl = join(root, 'krl');
  const env = { PATH, TMPDIR: join(root, 'tmp'), CA_KEY: caKey, KRL: krl, TZ: 'PST8', TOKEN: CANARY };
  const config = {
    ca_key_env: 'CA_KEY',
    ca_public_key: caLine,
    krl_env: 'KRL',
    extensions: ['permit-pty'],
    clock_skew: '1m',
  };
  const place: TargetPlace = { target: 'bastion', config, env };
  const privateText = (await readFile(caKey, 'utf8')).split('\n').slice(1, -2);
  return {
    provider: sshCa,
    place,
    order: {
      ...ORDER,
      permissions: ['principal:deploy', 'principal:root'],
      loginKey: (await readFile(`${loginKey}.pub`, 'utf8')).trim(),
    },
    works: async (order) => {
      const certificate = join(root, `${order.id}-cert.pub`);
      await writeFile(certificate, `${order.receipt?.certificate ?? ''}\n`);
      const isRevoked = await access(krl).then(
        async () => !(await succeeds('ssh-keygen', ['-Q', '-f', krl, certificate])),
        () => false,
      );
      return !isRevoked;
    },
    secrets: [CANARY, privateText.at(-1) ?? CANARY],
    root,
    secretPlaces: [caKey],
    wrongPlaces: [
      {
        what: 'another CA key',
        place: { ...place, env: { ...env, CA_KEY: otherKey } },
        code: 'E_PRV_TARGET_IDENTITY',
      },
      {
        what: 'another CA key, fingerprint alone in config',
        place: {
          ...place,
          config: { ca_key_env: 'CA_KEY', krl_env: 'KRL', ca: sshCa.identity({ ca_public_key: otherLine }) },
        },
        code: 'E_PRV_TARGET_IDENTITY',
      },
      {
        what: 'two halves that disagree',
        place: { ...place, config: { ...config, ca: sshCa.identity({ ca_public_key: otherLine }) } },
        code: 'E_PRV_CONFIG',
      },
      {
        what: 'a CA key that is not there',
        place: { ...place, env: { ...env, CA_KEY: join(root, 'none') } },
        code: 'E_PRV_CA_KEY',
      },
    ],
    goodPermissions: ['principal:a', 'principal:web_1.prod-eu@acme', `principal:${'x'.repeat(63)}`],
    badPermissions: [
      'root',
      'principal:',
      'principal:a,b',
      'principal:-rf',
      'principal:*',
      'principal:a b',
      'principal:ａ',
      `principal:${'x'.repeat(64)}`,
    ],
    badLogins: ['a,b', '-o', '*', 'a/b'],
    remove,
    krl,
    caLine,
    caKey,
    loginKey,
  };
}

/** `sudo` reads one directory; a private mount puts ours there for one question and touches nothing else. */
export const sudoIsHere: boolean = await succeeds('unshare', [
  '-m',
  'sh',
  '-c',
  'command -v sudo && id daemon',
]);

export async function sudoAllows(
  directory: string,
  login: string,
  words: readonly string[],
): Promise<boolean> {
  const script = 'mount --bind "$1" /etc/sudoers.d && user=$2 && shift 2 && exec sudo -n -l -U "$user" "$@"';
  return await succeeds('unshare', ['-m', 'sh', '-c', script, 'sh', directory, login, ...words]);
}

export async function sudoersFixture(): Promise<Fixture & { readonly directory: string }> {
  const { root, remove } = await temporary();
  const directory = join(root, 'sudoers.d');
  await mkdir(directory, { mode: 0o755 });
  const open = join(root, 'open');
  await mkdir(open);
  await chmod(open, 0o777);
  const env = { PATH, PAM_SUDOERS_DIR: directory, TOKEN: CANARY };
  const place: TargetPlace = { target: 'web-sudo', config: { directory_env: 'PAM_SUDOERS_DIR' }, env };
  const at = (path: string): TargetPlace => ({ ...place, env: { ...env, PAM_SUDOERS_DIR: path } });
  // The end must lie ahead of sudo's own clock for the access to work.
  const order = {
    ...ORDER,
    permissions: ['run:root:/usr/bin/id', 'run:root:/usr/bin/env a=b,c:d'],
    until: instant('2099-11-22T18:45:00Z'),
  };
  return {
    provider: sudoers,
    place,
    order,
    works: async ({ login, id }) => {
      if (sudoIsHere) return await sudoAllows(directory, login, ['/usr/bin/env', 'a=b,c:d']);
      return await access(join(directory, `pam-${id}`)).then(
        () => true,
        () => false,
      );
    },
    secrets: [CANARY],
    root,
    secretPlaces: [],
    wrongPlaces: [
      { what: 'a directory that others write', place: at(open), code: 'E_PRV_DIRECTORY' },
      { what: 'no directory', place: at(join(root, 'none')), code: 'E_PRV_DIRECTORY' },
      { what: 'a relative path', place: at('sudoers.d'), code: 'E_PRV_ENV' },
      { what: 'no variable', place: { ...place, env: {} }, code: 'E_PRV_ENV' },
    ],
    goodPermissions: [
      'run:www-data:/usr/bin/systemctl restart nginx',
      'run:root:/opt/a.b_c/d+e -x --y=z ./f %g',
      'run:svc@acme.example:/opt/my\\ app/run it',
      'run:ACME\\svc:/usr/bin/id',
    ],
    badPermissions: [
      '/bin/sh',
      'run:root',
      'run:root:',
      'run:root:ls',
      'run:ALL:/bin/sh',
      'run:ROOT:/bin/sh',
      'run:%wheel:/bin/sh',
      'run:+net:/bin/sh',
      'run:#0:/bin/sh',
      'run:!root:/bin/sh',
      'run:root,daemon:/bin/sh',
      'run:root:ALL',
      'run:root:/bin/*',
      'run:root:/bin/l?',
      'run:root:/bin/[a]',
      'run:root:!/bin/sh',
      'run:root:^/bin/.*$',
      'run:root:/bin/a\\b',
      'run:root:/bin/a\\  b',
      'run:root:/bin/\\ a',
      'run:root:/bin/a\\ ',
      'run:root:/bin/a\\\\ b',
      'run:root:/bin/a\\,b',
      'run:root:/bin/sh a\\ b',
      'run:ACME\\\\svc:/bin/sh',
      'run:root\\:ALL:/bin/sh',
      'run:Defaults@a:/bin/sh',
      'run:root:/bin/sh x\\',
      'run:root:/bin/',
      'run:root:/',
      'run:root://bin/sh',
      'run:root:/bin/../bin/sh',
      'run:root:/bin/./sh',
      'run:root:/usr/bin/sudoedit /etc/passwd',
      'run:root:sudoedit /etc/passwd',
      'run:root:/bin/sh  x',
      'run:root:/bin/sh x ',
      'run:root:/bin/sh "x"',
      'run:root:/bin/sh #x',
      'run:root:/bin/sh x\n#include /tmp/x',
      'run:root:/bin/sh $(id)',
    ],
    badLogins: [
      'ALL',
      'ADMINS',
      'A_1',
      'Defaults',
      'Defaults@acme.example',
      'Defaults:dana',
      'User_Alias',
      'Cmnd_Alias',
      '1000',
      '%#0',
      '%:ops',
      'dana\\',
      '\\dana',
      'ACME\\\\dana',
      'ACME\\dana\\x',
      'ACME\\+net',
      'ACME\\%ops',
      'dana\\ ALL',
      'dana\\,ALL',
      '"dana"',
      "'dana'",
      'dana:x',
      'dana,ALL',
      'dana(root)',
      'dana!',
      'dana#',
      'dana ALL=(ALL) ALL #',
      '%wheel',
      '+net',
      '#0',
      '!root',
      'a,b',
      'a b',
      'a=b',
      '@include',
      '-x',
    ],
    remove,
    directory,
  };
}

/** A plugin that keeps its grants in a file of its own and prints what it was given when asked to. */
const PLUGIN = `#!/usr/bin/env node
const fs = process.getBuiltinModule('node:fs');
const q = JSON.parse(fs.readFileSync(0, 'utf8'));
const file = q.options.file;
if (!process.env.LEGACY_TOKEN) throw new Error('no token');
const db = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
const keys = q.permissions.map((p) => q.login + ' ' + p);
if (q.op === 'grant') for (const k of keys) db[k] = q.until;
if (q.op === 'revoke') for (const k of keys) delete db[k];
if (q.op !== 'inspect') fs.writeFileSync(file, JSON.stringify(db));
const state = keys.some((k) => k in db) ? 'present' : 'absent';
const message = 'token ' + process.env.LEGACY_TOKEN;
process.stdout.write(JSON.stringify({ version: 1, state, handle: { row: 7 }, message }));
`;

export async function commandFixture(
  plugin: string = PLUGIN,
): Promise<Fixture & { readonly plugins: string; readonly program: string }> {
  const { root, remove } = await temporary();
  const plugins = join(root, 'plugins');
  const open = join(root, 'open');
  await mkdir(plugins, { mode: 0o755 });
  await mkdir(open);
  await chmod(open, 0o777);
  const program = join(plugins, 'pam-provider-legacy');
  await writeFile(program, plugin, { mode: 0o755 });
  await writeFile(join(open, 'pam-provider-legacy'), plugin, { mode: 0o755 });
  const file = join(root, 'db.json');
  const config = { plugin: 'legacy', env: ['LEGACY_TOKEN'], options: { file } };
  const env = { PATH, PAM_PLUGIN_DIR: plugins, LEGACY_TOKEN: CANARY, OTHER_TOKEN: `other ${CANARY}` };
  const place: TargetPlace = { target: 'legacy', config, env };
  const at = (path: string): TargetPlace => ({ ...place, env: { ...env, PAM_PLUGIN_DIR: path } });
  return {
    provider: command,
    place,
    order: { ...ORDER, permissions: ['group: $(id) "quoted" --flag', 'rôle/é'] },
    works: async () => Object.keys(JSON.parse(await readFile(file, 'utf8')) as object).length > 0,
    secrets: [CANARY, JSON.stringify(CANARY).slice(1, -1)],
    root,
    secretPlaces: [],
    wrongPlaces: [
      { what: 'L18 a relative directory', place: at('plugins'), code: 'E_PRV_PLUGIN_PATH' },
      { what: 'L18 a directory that others write', place: at(open), code: 'E_PRV_PLUGIN_PATH' },
      { what: 'no directory', place: at(join(root, 'none')), code: 'E_PRV_PLUGIN_PATH' },
      { what: 'no variable', place: { ...place, env: {} }, code: 'E_PRV_PLUGIN_PATH' },
      {
        what: 'a name that is a path',
        place: { ...place, config: { ...config, plugin: '../plugins/x' } },
        code: 'E_PRV_CONFIG',
      },
    ],
    goodPermissions: ['-rf /', "'; drop table x; --"],
    badPermissions: ['a\u2028b', 'a\u200bb', '\ud800'],
    badLogins: ['a\u2028b', 'a\u0085b'],
    remove,
    plugins,
    program,
  };
}
