/** Executors: sweeps that find nothing, one append, many endings at once, and a crowd on one remote. */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { appendEntry } from '../../src/flows/ledger/append-entry.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import { printPack } from '../../src/git/new-objects.ts';
import { mayBeLive } from '../../src/model/open-record.ts';
import type { Provider } from '../../src/model/target.ts';
import {
  cloneOf,
  copyOf,
  deskAt,
  git,
  KEYS,
  type Machine,
  machineAt,
  rememberYesterday,
  SWEEP,
} from './access.ts';
import { type History, makeHistory } from './make-history.ts';
import {
  interleave,
  median,
  must,
  pam,
  pamWatched,
  percentile,
  PLACE,
  run,
  timed,
  type Watched,
} from './measure.ts';
import { ms, type Row, type Scale } from './report.ts';
import { instantOf } from '../../src/model/instant.ts';

const HALF_PAST_SIX = 6.5 * 3600;

let copies = 0;

/** Half a gigabyte that was copied a moment ago and is still on its way to the disk would be waited for by every fsync. */
async function settled(): Promise<void> {
  await must(run('sync', []));
}

/** The machine as it was yesterday, once more. */
function again({ clone, env }: Machine, state: string, place: string): Machine {
  copies += 1;
  const to = join(place, `copy-${copies}`);
  mkdirSync(to);
  copyOf(clone, join(to, 'clone'));
  if (existsSync(state)) cpSync(state, join(to, 'state'), { recursive: true });
  return {
    clone: join(to, 'clone'),
    state: join(to, 'state'),
    env: { ...env, XDG_STATE_HOME: join(to, 'state') },
  };
}

interface Standing {
  readonly history: History;
  readonly yesterday: Machine;
  readonly place: string;
}

async function standing(history: History, name: string): Promise<Standing> {
  const place = join(PLACE, name);
  const yesterday = machineAt(place, history.root);
  await cloneOf(history, yesterday.clone, { yesterday: true });
  await rememberYesterday(history, yesterday);
  return { history, yesterday, place };
}

interface Swept {
  readonly steps: readonly { readonly action: string; readonly id: string; readonly result: string }[];
}

export async function sweepOf(machine: Machine, expected: number, ahead = 0): Promise<Watched> {
  const ran = await pamWatched(['sweep', '--json', '-C', machine.clone], { env: machine.env, ahead });
  if (ran.code !== 0) throw new Error(`pam sweep: exit ${String(ran.code)} ${ran.err.slice(-500)}`);
  const { steps } = JSON.parse(ran.out) as Swept;
  if (steps.length !== expected) throw new Error(`pam sweep took ${steps.length} steps, not ${expected}`);
  return ran;
}

/** Whoever finds nothing must still find what is there: in a copy of remote and clone, since finding writes. */
async function mustFindTheDue({ history, yesterday, place }: Standing): Promise<void> {
  const machine = again(yesterday, yesterday.state, place);
  const bare = copyOf(history.dir, join(place, 'found.git'));
  await git(machine.clone, 'remote', 'set-url', 'origin', `file://${bare}`);
  await rememberYesterday(history, machine);
  const ran = await pamWatched(['sweep', '--json', '-C', machine.clone], {
    env: machine.env,
    ahead: HALF_PAST_SIX,
  });
  const { steps } = JSON.parse(ran.out) as Swept;
  const [step] = steps;
  if (ran.code !== 0 || steps.length !== 1 || step?.id !== history.due || step?.result !== 'done') {
    throw new Error(
      `sweep did not end exactly the grant that is due: exit ${String(ran.code)} ${ran.out} ${ran.err}`,
    );
  }
  rmSync(bare, { recursive: true });
}

export async function sweepRows(scale: Scale, small: History, large: History): Promise<readonly Row[]> {
  const sizes = [await standing(small, 'small'), await standing(large, 'large')];
  for (const one of sizes) await mustFindTheDue(one);
  let peak = 0;
  const standingJobs = sizes.map(({ yesterday, place }) => async (): Promise<number> => {
    const machine = again(yesterday, yesterday.state, place);
    await settled();
    const ran = await sweepOf(machine, 0);
    peak = Math.max(peak, ran.peak);
    rmSync(join(machine.clone, '..'), { recursive: true });
    return ran.ms;
  });
  const shallowJobs = sizes.map(({ history, yesterday, place }) => async (): Promise<number> => {
    copies += 1;
    const at = join(place, `ci-${copies}`);
    mkdirSync(at);
    await cloneOf(history, join(at, 'clone'), { shallow: true });
    const state = join(at, 'state');
    cpSync(yesterday.state, state, { recursive: true });
    const machine = { clone: join(at, 'clone'), state, env: { ...yesterday.env, XDG_STATE_HOME: state } };
    await rememberYesterday(history, machine);
    await settled();
    const ran = await sweepOf(machine, 0);
    rmSync(at, { recursive: true });
    return ran.ms;
  });
  const [a = 0, b = 0, c = 0, d = 0] = await interleave(scale.rounds, [...standingJobs, ...shallowJobs]);
  const cold = machineAt(join(PLACE, 'cold'), large.root);
  await cloneOf(large, cold.clone);
  const walked = await sweepOf(cold, 0);
  return [
    {
      name: 'sweep',
      job: `\`pam sweep\`, 50 live, none due, ${scale.large} past grants, verified up to yesterday`,
      figure: ms(b),
      against: `${scale.small} past grants: ${ms(a)}; cold full walk: ${ms(walked.ms)}, ${walked.peak.toFixed(0)} MiB`,
      ratio: b / a,
      goal: '<= 1.15x',
      met: b / a <= 1.15,
      peak,
      numbers: { large_ms: b, small_ms: a, cold_ms: walked.ms, cold_peak_mib: walked.peak },
    },
    {
      name: 'sweep-ci',
      job: 'the same in a shallow clone as CI makes it, kept head of yesterday',
      figure: ms(d),
      against: `${scale.small} past grants: ${ms(c)}`,
      ratio: d / c,
      goal: '<= 2x',
      met: d / c <= 2,
      peak: null,
      numbers: { large_ms: d, small_ms: c },
    },
  ];
}

interface Watch {
  /** Milliseconds that went to the remote and to targets. */
  outside: number;
  pushes: number;
  signatures: number;
}

/** The desk, with a watch on what is not the ledger's own cost. */
function watched(desk: Desk, watch: Watch): Desk {
  const away = async <T>(work: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      watch.outside += performance.now() - begun;
    }
  };
  const providers = [...desk.providers].map(([name, provider]): [string, Provider] => [
    name,
    {
      ...provider,
      open: async (place) => {
        const session = await provider.open(place);
        return {
          ...session,
          inspect: async (order) => await away(async () => await session.inspect(order)),
          revoke: async (order, scene) => await away(async () => await session.revoke(order, scene)),
          verifyIdentity: async () => await away(async () => await session.verifyIdentity()),
        };
      },
    },
  ]);
  const { remote } = desk;
  return {
    ...desk,
    providers: new Map(providers),
    sign: async (...args) => {
      watch.signatures += 1;
      return await desk.sign(...args);
    },
    remote:
      remote === null
        ? null
        : {
            name: remote.name,
            open: async () => {
              const open = await remote.open();
              return {
                ...open,
                fetch: async (specs) => await away(async () => await open.fetch(specs)),
                list: async (patterns) => await away(async () => await open.list(patterns)),
                push: async (moves) => {
                  watch.pushes += 1;
                  return await away(async () => await open.push(moves));
                },
              };
            },
          },
  };
}

const executor = { name: SWEEP, keyFile: join(KEYS, SWEEP) };

/** What an append cannot do without: one signature, and one commit with the files that change, through git. */
async function bareParts({ clone, env }: Machine): Promise<readonly [number, number]> {
  const key = env['PAM_EXECUTOR_KEY'] ?? '';
  const text = (): string => `${'entry '.repeat(80)}${Math.random()}`;
  // An entry, its signature, a file of `open/`, two trees and the commit: six objects to store.
  const objects = Array.from({ length: 6 }, () => ({ type: 'blob' as const, body: Buffer.from(text()) }));
  const sign = await must(
    run('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', 'bench@pam'], { input: text() }),
  );
  const wrote = await must(
    run('git', ['-C', clone, '-c', 'core.fsync=all', 'unpack-objects', '-q'], {
      input: await printPack(objects, 'sha1'),
    }),
  );
  return [sign.ms, wrote.ms];
}

/**
 * In a process of its own, as a run of pam is one: starting a program costs more the more its parent holds. Medians on
 * stdout: an append to each of the ledgers, and what its two programs cost by themselves in the same rounds.
 */
export async function appendInTurn(machines: readonly Machine[], rounds: number): Promise<void> {
  const parts: [number[], number[]] = [[], []];
  const jobs: (() => Promise<number>)[] = [];
  for (const machine of machines) {
    const watch: Watch = { outside: 0, pushes: 0, signatures: 0 };
    const desk = watched(await deskAt(machine), watch);
    let view = await readLedger(desk, executor);
    jobs.push(async () => {
      const before = watch.outside;
      const took = await timed(async () => {
        const appended = await appendEntry(desk, executor, view, async () => ({
          events: [{ type: 'heartbeat', id: '-', live: 51 }],
        }));
        if (appended.entry?.seq !== view.state.seq + 1) throw new Error('the entry was not appended');
        view = appended.view;
      });
      const bare = await bareParts(machine);
      for (const at of [0, 1] as const) parts[at].push(bare[at]);
      return took - (watch.outside - before);
    });
  }
  const appends = await interleave(rounds, jobs);
  process.stdout.write(`${JSON.stringify([...appends, ...parts.map(median)])}\n`);
}

export async function appendRow(scale: Scale, small: History, large: History): Promise<Row> {
  const machines: Machine[] = [];
  for (const [at, history] of [small, large].entries()) {
    const place = join(PLACE, `append-${at}`);
    const machine = machineAt(place, history.root);
    const bare = copyOf(history.dir, join(place, 'access.git'));
    await cloneOf(history, machine.clone);
    await git(machine.clone, 'remote', 'set-url', 'origin', `file://${bare}`);
    await rememberYesterday(history, machine);
    machines.push(machine);
  }
  const out = await inAnother(['--append-in-turn', String(scale.rounds * 4), JSON.stringify(machines)]);
  const [a = Number.NaN, b = Number.NaN, sign = Number.NaN, write = Number.NaN] = JSON.parse(out) as number[];
  return {
    name: 'append',
    job: `append one entry to ${scale.large} past grants, without the push`,
    figure: ms(b),
    against: `${scale.small} past grants: ${ms(a)}; git alone: ${ms(write)}; ssh-keygen, which it does without: ${ms(sign)}`,
    ratio: b / a,
    goal: '<= 10 ms, flat',
    met: b <= 10 && b / a <= 1.15,
    peak: null,
    numbers: { large_ms: b, small_ms: a, sign_ms: sign, write_ms: write },
  };
}

/** This very bench with other orders, in a process of its own: what it writes on stdout. */
async function inAnother(args: readonly string[]): Promise<string> {
  const [bench = ''] = process.argv.slice(1);
  return (await must(run(process.execPath, [bench, ...args]))).out;
}

export async function endingsRow(scale: Scale): Promise<Row> {
  const place = join(PLACE, 'endings');
  const history = await makeHistory(join(place, 'access.git'), {
    past: 100,
    live: scale.endings,
    due: false,
    now: instantOf(Date.now()),
    remote: true,
  });
  const machine = machineAt(place, history.root);
  await cloneOf(history, machine.clone);
  const took: number[] = [];
  let [pushes, signatures] = [0, 0];
  for (let round = 0; round < scale.rounds; round++) {
    const one = again(machine, machine.state, place);
    const bare = copyOf(history.dir, join(place, `round-${round}.git`));
    await git(one.clone, 'remote', 'set-url', 'origin', `file://${bare}`);
    // A sweep that finds nothing verifies up to now.
    await must(pam(['sweep', '-C', one.clone], { env: one.env }));
    const out = await inAnother(['--end-all', String(scale.endings), JSON.stringify(one)]);
    const ended = JSON.parse(out) as Ended;
    took.push(ended.ms);
    ({ pushes, signatures } = ended);
  }
  const middle = median(took);
  const least = Math.min(...took);
  return {
    name: 'endings',
    job: `a sweep that ends ${scale.endings} grants at once, in a process of its own, without remote and target`,
    figure: ms(middle),
    against: `the least ${ms(least)}; ${pushes} push, ${signatures} signatures (the entry, the kept head)`,
    ratio: null,
    goal: '<= 150 ms, one push',
    met: middle <= 150 && pushes === 1,
    peak: null,
    numbers: { ledger_ms: middle, least_ms: least, pushes, signatures },
  };
}

interface Ended {
  /** Without what went to the remote and to targets. */
  readonly ms: number;
  readonly pushes: number;
  readonly signatures: number;
}

/** In a process of its own: a sweep that ends so many grants, all there are; `Ended` on stdout. */
export async function endAllOf(machine: Machine, count: number): Promise<void> {
  const watch: Watch = { outside: 0, pushes: 0, signatures: 0 };
  const desk = watched(await deskAt(machine, 15 * 3600), watch);
  const whole = await timed(async () => {
    const { steps } = await sweep(desk, executor, { targets: [] });
    const done = steps.filter(({ action, result }) => action === 'revoke' && result === 'done').length;
    if (done !== count) throw new Error(`${done} of ${count} grants ended`);
  });
  const { outside, pushes, signatures } = watch;
  process.stdout.write(`${JSON.stringify({ ms: whole - outside, pushes, signatures } satisfies Ended)}\n`);
}

/** How long each of them took until it was on the remote, in ms, and from when to when all of them did. */
interface Written {
  readonly each: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** In a process of its own: so many heartbeats, one after the other; `Written` on stdout. */
export async function appendMany(machine: Machine, count: number): Promise<void> {
  const desk = await deskAt(machine);
  let view = await readLedger(desk, executor);
  const each: number[] = [];
  const from = Date.now();
  for (let at = 0; at < count; at++) {
    each.push(
      await timed(async () => {
        const appended = await appendEntry(desk, executor, view, async () => ({
          // Of one key and one second, equal entries would be one commit.
          events: [{ type: 'heartbeat', id: '-', live: (process.pid % 10_000) * 100 + at }],
        }));
        if (appended.entry === null) throw new Error('nothing was appended');
        view = appended.view;
      }),
    );
  }
  process.stdout.write(`${JSON.stringify({ each, from, to: Date.now() } satisfies Written)}\n`);
}

/** In a process of its own: a sweep that ends so many grants, those that stand at this place; `Written` on stdout. */
export async function endSome(machine: Machine, place: number, count: number): Promise<void> {
  const desk = await deskAt(machine, 15 * 3600);
  const { state } = await readLedger(desk, executor);
  const live = [...state.index.records.values()].filter(mayBeLive).map(({ id }) => id);
  const ids = new Set(live.toSorted().slice(place * count, (place + 1) * count));
  const from = Date.now();
  const took = await timed(async () => {
    const { steps } = await sweep(desk, executor, { targets: [], ids });
    const done = steps.filter(({ action, result }) => action === 'revoke' && result === 'done').length;
    if (done !== count) throw new Error(`${done} of ${count} grants ended`);
  });
  // Nobody knows of any of them before the entry of all is there.
  const each = Array.from({ length: count }, () => took);
  process.stdout.write(`${JSON.stringify({ each, from, to: Date.now() } satisfies Written)}\n`);
}

/** In a second, from the first one's begin to the last one's end. */
function rateOf(runs: readonly Written[]): number {
  const took = Math.max(...runs.map(({ to }) => to)) - Math.min(...runs.map(({ from }) => from));
  return (runs.flatMap(({ each }) => each).length / took) * 1000;
}

interface Crowd {
  readonly history: History;
  readonly machines: readonly Machine[];
}

/** So many machines that have verified all there is, on one remote. */
async function crowd(name: string, executors: number, live: number): Promise<Crowd> {
  const place = join(PLACE, name);
  const now = instantOf(Date.now());
  const wish = { past: 100, live, due: false, now, remote: true };
  const history = await makeHistory(join(place, 'access.git'), wish);
  const machines: Machine[] = [];
  for (let at = 0; at < executors; at++) {
    const machine = machineAt(join(place, String(at)), history.root);
    await cloneOf(history, machine.clone);
    await must(pam(['sweep', '-C', machine.clone], { env: machine.env }));
    machines.push(machine);
  }
  return { history, machines };
}

const entriesOf = async ({ dir }: History): Promise<number> =>
  Number(await git(dir, 'rev-list', '--count', 'refs/heads/pam-ledger'));

export async function crowdRows(scale: Scale): Promise<readonly Row[]> {
  return [await batchesRow(scale), await appendsRow(scale)];
}

/** As executors work: what waits, here all that one run ended, is one entry. */
async function batchesRow({ executors, appends }: Scale): Promise<Row> {
  const { history, machines } = await crowd('crowd', executors, executors * appends);
  const before = await entriesOf(history);
  const runs = await Promise.all(
    machines.map(
      async (machine, at) =>
        JSON.parse(
          await inAnother(['--end-some', `${at}`, `${appends}`, JSON.stringify(machine)]),
        ) as Written,
    ),
  );
  const entries = (await entriesOf(history)) - before;
  const reader = machineAt(join(PLACE, 'crowd-reader'), history.root);
  await cloneOf(history, reader.clone);
  const left = [...(await readLedger(await deskAt(reader), null)).state.index.records.values()];
  const lost = left.filter(mayBeLive).length;
  if (lost > 0) throw new Error(`${lost} endings are not on the ledger`);
  const all = runs.flatMap(({ each }) => each);
  const [rate, slow] = [rateOf(runs), percentile(all, 0.99)];
  return {
    name: 'crowd',
    job: `${executors} executors x ${appends} endings on one remote, what waits is one entry; nothing lost`,
    figure: `${rate.toFixed(0)} endings/s, p99 ${ms(slow)}`,
    against: `${entries} entries; median ${ms(median(all))}, reading and asking the target included`,
    ratio: null,
    goal: '>= 40/s, p99 <= 1.5 s',
    met: rate >= 40 && slow <= 1500,
    peak: null,
    numbers: { per_second: rate, entries, p50_ms: median(all), p99_ms: slow },
  };
}

/** As nobody works: every event an entry and a push of its own, one after the other. */
async function appendsRow({ executors, appends }: Scale): Promise<Row> {
  const { history, machines } = await crowd('crowd-single', executors, 50);
  const appendsOf = async (machine: Machine): Promise<Written> =>
    JSON.parse(await inAnother(['--append', String(appends), JSON.stringify(machine)])) as Written;
  // What the remote and this machine give to one who never loses.
  const lone = await Promise.all(machines.slice(0, 1).map(appendsOf));
  const before = await entriesOf(history);
  const runs = await Promise.all(machines.map(appendsOf));
  const all = runs.flatMap(({ each }) => each);
  const written = (await entriesOf(history)) - before;
  const wanted = executors * appends;
  if (written !== wanted || all.length !== wanted)
    throw new Error(`${written} of ${wanted} entries are on the ledger`);
  const [alone, rate, slow] = [rateOf(lone), rateOf(runs), percentile(all, 0.99)];
  return {
    name: 'crowd-single',
    job: `${executors} executors x ${appends} appends, each an entry and a push of its own; nothing lost`,
    figure: `${rate.toFixed(0)} entries/s, p99 ${ms(slow)}`,
    against: `one alone: ${alone.toFixed(0)} entries/s; median of the crowd ${ms(median(all))}`,
    ratio: rate / alone,
    goal: '>= 40/s, p99 <= 1.5 s',
    met: rate >= 40 && slow <= 1500,
    peak: null,
    numbers: { per_second: rate, alone_per_second: alone, p50_ms: median(all), p99_ms: slow },
  };
}
