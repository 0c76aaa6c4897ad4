/**
 * The process: arguments, clock, streams, signals, exit code. Nothing else reads any of them. What a command needs is
 * loaded when one is about to run, so that help and usage errors cost little.
 */
import { Command, CommanderError, Option } from 'commander';
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import type { Answer, Session } from './commands/session.ts';
import { asFlags, registerCommands } from './commands/table.ts';
import type { Outside } from './context.ts';
import { EXIT, type Exit, Interrupted, PamError } from './model/error.ts';
import { instantOf } from './model/instant.ts';
import { tellUnsettled } from './process/doors.ts';
import {
  checkInterrupt,
  interrupt,
  isCutOff,
  isInterrupted,
  orCutOff,
  whenCutOff,
} from './process/interrupt.ts';
import { stateHome, withoutRelativePlaces } from './process/own-places.ts';
import { errorJson, errorText } from './views/error.ts';
import { json, line } from './views/escape.ts';
import { askText, askYes, pick, retype } from './views/ask.ts';
import { type ColorChoice, styleOf, wantsColor } from './views/style.ts';

interface Flags {
  readonly C?: string;
  readonly json?: true;
  readonly color?: ColorChoice;
  readonly as?: string;
  readonly key?: string;
  readonly root?: string;
  readonly executor?: string;
  readonly executorKey?: string;
  readonly offline?: true;
  readonly input?: boolean;
}

/** Of every command; the same ones, since making them anew for each would be half the time of `pam --help`. */
const FLAGS: readonly Option[] = [
  new Option('-C <dir>', 'run as if started there'),
  new Option('--json', 'one JSON document instead of text'),
  new Option('--color <when>', 'colour').choices(['auto', 'always', 'never']),
  new Option('--as <person>', 'who you are in policy'),
  new Option('--key <file>', 'your signing key'),
  new Option('--root <digest>', 'the trust root'),
  new Option('--executor <service>', 'the executor to act as'),
  new Option('--executor-key <file>', "the executor's key"),
  new Option('--offline', 'do not fetch'),
  new Option('--no-input', 'never ask'),
];

function withFlags(command: Command): Command {
  for (const flag of FLAGS) command.addOption(flag);
  return command;
}

/** Flags given anywhere on the line; the innermost wins. */
function flagsOf(command: Command): Flags {
  const flags: Record<string, unknown> = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const [name, value] of Object.entries(at.opts())) {
      const source = at.getOptionValueSource(name);
      if (source !== 'default' && !(name in flags)) flags[name] = value;
    }
  }
  return flags;
}

let lastFlags: Flags = {};
/** What is there when the command is cut off from now on; `undefined`: nothing. */
let left: string | undefined;

function outsideOf(): Outside {
  return {
    env: withoutRelativePlaces(process.env),
    cwd: process.cwd(),
    clock: () => instantOf(Date.now()),
    interrupted: isInterrupted,
    note: (text) => {
      // What failed because it was cut off is no news.
      if (isCutOff()) return;
      clearProgress();
      process.stderr.write(`${line(text)}\n`);
    },
    progress: showProgress,
  };
}

const PROGRESS_AFTER_MS = 1000;
const PROGRESS_EVERY_MS = { terminal: 100, elsewhere: 10_000 };
let progressAt = Date.now();
let progressShown = false;

/** On a terminal one line that replaces itself, after a second; elsewhere a plain line every ten seconds. */
function showProgress(what: string): void {
  const terminal = process.stderr.isTTY;
  const now = Date.now();
  const wait = terminal
    ? progressShown
      ? PROGRESS_EVERY_MS.terminal
      : PROGRESS_AFTER_MS
    : PROGRESS_EVERY_MS.elsewhere;
  if (now - progressAt < wait) return;
  progressAt = now;
  progressShown = terminal;
  process.stderr.write(terminal ? `\r\u001b[K${what} ...` : `${what} ...\n`);
}

function clearProgress(): void {
  if (progressShown) process.stderr.write('\r\u001b[K');
  progressShown = false;
}

async function sessionOf(command: Command, done: (answer: Answer) => void): Promise<Session> {
  const { auditorsOf, directoryOf, executorOf, layDesk, layMachine } = await import('./context.ts');
  const { identityOf } = await import('./commands/identity.ts');
  const flags = flagsOf(command);
  lastFlags = flags;
  const outside = outsideOf();
  const { env } = outside;
  const dir = directoryOf(outside, flags.C);
  const terminal = process.stdout.isTTY;
  const mayAsk = (): boolean => flags.input !== false && process.stdin.isTTY && process.stderr.isTTY;
  const optionsAt = (place: string) => ({ dir: place, root: flags.root, offline: flags.offline === true });
  const deskAt: Session['deskAt'] = async (place) => await layDesk(outside, optionsAt(place));
  const identity = identityOf({ as: flags.as, key: flags.key, dir, env });
  return {
    globals: {
      dir,
      json: flags.json === true,
      as: flags.as,
      key: flags.key,
      executor: flags.executor,
      executorKey: flags.executorKey,
    },
    env,
    style: await styleOf(wantsColor(flags.color ?? 'auto', env, terminal)),
    terminal,
    desk: async () => await deskAt(dir),
    auditors: () => auditorsOf(outside, optionsAt(dir)),
    deskAt,
    machine: () => layMachine(env),
    now: outside.clock,
    stateHome: stateHome(env),
    program: {
      directory: fileURLToPath(new URL('..', import.meta.url)),
      version: packageJson.version,
    },
    identity,
    executor: () => executorOf(flags.executor, flags.executorKey, env),
    tell: (text) => process.stdout.write(text),
    show: (text) => {
      clearProgress();
      process.stderr.write(text);
    },
    confirm: async (question, yes) => {
      if (!yes) await orCutOff(askYes(question, mayAsk()));
    },
    retype: async (question, id, yes) => {
      if (!yes) await orCutOff(retype(question, id, mayAsk()));
    },
    mayAsk,
    askText: async (question, initial, faultOf) => await orCutOff(askText(question, initial, faultOf)),
    pick: async (question, choices) => await orCutOff(pick(question, choices)),
    leaves: (what) => (left = what),
    cutOff: cutOffSignal(),
    done,
  };
}

function cutOffSignal(): AbortSignal {
  const controller = new AbortController();
  whenCutOff(() => controller.abort(new Interrupted()));
  return controller.signal;
}

async function main(argv: readonly string[]): Promise<Exit> {
  let answer: Answer | undefined;
  let session: Session | undefined;
  const program = withFlags(new Command('pam'))
    .description('Privileged access for a short time, because a named human signed for exactly that access.')
    .version(packageJson.version)
    .showSuggestionAfterError(true)
    .helpCommand(false)
    .hook('preAction', async (_program, command) => {
      session = await sessionOf(command, (given) => (answer = given));
    });
  await registerCommands(program, argv, () => {
    if (session === undefined) throw new PamError('E_BUG', 'a session was asked for before its command ran');
    return session;
  });
  for (const command of program.commands) withFlags(command);
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  await program.parseAsync(asFlags(argv), { from: 'user' });
  clearProgress();
  if (answer === undefined) return EXIT.done;
  const { exit, schema, document, text, out } = answer;
  if (out !== null) checkInterrupt();
  const wrote = write(lastFlags.json === true ? `${json({ schema, ...document })}\n` : text);
  // Being interrupted is how a watch ends; anything else that was cut off has no answer.
  await (out === null ? wrote : orCutOff(wrote));
  return isInterrupted() ? tellInterrupted(answer) : exit;
}

async function write(text: string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
}

/** The command came to its end all the same: what is out is told last, with the way back. */
function tellInterrupted({ exit, out }: Answer): Exit {
  if (out === undefined) return EXIT.interrupted;
  if (out !== null) process.stderr.write(`interrupted, but ${line(out)}\n`);
  return exit;
}

async function failed(error: unknown): Promise<Exit> {
  clearProgress();
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  // Whatever it looked like: with nothing begun it failed because it was cut off.
  const known =
    error instanceof Interrupted || isCutOff()
      ? new PamError('E_INTERRUPTED', left === undefined ? new Interrupted().message : `interrupted: ${left}`)
      : error instanceof PamError
        ? error
        : error instanceof CommanderError
          ? new PamError('E_USAGE', error.message.replace(/^error: /u, '').replace(/\n/gu, ' '), {
              hint: 'pam --help',
            })
          : new PamError('E_BUG', 'this is a bug in pam', {
              cause: error,
              hint: `please report it with this trace: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
            });
  const style = await styleOf(wantsColor(lastFlags.color ?? 'auto', process.env, process.stderr.isTTY));
  const wantsJson = lastFlags.json === true || process.argv.includes('--json');
  process.stderr.write(wantsJson ? errorJson(known) : errorText(known, style));
  return isInterrupted() ? EXIT.interrupted : known.exit;
}

/** The terminal and a parent that passes signals on both send one: so close together they are the same. */
const SAME_INTERRUPT_MS = 500;
/** A command that is cut off and does not come to its end is left behind. */
const PATIENCE_MS = 2500;
let firstAt: number | undefined;

/** The first is obeyed (`process/interrupt.ts`). A second ends this process at once, and tells what is not settled. */
function onSignal(): void {
  firstAt ??= Date.now();
  if (!isInterrupted()) {
    interrupt();
    if (isCutOff()) setTimeout(() => process.exit(EXIT.interrupted), PATIENCE_MS).unref();
    return;
  }
  if (Date.now() - firstAt < SAME_INTERRUPT_MS) return;
  clearProgress();
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
  try {
    const exit = await main(process.argv.slice(2));
    process.exitCode = exit;
  } catch (error) {
    process.exitCode = await failed(error);
  }
  if (isCutOff()) leaveSoon();
}
void start();
