/** `docs/errors.md`, made from the table of codes (`model/error-codes.ts`, `error-hints.ts`); a test keeps the two alike. */
import { ERROR_CODES, type ErrorCode } from '../src/model/error-codes.ts';
import { ERROR_HINTS } from '../src/model/error-hints.ts';
import { EXIT } from '../src/model/exit.ts';

/** In the order of the page; the first that fits takes a code. */
const PARTS: readonly (readonly [title: string, codes: RegExp])[] = [
  ['Requests and proposals', /^E_(?:REQ|PR|ID)_/u],
  ['YAML', /^E_YAML_/u],
  ['Approvals', /^E_APR_/u],
  ['Policy, and what it says about a request', /^E_POL_/u],
  ['Keys', /^E_(?:KEY|RSA|SK)_/u],
  ['The ledger', /^E_(?:LED_|EVENT_DROPPED|RACE_LOST|STOP_UNTAKEN)/u],
  ['Targets and sweeps', /^E_(?:PRV|SWEEP|NO_CERTIFICATE)/u],
  ['The forge', /^E_(?:FORGE_|OFFLINE|CLOCK_FORGE)/u],
  ['Git', /^E_GIT/u],
  ['Programs that pam starts', /^E_RUN/u],
  [
    'This machine and the command line',
    /^E_(?:USAGE|CONFIG|DECLINED|INTERRUPTED|BUG|WHO|MEM_|CLOCK|INC|EXECUTOR)/u,
  ],
  ['Signatures', /^E_/u],
  ['Warnings and remarks', /^W_/u],
];

const CLASSES: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done, nothing is wrong',
  failed: 'it failed, for a reason outside of pam: network, git, a target',
  usage: 'the command cannot be understood',
  partly: 'partly done: what is due is done, something else could not be',
  invalid: 'a file has the wrong shape',
  refused: 'a rule refuses it',
  pending: 'it waits for a person or for a time',
  work: '`pam plan`: there is work to do',
  integrity: 'the ledger is in doubt',
  bug: 'a bug in pam',
  interrupted: 'Ctrl-C, SIGTERM or a closed terminal',
};

export function errorsPage(): string {
  const left = new Map(Object.entries(ERROR_CODES));
  const parts = PARTS.flatMap(([title, codes]) => {
    const rows = [...left].filter(([code]) => codes.test(code)).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [code] of rows) left.delete(code);
    const table = rows.map(
      ([code, { exit, means }]) =>
        `| \`${code}\` | ${exitCell(code, exit)} | ${means} | ${ERROR_HINTS[code as ErrorCode]} |`,
    );
    return ['', `## ${title}`, '', '| code | exit | meaning | what to do |', '|---|---|---|---|', ...table];
  });
  const classes = Object.entries(CLASSES).map(
    ([name, what]) => `| ${EXIT[name as keyof typeof EXIT]} | ${what} |`,
  );
  return [
    '# Errors',
    '',
    'Every error has a code that never changes its meaning: in text at the end of the first line, with `--json` as `code`. The sentence',
    'says what happened, the hint what to do: that of the place where it happened, or the one that stands here. This page is made',
    'from `src/model/error-codes.ts` and `error-hints.ts`.',
    '',
    'With `--json` an error is `pam.error/1` on stderr (`code`, `message`, `hint`, `issues`), and nothing is on stdout. Keys are written',
    '`like_this`; a few older ones are not, and stay: `loginKey` (of a grant), `signedByPeople` and `byExecutor` (`pam.audit/1`, totals).',
    '',
    '| exit | means |',
    '|---|---|',
    ...classes,
    '',
    'A command may know better than the class of a code: any fault in a policy file, say, ends with 4 while the policy is checked.',
    ...parts,
    '',
  ].join('\n');
}

const exitCell = (code: string, exit: keyof typeof EXIT): string =>
  code.startsWith('W_') ? '' : String(EXIT[exit]);
