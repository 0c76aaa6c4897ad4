/** A key file as `doctor` looks at it: nothing is signed, no passphrase and no touch is asked for. */
import { PamError } from '../model/error.ts';
import type { KeyFacts } from '../model/machine.ts';
import { userWithoutEntry } from '../process/person-here.ts';
import { run, type RunResult } from '../process/run.ts';
import { faultOfPrivateKey, hintFor } from '../trust/private-key-text.ts';
import { askAgent } from './agent.ts';
import { type Environment, signingEnvironment } from './environment.ts';
import { openKey } from './named-key.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;

/** Its usage names what it can do; the version stands nowhere. */
export async function keygenSigns(env: Environment): Promise<boolean> {
  const { stdout, stderr } = await ask('ssh-keygen', ['-?'], env);
  const unknown = userWithoutEntry();
  if (unknown !== undefined) throw unknown;
  return /-Y sign\b/u.test(`${stdout.toString('utf8')}${stderr}`);
}

/** Throws `E_SIGN` when there is no such file, it is no key, or others can read a private one. */
export async function examineKey(named: string, env: Environment): Promise<KeyFacts> {
  const key = openKey(named, env);
  if (key.half === 'public') {
    const [line] = key.lines;
    const inAgent = await agentHolds(line, env);
    return { file: key.path ?? named, line, half: 'public', locked: false, inAgent, otherPublic: null };
  }
  const { path: file, otherPublic } = key;
  const { code, stdout, stderr } = await ask('ssh-keygen', ['-y', '-P', '', '-f', file], env);
  const locked = code !== 0 && stderr.includes('incorrect passphrase');
  if (code !== 0 && !locked) {
    const fault = faultOfPrivateKey(key.text);
    throw (
      userWithoutEntry() ??
      new PamError(
        'E_SIGN',
        `${named} ${fault?.what ?? 'is not a private key that ssh-keygen can read'}`,
        fault === undefined ? {} : { hint: hintFor(fault, file) },
      )
    );
  }
  const [type, blob] = locked ? [] : stdout.toString('utf8').trim().split(' ');
  const own = type === undefined || blob === undefined ? undefined : `${type} ${blob}`;
  const line = own ?? key.line;
  return {
    file,
    line,
    half: 'private',
    locked,
    inAgent: locked && (await agentHolds(line, env)),
    otherPublic,
  };
}

async function agentHolds(line: string | null, env: Environment): Promise<boolean> {
  if (line === null) return false;
  const agent = await askAgent(env);
  return agent.state === 'holds' && agent.lines.includes(line);
}

async function ask(program: string, args: readonly string[], env: Environment): Promise<RunResult> {
  return await run(program, args, {
    env: signingEnvironment(env),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
}
