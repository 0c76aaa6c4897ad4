/** Whether what is live will end, told from ledgers in which it does not. */
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../../../src/model/instant.ts';
import { judgeEnds } from '../../../../src/rules/doctor/judge-ends.ts';
import {
  approve,
  ask,
  at,
  grantLive,
  intentOf,
  Ledger,
  policyOf,
  readyNow,
  seenEvent,
  snapshot,
  TEXTS,
} from '../../../support/world.ts';

const BOUND = policyOf({ ...TEXTS, 'pam.yaml': `${TEXTS['pam.yaml']}sweep_within: 30m\n` });
const sweep = { executor: 'pam-sweep' };

const wrong = (ledger: Ledger, now: Instant): readonly string[] =>
  judgeEnds(ledger.state, now)
    .filter(({ state }) => state !== 'ok')
    .map(({ state, code }) => `${state} ${code}`);

describe('what is live will end', () => {
  it('nothing live, or live and swept: good', () => {
    const ledger = new Ledger(BOUND);
    expect(judgeEnds(ledger.state, at('12:00')).map(({ message }) => message)).toEqual([
      'no sweep is on record yet',
      'nothing is live',
    ]);
    grantLive(ledger, {}, 'bob', at('12:00'));
    ledger.append([{ type: 'heartbeat', id: '-', live: 1 }], at('12:01'), sweep);
    expect(judgeEnds(ledger.state, at('12:10'))).toMatchObject([
      { state: 'ok', code: 'W_SWEEP_LATE', message: 'the last sweep on record was 2026-11-22T12:01:00Z' },
      { state: 'ok', code: 'E_LED_OVERDUE', message: '1 live, none past its end' },
    ]);
  });

  it('a policy without sweep_within, and sweeps that do not come', () => {
    expect(wrong(new Ledger(), at('12:00'))).toEqual(['warning W_SWEEP_UNBOUND']);
    const ledger = new Ledger(BOUND);
    grantLive(ledger, {}, 'bob', at('12:00'));
    expect(wrong(ledger, at('12:10'))).toEqual(['warning W_SWEEP_LATE']);
  });

  it('past its end, failed to end, or to end and not gone', () => {
    const ledger = new Ledger(BOUND);
    const { id } = grantLive(ledger, {}, 'bob', at('12:00'));
    ledger.append([{ type: 'ending', id, cause: 'incident', because: 'closed' }], at('12:10'), sweep);
    expect(wrong(ledger, at('12:11'))).toEqual(['warning W_ENDING']);
    const error = { code: 'E_PRV_KRL', message: 'the key revocation list cannot be read' };
    ledger.append([{ type: 'revoke_failed', id, attempt: 1, error }], at('12:12'), sweep);
    expect(wrong(ledger, at('12:13'))).toEqual(['problem E_PRV_REVOKE', 'warning W_ENDING']);
    expect(wrong(ledger, at('12:45'))).toContain('problem E_LED_OVERDUE');
  });

  it('an intent whose outcome nobody recorded', () => {
    const ledger = new Ledger(BOUND);
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const of = snapshot(ledger, asked, { approvals: [approve(ledger, asked, 'bob')] });
    ledger.append([intentOf(ledger, readyNow(of, at('12:10')), at('12:10'))], at('12:10'));
    ledger.append([{ type: 'heartbeat', id: '-', live: 1 }], at('12:11'), sweep);
    expect(wrong(ledger, at('12:11'))).toEqual([]);
    expect(wrong(ledger, at('12:13'))).toEqual(['warning W_GRANTING']);
  });
});
