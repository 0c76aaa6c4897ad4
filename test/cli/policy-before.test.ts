/** A change of policy on plain Git is looked at, and signed, before it is on main; until then everybody goes on as before. */
import { symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentOf, listOf, parse } from './expectations.ts';
import { bench, type Bench, commitToMain, must, ROLES, write } from './workbench.ts';

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
