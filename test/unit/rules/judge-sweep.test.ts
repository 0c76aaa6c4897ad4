/** Sweeps leave a trace, and one that is missing is said wherever somebody looks. */
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../../src/model/instant.ts';
import { auditEnd } from '../../../src/rules/audit-entry.ts';
import { lastSweepOf, lateSweep } from '../../../src/rules/judge-sweep.ts';
import { at, grantLive, Ledger, policyOf, TEXTS } from '../../support/world.ts';

const swept = (ledger: Ledger, when: Instant): void => {
  ledger.append([{ type: 'heartbeat', id: '-', live: 1 }], when, { executor: 'pam-sweep' });
};

/** One grant from 12:00 to 12:45, in a policy that wants a sweep every half hour. */
function live(within = 'sweep_within: 30m\n'): Ledger {
  const ledger = new Ledger(policyOf({ ...TEXTS, 'pam.yaml': `${TEXTS['pam.yaml']}${within}` }));
  grantLive(ledger, {}, 'bob', at('12:00'));
  return ledger;
}

describe('[P7] a sweep that is late while access is live', () => {
  it('is none while nothing is live, or policy sets no limit', () => {
    const idle = new Ledger(policyOf({ ...TEXTS, 'pam.yaml': `${TEXTS['pam.yaml']}sweep_within: 30m\n` }));
    expect(lateSweep(idle.state, at('23:00'))).toBeUndefined();
    expect(lateSweep(live('').state, at('23:00'))).toBeUndefined();
  });

  it('is late when none ever ran, and from the second after the limit on', () => {
    const ledger = live();
    expect(lateSweep(ledger.state, at('12:01'))).toMatch(/last sweep was never, not within 30m/u);
    expect(lastSweepOf(ledger.state)).toBeNull();
    swept(ledger, at('12:05'));
    expect(lastSweepOf(ledger.state)).toBe(at('12:05'));
    expect(lateSweep(ledger.state, at('12:35'))).toBeUndefined();
    expect(lateSweep(ledger.state, at('12:35:01'))).toMatch(/last sweep was 2026-11-22T12:05:00Z/u);
  });

  it('audit warns of it', () => {
    const ledger = live();
    swept(ledger, at('12:05'));
    const codes = (when: Instant) => auditEnd(ledger.state, when, new Map()).map((one) => one.code);
    expect(codes(at('12:35'))).toEqual([]);
    expect(codes(at('12:36'))).toEqual(['W_SWEEP_LATE']);
  });
});
