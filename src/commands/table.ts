/**
 * The commands, as `pam --help` lists them. Each is loaded only when the line may mean it; of the others a stub says
 * what help has to say. To add one: a file that exports `register`, and its line here.
 */
import type { Command } from 'commander';
import type { Register, Session } from './session.ts';

interface Listed {
  /** Its name and arguments: a test compares them with what `register` says. */
  readonly line: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly register: Register }>;
}

export const COMMANDS: readonly Listed[] = [
  { line: 'init [dir]', summary: 'make an access repository', load: () => import('./init.ts') },
  {
    line: 'setup',
    summary: 'who you are and which key you sign with, kept for all clones',
    load: () => import('./setup.ts'),
  },
  { line: 'whoami', summary: 'who am I, with which key, and what may I', load: () => import('./whoami.ts') },
  { line: 'ratify [pull-request]', summary: 'sign a policy (an admin)', load: () => import('./ratify.ts') },
  { line: 'catalog [role]', summary: 'what may I ask for', load: () => import('./catalog.ts') },
  { line: 'request [role]', summary: 'ask for a role', load: () => import('./request.ts') },
  {
    line: 'check [path...]',
    summary: 'judge request files, or a proposal with its evidence',
    load: () => import('./check.ts'),
  },
  { line: 'show <id>', summary: 'the decision record of one request', load: () => import('./show.ts') },
  {
    line: 'approve <id>',
    summary: 'sign exactly what a request would grant',
    load: () => import('./approve.ts'),
  },
  { line: 'deny <id>', summary: 'stop a request for good', load: () => import('./deny.ts') },
  { line: 'merge <id>', summary: 'merge an approved proposal (plain Git)', load: () => import('./merge.ts') },
  { line: 'plan [id...]', summary: 'what apply and sweep would do', load: () => import('./plan.ts') },
  {
    line: 'apply [id...]',
    summary: 'grant what was merged and approved (an executor)',
    load: () => import('./apply.ts'),
  },
  {
    line: 'sweep',
    summary: 'end what is past its end, stopped, or whose incident closed (an executor)',
    load: () => import('./sweep.ts'),
  },
  { line: 'revoke <id>', summary: 'end access now', load: () => import('./revoke.ts') },
  { line: 'status [id]', summary: 'what is live, scheduled or waiting', load: () => import('./status.ts') },
  { line: 'log [id]', summary: 'what happened, from verified entries', load: () => import('./log.ts') },
  {
    line: 'audit',
    summary: 'verify the whole ledger, and decide everything again',
    load: () => import('./audit.ts'),
  },
  {
    line: 'doctor',
    summary: 'is everything in place here, and what to do about what is not',
    load: () => import('./doctor.ts'),
  },
  { line: 'schema [name]', summary: 'print a JSON Schema', load: () => import('./schema.ts') },
  {
    line: 'demo',
    summary: 'the whole story in a quarter of a minute, with real keys and a real certificate',
    load: () => import('./demo.ts'),
  },
];

export const nameOf = ({ line }: Listed): string => line.split(' ')[0] ?? line;

/** Loads what the words of the line may mean: every word that is a command's name, an option's value or not. */
export async function registerCommands(
  program: Command,
  words: readonly string[],
  session: (command: Command) => Session,
): Promise<void> {
  for (const listed of COMMANDS) {
    if (words.includes(nameOf(listed))) (await listed.load()).register(program, session);
    else program.command(listed.line);
    program.commands.at(-1)?.summary(listed.summary);
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
