/** Group C along the whole path: whose key is it, and does it count at that time? */
import { describe, expect, it } from 'vitest';
import { prepareApproval } from '../../src/flows/people/sign-approval.ts';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { type Instant, plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { wireString } from '../../src/trust/wire.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { BEGIN, type World } from '../crash/access-repository.ts';
import { makeKey, mpint, printParts } from '../support/make-signature.ts';
import { forgerOf, type How, publishAll } from './forger.ts';
import { forgeries, type Forgery } from './forged-approvals.ts';
import { plant, requestBy, requestId } from './hostile-hands.ts';
import { changePolicy, type KeyedScene, keyedScene, type PolicyDocuments } from './keyed-scene.ts';
import { keyedAttack } from './keyed-attack.ts';
import { LIVE_ENDS, LIVE_HELD, merge, minutes, propose } from './scene.ts';

const scene = keyedScene();
const SK = 'bob sk-ssh-ed25519@openssh.com';

const signed =
  (
    how: How,
    wish: Parameters<Parameters<Forgery['approvals']>[1]['approval']>[1] = {},
  ): Forgery['approvals'] =>
  (request, forger) => [forger.sign(forger.approval(request, wish), how)];

/** An approval in bob's name in an envelope with this key; nobody could have made its signature. */
const under =
  (...fields: readonly (string | Uint8Array)[]): Forgery['approvals'] =>
  (request, forger) => {
    const text = printStatement(forger.approval(request));
    const parts = forger.parts(text, { key: 'bob' });
    return [
      { text, armor: printParts({ ...parts, key: Buffer.concat(fields.map((one) => wireString(one))) }) },
    ];
  };

/** An mpint without its length: what `under` puts one in front of. */
const number = (magnitude: Uint8Array): Uint8Array => mpint(magnitude).subarray(4);

const WHOSE: readonly Forgery[] = [
  { title: '[C1] a key of nobody', code: 'E_KEY_UNKNOWN', approvals: signed({ key: 'nobody' }) },
  {
    title: '[C1] his login key, which is for targets only',
    code: 'E_KEY_UNKNOWN',
    approvals: signed({ key: 'bob-login' }),
  },
  ...['alice', 'grace', 'erin', 'deploy-bot'].map(
    (key): Forgery => ({
      title: `[C2] ${key}'s key under bob's name`,
      code: 'E_KEY_PRINCIPAL',
      approvals: signed({ key }),
    }),
  ),
  {
    title: "[C2] bob's key under alice's name",
    code: 'E_KEY_PRINCIPAL',
    approvals: signed({ key: 'bob' }, { signer: 'alice' }),
  },
  {
    title: '[C2] his name in capitals',
    code: 'E_STATEMENT',
    approvals: signed({ key: 'bob' }, { signer: 'Bob' }),
  },
  ...['bob', 'bob-second', SK].map(
    (key): Forgery => ({
      title: `[C5] the requester approves with the key ${key}`,
      code: 'E_APR_SELF',
      wish: { requester: 'bob' },
      approvals: signed({ key }),
    }),
  ),
  {
    title: '[C5] the owner of the service that asks',
    code: 'E_APR_SELF',
    wish: { requester: 'deploy-bot' },
    approvals: signed({ key: 'bob' }),
  },
  {
    title: '[C5] the owner of the service that it is for',
    code: 'E_APR_SELF',
    wish: { requester: 'bob', subject: 'deploy-bot' },
    approvals: signed({ key: 'bob-second' }),
  },
  // In policy a service among approvers is E_POL_NONHUMAN; its signature is this.
  {
    title: '[C18] a service approves',
    code: 'E_APR_NONHUMAN',
    approvals: signed({ key: 'deploy-bot' }, { signer: 'deploy-bot' }),
  },
];

const WHEN: readonly Forgery[] = [
  { title: '[C6] signed after it expired', code: 'E_KEY_EXPIRED', approvals: signed({ key: 'bob-old' }) },
  {
    title: '[C6] signed before it expired, so it says, and recorded after that',
    code: 'E_KEY_EXPIRED',
    approvals: signed({ key: 'bob-old' }, { signedAt: minutes(5) }),
  },
  { title: '[C6] signed before it is valid', code: 'E_KEY_NOT_YET', approvals: signed({ key: 'bob-next' }) },
  {
    title: '[C6] signed ahead of the clock, when it is valid',
    code: 'E_KEY_NOT_YET',
    approvals: signed({ key: 'bob-next' }, { signedAt: minutes(13) }),
  },
];

const KIND: readonly Forgery[] = [
  {
    title: '[C13] a certificate instead of a key',
    code: 'E_KEYTYPE',
    approvals: under('ssh-ed25519-cert-v01@openssh.com', Buffer.alloc(32)),
  },
  {
    title: '[C16] a good RSA signature of 1024 bits',
    code: 'E_RSA_BITS',
    approvals: (request, forger) => {
      const text = printStatement(forger.approval(request));
      return [
        { text, armor: makeKey('ssh-rsa', { bits: 1024 }).sign(text, STATEMENT_KINDS.approval.namespace) },
      ];
    },
  },
  {
    title: '[C16] RSA of 16384 bits',
    code: 'E_RSA_BITS',
    approvals: under('ssh-rsa', number(Buffer.from([1, 0, 1])), number(Buffer.alloc(2048, 0xff))),
  },
  { title: '[C16] DSA', code: 'E_KEYTYPE', approvals: under('ssh-dss', Buffer.alloc(128, 1)) },
  {
    title: '[C16] P-192',
    code: 'E_KEYTYPE',
    approvals: under('ecdsa-sha2-nistp192', 'nistp192', Buffer.alloc(49, 4)),
  },
  ...['touched', 'verified'].flatMap((role): Forgery[] => [
    {
      title: `[C21] a software key where it must be ${role}`,
      code: 'E_KEY_NOT_HARDWARE',
      wish: { role },
      approvals: signed({ key: 'bob' }),
    },
    {
      title: `[C25] a FIDO key that nobody attested where it must be ${role}; another of his is attested`,
      code: 'E_KEY_NOT_ATTESTED',
      wish: { role },
      approvals: signed({ key: 'bob-sk', flags: 0x05 }),
    },
  ]),
];

describe('approvals by the wrong key', () => {
  forgeries(
    scene,
    [...WHOSE, ...WHEN, ...KIND],
    [
      {
        title: '[C21, C25] an attested FIDO key that was touched counts',
        wish: { role: 'touched' },
        approvals: signed({ key: SK, flags: 0x01 }),
        holds: 'north erin touched',
      },
      {
        title: '[C5] the owner of a service is no beneficiary of anything else',
        wish: { role: 'slot', scope: { slot: 's1' } },
        approvals: signed({ key: 'bob-second' }),
        holds: 'north erin slot:s1',
      },
    ],
  );
});

describe('every way in', () => {
  keyedAttack(scene, '[C5]', 'pam approve of his own request', {
    code: 'E_APR_SELF',
    by: 'person',
    do: async ({ world }) => {
      const id = await propose(world, { role: 'anyone', requester: 'bob' });
      prepareApproval(await lookAtRequest(await world.desk(), id), 'bob', null);
    },
  });

  keyedAttack(scene, '[C18]', 'pam approve by a service', {
    code: 'E_APR_NONHUMAN',
    by: 'person',
    do: async ({ world, unapproved }) => {
      prepareApproval(await lookAtRequest(await world.desk(), unapproved), 'deploy-bot', null);
    },
  });
});

const CHANGED = { types: ['policy'], why: 'the policy that brings the change' };
const ID = requestId('20261122-anyone-aaaaaa');

/** A request on main that `signer` approved with `key`. */
async function approved(
  at: KeyedScene,
  {
    role = 'anyone',
    signer = 'bob',
    key,
    signedAt = at.world.now,
  }: {
    readonly role?: string;
    readonly signer?: string;
    readonly key?: string;
    readonly signedAt?: Instant;
  },
): Promise<RequestId> {
  const forger = await forgerOf(at);
  const request = requestBy({ id: ID, role });
  publishAll(at.world, [
    {
      topic: ID,
      signed: forger.sign(forger.approval(request, { signer, signedAt }), { key: key ?? signer }),
    },
  ]);
  plant(at.world, 'main', forger.files(request));
  return ID;
}

describe('policy changes between signing and granting', () => {
  keyedAttack(scene, '[C7]', 'signed before the key was compromised, so it says, and not recorded by then', {
    code: 'E_KEY_COMPROMISED',
    by: ['check', 'apply'],
    alsoRecords: CHANGED,
    do: async (at) => {
      const { world, keys } = at;
      const id = await approved(at, { key: 'bob-second', signedAt: minutes(1) });
      await changePolicy(world, ({ people }) =>
        revoke(people, keys.get('bob-second'), { at: minutes(10), since: minutes(5) }),
      );
      return id;
    },
  });

  keyedAttack(
    scene,
    '[C7]',
    'a report that only takes effect later voids what is recorded since then all the same',
    {
      code: 'E_KEY_COMPROMISED',
      by: ['check', 'apply'],
      alsoRecords: CHANGED,
      do: async (at) => {
        const { world, keys } = at;
        const id = await approved(at, { key: 'bob-second', signedAt: minutes(1) });
        await changePolicy(world, ({ people }) =>
          revoke(people, keys.get('bob-second'), { at: minutes(300), since: minutes(5) }),
        );
        return id;
      },
    },
  );

  // Its neighbour: without a compromise the key simply counts no more, and has a code of its own.
  keyedAttack(scene, '[C8]', 'the key was superseded before the approval was recorded', {
    code: 'E_KEY_REVOKED',
    by: ['check', 'apply'],
    alsoRecords: CHANGED,
    do: async (at) => {
      const { world, keys } = at;
      const id = await approved(at, { key: 'bob-second' });
      await changePolicy(world, ({ people }) =>
        revoke(people, keys.get('bob-second'), { at: minutes(10), reason: 'superseded' }),
      );
      return id;
    },
  });

  // DESIGN section 4: an approval does not name the policy; the one in force must still name its signer.
  keyedAttack(scene, '[C19]', 'the rule no longer names the approver', {
    code: 'E_APR_SCOPE',
    by: ['check', 'apply'],
    alsoRecords: CHANGED,
    do: async ({ world, victim }) => {
      await merge(world, victim);
      await changePolicy(world, ({ roles }) => {
        for (const rule of roles.roles['writer']?.approval ?? []) rule.approvers = ['alice'];
      });
      return victim;
    },
  });

  keyedAttack(scene, '[C19]', 'the approver left', {
    code: 'E_KEY_UNKNOWN',
    by: ['check', 'apply'],
    alsoRecords: CHANGED,
    do: async (at) => {
      const id = await approved(at, { role: 'carols', signer: 'carol' });
      await changePolicy(at.world, withoutCarol);
      return id;
    },
  });

  keyedAttack(scene, '[C19]', 'the approver left, and somebody else has the key now', {
    code: 'E_KEY_PRINCIPAL',
    by: ['check', 'apply'],
    alsoRecords: CHANGED,
    do: async (at) => {
      const id = await approved(at, { role: 'carols', signer: 'carol' });
      await changePolicy(at.world, (documents) => {
        withoutCarol(documents);
        documents.people.people['alice']?.keys.push({ key: at.keys.get('carol')?.line ?? '' });
      });
      return id;
    },
  });
});

describe('a live grant whose key is reported', () => {
  /** The key on disk with which bob approved the live grant. */
  const bobs = (people: PolicyDocuments['people']): string => people.people['bob']?.keys[0]?.key ?? '';
  const report = async (world: World, how: Omit<Revocation, 'at'>): Promise<void> =>
    await changePolicy(world, ({ people }) => {
      revoke(people, { line: bobs(people) }, { at: minutes(10), ...how });
    });

  it('[C7] compromised since before it was recorded: the next sweep ends it', async () => {
    const { world, live } = scene();
    await report(world, { since: BEGIN });
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
    expect(await world.record(live)).toMatchObject({ state: 'ended', ending: { cause: 'compromised' } });
    expect(await world.audit()).toMatchObject({ ok: true });
  });

  it.each([
    ['[C7] compromised since a moment later', { since: plus(BEGIN, 1) }],
    ['[C8] superseded', { reason: 'superseded' }],
    ['[C8] lost', { reason: 'lost' }],
  ] as const)('%s: it runs to its recorded end, and audit agrees for years', async (_, how) => {
    const { world, live } = scene();
    const { grant } = await world.record(live);
    await report(world, how);
    await world.apply();
    await world.sweep({ executor: 'pam-sweep' });
    expect({ held: world.held(), end: (await world.record(live)).grant?.end }).toEqual({
      held: [LIVE_HELD],
      end: grant?.end,
    });
    world.now = LIVE_ENDS;
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
    world.now = plus(BEGIN, 400 * 86_400);
    expect(await world.audit()).toMatchObject({ ok: true });
  });
});

interface Revocation {
  readonly at: string;
  readonly since?: string;
  readonly reason?: 'compromised' | 'superseded' | 'lost';
}

function revoke(
  people: PolicyDocuments['people'],
  key: { readonly line: string } | undefined,
  { at, since, reason = 'compromised' }: Revocation,
): void {
  const { fingerprint } = parsePublicKey(key?.line ?? '');
  people.revoked_keys.push({ fingerprint, at, reason, ...(since === undefined ? {} : { since }) });
}

function withoutCarol({ people, roles }: PolicyDocuments): void {
  delete people.people['carol'];
  for (const role of Object.values(roles.roles)) {
    for (const rule of role.approval) {
      rule.approvers = [...new Set(rule.approvers.map((name) => (name === 'carol' ? 'alice' : name)))];
      for (const step of rule.fallback ?? []) {
        step.approvers = step.approvers.map((name) => (name === 'carol' ? 'grace' : name));
      }
    }
  }
}
