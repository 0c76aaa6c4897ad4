import { describe, expect, it } from 'vitest';
import type { Planned, PlanStep } from '../../../src/flows/people/plan-run.ts';
import type { RunResult, RunStep } from '../../../src/flows/executor/run-result.ts';
import type { Decision } from '../../../src/model/decision.ts';
import { type Instant, parseInstant } from '../../../src/model/instant.ts';
import { isRequestId, isSha256, type RequestId, type Sha256 } from '../../../src/model/names.ts';
import { planText, runText } from '../../../src/views/run.ts';
import { PLAIN } from '../../../src/views/style.ts';

const NOW = instant('2026-11-29T17:18:03Z');
const END = instant('2026-11-29T18:03:03Z');

function instant(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined) throw new TypeError(text);
  return at;
}

function id(end: string): RequestId {
  const text = `20261129-bastion-root-${end}`;
  if (!isRequestId(text)) throw new TypeError(text);
  return text;
}

function head(): Sha256 {
  const text = `sha256:${'0'.repeat(64)}`;
  if (!isSha256(text)) throw new TypeError(text);
  return text;
}

function waits(end: string, message: string): RunResult['waiting'][number] {
  const decision: Decision = {
    verdict: 'pending',
    final: false,
    reasons: [{ code: 'E_POL_MERGED', ok: false, message }],
    grant: null,
    counted: [],
    helpers: [],
    next: null,
  };
  return { id: id(end), decision };
}

const run = (more: Partial<RunResult>): RunResult => ({
  steps: [],
  ledger: { seq: 3, head: head() },
  waiting: [],
  troubles: [],
  ...more,
});
const plan = (more: Partial<Planned>): Planned => ({
  steps: [],
  waiting: [],
  troubles: [],
  now: NOW,
  ...more,
});

const GRANTED: RunStep = {
  action: 'grant',
  id: id('aaaaaa'),
  target: 'bastion',
  result: 'done',
  error: null,
  what: `principal:root to dana until ${END}, approved by alice`,
};
const TO_GRANT: PlanStep = {
  action: 'grant',
  id: id('aaaaaa'),
  subject: 'dana',
  target: 'bastion',
  permissions: ['principal:root'],
  until: END,
  why: 'approved by alice',
};

describe('plans and runs', () => {
  it('tell one step in the same line', () => {
    const told =
      '  + grant    20261129-bastion-root-aaaaaa  bastion  principal:root to dana until 18:03:03 UTC (in 45m), approved by alice\n';
    expect(planText(plan({ steps: [TO_GRANT] }), PLAIN)).toBe(`${told}Plan: 1 to grant.\n`);
    expect(runText(run({ steps: [GRANTED] }), PLAIN, NOW)).toBe(`${told}1 granted.\n`);
  });

  it('fold what waits into one line, by reason, and have nothing to do all the same', () => {
    const waiting = [
      waits('aaaaaa', 'not merged into main yet'),
      waits('bbbbbb', 'rule 1 of 1: alice may approve'),
      waits('cccccc', 'not merged into main yet'),
    ];
    const folded =
      '  ? 3 waiting: not merged into main yet (2); rule 1 of 1: alice may approve (1)   `pam status` lists them\nNothing to do.\n';
    expect(runText(run({ waiting }), PLAIN, NOW)).toBe(folded);
    expect(planText(plan({ waiting }), PLAIN)).toBe(folded);
    const four = ['a', 'b', 'c', 'd'].map((why) => waits('dddddd', why));
    expect(runText(run({ waiting: four }), PLAIN, NOW)).toContain('4 waiting: a (1); b (1); c (1); ...  ');
  });

  it('tell one that waits by its id', () => {
    const waiting = [waits('aaaaaa', 'not merged into main yet')];
    const told = '  ? wait     20261129-bastion-root-aaaaaa  not merged into main yet\nNothing to do.\n';
    expect(runText(run({ waiting }), PLAIN, NOW)).toBe(told);
    expect(planText(plan({ waiting }), PLAIN)).toBe(told);
  });

  it('say of a sweep that found nothing what the ledger holds of sweeps', () => {
    const lastSweep = instant('2026-11-29T17:17:11Z');
    expect(runText(run({ idle: { lastSweep, every: 900 } }), PLAIN, NOW)).toBe(
      'Nothing to do (last recorded sweep: 17:17:11 UTC (52s ago); idle sweeps are recorded every 15m).\n',
    );
    expect(runText(run({ idle: { lastSweep: null, every: null } }), PLAIN, NOW)).toBe(
      'Nothing to do (last recorded sweep: none on record; idle sweeps are recorded only with sweep_within).\n',
    );
  });
});
