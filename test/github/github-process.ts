/**
 * The double in a process of its own, for tests that wait for a program and so cannot answer it meanwhile. The same
 * door, one call a message: `await hub.call('merge', 1, 'squash', 'bob')`, `await hub.call('requests')`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Github, GithubOptions } from './github.ts';
import type { Call, Told } from './serve.ts';

type Door = Github;
type Wants<T> = T extends (...all: infer P) => unknown ? P : [];
type Gives<T> = T extends (...all: never[]) => infer R ? Awaited<R> : T;

export interface GithubProcess {
  readonly url: string;
  readonly call: <K extends keyof Door>(name: K, ...parameters: Wants<Door[K]>) => Promise<Gives<Door[K]>>;
  /** Fails as `close` of the door does. */
  readonly close: () => Promise<void>;
}

const BANNER =
  "import{createRequire as __doubleRequire}from'node:module';const require=__doubleRequire(import.meta.url);";

export async function startGithubProcess(options: Omit<GithubOptions, 'now'>): Promise<GithubProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'pam-github-'));
  const outfile = join(directory, 'serve.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('serve.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outfile,
    logLevel: 'warning',
    banner: { js: BANNER },
  });
  const child = fork(outfile, [JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { PATH: process.env['PATH'] ?? '' },
    execArgv: [],
  });
  const waiting = new Map<number, (told: Told) => void>();
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (told: Told) => {
      if ('ready' in told) resolve(told.ready);
      else waiting.get(told.id)?.(told);
    });
    child.on('exit', (code) => {
      const error = `the double ended with ${code}`;
      reject(new Error(error));
      for (const [id, settle] of waiting) settle({ id, error });
    });
  });
  let calls = 0;
  const call = async (name: keyof Door, ...parameters: unknown[]): Promise<unknown> =>
    await ask(child, waiting, { id: ++calls, name, parameters });
  return {
    url,
    // The types of the door hold for whoever calls; what comes back went through JSON.
    call: call as GithubProcess['call'],
    close: async () => {
      try {
        await call('close');
      } finally {
        child.disconnect();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

async function ask(
  child: ChildProcess,
  waiting: Map<number, (told: Told) => void>,
  call: Call,
): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    waiting.set(call.id, (told) => {
      waiting.delete(call.id);
      if ('error' in told) reject(new Error(told.error));
      // `undefined` does not travel.
      else resolve('result' in told ? told.result : undefined);
    });
    child.send(call);
  });
}
