/**
 * Interrupts at the commands that `interrupts.test.ts` leaves out, in a lone clone, and with others who publish at the
 * same moment. One moment of each command; `PAM_FULL=1` tries every program that each of them starts.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Interrupted, interrupter, keeper, type Moment, type Signal } from './interrupting.ts';
import { commandLine, tempDir } from './program.ts';
import {
  type Actor,
  approved,
  askBastion,
  bench,
  type Bench,
  commitToMain,
  must,
  ROLES,
} from './workbench.ts';
import { isFull } from '../size.ts';

const NOTHING =
  'error: interrupted: nothing was signed and nothing was changed [E_INTERRUPTED]\nhint: run it again; `pam status` says how things stand\n';
const MAY_ARRIVE = 'the remote does not hold it, but may still take it';
const SIGNALS: readonly Signal[] = ['INT', 'TERM', 'HUP'];
const interrupting = interrupter();

interface Command {
  readonly name: string;
  readonly who: () => Actor;
  readonly args: () => readonly string[];
  /** Of the line that tells what is out; `null`: it publishes nothing. */
  readonly back: RegExp | null;
  /** Of the error while nothing is out. */
  readonly error?: RegExp;
}

/** Branches are what is published; all that a lone clone or a remote holds of them. */
const branches = (repository: string): string =>
  execFileSync('git', ['-C', repository, 'for-each-ref', 'refs/heads'], { encoding: 'utf8' });

interface Stage {
  readonly restore: () => void;
  readonly published: () => string;
}

async function run(
  { restore, published }: Stage,
  { who, args }: Command,
  moment: Moment | null,
): Promise<Interrupted & { readonly isOut: boolean }> {
  const before = published();
  const ran = await interrupting.run(who(), args(), moment);
  const isOut = published() !== before;
  restore();
  return { ...ran, isOut };
}

/** An interrupt before each program that it starts: what is out decides how it ends. */
async function faultsOf(stage: Stage, command: Command): Promise<readonly string[]> {
  const faults: string[] = [];
  const { started, code, err } = await run(stage, command, null);
  if (code !== 0) faults.push(`${command.name} without interrupt: ${code} ${err}`);
  const all = started.map((_, at) => at + 1);
  const early = command.back === null || command.name.length % 2 === 0;
  const chosen = isFull ? all : [early ? Math.ceil(all.length / 3) : all.length];
  for (const wanted of chosen) {
    const turn = wanted + command.name.length;
    const momentAt = (at: number): Moment => ({
      at,
      when: 'before',
      signal: SIGNALS[turn % 3] ?? 'INT',
      to: turn % 2 === 0 ? 'group' : 'pam',
    });
    let at = wanted;
    let ran = await run(stage, command, momentAt(at));
    // On a busy machine one that had been idle is started once more, or not: then this moment did not come.
    while (ran.started.length < at) {
      at = ran.started.length;
      ran = await run(stage, command, momentAt(at));
    }
    const moment = momentAt(at);
    // Of an error the hint is the last line.
    const [last = '', before = ''] = ran.err.trimEnd().split('\n').toReversed();
    const place = `exit ${ran.code}, out ${ran.isOut}: ${command.name} ${at}/${all.length} ${started[at - 1] ?? ''} ${JSON.stringify(moment)} ${ran.err}`;
    const said = ran.isOut
      ? command.back !== null && command.back.test(last)
      : command.error === undefined
        ? ran.err === NOTHING || (ran.started[at - 1] === 'git push' && ran.err.includes(MAY_ARRIVE))
        : command.error.test(before) || command.error.test(last);
    if (ran.code !== (ran.isOut ? 0 : 130) || !said) faults.push(place);
  }
  return faults;
}

describe('with a remote', () => {
  let team: Bench;
  let stage: Stage;
  const id = { open: '', approved: '', live: '' };
  const bare = (): string => team.bare ?? '';

  beforeAll(async () => {
    team = await bench({ processes: true, remote: true });
    id.live = await askBastion(team.dana);
    await approved(team, id.live);
    await must(team.apply.pam(['apply']));
    id.open = await askBastion(team.dana);
    id.approved = await askBastion(team.erin);
    await must(team.alice.pam(['approve', id.approved, '--yes']));
    for (const who of [team.bob, team.carol]) await must(who.pam(['status']));
    stage = { restore: keeper(team), published: () => branches(bare()) };
  }, 400_000);

  const withExecutor = (): Actor => ({
    ...team.apply,
    env: { ...team.apply.env, PAM_PERSON: 'alice', PAM_KEY: team.key('alice') },
  });
  const stop = ['--reason', 'no longer needed', '--yes'];
  const COMMANDS: readonly Command[] = [
    {
      name: 'revoke',
      who: () => team.alice,
      args: () => ['revoke', id.live, ...stop],
      back: /^interrupted, but the stop of \S+ is out/u,
    },
    {
      name: 'revoke with an executor',
      who: withExecutor,
      args: () => ['revoke', id.live, ...stop],
      back: /^interrupted, but the stop of \S+ is out/u,
    },
    { name: 'log', who: () => team.bob, args: () => ['log'], back: null },
    {
      name: 'check --proposal',
      who: () => team.bob,
      args: () => ['check', '--proposal', id.approved],
      back: null,
    },
  ];
  test.each(COMMANDS)('[X50] [X51] $name', async (command) => {
    expect(await faultsOf(stage, command)).toEqual([]);
  });

  test('[X50] [X51] ratify', async () => {
    commitToMain(
      team.alice,
      { 'policy/roles.yaml': ROLES.replace('Restart the web server', 'Restart nginx') },
      true,
    );
    const changed: Stage = { restore: keeper(team), published: stage.published };
    expect(
      await faultsOf(changed, {
        name: 'ratify',
        who: () => team.alice,
        args: () => ['ratify', '--yes'],
        back: /^interrupted, but your signature of policy 2 is out/u,
        // It tells that grants stand still, and the change, before.
        error:
          /^error: interrupted: nothing was signed and nothing was changed|^hint: look again in a minute/u,
      }),
    ).toEqual([]);
    stage.restore();
  });

  test('[X53] a sweep of one turn ends with 130, and the next one finds what is left', async () => {
    await must(team.alice.pam(['revoke', id.live, ...stop]));
    const stopped: Stage = { restore: keeper(team), published: stage.published };
    const { started } = await run(
      stopped,
      { name: 'sweep', who: () => team.sweep, args: () => ['sweep'], back: null },
      null,
    );
    const all = started.map((_, at) => at + 1);
    const chosen = isFull ? all : [Math.ceil((all.length * 2) / 3)];
    for (const at of chosen) {
      const signal = SIGNALS[at % 3] ?? 'INT';
      const ran = await interrupting.run(team.sweep, ['sweep'], { at, when: 'before', signal, to: 'group' });
      await must(team.sweep.pam(['sweep']));
      const { out } = await must(team.bob.pam(['show', id.live, '--json']));
      const { state } = JSON.parse(out) as { readonly state: string };
      const said = `${ran.out}${ran.err}`.includes('interrupted');
      expect({ at, code: ran.code, said, state }).toEqual({ at, code: 130, said: true, state: 'ended' });
      stopped.restore();
    }
    stage.restore();
  });

  test('[X52] a merge whose push was ended while others merged on top says which it is', async () => {
    const merge: Command = {
      name: 'merge',
      who: () => team.carol,
      args: () => ['merge', id.approved],
      back: null,
    };
    const { started } = await run(stage, merge, null);
    const at = started.indexOf('git push') + 1;
    const meanwhile = `cd ${bare()}
new=$(git -c user.name=t -c user.email=t@t commit-tree -p main -m on-top 'main^{tree}')
git update-ref refs/heads/main "$new"`;
    const arrived = await run(stage, merge, { at, when: 'dies', signal: 'INT', to: 'group', meanwhile });
    expect({ code: arrived.code, err: arrived.err }).toEqual({
      code: 0,
      err: expect.stringMatching(/^interrupted, but \S+ is merged; to take it back/u) as unknown,
    });
    const lost = await run(stage, merge, { at, when: 'before', signal: 'INT', to: 'group', meanwhile });
    expect({ code: lost.code, err: lost.err }).toEqual({ code: 130, err: NOTHING });
  });

  test.each([
    ['approve', 'alice', () => ['approve', id.open, '--yes']],
    ['merge', 'carol', () => ['merge', id.approved]],
  ] as const)(
    '[X98] %s: a push that arrives after pam asked is never said to be nothing',
    async (_, name, args) => {
      const { clone, env, git } = team[name];
      git('remote', 'set-url', 'origin', `ssh://localhost${bare()}`);
      // Like a server, it is in no process group of ours.
      const ssh = join(tempDir(), 'ssh');
      writeFileSync(ssh, '#!/bin/sh\nfor one in "$@"; do last=$one; done\nexec setsid -w sh -c "$last"\n', {
        mode: 0o755,
      });
      const [begun, hook] = [join(tempDir(), 'begun'), join(bare(), 'hooks/pre-receive')];
      mkdirSync(join(bare(), 'hooks'), { recursive: true });
      writeFileSync(hook, `#!/bin/sh\ntouch ${begun}\nsleep 3\n`, { mode: 0o755 });
      const before = branches(bare());
      const child = spawn(process.execPath, [...commandLine([...args(), '--root', team.trustRoot])], {
        cwd: clone,
        env: { ...env, GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' },
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let err = '';
      child.stderr.on('data', (part: Buffer) => (err += part.toString()));
      const code = new Promise<number | null>((resolve) => child.on('close', resolve));
      while (!existsSync(begun) && child.exitCode === null) await sleep(20);
      process.kill(-(child.pid ?? 0), 'SIGINT');
      expect(await code).toBe(130);
      await sleep(5000);
      expect(branches(bare())).not.toBe(before);
      expect(err).toContain('may still take it');
      expect(err).not.toContain('nothing was');
      stage.restore();
    },
  );
});

describe('[X50] [X51] in a lone clone, where a branch that moves is what is published', () => {
  let team: Bench;
  let stage: Stage;
  const id = { open: '', approved: '' };

  beforeAll(async () => {
    team = await bench({ processes: true, remote: false });
    id.open = await askBastion(team.dana);
    id.approved = await askBastion(team.erin);
    await must(team.alice.pam(['approve', id.approved, '--yes']));
    stage = { restore: keeper(team), published: () => branches(team.alice.clone) };
  }, 400_000);

  const COMMANDS: readonly Command[] = [
    {
      name: 'approve',
      who: () => team.alice,
      args: () => ['approve', id.open, '--yes'],
      back: /^interrupted, but the approval of \S+ is out/u,
    },
    {
      name: 'request',
      who: () => team.erin,
      args: () => ['request', 'web-restart', '--for', '5m', '--reason', 'to mend the checkout'],
      back: /^interrupted, but the request \S+ is out/u,
    },
    {
      name: 'deny',
      who: () => team.bob,
      args: () => ['deny', id.open, '--yes', '--reason', 'no'],
      back: /^interrupted, but the stop of \S+ is out/u,
    },
    {
      name: 'merge',
      who: () => team.carol,
      args: () => ['merge', id.approved],
      back: /^interrupted, but \S+ is merged/u,
    },
  ];
  test.each(COMMANDS)('$name', async (command) => {
    expect(await faultsOf(stage, command)).toEqual([]);
  });
});

test('[X50] [X51] init keeps what it made, and begins a ledger or does not', async () => {
  const home = tempDir();
  const key = join(home, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, PAM_PERSON: 'alice', PAM_KEY: key };
  let turn = 0;
  const place = (): string => join(home, `access-${turn}`);
  const who = (): Actor => ({
    name: 'alice',
    clone: home,
    env: { ...env, XDG_STATE_HOME: join(home, `state-${turn}`) },
    pam: async () => await Promise.reject(new Error('not asked here')),
    git: () => '',
  });
  expect(
    await faultsOf(
      {
        restore: () => void (turn += 1),
        published: () => {
          try {
            return execFileSync(
              'git',
              ['-C', place(), 'rev-parse', '-q', '--verify', 'refs/heads/pam-ledger'],
              {
                encoding: 'utf8',
                stdio: ['ignore', 'pipe', 'ignore'],
              },
            );
          } catch {
            return '';
          }
        },
      },
      {
        name: 'init',
        who,
        args: () => ['init', place()],
        back: /^interrupted, but the access repository is begun/u,
        error: /^error: interrupted: nothing was signed and nothing was sent; what was made in \S+ stays/u,
      },
    ),
  ).toEqual([]);
});

describe('[X50] demo', () => {
  let running: ReturnType<typeof spawn> | undefined;
  afterEach(() => running?.kill('SIGKILL'));

  test.each([
    ['INT', 'group'],
    ['HUP', 'pam'],
  ] as const)('SIG%s to its %s: ends at once and removes its directory', async (signal, to) => {
    const tmp = join(tempDir(), 'tmp');
    mkdirSync(tmp);
    const child = spawn(process.execPath, [...commandLine(['demo', '--keep'])], {
      env: { PATH: process.env['PATH'] ?? '', HOME: tmp, TMPDIR: tmp },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running = child;
    let [out, err] = ['', ''];
    child.stderr.on('data', (part: Buffer) => (err += part.toString()));
    const code = new Promise<number | null>((resolve) => child.on('close', resolve));
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        // In the middle of the story: a pam of its own is about to run.
        if (out.includes('$ pam init')) resolve();
      });
    });
    expect(readdirSync(tmp)).toHaveLength(1);
    process.kill(to === 'group' ? -(child.pid ?? 0) : (child.pid ?? 0), `SIG${signal}`);
    expect({ code: await code, err, left: readdirSync(tmp) }).toEqual({ code: 130, err: NOTHING, left: [] });
    expect(out).not.toContain('$ cd access');
  });

  test('its terminal is closed: 130 and no trace of node, which finds no terminal to reset', async () => {
    const dir = tempDir();
    const tmp = join(dir, 'tmp');
    mkdirSync(tmp);
    const shell = `${process.execPath} ${commandLine(['demo']).join(' ')} 2>${dir}/err & pam=$!
trap "kill -HUP $pam" HUP; wait $pam; wait $pam; echo $? >${dir}/code; mv ${dir}/code ${dir}/ended`;
    const terminal = spawn('script', ['-q', '-c', shell, '/dev/null'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: tmp, TMPDIR: tmp, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    running = terminal;
    let out = '';
    await new Promise<void>((resolve) => {
      terminal.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        if (out.includes('$ pam init')) resolve();
      });
    });
    terminal.kill('SIGKILL');
    while (!existsSync(join(dir, 'ended'))) await sleep(20);
    const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
    expect({ code: read('ended'), err: read('err'), left: readdirSync(tmp) }).toEqual({
      code: '130\n',
      err: NOTHING,
      left: [],
    });
  });
});
