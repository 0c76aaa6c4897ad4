/** Places that the environment names: home, state, temporary files. The real program, and what may be wrong with them. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeDirectories, temporaryDirectory, withoutRelativePlaces } from '../../src/process/own-places.ts';
import { approved, askBastion, bench, type Bench, must } from './workbench.ts';
import { tempDir } from './program.ts';

let team: Bench;
beforeAll(async () => {
  team = await bench({ remote: true });
  await approved(team, await askBastion(team.dana));
  await must(team.apply.pam(['apply']));
  await must(team.sweep.pam(['sweep']));
}, 240_000);

describe('[X96] TMPDIR', () => {
  test.each(['/nowhere/at/all', '/etc/passwd', 'relative', ''])(
    '%j: commands work all the same',
    async (place) => {
      const ran = await team.alice.pam(['status'], { env: { TMPDIR: place } });
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(existsSync(join(team.alice.clone, 'relative'))).toBe(false);
    },
  );

  test('that takes nothing: a sweep ends what is due', async () => {
    team.later(601);
    const ran = await team.sweep.pam(['sweep'], { env: { TMPDIR: '/nowhere/at/all' } });
    expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: '' });
    expect(ran.out).toContain('1 revoked.');
  });

  test('the first place that takes one is used', () => {
    const place = tempDir();
    expect(temporaryDirectory({ TMPDIR: place }, 'x-').startsWith(join(place, 'x-'))).toBe(true);
    expect(temporaryDirectory({ TMPDIR: '/nowhere' }, 'pam-x-').startsWith('/tmp/pam-x-')).toBe(true);
  });
});

describe('[X97] memory', () => {
  test.each(['', 'home'])(
    'HOME=%j: nothing of the clone is taken for what this machine remembers',
    async (home) => {
      const { clone } = team.bob;
      const place = join(
        clone,
        home,
        '.local/state/pam',
        createHash('sha256')
          .update(team.bare ?? '')
          .digest('hex')
          .slice(0, 16),
      );
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'root'), `sha256:${'a'.repeat(64)}\n`);
      const env = { HOME: home, XDG_STATE_HOME: '' };
      const audit = ['audit', '--json'];
      const nothing = await team.bob.pam(audit, { env: { ...env, HOME: tempDir() } });
      const ran = await team.bob.pam(audit, { env });
      expect(ran).toEqual(nothing);
      expect(nothing.out).toContain('"root":');
      expect(withoutRelativePlaces(env)).toEqual({});
    },
  );

  test('a directory that cannot be made is an error at once', () => {
    expect(() => makeDirectories('/proc/pam/a/b', 0o700)).toThrow(/ENOENT/u);
    const below = tempDir();
    makeDirectories(join(below, 'a/b/c'), 0o700);
    makeDirectories(join(below, 'a/b/c'), 0o700);
    expect(existsSync(join(below, 'a/b/c'))).toBe(true);
    writeFileSync(join(below, 'file'), '');
    expect(() => makeDirectories(join(below, 'file/x'), 0o700)).toThrow(/ENOTDIR/u);
    chmodSync(below, 0o700);
  });
});
