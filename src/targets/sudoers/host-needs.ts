/**
 * What a grant needs on this host to work: the login, the user that the command runs as, the command, and no rule of
 * sudo's that is obeyed instead. Looks, changes nothing.
 */
import { realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { PamError } from '../../model/error.ts';
import type { Order, TargetPlace } from '../../model/target.ts';
import { runSealed, timeLimitMs } from '../place.ts';
import { readSudoers, type Rule } from './read-sudoers.ts';
import { shadowOf } from './shadow.ts';
import { filesAround } from './sudoers-files.ts';
import type { SudoersRule } from './sudoers-rule.ts';

interface Account {
  readonly uid: string;
  readonly groups: ReadonlySet<string>;
}

export interface Needs {
  readonly order: Order;
  readonly rules: readonly SudoersRule[];
  readonly directory: string;
  /** The name of the grant's file in it. */
  readonly file: string;
}

/** Throws `E_PRV_LACKS` with all that is missing, else `E_PRV_SHADOWED`. */
export async function checkOnHost(
  place: TargetPlace,
  { order, rules, directory, file }: Needs,
): Promise<void> {
  const { login } = order;
  const timeoutMs = timeLimitMs(order);
  const account = await accountOf(place, login, timeoutMs);
  const missing = await missingFor(place, rules, timeoutMs);
  if (account === undefined) throw lacking(place, [`no user ${login}`, ...missing]);
  if (missing.length > 0) throw lacking(place, missing);
  await refuseTwin(place, login, account, timeoutMs);
  const shadow = await shadowOn(order, { account, rules, directory, file });
  if (shadow !== undefined) throw shadow;
}

/** The same of rules for which there is no grant yet: is there what they run, and as whom? */
export async function checkRules(place: TargetPlace, rules: readonly SudoersRule[]): Promise<void> {
  const missing = await missingFor(place, rules);
  if (missing.length > 0) throw lacking(place, missing);
}

/** Throws `W_PRV_TTY` where sudo insists on a terminal. */
export async function checkTerminal(directory: string): Promise<void> {
  const { before, behind } = await filesAround(directory, 'pam-');
  if (!readSudoers([...before, ...behind]).defaults.has('requiretty')) return;
  throw new PamError('W_PRV_TTY', 'sudo here has `Defaults requiretty`: access works from a terminal only');
}

async function missingFor(
  place: TargetPlace,
  rules: readonly SudoersRule[],
  timeoutMs?: number,
): Promise<string[]> {
  const missing: string[] = [];
  for (const user of new Set(rules.map((rule) => rule.user)))
    if ((await accountOf(place, user, timeoutMs)) === undefined) missing.push(`no user ${user} to run as`);
  for (const { path, args } of rules) if (!(await isProgram(path))) missing.push(noProgram(path, args));
  return [...new Set(missing)];
}

const lacking = ({ target }: TargetPlace, missing: readonly string[]): PamError =>
  new PamError('E_PRV_LACKS', `the host of ${target} has ${missing.join(', ')}`);

async function shadowOn(
  { login, now, id }: Order,
  { account, rules, directory, file }: Omit<Needs, 'order'> & { readonly account: Account },
): Promise<PamError | undefined> {
  const { before, behind } = await filesAround(directory, file);
  const all = readSudoers([...before, ...behind]);
  // Aliases and defaults count wherever they stand; of the rules only those behind ours.
  const later = { ...all, rules: all.rules.slice(readSudoers(before).rules.length) };
  for (const { user, path, args } of rules) {
    const asked = { ...account, login, host: hostname(), runAs: user, path, args, now, isSame };
    const rule = shadowOf(later, asked);
    if (rule !== undefined) return shadowed(rule, id, [path, ...args].join(' '));
  }
  return undefined;
}

function shadowed({ path, command }: Rule, id: string, wanted: string): PamError {
  const does = command.negated ? 'forbids it' : 'asks for a password';
  return new PamError(
    'E_PRV_SHADOWED',
    `sudo would obey a rule in ${path} instead of what is granted for ${wanted}: it comes later and ${does}`,
    {
      hint: `sudo obeys the last rule that matches: give ${path} a name that sorts before pam-${id}, or narrow its rule`,
    },
  );
}

/** Sudo ignores case: a rule for Dana is one for dana, and both may be there. */
async function refuseTwin(
  place: TargetPlace,
  login: string,
  { uid }: Account,
  timeoutMs: number,
): Promise<void> {
  const lower = login.toLowerCase();
  const other = lower === login ? undefined : await accountOf(place, lower, timeoutMs);
  if (other === undefined || other.uid === uid) return;
  const message = `the host of ${place.target} has ${login} and ${lower}, and sudo does not tell them apart`;
  throw new PamError('E_PRV_LACKS', message);
}

/** Asked of `id`, and so of every directory that the host looks its users up in. */
async function accountOf(place: TargetPlace, user: string, timeoutMs?: number): Promise<Account | undefined> {
  const ask = async (what: string): Promise<string | undefined> => {
    const { code, stdout } = await runSealed(place, 'id', [what, '--', user], {
      home: '/',
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return code === 0 ? stdout.toString('utf8').trim() : undefined;
  };
  const uid = await ask('-u');
  if (uid === undefined) return undefined;
  const [names = '', numbers = ''] = [await ask('-Gn'), await ask('-G')];
  // Names of groups in a directory may hold spaces: then they stand together as one, too.
  return { uid, groups: new Set([...names.split(' '), ...numbers.split(' '), names]) };
}

async function isProgram(path: string): Promise<boolean> {
  const seen = await stat(path).catch(() => undefined);
  return seen?.isFile() === true && (seen.mode & 0o111) !== 0;
}

function noProgram(path: string, args: readonly string[]): string {
  if (args.length === 0) return `no program ${path}`;
  // A space in a path looks like the end of it.
  return `no program ${path} (to be run with ${args.join(' ')}; a space inside a path is written "\\ ")`;
}

function isSame(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    // One that is not there is no other's.
    return false;
  }
}
