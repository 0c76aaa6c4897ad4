import { entriesOf, plainBytes } from '../files/plain-file.ts';
import { join } from 'node:path';
import { EXIT, expected, PamError } from '../model/error.ts';
import { isName } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import { freshLedger } from '../flows/gather/look-at-request.ts';
import { type UserSetting, writeUserSetting } from '../git/user-settings.ts';
import { needListedKey } from '../rules/choose-key.ts';
import { orDidYouMean } from '../rules/did-you-mean.ts';
import { identityOf } from '../rules/exact-grant.ts';
import { everybody } from '../rules/my-part.ts';
import { askAgent } from '../signing/agent.ts';
import { agentOfSsh } from '../signing/agent-of-ssh.ts';
import { openKey } from '../signing/named-key.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { line as shown } from '../views/escape.ts';
import { keptKey } from './identity.ts';
import type { Register, Session } from './session.ts';

/** One key that could be kept as `pam.key`. */
interface Offer {
  readonly value: string;
  readonly line: string;
  readonly where: string;
}

interface Wanted {
  readonly name: Extract<UserSetting, 'pam.person' | 'pam.key'>;
  readonly value: string | null;
  /** As a placeholder in the command that sets it. */
  readonly what: string;
}

export const register: Register = (program, session) => {
  program
    .command('setup')
    .description(
      'Asks who you are in policy and which key you sign with, and keeps both in your own git configuration (pam.person, pam.key; user.signingkey stays as it is). Without a terminal --as and --key are kept; what is missing is told.',
    )
    .action(async (_options, command) => {
      const at = session(command);
      const policy = await policyHere(at);
      const kept = await at.identity.kept();
      const person = await whichPerson(at, policy, kept.person);
      const offers = await offersHere(at, policy, person);
      const key = await whichKey(at, offers, kept.key);
      const remarks = remarksOn(at, policy, person, key);
      const wanted: readonly Wanted[] = [
        { name: 'pam.person', value: person, what: '<your name in policy>' },
        { name: 'pam.key', value: key, what: offers[0]?.value ?? '~/.ssh/id_ed25519' },
      ];
      const written: string[] = [];
      for (const { name, value } of wanted) {
        if (value === null || (await at.identity.setting(name)) === value) continue;
        await writeUserSetting(name, value, at.env);
        written.push(name);
      }
      const set = wanted
        .filter(({ value }) => value === null)
        .map(({ name, what }) => `git config --global ${name} ${quoted(what)}`);
      const document = { person, key, written, set, remarks };
      const text = [
        ...wanted.flatMap(({ name, value }) => (value === null ? [] : [`${name} = ${shown(value)}`])),
        ...remarks.map((one) => `! ${shown(one)}`),
        ...set.map((one) => `missing: ${shown(one)}`),
        ...(set.length === 0 ? ['next: pam whoami'] : []),
      ];
      const exit = set.length === 0 ? EXIT.done : EXIT.usage;
      at.done({ exit, schema: 'pam.setup/1', document, text: `${text.join('\n')}\n`, out: null });
    });
};

/** Without a clone names and keys are kept as they are given. */
async function policyHere(at: Session): Promise<Policy | null> {
  try {
    return (await freshLedger(await at.desk())).view.state.policy;
  } catch (error) {
    expected(error);
    return null;
  }
}

async function whichPerson(at: Session, policy: Policy | null, given: string | null): Promise<string | null> {
  const fault = (name: string): string | undefined => {
    if (!isName(name)) return 'a name has a-z, 0-9 and -, and begins with a letter';
    if (policy === null || identityOf(policy, name) !== undefined) return undefined;
    return `policy knows no ${name}${orDidYouMean(name, everybody(policy))}`;
  };
  if (at.globals.as !== undefined || !at.mayAsk()) {
    if (given !== null && fault(given) !== undefined)
      throw new PamError('E_USAGE', fault(given) ?? '', { hint: 'say who you are in policy with --as' });
    return given;
  }
  return await at.askText('Who are you in policy?', given ?? '', fault);
}

async function whichKey(at: Session, offers: readonly Offer[], given: string | null): Promise<string | null> {
  const named = given === null ? null : keptKey(given, at.globals.dir);
  if (at.globals.key !== undefined || !at.mayAsk()) {
    // It is opened before it is kept: what cannot be a key is told here, not at the next signature.
    if (named !== null) openKey(named, at.env);
    return named;
  }
  const other = '';
  const choices = [
    ...offers.map(({ value, line, where }) => ({
      value,
      label: `${parsePublicKey(line).fingerprint}   ${where}`,
    })),
    { value: other, label: 'another one' },
  ];
  const picked = offers.length === 0 ? other : await at.pick('Which key do you sign with?', choices);
  if (picked !== other) return picked;
  const text = await at.askText(
    'The path of your key (private, or .pub with an agent):',
    named ?? '',
    (path) => faultOf(() => openKey(path, at.env)),
  );
  return keptKey(text, at.globals.dir);
}

/** The agent's keys and those in `~/.ssh`; what policy lists for this person stands first. */
async function offersHere(
  at: Session,
  policy: Policy | null,
  person: string | null,
): Promise<readonly Offer[]> {
  const agent = await askAgent(at.env);
  const ofSsh = agentOfSsh(at.env);
  if (ofSsh !== null)
    at.show(
      `The agent ${shown(ofSsh)} stands in ssh_config alone (IdentityAgent), which only ssh reads; to offer its keys: export SSH_AUTH_SOCK=${shown(ofSsh)}\n`,
    );
  if (agent.state === 'silent') at.show(`${shown(agent.why)}\n`);
  const held = agent.state === 'holds' ? agent.lines : [];
  const files = at.env['HOME'] === undefined ? [] : keysBelow(join(at.env['HOME'], '.ssh'));
  const offers = [
    ...files,
    ...held
      .filter((line) => !files.some((one) => one.line === line))
      .map((line) => ({ value: `key::${line}`, line, where: 'in your agent' })),
  ];
  const listed = policy === null || person === null ? [] : (identityOf(policy, person)?.keys ?? []);
  const mine = ({ line }: Offer): boolean => listed.some(({ key }) => key === line);
  return [
    ...offers.filter(mine).map((one) => ({ ...one, where: `${one.where}, policy lists it` })),
    ...offers.filter((one) => !mine(one)),
  ];
}

const MOST_BYTES = 64 * 1024;

function keysBelow(directory: string): readonly Offer[] {
  const names = entriesOf(directory).map(({ name }) => name);
  return names
    .filter((name) => name.endsWith('.pub') && names.includes(name.slice(0, -'.pub'.length)))
    .sort()
    .flatMap((name): readonly Offer[] => {
      const text = plainBytes(join(directory, name), MOST_BYTES)?.toString('utf8').trim() ?? '';
      const path = `~/.ssh/${name.slice(0, -'.pub'.length)}`;
      return faultOf(() => parsePublicKey(text)) === undefined
        ? [{ value: path, line: parsePublicKey(text).line, where: path }]
        : [];
    });
}

function remarksOn(
  at: Session,
  policy: Policy | null,
  person: string | null,
  key: string | null,
): readonly string[] {
  if (policy === null)
    return ['there is no access repository here: name and key were not compared with policy'];
  if (person === null || key === null) return [];
  const opened = openKey(key, at.env);
  const lines = opened.half === 'public' ? opened.lines : [opened.line];
  const faults = lines.map((line) =>
    faultOf(() => needListedKey([policy], person, { keyFile: key, line, from: 'pam.key' })),
  );
  return faults.includes(undefined) ? [] : faults.flatMap((one) => one ?? []).slice(0, 1);
}

function faultOf(look: () => unknown): string | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    const { message, hint } = expected(error);
    return hint === undefined ? message : `${message} (${hint})`;
  }
}

/** For a shell, where it has more than one word. */
const quoted = (text: string): string => (/\s/u.test(text) ? `'${text}'` : text);
