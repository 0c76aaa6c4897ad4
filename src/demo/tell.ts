/**
 * Tells the story of `story.ts` in a temporary directory, through the shipped program and a real shell, and fails
 * when anything ends otherwise than it says. Imports nothing of the product.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePolicy } from './policy.ts';
import { type Line, story } from './story.ts';

const GRANT_SECONDS = 5;
const PROGRAM = fileURLToPath(new URL('../bin/pam.js', import.meta.url));

export interface Told {
  readonly ok: boolean;
  readonly directory: string;
  readonly steps: readonly { readonly command: string; readonly exit: number; readonly expected: number }[];
}

/**
 * @param cutOff ends the story where it is: its programs are ended, its directory is removed even with `keep`, and the
 *   reason of the signal is thrown
 */
export async function tell(
  keep: boolean,
  env: Readonly<Record<string, string | undefined>>,
  print: (text: string) => void,
  cutOff: AbortSignal,
): Promise<Told> {
  const directory = mkdtempSync(join(tmpdir(), 'pam-demo-'));
  // Also when this process has to end before the story does.
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  try {
    const told = await tellIn(directory, { keep, env, print, cutOff });
    cutOff.throwIfAborted();
    return told;
  } finally {
    process.off('exit', remove);
    if (!keep || cutOff.aborted) remove();
  }
}

interface Telling {
  readonly keep: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly cutOff: AbortSignal;
}

async function tellIn(directory: string, { keep, env, print, cutOff }: Telling): Promise<Told> {
  const steps: { command: string; exit: number; expected: number }[] = [];
  const known = new Map<string, string>();
  const environment = prepare(directory, env);
  let place = directory;
  for (const line of story(GRANT_SECONDS)) {
    if (line.writesPolicy === true) writePolicy(directory, join(directory, 'access'));
    const command = line.run.replace(/\{(id|root)\}/gu, (_, name: string) => known.get(name) ?? `{${name}}`);
    if (line.say !== undefined) print(`\n# ${line.say}\n`);
    const next = line.at === undefined ? place : join(directory, line.at === 'start' ? '.' : line.at);
    if (next !== place) print(`$ cd ${relative(place, next)}\n`);
    place = next;
    print(`$ ${command}\n`);
    const { exit, output } = await runLine(command, place, environment, cutOff);
    print(output);
    steps.push({ command, exit, expected: line.exit });
    if (exit !== line.exit) {
      print(`\n# This ended with ${exit} instead of ${line.exit}: the demo failed.\n`);
      return { ok: false, directory, steps };
    }
    remember(line, output, known);
  }
  print(ending(keep, directory));
  return { ok: true, directory, steps };
}

/** A `pam` in the PATH, a home of its own for pins and keys, and the executor's secrets. */
function prepare(directory: string, env: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'pam'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`, {
    mode: 0o755,
  });
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:PAM|GIT)_/u.test(name)));
  return {
    ...kept,
    PATH: `${bin}:${env['PATH'] ?? '/usr/bin:/bin'}`,
    XDG_STATE_HOME: join(directory, 'state'),
    PAM_BASTION_CA_KEY: join(directory, 'keys', 'ca'),
    PAM_BASTION_KRL: join(directory, 'revoked.krl'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'demo',
    GIT_AUTHOR_EMAIL: 'demo@pam',
    GIT_COMMITTER_NAME: 'demo',
    GIT_COMMITTER_EMAIL: 'demo@pam',
    TZ: 'UTC',
  };
}

const LONGEST_MS = 60_000;
const PATIENCE_MS = 1000;

/** In a process group of its own, so that one signal ends all of it, and a terminal's Ctrl-C none of it. */
async function runLine(
  command: string,
  directory: string,
  env: NodeJS.ProcessEnv,
  cutOff: AbortSignal,
): Promise<{ readonly exit: number; readonly output: string }> {
  cutOff.throwIfAborted();
  // One stream, in the order in which a terminal would show it.
  const shell = spawn('sh', ['-c', `exec 2>&1; ${command}`], {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const kill = (): void => endGroup(shell, 'SIGKILL');
  let late: NodeJS.Timeout | undefined;
  const stop = (): void => {
    endGroup(shell, 'SIGTERM');
    late = setTimeout(kill, PATIENCE_MS);
  };
  const tooLong = setTimeout(kill, LONGEST_MS);
  cutOff.addEventListener('abort', stop);
  process.once('exit', kill);
  try {
    const parts: Buffer[] = [];
    shell.stdout.on('data', (part: Buffer) => parts.push(part));
    const exit = await new Promise<number>((resolve, reject) => {
      shell.on('error', reject);
      shell.on('close', (code) => resolve(code ?? -1));
    });
    cutOff.throwIfAborted();
    return { exit, output: Buffer.concat(parts).toString('utf8') };
  } finally {
    process.off('exit', kill);
    cutOff.removeEventListener('abort', stop);
    clearTimeout(tooLong);
    clearTimeout(late);
  }
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}

function remember(line: Line, output: string, known: Map<string, string>): void {
  for (const [name, pattern] of Object.entries(line.keep ?? {})) {
    const found = pattern.exec(output)?.[1];
    if (found !== undefined) known.set(name, found);
  }
}

function ending(keep: boolean, directory: string): string {
  const play = `\n# To play on:\ncd ${directory}/access
export PATH=${directory}/bin:$PATH XDG_STATE_HOME=${directory}/state PAM_BASTION_CA_KEY=${directory}/keys/ca PAM_BASTION_KRL=${directory}/revoked.krl\n`;
  return keep
    ? play
    : '\n# All of this was real, and it is gone now. `pam demo --keep` leaves it for playing.\n';
}
