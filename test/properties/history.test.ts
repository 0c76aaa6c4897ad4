/**
 * The promise over random histories of the real flows: see `history-stage.ts` for what happens and
 * `history-model.ts` for what must hold. `PAM_SEED` and `PAM_RUNS` choose others; a failure prints its seed and the
 * shortest history that was found.
 */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Policy } from '../../src/model/policy.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { begin, type Fault, HistoryStage, type Op } from './history-stage.ts';
import { isLong } from '../size.ts';

// Reading the same policy files again is half of a history's time: the real reader, asked once for the same bytes.
vi.mock(import('../../src/documents/policy-files.ts'), async (original) => {
  const real = await original();
  const known = new Map<string, Policy>();
  const readPolicy: typeof real.readPolicy = (files, digest, providers) => {
    const key = `${digest} ${treeDigest(files)}`;
    const policy = known.get(key) ?? real.readPolicy(files, digest, providers);
    known.set(key, policy);
    return policy;
  };
  return { ...real, readPolicy };
});

const seed = Number(process.env['PAM_SEED'] ?? 20_261_122);
const numRuns = Number(process.env['PAM_RUNS'] ?? (isLong ? 50 : 10));
const n = fc.nat({ max: 4 });
const who = fc.nat({ max: 20 });
const minutes = fc.oneof(fc.integer({ min: 1, max: 230 }), fc.constantFrom(5, 60, 120, 240, 240, 300));
const step = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 30 }));
const SIGNED_BY: readonly (readonly string[])[] = [
  ...Array.from({ length: 14 }, () => ['bob', 'carol']),
  ['bob', 'carol', 'frank'],
  ['carol', 'erin'],
  ['bob', 'erin'],
  ['bob', 'bot'],
  ['bob'],
  ['dana', 'erin'],
  [],
];

const ask: fc.Arbitrary<Op> = fc.record({
  do: fc.constant('ask' as const),
  who,
  role: who,
  minutes,
  startIn: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 10, 90),
  incident: fc.constantFrom(false, false, false, false, true),
  signers: fc.constantFrom(...SIGNED_BY),
  merge: fc.constantFrom('pam' as const, 'git' as const, 'git' as const, 'git' as const, 'no' as const),
});
const wait: fc.Arbitrary<Op> = fc.record({
  do: fc.constant('wait' as const),
  seconds: fc.oneof(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 900, max: 9000 })),
});
const none: fc.Arbitrary<Fault> = fc.constant({ kind: 'none' });
const run = (fault: fc.Arbitrary<Fault>): fc.Arbitrary<Op> =>
  fc.record({
    do: fc.constant('run' as const),
    host: fc.nat({ max: 2 }),
    sweep: fc.constantFrom(false, false, true),
    fault,
  });
const small: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Op> }[] = [
  { weight: 3, arbitrary: fc.record({ do: fc.constant('approve' as const), n, who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('forge' as const), n, who, how: who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('stop' as const), n, who, raw: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('merge' as const), n, pam: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmerge' as const), n }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      n,
      minutes,
      thief: fc.constantFrom(false, false, true),
      onMain: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('forget' as const), n, every: fc.constantFrom(1, 2) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('policy' as const),
      change: who,
      who,
      signed: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ratify' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('incident' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('standing' as const), who, what: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('junk' as const), how: who }) },
  { weight: 4, arbitrary: wait },
];
const meets: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constant('meets' as const),
  step,
  others: fc.array(fc.oneof({ weight: 20, arbitrary: run(none) }, { weight: 8, arbitrary: ask }, ...small), {
    minLength: 1,
    maxLength: 3,
  }),
});
/** It oversleeps, or its grant is stopped, and another executor ends what it is about to give. */
const oversleeps: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constant('meets' as const),
  step: fc.integer({ min: 6, max: 24 }),
  others: fc.tuple(
    fc.oneof(
      fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(150, 4000, 16_000) }),
      fc.record({
        do: fc.constant('stop' as const),
        n: fc.nat({ max: 1 }),
        who: fc.constant(5),
        raw: fc.boolean(),
      }),
    ),
    fc.record({
      do: fc.constant('run' as const),
      host: fc.nat({ max: 2 }),
      sweep: fc.constant(true),
      fault: none,
    }),
  ),
});
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 5, arbitrary: none },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('dies' as const), step, after: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pauses' as const),
      step,
      seconds: fc.constantFrom(20, 40, 150, 3600, 9000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), step }) },
  { weight: 4, arbitrary: meets },
  { weight: 2, arbitrary: oversleeps },
);
const op: fc.Arbitrary<Op> = fc.oneof(
  // What a failing history's idle steps shrink to.
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant({ do: 'nothing' as const }) },
  { weight: 22, arbitrary: ask },
  { weight: 40, arbitrary: run(fault) },
  ...small,
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('target' as const),
      mood: fc.constantFrom(
        'well' as const,
        'well' as const,
        'well' as const,
        'down' as const,
        'breaks' as const,
        'lies' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      host: fc.nat({ max: 2 }),
      skew: fc.constantFrom(0, 0, -60, 60, -240, 240, -3600, 3600),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('damage' as const), back: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rewind-main' as const), who }) },
);

/** Two requests of one person for overlapping access, and a run that may meet trouble: more often than by chance. */
const together: fc.Arbitrary<readonly Op[]> = fc
  .tuple(
    fc.constantFrom(0, 1),
    fc.constantFrom([0, 1], [1, 0], [4, 1], [0, 4]),
    minutes,
    minutes,
    run(fault),
    run(fault),
  )
  .map(([asker, roles, long, longer, first, second]) => {
    const asks = roles.map((role, at): Op => {
      const signed = { startIn: 0, incident: false, signers: ['bob', 'carol'], merge: 'git' as const };
      return { do: 'ask', who: asker, role, minutes: at === 0 ? long : longer, ...signed };
    });
    return [...asks, first, second];
  });
const ending: fc.Arbitrary<readonly Op[]> = fc.tuple(wait, run(fault), run(fault));
const askFor = (role: number, signers: readonly string[], startIn = 0): Op => {
  const how = { minutes: 90, startIn, incident: false, merge: 'git' as const };
  return { do: 'ask', who: 0, role, signers, ...how };
};
/** Roads that chance alone seldom takes: a fallback before and after its time, a key stolen before a start,
 * a subject who leaves. */
const roads: fc.Arbitrary<readonly Op[]> = fc.oneof(
  fc
    .tuple(run(fault), fc.constantFrom(0, 600, 2000), fc.constantFrom(6, 8), run(fault))
    .map(([first, seconds, how, second]): readonly Op[] => [
      askFor(4, []),
      first,
      { do: 'wait', seconds },
      { do: 'forge', n: 0, who: 1, how },
      { do: 'approve', n: 0, who: 1 },
      second,
    ]),
  fc
    .tuple(run(fault), fc.constantFrom(0, 5, 10, 1), run(fault), run(fault))
    .map(([first, thief, second, third]): readonly Op[] => [
      askFor(0, ['bob', 'carol'], 10),
      first,
      { do: 'policy', change: 8, who: thief, signed: true },
      second,
      { do: 'wait', seconds: 700 },
      third,
    ]),
);
const leaving: fc.Arbitrary<readonly Op[]> = fc
  .tuple(run(fault), run(none))
  .map(([first, second]): readonly Op[] => [
    askFor(0, ['bob', 'carol']),
    first,
    { do: 'policy', change: 11, who: 0, signed: true },
    second,
    { do: 'run', host: 2, sweep: true, fault: { kind: 'none' } },
  ]);
const history: fc.Arbitrary<readonly Op[]> = fc
  .array(
    fc.oneof(
      { weight: 10, arbitrary: fc.tuple(op) },
      { weight: 2, arbitrary: together },
      { weight: 1, arbitrary: ending },
      { weight: 2, arbitrary: fc.oneof(roads, leaving) },
    ),
    { minLength: 12, maxLength: 35 },
  )
  .map((blocks) => blocks.flat());

describe(`random histories of the real flows (seed ${seed}, ${numRuns} histories)`, () => {
  it('keep the promise', { timeout: 300_000 }, async () => {
    const beginning = await begin();
    const sums: Record<string, number> = {};
    const seen = new Set<string>();
    let histories = 0;
    const property = fc.asyncProperty(history, async (steps) => {
      const stage = new HistoryStage(beginning);
      for (const one of steps) await stage.play(one);
      await stage.settle();
      histories += 1;
      for (const [name, count] of Object.entries(stage.model.counts)) sums[name] = (sums[name] ?? 0) + count;
      for (const one of stage.seen) seen.add(one);
    });
    await fc.assert(property, { seed, numRuns, interruptAfterTimeLimit: 150_000 });
    if (process.env['PAM_TELL'] !== undefined) console.log({ histories, ...sums, seen: [...seen].sort() });
    // Histories in which nothing happens prove nothing.
    expect(sums['grants']).toBeGreaterThan(histories);
    expect(sums['revocations']).toBeGreaterThan(histories);
    for (const rare of ['resumed', 'scheduled', 'kept']) expect([rare, sums[rare]]).not.toEqual([rare, 0]);
  });
});
