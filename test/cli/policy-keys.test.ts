/** The keys of those who sign policy, with the real program: an admin replaces one that everybody needs. */
import { expect, test } from 'vitest';
import { parse } from './expectations.ts';
import { bench, commitToMain, must, stock } from './workbench.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

test('[X45] two admins of two: bob signs with his compromised key and with the new one', async () => {
  const team = await bench({ remote: true, threshold: 2 });
  const { alice, bob, sweep } = team;
  await must(bob.pam(['ratify', '--yes']));
  await must(sweep.pam(['sweep']));
  const people = (): string => readFileSync(join(alice.clone, 'policy/people.yaml'), 'utf8');
  const both = people().replace('people: [alice, bob, carol], threshold', 'people: [alice, bob], threshold');
  commitToMain(alice, { 'policy/people.yaml': both }, true);
  await must(alice.pam(['ratify', '--yes']));
  await must(bob.pam(['ratify', '--yes']));
  expect((await must(sweep.pam(['sweep']))).out).toContain('policy 2 is in force');

  const told = await stock(bob, 'ssh-keygen', ['-l', '-f', `${team.key('bob')}.pub`]);
  const fingerprint = told.out.split(' ')[1] ?? '';
  const revoked = `revoked_keys: [{ fingerprint: "${fingerprint}", at: ${team.instant(0)}, reason: compromised, since: ${team.instant(-60)} }]\n`;
  const next = both.replace(team.publicKey('bob'), team.publicKey('mallory')) + revoked;
  commitToMain(alice, { 'policy/people.yaml': next }, true);
  await must(alice.pam(['ratify', '--yes']));
  const old = await must(bob.pam(['ratify', '--yes']));
  expect(old.out).toBe(
    'policy 3 signed by bob: 2 of 2 admins in force, 1 of 2 new ones; sign again with your new key: pam ratify --key FILE\n',
  );
  await must(sweep.pam(['sweep']));
  const again = await must(bob.pam(['ratify', '--yes', '--json', '--key', team.key('mallory')]));
  expect(parse(again.out)).toMatchObject({ seq: 3, have: 2, need: 2, new_admins: { have: 2, need: 2 } });
  expect((await must(sweep.pam(['sweep']))).out).toContain('policy 3 is in force');
});
