/**
 * `pam doctor` on real machines that are really broken: each finding is made by breaking the thing itself, and is gone
 * when it is mended. What a policy or a ledger alone can show is in `test/unit/rules/doctor/`.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentOf, expectQuiet, type Json, listOf, parse } from './expectations.ts';
import { type How, type Ran, runProgram, tempDir } from './program.ts';
import {
  type Actor,
  approved,
  ask,
  bench,
  type Bench,
  commitToMain,
  INCIDENT,
  must,
  ROLES,
  stockGit,
} from './workbench.ts';

/** Enough approvers for everybody, with any one person away. */
const FIT = ROLES.replace(
  '- { approvers: [alice], threshold: 1 }',
  '- { approvers: [alice, bob], threshold: 1 }',
).replace('[{ approvers: [dana, alice], threshold: 1 }]', '[{ approvers: [bob, alice], threshold: 1 }]');
const NOBODY = 65_534;
const FIELDS = ['ok', 'checks', 'skipped'];

let team: Bench;
let bare: string;
const receive = (name: string, value: string): string =>
  stockGit(bare, team.alice.env, ['config', `receive.${name}`, value]);

beforeAll(async () => {
  team = await bench({ remote: true, config: 'sweep_within: 1h\n', roles: FIT });
  bare = team.bare ?? '';
  receive('denyDeletes', 'true');
  receive('denyNonFastForwards', 'true');
  await must(team.dana.pam(['catalog']));
  await must(team.apply.pam(['apply']));
  await must(team.sweep.pam(['sweep']));
});

const told = (document: Json, wanted: (state: unknown) => boolean): readonly string[] =>
  listOf(document, 'checks')
    .filter(({ state }) => wanted(state))
    .map(({ state, area, code }) => `${String(state)} ${String(area)} ${String(code)}`);
const findings = (ran: Ran): readonly string[] => told(parse(ran.out), (state) => state !== 'ok');
const doctor = async (who: Actor, how: Partial<How> = {}, args: readonly string[] = []): Promise<Ran> =>
  await who.pam(['doctor', '--json', ...args], how);

describe('in order', () => {
  test('a person, an executor that grants and one that sweeps: nothing to do, nothing changed', async () => {
    const before = team.landscape();
    const state = (who: Actor): string =>
      execFileSync('find', [who.env['XDG_STATE_HOME'] ?? '', '-type', 'f', '-printf', '%p %T@ %s\n'], {
        encoding: 'utf8',
      });
    const remembered = [team.dana, team.apply, team.sweep].map(state);
    for (const [who, skipped] of [
      [team.dana, ['targets', 'executor']],
      [team.apply, ['person']],
      [team.sweep, ['person']],
    ] as const) {
      const document = documentOf(await doctor(who), 'pam.doctor/1', FIELDS);
      expect(told(document, (one) => one !== 'ok')).toEqual([]);
      expect(document['ok']).toBe(true);
      expect(listOf(document, 'skipped').map(({ area }) => area)).toEqual(skipped);
      for (const check of listOf(document, 'checks'))
        expect(Object.keys(check)).toEqual(['code', 'area', 'state', 'message', 'hint']);
    }
    expect(team.landscape()).toEqual(before);
    expect([team.dana, team.apply, team.sweep].map(state)).toEqual(remembered);
  });

  test('on a new machine nothing is pinned and nothing kept by looking', async () => {
    const home = tempDir();
    await doctor(team.dana, { env: { XDG_STATE_HOME: home } });
    await doctor(team.sweep, { env: { XDG_STATE_HOME: home } });
    expect(execFileSync('find', [home, '-mindepth', '1'], { encoding: 'utf8' })).toBe('');
  });

  test('every area is told of, as an executor or as a person; in order, one after the other', async () => {
    const areas = async (who: Actor): Promise<readonly unknown[]> => {
      const all = listOf(parse((await doctor(who)).out), 'checks').map(({ area }) => area);
      return all.filter((area, at) => area !== all[at - 1]);
    };
    const shared = ['programs', 'memory', 'repository', 'remote', 'root', 'ledger', 'policy'];
    expect(await areas(team.dana)).toEqual([...shared, 'person', 'clock', 'incidents', 'sweeps', 'forge']);
    expect(await areas(team.apply)).toEqual([
      ...shared,
      'executor',
      'clock',
      'incidents',
      'sweeps',
      'targets',
      'forge',
    ]);
  });

  test('in words: a count for scripts and pipes, every line with --all', async () => {
    expect(expectQuiet(await team.dana.pam(['doctor']))).toMatch(/^Checked \d+: \d+ ok\.\n$/u);
    const all = expectQuiet(await team.apply.pam(['doctor', '--all']));
    expect(all).toMatch(/^not here person: an executor is at home here, no person\nok programs: git \d/u);
    expect(all).toMatch(/\nok targets: bastion is ready to grant and revoke\n/u);
    const swept = expectQuiet(await team.sweep.pam(['doctor', '--all']));
    expect(swept).toMatch(/\nok targets: bastion is ready to revoke\n/u);
    expect(swept).toMatch(/\nok sweeps: the last sweep on record was \d{4}-/u);
  });
});

interface Broken {
  readonly what: string;
  readonly who: () => Actor;
  readonly args?: () => readonly string[];
  readonly how?: () => Partial<How>;
  /** Breaks it, and gives what mends it. */
  readonly breaks?: () => () => void;
  readonly exit: number;
  readonly finds: readonly string[];
}

const dana = (): Actor => team.dana;
const apply = (): Actor => team.apply;
const sweep = (): Actor => team.sweep;
const env = (more: () => Record<string, string>) => (): Partial<How> => ({ env: more() });

function tryAll(cases: readonly Broken[]): void {
  test.each(cases)('$what', async ({ who, args, how, breaks, exit, finds }) => {
    const mend = breaks?.();
    try {
      const ran = await doctor(who(), how?.(), args?.());
      expect({ code: ran.code, err: ran.err, finds: findings(ran) }).toEqual({ code: exit, err: '', finds });
      const { ok, ...document } = parse(ran.out);
      expect(ok).toBe(exit === 0);
      // Whoever is told of something is told what to do about it.
      const silent = listOf(document, 'checks').filter(({ state, hint }) => state !== 'ok' && hint === null);
      expect(silent).toEqual([]);
    } finally {
      mend?.();
    }
  });
}

/** A program of that name before all others in PATH. */
function pathWith(name: string, script: string): string {
  const dir = tempDir();
  writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, name), 0o755);
  return `${dir}:${process.env['PATH'] ?? ''}`;
}

describe('programs', () => {
  tryAll([
    {
      what: 'neither git nor ssh-keygen',
      who: dana,
      how: env(() => ({ PATH: tempDir() })),
      exit: 4,
      finds: [
        'problem programs E_RUN_MISSING',
        'problem programs E_RUN_MISSING',
        'problem repository E_RUN_MISSING',
        'problem person E_RUN_MISSING',
      ],
    },
    {
      what: 'a git from before the seal',
      who: dana,
      how: env(() => ({
        PATH: pathWith('git', 'test "$1" = --version && echo git version 2.30.2 || exec /usr/bin/git "$@"'),
      })),
      exit: 1,
      finds: ['problem programs E_GIT_OLD'],
    },
    {
      what: 'an ssh-keygen that cannot sign',
      who: dana,
      how: env(() => ({
        PATH: pathWith(
          'ssh-keygen',
          'test "$1" = "-?" && echo "usage: ssh-keygen -Y verify" && exit 1; exec /usr/bin/ssh-keygen "$@"',
        ),
      })),
      exit: 1,
      finds: ['problem programs E_SIGN_OLD'],
    },
  ]);
});

describe('what this machine remembers', () => {
  const memory = (who: Actor): string => {
    const home = join(who.env['XDG_STATE_HOME'] ?? '', 'pam');
    const [name] = execFileSync('ls', [home], { encoding: 'utf8' }).split('\n');
    return join(home, name ?? '');
  };
  tryAll([
    {
      what: 'anybody may write there',
      who: dana,
      breaks: () => {
        const place = memory(team.dana);
        chmodSync(place, 0o777);
        return () => chmodSync(place, 0o700);
      },
      exit: 4,
      finds: ['problem memory E_MEM_MODE'],
    },
    {
      what: 'it is no directory, so nothing can be remembered',
      who: dana,
      args: () => ['--root', team.trustRoot],
      how: env(() => ({ XDG_STATE_HOME: team.key('ca') })),
      exit: 4,
      finds: ['problem memory E_MEM_WRITE'],
    },
    ...(process.getuid?.() === 0
      ? [
          {
            what: 'it belongs to another user',
            who: dana,
            breaks: () => {
              const place = memory(team.dana);
              chownSync(place, NOBODY, NOBODY);
              return () => chownSync(place, 0, 0);
            },
            exit: 4,
            finds: ['problem memory E_MEM_OWNER'],
          },
        ]
      : []),
  ]);
});

describe('the clone', () => {
  const cloned =
    (...more: readonly string[]) =>
    (): readonly string[] => {
      const place = join(tempDir(), 'clone');
      execFileSync('git', ['clone', '-q', ...more, `file://${bare}`, place], {
        env: { ...team.dana.env },
        stdio: 'ignore',
      });
      return ['-C', place, '--root', team.trustRoot];
    };
  tryAll([
    {
      what: 'no repository',
      who: dana,
      args: () => ['-C', tempDir()],
      exit: 1,
      finds: ['problem repository E_GIT_NONE'],
    },
    {
      what: 'history is cut',
      who: dana,
      args: cloned('--depth', '1', '--no-single-branch'),
      exit: 0,
      finds: ['warning repository E_GIT_SHALLOW'],
    },
    {
      what: 'objects are left out',
      who: dana,
      args: () => {
        stockGit(bare, team.alice.env, ['config', 'uploadpack.allowFilter', 'true']);
        return cloned('--filter=blob:none')();
      },
      exit: 1,
      finds: ['warning repository E_GIT_PARTIAL', 'problem ledger E_GIT_PARTIAL'],
    },
    ...(process.getuid?.() === 0
      ? [
          {
            what: 'it belongs to another user',
            who: dana,
            args: () => {
              const args = cloned()();
              execFileSync('chown', ['-R', String(NOBODY), args[1] ?? '']);
              return args;
            },
            exit: 1,
            finds: ['problem repository E_GIT_OWNER'],
          },
        ]
      : []),
  ]);

  test('replace refs and grafts are told and are no finding', async () => {
    const args = cloned()();
    const git = (...line: readonly string[]): string => stockGit(args[1] ?? '', team.dana.env, line);
    const told_ = async (): Promise<readonly Json[]> =>
      listOf(parse((await doctor(team.dana, {}, args)).out), 'checks').filter(
        ({ code }) => code === 'E_GIT_REPLACED',
      );
    expect(await told_()).toEqual([]);
    git('commit', '-q', '--allow-empty', '-m', 'other');
    git('replace', 'HEAD~1', 'HEAD');
    mkdirSync(join(args[1] ?? '', '.git/info'), { recursive: true });
    writeFileSync(join(args[1] ?? '', '.git/info/grafts'), `${git('rev-parse', 'HEAD')}\n`);
    expect(await told_()).toMatchObject([
      { state: 'ok', message: expect.stringMatching(/1 replace refs and grafts/u) },
    ]);
    git('pack-refs', '--all');
    expect(await told_()).toMatchObject([{ message: expect.stringMatching(/1 replace refs/u) }]);
  });
});

describe('the remote', () => {
  const url = (to: () => string) => () => {
    team.dana.git('remote', 'set-url', 'origin', to());
    return () => void team.dana.git('remote', 'set-url', 'origin', bare);
  };
  const pinned = (): readonly string[] => ['--root', team.trustRoot];
  tryAll([
    {
      what: 'is gone',
      who: dana,
      args: pinned,
      breaks: url(() => join(team.dir, 'gone.git')),
      exit: 1,
      finds: [
        'problem remote E_FORGE_STALE',
        'unknown forge E_FORGE_RECEIVE',
        'unknown forge E_FORGE_RECEIVE',
      ],
    },
    {
      what: 'is one that pam does not speak to',
      who: dana,
      args: pinned,
      breaks: url(() => 'ext::sh -c true'),
      exit: 4,
      finds: ['problem remote E_GIT_REMOTE', 'problem forge E_GIT_REMOTE'],
    },
    {
      what: 'is not asked with --offline, and nothing is called good for that',
      who: dana,
      args: () => ['--offline'],
      exit: 3,
      finds: ['unknown remote E_FORGE_STALE'],
    },
  ]);

  test('a URL with a password in it: a warning that does not repeat it', async () => {
    const mend = url(() => 'https://dana:hunter2secret@127.0.0.1:1/access.git')();
    try {
      for (const args of [['--json'], ['--all'], []]) {
        const ran = await team.dana.pam(['doctor', ...pinned(), ...args]);
        expect(ran.out).toContain('W_GIT_CREDENTIALS');
        expect(`${ran.out}${ran.err}`).not.toContain('hunter2secret');
      }
    } finally {
      mend();
    }
  });
});

describe('root and ledger', () => {
  const other = `sha256:${'0'.repeat(64)}`;
  const remoteLedger = (to: () => string | null) => () => {
    const git = (...args: readonly string[]): string => stockGit(bare, team.alice.env, args);
    const before = git('rev-parse', 'refs/heads/pam-ledger');
    const commit = to();
    git(
      'update-ref',
      ...(commit === null ? ['-d', 'refs/heads/pam-ledger'] : ['refs/heads/pam-ledger', commit]),
    );
    return () => {
      git('update-ref', 'refs/heads/pam-ledger', before);
      for (const who of [team.dana, team.sweep])
        who.git('fetch', '-q', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    };
  };
  const inBare = (...args: readonly string[]): string => stockGit(bare, team.alice.env, args);
  tryAll([
    {
      what: 'no root is pinned: a person is warned',
      who: dana,
      how: env(() => ({ XDG_STATE_HOME: tempDir() })),
      exit: 0,
      finds: ['warning root E_LED_UNPINNED'],
    },
    {
      what: 'no root is pinned: an executor does nothing',
      who: sweep,
      how: env(() => ({ XDG_STATE_HOME: tempDir(), PAM_ROOT: '' })),
      exit: 20,
      finds: ['problem root E_LED_UNPINNED', 'warning ledger W_LED_HEAD'],
    },
    {
      what: 'an executor without a kept head',
      who: sweep,
      how: env(() => ({ XDG_STATE_HOME: tempDir() })),
      exit: 0,
      finds: ['warning ledger W_LED_HEAD'],
    },
    {
      what: 'another root is given than the pinned one',
      who: dana,
      args: () => ['--root', other],
      exit: 20,
      finds: ['problem root E_LED_ROOT'],
    },
    {
      what: 'the ledger does not begin with the given root',
      who: dana,
      args: () => ['--root', other],
      how: env(() => ({ XDG_STATE_HOME: tempDir() })),
      exit: 20,
      finds: ['problem root E_POL_GENESIS'],
    },
    {
      what: 'junk on the ledger branch',
      who: dana,
      breaks: remoteLedger(() =>
        inBare('commit-tree', '-m', 'junk', '-p', 'refs/heads/pam-ledger', 'refs/heads/pam-ledger^{tree}'),
      ),
      exit: 20,
      finds: ['problem ledger E_LED_JUNK'],
    },
    {
      what: 'the ledger branch was rewound',
      who: sweep,
      breaks: remoteLedger(() => inBare('rev-parse', 'refs/heads/pam-ledger~1')),
      exit: 20,
      finds: ['problem ledger E_LED_ROLLBACK'],
    },
    {
      what: 'the ledger branch is another one',
      who: dana,
      breaks: remoteLedger(() => inBare('rev-parse', 'refs/heads/main')),
      exit: 20,
      finds: ['problem ledger E_LED_FORK'],
    },
    {
      what: 'a clock far behind the ledger',
      who: dana,
      how: () => ({ ahead: -3600 }),
      exit: 20,
      finds: ['problem clock E_LED_CLOCK'],
    },
  ]);
});

describe('who is at home here', () => {
  const copy = (name: string): string => {
    const place = join(tempDir(), name);
    for (const end of ['', '.pub']) copyFileSync(`${team.key(name)}${end}`, `${place}${end}`);
    chmodSync(place, 0o600);
    return place;
  };
  const key = (make: () => string) => (): readonly string[] => ['--key', make()];
  const locked = (name: string): string => {
    const place = copy(name);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'a long passphrase', '-f', place]);
    return place;
  };
  const executorKey = (make: () => string) => (): readonly string[] => ['--executor-key', make()];
  tryAll([
    {
      what: 'nobody',
      who: dana,
      how: env(() => ({ PAM_PERSON: '' })),
      exit: 0,
      finds: ['warning person E_WHO'],
    },
    {
      what: 'somebody whom policy does not know',
      who: dana,
      args: () => ['--as', 'mallory'],
      exit: 4,
      finds: ['problem person E_WHO'],
    },
    {
      what: 'no key is named',
      who: dana,
      how: env(() => ({ PAM_KEY: '' })),
      exit: 4,
      finds: ['problem person E_USAGE'],
    },
    {
      what: 'no key file',
      who: dana,
      args: key(() => '/nowhere/key'),
      exit: 4,
      finds: ['problem person E_SIGN'],
    },
    {
      what: 'no key at all in the file',
      who: dana,
      args: key(() => {
        const place = join(tempDir(), 'id');
        writeFileSync(place, 'not a key\n', { mode: 0o600 });
        return place;
      }),
      exit: 4,
      finds: ['problem person E_SIGN'],
    },
    {
      what: 'others can read the private key',
      who: dana,
      args: key(() => {
        const place = copy('dana');
        chmodSync(place, 0o644);
        return place;
      }),
      exit: 4,
      finds: ['problem person E_SIGN'],
    },
    {
      what: 'the .pub beside it is of another key',
      who: dana,
      args: key(() => {
        const place = copy('dana');
        copyFileSync(`${team.key('bob')}.pub`, `${place}.pub`);
        return place;
      }),
      exit: 4,
      finds: ['problem person E_SIGN'],
    },
    {
      what: "somebody else's key",
      who: dana,
      args: key(() => team.key('bob')),
      exit: 4,
      finds: ['problem person E_KEY_PRINCIPAL'],
    },
    {
      what: "a stranger's key",
      who: dana,
      args: key(() => team.key('mallory')),
      exit: 4,
      finds: ['problem person E_KEY_UNKNOWN'],
    },
    {
      what: 'a key with a passphrase is fine for a person',
      who: dana,
      args: key(() => locked('dana')),
      exit: 0,
      finds: [],
    },
    {
      what: 'a key with a passphrase and no .pub says in clear whose it is',
      who: dana,
      args: key(() => {
        const place = locked('dana');
        rmSync(`${place}.pub`);
        return place;
      }),
      exit: 0,
      finds: [],
    },
    {
      what: 'a public key without its private half, and no agent',
      who: dana,
      args: key(() => {
        const alone = join(tempDir(), 'dana.pub');
        copyFileSync(`${team.key('dana')}.pub`, alone);
        return alone;
      }),
      exit: 4,
      finds: ['problem person E_SIGN'],
    },
    {
      what: 'an executor whose key wants a passphrase',
      who: sweep,
      args: executorKey(() => locked('pam-sweep')),
      exit: 4,
      finds: ['problem executor E_SIGN'],
    },
    {
      what: "an executor with another service's key",
      who: sweep,
      args: executorKey(() => team.key('pam-apply')),
      exit: 4,
      finds: ['problem executor E_KEY_PRINCIPAL'],
    },
    {
      what: 'an executor to whom policy gives no right',
      who: sweep,
      args: () => ['--executor', 'deploy-bot', '--executor-key', team.key('deploy-bot')],
      exit: 4,
      finds: ['warning ledger W_LED_HEAD', 'problem executor E_EXECUTOR_RIGHT'],
    },
    {
      what: 'half an executor',
      who: dana,
      args: () => ['--executor', 'pam-sweep'],
      exit: 4,
      finds: ['problem executor E_USAGE'],
    },
  ]);

  test('a public key whose private half is in an agent can sign', async () => {
    const agent = execFileSync('ssh-agent', ['-s'], { encoding: 'utf8' });
    const [, socket = '', pid = ''] = /SSH_AUTH_SOCK=([^;]+);[\s\S]*SSH_AGENT_PID=(\d+)/u.exec(agent) ?? [];
    try {
      const more = { env: { SSH_AUTH_SOCK: socket } };
      // Beside its private half it would sign without an agent.
      const alone = join(tempDir(), 'dana.pub');
      copyFileSync(`${team.key('dana')}.pub`, alone);
      const args = ['--key', alone];
      expect(findings(await doctor(team.dana, more, args))).toEqual(['problem person E_SIGN']);
      execFileSync('ssh-add', ['-q', team.key('dana')], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: 'ignore',
      });
      expect(findings(await doctor(team.dana, more, args))).toEqual([]);
    } finally {
      process.kill(Number(pid));
    }
  });
});

describe('targets', () => {
  const plugins = (): string => team.apply.env['PAM_PLUGIN_DIR'] ?? '';
  const without = (name: string): Partial<How> => ({ env: { [name]: '' } });
  const mode = (path: () => string, to: number, back: number) => () => {
    chmodSync(path(), to);
    return () => chmodSync(path(), back);
  };
  const hidden = (path: () => string) => () => {
    renameSync(path(), `${path()}.hidden`);
    return () => renameSync(`${path()}.hidden`, path());
  };
  const krl =
    (bytes: string, bits = 0o644) =>
    () => {
      writeFileSync(team.targets.krl, bytes);
      chmodSync(team.targets.krl, bits);
      return () => rmSync(team.targets.krl);
    };
  tryAll([
    {
      what: 'ssh-ca: no CA key in the environment',
      who: apply,
      how: () => without('PAM_CA'),
      exit: 1,
      finds: ['problem targets E_PRV_ENV'],
    },
    {
      what: 'ssh-ca: another CA than the one in policy',
      who: apply,
      how: env(() => ({ PAM_CA: team.key('mallory') })),
      exit: 1,
      finds: ['problem targets E_PRV_TARGET_IDENTITY'],
    },
    {
      what: 'ssh-ca: the CA key is no key',
      who: apply,
      how: env(() => ({ PAM_CA: team.key('ca').replace(/ca$/u, 'nothing') })),
      exit: 1,
      finds: ['problem targets E_PRV_CA_KEY'],
    },
    {
      what: 'ssh-ca: the list is no list',
      who: sweep,
      breaks: krl('not a list'),
      exit: 1,
      finds: ['problem targets E_PRV_KRL'],
    },
    {
      what: 'ssh-ca: anybody may write the list',
      who: sweep,
      breaks: krl('', 0o666),
      exit: 1,
      finds: ['problem targets E_PRV_KRL'],
    },
    {
      what: 'ssh-ca: the list lies where there is no directory',
      who: sweep,
      how: env(() => ({ PAM_KRL: join(team.dir, 'nowhere', 'krl') })),
      exit: 1,
      finds: ['problem targets E_PRV_KRL'],
    },
    {
      what: 'sudoers: anybody may write in the directory',
      who: apply,
      breaks: mode(() => team.targets.sudoers, 0o777, 0o750),
      exit: 1,
      finds: ['problem targets E_PRV_DIRECTORY'],
    },
    {
      what: 'sudoers: there is no directory',
      who: sweep,
      breaks: hidden(() => team.targets.sudoers),
      exit: 1,
      finds: ['problem targets E_PRV_DIRECTORY'],
    },
    {
      what: 'command: anybody may write in the plugin directory',
      who: apply,
      breaks: mode(plugins, 0o777, 0o755),
      exit: 1,
      finds: ['problem targets E_PRV_PLUGIN_PATH'],
    },
    {
      what: 'command: there is no plugin',
      who: sweep,
      breaks: hidden(() => join(plugins(), 'pam-provider-legacy')),
      exit: 1,
      finds: ['problem targets E_PRV_PLUGIN_PATH'],
    },
    {
      what: 'command: the plugin is a link out of the directory',
      who: sweep,
      breaks: () => {
        const at = join(plugins(), 'pam-provider-legacy');
        renameSync(at, `${at}.hidden`);
        symlinkSync('/bin/true', at);
        return () => {
          rmSync(at);
          renameSync(`${at}.hidden`, at);
        };
      },
      exit: 1,
      finds: ['problem targets E_PRV_PLUGIN_PATH'],
    },
  ]);

  test('command: a variable that the plugin is to get is not set', async () => {
    const { LEGACY_STATE: _gone, ...rest } = team.apply.env;
    const ran = await runProgram(['doctor', '--json'], { cwd: team.apply.clone, env: rest });
    expect({ code: ran.code, finds: findings(ran) }).toEqual({
      code: 1,
      finds: ['problem targets E_PRV_ENV'],
    });
    expect(ran.out).toContain('LEGACY_STATE');
  });

  test('a missing variable is named, and no value of any other is shown', async () => {
    const ran = await team.apply.pam(['doctor', '--all'], { env: { PAM_CA: '' } });
    expect(ran.out).toMatch(
      /environment variable PAM_CA of target bastion is not set \[E_PRV_ENV\]\n {2}do: /u,
    );
    expect(ran.out).not.toContain(team.targets.legacy);
    expect(existsSync(join(team.targets.legacy, '.environment'))).toBe(false);
  });
});

describe('the settings of a plain remote', () => {
  const off = (name: string) => () => {
    receive(name, 'false');
    return () => void receive(name, 'true');
  };
  tryAll([
    {
      what: 'branches may be deleted',
      who: dana,
      breaks: off('denyDeletes'),
      exit: 4,
      finds: ['problem forge E_FORGE_RECEIVE'],
    },
    {
      what: 'branches may be rewritten',
      who: dana,
      breaks: off('denyNonFastForwards'),
      exit: 4,
      finds: ['problem forge E_FORGE_RECEIVE'],
    },
  ]);

  test('the hint is the command that mends it', async () => {
    const mend = off('denyDeletes')();
    const [finding] = listOf(parse((await doctor(team.dana)).out), 'checks').filter(
      ({ state }) => state === 'problem',
    );
    expect(finding?.['hint']).toBe(`git -C ${bare} config receive.denyDeletes true`);
    mend();
    writeFileSync(
      join(bare, 'config'),
      readFileSync(join(bare, 'config'), 'utf8').replaceAll(/\tdeny.*\n/gu, ''),
    );
    expect((await doctor(team.dana)).code).toBe(4);
    for (const name of ['denyDeletes', 'denyNonFastForwards'])
      execFileSync('sh', ['-c', `git -C ${bare} config receive.${name} true`]);
    expect((await doctor(team.dana)).code).toBe(0);
  });
});

describe('policy, incidents and sweeps, on a ledger that goes on', () => {
  test('main with a policy that nobody signed, and a main that was rewritten', async () => {
    const before = stockGit(bare, team.alice.env, ['rev-parse', 'main']);
    commitToMain(
      team.alice,
      { 'policy/roles.yaml': FIT.replace('max_duration: 8h', 'max_duration: 9h') },
      true,
    );
    const commit = stockGit(bare, team.alice.env, ['rev-parse', 'main']);
    const ran = await doctor(team.dana);
    expect({ code: ran.code, finds: findings(ran) }).toEqual({
      code: 4,
      finds: ['problem policy E_POL_UNSIGNED'],
    });
    expect(ran.out).toContain(commit.slice(0, 12));
    await must(team.alice.pam(['ratify', '--yes']));
    await must(team.apply.pam(['apply']));
    expect((await doctor(team.dana)).code).toBe(0);
    const { id } = await ask(team.dana, 'web-restart', '--for', '10m');
    await approved(team, id, team.bob);
    await must(team.apply.pam(['apply']));
    const good = stockGit(bare, team.alice.env, ['rev-parse', 'main']);
    const rewritten = stockGit(bare, team.alice.env, [
      'commit-tree',
      '-m',
      'x',
      '-p',
      before,
      `${good}^{tree}`,
    ]);
    stockGit(bare, team.alice.env, ['update-ref', 'refs/heads/main', rewritten]);
    const after = await doctor(team.dana);
    expect({ code: after.code, finds: findings(after) }).toEqual({
      code: 20,
      finds: ['problem policy E_LED_MAIN'],
    });
    stockGit(bare, team.alice.env, ['update-ref', 'refs/heads/main', good]);
    expect(findings(await doctor(team.dana))).toEqual([]);
  });

  test('[P7] a live grant: an incident file that breaks, a sweep that is late, a revocation that failed', async () => {
    commitToMain(team.alice, { 'incidents/INC-7.yaml': INCIDENT }, true);
    const more = ['--for', '10m', '--incident', 'INC-7', '--control', 'paired', '--scope', 'realm=prod'];
    const { id } = await ask(team.dana, 'realm-admin', ...more);
    await must(team.bob.pam(['approve', id, '--yes']));
    await approved(team, id);
    await must(team.apply.pam(['apply', id]));
    expect(findings(await doctor(team.dana))).toEqual([]);
    commitToMain(team.alice, { 'incidents/INC-7.yaml': 'status: [\n' }, true);
    expect(findings(await doctor(team.dana))).toEqual(['problem incidents E_INCIDENT']);
    commitToMain(team.alice, { 'incidents/INC-7.yaml': INCIDENT }, true);

    team.later(3700);
    const late = await doctor(team.dana);
    expect({ code: late.code, finds: findings(late) }).toEqual({
      code: 20,
      finds: ['warning sweeps W_SWEEP_LATE', 'problem sweeps E_LED_OVERDUE', 'problem sweeps E_LED_OVERDUE'],
    });
    mkdirSync(team.targets.legacy, { recursive: true });
    appendFileSync(join(team.targets.legacy, 'down'), '');
    expect((await team.sweep.pam(['sweep'])).code).toBe(3);
    const failed = await doctor(team.dana);
    expect({ code: failed.code, finds: findings(failed) }).toEqual({
      code: 20,
      finds: ['problem sweeps E_PRV_REVOKE', 'problem sweeps E_LED_OVERDUE'],
    });
    rmSync(join(team.targets.legacy, 'down'));
    await must(team.sweep.pam(['sweep']));
    expect(findings(await doctor(team.dana))).toEqual([]);
  });
});

describe('a lone clone', () => {
  test('has no remote and no forge, and is fine without', async () => {
    const lone = await bench({ remote: false, config: 'sweep_within: 1h\n', roles: FIT });
    const document = documentOf(await doctor(lone.dana), 'pam.doctor/1', FIELDS);
    expect(told(document, (state) => state !== 'ok')).toEqual([]);
    expect(listOf(document, 'skipped').map(({ area }) => area)).toEqual([
      'remote',
      'targets',
      'forge',
      'executor',
    ]);
  });
});
