/**
 * Many records in `open/` at once: what a sweep costs that finds nothing to do, and what the first one costs on a machine
 * that walks every entry from the genesis. Time of processors, so that a busy machine says little about it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { instantOf } from '../../src/model/instant.ts';
import { cloneOf, type Machine, machineAt } from './access.ts';
import { sweepOf } from './executor-rows.ts';
import { type History, makeHistory } from './make-history.ts';
import { interleave, PLACE } from './measure.ts';
import { ms, type Row, type Scale } from './report.ts';

async function openHistory(name: string, live: number, together: number): Promise<History> {
  const now = instantOf(Date.now());
  return await makeHistory(join(PLACE, `${name}.git`), {
    past: 20,
    live,
    together,
    due: false,
    now,
    remote: true,
  });
}

async function freshMachine(history: History, place: string): Promise<Machine> {
  const machine = machineAt(place, history.root);
  await cloneOf(history, machine.clone);
  return machine;
}

/** As many grants as one entry holds begin together, since how they came is nothing to a sweep that knows them all. */
const TOGETHER = 80;

export async function idleRow({ rounds, open, fewOpen }: Scale): Promise<Row> {
  let peak = 0;
  const jobs: (() => Promise<number>)[] = [];
  for (const live of [fewOpen, open]) {
    const history = await openHistory(`open-${live}`, live, TOGETHER);
    const machine = await freshMachine(history, join(PLACE, `idle-${live}`));
    await sweepOf(machine, 0);
    jobs.push(async () => {
      const ran = await sweepOf(machine, 0);
      peak = Math.max(peak, ran.peak);
      return ran.cpu;
    });
  }
  const [few = Number.NaN, many = Number.NaN] = await interleave(rounds, jobs);
  return {
    name: 'idle-open',
    job: `\`pam sweep\`, ${open} open records, nothing new and none due, CPU`,
    figure: ms(many),
    against: `${fewOpen} open records: ${ms(few)}`,
    ratio: many / few,
    goal: '<= 2.5x',
    met: many / few <= 2.5,
    peak,
    numbers: { many_cpu_ms: many, few_cpu_ms: few },
  };
}

/** Each grant has entries of its own, so the index has every size on the way. */
export async function firstSweepRow({ open }: Scale): Promise<Row> {
  let peak = 0;
  const took: number[] = [];
  for (const live of [open / 10, open]) {
    const history = await openHistory(`first-${live}`, live, 1);
    const rounds: number[] = [];
    for (let round = 0; round < 2; round++) {
      const place = join(PLACE, `first-${live}-${round}`);
      const ran = await sweepOf(await freshMachine(history, place), 0);
      rmSync(place, { recursive: true });
      peak = Math.max(peak, ran.peak);
      rounds.push(ran.cpu);
    }
    took.push(Math.min(...rounds));
  }
  const [few = Number.NaN, many = Number.NaN] = took;
  return {
    name: 'first-open',
    job: `the first \`pam sweep\` of a machine, ${open} open records, CPU`,
    figure: ms(many),
    against: `${open / 10} open records: ${ms(few)}; the least of two each`,
    ratio: many / few,
    goal: '<= 15x',
    met: many / few <= 15,
    peak,
    numbers: { many_cpu_ms: many, few_cpu_ms: few },
  };
}
