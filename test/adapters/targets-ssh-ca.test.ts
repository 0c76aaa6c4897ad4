import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { instantOf, plus } from '../../src/model/instant.ts';
import type { Order } from '../../src/model/target.ts';
import { sceneOf } from '../conformance/target.ts';
import { execute, type SshCaFixture, sshCaFixture, succeeds } from '../conformance/target-fixtures.ts';

const open: SshCaFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.remove();
});

async function make(...options: Parameters<typeof sshCaFixture>): Promise<SshCaFixture> {
  const fixture = await sshCaFixture(...options);
  open.push(fixture);
  return fixture;
}

/** What `ssh-keygen -L` says in UTC. Only a test may look at it: it passes raw bytes through. */
async function listing(fixture: SshCaFixture, certificate: string): Promise<string[]> {
  const path = join(fixture.root, 'shown-cert.pub');
  await writeFile(path, `${certificate}\n`);
  const { stdout } = await execute('env', ['TZ=UTC', 'ssh-keygen', '-L', '-f', path]);
  return stdout.split('\n').map((line) => line.trim());
}

async function issue(fixture: SshCaFixture, order: Order = fixture.order): Promise<string> {
  const receipt = await (await fixture.provider.open(fixture.place)).grant(order);
  return receipt.certificate ?? '';
}

describe('certificates', () => {
  it('[L6, L7, L12] say exactly what was ordered, wherever the host is', async () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'PST8';
    try {
      const fixture = await make();
      const lines = await listing(fixture, await issue(fixture));
      expect(lines).toContain('Valid: from 2026-11-22T17:59:00 to 2026-11-22T18:45:00');
      expect(lines).toContain('Key ID: "20261122-root-7k3fq2"');
      expect(lines).toContain('Serial: 2686976');
      expect(lines).toContain('Type: ssh-ed25519-cert-v01@openssh.com user certificate');
      const from = lines.indexOf('Principals:');
      const rest = [
        'Principals:',
        'deploy',
        'root',
        'Critical Options: (none)',
        'Extensions:',
        'permit-pty',
        '',
      ];
      expect(lines.slice(from)).toEqual(rest);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('[L12] carry no extension when config lists none', async () => {
    const fixture = await make();
    const { extensions: _, ...config } = fixture.place.config;
    const place = { ...fixture.place, config };
    const { certificate = '' } = await (await fixture.provider.open(place)).grant(fixture.order);
    expect(await listing(fixture, certificate)).toContain('Extensions: (none)');
  });

  it('begin 60 s early where config says nothing; earlier versions began with the intent, and those stay good', async () => {
    const fixture = await make();
    const { order, provider } = fixture;
    const { clock_skew: named, ...config } = fixture.place.config;
    expect(named).toBe('1m');
    const session = await provider.open({ ...fixture.place, config });
    const { certificate = '' } = await session.grant(order);
    expect(await listing(fixture, certificate)).toContain(
      'Valid: from 2026-11-22T17:59:00 to 2026-11-22T18:45:00',
    );
    const recorded = async (early: number, what: object = config): Promise<readonly unknown[]> => {
      // As if the clock were set so many seconds before the intent that is on record.
      const made = await session.grant({ ...order, from: plus(order.from, 60 - early) });
      const on = { ...order, receipt: made };
      const { state } = await (await provider.open({ ...fixture.place, config: { ...what } })).inspect(on);
      return [state, provider.faultOfReceipt?.({ ...what }, on)];
    };
    const wrong = ['unknown', 'the certificate differs in: valid after'];
    expect(await recorded(60)).toEqual(['present', undefined]);
    expect(await recorded(0)).toEqual(['present', undefined]);
    expect(await recorded(30)).toEqual(wrong);
    expect(await recorded(61)).toEqual(wrong);
    expect(await recorded(-1)).toEqual(wrong);
    // What policy does say is exact.
    expect(await recorded(60, { ...config, clock_skew: '1m' })).toEqual(['present', undefined]);
    expect(await recorded(0, { ...config, clock_skew: '1m' })).toEqual(wrong);
    expect(await recorded(60, { ...config, clock_skew: '30s' })).toEqual(wrong);
  });

  it.each([
    { type: 'rsa', bits: '2048' },
    { type: 'ecdsa', bits: '256' },
    { type: 'ecdsa', bits: '521', loginType: 'ecdsa' },
    { type: 'ed25519', loginType: 'rsa' },
  ])('work with CA and login keys of other types: $type $bits $loginType', async (options) => {
    const fixture = await make(options);
    const session = await fixture.provider.open(fixture.place);
    await session.verifyIdentity();
    const granted = { ...fixture.order, receipt: await session.grant(fixture.order) };
    expect(await session.inspect(granted)).toEqual({ state: 'present', which: fixture.order.permissions });
  });

  it('leave nothing behind', async () => {
    const fixture = await make();
    await issue(fixture);
    const empty = { ...fixture.order, permissions: [] };
    await expect(issue(fixture, empty)).rejects.toMatchObject({ code: 'E_PRV_NAME' });
    expect(await readdir(join(fixture.root, 'tmp'))).toEqual([]);
  });

  it('[O1] are never named by anything but a request id', async () => {
    const fixture = await make();
    // A branding cast around the check that this test is about.
    const id = '20261122-\u001b[2J-7k3fq2' as Order['id'];
    await expect(issue(fixture, { ...fixture.order, id })).rejects.toMatchObject({ code: 'E_PRV_NAME' });
  });

  it('are not made after the end, without a serial, or without a login key', async () => {
    const fixture = await make();
    const { order } = fixture;
    await expect(issue(fixture, { ...order, now: order.until })).rejects.toMatchObject({
      code: 'E_PRV_EXPIRED',
    });
    await expect(issue(fixture, { ...order, handle: null })).rejects.toMatchObject({ code: 'E_PRV_HANDLE' });
    for (const loginKey of [null, 'ssh-ed25519 AAAA', 'x\ny', fixture.caLine.replace('ed25519', 'rsa')]) {
      await expect(issue(fixture, { ...order, loginKey })).rejects.toMatchObject({ code: 'E_PRV_LOGIN_KEY' });
    }
  });

  it('a CA key with a passphrase is an error, not a prompt', async () => {
    const fixture = await make();
    await execute('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', fixture.caKey]);
    await expect(issue(fixture)).rejects.toMatchObject({ code: 'E_PRV_CA_KEY' });
    const session = await fixture.provider.open(fixture.place);
    await expect(session.verifyIdentity()).rejects.toMatchObject({ code: 'E_PRV_CA_KEY' });
  });
});

describe('reading back', () => {
  const wrong: readonly (readonly [string, (order: Order) => Order])[] = [
    ['serial', (order) => ({ ...order, handle: { serial: 5 } })],
    ['key id', (order) => ({ ...order, id: '20261122-root-aaaaaa' as Order['id'] })],
    ['principals', (order) => ({ ...order, permissions: ['principal:root'] })],
    ['principals', (order) => ({ ...order, permissions: order.permissions.toReversed() })],
    ['valid after', (order) => ({ ...order, from: plus(order.from, 1) })],
    ['valid before', (order) => ({ ...order, until: plus(order.until, -1) })],
  ];
  it.each(wrong)('sees a certificate with another %s', async (name, change) => {
    const fixture = await make();
    const receipt = { certificate: await issue(fixture) };
    const session = await fixture.provider.open(fixture.place);
    expect(await session.inspect({ ...change(fixture.order), receipt })).toEqual({
      state: 'unknown',
      why: `the certificate differs in: ${name}`,
    });
  });

  it('sees another login key, another CA, other extensions and any changed byte', async () => {
    const fixture = await make();
    const { provider, place, order } = fixture;
    const certificate = await issue(fixture);
    const why = async (config: object, at: Partial<Order>): Promise<string> => {
      const session = await provider.open({ ...place, config: { ...place.config, ...config } });
      const seen = await session.inspect({ ...order, receipt: { certificate }, ...at });
      return seen.state === 'unknown' ? seen.why : seen.state;
    };
    const other = (await readFile(join(fixture.root, 'other.pub'), 'utf8')).trim();
    expect(await why({}, { loginKey: other })).toBe('the certificate differs in: certified key');
    expect(await why({ ca_public_key: other }, {})).toBe('the certificate differs in: signing CA');
    expect(await why({ extensions: [] }, {})).toBe('the certificate differs in: extensions');
    const [type = '', base64 = ''] = certificate.split(' ');
    const bytes = Buffer.from(base64, 'base64');
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const receipt = { certificate: `${type} ${changed.toString('base64')}` };
      expect(await why({}, { receipt })).toMatch(/^the certificate (?:differs in|is not good)/u);
    }
    expect(await why({}, { receipt: null })).toBe('issued perhaps, no certificate on record');
    expect(await why({}, { now: order.until })).toBe('absent');
  });

  it('[L10] is about serials, so a list of key ids in another case changes nothing', async () => {
    const fixture = await make();
    const spec = join(fixture.root, 'spec');
    await writeFile(spec, `id: ${fixture.order.id.toUpperCase()}\n`);
    await execute('ssh-keygen', ['-q', '-k', '-f', fixture.krl, '-s', `${fixture.caKey}.pub`, spec]);
    const receipt = { certificate: await issue(fixture) };
    const granted = { ...fixture.order, receipt };
    const session = await fixture.provider.open(fixture.place);
    expect(await session.inspect(granted)).toMatchObject({ state: 'present' });
    await session.revoke(granted, sceneOf(granted));
    expect(await fixture.works(granted)).toBe(false);
  });
});

const sshd = '/usr/sbin/sshd';
const canLogIn = process.getuid?.() === 0 && (await succeeds('test', ['-x', sshd]));

describe('a real sshd', () => {
  it.skipIf(!canLogIn)('lets the certificate in, and refuses it once it is revoked', async () => {
    const fixture = await make();
    const start = instantOf(Date.now());
    const order = { ...fixture.order, from: start, now: start, until: plus(start, 600) };
    const session = await fixture.provider.open(fixture.place);
    // sshd refuses everybody while its list is missing: an empty one is the first step of installing.
    await writeFile(fixture.krl, '');
    const server = await startSshd(fixture);
    try {
      const granted = { ...order, receipt: await session.grant(order) };
      const neighbour = await session.grant({ ...order, handle: { serial: 99 } });
      expect(await logsIn(fixture, server.port, granted.receipt.certificate)).toBe(true);
      await session.revoke(granted, sceneOf(granted));
      expect(await logsIn(fixture, server.port, granted.receipt.certificate)).toBe(false);
      expect(await logsIn(fixture, server.port, neighbour.certificate)).toBe(true);
    } finally {
      server.child.kill();
    }
  });
});

async function startSshd(
  fixture: SshCaFixture,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  await mkdir('/run/sshd', { recursive: true });
  const port = await freePort();
  const config = join(fixture.root, 'sshd_config');
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(fixture.root, 'other')}`,
    `TrustedUserCAKeys ${fixture.caKey}.pub`,
    `RevokedKeys ${fixture.krl}`,
    'AuthorizedKeysFile none',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'UsePAM yes',
    'PidFile none',
    'StrictModes no',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  const child = spawn(sshd, ['-D', '-f', config], { stdio: 'ignore' });
  for (
    let tries = 0;
    tries < 100 && !(await succeeds('ssh-keyscan', ['-p', String(port), '127.0.0.1']));
    tries += 1
  ) {
    await sleep(50);
  }
  return { child, port };
}

async function logsIn(fixture: SshCaFixture, port: number, certificate = ''): Promise<boolean> {
  await writeFile(`${fixture.loginKey}-cert.pub`, `${certificate}\n`);
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
  ];
  const flags = options.flatMap((option) => ['-o', option]);
  const where = ['-F', 'none', '-i', fixture.loginKey, '-p', String(port), 'root@127.0.0.1', 'true'];
  return await succeeds('ssh', [...flags, ...where]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
