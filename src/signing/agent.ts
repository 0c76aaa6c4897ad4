/** The agent that `SSH_AUTH_SOCK` names. What it says is a claim: a signature is verified before it is published. */
import { expected, Interrupted } from '../model/error.ts';
import type { AgentAnswer } from '../model/keys-at-hand.ts';
import { run } from '../process/run.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { type Environment, signingEnvironment } from './environment.ts';

/** It answers from memory; one that asks a token or a network first gets this long. */
const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;
const MOST_KEYS = 100;

/** Never waits long, and never throws for what the agent does. */
export async function askAgent(env: Environment): Promise<AgentAnswer> {
  if ((env['SSH_AUTH_SOCK'] ?? '') === '') return { state: 'none' };
  try {
    const { code, stdout } = await run('ssh-add', ['-L'], {
      env: signingEnvironment(env),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      ownGroup: true,
    });
    // 1: it runs, and holds nothing.
    if (code === 0 || code === 1) return { state: 'holds', lines: keysIn(stdout.toString('utf8')) };
    return { state: 'silent', why: `no agent answers at SSH_AUTH_SOCK (${env['SSH_AUTH_SOCK'] ?? ''})` };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return { state: 'silent', why: `the agent gives no answer: ${expected(error).message}` };
  }
}

function keysIn(listing: string): readonly string[] {
  const lines = listing
    .split('\n')
    .slice(0, MOST_KEYS)
    .flatMap((line) => keyIn(line) ?? []);
  return [...new Set(lines)];
}

function keyIn(line: string): string | undefined {
  try {
    return parsePublicKey(line).line;
  } catch (error) {
    expected(error);
    return undefined;
  }
}
