/** Who am I, with which key: the real program with the configuration that people have. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, type Ran, runProgram, tempDir } from './program.ts';
import { askBastion, bench, type Bench, must } from './workbench.ts';

let team: Bench;
const agents: string[] = [];
const tmux = join(tempDir(), 'tmux');
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
beforeAll(async () => {
  team = await bench({ remote: false });
});
afterAll(() => {
  for (const pid of agents) process.kill(Number(pid));
  if (hasTmux) spawnSync('tmux', ['-S', tmux, 'kill-server']);
});

interface Desk {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pam: (...args: readonly string[]) => Promise<Ran>;
}

/** A machine on which nothing is set but these files of its home. */
function machine(files: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}): Desk {
  const home = tempDir();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, PAM_ROOT: team.trustRoot, ...more };
  return { home, env, pam: async (...args) => await runProgram(args, { cwd: team.alice.clone, env }) };
}

function agentWith(...names: readonly string[]): Readonly<Record<string, string>> {
  const socket = join(tempDir(), 'agent');
  const out = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' });
  agents.push(/SSH_AGENT_PID=(\d+)/u.exec(out)?.[1] ?? '');
  const told = { SSH_AUTH_SOCK: socket };
  for (const name of names)
    execFileSync('ssh-add', ['-q', team.key(name)], { env: { PATH: process.env['PATH'] ?? '', ...told } });
  return told;
}

const fingerprint = (name: string): string =>
  execFileSync('ssh-keygen', ['-l', '-f', `${team.key(name)}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
const whoami = async (at: Desk, ...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await at.pam('whoami', '--json', ...args)).out) as Record<string, unknown>;

test('whoami: person, key and where it was named, root, what one may', async () => {
  const at = machine({ '.gitconfig': `[pam]\n\tperson = bob\n\tkey = ${team.key('bob')}\n` });
  expect(await whoami(at)).toEqual({
    schema: 'pam.whoami/1',
    person: 'bob',
    kind: 'person',
    key: { fingerprint: fingerprint('bob'), source: 'git config pam.key' },
    root: team.trustRoot,
    executor: null,
    may_request: [],
    may_approve: ['bastion-root', 'web-restart', 'realm-admin'],
    owed: [],
    missing: [],
  });
  const dana = await whoami(at, '--as', 'dana', '--key', team.key('dana'));
  expect(dana).toMatchObject({
    key: { source: '--key' },
    may_request: ['bastion-root', 'web-restart', 'realm-admin', 'publish'],
    may_approve: ['publish'],
  });
});

describe('which key', () => {
  const git = (more: string): string => `[pam]\n\tperson = bob\n${more}`;

  test('pam.key stands before user.signingkey, and an OpenPGP key id stays what it is', async () => {
    const openpgp = '[user]\n\tsigningkey = 3AA5C34371567BD2\n';
    const at = machine({ '.gitconfig': git(`\tkey = ${team.key('bob')}\n${openpgp}`) });
    expect(await whoami(at)).toMatchObject({ key: { source: 'git config pam.key' }, missing: [] });
    const bare = machine({ '.gitconfig': git(openpgp) });
    const told = await bare.pam('approve', '20261122-bastion-root-7k3fq2', '--yes');
    expect(told.code).toBe(2);
    expect(told.err).toContain('user.signingkey is no key of ssh (an OpenPGP one?); leave it as it is');
    expect(told.err).toContain('git config --global pam.key');
    // An agent with the right key makes it unneeded.
    expect(await whoami(machine({ '.gitconfig': git(openpgp) }, agentWith('bob')))).toMatchObject({
      key: { fingerprint: fingerprint('bob'), source: 'ssh-agent' },
    });
  });

  test("git's forms of user.signingkey sign an approval, included ones too", async () => {
    const told = agentWith('bob', 'mallory');
    const forms = [team.publicKey('bob'), `key::${team.publicKey('bob')} b@laptop`, '~/.ssh/both.pub'];
    for (const form of forms) {
      const id = await askBastion(team.dana);
      const at = machine(
        {
          '.gitconfig': '[include]\n\tpath = ~/own.inc\n[gpg]\n\tformat = ssh\n',
          'own.inc': git(`[user]\n\tsigningkey = ${form}\n`),
          '.ssh/both.pub': `# mine\n${team.publicKey('mallory')} other\n${team.publicKey('bob')} bob\n`,
        },
        told,
      );
      expect((await must(at.pam('approve', id, '--yes'))).out).toContain('approved by bob');
    }
  });

  test('with gpg.format openpgp the path of user.signingkey is not for us', async () => {
    const at = machine({
      '.gitconfig': git(`[user]\n\tsigningkey = ${team.key('bob')}\n[gpg]\n\tformat = openpgp\n`),
    });
    expect(await whoami(at)).toMatchObject({ key: null, missing: [{ code: 'E_USAGE' }] });
  });

  test('a wrong one is told before anything is signed, with the right one', async () => {
    const id = await askBastion(team.dana);
    const at = machine({ '.gitconfig': git(`\tkey = ${team.key('erin')}\n`) });
    const before = team.landscape();
    const ran = await at.pam('approve', id, '--yes');
    expect(ran).toMatchObject({ code: 5, out: '' });
    expect(ran.err).toContain(
      `${fingerprint('erin')} (git config pam.key) is erin's, not bob's [E_KEY_PRINCIPAL]`,
    );
    expect(ran.err).toContain(`hint: policy lists ${fingerprint('bob')} for bob; name it with --key`);
    expect(team.landscape()).toEqual(before);
    const two = machine({ '.gitconfig': git('') }, agentWith('erin', 'mallory'));
    expect((await two.pam('approve', id, '--yes')).err).toContain(
      'none of the 2 keys that your agent offers',
    );
    const ofStranger = await at.pam('approve', id, '--yes', '--as', 'bbo');
    expect(ofStranger.err).toContain('(did you mean bob?)');
  });

  test('all that is missing is told in one message, by every command that signs', async () => {
    const at = machine({});
    for (const args of [
      ['approve', '20261122-bastion-root-7k3fq2'],
      ['deny', '20261122-bastion-root-7k3fq2'],
      ['revoke', '20261122-bastion-root-7k3fq2', '--reason', 'x'],
      ['request', 'bastion-root', '--for', '5m', '--reason', 'x'],
      ['ratify'],
    ]) {
      const ran = await runProgram(args, { cwd: '/', env: at.env });
      expect(ran).toMatchObject({ code: 2, out: '' });
      for (const part of [
        '3 things are missing',
        'who are you?',
        'which key do you sign with?',
        'not in a git repository',
        'pam setup',
      ])
        expect(ran.err).toContain(part);
    }
    const two = await at.pam('init', 'elsewhere');
    expect(two.err).toContain('2 things are missing');
  });
});

test('an agent that stands in ssh_config alone is named', async () => {
  const at = machine({
    '.gitconfig': '[pam]\n\tperson = bob\n',
    '.ssh/config': 'Host *\n\tIdentityAgent ~/.1password/agent.sock\n',
  });
  const ran = await at.pam('whoami');
  expect(ran.code).toBe(2);
  expect(ran.out).toContain(
    `the agent ${at.home}/.1password/agent.sock stands in ssh_config alone (IdentityAgent)`,
  );
});

test("a clone's own configuration decides nothing", async () => {
  const evil = tempDir();
  execFileSync('cp', ['-a', `${team.alice.clone}/.`, evil]);
  execFileSync('git', ['-C', evil, 'config', 'pam.person', 'alice']);
  execFileSync('git', ['-C', evil, 'config', 'pam.key', team.key('alice')]);
  const inc = join(evil, 'inc');
  writeFileSync(inc, `[pam]\n\tperson = carol\n\tkey = ${team.key('carol')}\n`);
  execFileSync('git', ['-C', evil, 'config', 'include.path', inc]);
  const run = async (files: Readonly<Record<string, string>>): Promise<Record<string, unknown>> => {
    const { out } = await runProgram(['whoami', '--json'], { cwd: evil, env: machine(files).env });
    return JSON.parse(out) as Record<string, unknown>;
  };
  expect(await run({})).toMatchObject({ person: null, key: null });
  const own = { '.gitconfig': `[pam]\n\tperson = bob\n\tkey = ${team.key('bob')}\n` };
  expect(await run(own)).toMatchObject({ person: 'bob', key: { fingerprint: fingerprint('bob') } });
});

describe('setup', () => {
  test('without a terminal: what is given is kept, what is missing is told, and nothing is asked', async () => {
    const at = machine({ '.gitconfig': '[user]\n\tsigningkey = 3AA5C34371567BD2\n' });
    const bare = await at.pam('setup', '--json');
    expect(bare.code).toBe(2);
    expect(JSON.parse(bare.out)).toEqual({
      schema: 'pam.setup/1',
      person: null,
      key: null,
      written: [],
      set: [
        "git config --global pam.person '<your name in policy>'",
        'git config --global pam.key ~/.ssh/id_ed25519',
      ],
      remarks: [],
    });
    await must(at.pam('setup', '--as', 'bob', '--key', team.key('bob')));
    expect(await whoami(at)).toMatchObject({
      person: 'bob',
      key: { source: 'git config pam.key' },
      missing: [],
    });
    expect(readFileSync(join(at.home, '.gitconfig'), 'utf8')).toContain('signingkey = 3AA5C34371567BD2');
    const again = await must(at.pam('setup', '--json'));
    expect(JSON.parse(again.out)).toMatchObject({ written: [], set: [] });
  });

  test('a name or key that cannot be right is not kept, one that policy lacks is remarked', async () => {
    const at = machine({});
    const typo = await at.pam('setup', '--as', 'bbo');
    expect(typo).toMatchObject({
      code: 2,
      err: expect.stringContaining('policy knows no bbo (did you mean bob?)'),
    });
    expect(await at.pam('setup', '--as', 'bob', '--key', '/nowhere')).toMatchObject({ code: 1 });
    expect(existsSync(join(at.home, '.gitconfig'))).toBe(false);
    const other = await must(at.pam('setup', '--as', 'bob', '--key', team.key('mallory'), '--json'));
    expect(JSON.parse(other.out)).toMatchObject({
      remarks: [expect.stringContaining('is not in policy')],
    });
  });

  test.skipIf(!hasTmux)('on a terminal it asks for both', async () => {
    const at = machine({});
    mkdirSync(join(at.home, '.ssh'));
    for (const name of ['mallory', 'bob']) {
      execFileSync('cp', [team.key(name), join(at.home, '.ssh', `id_${name}`)]);
      execFileSync('cp', [`${team.key(name)}.pub`, join(at.home, '.ssh', `id_${name}.pub`)]);
    }
    const run = (...args: readonly string[]): string =>
      execFileSync('tmux', ['-S', tmux, ...args], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', TERM: 'xterm' },
      });
    const settings = Object.entries(at.env)
      .map(([name, value]) => `${name}='${value}'`)
      .join(' ');
    const line = `cd '${team.alice.clone}'; env -i TERM=xterm ${settings} '${process.execPath}' '${program()}' setup; echo "exit=$?"; sleep 60`;
    run('new-session', '-d', '-s', 'setup', '-x', '160', '-y', '40', 'sh', '-c', line);
    const screen = async (until: RegExp): Promise<string> => {
      for (let tries = 0; tries < 300; tries++) {
        const seen = run('capture-pane', '-p', '-t', 'setup');
        if (until.test(seen)) return seen;
        await new Promise((wake) => setTimeout(wake, 100));
      }
      throw new Error(`never saw ${until} in:\n${run('capture-pane', '-p', '-t', 'setup')}`);
    };
    await screen(/Who are you in policy\?/u);
    run('send-keys', '-t', 'setup', 'bbo', 'Enter');
    await screen(/did you mean bob\?/u);
    run('send-keys', '-t', 'setup', 'BSpace', 'BSpace', 'BSpace', 'bob', 'Enter');
    // What policy lists stands first.
    expect(await screen(/Which key do you sign with\?[\s\S]*another one/u)).toMatch(
      /id_bob, policy lists it[\s\S]*id_mallory/u,
    );
    run('send-keys', '-t', 'setup', 'Enter');
    expect(await screen(/exit=/u)).toContain('exit=0');
    expect(await whoami(at)).toMatchObject({
      person: 'bob',
      key: { fingerprint: fingerprint('bob'), source: 'git config pam.key' },
      missing: [],
    });
  });
});

describe('executors', () => {
  test('a wrong key is exit 2 with both fingerprints, and nothing is written', async () => {
    await askBastion(team.dana);
    const before = team.landscape();
    const ran = await team.apply.pam(['apply'], { env: { PAM_EXECUTOR_KEY: team.key('pam-sweep') } });
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`the key ${fingerprint('pam-sweep')} is not pam-apply's [E_EXECUTOR_KEY]`);
    expect(ran.err).toContain(`policy lists ${fingerprint('pam-apply')} for pam-apply`);
    expect(team.landscape()).toEqual(before);
    const { out } = await team.apply.pam(['whoami', '--json'], {
      env: { PAM_EXECUTOR_KEY: team.key('pam-sweep') },
    });
    expect(JSON.parse(out)).toMatchObject({
      executor: { name: 'pam-apply', fingerprint: fingerprint('pam-sweep'), may: ['grant', 'revoke'] },
      missing: [{ code: 'E_EXECUTOR_KEY' }],
    });
  });

  test('a key with CRLF is named, and not as a person would be told', async () => {
    const path = join(tempDir(), 'key');
    writeFileSync(path, readFileSync(team.key('pam-apply'), 'utf8').replaceAll('\n', '\r\n'), {
      mode: 0o600,
    });
    const ran = await team.apply.pam(['apply'], { env: { PAM_EXECUTOR_KEY: path } });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('has Windows line ends (CRLF) [E_SIGN]');
    const gone = await team.apply.pam(['apply'], { env: { PAM_EXECUTOR_KEY: '/nowhere' } });
    expect(gone.err).toContain('--executor-key or PAM_EXECUTOR_KEY');
  });
});

test('a role or a name that is mistyped gets "did you mean"', async () => {
  const wish = ['--for', '5m', '--reason', 'to mend it', '--ticket', 'OPS-1'];
  expect((await team.dana.pam(['request', 'bastoin-root', ...wish])).err).toContain(
    '(did you mean bastion-root?)',
  );
  expect((await team.dana.pam(['catalog', 'web-restrat'])).err).toContain('(did you mean web-restart?)');
  expect(
    (await team.dana.pam(['request', 'bastion-root', ...wish, '--subject', 'deploy-bto'])).err,
  ).toContain('(did you mean deploy-bot?)');
});
