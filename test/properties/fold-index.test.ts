/** Random events, most of them out of place: what was folded is always a state that makes sense. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GrantTerms, LedgerEvent } from '../../src/model/entry.ts';
import { PamError } from '../../src/model/error.ts';
import { type Instant, instantOf, plus, unixSeconds } from '../../src/model/instant.ts';
import type { OpenIndex, OpenRecord } from '../../src/model/open-record.ts';
import { EMPTY_INDEX, foldIndex } from '../../src/rules/fold-index.ts';
import { indexDigest } from '../../src/rules/print-index.ts';
import { MAX_REFUSED } from '../../src/rules/see-request.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { at, fingerprintOf, policyOf, REQUEST, requestId, sign, TEXTS } from '../support/world.ts';

const { policy } = policyOf(TEXTS);
const ids = ['20261122-dba-aaaaaa', '20261122-dba-bbbbbb', '20261123-dba-cccccc'].map(requestId);
const versions = ['one', 'two', 'three'];
const START = unixSeconds(at('12:00'));

const TYPES = [
  'seen',
  'seen',
  'refused',
  'scheduled',
  'granting',
  'granting',
  'granted',
  'granted',
  'failed',
  'stopped',
  'ending',
  'found',
  'revoked',
  'revoked',
  'revoke_failed',
  'heartbeat',
] as const;

interface Draft {
  readonly type: (typeof TYPES)[number];
  readonly id: number;
  readonly version: number;
  readonly wait: number;
  readonly apply: boolean;
  readonly start: boolean;
  /** As today's executors write `seen`; without, as builds before `stopper_keys` did. */
  readonly keyed: boolean;
}

interface Place {
  readonly seq: number;
  readonly now: Instant;
}

function eventOf(
  { type, id: n, version: v, start, keyed }: Draft,
  { seq, now }: Place,
  known: OpenRecord | undefined,
): LedgerEvent {
  const id = ids[n % ids.length] ?? REQUEST.id;
  const request = versions[v % versions.length] ?? 'one';
  const request_sha256 = sha256(request);
  const statement = { text: 't', armor: 'a' };
  const evidence = { request, statement, approvals: [statement] };
  const terms: GrantTerms = {
    subject: 'dana',
    role: 'dba',
    target: 'orders-db',
    provider: 'command',
    config: {},
    login: 'druiz',
    permissions: ['connect'],
    login_key: null,
    duration: REQUEST.duration,
    start: start ? plus(now, 600) : null,
    incident: null,
    approvers: ['bob'],
    keys: [],
    end: known?.grant?.end ?? plus(now, 3600),
  };
  const handle = known?.grant?.granting?.handle ?? { serial: seq * 65_536 };
  const error = { code: 'E_X', message: 'no' };
  switch (type) {
    case 'seen':
      return {
        type,
        id,
        request_sha256,
        signature_sha256: sha256(`${request} signed`),
        proposal: 'p',
        requester: v === 2 ? 'erin' : 'dana',
        subject: 'dana',
        role: 'dba',
        ...(keyed ? { stopper_keys: { dana: [fingerprintOf('dana')] } } : {}),
      };
    case 'refused':
      return { type, id, request_sha256, reasons: [error] };
    case 'scheduled':
      return { type, id, evidence, grant: terms };
    case 'granting':
      return {
        type,
        id,
        evidence,
        grant: { ...terms, start: known?.grant?.start ?? null },
        handle,
        preexisting: [],
        act_by: plus(now, 60) < terms.end ? plus(now, 60) : terms.end,
      };
    case 'granted':
      return { type, id, receipt: {} };
    case 'failed':
      return { type, id, error };
    case 'stopped':
      return {
        type,
        id,
        statement: sign({
          type: 'stop',
          root: request_sha256,
          signer: 'dana',
          signedAt: now,
          request: id,
          because: null,
        }),
      };
    case 'ending':
      return { type, id, cause: 'incident', because: 'closed' };
    case 'found':
      return { type: 'ending', id, cause: 'found', because: 'again' };
    case 'revoked':
      return { type, id, kept_for: {}, usage: null };
    case 'revoke_failed':
      return { type, id, attempt: 1, error };
    case 'heartbeat':
      return { type: 'heartbeat', id: '-', live: 0 };
  }
}

const drafts = fc.array(
  fc.record({
    type: fc.constantFrom(...TYPES),
    id: fc.nat({ max: 1 }),
    version: fc.nat({ max: 4 }),
    wait: fc.oneof(fc.constantFrom(0, 60), fc.constantFrom(3600, 100_000)),
    apply: fc.boolean(),
    start: fc.boolean(),
    keyed: fc.nat({ max: 4 }).map((one) => one > 0),
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
);

/** Where an event may lead from each state; `gone`: no record. Written from DESIGN section 5, not from the code. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  gone: ['unseen', 'seen'],
  unseen: ['unseen', 'seen'],
  seen: ['seen', 'refused', 'scheduled', 'granting', 'stopped'],
  refused: ['refused', 'seen', 'stopped'],
  scheduled: ['scheduled', 'granting', 'refused', 'stopped'],
  granting: ['granting', 'live', 'failed', 'ending', 'ended'],
  live: ['live', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: ['ending'],
  failed: ['ending'],
  stopped: [],
};
const FINAL: readonly string[] = ['unseen', 'refused', 'stopped', 'ended', 'failed'];
const HAS_GRANT: readonly string[] = ['scheduled', 'granting', 'live', 'ending', 'ended', 'failed'];

function must(what: string, holds: boolean): void {
  if (!holds) throw new Error(`this does not hold: ${what}`);
}

function checkRecord(record: OpenRecord): void {
  const { state, grant, seen, refused, final_at } = record;
  expect([state, final_at !== null]).toEqual([state, FINAL.includes(state)]);
  // Refused after it was scheduled: the grant stays on record, so that no other bytes take its place.
  must(`${state} has a grant or not`, state === 'refused' || (grant !== null) === HAS_GRANT.includes(state));
  expect([state, seen === null]).toEqual([state, state === 'unseen']);
  expect(new Set(refused).size).toBe(refused.length);
  // The version that was open is refused whatever was refused before it.
  expect(refused.length).toBeLessThanOrEqual(MAX_REFUSED + 1);
  if (grant === null) return;
  const undecided = state === 'scheduled' || state === 'granting';
  must(
    `${state} has an intent`,
    (grant.granting !== null) === (state !== 'scheduled' && state !== 'refused'),
  );
  // What runs was never refused, and may only be decided again with what it rests on.
  const over = state === 'ended' || state === 'failed' || state === 'refused';
  must(`${state} was not refused`, over || seen === null || !refused.includes(seen.request_sha256));
  must(`${state} has its evidence`, !undecided || grant.evidence !== null);
  must(`${state} was read back`, state !== 'live' || grant.receipt !== null);
}

interface Told {
  readonly events: readonly LedgerEvent[];
  readonly seq: number;
  readonly now: Instant;
  readonly main: string | null;
}

const foldOne = (index: OpenIndex, { events, seq, now, main }: Told): OpenIndex =>
  foldIndex(index, events, {
    seq,
    at: now,
    executor: 'pam-apply',
    key: fingerprintOf('pam-apply'),
    main,
    policy,
  });

/** Plays the drafts; what does not follow is left out, as every reader would. */
function play(
  list: readonly Draft[],
  each: (before: OpenIndex, after: OpenIndex, told: Told) => void,
): readonly [OpenIndex, readonly Told[]] {
  let [index, seconds]: [OpenIndex, number] = [EMPTY_INDEX, START];
  const kept: Told[] = [];
  list.forEach((draft, place) => {
    seconds += draft.wait;
    const [seq, now] = [place + 2, instantOf(seconds * 1000)];
    const id = ids[draft.id % ids.length] ?? REQUEST.id;
    const told = {
      events: [eventOf(draft, { seq, now }, index.records.get(id))],
      seq,
      now,
      main: draft.apply ? 'm' : null,
    };
    try {
      const after = foldOne(index, told);
      each(index, after, told);
      index = after;
      kept.push(told);
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      must(`E_LED_STEP, not ${error.code}`, error.code === 'E_LED_STEP');
    }
  });
  return [index, kept];
}

describe('any sequence of events', () => {
  it('gives only states that make sense, and only steps that follow', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(drafts, (list) => {
        play(list, (before, after, { events, main }) => {
          for (const record of after.records.values()) checkRecord(record);
          for (const id of new Set([...before.records.keys(), ...after.records.keys()])) {
            const [from, to] = [
              before.records.get(id)?.state ?? 'gone',
              after.records.get(id)?.state ?? 'gone',
            ];
            reached.add(to);
            const meant = events.some((event) => event.id === id);
            const dropped = to === 'gone' && main !== null && (meant || FINAL.includes(from));
            const follows = meant ? (NEXT[from] ?? []).includes(to) : to === from;
            must(`${from} -> ${to}`, dropped || follows);
          }
        });
      }),
      { seed: 20_261_122, numRuns: 500 },
    );
    // All of them were met, or the checks above say nothing.
    expect([...reached].sort()).toEqual(Object.keys(NEXT).sort());
  });

  it('folded again from the first entry is the same, to the byte', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        const [index, kept] = play(list, () => {});
        const again = kept.reduce(foldOne, EMPTY_INDEX);
        expect(indexDigest(again)).toBe(indexDigest(index));
        // And from a copy that a machine read from disk on the way.
        const half = Math.floor(kept.length / 2);
        const middle = kept.slice(0, half).reduce(foldOne, EMPTY_INDEX);
        // A record read back is the same value.
        const records = new Map(
          [...middle.records]
            .map(([id, one]) => [id, JSON.parse(JSON.stringify(one)) as OpenRecord])
            .reverse() as [OpenRecord['id'], OpenRecord][],
        );
        expect(indexDigest(kept.slice(half).reduce(foldOne, { ...middle, records }))).toBe(
          indexDigest(index),
        );
      }),
      { seed: 20_261_122, numRuns: 200 },
    );
  });

  it('nothing that may be live is ever dropped, and what is over is dropped in the end', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        const [index] = play(list, () => {});
        const far = foldOne(index, { events: [], seq: 1000, now: at('2027-11-22T12:00:00Z'), main: 'm' });
        for (const [id, { state }] of index.records)
          expect([state, far.records.has(id)]).toEqual([state, !FINAL.includes(state)]);
        expect(
          foldOne(index, { events: [], seq: 1000, now: at('2027-11-22T12:00:00Z'), main: null }).records.size,
        ).toBe(index.records.size);
      }),
      { seed: 20_261_122, numRuns: 200 },
    );
  });
});
