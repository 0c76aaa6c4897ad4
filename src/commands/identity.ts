/**
 * Who is at the keyboard and which keys are at hand: flag, environment, the person's own git configuration, agent, in this
 * order. Nothing that a clone says counts.
 */
import { isAbsolute, resolve } from 'node:path';
import { type UserSetting, type UserSettings, userSettings } from '../git/user-settings.ts';
import { expected, PamError } from '../model/error.ts';
import type { KeysAtHand, NamedKey } from '../model/keys-at-hand.ts';
import { isName } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import type { Desk, Signer } from '../flows/desk.ts';
import { type Chosen, chooseKey } from '../rules/choose-key.ts';
import { askAgent } from '../signing/agent.ts';
import { agentOfSsh } from '../signing/agent-of-ssh.ts';
import { isLiteralKey, looksOpenPgp, openKey } from '../signing/named-key.ts';
import { privateKeyOf } from '../signing/private-key-of.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Asked {
  /** `--as` and `--key`. */
  readonly as: string | undefined;
  readonly key: string | undefined;
  /** `-C`: where `[includeIf]` is asked. */
  readonly dir: string;
  /** Where the run was started: files named by flag or environment are looked for from there. */
  readonly cwd: string;
  readonly env: Environment;
}

export interface Identity {
  /** Throws `E_USAGE` when no person is named. */
  readonly person: () => Promise<string>;
  /** Throws `E_USAGE` when there is none at all, `E_SIGN` when the one that is named cannot be used. */
  readonly keys: () => Promise<KeysAtHand>;
  /** What was given, or else is kept: for `pam setup`, which judges it. */
  readonly kept: () => Promise<{ readonly person: string | null; readonly key: string | null }>;
  /** Where the private half of a key (`<type> <base64>`) is, as far as one looks here. Never throws for what it finds. */
  readonly findKey: () => Promise<(line: string) => { readonly file: string } | 'agent' | null>;
  /** One of the person's own settings as it stands. */
  readonly setting: (name: UserSetting) => Promise<string | undefined>;
  /** Before there is a policy: who, and the key that was named. All that is missing is told at once. */
  readonly firstAdmin: () => Promise<Signer>;
  /** The key that this person signs with, among those at hand. */
  readonly choose: (policies: readonly Policy[]) => Promise<Chosen & { readonly id: string }>;
}

export function identityHere(asked: Asked): Identity {
  let read: Promise<UserSettings> | undefined;
  const settings = async (): Promise<UserSettings> => await (read ??= userSettings(asked.dir, asked.env));
  let looked: Promise<KeysAtHand> | undefined;
  const keys = async (): Promise<KeysAtHand> => await (looked ??= keysAtHand(asked, settings));
  const person = async (): Promise<string> => await personOf(asked, settings);
  return {
    person,
    keys: async () => needAny(await keys()),
    kept: async () => ({
      person: asked.as ?? asked.env['PAM_PERSON'] ?? (await settings()).get('pam.person') ?? null,
      key: (await named(asked, settings)).text ?? null,
    }),
    findKey: async () => {
      const { text } = await named(asked, settings);
      const agent = await askAgent(asked.env);
      return (line) => {
        const file = privateKeyOf(line, text ?? null, asked.env);
        if (file !== null) return { file };
        return agent.state === 'holds' && agent.lines.includes(line) ? 'agent' : null;
      };
    },
    setting: async (name) => (await settings()).get(name),
    firstAdmin: async () => {
      const [id, key] = await allOrFaults([person, async () => needNamed(await keys()).text]);
      return { id, keyFile: key };
    },
    choose: async (policies) => {
      const id = await person();
      return { id, ...chooseKey(policies, id, needAny(await keys())) };
    },
  };
}

async function personOf({ as, env }: Asked, settings: () => Promise<UserSettings>): Promise<string> {
  const name = as ?? env['PAM_PERSON'] ?? (await settings()).get('pam.person');
  if (name === undefined || name === '') {
    throw new PamError('E_USAGE', 'who are you?', {
      hint: 'give --as, set PAM_PERSON, or: git config --global pam.person <your name in policy>',
    });
  }
  if (!isName(name))
    throw new PamError('E_USAGE', `${JSON.stringify(name)} is not a name that policy can hold`);
  return name;
}

async function keysAtHand(asked: Asked, settings: () => Promise<UserSettings>): Promise<KeysAtHand> {
  const { env } = asked;
  const { text, from, other } = await named(asked, settings);
  const none = { agent: { state: 'none' }, agentOfSsh: null, otherSigningKey: other } as const;
  if (text !== undefined) return { ...none, named: { text, from, lines: linesIn(text, env) } };
  return { named: null, otherSigningKey: other, agent: await askAgent(env), agentOfSsh: agentOfSsh(env) };
}

interface Found {
  readonly text?: string;
  readonly from: string;
  readonly other: string | null;
}

async function named({ key, env, cwd }: Asked, settings: () => Promise<UserSettings>): Promise<Found> {
  const given = key ?? env['PAM_KEY'] ?? '';
  if (given !== '')
    return { text: startedFrom(cwd, given), from: key === undefined ? 'PAM_KEY' : '--key', other: null };
  const own = await settings();
  const pams = own.get('pam.key');
  if (pams !== undefined) return { text: pams, from: 'git config pam.key', other: null };
  const gits = own.get('user.signingkey');
  if (gits === undefined) return { from: '', other: null };
  return isForSsh(gits, own.get('gpg.format'))
    ? { text: gits, from: 'git config user.signingkey', other: null }
    : { from: '', other: gits };
}

/**
 * git itself asks `gpg.format`. Without it, what can only be a key of ssh is taken all the same: earlier pages told people
 * to set nothing else.
 */
function isForSsh(value: string, format: string | undefined): boolean {
  if (format !== undefined) return format.toLowerCase() === 'ssh';
  return isLiteralKey(value) || (!looksOpenPgp(value) && /^~\/|\//u.test(value));
}

function linesIn(text: string, env: Environment): NamedKey['lines'] {
  const key = openKey(text, env);
  if (key.half === 'public') return key.lines;
  return key.line === null ? null : [key.line];
}

function needNamed(hand: KeysAtHand): NamedKey {
  if (hand.named !== null) return hand.named;
  throw whichKey(
    hand.agent.state === 'holds' ? ' the keys of an agent count only once policy lists them' : whyNone(hand),
  );
}

function needAny(hand: KeysAtHand): KeysAtHand {
  if (hand.named !== null || (hand.agent.state === 'holds' && hand.agent.lines.length > 0)) return hand;
  throw whichKey(whyNone(hand));
}

const whichKey = (why: string): PamError =>
  new PamError('E_USAGE', `which key do you sign with?${why}`, {
    hint: 'give --key, set PAM_KEY, or: git config --global pam.key ~/.ssh/id_ed25519',
  });

function whyNone({ otherSigningKey, agent, agentOfSsh: ofSsh }: KeysAtHand): string {
  if (otherSigningKey !== null)
    return ' user.signingkey is no key of ssh (an OpenPGP one?); leave it as it is, pam.key is for pam alone';
  if (agent.state === 'silent') return ` ${agent.why}`;
  if (ofSsh !== null)
    return ` the agent ${ofSsh} stands in ssh_config alone (IdentityAgent), which only ssh reads: export SSH_AUTH_SOCK=${ofSsh}`;
  return agent.state === 'holds' ? ' your agent holds no key' : '';
}

/** What signing needs, found before anything else is done. */
export interface Ready {
  readonly desk: Desk;
  readonly person: string;
  /** Throws `E_KEY_...` where the agent offers none that policy lists. */
  readonly choose: (policies: readonly Policy[]) => Promise<Chosen & Signer>;
}

/**
 * Clone, person and key. All that is missing is told at once.
 * @param needs `key: false` where a text is only printed
 */
export async function readyToSign(
  { identity, desk }: { readonly identity: Identity; readonly desk: () => Promise<Desk> },
  needs: { readonly key: boolean } = { key: true },
): Promise<Ready> {
  const [person, laid] = await allOrFaults([
    identity.person,
    desk,
    async () => (needs.key ? await identity.keys() : null),
  ]);
  return { desk: laid, person, choose: identity.choose };
}

/** Each is asked, whatever became of the others; one fault is thrown as it is, several as one. */
async function allOrFaults<T extends readonly unknown[]>(
  asked: readonly [...{ readonly [N in keyof T]: () => Promise<T[N]> }],
): Promise<T> {
  const faults: PamError[] = [];
  const found: unknown[] = [];
  for (const ask of asked) {
    try {
      found.push(await ask());
    } catch (error) {
      faults.push(expected(error));
    }
  }
  const [first, ...more] = faults;
  if (first !== undefined) throw more.length === 0 ? first : allOf(faults);
  // Nothing failed, so there is one answer for each question, in their order.
  return found as unknown as T;
}

const allOf = (faults: readonly PamError[]): PamError =>
  new PamError('E_USAGE', `${faults.length} things are missing before anything can be signed`, {
    issues: faults.map(({ code, message, hint }) => ({
      file: '',
      code,
      message: hint === undefined ? message : `${message} (${hint})`,
    })),
    hint: '`pam setup` asks who you are and for your key, and keeps both',
  });

/** Where this process was started there too it stays as it was named, which is how messages say it. */
const startedFrom = (cwd: string, text: string): string =>
  resolve(cwd, text) === resolve(text) ? text : keptKey(text, cwd);

/** As `pam.key` keeps it: the same wherever pam is started. */
export const keptKey = (text: string, cwd: string): string =>
  isLiteralKey(text) || isAbsolute(text) || text.startsWith('~/') ? text : resolve(cwd, text);
