/**
 * Interrupts a real pam at a moment that is chosen beforehand: `git` and `ssh-keygen` stand in the PATH as scripts that
 * count themselves, and the n-th of them sends the signal, to pam alone or to its whole process group as a terminal does,
 * before or after the real program did its work.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, type Ran, tempDir } from './program.ts';
import type { Actor, Bench } from './workbench.ts';

export type Signal = 'INT' | 'TERM' | 'HUP';

export interface Moment {
  /** The n-th program that pam starts, from 1. */
  readonly at: number;
  /** `dies`: the real program did its work, and the signal ended what pam waits for. */
  readonly when: 'before' | 'after' | 'dies';
  readonly signal: Signal;
  readonly to: 'pam' | 'group';
  /** Shell, run between the real program and the signal (or before both): what others do at that moment. */
  readonly meanwhile?: string;
}

export interface Interrupted extends Ran {
  /** What pam started, in its order: `git push`, `ssh-keygen -Y`. */
  readonly started: readonly string[];
}

const SUBCOMMAND = 'for one do case $one in --no-pager|-q) ;; *) echo "$name $one"; break;; esac; done';

/** Each takes the next free number by making its directory: a lock would stay when a signal ends the one that holds it. */
function script(directory: string, name: string, real: string): string {
  return `#!/bin/sh
name=${name}
. ${directory}/orders
n=1
until mkdir ${directory}/turns/$n 2>/dev/null; do n=$((n + 1)); done
{ ${SUBCOMMAND}; } > ${directory}/turns/$n/name
meanwhile() { env -i PATH=/usr/local/bin:/usr/bin:/bin sh ${directory}/meanwhile; }
strike() { if [ "$to" = group ]; then kill -s $signal -- -$PPID; else kill -s $signal $PPID; fi; }
if [ "$n" != "$at" ]; then exec ${real} "$@"; fi
if [ "$when" = before ]; then meanwhile; strike; sleep 1; exec ${real} "$@"; fi
trap : INT TERM HUP
${real} "$@"
code=$?
meanwhile
strike
if [ "$when" = dies ]; then trap - $signal; kill -s $signal $$; fi
exit $code
`;
}

export interface Interrupter {
  readonly run: (who: Actor, args: readonly string[], moment: Moment | null) => Promise<Interrupted>;
}

export function interrupter(): Interrupter {
  const directory = tempDir();
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  for (const name of ['git', 'ssh-keygen']) {
    const real = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, name), script(directory, name, real));
    chmodSync(join(bin, name), 0o755);
  }
  const turns = join(directory, 'turns');
  const nameOf = (n: number): string | undefined => {
    const place = join(turns, String(n));
    if (!existsSync(place)) return undefined;
    // One that the signal ended before it wrote its name has none.
    const name = join(place, 'name');
    return existsSync(name) ? readFileSync(name, 'utf8').trimEnd() : '';
  };
  return {
    run: async (who, args, moment) => {
      rmSync(turns, { recursive: true, force: true });
      mkdirSync(turns);
      writeFileSync(join(directory, 'meanwhile'), moment?.meanwhile ?? '');
      const { at, when, signal, to } = moment ?? { at: 0, when: 'before', signal: 'INT', to: 'pam' };
      writeFileSync(join(directory, 'orders'), `at=${at} when=${when} signal=${signal} to=${to}\n`);
      const env = { ...who.env, PATH: `${bin}:${who.env['PATH'] ?? ''}` };
      const ran = await runInOwnGroup(args, who.clone, env);
      const started: string[] = [];
      for (let name = nameOf(1); name !== undefined; name = nameOf(started.length + 1)) started.push(name);
      return { ...ran, started };
    },
  };
}

async function runInOwnGroup(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  return await new Promise<Ran>((resolve, reject) => {
    const child = spawn(process.execPath, [...commandLine(args)], {
      cwd,
      env: { ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      // What a cut-off program left behind may hold the pipes for a moment.
      setTimeout(() => {
        resolve({ code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
      }, 20);
    });
  });
}

/** Keeps a copy of all that a team has on disk, and puts it back in its place. */
export function keeper({ dir }: Bench): () => void {
  const kept = join(tempDir(), 'kept');
  cpSync(dir, kept, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return () => {
    rmSync(dir, { recursive: true, force: true });
    cpSync(kept, dir, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  };
}
