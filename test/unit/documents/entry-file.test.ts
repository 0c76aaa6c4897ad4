import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCheckpoint, printCheckpoint } from '../../../src/documents/checkpoint-file.ts';
import { printEntry, readEntry, readOpenRecord, readShelf } from '../../../src/documents/entry-file.ts';
import type { Entry, GrantTerms, LedgerEvent } from '../../../src/model/entry.ts';
import type { Duration, Instant } from '../../../src/model/instant.ts';
import type { Fingerprint, RequestId, Sha256 } from '../../../src/model/names.ts';
import type { OpenRecord } from '../../../src/model/open-record.ts';
import type { Beats } from '../../../src/rules/shelves/beats.ts';
import { codeOf } from '../../support/error-code.ts';

// Texts that match their grammars.
const at = '2026-11-22T18:00:00Z' as Instant;
const hash = `sha256:${'a'.repeat(64)}` as Sha256;
const id = '20261122-orders-dba-7k3fq2' as RequestId;
const fingerprint = `SHA256:${'A'.repeat(43)}` as Fingerprint;
const signed = { text: 'pam-statement: v1\n', armor: '-----BEGIN' };
const note = { code: 'E_X', message: 'why "it" failed\n' };
const evidence = { request: 'version: 1\n# 日本語 \u202e\n', statement: signed, approvals: [signed] };
const grant: GrantTerms = {
  subject: 'dana',
  role: 'orders-dba',
  target: 'orders-db',
  provider: 'command',
  config: { z: 1, a: { c: [true, null], b: 'x' } },
  login: 'dana',
  permissions: ['role:orders_billing_owner'],
  login_key: null,
  duration: '45m' as Duration,
  start: null,
  incident: 'INC-991',
  approvers: ['alice'],
  keys: [fingerprint],
  end: at,
};
const events: readonly LedgerEvent[] = [
  {
    type: 'genesis',
    id: '-',
    policy: hash,
    files: { 'pam.yaml': hash, 'policy/people.yaml': hash },
    nonce: '0'.repeat(32),
  },
  { type: 'policy', id: '-', seq: 1, digest: hash, statements: [signed] },
  {
    type: 'seen',
    id,
    request_sha256: hash,
    signature_sha256: hash,
    proposal: 'pam/x',
    requester: 'dana',
    subject: 'dana',
    role: 'orders-dba',
  },
  { type: 'refused', id, request_sha256: hash, reasons: [note] },
  { type: 'scheduled', id, evidence, grant: { ...grant, start: at } },
  {
    type: 'granting',
    id,
    evidence,
    grant: { ...grant, login_key: 'ssh-ed25519 AAAA' },
    handle: { serial: 65_536 },
    preexisting: ['x'],
    act_by: at,
  },
  {
    type: 'granted',
    id,
    receipt: { certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA', handle: { a: 1 }, message: '' },
  },
  { type: 'granted', id, receipt: {} },
  { type: 'failed', id, error: note },
  { type: 'stopped', id, statement: signed },
  { type: 'ending', id, cause: 'incident', because: 'closed' },
  { type: 'revoked', id, kept_for: { 'role:x': [id] }, usage: { used: true, last: at } },
  { type: 'revoked', id, kept_for: {}, usage: null },
  { type: 'revoke_failed', id, attempt: 1, error: note },
  { type: 'heartbeat', id: '-', live: 0 },
];
const entry: Entry = {
  root: hash,
  seq: 7,
  previous: hash,
  at,
  executor: 'pam-apply',
  policy: hash,
  index: hash,
  main: 'a'.repeat(40),
  events,
};
const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const line = (value: unknown): Uint8Array => bytesOf(`${JSON.stringify(value)}\n`);
const text = Buffer.from(printEntry(entry)).toString();
const parsed = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const code = (bytes: Uint8Array): string => codeOf(() => readEntry(bytes));

describe('ledger entries', () => {
  it('round trips every kind of event', () => {
    expect(readEntry(printEntry(entry))).toEqual(entry);
    const genesis: Entry = {
      root: null,
      seq: 0,
      previous: null,
      at,
      executor: 'pam-apply',
      policy: hash,
      index: hash,
      events: [events[0] as LedgerEvent],
    };
    expect(readEntry(printEntry(genesis))).toEqual(genesis);
    expect(new Set(events.map(({ type }) => type)).size).toBe(13);
  });

  it('is one line of JSON and LF in the order of the model, whoever made the object', () => {
    expect(text).toMatch(/^\{"root":"sha256:a+","seq":7,"previous":[^\n]*\}\n$/u);
    const backwards = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(backwards)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .toReversed()
                .map(([key, inner]) => [key, backwards(inner)]),
            )
          : value;
    const shuffled = backwards({
      ...entry,
      events: entry.events.filter(({ type }) => type === 'seen' || type === 'refused'),
    });
    const straight = {
      ...entry,
      events: entry.events.filter(({ type }) => type === 'seen' || type === 'refused'),
    };
    expect(Buffer.from(printEntry(shuffled as Entry)).toString()).toBe(
      Buffer.from(printEntry(straight)).toString(),
    );
  });

  it('keeps what belongs to others in their order', () => {
    expect(text).toContain('"config":{"z":1,"a":{"c":[true,null],"b":"x"}}');
  });

  it.each<[string, () => Uint8Array]>([
    ['[M7] an extra field', () => line({ ...parsed(), extra: 1 })],
    ['[M7] an unknown event', () => line({ ...parsed(), events: [{ type: 'approved', id }] })],
    ['[M7] an event without a type', () => line({ ...parsed(), events: [{ id }] })],
    [
      '[M7] an extra field in an event',
      () => line({ ...parsed(), events: [{ type: 'heartbeat', id: '-', live: 0, x: 1 }] }),
    ],
    [
      '[M7] a field of another event',
      () => line({ ...parsed(), events: [{ type: 'heartbeat', id: '-', live: 0, handle: { serial: 1 } }] }),
    ],
    ['a missing field', () => line({ ...parsed(), index: undefined })],
    ['a missing field in an event', () => line({ ...parsed(), events: [{ type: 'heartbeat', id: '-' }] })],
    ['no events', () => line({ ...parsed(), events: [] })],
    ['an id where none belongs', () => line({ ...parsed(), events: [{ type: 'heartbeat', id, live: 0 }] })],
    [
      'an id that is a path',
      () => line({ ...parsed(), events: [{ type: 'granted', id: '../x', receipt: {} }] }),
    ],
    ['a time that does not exist', () => line({ ...parsed(), at: '2026-02-30T00:00:00Z' })],
    ['a digest in capitals', () => line({ ...parsed(), policy: hash.toUpperCase() })],
    ['a number as text', () => line({ ...parsed(), seq: '7' })],
    ['a number with a fraction', () => line({ ...parsed(), seq: 7.5 })],
    ['a number below zero', () => line({ ...parsed(), seq: -1 })],
    ['a list', () => line([entry])],
    ['null', () => line(null)],
    ['nothing', () => bytesOf('')],
    ['no line end', () => bytesOf(text.trimEnd())],
    ['two line ends', () => bytesOf(`${text}\n`)],
    ['[M10] CRLF', () => bytesOf(text.replace('\n', '\r\n'))],
    ['a blank', () => bytesOf(text.replace('"seq":7', '"seq": 7'))],
    ['another spelling of a number', () => bytesOf(text.replace('"seq":7', '"seq":7.0'))],
    ['an escape that is not needed', () => bytesOf(text.replace('"dana"', '"d\\u0061na"'))],
    ['a key twice', () => bytesOf(text.replace('"seq":7', '"seq":6,"seq":7'))],
    ['another order', () => bytesOf(text.replace(/"seq":7,("previous":"[^"]*"),/u, '$1,"seq":7,'))],
    ['a byte order mark', () => bytesOf(`\ufeff${text}`)],
    [
      'invalid UTF-8',
      () => Buffer.concat([bytesOf(text.slice(0, -3)), Buffer.from([0xff]), bytesOf(text.slice(-3))]),
    ],
    ['half a character', () => bytesOf(text.replace('"because":"closed"', '"because":"\\ud800"'))],
    [
      '__proto__ in a config',
      () => bytesOf(text.replace('"config":{"z":1', '"config":{"__proto__":{"y":2},"z":1')),
    ],
    ['__proto__ as an event field', () => bytesOf(text.replace('"live":0', '"live":0,"__proto__":{}'))],
    [
      'endless depth',
      () => bytesOf(text.replace('"z":1', `"z":${'['.repeat(100_000)}${']'.repeat(100_000)}`)),
    ],
    ['[Q2] more than 4 MiB', () => bytesOf(text.replace('closed', 'x'.repeat(4 * 1024 * 1024)))],
  ])('%s is refused', (_, make) => {
    expect(code(make())).toBe('E_LED_SHAPE');
  });

  it('never throws anything untyped and never accepts a second spelling', () => {
    const original = Buffer.from(printEntry(entry));
    const check = fc.check(
      fc.property(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 }), (where, byte) => {
        const bytes = Buffer.from(original);
        bytes[where] = byte;
        return code(bytes) !== 'ok' || Buffer.compare(printEntry(readEntry(bytes)), bytes) === 0;
      }),
      { numRuns: 2000 },
    );
    expect(check.failed ? check : 'ok').toBe('ok');
  });
});

describe('writing', () => {
  it('refuses to write what no reader would take', () => {
    expect(codeOf(() => printEntry({ ...entry, seq: -1 }))).toBe('E_BUG');
    expect(codeOf(() => printEntry({ ...entry, events: [] }))).toBe('E_BUG');
  });
});

describe('the other documents of a ledger', () => {
  const record: OpenRecord = {
    id,
    state: 'live',
    refused: [hash],
    seen: {
      at,
      request_sha256: hash,
      signature_sha256: hash,
      proposal: 'pam/x',
      requester: 'dana',
      subject: 'dana',
      role: 'orders-dba',
      owners: [],
      stoppers: ['dana', 'alice'],
    },
    grant: {
      ...grant,
      recorded: { at, executor: 'pam-apply', key: fingerprint },
      evidence,
      granting: {
        at,
        by: { at, executor: 'pam-apply', key: fingerprint },
        act_by: at,
        handle: { serial: 1 },
        preexisting: [],
      },
      receipt: {},
    },
    ending: { at, cause: 'incident', because: 'closed' },
    final_at: null,
    attempts: 0,
  };
  const beats: Beats = { policy: { seq: 1, at }, apply: { at, main: 'a'.repeat(40) }, sweep: null };

  it('reads what the index prints', () => {
    expect(readOpenRecord(line(record))).toEqual(record);
    const bare: OpenRecord = {
      id,
      state: 'unseen',
      refused: [],
      seen: null,
      grant: null,
      ending: null,
      final_at: at,
      attempts: 3,
    };
    expect(readOpenRecord(line(bare))).toEqual(bare);
    expect(readShelf('beats', line(beats))).toEqual(beats);
  });

  it('refuses other shapes', () => {
    expect(codeOf(() => readOpenRecord(line({ ...record, state: 'granted' })))).toBe('E_LED_SHAPE');
    expect(codeOf(() => readOpenRecord(line({ ...record, x: 1 })))).toBe('E_LED_SHAPE');
    expect(codeOf(() => readOpenRecord(line({ ...record, grant: { ...record.grant, end: 'soon' } })))).toBe(
      'E_LED_SHAPE',
    );
    expect(
      codeOf(() => readOpenRecord(line({ ...record, grant: { ...record.grant, recorded: undefined } }))),
    ).toBe('E_LED_SHAPE');
    expect(codeOf(() => readShelf('beats', line({ ...beats, policy: null })))).toBe('E_LED_SHAPE');
    expect(codeOf(() => readShelf('beats', line({ ...beats, apply: { at } })))).toBe('E_LED_SHAPE');
  });

  it('[M17] reads checkpoints in one spelling', () => {
    const checkpoint = { schema: 'pam.checkpoint/1', root: hash, seq: 4, head: hash, at } as const;
    expect(readCheckpoint(printCheckpoint(checkpoint))).toEqual(checkpoint);
    expect(readCheckpoint(line(checkpoint))).toEqual(checkpoint);
    expect(codeOf(() => readCheckpoint(line({ ...checkpoint, schema: 'pam.checkpoint/2' })))).toBe(
      'E_LED_CHECKPOINT',
    );
    expect(codeOf(() => readCheckpoint(bytesOf(JSON.stringify(checkpoint))))).toBe('E_LED_CHECKPOINT');
    expect(codeOf(() => readCheckpoint(bytesOf('{')))).toBe('E_LED_CHECKPOINT');
  });
});
