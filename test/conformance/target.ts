/**
 * What every target must do, whatever it is (the contract is `model/target.ts`). A provider's test builds a
 * fixture around the real thing and calls `conformance`; what only one provider promises is tested beside it.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import { type Instant, parseInstant, plus } from '../../src/model/instant.ts';
import { isRequestId, type RequestId } from '../../src/model/names.ts';
import { sha256 } from '../../src/trust/digest.ts';
import type { Order, Provider, Scene, TargetPlace } from '../../src/model/target.ts';

export interface Fixture {
  readonly provider: Provider;
  readonly place: TargetPlace;
  readonly order: Order;
  /** Asks the target itself, past the provider: does the access work? */
  readonly works: (order: Order) => Promise<boolean>;
  /** Values that may appear nowhere: the secrets in the environment. */
  readonly secrets: readonly string[];
  /** A directory that holds everything the fixture made, and what in it may hold secrets. */
  readonly root: string;
  readonly secretPlaces: readonly string[];
  /** Places where granting must be refused before anything is done, with the code. */
  readonly wrongPlaces: readonly {
    readonly what: string;
    readonly place: TargetPlace;
    readonly code: string;
  }[];
  readonly goodPermissions: readonly string[];
  readonly badPermissions: readonly string[];
  readonly badLogins: readonly string[];
  readonly remove: () => Promise<void>;
}

export const NOW = instant('2026-11-22T18:00:00Z');

export function instant(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined) throw new Error(`not an instant: ${text}`);
  return at;
}

export function requestId(text: string): RequestId {
  if (!isRequestId(text)) throw new Error(`not an id: ${text}`);
  return text;
}

/** Names that no target may take, whatever its grammar. */
const HOSTILE = ['', 'a\0b', 'a\nb', 'a\rb', '\u001b[2Ja', 'a\u202eb', ' a', 'a ', 'x'.repeat(600)];

export function conformance(name: string, makeFixture: () => Promise<Fixture>): void {
  describe(`target conformance: ${name}`, () => {
    let fixture: Fixture;
    beforeEach(async () => {
      fixture = await makeFixture();
    });
    afterEach(async () => {
      await expectNoSecretOnDisk(fixture);
      await fixture.remove();
    });

    it('grants, twice, and shows it', async () => {
      const { provider, place, order, works } = fixture;
      const session = await provider.open(place);
      await session.verifyIdentity();
      expect(await session.inspect({ ...order, handle: null })).toEqual({ state: 'absent' });
      const granted = { ...order, receipt: await session.grant(order) };
      expect(await session.inspect(granted)).toEqual({ state: 'present', which: order.permissions });
      expect(await works(granted)).toBe(true);
      const again = { ...order, receipt: await session.grant(granted) };
      expect(await session.inspect(again)).toEqual({ state: 'present', which: order.permissions });
      expect(await works(again)).toBe(true);
    });

    it('revokes, twice, and shows it', async () => {
      const { provider, place, order, works } = fixture;
      const session = await provider.open(place);
      const granted = { ...order, receipt: await session.grant(order) };
      await session.revoke(granted, sceneOf(order));
      expect(await session.inspect(granted)).toEqual({ state: 'absent' });
      expect(await works(granted)).toBe(false);
      await session.revoke(granted, sceneOf(order));
      expect(await session.inspect(granted)).toEqual({ state: 'absent' });
    });

    it('revokes what never was', async () => {
      const { provider, place, order } = fixture;
      const session = await provider.open(place);
      await session.revoke(order, sceneOf(order));
      expect(await session.inspect(order)).toEqual({ state: 'absent' });
    });

    it('revokes after a crash that lost the receipt', async () => {
      const { provider, place, order, works } = fixture;
      const session = await provider.open(place);
      const receipt = await session.grant(order);
      await session.revoke(order, sceneOf(order));
      expect(await session.inspect(order)).toEqual({ state: 'absent' });
      expect(await works({ ...order, receipt })).toBe(false);
    });

    it('revokes with the end already past', async () => {
      const { provider, place, order, works } = fixture;
      const session = await provider.open(place);
      const granted = { ...order, receipt: await session.grant(order) };
      const late = { ...granted, now: plus(order.until, 60) };
      await session.revoke(late, sceneOf(order));
      expect(await session.inspect(late)).toEqual({ state: 'absent' });
      expect(await works(granted)).toBe(false);
    });

    it('leaves another grant alone when its objects are its own', async (context) => {
      const { provider, place, order, works } = fixture;
      if (provider.objects !== 'own') context.skip('objects are shared');
      const session = await provider.open(place);
      const neighbour: Order = {
        ...order,
        id: requestId('20261122-neighbour-zzzzzz'),
        handle: order.handle && { serial: order.handle.serial + 1 },
      };
      const granted = { ...order, receipt: await session.grant(order) };
      const other = { ...neighbour, receipt: await session.grant(neighbour) };
      await session.revoke(granted, sceneOf(order, neighbour));
      expect(await session.inspect(other)).toEqual({ state: 'present', which: order.permissions });
      expect(await works(other)).toBe(true);
    });

    it('[L1, L16] refuses hostile names, and says so before it acts', async () => {
      const { provider, place, order, goodPermissions, badPermissions, badLogins } = fixture;
      const good = [...order.permissions, ...goodPermissions];
      expect(good.filter((permission) => provider.checkPermission(permission) !== undefined)).toEqual([]);
      expect(provider.checkLogin(order.login)).toBeUndefined();
      const bad = [...HOSTILE, ...badPermissions];
      expect(bad.filter((permission) => provider.checkPermission(permission) === undefined)).toEqual([]);
      const logins = [...HOSTILE, ...badLogins];
      expect(logins.filter((login) => provider.checkLogin(login) === undefined)).toEqual([]);
      for (const permission of [...HOSTILE, ...badPermissions]) {
        const asked = { ...order, permissions: [...order.permissions, permission] };
        await expectRefusal(fixture, (await provider.open(place)).grant(asked), 'E_PRV_NAME');
      }
      const nothing = (await provider.open(place)).grant({ ...order, permissions: [] });
      await expectRefusal(fixture, nothing, 'E_PRV_NAME');
    });

    it('[L23] refuses another target than config says', async () => {
      const { provider, order, wrongPlaces } = fixture;
      expect(wrongPlaces).not.toEqual([]);
      for (const { what, place, code } of wrongPlaces) {
        const session = await provider.open(place);
        await expectRefusal(fixture, session.verifyIdentity(), code, what);
        await expectRefusal(fixture, session.grant(order), 'E_PRV_[A-Z_]+', what);
      }
    });

    it('grants nothing when no time is left for it', async () => {
      const { provider, place, order } = fixture;
      const session = await provider.open(place);
      await expectRefusal(fixture, session.grant({ ...order, within: 0 }), 'E_PRV_TOO_LATE');
      expect(await session.inspect({ ...order, handle: null })).toEqual({ state: 'absent' });
    });

    it('[N1] puts no secret into a receipt', async () => {
      const { provider, place, order, secrets } = fixture;
      const receipt = await (await provider.open(place)).grant(order);
      for (const secret of secrets) expect(JSON.stringify(receipt)).not.toContain(secret);
    });
  });
}

export const ROOT = sha256('the first entry of a ledger');

export function sceneOf(...known: readonly Order[]): Scene {
  const [order] = known;
  const handle = order?.handle ?? null;
  return {
    root: ROOT,
    seq: 41,
    gone: order === undefined || handle === null ? [] : [{ handle, until: order.until }],
    known: known.flatMap((one) => (one.handle === null ? [] : [one.handle])),
  };
}

async function expectRefusal(
  { secrets }: Fixture,
  action: Promise<unknown>,
  code: string,
  what = '',
): Promise<void> {
  const error: unknown = await action.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  const found = error instanceof PamError ? error.code : String(error);
  expect(`${what}: ${found}`).toMatch(new RegExp(`: ${code}$`, 'u'));
  for (let at = error; at instanceof Error; at = at.cause) {
    const text = `${at.message} ${at.stack ?? ''} ${JSON.stringify(at)}`;
    for (const secret of secrets) expect(text).not.toContain(secret);
  }
}

async function expectNoSecretOnDisk({ root, secrets, secretPlaces }: Fixture): Promise<void> {
  const found: string[] = [];
  for (const file of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    if (!file.isFile() || secretPlaces.includes(path)) continue;
    const text = await readFile(path, 'latin1');
    if (secrets.some((secret) => text.includes(secret))) found.push(path);
  }
  expect(found).toEqual([]);
}
