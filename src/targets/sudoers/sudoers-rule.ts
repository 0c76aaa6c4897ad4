/**
 * What a sudoers line may be made of. The grammar is a list of what is allowed, not of what is dangerous: sudo's own
 * language has wildcards, regular expressions, aliases (any upper-case word), groups, netgroups, digests, negation
 * and comments, and none of them can be spelled with what is left. A backslash stands only before a space of a path, and
 * between a domain and a name; in arguments it is refused rather than escaped: sudo reads it a second time there.
 */
import type { Instant } from '../../model/instant.ts';

/** As directories have them, too: `dana@acme.example`, `ACME\dana`, `dana+adm`, `1dana`. */
const USER = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\)?[A-Za-z0-9_][A-Za-z0-9._@+-]{0,255}$/u;
/** What sudo would read as an alias (`ALL` among them), as the beginning of another kind of line, or a host as a number. */
const NO_USER = /^(?:[A-Z][A-Z0-9_]*|(?:Defaults|(?:User|Runas|Host|Cmnd|Cmd)_Alias).*|[0-9]+)$/u;
/** `\ ` is one space between two words of a name. */
const PATH = /^(?:\/[A-Za-z0-9._+@,:=-]+(?:\\ [A-Za-z0-9._+@,:=-]+)*)+$/u;
const ARGUMENT = /^[A-Za-z0-9._+@%,:=/~-]+$/u;
const MAX_LENGTH = 512;

export interface SudoersRule {
  readonly user: string;
  /** As it is on the host: a space is a space. */
  readonly path: string;
  readonly args: readonly string[];
}

/** `run:<user>:<absolute path>[ args]`, with `\ ` for a space inside the path; or a sentence saying what is wrong. */
export function parseRule(permission: string): SudoersRule | string {
  if (permission.length > MAX_LENGTH) return `a sudoers permission is at most ${MAX_LENGTH} characters`;
  const match = /^run:([^:]*):((?:\\ |[^ ])*)(?: (.*))?$/su.exec(permission);
  if (match === null) return 'a sudoers permission is run:<user>:<absolute path>[ args]';
  const [, user = '', written = '', rest] = match;
  const args = rest === undefined ? [] : rest.split(' ');
  const wrong = faultOfUser(user) ?? faultOfPath(written) ?? faultOfArguments(args);
  return wrong ?? { user, path: written.replaceAll('\\ ', ' '), args };
}

export function faultOfUser(user: string): string | undefined {
  if (USER.test(user) && !NO_USER.test(user)) return undefined;
  return 'a user in sudoers is a name such as dana, dana@acme.example or ACME\\dana; no group, no number, and nothing all in capitals, which would be an alias';
}

function faultOfPath(path: string): string | undefined {
  if (!PATH.test(path)) return 'a command in sudoers is an absolute path of plain characters';
  const parts = path.split('/');
  if (parts.includes('.') || parts.includes('..')) return 'a command in sudoers has no . or .. in its path';
  if (parts.at(-1) === 'sudoedit') return 'sudoedit is no command that runs as somebody else';
  return undefined;
}

function faultOfArguments(args: readonly string[]): string | undefined {
  if (args.every((arg) => ARGUMENT.test(arg))) return undefined;
  return 'arguments in sudoers are plain characters, with one space between them';
}

/** The whole file: one line for each rule, each of which sudo itself stops obeying at `until`. */
export function sudoersText(
  id: string,
  login: string,
  rules: readonly SudoersRule[],
  until: Instant,
): string {
  const end = until.replace(/[-:T]/gu, '');
  const lines = rules.map(
    (rule) =>
      `${nameText(login)} ALL=(${nameText(rule.user)}) NOTAFTER=${end} NOPASSWD: ${commandText(rule)}\n`,
  );
  return `# ${id}: written by pam, which removes it when it ends; do not edit\n${lines.join('')}`;
}

const nameText = (user: string): string => user.replace('\\', '\\\\');

/** No arguments means none at all, which sudoers spells `""`. */
function commandText(rule: SudoersRule): string {
  const words = [rule.path, ...rule.args].map((word) => word.replace(/[,:= ]/gu, '\\$&'));
  return rule.args.length === 0 ? `${words.join(' ')} ""` : words.join(' ');
}
