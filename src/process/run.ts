/**
 * The only file that may start another program (plain Git over the network goes through simple-git, in
 * `git/network.ts`). Rules of this room: argument arrays and no shell; an environment that the caller spells out;
 * every run is bounded in time and in bytes; a program that does not start, hangs or floods is a typed error.
 */
import { spawn } from 'node:child_process';
import { Interrupted, PamError } from '../model/error.ts';
import { checkInterrupt, isCutOff, isInterrupted, ownTurn, whenCutOff } from './interrupt.ts';
import { thisRun } from './this-run.ts';

export interface RunOptions {
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Promised: the program starts meanwhile. If the promise breaks it reads nothing, and the run fails with that error. */
  readonly stdin?: Uint8Array | Promise<Uint8Array>;
  readonly timeoutMs: number;
  /** Limit for stdout and stderr together. */
  readonly maxBytes: number;
  /**
   * Own process group, killed whole on a time-out; the terminal's Ctrl-C does not reach it. Not for programs that ask on
   * the terminal.
   */
  readonly ownGroup?: boolean;
  /** Lets the program talk to the person on stderr (passphrase and touch prompts). */
  readonly showStderr?: boolean;
}

export interface RunResult {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Throws `Interrupted` when this process is cut off before the program ended. A program that an interrupt may have
 * ended while there is something to finish is run once more: all that pam runs may be run twice.
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const bad = [program, ...args].find((arg) => arg.includes('\0'));
  if (bad !== undefined) throw new PamError('E_RUN_ARGUMENT', `an argument for ${program} holds a NUL byte`);
  const before = isInterrupted();
  const result = await runOnce(program, args, options);
  if (result.code === 0 || before || !isInterrupted()) return result;
  return await runOnce(program, args, options);
}

const PATIENCE_MS = 1000;

async function runOnce(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  checkInterrupt();
  const prompts = options.showStderr === true ? thisRun().stderr : undefined;
  return await new Promise<RunResult>((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...options.env },
      cwd: options.cwd,
      detached: options.ownGroup === true,
      stdio: ['pipe', 'pipe', prompts === 'inherit' ? 'inherit' : 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    let failure: unknown;
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => {
      try {
        if (options.ownGroup === true && child.pid !== undefined) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // Already gone.
      }
    };
    const fail = (error: PamError | Interrupted): void => {
      failure ??= error;
      kill();
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    // Politely first: ssh-keygen gives the terminal its echo back, git removes its locks.
    const ignore = whenCutOff(() => {
      failure ??= new Interrupted();
      kill('SIGTERM');
      const late = setTimeout(() => fail(new Interrupted()), PATIENCE_MS);
      child.once('exit', () => {
        clearTimeout(late);
        fail(new Interrupted());
      });
    });
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > options.maxBytes) {
        fail(new PamError('E_RUN_OUTPUT', `${program} printed more than ${options.maxBytes} bytes`));
      } else into.push(chunk);
    };
    child.stdout?.on('data', collect(out));
    child.stderr?.on('data', typeof prompts === 'function' ? prompts : collect(err));
    // A program that exits without reading its input is judged by its answer, not by the broken pipe.
    child.stdin?.on('error', () => undefined);
    child.on('error', (cause: NodeJS.ErrnoException) => {
      over = true;
      ignore();
      clearTimeout(timer);
      const missing = cause.code === 'ENOENT';
      reject(
        new PamError(missing ? 'E_RUN_MISSING' : 'E_RUN', `could not start ${program}`, {
          cause,
          ...(missing ? { hint: `install ${program} and make sure that it is in PATH` } : {}),
        }),
      );
    });
    const closed = async (code: number | null, signal: string | null): Promise<void> => {
      over = true;
      clearTimeout(timer);
      // What a plugin left running in its group must not outlive it.
      if (options.ownGroup === true) kill();
      await ownTurn(code, signal);
      ignore();
      if (isCutOff()) reject(new Interrupted());
      else if (failure !== undefined) reject(failure);
      else resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') });
    };
    child.on('close', (code, signal) => void closed(code, signal));
    const feed = (input: Uint8Array): void => {
      if (over) return;
      timer = setTimeout(() => {
        fail(new PamError('E_RUN_TIMEOUT', `${program} did not finish within ${options.timeoutMs / 1000} s`));
      }, options.timeoutMs);
      child.stdin?.end(input);
    };
    const { stdin = new Uint8Array() } = options;
    if (stdin instanceof Uint8Array) feed(stdin);
    else
      stdin.then(feed, (error: unknown) => {
        failure ??= error;
        feed(new Uint8Array());
      });
  });
}
