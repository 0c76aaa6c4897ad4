/**
 * What a sudoers line may be made of. The grammar is a list of what is allowed, not of what is dangerous: sudo's own
 * language has wildcards, regular expressions, aliases (any upper-case word), groups, netgroups, digests, negation
 * and comments, and none of them can be spelled with what is left. Backslash is refused rather than escaped: sudo
 * reads it a second time when it matches arguments.
 */
import type { Instant } from '../../model/instant.ts';

/** Starts in lower case, so that it can be no alias and neither `ALL` nor `Defaults`. */
const USER = /^[a-z_][A-Za-z0-9._-]{0,31}$/u;
const PATH = /^(?:\/[A-Za-z0-9._+@,:=-]+)+$/u;
const ARGUMENT = /^[A-Za-z0-9._+@%,:=/~-]+$/u;
const MAX_LENGTH = 512;

export interface SudoersRule {
  readonly user: string;
  readonly path: string;
  readonly args: readonly string[];
}

/** `run:<user>:<absolute path>[ args]`, or a sentence saying what is wrong. */
export function parseRule(permission: string): SudoersRule | string {
  if (permission.length > MAX_LENGTH) return `a sudoers permission is at most ${MAX_LENGTH} characters`;
  const match = /^run:([^:]*):([^ ]*)(?: (.*))?$/su.exec(permission);
  if (match === null) return 'a sudoers permission is run:<user>:<absolute path>[ args]';
  const [, user = '', path = '', rest] = match;
  const args = rest === undefined ? [] : rest.split(' ');
  const wrong = faultOfUser(user) ?? faultOfPath(path) ?? faultOfArguments(args);
  return wrong ?? { user, path, args };
}

export function faultOfUser(user: string): string | undefined {
  return USER.test(user) ? undefined : 'a user in sudoers is a plain lower-case name, no alias, group or ALL';
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
    (rule) => `${login} ALL=(${rule.user}) NOTAFTER=${end} NOPASSWD: ${commandText(rule)}\n`,
  );
  return `# ${id}: written by pam, which removes it when it ends; do not edit\n${lines.join('')}`;
}

/** No arguments means none at all, which sudoers spells `""`. */
function commandText(rule: SudoersRule): string {
  const words = [rule.path, ...rule.args].map((word) => word.replace(/[,:=]/gu, '\\$&'));
  return rule.args.length === 0 ? `${words.join(' ')} ""` : words.join(' ');
}
