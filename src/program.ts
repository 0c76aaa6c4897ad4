/**
 * The program: the words of a command line in, an exit code out. It knows no process; streams, clock, environment and
 * interrupts are given to it. What a command needs is loaded when one is about to run, so that help and usage errors cost little.
 */
import { Command, CommanderError, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import type { Answer, Session } from './commands/session.ts';
import { asFlags, registerCommands, takesExecutor } from './commands/table.ts';
import type { Environment, Outside } from './context.ts';
import { EXIT, type Exit, Interrupted, PamError } from './model/error.ts';
import type { Instant } from './model/instant.ts';
import { checkInterrupt, isCutOff, isInterrupted, orCutOff, whenCutOff } from './process/interrupt.ts';
import { stateHome, withoutRelativePlaces } from './process/own-places.ts';
import { PROCESS_RUN, type Run, tidyUp, within } from './process/this-run.ts';
import { askText, askYes, pick, retype } from './views/ask.ts';
import { errorJson, errorText } from './views/error.ts';
import { json, line } from './views/escape.ts';
import type { Input, Output } from './views/output.ts';
import type { Progress } from './views/progress.ts';
import { type ColorChoice, styleOf, wantsColor } from './views/style.ts';

/** What else a caller of `runPam` needs. */
export { interrupt } from './process/interrupt.ts';
export { newRun } from './process/this-run.ts';
export { Progress } from './views/progress.ts';

/** What a run has of the world. `main.ts` gives it the process's; whatever else calls `runPam` gives its own. */
export interface Surroundings {
  readonly env: Environment;
  /** Absolute. Files that the command line or the environment names are looked for from there. */
  readonly cwd: string;
  readonly clock: () => Instant;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Of `stderr`. */
  readonly progress: Progress;
  /** For interrupting it (`process/interrupt.ts`). No two runs share one. */
  readonly run: Run;
}

/**
 * One run of `pam`. All that it has to say goes to its streams, errors too: it throws nothing, never ends the process, and
 * leaves nothing behind for the next run in this process. Runs beside each other do not see each other.
 * @param argv the words after `pam`
 */
export async function runPam(argv: readonly string[], surroundings: Surroundings): Promise<Exit> {
  const { run } = surroundings;
  return await within(run, async () => {
    const running: Running = { argv, surroundings, flags: {}, left: undefined, meant: undefined };
    try {
      return await runCommand(running);
    } catch (error) {
      return await failed(running, error);
    } finally {
      // That of the process is over at its end: what was cut off may still be under way.
      if (run !== PROCESS_RUN) tidyUp(run);
    }
  });
}

interface Running {
  readonly argv: readonly string[];
  readonly surroundings: Surroundings;
  /** Of the command that began. */
  flags: Flags;
  /** What is there when the command is cut off from now on; `undefined`: nothing. */
  left: string | undefined;
  /** The command that the line meant; `undefined`: none that there is. */
  meant: string | undefined;
}

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
  new Option('--offline', 'do not fetch'),
  new Option('--no-input', 'never ask'),
].map((flag) => flag.helpGroup('Of every command:'));

/** On the pages of the commands that may act as an executor. Every line takes them: a wrapper need not know which it is. */
const EXECUTOR_FLAGS: readonly Option[] = [
  new Option('--executor <service>', 'the executor to act as'),
  new Option('--executor-key <file>', "the executor's key"),
].map((flag) => flag.helpGroup('Of those who act as an executor:'));

function withFlags(command: Command, executor: boolean): Command {
  for (const flag of [...(executor ? EXECUTOR_FLAGS : []), ...FLAGS]) command.addOption(flag);
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

async function runCommand(running: Running): Promise<Exit> {
  const { argv, surroundings } = running;
  const { stdout, progress } = surroundings;
  let answer: Answer | undefined;
  let session: Session | undefined;
  const program = withFlags(new Command('pam'), true)
    .description('Privileged access for a short time, because a named human signed for exactly that access.')
    .version(packageJson.version)
    .showSuggestionAfterError(true)
    .helpCommand(false)
    .hook('preAction', async (_program, command) => {
      running.flags = flagsOf(command);
      running.meant = command.name();
      session = await sessionOf(running, (given) => (answer = given));
    });
  const words = asFlags(argv);
  await registerCommands(program, words, () => {
    if (session === undefined) throw new PamError('E_BUG', 'a session was asked for before its command ran');
    return session;
  });
  for (const command of program.commands) withFlags(command, takesExecutor(command.name()));
  // What is wrong with a flag of all commands is told of `pam` itself.
  const meant = program.commands.map((command) => command.name()).find((name) => words.includes(name));
  for (const command of [program, ...program.commands])
    command.exitOverride(wrongFor(running, command === program ? meant : command.name())).configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: () => undefined,
      // Where there is none, commander has a width of its own.
      getOutHelpWidth: () => (stdout.isTTY === true ? widthOf(stdout) : 80),
    });
  await program.parseAsync(words, { from: 'user' });
  progress.clear();
  if (answer === undefined) return EXIT.done;
  const { exit, schema, document, text, out } = answer;
  if (out !== null) checkInterrupt();
  const wrote = write(stdout, running.flags.json === true ? `${json({ schema, ...document })}\n` : text);
  // Being interrupted is how a watch ends; anything else that was cut off has no answer.
  await (out === null ? wrote : orCutOff(wrote));
  return isInterrupted() ? tellInterrupted(surroundings, answer) : exit;
}

/** Commander's own errors do not say whose they are. */
const wrongFor =
  (running: Running, command: string | undefined) =>
  (error: CommanderError): never => {
    running.meant = command;
    throw error;
  };

async function sessionOf(running: Running, done: (answer: Answer) => void): Promise<Session> {
  const { auditorsOf, directoryOf, executorOf, fileFrom, layDesk, layMachine } = await import('./context.ts');
  const { identityHere } = await import('./commands/identity.ts');
  const { flags, surroundings } = running;
  const { stdout, stderr, progress } = surroundings;
  const outside = outsideOf(surroundings);
  const { env } = outside;
  const dir = directoryOf(outside, flags.C);
  const terminal = stdout.isTTY === true;
  const mayAsk = (): boolean =>
    flags.input !== false && surroundings.stdin.isTTY === true && stderr.isTTY === true;
  const optionsAt = (place: string) => ({ dir: place, root: flags.root, offline: flags.offline === true });
  const deskAt: Session['deskAt'] = async (place) => await layDesk(outside, optionsAt(place));
  const identity = identityHere({ as: flags.as, key: flags.key, dir, cwd: outside.cwd, env });
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
    width: widthOf(stdout),
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
    executor: () => executorOf(flags.executor, flags.executorKey, outside),
    file: (path) => fileFrom(outside.cwd, path),
    tell: (text) => stdout.write(text),
    show: (text) => {
      progress.clear();
      stderr.write(text);
    },
    confirm: async (question, yes) => {
      if (!yes) await orCutOff(askYes(question, mayAsk(), surroundings));
    },
    retype: async (question, id, yes) => {
      if (!yes) await orCutOff(retype(question, id, mayAsk(), surroundings));
    },
    mayAsk,
    askText: async (question, initial, faultOf) =>
      await orCutOff(askText(question, initial, faultOf, surroundings)),
    pick: async (question, choices) => await orCutOff(pick(question, choices, surroundings)),
    leaves: (what) => (running.left = what),
    cutOff: cutOffSignal(),
    done,
  };
}

/** In characters; a terminal that does not say is taken for one of 80. */
const widthOf = ({ columns }: Output): number => (columns !== undefined && columns > 0 ? columns : 80);

function outsideOf({ env, cwd, clock, stderr, progress }: Surroundings): Outside {
  return {
    env: withoutRelativePlaces(env),
    cwd,
    clock,
    interrupted: isInterrupted,
    note: (text) => {
      // What failed because it was cut off is no news.
      if (isCutOff()) return;
      progress.clear();
      stderr.write(`${line(text)}\n`);
    },
    progress: (what) => progress.show(what),
  };
}

function cutOffSignal(): AbortSignal {
  const controller = new AbortController();
  whenCutOff(() => controller.abort(new Interrupted()));
  return controller.signal;
}

async function write(stdout: Output, text: string): Promise<void> {
  await new Promise<void>((resolve) => stdout.write(text, () => resolve()));
}

/** The command came to its end all the same: what is out is told last, with the way back. */
function tellInterrupted({ stderr }: Surroundings, { exit, out }: Answer): Exit {
  if (out === undefined) return EXIT.interrupted;
  if (out !== null) stderr.write(`interrupted, but ${line(out)}\n`);
  return exit;
}

async function failed({ argv, surroundings, flags, left, meant }: Running, error: unknown): Promise<Exit> {
  const { env, stderr, progress } = surroundings;
  progress.clear();
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
  // Whatever it looked like: with nothing begun it failed because it was cut off.
  const known =
    error instanceof Interrupted || isCutOff()
      ? new PamError('E_INTERRUPTED', left === undefined ? new Interrupted().message : `interrupted: ${left}`)
      : error instanceof PamError
        ? error
        : error instanceof CommanderError
          ? new PamError('E_USAGE', error.message.replace(/^error: /u, '').replace(/\n/gu, ' '))
          : new PamError('E_BUG', 'this is a bug in pam', {
              cause: error,
              hint: `please report it with this trace: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
            });
  const told = withPage(known, meant);
  const style = await styleOf(wantsColor(flags.color ?? 'auto', env, stderr.isTTY === true));
  const wantsJson = flags.json === true || argv.includes('--json');
  stderr.write(wantsJson ? errorJson(told) : errorText(told, style));
  return isInterrupted() ? EXIT.interrupted : told.exit;
}

/** What a line should have said stands on the page of its command. */
function withPage(error: PamError, command: string | undefined): PamError {
  const { code, message, hint, ...rest } = error;
  if (code !== 'E_USAGE' || hint !== undefined || command === undefined) return error;
  return new PamError(code, message, { ...rest, cause: error.cause, hint: `pam ${command} --help` });
}
