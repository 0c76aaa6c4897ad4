/**
 * The program as it ships: bundled once for all tests as `npm run build` does it (`build/before-tests.ts`), copied into a
 * directory of this test file's own, and started as a process. What a test sees is what a person sees: two streams and an exit code.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, inject, vi } from 'vitest';

// Each step is a process that starts a dozen of git's own; on two busy cores that adds up.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const project = fileURLToPath(new URL('../..', import.meta.url));
const made: string[] = [];
afterAll(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pam-cli-'));
  made.push(dir);
  return dir;
}

const home = tempDir();
// Compiled code that is older than its source is not used.
cpSync(inject('dist'), join(home, 'dist'), { recursive: true, preserveTimestamps: true });
for (const path of ['bin', 'package.json'])
  cpSync(join(project, path), join(home, path), { recursive: true });

/** `bin/pam.js` of the private copy. */
export const program = (): string => join(home, 'bin', 'pam.js');
/** Its `dist/`. */
export const dist = (): string => join(home, 'dist');

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface How {
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** What is piped in; without it stdin is `/dev/null`, and with `null` it is closed. */
  readonly stdin?: string | null;
  /** Seconds that this process's clock is ahead of (or behind) the machine's. */
  readonly ahead?: number;
}

/** The clock is the process's own; only that process is moved. */
function clockAhead(seconds: number): string {
  const code = `const Real = Date; const ahead = ${seconds * 1000};
globalThis.Date = class extends Real { constructor(...args) { if (args.length === 0) super(Real.now() + ahead); else super(...args); } static now() { return Real.now() + ahead; } };`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

export function commandLine(args: readonly string[], ahead: number = 0): readonly string[] {
  return [...(ahead === 0 ? [] : ['--import', clockAhead(ahead)]), program(), ...args];
}

export async function runProgram(args: readonly string[], how: How): Promise<Ran> {
  const { cwd, env, stdin, ahead } = how;
  const line = commandLine(args, ahead);
  const closed = stdin === null;
  const file = closed ? '/bin/sh' : process.execPath;
  const all = closed ? ['-c', 'exec "$0" "$@" <&-', process.execPath, ...line] : [...line];
  return await new Promise<Ran>((resolve, reject) => {
    const child = spawn(file, all, {
      cwd,
      env: { ...env },
      stdio: [typeof stdin === 'string' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({
        code,
        signal,
        out: Buffer.concat(out).toString('utf8'),
        err: Buffer.concat(err).toString('utf8'),
      });
    });
    if (typeof stdin === 'string') child.stdin?.end(stdin);
  });
}

/** Any other program, the same way: stock git, ssh-keygen, a shell. */
export async function runStock(file: string, args: readonly string[], how: How): Promise<Ran> {
  return await new Promise<Ran>((resolve, reject) => {
    const child = spawn(file, [...args], {
      cwd: how.cwd,
      env: { ...how.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({
        code,
        signal,
        out: Buffer.concat(out).toString('utf8'),
        err: Buffer.concat(err).toString('utf8'),
      });
    });
    child.stdin.end(how.stdin ?? '');
  });
}
