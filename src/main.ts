/** The process: arguments, clock, streams, signals, exit code. Nothing else reads any of them; `program.ts` is given them. */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { EXIT } from './model/error.ts';
import { instantOf } from './model/instant.ts';
import { tellUnsettled } from './process/doors.ts';
import { interrupt, isCutOff, isInterrupted } from './process/interrupt.ts';
import { PROCESS_RUN } from './process/this-run.ts';
import { runPam } from './program.ts';
import { Progress } from './views/progress.ts';

const progress = new Progress(process.stderr, () => Date.now());

/** The terminal and a parent that passes signals on both send one: so close together they are the same. */
const SAME_INTERRUPT_MS = 500;
/** A command that is cut off and does not come to its end is left behind. */
const PATIENCE_MS = 2500;
const heard: { firstAt?: number } = {};

/** The first is obeyed (`process/interrupt.ts`). A second ends this process at once, and tells what is not settled. */
function onSignal(): void {
  heard.firstAt ??= Date.now();
  if (!isInterrupted()) {
    interrupt();
    if (isCutOff()) setTimeout(() => process.exit(EXIT.interrupted), PATIENCE_MS).unref();
    return;
  }
  if (Date.now() - heard.firstAt < SAME_INTERRUPT_MS) return;
  progress.clear();
  for (const one of tellUnsettled()) process.stderr.write(`interrupted again: ${one}\n`);
  process.exit(EXIT.interrupted);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
process.once('exit', letGoOfTerminal);
// A reader that closes the pipe has seen enough; a terminal that is closed takes nothing any more.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const TERMINALS: readonly number[] = [0, 1, 2].filter((fd) => isatty(fd));

/** Node resets terminals at its end, and aborts (134, with a native trace) at one that is closed: it finds none. */
function letGoOfTerminal(): void {
  for (const fd of TERMINALS) if (!isatty(fd)) closeSync(fd);
}

/** What was cut off may still hold this process: a question on the terminal, an answer that is on its way. */
function leaveSoon(): void {
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  setTimeout(() => process.exit(), 100).unref();
}

const SHOW_CURSOR = '\u001b[?25h';

// No top-level await: the bundle is CommonJS.
async function start(): Promise<void> {
  // Should anything never answer, node ends in silence, and that must not look like success.
  process.exitCode = EXIT.bug;
  process.exitCode = await runPam(process.argv.slice(2), {
    env: process.env,
    // Both when they are asked for: the directory may be gone and stdin closed, and help needs neither.
    get cwd() {
      return process.cwd();
    },
    clock: () => instantOf(Date.now()),
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    progress,
    run: PROCESS_RUN,
  });
  if (isCutOff()) leaveSoon();
}
void start();
