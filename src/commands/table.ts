/**
 * The commands, as `pam --help` lists them. Each is loaded only when the line may mean it; of the others a stub says
 * what help has to say. To add one: a file that exports `register`, its line here, and two examples in `examples.ts`.
 */
import type { Command } from 'commander';
import type { Register, Session } from './session.ts';

export type Group = 'People' | 'Admins' | 'Executors' | 'Auditors' | 'This machine';

interface Listed {
  /** Its name and arguments: a test compares them with what `register` says. */
  readonly line: string;
  readonly summary: string;
  /** Who uses it, as the list of commands is ordered. */
  readonly group: Group;
  /** Another name for it. */
  readonly alias?: string;
  /** Takes `--executor` and `--executor-key`. */
  readonly executes?: true;
  readonly load: () => Promise<{ readonly register: Register }>;
}

export const COMMANDS: readonly Listed[] = [
  {
    line: 'catalog [role]',
    summary: 'what may I ask for',
    group: 'People',
    load: () => import('./catalog.ts'),
  },
  { line: 'request [role]', summary: 'ask for a role', group: 'People', load: () => import('./request.ts') },
  {
    line: 'status [id]',
    summary: 'what is live, scheduled or waiting',
    group: 'People',
    alias: 'ls',
    load: () => import('./status.ts'),
  },
  {
    line: 'show <id>',
    summary: 'the decision record of one request',
    group: 'People',
    load: () => import('./show.ts'),
  },
  {
    line: 'approve [id]',
    summary: 'sign exactly what a request would grant',
    group: 'People',
    load: () => import('./approve.ts'),
  },
  { line: 'deny <id>', summary: 'stop a request for good', group: 'People', load: () => import('./deny.ts') },
  {
    line: 'merge <id>',
    summary: 'merge an approved proposal (plain Git)',
    group: 'People',
    load: () => import('./merge.ts'),
  },
  {
    line: 'revoke <id>',
    summary: 'end access now',
    group: 'People',
    executes: true,
    load: () => import('./revoke.ts'),
  },
  {
    line: 'done <id>',
    summary: 'give your own access back',
    group: 'People',
    executes: true,
    load: () => import('./done.ts'),
  },
  {
    line: 'init [dir]',
    summary: 'make an access repository',
    group: 'Admins',
    executes: true,
    load: () => import('./init.ts'),
  },
  {
    line: 'check [path...]',
    summary: 'judge policy and request files, or a proposal with its evidence',
    group: 'Admins',
    load: () => import('./check.ts'),
  },
  {
    line: 'ratify [pull-request]',
    summary: 'sign a policy',
    group: 'Admins',
    executes: true,
    load: () => import('./ratify.ts'),
  },
  {
    line: 'keys <what> <file>',
    summary: 'the line of a key for policy/people.yaml',
    group: 'Admins',
    load: () => import('./keys.ts'),
  },
  {
    line: 'schema [name]',
    summary: 'print a JSON Schema',
    group: 'Admins',
    load: () => import('./schema.ts'),
  },
  {
    line: 'plan [id...]',
    summary: 'what apply and sweep would do',
    group: 'Executors',
    load: () => import('./plan.ts'),
  },
  {
    line: 'apply [id...]',
    summary: 'grant what was merged and approved',
    group: 'Executors',
    executes: true,
    load: () => import('./apply.ts'),
  },
  {
    line: 'sweep',
    summary: 'end what is past its end, stopped, or whose incident closed',
    group: 'Executors',
    executes: true,
    load: () => import('./sweep.ts'),
  },
  {
    line: 'log [id]',
    summary: 'what happened, from verified entries',
    group: 'Auditors',
    load: () => import('./log.ts'),
  },
  {
    line: 'audit',
    summary: 'verify the whole ledger, and decide everything again',
    group: 'Auditors',
    load: () => import('./audit.ts'),
  },
  {
    line: 'setup',
    summary: 'who you are and which key you sign with, kept for all clones',
    group: 'This machine',
    load: () => import('./setup.ts'),
  },
  {
    line: 'whoami',
    summary: 'who am I, with which key, and what may I',
    group: 'This machine',
    executes: true,
    load: () => import('./whoami.ts'),
  },
  {
    line: 'doctor',
    summary: 'is everything in place here, and what to do about what is not',
    group: 'This machine',
    executes: true,
    load: () => import('./doctor.ts'),
  },
  {
    line: 'completion [shell]',
    summary: 'complete commands, options, ids and roles in bash, zsh or fish',
    group: 'This machine',
    load: () => import('./completion.ts'),
  },
  {
    line: 'demo',
    summary: 'the whole story in a quarter of a minute, with real keys and a real certificate',
    group: 'This machine',
    load: () => import('./demo.ts'),
  },
];

export const nameOf = ({ line }: Listed): string => line.split(' ')[0] ?? line;

export const takesExecutor = (name: string): boolean =>
  COMMANDS.some((listed) => listed.executes === true && nameOf(listed) === name);

/** Loads what the words of the line may mean: every word that is a command's name, an option's value or not. */
export async function registerCommands(
  program: Command,
  words: readonly string[],
  session: (command: Command) => Session,
): Promise<void> {
  const examples =
    words.includes('--help') || words.includes('-h') ? await import('./examples.ts') : undefined;
  for (const listed of COMMANDS) {
    const name = nameOf(listed);
    const { alias, summary, group } = listed;
    if (words.includes(name) || (alias !== undefined && words.includes(alias)))
      (await listed.load()).register(program, session);
    else program.command(listed.line);
    const command = program.commands.at(-1);
    command?.summary(summary).helpGroup(`${group}:`);
    if (alias !== undefined) command?.alias(alias);
    const shown = examples?.examplesOf(name);
    if (shown !== undefined) command?.addHelpText('after', shown);
  }
}

/** `pam`, `pam help`, `pam help request` and `pam version`, as flags. */
export function asFlags(argv: readonly string[]): string[] {
  const [first, second] = argv;
  if (first === undefined) return ['--help'];
  if (first === 'version') return ['--version'];
  if (first !== 'help') return [...argv];
  return second === undefined ? ['--help'] : [second, '--help'];
}
