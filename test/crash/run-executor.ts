/** Bundles the killable executor as the build bundles pam, and starts it in processes of its own. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Orders, Report } from './killable-executor.ts';

export interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  /** `null` when it died before it could say anything. */
  readonly report: Report | null;
  readonly steps: readonly string[];
  /** Numbers of steps that began when all before them were over, the one before them last. */
  readonly apart: ReadonlySet<number>;
  readonly stderr: string;
}

/** `limit`: a shell's `ulimit` that the executor and all that it starts live under. */
export type RunExecutor = (orders: Omit<Orders, 'steps'>, limit?: string) => Promise<Ended>;

const BANNER =
  "import{createRequire as __pamRequire}from'node:module';const require=__pamRequire(import.meta.url);";

export async function bundleExecutor(directory: string): Promise<RunExecutor> {
  const outfile = join(directory, 'killable-executor.mjs');
  await build({
    entryPoints: [new URL('killable-executor.ts', import.meta.url).pathname],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outfile,
    logLevel: 'warning',
    banner: { js: BANNER },
  });
  let started = 0;
  return async (orders, limit = ':') => {
    const steps = join(directory, `steps-${started++}`);
    return await start(outfile, { ...orders, steps }, limit);
  };
}

async function start(program: string, orders: Orders, limit: string): Promise<Ended> {
  return await new Promise((resolve, reject) => {
    const shell = ['-c', `${limit} && exec "$@"`, 'sh', process.execPath, program, JSON.stringify(orders)];
    const child = spawn('sh', shell, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '' },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const text = Buffer.concat(out).toString('utf8');
      const stderr = Buffer.concat(err).toString('utf8');
      const report = text === '' ? null : (JSON.parse(text) as Report);
      resolve({ code, signal, report, stderr, ...stepsOf(linesOf(orders.steps)) });
    });
  });
}

function stepsOf(lines: readonly string[]): Pick<Ended, 'steps' | 'apart'> {
  const steps: string[] = [];
  const apart = new Set<number>();
  const open = new Set<number>();
  let last = -1;
  for (const line of lines) {
    if (line.startsWith('.')) {
      last = Number(line.slice(1));
      open.delete(last);
    } else {
      if (open.size === 0 && last === steps.length - 1) apart.add(steps.length);
      open.add(steps.length);
      steps.push(line);
    }
  }
  return { steps, apart };
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    // Not one step was taken.
    return [];
  }
}
