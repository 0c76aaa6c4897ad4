/** A key file as `doctor` looks at it: nothing is signed, no passphrase and no touch is asked for. */
import { PamError } from '../model/error.ts';
import type { KeyFacts } from '../model/machine.ts';
import { run, type RunResult } from '../process/run.ts';
import { type Environment, expandHome, kindOf, publicKeyIn, signingEnvironment } from './ssh-keygen.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;

/** Its usage names what it can do; the version stands nowhere. */
export async function keygenSigns(env: Environment): Promise<boolean> {
  const { stdout, stderr } = await ask('ssh-keygen', ['-?'], env);
  return /-Y sign\b/u.test(`${stdout.toString('utf8')}${stderr}`);
}

/** Throws `E_SIGN` when there is no such file, it is no key, or others can read a private one. */
export async function examineKey(keyFile: string, env: Environment): Promise<KeyFacts> {
  const file = expandHome(keyFile, env);
  const half = kindOf(file);
  if (half === 'public') {
    const line = publicKeyIn(file) ?? null;
    return { file, line, half, locked: false, inAgent: await agentHolds(line, env), otherPublic: null };
  }
  const beside = publicKeyIn(`${file}.pub`);
  const { code, stdout, stderr } = await ask('ssh-keygen', ['-y', '-P', '', '-f', file], env);
  const locked = code !== 0 && stderr.includes('incorrect passphrase');
  if (code !== 0 && !locked)
    throw new PamError('E_SIGN', `${keyFile} is not a private key that ssh-keygen can read`);
  const [type, blob] = locked ? [] : stdout.toString('utf8').trim().split(' ');
  const own = type === undefined || blob === undefined ? undefined : `${type} ${blob}`;
  const line = own ?? beside ?? null;
  const otherPublic = own !== undefined && beside !== undefined && beside !== own ? beside : null;
  return { file, line, half, locked, inAgent: locked && (await agentHolds(line, env)), otherPublic };
}

async function agentHolds(line: string | null, env: Environment): Promise<boolean> {
  if (line === null || env['SSH_AUTH_SOCK'] === undefined) return false;
  const { code, stdout } = await ask('ssh-add', ['-L'], env);
  return (
    code === 0 &&
    stdout
      .toString('utf8')
      .split('\n')
      .some((one) => `${one} `.startsWith(`${line} `))
  );
}

async function ask(program: string, args: readonly string[], env: Environment): Promise<RunResult> {
  return await run(program, args, {
    env: signingEnvironment(env),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
}
