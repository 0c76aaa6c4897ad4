import { chmod, chown, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plus } from '../../src/model/instant.ts';
import type { Order } from '../../src/model/target.ts';
import { readSudoers } from '../../src/targets/sudoers/read-sudoers.ts';
import { filesAround } from '../../src/targets/sudoers/sudoers-files.ts';
import { faultOfUser, sudoersText } from '../../src/targets/sudoers/sudoers-rule.ts';
import { instant, NOW, sceneOf } from '../conformance/target.ts';
import { execute, succeeds, sudoAllows, sudoersFixture, sudoIsHere } from '../conformance/target-fixtures.ts';

let fixture: Awaited<ReturnType<typeof sudoersFixture>>;
beforeEach(async () => {
  fixture = await sudoersFixture();
});
afterEach(async () => await fixture.remove());

const session = async (): ReturnType<typeof fixture.provider.open> =>
  await fixture.provider.open(fixture.place);
const file = (): string => join(fixture.directory, `pam-${fixture.order.id}`);
const allows = async (...words: string[]): Promise<boolean> =>
  await sudoAllows(fixture.directory, 'daemon', words);
const grant = async (change: Partial<Order> = {}): Promise<void> => {
  await (await session()).grant({ ...fixture.order, ...change });
};

describe('the sudoers file', () => {
  it('holds one line for each permission, each with the end, and nothing else', async () => {
    await grant({ permissions: ['run:root:/usr/bin/id', 'run:www-data:/opt/a b=c,d:e'] });
    expect(await readFile(file(), 'utf8')).toBe(
      [
        '# 20261122-root-7k3fq2: written by pam, which removes it when it ends; do not edit',
        'daemon ALL=(root) NOTAFTER=20991122184500Z NOPASSWD: /usr/bin/id ""',
        'daemon ALL=(www-data) NOTAFTER=20991122184500Z NOPASSWD: /opt/a b\\=c\\,d\\:e',
        '',
      ].join('\n'),
    );
    expect((await stat(file())).mode & 0o777).toBe(0o440);
    expect(await readdir(fixture.directory)).toEqual([`pam-${fixture.order.id}`]);
  });

  it('with any other content counts as all of the permissions, until it is gone', async () => {
    const present = { state: 'present', which: fixture.order.permissions };
    for (const make of [
      async () => await writeFile(file(), 'daemon ALL=(ALL) ALL\n', { mode: 0o440 }),
      async () => await writeFile(file(), 'missing', { mode: 0o440 }),
      async () => await symlink('/etc/passwd', file()),
      async () => await symlink('/nowhere', file()),
    ]) {
      await make();
      expect(await (await session()).inspect(fixture.order)).toEqual(present);
      await grant();
      expect(await readFile(file(), 'utf8')).toContain('NOTAFTER');
      await rm(file());
      await make();
      await (await session()).revoke(fixture.order, sceneOf(fixture.order));
      expect(await (await session()).inspect(fixture.order)).toEqual({ state: 'absent' });
    }
    expect((await stat('/etc/passwd')).isFile()).toBe(true);
  });

  it('is written again when it was changed or may be written by others', async () => {
    await grant();
    await chmod(file(), 0o666);
    await grant();
    expect((await stat(file())).mode & 0o777).toBe(0o440);
  });

  it.skipIf(!sudoIsHere)('[L16] is judged by visudo before sudo can see it', async () => {
    const visudo = join(fixture.root, 'visudo');
    await writeFile(visudo, '#!/bin/sh\nls "$2" >&2; exit 1\n', { mode: 0o755 });
    const place = { ...fixture.place, config: { ...fixture.place.config, visudo } };
    await expect((await fixture.provider.open(place)).grant(fixture.order)).rejects.toMatchObject({
      code: 'E_PRV_SUDOERS',
    });
    expect(await readdir(fixture.directory)).toEqual([]);
    const without = { ...place, config: { ...place.config, visudo: join(fixture.root, 'none/visudo') } };
    await (await fixture.provider.open(without)).grant(fixture.order);
    expect(await readdir(fixture.directory)).toEqual([`pam-${fixture.order.id}`]);
  });
});

describe('the sudoers directory', () => {
  it('of somebody else is refused for granting, never for revoking', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give a directory away');
    await grant();
    await chown(fixture.directory, 1, 1);
    await expect((await session()).verifyIdentity()).rejects.toMatchObject({ code: 'E_PRV_DIRECTORY' });
    await expect(grant()).rejects.toMatchObject({ code: 'E_PRV_DIRECTORY' });
    await (await session()).revoke(fixture.order, sceneOf(fixture.order));
    expect(await readdir(fixture.directory)).toEqual([]);
  });

  it('that is missing is an error and never an absence', async () => {
    await rm(fixture.directory, { recursive: true });
    const missing = { code: 'E_PRV_DIRECTORY' };
    await expect((await session()).inspect(fixture.order)).rejects.toMatchObject(missing);
    await expect((await session()).revoke(fixture.order, sceneOf(fixture.order))).rejects.toMatchObject(
      missing,
    );
    await writeFile(fixture.directory, '');
    await expect((await session()).inspect(fixture.order)).rejects.toMatchObject(missing);
  });

  it('with a directory in the place of the file is an error', async () => {
    await mkdir(file());
    const broken = { code: 'E_PRV_DIRECTORY' };
    await expect(grant()).rejects.toMatchObject(broken);
    await expect((await session()).revoke(fixture.order, sceneOf(fixture.order))).rejects.toMatchObject(
      broken,
    );
  });
});

describe.skipIf(!sudoIsHere)('a real sudo', () => {
  it('[L16] allows exactly what was granted', async () => {
    await grant({
      permissions: [
        'run:root:/usr/bin/id',
        'run:root:/usr/bin/env a=b,c:d @x %y ~ +z',
        'run:root:/usr/bin/tee, /usr/bin/whoami',
      ],
    });
    expect(await allows('/usr/bin/id')).toBe(true);
    expect(await allows('/usr/bin/env', 'a=b,c:d', '@x', '%y', '~', '+z')).toBe(true);
    expect(await allows('/usr/bin/id', '-u')).toBe(false);
    expect(await allows('/usr/bin/env')).toBe(false);
    expect(await allows('/usr/bin/env', 'a=b,c:d')).toBe(false);
    expect(await allows('/usr/bin/env', 'a=b,c:d', '@x', '%y', '~', '+z', 'more')).toBe(false);
    // A comma is part of a name here, never the next command.
    expect(await allows('/usr/bin/tee')).toBe(false);
    expect(await allows('/usr/bin/whoami')).toBe(false);
    expect(await sudoAllows(fixture.directory, 'nobody', ['/usr/bin/id'])).toBe(false);
  });

  it('ends the access by itself', async () => {
    expect(fixture.provider.expiresByItself(fixture.place.config)).toBe(true);
    await grant();
    expect(await allows('/usr/bin/id')).toBe(true);
    await grant({ until: plus(NOW, -3600 * 24 * 365) });
    expect(await allows('/usr/bin/id')).toBe(false);
  });
});

describe('logins of directories', () => {
  it.skipIf(!sudoIsHere)(
    'are each one user to the real sudo, and no other',
    { timeout: 180_000 },
    async () => {
      const logins = [
        'dana.ruiz',
        'dana@acme.example',
        'DANA@ACME.EXAMPLE',
        'ACME\\dana',
        'ACME\\ALL',
        'acme.example\\dana',
        'Dana',
        'dana+adm',
        '1dana',
        'x'.repeat(200),
      ];
      const passwd = join(fixture.root, 'passwd');
      const others = ['dana', 'acme', 'other', 'ALL', 'adm'];
      const lines = [...logins, ...others].map((login, at) => `${login}:x:${60_000 + at}:1::/:/bin/sh\n`);
      await writeFile(passwd, `root:x:0:0::/:/bin/sh\n${lines.join('')}`);
      const asked = async (login: string): Promise<boolean> =>
        await succeeds('unshare', [
          '-m',
          'sh',
          '-c',
          'mount --bind "$1" /etc/sudoers.d && mount --bind "$2" /etc/passwd && exec sudo -n -l -U "$3" /usr/bin/id',
          'sh',
          fixture.directory,
          passwd,
          login,
        ]);
      for (const login of logins) {
        expect([login, fixture.provider.checkLogin(login)]).toEqual([login, undefined]);
        await grant({ login, permissions: ['run:root:/usr/bin/id'] });
        expect([login, await asked(login)]).toEqual([login, true]);
      }
      // What is in the file now is for the last login alone.
      for (const login of [...others, ...logins.slice(0, -1)])
        expect([login, await asked(login)]).toEqual([login, false]);
    },
  );

  it.skipIf(!sudoIsHere)('any that is taken is read back by sudo as that very name', async () => {
    const taken = fc
      .sample(fc.string({ unit: fc.constantFrom(...'aZ09_.-@+\\\\ALL#%!:,=("\'* \n'), maxLength: 8 }), 20_000)
      .filter((login) => faultOfUser(login) === undefined);
    expect(taken.length).toBeGreaterThan(300);
    const until = instant('2099-11-22T18:45:00Z');
    const rules = [{ user: 'root', path: '/usr/bin/id', args: [] }];
    const text = taken.map((login) => sudoersText('x', login, rules, until)).join('');
    const from = join(fixture.root, 'many');
    await writeFile(from, text);
    const { stdout } = await execute('cvtsudoers', ['-f', 'json', from], { maxBuffer: 64 * 1024 * 1024 });
    const { User_Specs: specs } = JSON.parse(stdout) as {
      readonly User_Specs: readonly { readonly User_List: readonly object[] }[];
    };
    expect(specs.map((one) => one.User_List)).toEqual(taken.map((username) => [{ username }]));
  });
});

describe('before a grant', () => {
  const check = async (change: Partial<Order> = {}): Promise<void> =>
    await (await session()).checkOrder?.({ ...fixture.order, ...change });

  it('the host has what it needs, or all that is missing is named', async () => {
    await check();
    await expect(check({ login: 'nosuchuser' })).rejects.toMatchObject({
      code: 'E_PRV_LACKS',
      message: 'the host of web-sudo has no user nosuchuser',
    });
    const permissions = [
      'run:nosuchuser:/nonexistent/tool',
      'run:root:/opt/my app/run',
      'run:root:/etc/passwd',
    ];
    await expect(check({ permissions })).rejects.toMatchObject({
      code: 'E_PRV_LACKS',
      message: expect.stringMatching(
        /no user nosuchuser to run as, no program \/nonexistent\/tool, no program \/opt\/my \(to be run with app\/run; a space inside a path is written "\\ "\), no program \/etc\/passwd/u,
      ),
    });
    expect(await readdir(fixture.directory)).toEqual([]);
  });

  it('doctor hears of programs and users that roles name', async () => {
    const examine = async (...permissions: string[]): Promise<unknown> =>
      await (await session()).examine?.(['grant'], permissions);
    expect(await examine('run:root:/usr/bin/id')).toEqual([]);
    expect(await examine('run:root:/nonexistent/tool')).toMatchObject([{ code: 'E_PRV_LACKS' }]);
    await writeFile(join(fixture.directory, 'tty'), 'Defaults requiretty\n', { mode: 0o440 });
    expect(await examine()).toMatchObject([{ code: 'W_PRV_TTY' }]);
  });

  it('two users whose names differ in case alone are not told apart by sudo', async () => {
    const bin = join(fixture.root, 'bin');
    await mkdir(bin);
    const id = '#!/bin/sh\ncase "$1 $3" in "-u Dana") echo 1;; "-u dana") echo 2;; *) echo 7;; esac\n';
    await writeFile(join(bin, 'id'), id, { mode: 0o755 });
    const place = { ...fixture.place, env: { ...fixture.place.env, PATH: `${bin}:/usr/bin:/bin` } };
    const asked = (await fixture.provider.open(place)).checkOrder?.({ ...fixture.order, login: 'Dana' });
    await expect(asked).rejects.toMatchObject({ message: expect.stringContaining('Dana and dana') });
  });

  const ALL = 'daemon ALL=(ALL:ALL) ALL';
  const NEIGHBOURS: readonly (readonly [name: string, text: string, shadows: boolean])[] = [
    ['wheel', ALL, true],
    ['wheel', '%daemon ALL=(ALL) ALL', true],
    ['wheel', '%#1 ALL=(ALL) ALL', true],
    ['wheel', '#1 ALL=(ALL) ALL # for everybody', true],
    ['wheel', '"daemon" ALL = (ALL) ALL', true],
    ['wheel', 'DAEMON,\\\n  nobody ALL=(ALL) ALL', true],
    ['wheel', 'ALL ALL=(ALL) ALL', true],
    ['zz-deny', 'daemon ALL=(root) !/usr/bin/id', true],
    ['wheel', 'daemon ALL=(root) /usr/bin/', true],
    ['wheel', 'daemon ALL=/usr/bin/id -u', true],
    ['wheel', 'daemon ALL=(root) /usr/bin/i*', true],
    ['wheel', 'daemon ALL=(root) /usr/bin/id *', true],
    ['wheel', 'daemon ALL=(ALL) NOPASSWD: /usr/bin/whoami, PASSWD: /usr/bin/id', true],
    ['wheel', 'daemon elsewhere = ALL : ALL = (root) /usr/bin/id', true],
    ['wheel', 'daemon ALL=(ALL) NOTAFTER=20990101000000Z ALL', true],
    ['wheel', 'User_Alias OPS = nobody, daemon\nCmnd_Alias IDS = /usr/bin/id\nOPS ALL=(ALL) IDS', true],
    ['wheel', 'User_Alias OPS = ALL, !daemon\nOPS ALL=(ALL) ALL', false],
    ['wheel', 'ALL, !daemon ALL=(ALL) ALL', false],
    ['wheel', 'daemon ALL=(ALL) NOPASSWD: ALL', false],
    ['wheel', `${ALL}\ndaemon ALL=(ALL) NOPASSWD: ALL`, false],
    ['wheel', `Defaults !authenticate\n${ALL}`, false],
    ['wheel', `# ${ALL}`, false],
    ['wheel', 'nobody ALL=(ALL) ALL', false],
    ['wheel', 'daemon elsewhere=(ALL) ALL', false],
    ['wheel', 'daemon ALL=(www-data) ALL', false],
    ['wheel', 'daemon ALL=(ALL) /usr/bin/whoami', false],
    ['wheel', 'daemon ALL=(root) /usr/bin/id -g', false],
    ['wheel', 'daemon ALL=(root) /usr/bin/id ""', false],
    ['wheel', 'daemon ALL=(ALL) NOTAFTER=20200101000000Z ALL', false],
    ['apt', ALL, false],
    ['Wheel', ALL, false],
    ['wheel.rpmsave', ALL, false],
    ['wheel~', ALL, false],
  ];

  it.skipIf(!sudoIsHere)(
    'a neighbour shadows it where the real sudo then asks for a password',
    { timeout: 400_000 },
    async () => {
      const permissions = ['run:root:/usr/bin/id -u'];
      await grant({ permissions });
      const works = async (): Promise<boolean> =>
        await succeeds('unshare', [
          '-m',
          'sh',
          '-c',
          'mount --bind "$1" /etc/sudoers.d && exec setpriv --reuid 1 --regid 1 --clear-groups sudo -n /usr/bin/id -u',
          'sh',
          fixture.directory,
        ]);
      expect(await works()).toBe(true);
      const found: unknown[] = [];
      for (const [name, text] of NEIGHBOURS) {
        const path = join(fixture.directory, name);
        await writeFile(path, `${text}\n`, { mode: 0o440 });
        const judged = await check({ permissions }).then(
          () => false,
          (error: { readonly code: string; readonly message: string }) =>
            error.code === 'E_PRV_SHADOWED' && error.message.includes(path),
        );
        found.push([name, text, judged, await works()]);
        await rm(path);
      }
      expect(found).toEqual(NEIGHBOURS.map(([name, text, shadows]) => [name, text, shadows, !shadows]));
    },
  );

  it('what the main file says behind the directory counts, what it says before does not', async () => {
    const main = join(fixture.root, 'sudoers');
    const names = async (text: string): Promise<readonly string[][]> => {
      await writeFile(main, text);
      const { before, behind } = await filesAround(fixture.directory, 'pam-x', main);
      return [before, behind].map((files) => readSudoers(files).rules.map(({ command }) => command.text));
    };
    await writeFile(join(fixture.directory, 'b'), 'daemon ALL=/in/b\n');
    await writeFile(join(fixture.directory, 'q'), `@include ${fixture.root}/more\n`);
    await writeFile(join(fixture.root, 'more'), 'daemon ALL=/in/more');
    const inside = `daemon ALL=/first\n@includedir ${fixture.directory}\ndaemon ALL=/last`;
    expect(await names(inside)).toEqual([
      ['/first', '/in/b'],
      ['/in/more', '/last'],
    ]);
    expect(await names(inside.replace('@', '#'))).toEqual(await names(inside));
    // Of a main file that does not include it nothing is known to count.
    expect(await names('daemon ALL=/first\n@includedir /nowhere\n')).toEqual([['/in/b'], ['/in/more']]);
    expect(await names(`@include ${main}\n@includedir ${fixture.directory}\n`)).toHaveLength(2);
  });
});

it.skipIf(!sudoIsHere)('a path with a space is one program to the real sudo', async () => {
  const app = join(fixture.root, 'my app');
  await mkdir(app);
  await writeFile(join(app, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  const permissions = [`run:root:${join(app, 'run').replace(' ', '\\ ')} now`];
  await (await session()).checkOrder?.({ ...fixture.order, permissions });
  await grant({ permissions });
  expect(await readFile(file(), 'utf8')).toContain('/my\\ app/run now\n');
  expect(await allows(join(app, 'run'), 'now')).toBe(true);
  expect(await allows(join(app, 'run'))).toBe(false);
  expect(await allows(join(fixture.root, 'my'), 'app/run', 'now')).toBe(false);
});
