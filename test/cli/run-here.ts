/**
 * The same program in this process: `runPam` of the bundle that ships, with streams, environment, directory and clock of
 * its own. A start costs no process, which is most of what a command costs. What only a process can show (signals,
 * terminals, closed pipes, the start itself) is shown by the tests that start one; `PAM_WORLD=process` starts one for all.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { instantOf } from '../../src/model/instant.ts';
import { dist, type How, type Ran, runProgram } from './program.ts';

type Program = typeof import('../../src/program.ts');

const load = createRequire(import.meta.url);
let loaded: Program | undefined;
const programHere = (): Program => (loaded ??= load(join(dist(), 'program.cjs')) as Program);

export type Run = ReturnType<Program['newRun']>;

class Collected extends Writable {
  readonly #parts: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#parts.push(chunk);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }
}

export const interruptRun = (run: Run): void => programHere().interrupt(run);

/** A run that a test wants to interrupt. `Ran.signal` is always `null`: nothing ends this process. */
export function beginHere(
  args: readonly string[],
  { cwd, env, ahead = 0 }: Omit<How, 'stdin'>,
): { readonly run: Run; readonly ran: Promise<Ran> } {
  const { newRun, Progress, runPam } = programHere();
  const [stdout, stderr] = [new Collected(), new Collected()];
  const run = newRun((chunk) => void stderr.write(chunk));
  const ran = runPam(args, {
    env: { ...env },
    cwd,
    clock: () => instantOf(Date.now() + ahead * 1000),
    stdin: Readable.from([]),
    stdout,
    stderr,
    progress: new Progress(stderr, () => Date.now()),
    run,
  }).then((code): Ran => ({ code, signal: null, out: stdout.text, err: stderr.text }));
  return { run, ran };
}

const asProcesses = process.env['PAM_WORLD'] === 'process';

/** As `runProgram` does it, and here if that shows the same: nothing is piped in, no terminal and no signal. */
export async function runHere(args: readonly string[], how: How): Promise<Ran> {
  if (asProcesses || how.stdin !== undefined) return await runProgram(args, how);
  return await beginHere(args, how).ran;
}
