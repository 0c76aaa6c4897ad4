/** On a real terminal: pam asks, a person answers, Ctrl-C leaves nothing. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine, tempDir } from './program.ts';
import { approved, askBastion, bench, type Bench, must } from './workbench.ts';

const hasTmux = spawnSync('tmux', ['-V']).status === 0;

describe.skipIf(!hasTmux)('a terminal (needs tmux)', () => {
  let team: Bench;
  let socket: string;
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', ['-S', socket, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', TERM: 'xterm' },
    });

  beforeAll(async () => {
    team = await bench({ processes: true, remote: false });
    socket = join(tempDir(), 'tmux');
  });
  afterAll(() => {
    spawnSync('tmux', ['-S', socket, 'kill-server']);
  });

  /** Starts pam in a pane of its own; the pane says its exit code at the end. */
  function start(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    ahead: number = 0,
  ): void {
    const settings = Object.entries(env).map(([key, value]) => `${key}='${value}'`);
    const line = `cd '${team.alice.clone}'; env -i TERM=xterm ${settings.join(' ')} '${process.execPath}' ${commandLine(
      [],
      ahead,
    )
      .map((word) => `'${word}'`)
      .join(' ')} ${args.join(' ')}; echo "exit=$?"; sleep 60`;
    tmux('new-session', '-d', '-s', name, '-x', '180', '-y', '70', 'sh', '-c', line);
  }

  async function screen(name: string, until: RegExp): Promise<string> {
    for (let tries = 0; tries < 150; tries++) {
      const seen = tmux('capture-pane', '-p', '-t', name);
      if (until.test(seen)) return seen;
      await new Promise((wake) => setTimeout(wake, 100));
    }
    throw new Error(`never saw ${until} in:\n${tmux('capture-pane', '-p', '-t', name)}`);
  }

  test('approve shows the record and the exact text, asks, and signs after a yes', async () => {
    const id = await askBastion(team.dana);
    start('yes', ['approve', id], team.alice.env);
    const asked = await screen('yes', /Sign this as alice\?/u);
    expect(asked).toContain('You are about to sign:');
    expect(asked).toContain('permission: "principal:root"');
    tmux('send-keys', '-t', 'yes', 'y');
    expect(await screen('yes', /exit=/u)).toMatch(
      /approved by alice \(named\)\s+next: pam merge \S+\s+exit=0/u,
    );
    expect((await team.bob.pam(['check', '--proposal', id])).code).toBe(0);
  });

  test('init on GitHub asks what will end access, and promises no more than that keeps', async () => {
    const home = tempDir();
    const bare = join(home, 'access.git');
    execFileSync('git', ['init', '-q', '--bare', '--initial-branch=main', bare]);
    const place = join(home, 'access');
    const env = { ...team.alice.env, XDG_STATE_HOME: join(home, 'state') };
    const args = ['--github', 'acme/access', '--account', 'alice-ng=7', '--remote', bare];
    start('init', ['init', place, ...args], env);
    const asked = await screen('init', /What will end access\?/u);
    expect(asked).toMatch(/a machine of your own.*grants need a sweep within 1h/u);
    tmux('send-keys', '-t', 'init', 'Down', 'Enter');
    expect(await screen('init', /exit=/u)).toMatch(/exit=0/u);
    expect(readFileSync(join(place, 'pam.yaml'), 'utf8')).toContain('\nsweep_within: 2h\n');
  });

  test('enter alone is a no: nothing is signed', async () => {
    const id = await askBastion(team.dana);
    const before = team.landscape();
    start('no', ['approve', id], team.alice.env);
    await screen('no', /Sign this as alice\?/u);
    tmux('send-keys', '-t', 'no', 'Enter');
    expect(await screen('no', /exit=/u)).toMatch(
      /nothing was signed and nothing was changed \[E_DECLINED\]\s+hint: run it again when you want it\s+exit=1/u,
    );
    expect(team.landscape()).toEqual(before);
  });

  test('Ctrl-C at the question leaves nothing, and the terminal as it was', async () => {
    const id = await askBastion(team.dana);
    const before = team.landscape();
    start('stop', ['approve', id], team.alice.env);
    await screen('stop', /Sign this as alice\?/u);
    tmux('send-keys', '-t', 'stop', 'C-c');
    expect(await screen('stop', /exit=/u)).toMatch(/exit=130/u);
    expect(team.landscape()).toEqual(before);
    expect(tmux('display-message', '-p', '-t', 'stop', '#{cursor_flag}').trim()).toBe('1');
  });

  test("ending somebody else's grant wants the id typed again", async () => {
    const id = await approved(team, await askBastion(team.dana));
    await must(team.apply.pam(['apply']));
    start('wrong', ['revoke', id, '--reason', 'incident'], team.bob.env);
    await screen('wrong', /type the id/u);
    tmux('send-keys', '-t', 'wrong', 'yes', 'Enter');
    expect(await screen('wrong', /exit=/u)).toMatch(
      /\[E_DECLINED\]\s+hint: run it again when you want it\s+exit=1/u,
    );
    start('right', ['revoke', id, '--reason', 'incident'], team.bob.env);
    await screen('right', /type the id/u);
    tmux('send-keys', '-t', 'right', '-l', id);
    tmux('send-keys', '-t', 'right', 'Enter');
    expect(await screen('right', /exit=/u)).toMatch(/exit=0/u);
    expect((await must(team.sweep.pam(['sweep']))).out).toContain('1 revoked.');
  });

  test('request asks for all that is missing, also for what the role wants, and signs it', async () => {
    start('ask', ['request'], team.dana.env);
    await screen('ask', /Which role\?/u);
    tmux('send-keys', '-t', 'ask', 'Enter');
    await screen('ask', /For how long .*at most 1h\?/u);
    tmux('send-keys', '-t', 'ask', '-l', 'soon');
    tmux('send-keys', '-t', 'ask', 'Enter');
    await screen('ask', /write 45m, 2h/u);
    tmux('send-keys', '-t', 'ask', 'BSpace', 'BSpace', 'BSpace', 'BSpace', '5', 'm', 'Enter');
    await screen('ask', /Why, for the person/u);
    tmux('send-keys', '-t', 'ask', '-l', 'disk full');
    tmux('send-keys', '-t', 'ask', 'Enter');
    await screen('ask', /Which ticket\?/u);
    tmux('send-keys', '-t', 'ask', '-l', 'OPS-9');
    tmux('send-keys', '-t', 'ask', 'Enter');
    const said = await screen('ask', /exit=/u);
    expect(said).toContain('exit=0');
    const id = /\d{8}-bastion-root-[a-z0-9]{6}/u.exec(said)?.[0] ?? '';
    const shown = JSON.parse((await must(team.alice.pam(['show', id, '--json']))).out) as object;
    expect(shown).toMatchObject({
      untrusted: { requester: 'dana', duration: '5m', justification: 'disk full', ticket: 'OPS-9' },
    });
  });

  test('approve without an id lets me choose, and asks a fallback approver for the reason', async () => {
    const id = await askBastion(team.erin, '7m');
    await team.apply.pam(['apply']);
    start('choose', ['approve'], team.carol.env, 16 * 60);
    expect(await screen('choose', /Which request\?/u)).toContain(id);
    for (let tries = 0; tries < 9; tries++) {
      if (new RegExp(`● ${id}`, 'u').test(tmux('capture-pane', '-p', '-t', 'choose'))) break;
      tmux('send-keys', '-t', 'choose', 'Down');
      await new Promise((wake) => setTimeout(wake, 200));
    }
    tmux('send-keys', '-t', 'choose', 'Enter');
    await screen('choose', /Why you and not the named approver\?/u);
    tmux('send-keys', '-t', 'choose', '-l', 'alice and bob sleep');
    tmux('send-keys', '-t', 'choose', 'Enter');
    await screen('choose', /Sign this as carol\?/u);
    tmux('send-keys', '-t', 'choose', 'y');
    const said = await screen('choose', /exit=/u);
    expect(said).toContain(`${id} approved by carol (fallback)`);
    expect(said).toContain('because: "alice and bob sleep"');
    expect(said).toContain('exit=0');
  });
});
