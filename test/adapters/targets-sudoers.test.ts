import { chmod, chown, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plus } from '../../src/model/instant.ts';
import type { Order } from '../../src/model/target.ts';
import { NOW, sceneOf } from '../conformance/target.ts';
import { sudoAllows, sudoersFixture, sudoIsHere } from '../conformance/target-fixtures.ts';

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
