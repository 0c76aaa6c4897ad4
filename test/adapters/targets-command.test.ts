import { chmod, chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import type { TargetConfig } from '../../src/model/target.ts';
import { command } from '../../src/targets/command/command.ts';
import { sceneOf } from '../conformance/target.ts';
import { commandFixture, execute } from '../conformance/target-fixtures.ts';

type CommandFixture = Awaited<ReturnType<typeof commandFixture>>;
const made: CommandFixture[] = [];
afterEach(async () => {
  for (const fixture of made.splice(0)) await fixture.remove();
});

/** A plugin whose whole body is this shell text. */
async function plugin(body: string): Promise<CommandFixture> {
  const fixture = await commandFixture(`#!/bin/sh\n${body}\n`);
  made.push(fixture);
  return fixture;
}

async function failure(
  fixture: CommandFixture,
  config: TargetConfig = fixture.place.config,
): Promise<PamError> {
  const session = await command.open({ ...fixture.place, config });
  const error: unknown = await session.grant(fixture.order).catch((cause: unknown) => cause);
  if (error instanceof PamError) return error;
  throw new Error('no refusal');
}

const answer = (text: string): string => `cat >/dev/null; printf '%s' '${text}'`;

describe('what a plugin is given', () => {
  it('[L19] names are data on stdin, never arguments', async () => {
    const fixture = await plugin(
      '[ $# = 0 ] || exit 9; cat > "${0%/*}/../asked"; printf \'{"version":1,"state":"unknown"}\'',
    );
    const { order, place } = fixture;
    const permissions = ['a b', '$(id)', '-rf', '`id`'];
    await (await command.open(place)).grant({ ...order, permissions, receipt: { handle: { row: 7 } } });
    expect(JSON.parse(await readFile(join(fixture.root, 'asked'), 'utf8'))).toEqual({
      version: 1,
      op: 'grant',
      id: order.id,
      subject: order.subject,
      login: order.login,
      permissions,
      until: order.until,
      options: place.config['options'],
      handle: { row: 7 },
    });
  });

  it('[L21] only PATH, LANG and the variables that config names', async () => {
    const fixture = await plugin(
      'cat >/dev/null; printf \'{"version":1,"state":"unknown","handle":{"names":"%s"}}\' "$(env | cut -d= -f1 | sort | tr "\\n" " ")"',
    );
    const env = { ...fixture.place.env, GITHUB_TOKEN: 'x', SSH_AUTH_SOCK: '/x', PGPASSWORD: 'x' };
    const receipt = await (await command.open({ ...fixture.place, env })).grant(fixture.order);
    // The shell itself sets PWD.
    expect(receipt.handle).toEqual({ names: 'LANG LEGACY_TOKEN PATH PWD ' });
  });

  it('a variable that is not set is an error', async () => {
    const fixture = await plugin(answer('{"version":1,"state":"present"}'));
    const config = { ...fixture.place.config, env: ['LEGACY_TOKEN', 'NOT_SET'] };
    expect(await failure(fixture, config)).toMatchObject({ code: 'E_PRV_ENV' });
  });
});

describe('what a plugin answers', () => {
  it.each([
    ['nothing', 'exit 0'],
    ['garbage', answer('ok')],
    ['two documents', answer('{"version":1,"state":"present"}{}')],
    ['a list', answer('[]')],
    ['null', answer('null')],
    ['no state', answer('{"version":1}')],
    ['another state', answer('{"version":1,"state":"granted"}')],
    ['another version', answer('{"version":2,"state":"present"}')],
    ['a version of another type', answer('{"version":"1","state":"present"}')],
    ['an unknown field', answer('{"version":1,"state":"present","ok":true}')],
    ['a handle of another type', answer('{"version":1,"state":"present","handle":[]}')],
    ['a message of another type', answer('{"version":1,"state":"present","message":{}}')],
    [
      'bytes that are not UTF-8',
      `cat >/dev/null; printf '{"version":1,"state":"present","message":"\\377"}'`,
    ],
    ['a good answer and a failure', `${answer('{"version":1,"state":"present"}')}; exit 3`],
    ['a good answer and a death', `${answer('{"version":1,"state":"present"}')}; kill -9 $$`],
    ['a contradiction', answer('{"version":1,"state":"absent"}')],
    ['a large handle', answer(`{"version":1,"state":"present","handle":{"a":"${'x'.repeat(5000)}"}}`)],
    [
      'a secret as handle',
      'cat >/dev/null; printf \'{"version":1,"state":"present","handle":{"a":"%s"}}\' "$(printf %s "$LEGACY_TOKEN" | base64 -w0)"',
    ],
    ['more than it may', 'cat >/dev/null; exec yes'],
  ])('[L20] %s is refused', async (_, body) => {
    expect(await failure(await plugin(body))).toMatchObject({ code: 'E_PRV_PLUGIN' });
  });

  it('[L20] exit 0 without acting is seen by reading back', async () => {
    const body =
      'q=$(cat); case $q in *inspect*) s=absent;; *) s=present;; esac; printf \'{"version":1,"state":"%s"}\' $s';
    const fixture = await plugin(body);
    const session = await command.open(fixture.place);
    const receipt = await session.grant(fixture.order);
    expect(await session.inspect({ ...fixture.order, receipt })).toEqual({ state: 'absent' });
  });

  it('each permission is asked about by itself, so that none counts as there because another is', async () => {
    const body =
      'q=$(cat); case $q in *held*) s=present;; *) s=absent;; esac; printf \'{"version":1,"state":"%s"}\' $s';
    const { place, order } = await plugin(body);
    const seen = await (await command.open(place)).inspect({
      ...order,
      permissions: ['free', 'held', 'other'],
    });
    expect(seen).toEqual({ state: 'present', which: ['held'] });
  });

  it('revoking that leaves the access there is an error', async () => {
    const fixture = await plugin(answer('{"version":1,"state":"present","message":"still in use"}'));
    const revoking = (await command.open(fixture.place)).revoke(fixture.order, sceneOf(fixture.order));
    await expect(revoking).rejects.toMatchObject({ message: expect.stringContaining('still in use') });
  });

  it('[N3] its words are cut, without the secrets that it was given', async () => {
    const fixture = await plugin(
      'cat >/dev/null; echo "bad token $LEGACY_TOKEN" >&2; head -c 2000 /dev/zero | tr "\\0" x >&2; exit 1',
    );
    const error = await failure(fixture);
    expect(error.message).toContain('bad token [redacted] xxx');
    expect(error.message.length).toBeLessThan(350);
    // Cutting first would leave the beginning of a secret at the cut.
    const late = await plugin(
      'cat >/dev/null; head -c 295 /dev/zero | tr "\\0" x >&2; echo "$LEGACY_TOKEN" >&2; exit 1',
    );
    expect((await failure(late)).message).not.toContain('xcan');
  });

  it('[L20] a plugin that hangs is ended with all that it started', async () => {
    const fixture = await plugin('sleep 60 & echo $! > "${0%/*}/../child"; sleep 60');
    const hurried = { ...fixture.order, within: 0.5 };
    await expect((await command.open(fixture.place)).grant(hurried)).rejects.toMatchObject({
      code: 'E_PRV_TIMEOUT',
      message: expect.stringContaining('did not finish within 0.5 s'),
    });
    const child = (await readFile(join(fixture.root, 'child'), 'utf8')).trim();
    // Nobody may have collected it yet, so a zombie counts as ended.
    await expect.poll(async () => await isRunning(child)).toBe(false);
  });

  it('expires by itself only where config says so', () => {
    expect(command.expiresByItself({ plugin: 'legacy' })).toBe(false);
    expect(command.expiresByItself({ plugin: 'legacy', native_expiry: 'yes' })).toBe(false);
    expect(command.expiresByItself({ plugin: 'legacy', native_expiry: true })).toBe(true);
  });
});

describe('where a plugin may be', () => {
  const good = answer('{"version":1,"state":"present"}');
  const cases: readonly (readonly [string, (fixture: CommandFixture) => Promise<void>])[] = [
    ['missing', async ({ program }) => await rm(program)],
    ['not executable', async ({ program }) => await chmod(program, 0o644)],
    ['writable by the group', async ({ program }) => await chmod(program, 0o775)],
    ['writable by all', async ({ program }) => await chmod(program, 0o757)],
    ['in a directory writable by the group', async ({ plugins }) => await chmod(plugins, 0o775)],
    [
      'a directory',
      async ({ program }) => {
        await rm(program);
        await mkdir(program);
      },
    ],
    [
      'a link out of the directory',
      async ({ program, root }) => {
        await rename(program, join(root, 'elsewhere'));
        await symlink('../elsewhere', program);
      },
    ],
    [
      'a link into a directory that others write',
      async ({ program, plugins }) => {
        await mkdir(join(plugins, 'open'));
        await chmod(join(plugins, 'open'), 0o777);
        await rename(program, join(plugins, 'open/real'));
        await symlink('open/real', program);
      },
    ],
  ];
  it.each(cases)('[L18] refused when it is %s', async (_, change) => {
    const fixture = await plugin(good);
    await change(fixture);
    expect(await failure(fixture)).toMatchObject({ code: 'E_PRV_PLUGIN_PATH' });
  });

  it.skipIf(process.getuid?.() !== 0)('[L18] refused when it belongs to somebody else', async () => {
    const fixture = await plugin(good);
    await chown(fixture.program, 1, 1);
    expect(await failure(fixture)).toMatchObject({ code: 'E_PRV_PLUGIN_PATH' });
  });

  it('a link inside the directory is fine', async () => {
    const fixture = await plugin(good);
    await rename(fixture.program, join(fixture.plugins, 'legacy-2.1'));
    await symlink('legacy-2.1', fixture.program);
    expect(await (await command.open(fixture.place)).grant(fixture.order)).toEqual({ handle: {} });
  });

  it('[L18] PATH is never searched', async () => {
    const fixture = await plugin(good);
    await writeFile(join(fixture.root, 'pam-provider-other'), '#!/bin/sh\n', { mode: 0o755 });
    const place = {
      ...fixture.place,
      config: { plugin: 'other' },
      env: { ...fixture.place.env, PATH: fixture.root },
    };
    await expect((await command.open(place)).verifyIdentity()).rejects.toMatchObject({
      code: 'E_PRV_PLUGIN_PATH',
    });
  });
});

async function isRunning(pid: string): Promise<boolean> {
  const state = await execute('ps', ['-o', 'stat=', '-p', pid]).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
  return state !== '' && !state.startsWith('Z');
}
