import { describe, expect, it } from 'vitest';
import type { Entry, LedgerEvent } from '../../../src/model/entry.ts';
import { beginChain, followChain } from '../../../src/rules/follow-chain.ts';
import { verifyEntry } from '../../../src/trust/signed-entry.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { codeOf } from '../../support/error-code.ts';
import {
  type Append,
  approve,
  ask,
  at,
  fingerprintOf,
  genesisOf,
  grantLive,
  intentOf,
  Ledger,
  MAIN,
  policyOf,
  readyNow,
  REQUEST,
  requestId,
  seenEvent,
  signEntry,
  snapshot,
  stop,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const world = policyOf(TEXTS);
const heartbeat: LedgerEvent = { type: 'heartbeat', id: '-', live: 0 };

/** The code that an entry with these events is refused with, on a fresh ledger on which `REQUEST` was seen. */
function code(events: (ledger: Ledger) => readonly LedgerEvent[], how: Append = {}, time = '12:10'): string {
  const ledger = new Ledger(world);
  ledger.append([seenEvent(ask({}, { root: ledger.state.root }))], at('12:00'));
  return codeOf(() => ledger.append(events(ledger), at(time), how));
}
const sweeper = { executor: 'pam-sweep' } as const;

describe('the genesis', () => {
  const begin = (change: Partial<Entry> = {}, executor = 'pam-apply') =>
    codeOf(() => beginChain(genesisOf(world, at('08:00'), executor, change)));
  it.each<readonly [string, Partial<Entry>, string]>([
    ['as it should be', {}, 'ok'],
    ['another number', { seq: 1 }, 'E_LED_CHAIN'],
    ['a root', { root: sha256('x') }, 'E_LED_CHAIN'],
    ['something before it', { previous: sha256('x') }, 'E_LED_CHAIN'],
    ['another policy', { policy: sha256('x') }, 'E_LED_CHAIN'],
    ['an index', { index: sha256('x') }, 'E_LED_INDEX'],
    ['an apply entry', { main: MAIN }, 'E_LED_SHAPE'],
    ['no genesis', { events: [heartbeat] }, 'E_LED_CHAIN'],
  ])('%s', (_, change, expected) => expect(begin(change)).toBe(expected));

  it('is written by an executor that may grant', () => {
    expect([begin({}, 'pam-sweep'), begin({}, 'deploy-bot'), begin({}, 'alice')]).toEqual([
      'E_LED_KIND',
      'E_LED_KEY',
      'E_LED_KEY',
    ]);
  });

  it('names every file by its digest, and nothing stands beside it', () => {
    const { entry } = genesisOf(world, at('08:00'));
    const [event] = entry.events;
    if (event?.type !== 'genesis') throw new TypeError('no genesis');
    const other = { ...entry, events: [{ ...event, files: { ...event.files, 'pam.yaml': sha256('x') } }] };
    expect(codeOf(() => beginChain(signEntry(other, 'pam-apply', world)))).toBe('E_LED_CHAIN');
    const more = { ...entry, events: [event, heartbeat] };
    expect(codeOf(() => beginChain(signEntry(more, 'pam-apply', world)))).toBe('E_LED_SHAPE');
  });

  it('its digest is the root of every entry after it', () => {
    const genesis = genesisOf(world, at('08:00'));
    const state = beginChain(genesis);
    expect([state.root, state.head, state.seq]).toEqual([sha256(genesis.bytes), sha256(genesis.bytes), 0]);
    expect(new Ledger(world).state.root).toBe(state.root);
  });

  it('allows nothing but policy 1', () => {
    const ledger = new Ledger(world);
    const genesis = ledger.entries[0]?.after;
    if (genesis === undefined) throw new TypeError('no genesis');
    ledger.state = genesis;
    expect(codeOf(() => ledger.append([heartbeat], at('08:00')))).toBe('E_LED_STEP');
    const statements = ledger.policyStatements(world, at('08:00'), ['alice', 'bob']);
    const version = (seq: number): LedgerEvent => ({
      type: 'policy',
      id: '-',
      seq,
      digest: world.policy.digest,
      statements,
    });
    expect(codeOf(() => ledger.append([version(2)], at('08:00'), { brings: world }))).toBe('E_LED_STEP');
    expect(codeOf(() => ledger.append([version(1)], at('08:00'), { brings: world }))).toBe('ok');
  });
});

describe('one step', () => {
  it.each<readonly [string, Partial<Entry>, string]>([
    ['another root', { root: sha256('x') }, 'E_LED_CHAIN'],
    ['no root', { root: null }, 'E_LED_CHAIN'],
    ['a number too high', { seq: 9 }, 'E_LED_CHAIN'],
    ['a number too low', { seq: 1 }, 'E_LED_CHAIN'],
    ['another entry before it', { previous: sha256('x') }, 'E_LED_CHAIN'],
    ['another policy', { policy: sha256('x') }, 'E_LED_CHAIN'],
    ['another index', { index: sha256('x') }, 'E_LED_INDEX'],
    ['as it should be', {}, 'ok'],
  ])('%s', (_, change, expected) => expect(code(() => [heartbeat], { change })).toBe(expected));

  it('a second genesis does not follow', () => {
    const genesis: LedgerEvent = {
      type: 'genesis',
      id: '-',
      policy: world.policy.digest,
      files: {},
      nonce: '0'.repeat(32),
    };
    expect(code(() => [genesis])).toBe('E_LED_SHAPE');
  });

  it('two entries on one place: each follows, the other then does not', () => {
    const ledger = new Ledger(world);
    const [one, two] = [ledger.draft([heartbeat], at('12:00')), ledger.draft([heartbeat], at('12:01'))];
    expect(codeOf(() => followChain(ledger.state, two))).toBe('ok');
    ledger.follow(one);
    expect(codeOf(() => ledger.follow(two))).toBe('E_LED_CHAIN');
  });

  it('every byte is signed', () => {
    const ledger = new Ledger(world);
    const candidate = ledger.draft([heartbeat], at('12:00'));
    const bytes = Buffer.from(candidate.bytes.toString());
    bytes[bytes.length - 1] = 0x20;
    expect(codeOf(() => verifyEntry(bytes, candidate.signature))).toBe('E_SIGNATURE');
  });

  it('the same entries give the same state to whoever walks them', () => {
    const ledger = new Ledger(world);
    grantLive(ledger, {}, 'bob', at('12:00'));
    const { policy: _p, policyFiles: _f, ...told } = ledger.replayed();
    expect(ledger.state).toMatchObject(told);
  });
});

describe('who signs', () => {
  it.each<readonly [string, Append, string]>([
    ['a sweeper, a heartbeat', sweeper, 'ok'],
    ["another executor's key", { key: 'pam-sweep' }, 'E_LED_KEY'],
    ['a service that executes nothing', { executor: 'deploy-bot' }, 'E_LED_KEY'],
    ['a person', { executor: 'alice' }, 'E_LED_KEY'],
    ['a key that nobody knows', { key: 'nobody' }, 'E_LED_KEY'],
    ['nobody', { executor: 'constructor', key: 'pam-apply' }, 'E_LED_KEY'],
  ])('%s', (_, how, expected) => expect(code(() => [heartbeat], how)).toBe(expected));

  it.each([
    ['{ key: KEY(pam-apply), until: 2026-11-22T12:10:00Z }', '12:09:59', 'ok'],
    ['{ key: KEY(pam-apply), until: 2026-11-22T12:10:00Z }', '12:10', 'E_LED_KEY'],
    ['{ key: KEY(pam-apply), from: 2026-11-22T07:00:00Z }', '12:10', 'ok'],
  ])('in the window of its key: %s at %s', (keys, time, expected) => {
    const ledger = new Ledger(policyOf(textsWith(PEOPLE, '{ key: KEY(pam-apply) }', keys)));
    expect(codeOf(() => ledger.append([heartbeat], at(time)))).toBe(expected);
  });

  it('a key on the list of revoked ones writes nothing more, however its entries are dated', () => {
    const ledger = new Ledger(world);
    const revoked = `  - { fingerprint: "${fingerprintOf('pam-apply')}", at: 2026-11-22T18:00:00Z, reason: compromised }\n`;
    const after = policyOf({ ...TEXTS, [PEOPLE]: `${TEXTS[PEOPLE]}revoked_keys:\n${revoked}` });
    ledger.changePolicy(after, at('12:00'), ['alice', 'bob'], sweeper);
    expect(codeOf(() => ledger.append([heartbeat], at('12:10')))).toBe('E_LED_KEY');
    expect(codeOf(() => ledger.append([heartbeat], at('09:00')))).toBe('E_LED_KEY');
    expect(codeOf(() => ledger.append([heartbeat], at('12:10'), sweeper))).toBe('ok');
  });
});

describe('apply entries', () => {
  const version2 = (ledger: Ledger): LedgerEvent =>
    seenEvent(ask({ justification: 'version two of it' }, { root: ledger.state.root }));

  it('belong to executors that may grant, with a commit of main', () => {
    expect(code((ledger) => [version2(ledger)])).toBe('ok');
    expect(code((ledger) => [version2(ledger)], { main: null })).toBe('E_LED_SHAPE');
    expect(code((ledger) => [version2(ledger)], { ...sweeper, main: MAIN })).toBe('E_LED_KIND');
    expect(code(() => [heartbeat], { ...sweeper, main: MAIN })).toBe('E_LED_KIND');
    expect(code(() => [heartbeat], { main: MAIN })).toBe('ok');
  });

  it('never go back in time; sweeps may be dated as they are', () => {
    expect(code(() => [heartbeat], { main: MAIN }, '12:00')).toBe('ok');
    expect(code(() => [heartbeat], { main: MAIN }, '11:59:59')).toBe('E_LED_TIME');
    expect(code(() => [heartbeat], {}, '11:59:59')).toBe('ok');
  });

  it('hold only events that follow', () => {
    expect(code(() => [{ type: 'granted', id: REQUEST.id, receipt: {} }])).toBe('E_LED_STEP');
    expect(
      code((ledger) => [
        version2(ledger),
        { type: 'failed', id: requestId('20261122-dba-zzzzzz'), error: { code: 'E_X', message: 'no' } },
      ]),
    ).toBe('E_LED_STEP');
  });

  it('a request is seen and granted in one entry', () => {
    const ledger = new Ledger(world);
    const asked = ask({}, { root: ledger.state.root });
    const approvals = [approve(ledger, asked, 'bob')];
    const preview = new Ledger(world);
    preview.append([seenEvent(asked)], at('12:10'));
    const ready = readyNow(snapshot(preview, asked, { approvals, witnesses: ledger.witnesses }), at('12:10'));
    ledger.append([seenEvent(asked), intentOf(ledger, ready, at('12:10'), 1)], at('12:10'));
    expect(ledger.record(asked.id)?.state).toBe('granting');
  });
});

describe('a stop', () => {
  const stopBy =
    (signer: string, key = signer) =>
    (ledger: Ledger): readonly LedgerEvent[] => [
      { type: 'stopped', id: REQUEST.id, statement: stop(ledger, REQUEST.id, signer, { key }) },
    ];
  it.each([
    ['dana', 'ok'],
    ['carol', 'ok'],
    ['frank', 'E_LED_STOP'],
    ['pam-sweep', 'E_LED_STOP'],
  ])('by %s: %s', (signer, expected) => expect(code(stopBy(signer), sweeper)).toBe(expected));

  it('needs the right signature on the right request', () => {
    expect(code(stopBy('dana', 'frank'), sweeper)).toBe('E_LED_STOP');
    const other = (ledger: Ledger): readonly LedgerEvent[] => [
      { type: 'stopped', id: REQUEST.id, statement: stop(ledger, requestId('20261122-dba-bbbbbb'), 'dana') },
    ];
    expect(code(other, sweeper)).toBe('E_LED_STOP');
  });
});

describe('a policy', () => {
  const next = policyOf(textsWith('policy/roles.yaml', 'max_duration: 2h', 'max_duration: 1h'));
  const bring = (
    signers: readonly string[],
    how: Append = {},
    change: (event: LedgerEvent) => LedgerEvent = (one) => one,
    brings = next,
  ): string => {
    const ledger = new Ledger(world);
    const statements = ledger.policyStatements(next, at('12:00'), signers);
    const event: LedgerEvent = { type: 'policy', id: '-', seq: 2, digest: next.policy.digest, statements };
    return codeOf(() => ledger.append([change(event)], at('12:00'), { ...how, brings }));
  };

  it('follows with the threshold of the admins in force, whoever writes it down', () => {
    expect([bring(['alice', 'grace']), bring(['alice', 'grace'], sweeper)]).toEqual(['ok', 'ok']);
    expect([bring(['alice']), bring(['alice', 'carol'])]).toEqual(['E_POL_UNSIGNED', 'E_POL_UNSIGNED']);
  });

  it('rises by one, brings what it names, and is no apply entry', () => {
    expect(bring(['alice', 'bob'], { main: MAIN })).toBe('E_LED_SHAPE');
    expect(bring(['alice', 'bob'], {}, (event) => ({ ...event, digest: sha256('x') }) as LedgerEvent)).toBe(
      'E_LED_CHAIN',
    );
    expect(bring(['alice', 'bob'], {}, (one) => one, world)).toBe('E_LED_CHAIN');
    for (const seq of [1, 3]) {
      const wrong = bring(['alice', 'bob'], {}, (event) => ({ ...event, seq }) as LedgerEvent);
      expect(wrong).not.toBe('ok');
    }
  });

  it('an older version does not come back with its old signatures', () => {
    const ledger = new Ledger(world);
    const old = ledger.policyStatements(next, at('12:00'), ['alice', 'bob']);
    ledger.changePolicy(next, at('12:00'), ['alice', 'bob']);
    ledger.changePolicy(world, at('12:01'), ['alice', 'bob']);
    const event: LedgerEvent = {
      type: 'policy',
      id: '-',
      seq: 4,
      digest: next.policy.digest,
      statements: old,
    };
    expect(codeOf(() => ledger.append([event], at('12:02'), { brings: next }))).toBe('E_POL_UNSIGNED');
  });

  it('may bring the executor that writes it, so that a lost key blocks nothing', () => {
    const ledger = new Ledger(world);
    const renewed = policyOf(textsWith(PEOPLE, '{ key: KEY(pam-apply) }', '{ key: KEY(pam-apply-new) }'));
    expect(codeOf(() => ledger.append([heartbeat], at('12:00'), { key: 'pam-apply-new' }))).toBe('E_LED_KEY');
    ledger.changePolicy(renewed, at('12:00'), ['alice', 'bob'], { key: 'pam-apply-new' });
    expect(codeOf(() => ledger.append([heartbeat], at('12:01'), { key: 'pam-apply-new' }))).toBe('ok');
    expect(codeOf(() => ledger.append([heartbeat], at('12:01'), { key: 'pam-apply' }))).toBe('E_LED_KEY');
  });
});
