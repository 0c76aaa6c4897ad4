/**
 * Which of sudo's rules counts for one command. Sudo obeys the last one that matches, so a rule behind ours can take away
 * what ours gives, or ask for a password that does not exist. Where a rule can only be told by asking elsewhere (a netgroup,
 * a pattern), it counts as one that matches: a grant that may not work is not made. Pure.
 */
import { type Instant } from '../../model/instant.ts';
import { type Item, type Rule, type Sudoers } from './read-sudoers.ts';

export interface AskedOfSudo {
  readonly login: string;
  /** The login's number, and names and numbers of its groups. */
  readonly uid: string;
  readonly groups: ReadonlySet<string>;
  readonly host: string;
  readonly runAs: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly now: Instant;
  /** Do both paths lead to one file? */
  readonly isSame: (a: string, b: string) => boolean;
}

/** The rule that decides instead of ours, where it does not give the same; `undefined` where ours holds. */
export function shadowOf(later: Sudoers, asked: AskedOfSudo): Rule | undefined {
  const deciding = later.rules.findLast((rule) => isAbout(later, rule, asked));
  if (deciding === undefined) return undefined;
  const asksPassword = deciding.asksPassword ?? !later.defaults.has('!authenticate');
  return deciding.command.negated || asksPassword ? deciding : undefined;
}

function isAbout({ aliases }: Sudoers, rule: Rule, asked: AskedOfSudo): boolean {
  const at = asked.now.replace(/[-:T]/gu, '');
  const { notBefore, notAfter } = rule;
  if (notBefore !== null && UTC.test(notBefore) && at < notBefore) return false;
  if (notAfter !== null && UTC.test(notAfter) && at > notAfter) return false;
  const holds = (list: readonly Item[], matches: (text: string) => boolean): boolean =>
    lastMatch(list, matches, aliases, 0) === true;
  return (
    holds(rule.users, (text) => isUser(text, asked)) &&
    holds(rule.hosts, (text) => isHost(text, asked.host)) &&
    holds(rule.runAs ?? ROOT, (text) => isRunAs(text, asked)) &&
    lastMatch([{ ...rule.command, negated: false }], (text) => isCommand(text, asked), aliases, 0) !==
      undefined
  );
}

const ROOT: readonly Item[] = [{ negated: false, text: 'root' }];
const UTC = /^[0-9]{14}Z$/u;
const ALIAS = /^[A-Z][A-Z0-9_]*$/u;
/** Far more than anybody nests; two that name each other end here. */
const DEEPEST = 16;

/** As sudo reads a list: from its end, the first item that matches says yes, or no where it is negated. */
function lastMatch(
  list: readonly Item[],
  matches: (text: string) => boolean,
  aliases: Sudoers['aliases'],
  depth: number,
): boolean | undefined {
  for (const { negated, text } of list.toReversed()) {
    const meant = ALIAS.test(text) && text !== 'ALL' ? aliases.get(text) : undefined;
    if (meant !== undefined && depth < DEEPEST) {
      const inside = lastMatch(meant, matches, aliases, depth + 1);
      if (inside !== undefined) return inside !== negated;
    } else if (matches(text)) return !negated;
  }
  return undefined;
}

/** Sudo ignores the case of users and groups. */
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const isIn = (names: ReadonlySet<string>, name: string): boolean => [...names].some((one) => same(one, name));

function isUser(text: string, { login, uid, groups }: AskedOfSudo): boolean {
  if (text === 'ALL') return true;
  // Who is in a netgroup, or in a group of another system, is not known here.
  if (text.startsWith('+') || text.startsWith('%:')) return true;
  if (text.startsWith('%#')) return groups.has(text.slice(2));
  if (text.startsWith('%')) return isIn(groups, text.slice(1));
  return text === `#${uid}` || same(text, login);
}

function isRunAs(text: string, { runAs }: AskedOfSudo): boolean {
  if (text === 'ALL' || /^[%+#]/u.test(text)) return true;
  return same(text, runAs);
}

function isHost(text: string, host: string): boolean {
  if (text === 'ALL' || text.startsWith('+') || /[*?[\]/:]|^[0-9.]+$/u.test(text)) return true;
  const short = (name: string): string => name.split('.')[0] ?? name;
  return same(short(text), short(host));
}

function isCommand(text: string, { path, args, isSame }: AskedOfSudo): boolean {
  if (text === 'ALL') return true;
  // A regular expression, or a pattern in the path.
  if (text.startsWith('^')) return true;
  const matching = text.startsWith(`${path} `) || text === path;
  const [word = '', ...given] = matching ? [path, ...wordsOf(text.slice(path.length))] : wordsOf(text);
  if (word.endsWith('/')) return isSame(`${word}${path.split('/').at(-1) ?? ''}`, path);
  if (!/[*?[\]]/u.test(word) && !isSame(word, path)) return false;
  if (given.length === 0) return true;
  if (given.length === 1 && given[0] === '""') return args.length === 0;
  return /[*?[\]\\^]/u.test(given.join(' ')) || given.join(' ') === args.join(' ');
}

const wordsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '');
