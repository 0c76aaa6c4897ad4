/** What people meet on first use: a team on plain Git, a request that waits, the screens that lead from one step to the next. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { tempDir } from './program.ts';
import { askBastion, bench, type Bench, must, ROLES, stockGit, write } from './workbench.ts';

let team: Bench;
let id: string;

/** Only dana may ask for it, and only dana may approve it. */
const SOLO = `  solo:
    description: Root on the bastion, once more
    target: bastion
    permissions: ["principal:root"]
    risk: standard
    max_duration: 1h
    requesters: [dana]
    approval: [{ approvers: [dana], threshold: 1 }]
`;

beforeAll(async () => {
  team = await bench({ remote: true, roles: ROLES + SOLO });
  id = await askBastion(team.dana);
});

describe('completion', () => {
  const words = async (...typed: readonly string[]): Promise<readonly string[]> => {
    const { code, out, err } = await team.alice.pam(['completion', 'words', '--', ...typed]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out.split('\n').slice(0, -1);
  };

  test('ids, roles, people and executors are those that this clone knows, and nothing is fetched', async () => {
    expect(await words('approve', '')).not.toContain(id);
    await must(team.alice.pam(['status']));
    const before = team.landscape();
    expect(await words('approve', '')).toEqual([id]);
    expect(await words('approve', id, '')).toEqual([]);
    expect(await words('plan', id, '')).toEqual([id]);
    expect(await words('request', 'b')).toEqual(['bastion-root']);
    expect(await words('log', '--person', 'da')).toEqual(['dana']);
    expect(await words('sweep', '--executor', '')).toEqual(['pam-apply', 'pam-sweep']);
    expect(team.landscape()).toEqual(before);
  });
});

describe('a request that is typed wrongly', () => {
  const refused = async (...more: readonly string[]): Promise<string> => {
    const ran = await team.dana.pam(['request', 'bastion-root', '--for', '10m', ...more]);
    expect({ code: ran.code, out: ran.out }).toEqual({ code: 4, out: '' });
    return ran.err;
  };

  test('is told by its options, in words, with no file that is not there', async () => {
    const hint = 'hint: pam request --help\n';
    expect(await refused('--reason', ' ', '--ticket', 'OPS-1')).toBe(
      `error: --reason is empty [E_REQ_SHAPE]\n${hint}`,
    );
    expect(await refused('--reason', 'x', '--ticket', 'two words')).toBe(
      `error: --ticket is no ticket: one word of plain letters, digits and signs, without blanks [E_REQ_SHAPE]\n${hint}`,
    );
    expect(await refused('--reason', '', '--ticket', '#1', '--control', ' ')).toBe(
      `error: 3 problems with what was typed [E_REQ_SHAPE]
  --reason is empty [E_REQ_SHAPE]
  --ticket is no ticket: one word of plain letters, digits and signs, without blanks [E_REQ_SHAPE]
  --control is empty [E_REQ_SHAPE]
${hint}`,
    );
  });
});

describe('init with a remote', () => {
  const bare = (): string => {
    const dir = join(tempDir(), 'access.git');
    execFileSync('git', ['init', '-q', '--bare', '--initial-branch=main', dir]);
    return dir;
  };

  test('that does not answer leaves nothing behind, and the next try begins', async () => {
    const place = tempDir();
    const nowhere = await team.alice.pam(['init', 'access', '--remote', '/nowhere'], { cwd: place });
    expect({ code: nowhere.code, out: nowhere.out }).toEqual({ code: 1, out: '' });
    expect(nowhere.err).toMatch(/nothing was made \[E_GIT_NETWORK\]\nhint: make the bare repository first/u);
    expect(readdirSync(place)).toEqual([]);
    await must(team.alice.pam(['init', 'access', '--remote', bare()], { cwd: place }));
    const clone = join(place, 'access');
    expect(stockGit(clone, team.alice.env, ['pull'])).toBe('Already up to date.');
    write(clone, 'notes.txt', 'after init');
    stockGit(clone, team.alice.env, ['add', '.']);
    stockGit(clone, team.alice.env, ['commit', '-q', '-m', 'notes']);
    stockGit(clone, team.alice.env, ['push']);
    expect(stockGit(clone, team.alice.env, ['rev-parse', 'origin/main'])).toBe(
      stockGit(clone, team.alice.env, ['rev-parse', 'HEAD']),
    );
  });

  test('that holds a ledger already is not begun on, and nothing is made', async () => {
    const place = tempDir();
    const ran = await team.alice.pam(['init', 'access', '--remote', team.bare ?? ''], { cwd: place });
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain('the remote has a branch pam-ledger already; nothing was made [E_LED_EXISTS]');
    expect(readdirSync(place)).toEqual([]);
  });

  test('is taken as it is given now, whatever a clone calls origin; what a person wrote stays after a failure', async () => {
    const place = tempDir();
    write(place, 'policy/roles.yaml', 'roles: [\n');
    const broken = await team.alice.pam(['init', place, '--remote', bare()]);
    expect(broken.code).toBe(4);
    expect(readdirSync(place)).toEqual(['policy']);
    expect(readdirSync(join(place, 'policy'))).toEqual(['roles.yaml']);
    expect(readFileSync(join(place, 'policy/roles.yaml'), 'utf8')).toBe('roles: [\n');

    const own = tempDir();
    const right = bare();
    stockGit(own, team.alice.env, ['init', '-q', '--initial-branch=main']);
    stockGit(own, team.alice.env, ['remote', 'add', 'origin', '/nowhere']);
    const ran = await must(team.alice.pam(['init', '--remote', right], { cwd: own }));
    expect(ran.err).toBe('origin was /nowhere, and is what --remote says now\n');
    expect(stockGit(own, team.alice.env, ['ls-remote', 'origin', 'refs/heads/pam-ledger'])).not.toBe('');
    expect(existsSync(join(own, '.git'))).toBe(true);
  });
});

describe('sweep', () => {
  test('with a key that is not the executor’s is no idle sweep: E_EXECUTOR_KEY, 2', async () => {
    const ran = await team.sweep.pam(['sweep'], { env: { PAM_EXECUTOR_KEY: team.key('mallory') } });
    expect({ code: ran.code, out: ran.out }).toEqual({ code: 2, out: '' });
    expect(ran.err).toMatch(
      /the key SHA256:\S+ is not pam-sweep's \[E_EXECUTOR_KEY\]\nhint: policy lists SHA256:/u,
    );
    expect((await must(team.sweep.pam(['sweep']))).out).toMatch(/^Nothing to do \(last recorded sweep: /u);
  });
});

describe('status and log', () => {
  test('a proposal says when it was opened, for how long, where and for whom', async () => {
    const { proposals } = JSON.parse((await must(team.alice.pam(['status', '--json']))).out) as {
      readonly proposals: readonly unknown[];
    };
    expect(proposals).toMatchObject([
      {
        id,
        opened: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u) as string,
        duration: '10m',
        target: 'bastion',
        subject: 'dana',
      },
    ]);
  });

  test('--mine and --person leave out what is neither asked for nor awaited', async () => {
    const ids = async (who: Bench['alice'], ...args: readonly string[]): Promise<readonly unknown[]> => {
      const { out } = await must(who.pam(['status', '--json', ...args]));
      return (JSON.parse(out) as { proposals: { id: string }[] }).proposals.map((one) => one.id);
    };
    expect(await ids(team.dana, '--mine')).toEqual([id]);
    expect(await ids(team.bob, '--mine')).toEqual([id]);
    expect(await ids(team.erin, '--mine')).toEqual([]);
    expect(await ids(team.erin, '--person', 'dana')).toEqual([id]);
  });

  test('the log says what it was read from, and what is not in it', async () => {
    expect((await must(team.dana.pam(['log']))).out).toMatch(
      /\(entry \d+, at [^)]+\)\nread from this clone as it was fetched last \(`pam status` fetches\); requests that no executor has seen yet are not listed\n$/u,
    );
    expect((await must(team.dana.pam(['log', '--since', '1h30m']))).out).toContain('head sha256:');
  });
});

describe('a remote that does not answer', () => {
  const asked: readonly (readonly string[])[] = [
    ['show', '20260101-bastion-root-aaaaaa'],
    ['approve', '20260101-bastion-root-aaaaaa', '--yes'],
    ['deny', '20260101-bastion-root-aaaaaa', '--yes', '--reason', 'no'],
    ['merge', '20260101-bastion-root-aaaaaa'],
    ['status', '20260101-bastion-root-aaaaaa'],
    ['status', 'aaaaaa'],
    ['show', 'aaaaaa'],
  ];

  test.each(asked)('%s %s: that is told, and no verdict about the request', async (...args) => {
    const remote = team.bare ?? '';
    await must(team.bob.pam(['status']));
    renameSync(remote, `${remote}.away`);
    const ran = await team.bob.pam(args).finally(() => renameSync(`${remote}.away`, remote));
    expect({ code: ran.code, out: ran.out }).toEqual({ code: 1, out: '' });
    expect(ran.err).toMatch(
      /\nerror: (?:cannot reach the remote, which alone knows \S+aaaaaa: )?the remote did not answer .*\[E_GIT_NETWORK\]\nhint: ./u,
    );
  });
});

test('without the network what is not found here may be there', async () => {
  const ran = await team.bob.pam(['show', 'aaaaaa', '--offline']);
  expect({ code: ran.code, out: ran.out }).toEqual({ code: 1, out: '' });
  expect(ran.err).toContain('cannot reach the remote, which alone knows aaaaaa: --offline was given');
});

describe('a request that policy refuses', () => {
  const hintOf = async (...args: readonly string[]): Promise<string> => {
    const { code, err } = await team.dana.pam(['request', 'bastion-root', '--reason', 'to mend it', ...args]);
    expect(code).toBe(5);
    return /^hint: (.*)$/mu.exec(err)?.[1] ?? '';
  };

  test('says what to do about the one thing that is missing, or where all of it stands', async () => {
    expect(await hintOf('--for', '10m')).toBe('name it with `--ticket`');
    expect(await hintOf('--for', '9h', '--ticket', 'OPS-1')).toMatch(/^ask for less/u);
    expect(await hintOf('--for', '9h')).toBe('pam catalog bastion-root says what the role asks for');
  });

  test('names the file of an incident that is not on main', async () => {
    const wish = ['realm-admin', '--scope', 'realm=prod', '--for', '5m', '--reason', 'the realm is down'];
    const more = ['--control', 'recorded', '--incident', 'INC-404'];
    const { code, err } = await team.erin.pam(['request', ...wish, ...more]);
    expect(code).toBe(5);
    expect(err).toMatch(
      /INC-404 is not open.*\[E_POL_INCIDENT\]\nhint: add incidents\/INC-404\.yaml to main/u,
    );
  });

  test('is not made where no one is left to approve it', async () => {
    const before = team.landscape();
    const { code, out, err } = await team.dana.pam(['request', 'solo', '--for', '5m', '--reason', 'down']);
    expect({ code, out }).toEqual({ code: 5, out: '' });
    expect(err).toMatch(/no approver is left \[E_POL_NOBODY\]\nhint: ask for another role/u);
    expect(team.landscape()).toEqual(before);
  });
});

describe('approve without an id and without a terminal', () => {
  test('lists what waits for me, oldest first, and exits with 2', async () => {
    const second = await askBastion(team.erin, '5m');
    const ran = await team.bob.pam(['approve']);
    expect({ code: ran.code, out: ran.out }).toEqual({ code: 2, out: '' });
    const lines = ran.err.split('\n').filter((one) => !one.startsWith('first use'));
    expect(lines).toEqual([
      'error: which request? 2 wait for bob [E_USAGE]',
      `  ${id}  dana  bastion-root  10m  "to mend the checkout" [E_USAGE]`,
      `  ${second}  erin  bastion-root  5m  "to mend the checkout" [E_USAGE]`,
      `hint: pam approve ${id}`,
      '',
    ]);
    expect((await team.dana.pam(['approve'])).err).toContain('nothing waits for dana [E_USAGE]');
  });
});
