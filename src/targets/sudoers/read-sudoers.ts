/**
 * What sudo's own files say, as far as it takes to know which rule counts for one command (sudoers(5)). Never an answer
 * to what is allowed: sudo itself judges that. A line that is not understood here has no rule, as sudo takes it too. Pure.
 */

/** One file as sudo reads it, in the order in which it reads them. */
export interface SudoersFile {
  readonly path: string;
  readonly text: string;
}

export interface Rule {
  readonly path: string;
  readonly users: readonly Item[];
  readonly hosts: readonly Item[];
  /** `null` where the line names none: sudo's default, which is root. */
  readonly runAs: readonly Item[] | null;
  readonly command: Item;
  readonly asksPassword: boolean | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
}

export interface Item {
  readonly negated: boolean;
  readonly text: string;
}

export interface Sudoers {
  /** In the order of the files: sudo obeys the last that matches. */
  readonly rules: readonly Rule[];
  /** Names after `Defaults`, as `!authenticate`, of lines that are for everybody. */
  readonly defaults: ReadonlySet<string>;
  readonly aliases: ReadonlyMap<string, readonly Item[]>;
}

const TAG = /^(?:NO)?(PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT)\s*:\s*/u;
const OPTION =
  /^(NOTBEFORE|NOTAFTER|TIMEOUT|CWD|CHROOT|ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS)\s*=\s*([^\s,]+)\s*/u;
const DIGEST = /^(?:sha(?:224|256|384|512)\s*:\s*[A-Za-z0-9+/=]+\s*,?\s*)+/u;

export function readSudoers(files: readonly SudoersFile[]): Sudoers {
  const rules: Rule[] = [];
  const defaults = new Set<string>();
  const aliases = new Map<string, readonly Item[]>();
  for (const { path, text } of files) {
    for (const line of logicalLines(text)) {
      const [, scope, settings = ''] = /^Defaults(?:([:@>!]\S*)|\s)\s*(.*)$/u.exec(line) ?? [];
      const [, definitions] = /^(?:User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)$/u.exec(line) ?? [];
      if (/^Defaults[\s:@>!]/u.test(line)) {
        if (scope === undefined) for (const one of settings.split(',')) defaults.add(one.trim());
      } else if (definitions !== undefined) {
        for (const one of definitions.split(/:(?=\s*[A-Z][A-Z0-9_]*\s*=)/u)) {
          const [, name = '', list = ''] = /^\s*([A-Z][A-Z0-9_]*)\s*=(.*)$/u.exec(one) ?? [];
          aliases.set(name, itemsOf(list));
        }
      } else rules.push(...rulesOf(path, line));
    }
  }
  return { rules, defaults, aliases };
}

/** `user_list host_list = commands : host_list = commands`. */
function rulesOf(path: string, line: string): Rule[] {
  const [, left = '', commands] = /^([^=]*)=(.*)$/su.exec(line) ?? [];
  if (commands === undefined) return [];
  const [who = '', where, ...more] = left
    .replace(/\s*,\s*/gu, ',')
    .replace(/!\s+/gu, '!')
    .trim()
    .split(/\s+/u);
  if (where === undefined || more.length > 0) return [];
  return commandsOf(path, itemsOf(who), itemsOf(where), commands.trim());
}

function commandsOf(path: string, users: readonly Item[], hosts: readonly Item[], text: string): Rule[] {
  const rules: Rule[] = [];
  let rest = text;
  // What stands before one command holds for those after it, too.
  let runAs: readonly Item[] | null = null;
  let asksPassword: boolean | null = null;
  const times: { NOTBEFORE: string | null; NOTAFTER: string | null } = { NOTBEFORE: null, NOTAFTER: null };
  while (rest !== '') {
    const [group, inside] = /^\(([^)]*)\)\s*/u.exec(rest) ?? [];
    const [tag, about] = TAG.exec(rest) ?? [];
    const [option, name, value = ''] = OPTION.exec(rest) ?? [];
    const [digest] = DIGEST.exec(rest) ?? [];
    const taken = group ?? tag ?? option ?? digest;
    if (taken !== undefined) {
      // Without a user before the colon it is the one who asks.
      if (inside !== undefined) runAs = itemsOf(inside.split(':')[0] ?? '');
      if (about === 'PASSWD') asksPassword = !taken.startsWith('NO');
      if (name === 'NOTBEFORE' || name === 'NOTAFTER') times[name] = plain(value);
      rest = rest.slice(taken.length);
      continue;
    }
    const [written = ''] = /^[^,:=]*/u.exec(rest) ?? [];
    const [command] = itemsOf(written);
    const { NOTBEFORE: notBefore, NOTAFTER: notAfter } = times;
    if (command !== undefined)
      rules.push({ path, users, hosts, runAs, command, asksPassword, notBefore, notAfter });
    const mark = rest.charAt(written.length);
    const after = rest.slice(written.length + 1).trim();
    if (mark === ':') {
      const [, where, commands] = /^([^=]*)=(.*)$/su.exec(after) ?? [];
      if (where === undefined || commands === undefined) return rules;
      return [...rules, ...commandsOf(path, users, itemsOf(where), commands.trim())];
    }
    if (mark === '=') return rules;
    rest = after;
  }
  return rules;
}

/** A list with commas; `!` may stand before each, again and again. */
function itemsOf(list: string): Item[] {
  return list.split(',').flatMap((one) => {
    const [, marks = '', text = ''] = /^\s*((?:!\s*)*)(.*?)\s*$/su.exec(one) ?? [];
    return text === '' ? [] : [{ negated: marks.replace(/\s/gu, '').length % 2 === 1, text: plain(text) }];
  });
}

/** Characters that were escaped or quoted stand apart as these until a line is taken to pieces. */
const APART = 0xe000;
const apart = (text: string): string =>
  [...text].map((one) => String.fromCharCode(APART + (one.codePointAt(0) ?? 0))).join('');
const plain = (text: string): string =>
  text.replace(/[\ue000-\ue0ff]/gu, (one) => String.fromCharCode(one.charCodeAt(0) - APART));

/** Without comments and continuations; escapes and quotes resolved, so that what is left of syntax is syntax. */
function logicalLines(text: string): string[] {
  return text
    .replace(/\\\r?\n/gu, ' ')
    .split(/\r?\n/u)
    .map((line) =>
      withoutComment(
        line
          .replace(/\\([\x20-\xff])/gu, (_, one: string) => apart(one))
          .replace(/"([^"]*)"/gu, (_, inside: string) => (inside === '' ? '""' : apart(inside))),
      ).trim(),
    )
    .filter((line) => line !== '');
}

/** `#` begins a comment, except before the number of a user or group. */
function withoutComment(line: string): string {
  for (let at = line.indexOf('#'); at >= 0; at = line.indexOf('#', at + 1)) {
    const before = line.slice(0, at);
    const namesUser = !before.includes('=') || before.lastIndexOf('(') > before.lastIndexOf(')');
    if (!namesUser || !/(?:^|[\s,(!%:])$/u.test(before) || !/^#-?[0-9]/u.test(line.slice(at))) return before;
  }
  return line;
}
