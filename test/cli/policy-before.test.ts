/** A change of policy on plain Git is looked at, and signed, before it is on main; until then everybody goes on as before. */
import { mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentOf, listOf, parse } from './expectations.ts';
import {
  approved,
  askBastion,
  bench,
  type Bench,
  commitToMain,
  must,
  ROLES,
  stockGit,
  write,
} from './workbench.ts';

const TYPO = ROLES.replace('threshold: 1, fallback', 'treshold: 1, fallback');
const PLACE = /policy\/roles\.yaml:\d+:\d+ .*"treshold" is not known here \(did you mean threshold\?\)/u;

describe('check', () => {
  let team: Bench;
  beforeAll(async () => {
    team = await bench({ remote: true });
  });

  test('reads the policy of the work tree: a typo is met before it is committed', async () => {
    const { alice } = team;
    expect((await must(alice.pam(['check']))).out).toMatch(/good\n$/u);
    write(alice.clone, 'policy/roles.yaml', TYPO);
    for (const args of [[], ['policy/roles.yaml'], ['policy'], ['pam.yaml'], ['--base', 'origin/main']]) {
      const ran = await alice.pam(['check', ...args]);
      expect({ args, code: ran.code, out: ran.out }).toEqual({ args, code: 4, out: '' });
      expect(ran.err).toMatch(PLACE);
    }
    const { issues } = parse((await alice.pam(['check', '--json'])).err);
    expect(issues).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ file: 'policy/roles.yaml', line: 11, code: 'E_POL_SHAPE' }),
      ]),
    );
    write(alice.clone, 'policy/roles.yaml', ROLES);
  });

  test('a link, and a file that is none of a policy', async () => {
    const { alice } = team;
    const odd = join(alice.clone, 'policy/more.yaml');
    symlinkSync('/dev/zero', odd);
    expect((await alice.pam(['check'])).err).toMatch(/policy\/more\.yaml.*does not belong/u);
    unlinkSync(odd);
    write(alice.clone, 'policy/more.yaml', 'x: 1\n');
    expect(await alice.pam(['check'])).toMatchObject({ code: 4 });
    unlinkSync(odd);
    expect(await alice.pam(['check'])).toMatchObject({ code: 0 });
  });

  test('requests of the work tree that main does not hold are judged, too', async () => {
    const { dana } = team;
    const draft = await must(dana.pam(['request', 'web-restart', '--for', '1h', '--reason', 'x', '--draft']));
    const path = /draft (.*)\n/u.exec(draft.out)?.[1] ?? '';
    const found = documentOf(await dana.pam(['check', '--json']), 'pam.check/1', ['ok', 'issues', 'reasons']);
    expect(listOf(found, 'reasons').map(({ code }) => code)).toContain('E_POL_TTL');
    unlinkSync(path);
    expect(listOf(parse((await dana.pam(['check', '--json'])).out), 'reasons')).toEqual([]);
  });

  test('on main it is told with file, line, column and what was meant, by every command that looks', async () => {
    commitToMain(team.alice, { 'policy/roles.yaml': TYPO }, true);
    const status = await must(team.bob.pam(['status']));
    expect(status.err).toMatch(PLACE);
    expect(status.out).not.toMatch(PLACE);
    const { warnings } = parse((await team.bob.pam(['status', '--json'])).out);
    expect(warnings).toEqual([{ code: 'E_POL_UNSIGNED', message: expect.stringMatching(PLACE) }]);
    const doctor = await team.bob.pam(['doctor']);
    expect(doctor.out).toMatch(new RegExp(`problem policy: .*${PLACE.source}`, 'u'));
    const check = await team.bob.pam(['check']);
    expect({ code: check.code, err: PLACE.test(check.err) }).toEqual({ code: 4, err: true });
    expect(check.err).toContain('main:policy/roles.yaml');
  });
});

describe('ratify, before main holds it', () => {
  let team: Bench;
  beforeAll(async () => {
    team = await bench({ remote: true, threshold: 2 });
    await must(team.bob.pam(['ratify', '--yes']));
    await must(team.apply.pam(['apply']));
  });
  const mainNow = (): string => stockGit(team.bare ?? '', team.alice.env, ['rev-parse', 'main']);

  test('what is not committed is not signed, and the way is said', async () => {
    write(team.alice.clone, 'policy/roles.yaml', ROLES.replace('max_duration: 8h', 'max_duration: 7h'));
    const ran = await team.alice.pam(['ratify', '--yes']);
    expect({ code: ran.code, out: ran.out }).toEqual({ code: 2, out: '' });
    expect(ran.err).toMatch(/not committed .*\nhint: git commit/u);
  });

  test('junk that was pushed under the name for the others keeps no admin from their own commit', async () => {
    const { alice } = team;
    const place = join(team.bare ?? '', 'refs/heads/pam/policy-2');
    const blob = stockGit(team.bare ?? '', alice.env, ['rev-parse', 'main:pam.yaml']);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, `${blob.trim()}\n`);
    const alone = await alice.pam(['ratify', 'pam/policy-2', '--yes']);
    expect(alone.code).toBe(1);
    alice.git('commit', '-q', '-a', '-m', 'seven hours');
    const ran = await alice.pam(['ratify', '--no-input']);
    expect(ran.err).toMatch(
      /the branch pam\/policy-2 cannot be signed: .* \[E_GIT_[A-Z]+\]; it is passed over/u,
    );
    expect(ran.err).toMatch(/Policy version 2, from commit [0-9a-f]{12}:\n/u);
    expect(ran.code).toBe(2);
    rmSync(place);
  });

  test('the commit that is checked out is signed, and main stays as it is', async () => {
    const { alice } = team;
    const before = mainNow();
    const first = await must(alice.pam(['ratify', '--yes']));
    expect(first.err).toMatch(/Policy version 2, from commit [0-9a-f]{12}:\n.*"8h" -> "7h"/u);
    expect(first.out).toMatch(/1 of 2; more admins have to sign, .* main stays as it is/u);
    expect(mainNow()).toBe(before);
  });

  test('nothing stands still meanwhile', async () => {
    await approved(team, await askBastion(team.dana, '5m'));
    expect((await must(team.apply.pam(['apply']))).out).toContain('1 granted.');
  });

  test('the others find it, and main moves with the last signature', async () => {
    await approved(team, await askBastion(team.dana, '5m'));
    const second = await must(team.bob.pam(['ratify', '--yes']));
    expect(second.err).toMatch(/Policy version 2, from pam\/policy-2:\n/u);
    expect(second.out).toMatch(/2 of 2; main holds it, and the next `pam apply`/u);
    const waiting = await must(team.dana.pam(['status']));
    expect(waiting.err).toMatch(/is signed \(2 of 2\); the next `pam apply`.* version 2/u);
    const early = await team.bob.pam(['ratify', 'origin/main', '--yes']);
    expect({ code: early.code, err: early.err }).toMatchObject({
      code: 2,
      err: expect.stringMatching(/main holds a policy that is not in force yet/u),
    });
    const ran = await must(team.apply.pam(['apply']));
    expect(ran.out).toContain('policy 2 is in force');
    expect(ran.out).toMatch(/1 granted/u);
    expect((await must(team.alice.pam(['ratify']))).out).toMatch(/nothing to sign/u);
  });

  test('of a branch only its policy gets to main', async () => {
    const { alice, bob } = team;
    alice.git('fetch', '-q', 'origin');
    alice.git('checkout', '-q', '-b', 'six', 'origin/main');
    write(alice.clone, 'policy/roles.yaml', ROLES.replace('max_duration: 8h', 'max_duration: 6h'));
    write(alice.clone, 'README.md', 'not policy\n');
    alice.git('add', '-A', '.');
    alice.git('commit', '-q', '-m', 'six hours');
    alice.git('push', '-q', 'origin', 'six');
    await must(bob.pam(['ratify', 'six', '--yes']));
    await must(alice.pam(['ratify', 'six', '--yes']));
    expect((await must(team.apply.pam(['apply']))).out).toContain('policy 3 is in force');
    const there = stockGit(team.bare ?? '', alice.env, ['ls-tree', '-r', '--name-only', 'main']);
    expect(there).not.toContain('README.md');
  });

  test('a branch from before the policy of main has to be brought up to date', async () => {
    const { alice } = team;
    alice.git('checkout', '-q', '-b', 'old', 'HEAD~1');
    write(alice.clone, 'policy/roles.yaml', ROLES.replace('max_duration: 8h', 'max_duration: 5h'));
    alice.git('commit', '-q', '-a', '-m', 'five hours, from before');
    const ran = await alice.pam(['ratify', '--yes']);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(/began before the policy that main holds .*\nhint: .*git rebase origin\/main/u);
  });

  test('what no executor would put in force does not get to main', async () => {
    const { alice, bob } = team;
    await approved(team, await askBastion(team.dana, '30m'));
    await must(team.apply.pam(['apply']));
    const before = mainNow();
    alice.git('fetch', '-q', 'origin');
    alice.git('checkout', '-q', '-f', '-B', 'none', 'origin/main');
    const people = stockGit(alice.clone, alice.env, ['show', 'HEAD:policy/people.yaml']);
    write(
      alice.clone,
      'policy/people.yaml',
      `${people.replaceAll('targets: ["*"]', 'targets: [web-sudo, legacy]')}\n`,
    );
    write(
      alice.clone,
      'policy/roles.yaml',
      ROLES.replace(/ {2}bastion-root:[\s\S]*?(?= {2}web-restart:)/u, ''),
    );
    alice.git('commit', '-q', '-a', '-m', 'nobody may revoke there');
    await must(alice.pam(['ratify', '--yes']));
    const last = await bob.pam(['ratify', '--yes']);
    expect(last.code).not.toBe(0);
    expect(last.err).toMatch(/revoke/u);
    expect(mainNow()).toBe(before);
  });

  test('a name that is no branch', async () => {
    const ran = await team.bob.pam(['ratify', 'nowhere', '--yes', '--json']);
    expect({ code: ran.code, error: parse(ran.err)['code'] }).toEqual({ code: 2, error: 'E_USAGE' });
  });
});
