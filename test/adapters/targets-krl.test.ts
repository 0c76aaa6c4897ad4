import { writeFileSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import { plus } from '../../src/model/instant.ts';
import type { Order, Scene } from '../../src/model/target.ts';
import {
  EMPTY_KRL,
  listsSerial,
  parseKrl,
  printKrl,
  serialsOf,
  withSerials,
} from '../../src/targets/ssh-ca/krl.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { wireString } from '../../src/trust/wire.ts';
import { NOW, requestId, ROOT as root, sceneOf } from '../conformance/target.ts';
import { execute, type SshCaFixture, sshCaFixture, succeeds } from '../conformance/target-fixtures.ts';

let fixture: SshCaFixture;
let ca: Uint8Array;
beforeEach(async () => {
  fixture = await sshCaFixture();
  ca = parsePublicKey(fixture.caLine).blob;
});
afterEach(async () => await fixture.remove());

const listed = async (): Promise<string> =>
  (await execute('ssh-keygen', ['-Q', '-l', '-f', fixture.krl])).stdout;
const stored = async (): Promise<ReturnType<typeof parseKrl>> => parseKrl(await readFile(fixture.krl));
const grantOf = (seq: number): Order => ({
  ...fixture.order,
  id: requestId(`20261122-root-${String(seq).padStart(6, '0')}`),
  handle: { serial: seq * 65_536 },
});
const gone = ({ handle, until }: Order): Scene['gone'][number] => ({
  handle: handle ?? { serial: 0 },
  until,
});
const session = async (): ReturnType<typeof fixture.provider.open> =>
  await fixture.provider.open(fixture.place);
const serial = (seq: number): bigint => BigInt(seq) * 65_536n;

describe('the bytes of a key revocation list', () => {
  it('are read by ssh-keygen as they were written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.bigInt(1n, 2n ** 64n - 1n), { maxLength: 30 }), async (serials) => {
        const krl = withSerials(EMPTY_KRL, ca, new Set(serials), 7n, 'pam a mark');
        await writeFile(fixture.krl, printKrl(krl, NOW));
        const again = await stored();
        expect(serialsOf(again, ca)).toEqual(new Set(serials));
        expect(again.number).toBe(7n);
        const text = await listed();
        expect(text).toContain('# KRL version 7');
        for (const one of serials) expect(covers(text, one)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('are read whatever ssh-keygen packs them into: lists, ranges, bitmaps', async () => {
    const spec = join(fixture.root, 'spec');
    await writeFile(spec, 'serial: 5\nserial: 99-104\nserial: 106\nserial: 109\nserial: 70000-90000\n');
    await execute('ssh-keygen', [
      '-q',
      '-k',
      '-z',
      '3',
      '-f',
      fixture.krl,
      '-s',
      `${fixture.caKey}.pub`,
      spec,
    ]);
    const krl = await stored();
    const within = [5n, 99n, 100n, 104n, 106n, 109n, 70_000n, 80_000n, 90_000n];
    expect(within.filter((one) => !listsSerial(krl, ca, one))).toEqual([]);
    const beyond = [0n, 4n, 6n, 98n, 105n, 107n, 108n, 110n, 69_999n, 90_001n, 2n ** 64n - 1n];
    expect(beyond.filter((one) => listsSerial(krl, ca, one))).toEqual([]);
    expect(listsSerial(krl, parsePublicKey(fixture.order.loginKey ?? '').blob, 5n)).toBe(false);
  });

  it('[D24] are refused when cut anywhere, and never kill the reader', () => {
    const bytes = printKrl(withSerials(EMPTY_KRL, ca, new Set([1n, 2n]), 7n, ''), NOW);
    for (let length = 0; length < bytes.length; length += 1) {
      // Cut right behind the header is a list without sections.
      if (length === 44) continue;
      expect(codeOf(() => parseKrl(bytes.subarray(0, length)))).toBe('E_PRV_KRL');
    }
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        expect(['none', 'E_PRV_KRL']).toContain(codeOf(() => parseKrl(changed)));
      }),
    );
  });
});

describe('revoking through the list that hosts read', () => {
  it('[L9] keeps what others put there, and every serial that is not safely dead', async () => {
    const spec = join(fixture.root, 'spec');
    await writeFile(spec, `serial: 42\nserial: 99-104\nid: REQ-1\nkey: ${fixture.order.loginKey ?? ''}\n`);
    await execute('ssh-keygen', [
      '-q',
      '-k',
      '-z',
      '3',
      '-f',
      fixture.krl,
      '-s',
      `${fixture.caKey}.pub`,
      spec,
    ]);
    const others = join(fixture.root, 'others');
    await writeFile(others, 'serial: 77\n');
    await execute('ssh-keygen', [
      '-q',
      '-k',
      '-u',
      '-f',
      fixture.krl,
      '-s',
      `${fixture.root}/other.pub`,
      others,
    ]);
    await (await session()).revoke(grantOf(10), sceneOf(grantOf(10)));
    const text = await listed();
    for (const part of [
      'serial: 42',
      'serial: 99-104',
      'id: REQ-1',
      'serial: 77',
      'serial: 655360',
      'hash: SHA256:',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain('# KRL version 41');
  });

  it('[L9] keeps serials that no ledger entry can have given out', async () => {
    await writeFile(fixture.krl, printKrl(withSerials(EMPTY_KRL, ca, new Set([42n]), 3n, ''), NOW));
    await (await session()).revoke(grantOf(10), sceneOf(grantOf(10)));
    expect(serialsOf(await stored(), ca)).toEqual(new Set([42n, serial(10)]));
  });

  it('[L9] lists all that are ending or ended, and the count never falls before a serial is safely dead', async () => {
    const [first, second] = [grantOf(10), grantOf(20)];
    const known = [{ serial: 10 * 65_536 }, { serial: 20 * 65_536 }];
    await (await session()).revoke(first, { root, seq: 41, gone: [gone(first), gone(second)], known });
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(10), serial(20)]));
    await (await session()).revoke(first, { root, seq: 42, gone: [gone(first)], known });
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(10), serial(20)]));
    const later = grantOf(30);
    await (await session()).revoke(later, {
      root,
      seq: 43,
      gone: [gone(later)],
      known: [{ serial: 30 * 65_536 }],
    });
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(30)]));
  });

  it('a sweeper with an older ledger takes nothing away and never lowers the number', async () => {
    await (await session()).revoke(grantOf(90), {
      root,
      seq: 100,
      gone: [],
      known: [{ serial: 90 * 65_536 }],
    });
    await (await session()).revoke(grantOf(10), sceneOf(grantOf(10)));
    const krl = await stored();
    expect(serialsOf(krl, ca)).toEqual(new Set([serial(10), serial(90)]));
    expect(krl.number).toBe(100n);
  });

  it('stops listing a day after the end, except the order that it is asked about', async () => {
    const [old, now] = [grantOf(10), { ...grantOf(20), now: plus(grantOf(20).until, 24 * 3600) }];
    await (await session()).revoke(now, { root, seq: 41, gone: [gone(old)], known: [] });
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(20)]));
  });

  it('[X74] a serial that another ledger may have listed stays, whatever its number, and so does everything around it', async () => {
    const [first, second] = [sha256('one ledger'), sha256('another')];
    // Both give out the same numbers: each begins to count at 1.
    const mine = grantOf(10);
    await (await session()).revoke(mine, {
      root: first,
      seq: 41,
      gone: [gone(mine)],
      known: [{ serial: 10 * 65_536 }],
    });
    await (await session()).revoke(mine, {
      root: second,
      seq: 41,
      gone: [gone(mine)],
      known: [{ serial: 10 * 65_536 }],
    });
    // For the second ledger all that it gave out is long over.
    const next = grantOf(50);
    await (await session()).revoke(next, {
      root: second,
      seq: 90,
      gone: [gone(next)],
      known: [{ serial: 50 * 65_536 }],
    });
    expect(serialsOf(await stored(), ca, `pam ${first}`)).toEqual(new Set([serial(10)]));
    expect(serialsOf(await stored(), ca, `pam ${second}`)).toEqual(new Set([serial(50)]));
    const text = await listed();
    for (const one of [serial(10), serial(50)]) expect(covers(text, one)).toBe(true);
    // The list of an earlier build, or of ssh-keygen: nothing says whose it is.
    await execute('ssh-keygen', [
      '-q',
      '-k',
      '-u',
      '-f',
      fixture.krl,
      '-s',
      `${fixture.caKey}.pub`,
      '/dev/null',
    ]);
    expect(serialsOf(await stored(), ca, `pam ${second}`)).toEqual(new Set());
    const last = grantOf(60);
    await (await session()).revoke(last, {
      root: second,
      seq: 91,
      gone: [gone(last)],
      known: [{ serial: 60 * 65_536 }],
    });
    for (const one of [10, 50, 60].map(serial)) expect(covers(await listed(), one)).toBe(true);
  });

  it('[X74] no list of any shape loses anything by what two ledgers do to it', async () => {
    const other = parsePublicKey(await readFile(join(fixture.root, 'other.pub'), 'utf8')).blob;
    const ledgers = [sha256('one ledger'), sha256('another')];
    const before = fc.uniqueArray(fc.bigInt(0n, 100n * 65_536n), { minLength: 1, maxLength: 8 });
    const step = fc.record({
      ledger: fc.constantFrom(...ledgers),
      grant: fc.integer({ min: 1, max: 90 }),
      later: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(
        before,
        before,
        fc.array(step, { minLength: 1, maxLength: 5 }),
        async (ours, theirs, steps) => {
          const strange = withSerials(
            withSerials(EMPTY_KRL, ca, new Set(ours), 3n, ''),
            other,
            new Set(theirs),
            3n,
            'x',
          );
          await writeFile(fixture.krl, printKrl(strange, NOW));
          for (const { ledger, grant, later } of steps) {
            const known = [{ serial: grant * 65_536 }];
            await (await session()).revoke(grantOf(grant), {
              root: ledger,
              seq: grant + later,
              gone: [gone(grantOf(grant))],
              known,
            });
          }
          const krl = await stored();
          expect(ours.filter((one) => !listsSerial(krl, ca, one))).toEqual([]);
          expect(theirs.filter((one) => !listsSerial(krl, other, one))).toEqual([]);
          expect(listsSerial(krl, ca, serial(steps.at(-1)?.grant ?? 0))).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each<readonly [string, (path: string) => Promise<unknown>]>([
    ['a pipe', async (path) => await execute('mkfifo', [path])],
    ['a directory', async (path) => await mkdir(path)],
    ['a device', async (path) => await symlink('/dev/zero', path)],
    ['a link that goes round', async (path) => await symlink(path, path)],
    ['a file of a terabyte', async (path) => await execute('truncate', ['-s', '1T', path])],
  ])('[X75] %s in its place is an error at once, and stays', async (_, put) => {
    await rm(fixture.krl, { force: true });
    await put(fixture.krl);
    const before = (await lstat(fixture.krl)).mode;
    const failing = { code: 'E_PRV_KRL' };
    await expect((await session()).inspect(grantOf(10))).rejects.toMatchObject(failing);
    await expect((await session()).revoke(grantOf(10), sceneOf(grantOf(10)))).rejects.toMatchObject(failing);
    expect(await (await session()).examine?.(['revoke'], [])).toMatchObject([failing]);
    expect((await lstat(fixture.krl)).mode).toBe(before);
  });

  describe('[X79] a list that is not there', () => {
    const made = async (scene: Partial<Scene> = {}): Promise<void> =>
      await (await session()).prepare?.({ root, seq: 41, gone: [], known: [], ...scene }, NOW);
    beforeEach(async () => await rm(fixture.krl, { force: true }));

    it('is made: empty, for everybody to read, with a number below any that a revocation gives', async () => {
      await made();
      expect(await listed()).toContain('# KRL version 0');
      expect((await stat(fixture.krl)).mode & 0o777).toBe(0o644);
      expect((await stored()).sections).toEqual([]);
      await (await session()).revoke(grantOf(1), { root, seq: 1, gone: [], known: [{ serial: 65_536 }] });
      expect((await stored()).number).toBe(1n);
      expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(1)]));
      expect(await readdir(dirname(fixture.krl))).not.toContainEqual(
        expect.stringMatching(/\.(?:tmp|lock)$/u),
      );
    });

    it('was lost, perhaps: what this ledger ended less than a day after its end is on the new one', async () => {
      const [over, fresh] = [grantOf(10), grantOf(20)];
      const long = { ...gone(over), until: plus(NOW, -25 * 3600) };
      await made({ gone: [long, gone(fresh)] });
      const krl = await stored();
      expect(serialsOf(krl, ca, `pam ${root}`)).toEqual(new Set([serial(20)]));
      expect(krl.number).toBe(41n);
    });

    it("is another machine's where the environment does not name it", async () => {
      const name = String(fixture.place.config['krl_env']);
      for (const value of [undefined, '']) {
        const elsewhere = { ...fixture.place, env: { ...fixture.place.env, [name]: value } };
        await (await fixture.provider.open(elsewhere)).prepare?.({ root, seq: 41, gone: [], known: [] }, NOW);
      }
      await expect(lstat(fixture.krl)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it.each<readonly [string, (path: string) => Promise<unknown>]>([
      ['an empty file', async (path) => await writeFile(path, '')],
      ['a file that is no list', async (path) => await writeFile(path, 'ssh-ed25519 AAAA\n')],
      ['a list', async (path) => await writeFile(path, printKrl({ ...EMPTY_KRL, number: 9n }, NOW))],
      ['a pipe', async (path) => await execute('mkfifo', [path])],
      ['a directory', async (path) => await mkdir(path)],
      ['a device', async (path) => await symlink('/dev/zero', path)],
      ['a link that goes round', async (path) => await symlink(path, path)],
    ])('%s in its place stays as it is', async (_, put) => {
      await put(fixture.krl);
      const before = await lstat(fixture.krl);
      await made({ gone: [gone(grantOf(20))] });
      const after = await lstat(fixture.krl);
      expect([after.ino, after.size, after.mtimeMs]).toEqual([before.ino, before.size, before.mtimeMs]);
    });

    it('cannot be made: behind a link to nothing, in a directory that is not there', async () => {
      await symlink(join(fixture.root, 'nothing'), fixture.krl);
      await expect(made()).rejects.toMatchObject({
        code: 'E_PRV_KRL',
        message: expect.stringContaining('link'),
      });
      expect((await lstat(fixture.krl)).isSymbolicLink()).toBe(true);
      const name = String(fixture.place.config['krl_env']);
      const env = { ...fixture.place.env, [name]: join(fixture.root, 'nowhere', 'krl') };
      const nowhere = await fixture.provider.open({ ...fixture.place, env });
      await expect(nowhere.prepare?.({ root, seq: 41, gone: [], known: [] }, NOW)).rejects.toMatchObject({
        code: 'E_PRV_KRL',
      });
    });

    it('never takes the place of one that another writer made meanwhile', async () => {
      const revoked = (await session()).revoke(grantOf(10), sceneOf(grantOf(10)));
      await Promise.all([revoked, ...Array.from({ length: 20 }, async () => await made())]);
      expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(10)]));
      // Between the look and the making: another list appears while this one is being put together.
      await rm(fixture.krl);
      const late: Scene = {
        root,
        seq: 41,
        known: [],
        get gone() {
          writeFileSync(fixture.krl, 'made by another');
          return [];
        },
      };
      await (await session()).prepare?.(late, NOW);
      expect(await readFile(fixture.krl, 'utf8')).toBe('made by another');
    });
  });

  it('refuses a file that is no list, and leaves it as it is', async () => {
    for (const content of ['ssh-ed25519 AAAA\n', 'SSHKRL\n\0', '\0'.repeat(100)]) {
      await writeFile(fixture.krl, content);
      await expect((await session()).revoke(grantOf(10), sceneOf(grantOf(10)))).rejects.toMatchObject({
        code: 'E_PRV_KRL',
      });
      await expect((await session()).inspect(grantOf(10))).rejects.toMatchObject({ code: 'E_PRV_KRL' });
      expect(await readFile(fixture.krl, 'utf8')).toBe(content);
    }
  });

  it('refuses to change a list that somebody signed', async () => {
    const list = printKrl(withSerials(EMPTY_KRL, ca, new Set([serial(10)]), 3n, ''), NOW);
    const signature = Buffer.concat([Buffer.from([4]), wireString(ca), wireString('signature')]);
    const bytes = Buffer.concat([list, signature]);
    await writeFile(fixture.krl, bytes);
    expect(await (await session()).inspect(grantOf(10))).toEqual({ state: 'absent' });
    await expect((await session()).revoke(grantOf(20), sceneOf(grantOf(20)))).rejects.toMatchObject({
      code: 'E_PRV_KRL',
    });
    expect((await readFile(fixture.krl)).equals(bytes)).toBe(true);
  });

  it('[L11] says so when the place of the list cannot be written', async () => {
    const place = { ...fixture.place, env: { ...fixture.place.env, KRL: join(fixture.root, 'none/krl') } };
    await expect(
      (await fixture.provider.open(place)).revoke(grantOf(10), sceneOf(grantOf(10))),
    ).rejects.toMatchObject({ code: 'E_PRV_KRL' });
  });

  it('needs no private key', async () => {
    await rm(fixture.caKey);
    const { ca_key_env: _, ...config } = fixture.place.config;
    const sweeper = await fixture.provider.open({ ...fixture.place, config });
    await sweeper.verifyIdentity();
    await sweeper.revoke(grantOf(10), sceneOf(grantOf(10)));
    expect(await sweeper.inspect(grantOf(10))).toEqual({ state: 'absent' });
  });

  it('finds the public key beside the private one, if it is the one that config names', async () => {
    const config = { ca_key_env: 'CA_KEY', krl_env: 'KRL', ca: parsePublicKey(fixture.caLine).fingerprint };
    await (await fixture.provider.open({ ...fixture.place, config })).revoke(
      grantOf(10),
      sceneOf(grantOf(10)),
    );
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(10)]));
    const other = parsePublicKey(await readFile(join(fixture.root, 'other.pub'), 'utf8')).fingerprint;
    const wrong = await fixture.provider.open({ ...fixture.place, config: { ...config, ca: other } });
    await expect(wrong.inspect(grantOf(10))).rejects.toMatchObject({ code: 'E_PRV_TARGET_IDENTITY' });
  });

  it('writes a file that hosts can read, through a link too', async () => {
    const link = join(fixture.root, 'link');
    await writeFile(fixture.krl, '', { mode: 0o600 });
    await symlink(fixture.krl, link);
    const place = { ...fixture.place, env: { ...fixture.place.env, KRL: link } };
    await (await fixture.provider.open(place)).revoke(grantOf(10), sceneOf(grantOf(10)));
    expect((await stat(fixture.krl)).mode & 0o777).toBe(0o644);
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(10)]));
  });

  it('many at once all stay', async () => {
    const seqs = Array.from({ length: 12 }, (_, index) => index + 1);
    const known = seqs.map((seq) => ({ serial: seq * 65_536 }));
    await Promise.all(
      seqs.map(
        async (seq) => await (await session()).revoke(grantOf(seq), { root, seq: 41, gone: [], known }),
      ),
    );
    expect(serialsOf(await stored(), ca)).toEqual(new Set(seqs.map(serial)));
    expect(await succeeds('test', ['-e', `${fixture.krl}.lock`])).toBe(false);
  });

  it('[K9] a lock of a dead process, or of another host long ago, stops nothing', async () => {
    const { pid } = await deadProcess();
    await writeFile(`${fixture.krl}.lock`, `${pid} ${hostname()} x\n`);
    await (await session()).revoke(grantOf(10), sceneOf(grantOf(10)));
    await writeFile(`${fixture.krl}.lock`, '1 elsewhere x\n');
    await utimes(`${fixture.krl}.lock`, 1_000_000_000, 1_000_000_000);
    const known = [{ serial: 10 * 65_536 }, { serial: 20 * 65_536 }];
    await (await session()).revoke(grantOf(20), { root, seq: 41, gone: [], known });
    expect(serialsOf(await stored(), ca)).toEqual(new Set([serial(10), serial(20)]));
  });
});

async function deadProcess(): Promise<{ readonly pid: string }> {
  const { stdout } = await execute('sh', ['-c', 'echo $$']);
  return { pid: stdout.trim() };
}

function covers(text: string, one: bigint): boolean {
  return [...text.matchAll(/^serial: (\d+)(?:-(\d+))?$/gmu)].some(
    ([, low = '', high = low]) => BigInt(low) <= one && one <= BigInt(high),
  );
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof PamError ? error.code : String(error);
  }
}
