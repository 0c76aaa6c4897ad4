/** `--watch` of `pam apply` and `pam sweep`: a run that stays. */
import { lstatSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT, Interrupted, PamError } from '../model/error.ts';
import { durationFrom, secondsOf } from '../model/instant.ts';
import type { Executor } from '../flows/desk.ts';
import type { RunResult } from '../flows/executor/run-result.ts';
import { LOOK_SECONDS, ROUND_SECONDS, type Watch, watch } from '../flows/executor/watch.ts';
import { line } from '../views/escape.ts';
import { runMarkdown } from '../views/markdown.ts';
import { runText } from '../views/run.ts';
import { span } from '../views/when.ts';
import { addToSummary } from './job-summary.ts';
import type { Session } from './session.ts';

export interface WatchOptions {
  readonly watch?: true;
  readonly every?: string;
  readonly wake?: string;
  readonly timeout?: string;
}

/** @param does what a round does, in the words of the help page */
export const withWatchOptions = (command: Command, does: string): Command =>
  command
    .option(
      '--watch',
      `stay, and ${does} at the next end, when a branch of the remote moved, and once in ${span(ROUND_SECONDS)}`,
    )
    .option(
      '--every <duration>',
      `with --watch: how often to ask the remote (default: ${LOOK_SECONDS}s; ${ROUND_SECONDS}s where requests are pull requests)`,
    )
    .option('--wake <file>', 'with --watch: begin at once when this file is touched, by a hook for example')
    .option('--timeout <duration>', 'with --watch: end by itself after so long');

/** Throws where an option makes sense only with `--watch`. */
export function needWatch(options: WatchOptions): void {
  const stray = (['every', 'wake', 'timeout'] as const).find((name) => options[name] !== undefined);
  if (stray !== undefined && options.watch !== true)
    throw new PamError('E_USAGE', `--${stray} goes with --watch`, { hint: 'add --watch' });
}

/** Ends when it is interrupted, be it before its first round, or when its time is up. */
export async function stay(
  at: Session,
  executor: Executor,
  options: WatchOptions,
  what: Pick<Watch, 'applies' | 'scope'>,
): Promise<void> {
  const every = secondsIn('every', options.every);
  const timeout = secondsIn('timeout', options.timeout);
  const { wake } = options;
  const file = wake === undefined ? null : at.file(wake);
  const { targets } = what.scope;
  const where = targets.length === 0 ? 'all targets' : targets.map(line).join(', ');
  const does = what.applies ? 'apply and sweep' : 'a sweep';
  const until = timeout === null ? '' : `, for ${span(timeout)}`;
  at.show(
    `watching ${where} as ${executor.name}${until}: ${does} at the next end, when a branch moves, and at least every ${ROUND_SECONDS} s\n`,
  );
  let waiting = '';
  const each: Watch['each'] = (result, kind) => {
    const { steps, ledger, troubles } = result;
    // What waits is told when it changes, not in every round.
    const now = kind === 'sweep' ? waiting : JSON.stringify(result.waiting);
    const isNews = steps.length + troubles.length > 0 || now !== waiting;
    waiting = now;
    if (!isNews) return;
    addToSummary(at, runMarkdown(kind, result));
    if (at.globals.json)
      at.tell(
        `${JSON.stringify({ schema: 'pam.run/1', steps, ledger, troubles, waiting: waitingIn(result) })}\n`,
      );
    else at.tell(runText(result, at.style, at.now()));
  };
  try {
    const wakeMark = (): string | null => (file === null ? null : markOf(file));
    await watch(await at.desk(), executor, { ...what, every, timeout, wakeMark, each });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
  at.done({
    exit: EXIT.done,
    schema: 'pam.run/1',
    document: { steps: [], ledger: null },
    text: '',
    out: null,
  });
}

/** As documents have it: what waits, and for what. */
export const waitingIn = ({ waiting }: RunResult): readonly Readonly<Record<string, unknown>>[] =>
  waiting.map(({ id, decision }) => ({ id, reasons: decision.reasons }));

function secondsIn(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const duration = durationFrom(text);
  if (duration === undefined)
    throw new PamError('E_USAGE', `--${name}: ${JSON.stringify(text)} is not a duration`, {
      hint: 'write 10s, 5m or 1h30m',
    });
  return secondsOf(duration);
}

/** Differs once the file was touched, written, made or removed. The hook that touches it cannot end this run with it. */
function markOf(path: string): string {
  try {
    const { ino, mtimeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
    return `${ino} ${mtimeMs}`;
  } catch {
    return 'unreadable';
  }
}
