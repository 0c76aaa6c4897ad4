import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/rules/decide.ts';
import { recordedVerdict } from '../../../src/rules/recorded-verdict.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { approve, ask, at, grantLive, Ledger, seenEvent, snapshot, stop } from '../../support/world.ts';

describe('what was decided', () => {
  it('stays approved once it is recorded, with the exact grant', () => {
    const ledger = new Ledger();
    const asked = grantLive(ledger, {}, 'bob', at('12:00'));
    const now = decide(snapshot(ledger, asked, {}), at('12:10'));
    expect(now.reasons.filter(({ ok }) => !ok).map(({ code }) => code)).toContain('E_REQ_CONSUMED');
    const told = recordedVerdict(ledger.record(asked.id), asked.requestSha256, now);
    expect(told).toMatchObject({
      verdict: 'approved',
      reasons: [{ code: 'E_APR_THRESHOLD', ok: true, message: `approved by bob, recorded ${at('12:00')}` }],
      grant: { subject: 'dana', target: 'orders-db', duration: '45m' },
    });
  });

  it('says that somebody stopped it since', () => {
    const ledger = new Ledger();
    const asked = grantLive(ledger, {}, 'bob', at('12:00'));
    const stops = [stop(ledger, asked.id, 'dana')];
    const now = decide(snapshot(ledger, asked, { stops }), at('12:10'));
    const { verdict, reasons } = recordedVerdict(ledger.record(asked.id), asked.requestSha256, now);
    expect([verdict, reasons.map(({ code, ok }) => [code, ok])]).toEqual([
      'approved',
      [
        ['E_APR_THRESHOLD', true],
        ['E_POL_DENIED', false],
      ],
    ]);
  });

  it('is nothing yet for what was only seen, and nothing about other bytes', () => {
    const ledger = new Ledger();
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const approvals = [approve(ledger, asked, 'bob')];
    const now = decide(snapshot(ledger, asked, { approvals }), at('12:10'));
    expect(recordedVerdict(ledger.record(asked.id), asked.requestSha256, now)).toBe(now);
    const live = new Ledger();
    const granted = grantLive(live, {}, 'bob', at('12:00'));
    expect(recordedVerdict(live.record(granted.id), sha256('other bytes'), now)).toBe(now);
  });
});
