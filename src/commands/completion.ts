import type { Command } from 'commander';
import { SCHEMAS } from '../documents/document-schemas.ts';
import { headFromHere } from '../flows/ledger/kept-head.ts';
import { daysAround } from '../flows/gather/about.ts';
import { EXIT, expected, PamError } from '../model/error.ts';
import { isRequestId } from '../model/names.ts';
import { everybody } from '../rules/my-part.ts';
import { SCRIPTS } from './completion-scripts.ts';
import type { Register, Session } from './session.ts';

/** Names that this clone holds. Nothing is fetched and nothing verified anew: they only save typing. */
interface Known {
  readonly ids: readonly string[];
  readonly roles: readonly string[];
  readonly people: readonly string[];
  readonly executors: readonly string[];
  readonly targets: readonly string[];
}

const NOTHING: Known = { ids: [], roles: [], people: [], executors: [], targets: [] };

export const register: Register = (program, session) => {
  program
    .command('completion')
    .description(
      'Prints the script that completes pam in a shell: commands, options, and what this clone knows of ids, roles and people. It never runs what was typed.',
    )
    .argument('[shell]', 'bash, zsh or fish')
    // For the scripts: `words`, and all that was typed after `pam`, of which the last is completed.
    .allowExcessArguments(true)
    .action(async (shell: string | undefined, _options, command: Command) => {
      const at = session(command);
      const words = command.args.slice(1);
      const script = SCRIPTS[shell ?? ''];
      if (shell === 'words') {
        const found = await fitting(at, program, words);
        const text = found.map((one) => `${one}\n`).join('');
        at.done({ exit: EXIT.done, schema: 'pam.completion/1', document: { words: found }, text });
      } else if (script === undefined) {
        const said =
          shell === undefined ? 'for which shell?' : `there is no script for ${JSON.stringify(shell)}`;
        throw new PamError('E_USAGE', said, { hint: 'pam completion bash, zsh or fish' });
      } else {
        at.done({ exit: EXIT.done, schema: 'pam.completion/1', document: { shell, script }, text: script });
      }
    });
};

async function fitting(at: Session, program: Command, words: readonly string[]): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const all = await choices(at, program, words.slice(0, -1), typed);
  return [...new Set(all)].filter((one) => one.startsWith(typed));
}

async function choices(
  at: Session,
  program: Command,
  before: readonly string[],
  typed: string,
): Promise<readonly string[]> {
  const { command, strange, values, asks } = readLine(program, before);
  if (asks !== undefined) {
    const { argChoices, long } = asks;
    return argChoices ?? valuesOf(long ?? '', await knownHere(at));
  }
  if (typed.startsWith('-'))
    return [...(command?.options ?? []), ...program.options].flatMap(
      ({ long, short }) => long ?? short ?? [],
    );
  if (strange) return [];
  if (command === undefined)
    return [...program.commands.flatMap((one) => [one.name(), ...one.aliases()]), 'help'];
  const places = command.registeredArguments;
  const place = places[values] ?? (places.at(-1)?.variadic === true ? places.at(-1) : undefined);
  switch (place?.name() ?? '') {
    case 'id':
      return (await knownHere(at)).ids;
    case 'role':
      return (await knownHere(at)).roles;
    case 'shell':
      return Object.keys(SCRIPTS);
    case 'name':
      return Object.keys(SCHEMAS);
    default:
      return place?.argChoices ?? [];
  }
}

type Opt = Command['options'][number];

interface Line {
  readonly command: Command | undefined;
  /** A word stands where a command has to be, and is none. */
  readonly strange: boolean;
  /** How many arguments of the command are there. */
  readonly values: number;
  /** The option whose value comes next. */
  readonly asks: Opt | undefined;
}

function readLine(program: Command, before: readonly string[]): Line {
  let command: Command | undefined;
  let strange = false;
  let values = 0;
  let asks: Opt | undefined;
  for (const word of before) {
    if (asks !== undefined) asks = undefined;
    else if (word.startsWith('-'))
      asks = [...(command?.options ?? []), ...program.options].find(
        (one) => one.required && (one.long === word || one.short === word),
      );
    else if (command !== undefined) values++;
    else {
      command = program.commands.find((one) => one.name() === word || one.aliases().includes(word));
      // `pam help <command>`
      strange ||= command === undefined && word !== 'help';
    }
  }
  return { command, strange, values, asks };
}

function valuesOf(option: string, known: Known): readonly string[] {
  switch (option) {
    case '--as':
    case '--person':
    case '--subject':
      return known.people;
    case '--role':
      return known.roles;
    case '--executor':
      return known.executors;
    case '--target':
      return known.targets;
    case '--proposal':
      return [...known.ids, 'open'];
    default:
      return [];
  }
}

/** From the ledger as this machine verified it last, and the branches of proposals of these days. */
async function knownHere(at: Session): Promise<Known> {
  try {
    const desk = await at.desk();
    const days = daysAround(at.now());
    const branches = [...(await desk.repository.refs(['refs/heads/pam/', 'refs/remotes/'])).keys()];
    const proposed = branches
      .map((ref) => /\/pam\/([^/]+)$/u.exec(ref)?.[1] ?? '')
      .filter((id) => isRequestId(id) && days.includes(id.slice(0, 8)));
    const state = (await headFromHere(desk, null))?.state;
    if (state === undefined) return { ...NOTHING, ids: proposed };
    const { policy, index } = state;
    return {
      ids: [...new Set([...index.records.keys(), ...proposed])],
      roles: Object.keys(policy.roles),
      people: everybody(policy),
      executors: Object.keys(policy.services).filter((name) => policy.services[name]?.executes !== undefined),
      targets: Object.keys(policy.targets),
    };
  } catch (error) {
    // A word that is not offered is typed.
    expected(error);
    return NOTHING;
  }
}
