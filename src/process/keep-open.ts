/**
 * A program that stays open and answers questions one after the other. It goes when it was idle for a while, when
 * it breaks a bound, and when this process ends (its input closes). It keeps this process alive only while a question is open.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Interrupted, PamError } from '../model/error.ts';
import { checkInterrupt, isCutOff, isInterrupted, ownTurn, whenCutOff } from './interrupt.ts';

export interface KeepOpenOptions {
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** For one conversation. */
  readonly timeoutMs: number;
}

/** What one conversation may do: say something, and read answers in their order. */
export interface Conversation {
  readonly say: (text: string) => void;
  /** The next line, without its line feed. */
  readonly line: (maxBytes: number) => Promise<string>;
  readonly bytes: (count: number) => Promise<Buffer>;
}

export interface KeptOpen {
  /**
   * Conversations wait for each other. One that throws ends the program; the next starts it anew. Throws `Interrupted`
   * when this process is cut off. A conversation that an interrupt may have ended while there is something to finish is
   * held once more, so `talk` must not keep what it heard the first time.
   */
  readonly converse: <T>(talk: (conversation: Conversation) => Promise<T>) => Promise<T>;
}

const IDLE_MS = 1000;
const MOST_STDERR = 16 * 1024;

export function keepOpen(program: string, args: readonly string[], options: KeepOpenOptions): KeptOpen {
  let running: Running | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const held = async <T>(talk: (conversation: Conversation) => Promise<T>): Promise<T> => {
    const before = isInterrupted();
    try {
      return await one(talk);
    } catch (error) {
      const again = error instanceof PamError && error.code === 'E_RUN_ENDED' && isInterrupted() && !before;
      if (!again) throw error;
      return await one(talk);
    }
  };
  const one = async <T>(talk: (conversation: Conversation) => Promise<T>): Promise<T> => {
    checkInterrupt();
    const mine = (running = running?.alive() === true ? running : start(program, args, options));
    mine.wake(options.timeoutMs);
    try {
      const answer = await talk(mine);
      mine.rest();
      return answer;
    } catch (error) {
      mine.end();
      throw error;
    }
  };
  return {
    converse: async (talk) => {
      const result = turn.then(async () => await held(talk));
      turn = result.catch(() => undefined);
      return await result;
    },
  };
}

interface Running extends Conversation {
  readonly alive: () => boolean;
  readonly wake: (timeoutMs: number) => void;
  readonly rest: () => void;
  readonly end: () => void;
}

function start(program: string, args: readonly string[], { env, cwd }: KeepOpenOptions): Running {
  // In a process group of its own: it never prompts, and what it does when Ctrl-C is pressed may have to be finished.
  const child = spawn(program, args, {
    env: { ...env },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const inbox = new Inbox();
  let stderr = '';
  let timer: NodeJS.Timeout | undefined;
  let alive = true;
  const end = (): void => {
    alive = false;
    clearTimeout(timer);
    child.stdin.destroy();
    child.kill('SIGKILL');
  };
  const ignore = whenCutOff(() => {
    inbox.fail(new Interrupted());
    end();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    inbox.add(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < MOST_STDERR) stderr += chunk.toString('utf8');
  });
  // Who went away is told by `close`; a broken pipe says nothing more.
  child.stdin.on('error', () => undefined);
  child.on('error', (cause) => {
    alive = false;
    ignore();
    inbox.fail(new PamError('E_RUN', `could not start ${program}`, { cause }));
  });
  const closed = async (code: number | null, signal: string | null): Promise<void> => {
    alive = false;
    clearTimeout(timer);
    await ownTurn(code, signal);
    ignore();
    const said = stderr.trim().slice(0, 300);
    inbox.fail(
      isCutOff()
        ? new Interrupted()
        : new PamError('E_RUN_ENDED', `${program} ended before it answered: ${said}`),
    );
  };
  child.on('close', (code, signal) => void closed(code, signal));
  return {
    alive: () => alive,
    say: (text) => void child.stdin.write(text),
    line: async (most) => await inbox.line(most),
    bytes: async (count) => await inbox.bytes(count),
    wake: (timeoutMs) => {
      clearTimeout(timer);
      hold(child, true);
      timer = setTimeout(() => {
        inbox.fail(new PamError('E_RUN_TIMEOUT', `${program} did not answer within ${timeoutMs / 1000} s`));
        end();
      }, timeoutMs);
    },
    rest: () => {
      clearTimeout(timer);
      hold(child, false);
      timer = setTimeout(end, IDLE_MS).unref();
    },
    end,
  };
}

/** Pipes and the child keep this process alive only while an answer is awaited. */
function hold(child: ChildProcessWithoutNullStreams, held: boolean): void {
  const streams = [child.stdin, child.stdout, child.stderr];
  for (const one of [child, ...streams]) {
    const way = held ? 'ref' : 'unref';
    // Pipes of a child are sockets; their types do not say so.
    const holdable = one as { readonly ref?: () => void; readonly unref?: () => void };
    holdable[way]?.();
  }
}

/** Bytes that arrived, and the one reader that waits for them. */
class Inbox {
  #chunks: Buffer[] = [];
  #length = 0;
  #failure: PamError | Interrupted | undefined;
  #arrived: (() => void) | undefined;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#arrived?.();
  }

  fail(failure: PamError | Interrupted): void {
    this.#failure ??= failure;
    this.#arrived?.();
  }

  async line(most: number): Promise<string> {
    let seen = 0;
    let at = 0;
    for (;;) {
      for (; at < this.#chunks.length; at++) {
        const chunk = this.#chunks[at];
        const found = chunk?.indexOf(0x0a) ?? -1;
        if (found !== -1) {
          const line = this.#take(seen + found + 1);
          return line.toString('utf8', 0, line.length - 1);
        }
        seen += chunk?.length ?? 0;
      }
      if (seen > most) throw new PamError('E_RUN_OUTPUT', `an answer has a line of more than ${most} bytes`);
      await this.#more();
    }
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.#length < count) await this.#more();
    return this.#take(count);
  }

  async #more(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    this.#arrived = undefined;
  }

  #take(count: number): Buffer {
    const parts: Buffer[] = [];
    let left = count;
    while (left > 0) {
      const [chunk] = this.#chunks;
      if (chunk === undefined) break;
      const part = chunk.subarray(0, left);
      parts.push(part);
      left -= part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#length -= count;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }
}
