/**
 * The whole life of grants, in random histories: see `life-stage.ts` for what happens and `life-model.ts` for what
 * must hold. `PAM_SEED` and `PAM_RUNS` choose others; a failure prints its seed and the shortest history.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LifeStage, type Op } from './life-stage.ts';

const seed = Number(process.env['PAM_SEED'] ?? 20_261_122);
const numRuns = Number(process.env['PAM_RUNS'] ?? 150);

const n = fc.nat({ max: 3 });
const who = fc.nat({ max: 20 });
const crash = fc.oneof(
  { weight: 3, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.nat({ max: 7 }) },
);
const minutes = fc.oneof(fc.integer({ min: 1, max: 120 }), fc.constantFrom(5, 90));
/** The usual road, mostly, so that histories reach the interesting part; and who must not be enough. */
const SIGNED_BY = [
  ...Array.from({ length: 8 }, () => ['bob', 'carol']),
  ['carol', 'erin'],
  ['bob'],
  ['carol'],
  ['erin'],
  ['dana', 'erin'],
  ['bot', 'frank', 'grace'],
];
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who,
      role: who,
      minutes,
      startIn: fc.constantFrom(0, 0, 0, 10, 90),
      incident: fc.constantFrom(false, false, true),
      signers: fc.constantFrom<readonly string[]>(...SIGNED_BY),
      merged: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('edit' as const), n, minutes }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('approve' as const), n, who, how: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), n, who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('merge' as const), n }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('policy' as const), change: fc.nat({ max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('incident' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('down' as const), down: fc.constantFrom(true, false, false) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 600, max: 20_000 })),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('apply' as const), crash, meanwhile: fc.nat({ max: 12 }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('sweep' as const), crash }) },
);

describe(`the life of grants (seed ${seed}, ${numRuns} histories)`, () => {
  it('nobody has access without signatures, nothing outlives its end, nothing else is taken away', () => {
    let [runs, grants, revocations] = [0, 0, 0];
    fc.assert(
      fc.property(fc.array(op, { minLength: 20, maxLength: 60, size: 'max' }), (history) => {
        const stage = new LifeStage();
        for (const one of history) stage.play(one);
        stage.settle();
        runs += 1;
        grants += stage.model.grants;
        revocations += stage.model.revocations;
      }),
      { seed, numRuns, interruptAfterTimeLimit: 50_000 },
    );
    // A history in which nothing is ever granted proves nothing.
    expect(grants).toBeGreaterThan(runs);
    expect(revocations).toBeGreaterThan(runs);
  }, 120_000);
});
