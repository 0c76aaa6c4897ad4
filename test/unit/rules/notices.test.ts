/** Who is told of what, and what an executor remembers to have told. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printTold, readTold, toldAfter } from '../../../src/flows/notices/told.ts';
import { exitOfRun, exitOfSweep, type RunResult } from '../../../src/flows/executor/run-result.ts';
import type { RequestId } from '../../../src/model/names.ts';
import { NOTICE_EVENTS, type Notice } from '../../../src/model/notice.ts';
import type { OpenRecord } from '../../../src/model/open-record.ts';
import type { NotifyConfig } from '../../../src/model/policy.ts';
import { MOST_NOTICES, noticesFor } from '../../../src/rules/notices/for-receiver.ts';
import { noticeWith } from '../../support/notice-texts.ts';
import { EXAMPLE_ID, EXAMPLE_ROOT } from '../../support/notice-values.ts';

const config = (more: Partial<NotifyConfig> = {}): NotifyConfig => ({
  kind: 'webhook',
  url_env: 'PAM_NOTICE_A',
  on: [...NOTICE_EVENTS],
  ...more,
});
const told = (one: Partial<NotifyConfig>, ...notices: readonly Partial<Notice>[]): readonly Notice[] =>
  noticesFor(config(one), notices.map(noticeWith));

describe('what a receiver gets', () => {
  it('by event, role and risk; what is about no request passes the last two', () => {
    const policy = { event: 'policy', id: null, role: null, risk: null } as const;
    const all = [
      { event: 'granted' },
      { event: 'revoked', role: 'reader', risk: 'standard' },
      policy,
    ] as const;
    const events = (one: Partial<NotifyConfig>): readonly string[] =>
      told(one, ...all).map(({ event }) => event);
    expect(events({})).toEqual(['revoked', 'granted', 'policy']);
    expect(events({ on: ['granted'] })).toEqual(['granted']);
    expect(events({ roles: ['reader'] })).toEqual(['revoked', 'policy']);
    expect(events({ risk: ['admin'] })).toEqual(['granted', 'policy']);
    expect(events({ roles: ['reader'], risk: ['admin'] })).toEqual(['policy']);
    expect(told({ roles: ['reader'] }, { role: null })).toEqual([]);
    expect(told({ risk: ['admin'] }, { risk: null })).toEqual([]);
  });

  it('reasons, but for emergencies, unless the policy says so', () => {
    const why = (one: Partial<NotifyConfig>, change: Partial<Notice>): string | null | undefined =>
      told(one, { why: 'because', ...change })[0]?.why;
    expect(why({}, {})).toBe('because');
    expect(why({ why: false }, {})).toBeNull();
    expect(why({}, { risk: 'break-glass' })).toBeNull();
    expect(why({ why: true }, { risk: 'break-glass' })).toBe('because');
    // A role that is gone may have been one for emergencies.
    expect(why({}, { risk: null })).toBeNull();
    // Who signed a policy is no person's reason.
    expect(why({ why: false }, { event: 'policy', id: null })).toBe('because');
  });

  it('never more than it can read; the most urgent first, and the last says what is missing', () => {
    const flood = Array.from({ length: 50 }, (_, seq) => ({ event: 'opened', seq }) as const);
    const sent = told({}, ...flood, { event: 'overdue', seq: 99 }, { event: 'revoked', seq: 98 });
    expect(sent).toHaveLength(MOST_NOTICES);
    expect(sent.slice(0, 3).map(({ seq }) => seq)).toEqual([99, 98, 0]);
    expect(sent.map(({ left_out: left }) => left)).toEqual([...Array<number>(MOST_NOTICES - 1).fill(0), 32]);
    expect(told({}, {})[0]?.left_out).toBe(0);
  });
});

describe('what an executor remembers to have told', () => {
  const record = (id: string, over: boolean): readonly [RequestId, OpenRecord] => {
    const one = { id, final_at: over ? '2026-11-22T18:00:00Z' : null };
    // Nothing else of it is asked.
    return [id as RequestId, one as unknown as OpenRecord];
  };
  const found = (key: string) => ({ key, id: EXAMPLE_ID, notice: noticeWith({}) });

  it('is read as it was written, and anything else is no memory', () => {
    const keys = new Set(['approved a b', 'overdue c']);
    expect(readTold(printTold(keys))).toEqual(keys);
    for (const junk of [
      undefined,
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"schema":"pam.told/1"}',
      '{"schema":"x","told":[]}',
    ])
      expect(readTold(junk)).toBeUndefined();
    expect(readTold('{"schema":"pam.told/1","told":[1,null,"a"]}')).toEqual(new Set(['a']));
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => readTold(text)).not.toThrow();
      }),
    );
  });

  it('is kept while the request is open, and then no longer', () => {
    const records = new Map([record('one', false), record('two', true)]);
    const before = new Set(['overdue one', 'overdue two', 'overdue gone', 'junk', '']);
    const after = toldAfter(before, [found('approved new x')], { records });
    expect([...after].sort()).toEqual(['approved new x', 'overdue one']);
  });
});

describe('a run that told nobody', () => {
  const run = (codes: readonly string[]): RunResult => ({
    steps: [],
    ledger: { seq: 1, head: EXAMPLE_ROOT },
    waiting: [],
    troubles: codes.map((code) => ({ code, ok: false, message: 'x' })) as RunResult['troubles'],
  });

  it('is as good as one that did, and hides nothing else', () => {
    expect([exitOfRun(run(['W_NOTICE'])), exitOfSweep(run(['W_NOTICE']))]).toEqual([0, 0]);
    expect([exitOfRun(run([])), exitOfSweep(run([]))]).toEqual([0, 0]);
    expect(exitOfSweep(run(['W_NOTICE', 'E_FORGE_STALE']))).toBe(exitOfSweep(run(['E_FORGE_STALE'])));
    expect(exitOfSweep(run(['E_FORGE_STALE']))).not.toBe(0);
    expect(exitOfRun(run(['W_NOTICE', 'E_LED_FORK']))).toBe(20);
  });
});
