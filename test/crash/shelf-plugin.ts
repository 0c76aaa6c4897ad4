/**
 * A target that really exists: a directory in which one file is one permission of one login, behind a `command`
 * plugin. The plugin writes down each call that reaches it, so what happened is the target's word and not the
 * ledger's. `shelf/manners/<realm>.json` makes it lie, hang or fail, one word for each operation.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PLUGIN = 'shelf';

export interface Call {
  readonly op: 'grant' | 'revoke' | 'inspect';
  readonly id: string;
  readonly realm: string;
  readonly login: string;
  readonly permissions: readonly string[];
  readonly until: string;
}

/**
 * - `lie`: says yes and does nothing (inspecting: says absent)
 * - `hang`: never answers
 * - `slow`: takes half a second, then is honest
 * - `late`: says yes; a process that left its group acts one second later
 * - `fork`: honest, but a child of it keeps the answer's pipe open
 * - `garbage`: answers with no document
 * - `poison`: acts, then answers with JSON that no ledger entry can hold
 * - `fail`: exits with 3 and does nothing
 * - `fail-after`: acts, then exits with 3
 * - `unknown`: says that it does not know
 */
export type Manner =
  | 'lie'
  | 'hang'
  | 'slow'
  | 'late'
  | 'fork'
  | 'garbage'
  | 'poison'
  | 'fail'
  | 'fail-after'
  | 'unknown';

export type Manners = Partial<Record<Call['op'], Manner>>;

/**
 * Beside each other in the directory of plugins. Starting node took a third of the time of the tests that ask a shelf, so a
 * shell gives the answers of an honest one.
 */
export const pluginFiles = (): Readonly<Record<string, string>> => ({
  [`pam-provider-${PLUGIN}`]: readFileSync(
    fileURLToPath(new URL('shelf-at-once.sh', import.meta.url)),
    'utf8',
  ),
  'shelf.cjs': PLUGIN_TEXT,
});

const PLUGIN_TEXT = `const { spawn } = require('node:child_process');
const { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const shelf = join(__dirname, '..', 'shelf');
const { op, id, login, permissions, until, options } = JSON.parse(readFileSync(0, 'utf8'));
const { realm } = options;
appendFileSync(join(shelf, 'calls'), JSON.stringify({ op, id, realm, login, permissions, until }) + '\\n');

const place = (permission) => join(shelf, 'held', encodeURIComponent([realm, login, permission].join(' ')));
const mannersFile = join(shelf, 'manners', realm + '.json');
const manner = existsSync(mannersFile) ? JSON.parse(readFileSync(mannersFile, 'utf8'))[op] : undefined;
const act = () => {
  for (const permission of permissions) {
    if (op === 'grant') writeFileSync(place(permission), '');
    if (op === 'revoke') rmSync(place(permission), { force: true });
  }
};
const answer = (state) => process.stdout.write(JSON.stringify({ version: 1, state, handle: { row: id } }));
const honest = () => {
  act();
  answer(permissions.some((permission) => existsSync(place(permission))) ? 'present' : 'absent');
};
const child = (options, script) => spawn(process.execPath, ['-e', script], options).unref();

switch (manner) {
  case 'lie':
    answer(op === 'grant' ? 'present' : 'absent');
    break;
  case 'hang':
    setInterval(() => undefined, 1000);
    break;
  case 'slow':
    setTimeout(honest, 500);
    break;
  case 'late': {
    const files = JSON.stringify(permissions.map(place));
    const work = op === 'grant' ? "fs.writeFileSync(file, '')" : 'fs.rmSync(file, { force: true })';
    const script = 'const fs = require("node:fs"); setTimeout(() => { for (const file of ' + files + ') ' + work + '; }, 1000)';
    child({ detached: true, stdio: 'ignore' }, script);
    answer(op === 'grant' ? 'present' : 'absent');
    break;
  }
  case 'fork':
    child({ stdio: ['ignore', 'inherit', 'ignore'] }, 'setTimeout(() => undefined, 20000)');
    honest();
    break;
  case 'poison':
    act();
    process.stdout.write('{"version":1,"state":"present","handle":{"row":"\\\\ud800"},"message":"\\\\udfff"}');
    break;
  case 'garbage':
    process.stdout.write('ok');
    break;
  case 'fail':
    process.stderr.write('the shelf is locked');
    process.exitCode = 3;
    break;
  case 'fail-after':
    act();
    process.stderr.write('the shelf broke down');
    process.exitCode = 3;
    break;
  case 'unknown':
    answer('unknown');
    break;
  default:
    honest();
}
`;
