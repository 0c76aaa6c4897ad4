/** Ctrl-C, SIGTERM and a closed terminal, to a real `apply` in the middle of a call to a target, and to a real watch. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { keeper, type Signal } from './interrupting.ts';
import { commandLine, type Ran } from './program.ts';
import { approved, ask, askBastion, bench, type Bench, must, write } from './workbench.ts';

/** A plugin that tells that it began, and takes its time. */
const SLOW = `#!/usr/bin/env node
const { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { op } = JSON.parse(readFileSync(0, 'utf8'));
const state = process.env.LEGACY_STATE;
mkdirSync(state, { recursive: true });
const held = join(state, 'held');
const answer = () => {
  if (op === 'grant') writeFileSync(held, '');
  if (op === 'revoke') rmSync(held, { force: true });
  process.stdout.write(JSON.stringify({ version: 1, state: existsSync(held) ? 'present' : 'absent', handle: {}, message: '' }));
};
if (op !== 'grant' || existsSync(join(state, 'fast'))) answer();
else {
  writeFileSync(join(state, 'begun'), '');
  setTimeout(answer, 3000);
}
`;

const NUMBERS: Readonly<Record<Signal, bigint>> = { HUP: 1n, INT: 2n, TERM: 15n };

/** Whether that process has a handler for the signal by now. */
function hears(pid: number, signal: Signal): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & (1n << (NUMBERS[signal] - 1n))) !== 0n;
}

describe('an executor', () => {
  let executors: Bench;
  let again: () => void;
  const begun = (): string => join(executors.targets.legacy, 'begun');
  beforeAll(async () => {
    executors = await bench({ processes: true, remote: false });
    write(executors.dir, 'plugins/pam-provider-legacy', SLOW);
    const first = (await ask(executors.deployBot, 'publish', '--for', '30m')).id;
    await approved(executors, first);
    await approved(executors, await askBastion(executors.dana));
    again = keeper(executors);
  }, 400_000);

  /** Sends signals to the group of a running pam; `waits` (ms) come before each. */
  async function struck(
    args: readonly string[],
    file: string | null,
    waits: readonly number[],
    signal: Signal,
  ): Promise<Ran> {
    const { clone, env } = executors.apply;
    const child = spawn(process.execPath, [...commandLine(args)], {
      cwd: clone,
      env: { ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const ended = new Promise<Ran>((resolve) => {
      child.on('close', (code, died) => resolve({ code, signal: died, out, err }));
    });
    const ready = (): boolean => (file === null ? hears(child.pid ?? 0, signal) : existsSync(file));
    while (!ready() && child.exitCode === null) await sleep(10);
    for (const wait of waits) {
      await sleep(wait);
      if (child.exitCode === null) process.kill(-(child.pid ?? 0), `SIG${signal}`);
    }
    return await ended;
  }
  const sleep = async (ms: number): Promise<void> => {
    await new Promise((wake) => setTimeout(wake, ms));
  };

  test('[X53] apply finishes the call it is in, records it, begins no other and lists it', async () => {
    const ran = await struck(['apply', '--json'], begun(), [50], 'INT');
    expect({ code: ran.code, err: ran.err }).toEqual({ code: 130, err: '' });
    const { steps, troubles } = JSON.parse(ran.out) as {
      readonly steps: readonly {
        readonly action: string;
        readonly target: string;
        readonly result: string;
      }[];
      readonly troubles: readonly { readonly code: string }[];
    };
    const grants = steps.filter(({ action }) => action === 'grant');
    expect(grants.find(({ target }) => target === 'legacy')?.result).toBe('done');
    expect(grants).toHaveLength(2);
    expect(troubles.map(({ code }) => code)).toEqual(['E_INTERRUPTED']);
    const log = (await must(executors.bob.pam(['status', '--json']))).out;
    expect(log).toContain('"live"');
    again();
  });

  test('[X56] a second one ends it at once, and says that the call is not recorded', async () => {
    const ran = await struck(['apply'], begun(), [50, 800], 'INT');
    expect(ran.code).toBe(130);
    expect(ran.err).toMatch(/^interrupted again: what was being done at a target is not recorded: /mu);
    again();
  });

  test.each(['TERM', 'HUP'] as const)('[X55] SIG%s: sweep --watch ends with 0', async (signal) => {
    const ran = await struck(['sweep', '--watch'], null, [500], signal);
    expect({ code: ran.code, signal: ran.signal }).toEqual({ code: 0, signal: null });
    expect(ran.err).toMatch(/^watching all targets as .*\n$/u);
    // On a busy machine its first turn is not over by then.
    expect(ran.out).toMatch(/^(?: {2}! interrupted: no other step was begun; .*\nNothing to do.*\.\n)?$/u);
    again();
  });
});
