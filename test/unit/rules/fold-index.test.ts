/** The state machine of a request, event by event; random sequences are in `test/properties/fold-index.test.ts`. */
import { describe, expect, it } from 'vitest';
import type { GrantTerms, LedgerEvent } from '../../../src/model/entry.ts';
import type { GrantingEvent } from '../../../src/rules/events/granting.ts';
import type { ScheduledEvent } from '../../../src/rules/events/scheduled.ts';
import { type Instant, parseDuration, plus } from '../../../src/model/instant.ts';
import type { OpenIndex } from '../../../src/model/open-record.ts';
import { EMPTY_INDEX, foldIndex } from '../../../src/rules/fold-index.ts';
import { ACT_WITHIN_SECONDS } from '../../../src/rules/events/record-steps.ts';
import { MAX_REFUSED } from '../../../src/rules/see-request.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, fingerprintOf, policyOf, REQUEST, sign, TEXTS } from '../../support/world.ts';

const { policy } = policyOf(TEXTS);
const { id } = REQUEST;
const bytes = 'the request';
const request_sha256 = sha256(bytes);
const signed = { text: 'x', armor: 'y' };
const evidence = { request: bytes, statement: signed, approvals: [signed] };
const SEQ = 7;
const serial = SEQ * 65_536;

const seen: LedgerEvent = {
  type: 'seen',
  id,
  request_sha256,
  signature_sha256: sha256('sig'),
  proposal: 'pam/x',
  requester: 'dana',
  subject: 'dana',
  role: 'dba',
};
const terms: GrantTerms = {
  subject: 'dana',
  role: 'dba',
  target: 'orders-db',
  provider: 'command',
  config: {},
  login: 'druiz',
  permissions: ['connect'],
  login_key: null,
  duration: parseDuration('45m') ?? REQUEST.duration,
  start: null,
  incident: null,
  approvers: ['bob'],
  keys: [fingerprintOf('bob')],
  end: at('12:45'),
};
const granting: GrantingEvent = {
  type: 'granting',
  id,
  evidence,
  grant: terms,
  handle: { serial },
  preexisting: [],
  act_by: at('12:02'),
};
const scheduled: ScheduledEvent = {
  type: 'scheduled',
  id,
  evidence,
  grant: { ...terms, start: at('12:00:01') },
};
const granted: LedgerEvent = { type: 'granted', id, receipt: {} };
const failed: LedgerEvent = { type: 'failed', id, error: { code: 'E_PRV', message: 'no' } };
const refused: LedgerEvent = {
  type: 'refused',
  id,
  request_sha256,
  reasons: [{ code: 'E_X', message: 'no' }],
};
const others: LedgerEvent = { ...refused, request_sha256: sha256('others') };
const statement = sign({
  type: 'stop',
  root: request_sha256,
  signer: 'bob',
  signedAt: at('12:00'),
  request: id,
  because: 'no',
});
const stopped: LedgerEvent = { type: 'stopped', id, statement };
const ending: LedgerEvent = { type: 'ending', id, cause: 'incident', because: 'closed' };
const found: LedgerEvent = { type: 'ending', id, cause: 'found', because: 'again' };
const revoked: LedgerEvent = { type: 'revoked', id, kept_for: {}, usage: null };
const revokeFailed: LedgerEvent = {
  type: 'revoke_failed',
  id,
  attempt: 1,
  error: { code: 'E_PRV', message: 'no' },
};

const fold = (
  index: OpenIndex,
  events: readonly LedgerEvent[],
  now: Instant = at('12:00'),
  main: string | null = null,
): OpenIndex =>
  foldIndex(index, events, {
    seq: SEQ,
    at: now,
    executor: 'pam-apply',
    key: fingerprintOf('pam-apply'),
    main,
    policy,
  });
const after = (...events: readonly LedgerEvent[]): OpenIndex =>
  events.reduce((index, event) => fold(index, [event]), EMPTY_INDEX);
const recordOf = (index: OpenIndex) => index.records.get(id);

/** The ways into each state. */
const STATES: Readonly<Record<string, readonly LedgerEvent[]>> = {
  nothing: [],
  unseen: [refused],
  seen: [seen],
  refused: [seen, refused],
  stopped: [seen, stopped],
  scheduled: [seen, scheduled],
  granting: [seen, granting],
  live: [seen, granting, granted],
  failed: [seen, granting, failed],
  ending: [seen, granting, granted, ending],
  ended: [seen, granting, granted, ending, revoked],
};
/** What each event makes of each state at noon, before the recorded end; anything else does not follow. */
const FOLLOWS: Readonly<Record<string, readonly [LedgerEvent, Readonly<Record<string, string>>]>> = {
  seen: [
    { ...seen, request_sha256: sha256('v2') },
    { nothing: 'seen', unseen: 'seen', seen: 'seen', refused: 'seen' },
  ],
  refused: [refused, { nothing: 'unseen', seen: 'refused', scheduled: 'refused' }],
  'other bytes refused': [
    others,
    { nothing: 'unseen', unseen: 'unseen', seen: 'seen', refused: 'refused', scheduled: 'scheduled' },
  ],
  scheduled: [scheduled, { seen: 'scheduled' }],
  granting: [granting, { seen: 'granting', scheduled: 'granting' }],
  granted: [granted, { granting: 'live' }],
  failed: [failed, { granting: 'failed' }],
  stopped: [
    stopped,
    { seen: 'stopped', refused: 'stopped', scheduled: 'stopped', granting: 'ending', live: 'ending' },
  ],
  ending: [ending, { granting: 'ending', live: 'ending' }],
  'found again': [found, { granting: 'ending', live: 'ending', failed: 'ending', ended: 'ending' }],
  revoked: [revoked, { ending: 'ended' }],
  'revoke failed': [revokeFailed, { ending: 'ending' }],
};

describe.each(Object.entries(FOLLOWS))('%s', (_, [event, table]) => {
  it.each(Object.entries(STATES))('after %s', (state, road) => {
    const index = after(...road);
    const act = () => recordOf(fold(index, [event]))?.state;
    expect(table[state] === undefined ? codeOf(act) : act()).toBe(table[state] ?? 'E_LED_STEP');
  });
});

describe('the recorded end', () => {
  it.each(['granting', 'live'])('%s may be revoked at it without an ending, and not before', (state) => {
    const index = after(...(STATES[state] ?? []));
    expect(codeOf(() => fold(index, [revoked], at('12:44:59')))).toBe('E_LED_STEP');
    expect(recordOf(fold(index, [revoked], at('12:45')))).toMatchObject({
      state: 'ended',
      final_at: at('12:45'),
    });
    expect(recordOf(fold(index, [revokeFailed], at('12:45')))).toMatchObject({ state, attempts: 1 });
  });
});

describe('seen', () => {
  it.each([
    ['2026-11-20T23:59:59Z', 'E_LED_STEP'],
    ['2026-11-21T00:00:00Z', 'ok'],
    ['2026-11-23T23:59:59Z', 'ok'],
    ['2026-11-24T00:00:00Z', 'E_LED_STEP'],
  ])('at %s: %s', (now, code) => expect(codeOf(() => fold(EMPTY_INDEX, [seen], at(now)))).toBe(code));

  it('an id belongs to its first requester; the same bytes are seen once; refused bytes never again', () => {
    expect(
      codeOf(() => fold(after(seen), [{ ...seen, requester: 'erin', request_sha256: sha256('v2') }])),
    ).toBe('E_LED_STEP');
    expect(codeOf(() => fold(after(seen), [seen]))).toBe('E_LED_STEP');
    expect(codeOf(() => fold(after(seen, refused), [seen]))).toBe('E_LED_STEP');
    const resigned = recordOf(
      fold(after(seen), [{ ...seen, signature_sha256: sha256('other') }], at('12:01')),
    );
    expect(resigned?.seen).toMatchObject({ at: at('12:01'), signature_sha256: sha256('other') });
  });

  it('new bytes start a new clock and forget what was decided on the old ones', () => {
    const record = recordOf(
      fold(after(seen, refused), [{ ...seen, request_sha256: sha256('v2') }], at('12:01')),
    );
    expect(record).toMatchObject({
      state: 'seen',
      refused: [request_sha256],
      ending: null,
      final_at: null,
      seen: { at: at('12:01') },
    });
  });

  it('holds who may stop it', () => {
    expect(recordOf(after(seen))?.seen).toMatchObject({
      owners: [],
      stoppers: ['alice', 'bob', 'carol', 'dana', 'grace'],
    });
    expect(
      recordOf(after({ ...seen, requester: 'deploy-bot', subject: 'deploy-bot' }))?.seen?.owners,
    ).toEqual(['erin']);
  });

  it(`after ${MAX_REFUSED} refused versions the id is dead`, () => {
    const version = (n: number): LedgerEvent => ({ ...refused, request_sha256: sha256(String(n)) });
    const many = after(...Array.from({ length: MAX_REFUSED }, (_, n) => version(n)));
    expect(recordOf(many)?.refused).toHaveLength(MAX_REFUSED);
    expect(codeOf(() => fold(many, [version(MAX_REFUSED)]))).toBe('E_LED_STEP');
    expect(codeOf(() => fold(many, [seen]))).toBe('E_LED_STEP');
  });
});

describe('an intent', () => {
  const code = (change: Partial<GrantingEvent>, index = after(seen), now = at('12:00')) =>
    codeOf(() => fold(index, [{ ...granting, ...change }], now));

  it.each<readonly [string, Partial<GrantingEvent>, string]>([
    ['as it should be', {}, 'ok'],
    ['of other bytes', { evidence: { ...evidence, request: 'others' } }, 'E_LED_STEP'],
    ['that ends now', { grant: { ...terms, end: at('12:00') } }, 'E_LED_STEP'],
    ['before its start', { grant: { ...terms, start: at('12:00:01') } }, 'E_LED_STEP'],
    ['that acts too late', { act_by: plus(at('12:00'), ACT_WITHIN_SECONDS + 1) }, 'E_LED_STEP'],
    ['that acts after its end', { grant: { ...terms, end: at('12:01') } }, 'E_LED_STEP'],
    ['that may not act at all', { act_by: at('12:00') }, 'E_LED_STEP'],
    ['with another serial', { handle: { serial: serial + 1 } }, 'E_LED_STEP'],
  ])('%s', (_, change, expected) => expect(code(change)).toBe(expected));

  it('the serial is that of its place in the entry', () => {
    expect(codeOf(() => fold(EMPTY_INDEX, [seen, { ...granting, handle: { serial: serial + 1 } }]))).toBe(
      'ok',
    );
    expect(codeOf(() => fold(EMPTY_INDEX, [seen, granting]))).toBe('E_LED_STEP');
  });

  it('is resumed with the same end, evidence and handle, and keeps when it was first recorded', () => {
    const first = after(seen, granting);
    const resumed = { act_by: at('12:12') };
    expect(code(resumed, first, at('12:10'))).toBe('ok');
    expect(code({ ...resumed, grant: { ...terms, end: at('12:46') } }, first, at('12:10'))).toBe(
      'E_LED_STEP',
    );
    expect(code({ ...resumed, evidence: { ...evidence, approvals: [] } }, first, at('12:10'))).toBe(
      'E_LED_STEP',
    );
    expect(code({ ...resumed, handle: { serial: serial + 1 } }, first, at('12:10'))).toBe('E_LED_STEP');
    const record = recordOf(fold(first, [{ ...granting, ...resumed }], at('12:10')));
    expect(record?.grant).toMatchObject({
      recorded: { at: at('12:00') },
      granting: { at: at('12:00'), act_by: at('12:12') },
    });
  });

  it('evidence is kept while it may be decided again, and no longer', () => {
    expect(recordOf(after(seen, scheduled))?.grant?.evidence).toEqual(evidence);
    expect(recordOf(after(seen, granting))?.grant?.evidence).toEqual(evidence);
    for (const state of ['live', 'failed', 'ended']) {
      expect(recordOf(after(...(STATES[state] ?? [])))?.grant?.evidence).toBeNull();
    }
  });
});

describe('dropping', () => {
  const ended = fold(after(seen, granting, granted), [revoked], at('12:45'));
  const isKept = (index: OpenIndex, now: string, main: string | null = 'm'): boolean =>
    fold(index, [], at(now), main).records.has(id);

  it.each<readonly [string, OpenIndex, string, boolean]>([
    ['ended, a second before three days after its date', ended, '2026-11-24T23:59:59Z', true],
    ['ended, at three days after its date', ended, '2026-11-25T00:00:00Z', false],
    ['refused', after(seen, refused), '2026-11-25T00:00:00Z', false],
    ['never seen', after(refused), '2026-11-25T00:00:00Z', false],
    ['stopped', after(seen, stopped), '2026-11-25T00:00:00Z', false],
    [
      'ended yesterday',
      fold(after(seen, granting, granted, ending), [revoked], at('2026-11-25T12:00:00Z')),
      '2026-11-26T11:59:59Z',
      true,
    ],
    [
      'ended a day ago',
      fold(after(seen, granting, granted, ending), [revoked], at('2026-11-25T12:00:00Z')),
      '2026-11-26T12:00:00Z',
      false,
    ],
    [
      'failed, but unexpired',
      after(seen, { ...granting, grant: { ...terms, end: at('2026-11-26T12:00:00Z') } }, failed),
      '2026-11-27T11:59:59Z',
      true,
    ],
    ['waiting', after(seen), '2026-12-22T00:00:00Z', true],
    ['ending for ever', after(seen, granting, granted, ending), '2026-12-22T00:00:00Z', true],
  ])('%s', (_, index, now, kept) => expect(isKept(index, now)).toBe(kept));

  it('only an apply entry drops', () => {
    expect([isKept(ended, '2026-12-22T00:00:00Z', null), isKept(ended, '2026-12-22T00:00:00Z', 'm')]).toEqual(
      [true, false],
    );
  });
});

describe('beats', () => {
  const policyEvent: LedgerEvent = { type: 'policy', id: '-', seq: 1, digest: policy.digest, statements: [] };
  it('say when policy, apply and sweep wrote last', () => {
    const first = fold(EMPTY_INDEX, [policyEvent]);
    expect(first.beats).toEqual({ policy: { seq: 1, at: at('12:00') }, apply: null, sweep: null });
    const applied = fold(first, [seen], at('12:01'), 'commit');
    expect(applied.beats).toMatchObject({ apply: { at: at('12:01'), main: 'commit' }, sweep: null });
    const swept = fold(applied, [{ type: 'heartbeat', id: '-', live: 0 }], at('12:02'));
    expect(swept.beats).toMatchObject({
      apply: { at: at('12:01') },
      sweep: { at: at('12:02'), executor: 'pam-apply' },
    });
    expect(fold(EMPTY_INDEX, [seen], at('12:00'), 'commit').beats).toBeNull();
  });
});

it('nothing that was folded before is changed', () => {
  const before = after(seen, granting, granted);
  const copy = JSON.stringify([...before.records]);
  fold(before, [ending, revoked]);
  expect(JSON.stringify([...before.records])).toBe(copy);
});
