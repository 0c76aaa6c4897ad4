/** Programs and their time: medians of interleaved runs, so that whatever else the machine does hits all alike. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program as it ships. The bench itself is bundled into `coverage/`, one level below the project. */
export const PROJECT = fileURLToPath(new URL('..', import.meta.url));
export const PAM = join(PROJECT, 'bin', 'pam.js');

/** Everything that the bench makes lies below this directory, which goes when the process ends. */
export const PLACE = mkdtempSync(join(tmpdir(), 'pam-bench-'));
process.once('exit', () => rmSync(PLACE, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

export interface Ran {
  readonly ms: number;
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface How {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

/** Nothing is inherited but PATH: `NODE_EXTRA_CA_CERTS` alone would double the start of every node. */
export async function run(file: string, args: readonly string[], how: How = {}): Promise<Ran> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: PLACE, TMPDIR: PLACE, ...how.env };
  const begun = performance.now();
  const child = spawn(file, args, { cwd: how.cwd ?? PLACE, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(how.input ?? '');
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const text = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('utf8');
  return { ms: performance.now() - begun, code, out: text(out), err: text(err) };
}

export const pam = async (args: readonly string[], how: How = {}): Promise<Ran> =>
  await run(process.execPath, [PAM, ...args], how);

/** Fails unless the program ended with 0; a figure of something that did not work is no figure. */
export async function must(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.code === 0) return ran;
  throw new Error(`exit ${String(ran.code)}: ${ran.err.slice(-2000)}${ran.out.slice(-500)}`);
}

/** Runs what follows, and says last what it and all that it started took of the processors. */
const WITH_TIMES = '"$@"; code=$?; times >&2; exit "$code"';

/** Milliseconds of processors: that of the shell itself is nothing. */
function cpuIn(err: string): { readonly cpu: number; readonly said: string } {
  const lines = err.trimEnd().split('\n');
  const told = [...(lines.at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/gu)];
  if (told.length !== 2) throw new Error(`the shell told no times: ${err.slice(-200)}`);
  const cpu = told.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  );
  return { cpu, said: lines.slice(0, -2).join('\n') };
}

export interface Watched extends Ran {
  /** What one process held in memory at most, in MiB. */
  readonly peak: number;
  /** Milliseconds that it and all programs that it started took of the processors. */
  readonly cpu: number;
}

/** `pam` with its clock moved so many seconds. */
export async function pamWatched(
  args: readonly string[],
  how: How & { readonly ahead?: number } = {},
): Promise<Watched> {
  const note = join(PLACE, `peak-${Math.random().toString(36).slice(2)}`);
  mkdirSync(note);
  const past = (how.ahead ?? 0) * 1000;
  const code = `import { writeFileSync } from 'node:fs';
const Real = Date;
if (${past} !== 0) globalThis.Date = class extends Real { constructor(...a) { if (a.length === 0) super(Real.now() + ${past}); else super(...a); } static now() { return Real.now() + ${past}; } };
process.on('exit', () => writeFileSync(${JSON.stringify(note)} + '/' + process.pid, String(process.resourceUsage().maxRSS)));`;
  // As an option of the environment it is heard by the processes that pam starts of itself, too.
  const env = { ...how.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
  const ran = await run('sh', ['-c', WITH_TIMES, 'sh', process.execPath, PAM, ...args], { ...how, env });
  const { cpu, said } = cpuIn(ran.err);
  const peaks = readdirSync(note).map((name) => Number(readFileSync(join(note, name), 'utf8')) / 1024);
  rmSync(note, { recursive: true });
  return { ...ran, err: said, cpu, peak: Math.max(...peaks) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Each job once a round, in turn; the first round only warms caches. Medians, in the order of the jobs. */
export async function interleave(
  rounds: number,
  jobs: readonly (() => Promise<number> | number)[],
): Promise<readonly number[]> {
  const times = jobs.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [at, job] of jobs.entries()) {
      const ms = await job();
      if (round >= 0) times[at]?.push(ms);
    }
  }
  return times.map(median);
}

/** Milliseconds of processors that this process takes for it. */
export function cpuOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
