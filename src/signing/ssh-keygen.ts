/**
 * Signing and keys through `ssh-keygen`, so that agents, FIDO keys and passphrases work as the person is used to.
 * Its prompts and its complaints go straight to the person's terminal; what we add is the code and the next step.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PamError } from '../model/error.ts';
import type { AgentAnswer } from '../model/keys-at-hand.ts';
import { temporaryDirectory } from '../process/own-places.ts';
import { hasTerminal, userWithoutEntry } from '../process/person-here.ts';
import { run, type RunResult } from '../process/run.ts';
import { faultOfPrivateKey, hintFor } from '../trust/private-key-text.ts';
import { askAgent } from './agent.ts';
import { agentOfSsh } from './agent-of-ssh.ts';
import { type Environment, signingEnvironment } from './environment.ts';
import { type OpenedKey, openKey } from './named-key.ts';

/** A person may look for a security key or a passphrase first. */
const PATIENCE_MS = 5 * 60_000;
const MAX_BYTES = 64 * 1024;
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/=]+\n)+-----END SSH SIGNATURE-----\n$/u;

/**
 * The SSHSIG armor over `text` in `namespace`. `named` is a key in one of the forms of `named-key.ts`; the private half of
 * a public one is in the agent. Throws `E_SIGN`.
 */
export async function signText(
  text: string,
  namespace: string,
  named: string,
  env: Environment,
): Promise<string> {
  const key = openKey(named, env);
  const { agent, useful } = await agentFor(key, env);
  if (key.half === 'private' && key.locked && !useful) needsWayToAsk(key.path, env);
  // An agent that does not hold the key is not asked again: one that hangs would be waited for.
  const told = useful ? env : { ...env, SSH_AUTH_SOCK: undefined };
  const { code, stdout } = await withFile(key, env, async (file) =>
    keygen(
      ['-q', '-Y', 'sign', '-f', file, '-n', namespace],
      told,
      Buffer.from(text),
      mayPrompt(key, useful),
    ),
  );
  const armor = stdout.toString('utf8');
  if (code === 0 && ARMOR.test(armor)) return armor;
  throw whyNotSigned(key, named, agent, env);
}

/** `<type> <base64>` of the key that `ssh-keygen` would sign with. Throws `E_SIGN`. */
export async function readPublicKey(named: string, env: Environment): Promise<string> {
  const key = openKey(named, env);
  if (key.half === 'public') return key.lines[0];
  if (key.line !== null) return key.line;
  if (key.locked) needsWayToAsk(key.path, env);
  const { code, stdout } = await keygen(['-y', '-f', key.path], env);
  const line = code === 0 ? publicKeyOf(stdout.toString('utf8')) : undefined;
  if (line !== undefined) return line;
  throw userWithoutEntry() ?? unreadable(key) ?? notReadable(named);
}

/** A new ed25519 key without passphrase, for a service. Mode 0600; never replaces a file. Gives the public key. */
export async function generateKey(path: string, comment: string, env: Environment): Promise<string> {
  for (const each of [path, `${path}.pub`]) {
    if (statSync(each, { throwIfNoEntry: false }) !== undefined) {
      throw new PamError('E_SIGN', `${each} exists already`, { hint: 'name another file for the new key' });
    }
  }
  // Without a terminal ssh-keygen reads its "overwrite?" answer from this empty input, so a race loses nothing either.
  const { code } = await keygen(['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path], env);
  if (code !== 0)
    throw userWithoutEntry() ?? new PamError('E_SIGN', `ssh-keygen could not make the key ${path}`);
  return await readPublicKey(path, env);
}

/** Otherwise `ssh-keygen` has nothing to ask, and its complaint would stand before our own sentence. */
const mayPrompt = (key: OpenedKey, useful: boolean): boolean =>
  useful || (key.half === 'private' && (key.locked || key.line?.startsWith('sk-') === true));

async function keygen(
  args: readonly string[],
  env: Environment,
  stdin?: Uint8Array,
  showStderr: boolean = true,
): Promise<RunResult> {
  return await run('ssh-keygen', args, {
    env: signingEnvironment(env),
    timeoutMs: PATIENCE_MS,
    maxBytes: MAX_BYTES,
    showStderr,
    ...(stdin === undefined ? {} : { stdin }),
  });
}

interface AgentForKey {
  readonly agent: AgentAnswer;
  /** It may sign with this key: it holds it, or the key says nothing that could be compared. */
  readonly useful: boolean;
}

/** Not asked for a private key that needs no passphrase: executors sign often. A FIDO key may need its agent for the PIN. */
async function agentFor(key: OpenedKey, env: Environment): Promise<AgentForKey> {
  if (key.half === 'private' && !key.locked && key.line?.startsWith('sk-') !== true)
    return { agent: { state: 'none' }, useful: false };
  const agent = await askAgent(env);
  const line = key.half === 'public' ? key.lines[0] : key.line;
  return { agent, useful: agent.state === 'holds' && (line === null || agent.lines.includes(line)) };
}

/** Of a public key with others beside it, or that was named itself, `ssh-keygen` gets the one line in a file of our own. */
async function withFile<T>(key: OpenedKey, env: Environment, work: (file: string) => Promise<T>): Promise<T> {
  if (key.half === 'private') return await work(key.path);
  const directory = temporaryDirectory(env, 'pam-key-');
  try {
    const file = join(directory, 'key.pub');
    writeFileSync(file, `${key.lines[0]}\n`, { mode: 0o600 });
    return await work(file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function needsWayToAsk(path: string, env: Environment): void {
  const screen = (env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') !== '';
  const askpass = ['force', 'prefer'].includes(env['SSH_ASKPASS_REQUIRE'] ?? '');
  if (screen || askpass || hasTerminal()) return;
  throw new PamError(
    'E_SIGN',
    `the key ${path} has a passphrase, and there is no terminal to ask for it on`,
    {
      hint: `put it into your agent: ssh-add ${path}   (an executor's key has no passphrase)`,
    },
  );
}

function whyNotSigned(key: OpenedKey, named: string, agent: AgentAnswer, env: Environment): PamError {
  const known = userWithoutEntry() ?? unreadable(key);
  if (known !== undefined) return known;
  const [sentence, hint] =
    key.half === 'private' ? whyPrivate(key.path) : whyNotInAgent(key, named, agent, env);
  return new PamError('E_SIGN', sentence, { hint });
}

const whyPrivate = (path: string): readonly [string, string] => [
  `ssh-keygen did not sign with ${path}`,
  `is the passphrase right? try: ssh-keygen -y -f ${path}`,
];

function whyNotInAgent(
  key: OpenedKey & { readonly half: 'public' },
  named: string,
  agent: AgentAnswer,
  env: Environment,
): readonly [string, string] {
  const what = key.path === null ? 'the key that was named' : named;
  const said = `ssh-keygen did not sign with ${what}, which is a public key`;
  if (agent.state === 'silent') return [`${said}: ${agent.why}`, 'start it again, or look at ssh-add -l'];
  const ofSsh = agentOfSsh(env);
  if (ofSsh !== null && !(agent.state === 'holds' && agent.lines.includes(key.lines[0]))) {
    return [
      `${said}: the agent ${ofSsh} stands in ssh_config alone (IdentityAgent), which only ssh reads`,
      `export SSH_AUTH_SOCK=${ofSsh}`,
    ];
  }
  if (agent.state === 'none')
    return [`${said}, and no agent runs`, 'start ssh-agent, and ssh-add the private half'];
  return agent.lines.includes(key.lines[0])
    ? [`${said}: the agent holds it and did not sign`, 'was it confirmed or touched? look at ssh-add -l']
    : [
        `${said}, and the agent does not hold its private half`,
        'add it with ssh-add, and look at ssh-add -l',
      ];
}

/** What the file itself shows, once `ssh-keygen` could do nothing with it. */
function unreadable(key: OpenedKey): PamError | undefined {
  if (key.half !== 'private') return undefined;
  const { path } = key;
  const fault = faultOfPrivateKey(key.text);
  if (fault !== undefined)
    return new PamError('E_SIGN', `the key ${path} ${fault.what}`, {
      hint: hintFor(fault, path),
    });
  if (key.line !== null || key.locked) return undefined;
  return new PamError('E_SIGN', `${path} does not say its public half, and ${path}.pub is missing`, {
    hint: `ssh-keygen -y -f ${path} > ${path}.pub`,
  });
}

const notReadable = (named: string): PamError =>
  new PamError('E_SIGN', `${named} is not a key that ssh-keygen can read`);

function publicKeyOf(text: string): string | undefined {
  const [type = '', base64 = ''] = text.trim().split(' ');
  return base64 === '' ? undefined : `${type} ${base64}`;
}
