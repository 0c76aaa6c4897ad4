/** Counting against an oracle that tries every placing of people on rules. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VerifiedApproval } from '../../src/model/decision.ts';
import type { ApprovalRule, Policy } from '../../src/model/policy.ts';
import { seat } from '../../src/rules/count-approvals.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { at, fingerprintOf, policyOf, TEXTS } from '../support/world.ts';

const PEOPLE = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'] as const;
// Rules only ask policy for its groups.
const policy: Policy = policyOf(TEXTS).policy;
const key = fingerprintOf('anybody');

interface Table {
  readonly thresholds: readonly number[];
  /** rule -> person -> may count */
  readonly fits: readonly (readonly boolean[])[];
}

/** The most rules that can hold, and the most people who then count, over all placings. */
function bruteForce({ thresholds, fits }: Table): { readonly rules: number; readonly people: number } {
  let best = { rules: 0, people: 0 };
  const tried = (placed: readonly number[]): void => {
    const who = placed.length;
    if (who < (fits[0]?.length ?? 0)) {
      tried([...placed, -1]);
      fits.forEach((row, rule) => row[who] === true && tried([...placed, rule]));
      return;
    }
    const counts = thresholds.map((_, rule) => placed.filter((one) => one === rule).length);
    const rules = counts.filter((count, rule) => count >= (thresholds[rule] ?? Infinity)).length;
    const people = counts.reduce((sum, count, rule) => sum + Math.min(count, thresholds[rule] ?? 0), 0);
    if (rules > best.rules || (rules === best.rules && people > best.people)) best = { rules, people };
  };
  tried([]);
  return best;
}

function seated({ thresholds, fits }: Table, order: readonly number[]) {
  const rules = thresholds.map((threshold, rule): ApprovalRule => {
    const approvers = PEOPLE.filter((_, who) => fits[rule]?.[who] === true);
    return { approvers, threshold, fallback: [], presence: 'none' };
  });
  const approvals = order.map(
    (who): VerifiedApproval => ({
      signer: PEOPLE[who] ?? 'p0',
      signedAt: at('12:00'),
      capacity: 'named',
      because: null,
      ledger: { seq: 0, head: sha256('') },
      key,
      presence: { touched: false, verified: false },
      attested: false,
      signed: { text: '', armor: '' },
    }),
  );
  return seat(policy, rules, approvals, { now: at('12:00'), seenAt: null });
}

const table = (people: number, rules: number): fc.Arbitrary<Table> =>
  fc.record({
    thresholds: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: rules, maxLength: rules }),
    fits: fc.array(fc.array(fc.boolean(), { minLength: people, maxLength: people }), {
      minLength: rules,
      maxLength: rules,
    }),
  });
const any = fc
  .tuple(fc.nat({ max: 6 }), fc.integer({ min: 1, max: 4 }))
  .chain(([people, rules]) => table(people, rules));

describe('counting', () => {
  it('is the best of all placings, honest about each of them', () => {
    fc.assert(
      fc.property(any, fc.infiniteStream(fc.nat()), (one, dice) => {
        const people = one.fits[0]?.length ?? 0;
        const order = Array.from({ length: people }, (_, who) => who);
        // Any order of approvals.
        for (let last = people - 1; last > 0; last--) {
          const other = (dice.next().value ?? 0) % (last + 1);
          [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
        }
        const seats = seated(one, order);
        const counted = seats.flatMap((chair) => chair.counted.map(({ signer }) => signer));
        expect(new Set(counted).size).toBe(counted.length);
        seats.forEach((chair, rule) => {
          expect(chair.held).toBe(chair.counted.length >= (one.thresholds[rule] ?? 0));
          expect(chair.counted.length).toBeLessThanOrEqual(one.thresholds[rule] ?? 0);
          for (const { signer, rule: of } of chair.counted) {
            expect([of, chair.rule.approvers.includes(signer)]).toEqual([rule, true]);
          }
        });
        const best = bruteForce(one);
        expect({ rules: seats.filter(({ held }) => held).length, people: counted.length }).toEqual(best);
      }),
      { numRuns: 600, seed: 4 },
    );
  });

  it('every table of three people and two rules', () => {
    for (let bits = 0; bits < 64; bits++) {
      for (const thresholds of [
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
        [3, 1],
      ]) {
        const fits = [0, 1].map((rule) => [0, 1, 2].map((who) => ((bits >> (rule * 3 + who)) & 1) === 1));
        const seats = seated({ thresholds, fits }, [0, 1, 2]);
        const rules = seats.filter(({ held }) => held).length;
        expect([bits, thresholds, rules]).toEqual([bits, thresholds, bruteForce({ thresholds, fits }).rules]);
      }
    }
  });
});
