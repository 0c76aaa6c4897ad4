/**
 * One more is one file and one line: a kind is added to a copy of the project, which must then be sound in its types and
 * keep what all of its kind keep to.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'pam-one-more-'));
  for (const part of ['src', 'schemas', 'build', 'generated', 'test', 'bin', 'package.json', 'tsconfig.json'])
    cpSync(join(project, part), join(copy, part), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(join(project, 'node_modules/.bin', program), args, {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });

const USED = `import type { RequestId } from '../../model/names.ts';
import type { EventKind } from './event-kind.ts';
import { eventSchema, REQUEST_ID } from './schema-parts.ts';

export interface UsedEvent {
  readonly type: 'used';
  readonly id: RequestId;
  readonly times: number;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly used: UsedEvent;
  }
}

export const used: EventKind<'used'> = {
  schema: eventSchema('used', 'It was used.', { id: REQUEST_ID, times: { type: 'integer', minimum: 1 } }),
  right: 'any',
  entry: 'any',
  line: ({ id, times }) => \`used \${id}: \${times} times\`,
  sentence: ({ id, times }) => \`\${id}: used \${times} times\`,
  step: (record, _event, { wrong }) => {
    if (record?.state !== 'live') throw wrong(\`it is \${record?.state ?? 'unknown'}\`);
    return record;
  },
};
`;

const SHELF = `import { readFile, writeFile } from 'node:fs/promises';
import { PamError } from '../../model/error.ts';
import type { Order, Provider, TargetPlace } from '../../model/target.ts';

const NAME = /^[a-z]{1,32}$/u;
const fileOf = ({ env }: TargetPlace): string => {
  const path = env['SHELF'];
  if (path !== undefined) return path;
  throw new PamError('E_PRV_ENV', 'SHELF is not set');
};
const has = async (place: TargetPlace): Promise<Set<string>> =>
  new Set((await readFile(fileOf(place), 'utf8')).split('\\n').filter((line) => line !== ''));
const keep = async (place: TargetPlace, lines: Iterable<string>): Promise<void> =>
  await writeFile(fileOf(place), [...lines].join('\\n'));
const linesOf = ({ login, permissions }: Order): string[] => permissions.map((one) => login + ' ' + one);

export const shelf: Provider = {
  kind: 'shelf',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  expiresByItself: () => false,
  objects: 'shared',
  needsLoginKey: false,
  checkPermission: (permission) => (NAME.test(permission) ? undefined : 'a permission is a plain word'),
  checkLogin: (login) => (NAME.test(login) ? undefined : 'a login is a plain word'),
  identity: () => undefined,
  open: async (place) =>
    await Promise.resolve({
      verifyIdentity: async () => {
        await has(place).catch((cause: unknown) => {
          throw cause instanceof PamError ? cause : new PamError('E_PRV', 'there is no shelf', { cause });
        });
      },
      grant: async (order) => {
        const wrong = order.permissions.length === 0 || !order.permissions.every((one) => NAME.test(one));
        if (wrong) throw new PamError('E_PRV_NAME', 'a permission is a plain word');
        if (order.within <= 0) throw new PamError('E_PRV_TOO_LATE', 'no time is left');
        const before = await has(place).catch((cause: unknown) => {
          throw cause instanceof PamError ? cause : new PamError('E_PRV_FILES', 'no shelf', { cause });
        });
        await keep(place, new Set([...before, ...linesOf(order)]));
        return {};
      },
      revoke: async (order) => {
        const gone = new Set(linesOf(order));
        await keep(place, [...(await has(place))].filter((line) => !gone.has(line)));
      },
      inspect: async (order) => {
        const there = await has(place);
        const which = order.permissions.filter((one) => there.has(order.login + ' ' + one));
        return which.length === 0 ? { state: 'absent' } : { state: 'present', which };
      },
    }),
};
`;

const SHELF_TEST = `import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { shelf } from '../../src/targets/shelf/shelf.ts';
import { conformance } from '../conformance/target.ts';
import { ORDER } from '../conformance/target-fixtures.ts';

conformance('shelf', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pam-shelf-'));
  const file = join(root, 'shelf');
  await writeFile(file, '');
  const place = { target: 'shelf', config: {}, env: { SHELF: file } };
  return {
    provider: shelf,
    place,
    order: { ...ORDER, permissions: ['read', 'write'] },
    works: async () => (await readFile(file, 'utf8')).includes('daemon read'),
    secrets: [],
    root,
    secretPlaces: [],
    wrongPlaces: [{ what: 'nowhere', place: { ...place, env: { SHELF: join(root, 'no/shelf') } }, code: 'E_PRV' }],
    goodPermissions: ['list'],
    badPermissions: ['a-b'],
    badLogins: ['A'],
    remove: async () => await rm(root, { recursive: true, force: true }),
  };
});
`;

const BOARD = `import type { IncidentState } from '../../model/incident.ts';
import type { SourceKind } from '../../model/source.ts';

/** What an environment variable says, as id=state, with a comma between two. */
export const board: SourceKind = {
  kind: 'board',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['source'],
    properties: { source: { type: 'string', const: 'board', description: 'A board on the wall.' } },
  },
  open: async ({ env }) => {
    const text = env['PAM_SOURCE_BOARD'];
    const said = new Map((text ?? '').split(',').map((one) => one.split('=') as [string, string]));
    const stateOf = (id: string): IncidentState => {
      const state = text === undefined ? undefined : said.get(id);
      if (state === 'open') return { state };
      return state === 'closed' ? { state, why: 'the board says so' } : { state: 'unknown', why: 'not on the board' };
    };
    return await Promise.resolve({ state: async (id: string) => await Promise.resolve(stateOf(id)) });
  },
};
`;

const BOARD_TEST = `import { readIncident } from '../../src/documents/incident-file.ts';
import { board } from '../../src/sources/board/board.ts';
import { sourceConformance } from '../conformance/source.ts';

const never = async () => await Promise.reject(new Error('main is not read'));
sourceConformance('board', async () => {
  const place = {
    config: { source: 'board' },
    env: { PAM_SOURCE_BOARD: 'INC-1=open,INC-2=closed,INC-3=perhaps' },
    repository: { list: never, read: never },
    main: undefined,
    readIncident,
  };
  return await Promise.resolve({
    source: board,
    place,
    open: 'INC-1',
    closed: 'INC-2',
    broken: 'INC-3',
    unreachable: { ...place, env: {} },
    remove: async () => await Promise.resolve(),
  });
});
`;

const PAGER = `import type { NoticeKind } from '../../model/notice.ts';
import { noticeSchema, variable } from '../notice-schema.ts';
import { post, receiverIn } from '../receiver.ts';

export const pager: NoticeKind = {
  kind: 'pager',
  configSchema: noticeSchema('pager', 'A pager on a belt.', { url_env: variable('Where it listens.') }, ['url_env']),
  open: async (place) => {
    const receiver = receiverIn(place, place.config['url_env']);
    return await Promise.resolve({
      send: async ({ event, id, why }) => await post(receiver, JSON.stringify({ beep: event, id, why })),
    });
  },
};
`;

const PAGER_TEST = `import { pager } from '../../src/notices/pager/pager.ts';
import { noticeConformance } from '../conformance/notice.ts';

noticeConformance('pager', {
  kind: pager,
  config: { kind: 'pager', url_env: 'PAM_NOTICE_PAGER', on: ['overdue'] },
  env: (url) => ({ PAM_NOTICE_PAGER: url }),
  secrets: [],
});
`;

const WRITEOFF = `import type { RequestId } from '../../model/names.ts';
import { VERSION_FAULTS } from './about-request.ts';
import { EXAMPLE } from './example-values.ts';
import { quoteOrDash, unquoteLine } from './line-values.ts';
import type { StatementKind } from './statement-kind.ts';

declare module '../../model/statement.ts' {
  interface StatementShapes {
    readonly writeoff: {
      readonly known: { readonly request: RequestId };
      readonly claimed: { readonly because: string | null };
    };
  }
}

export const writeoff: StatementKind<'writeoff'> = {
  namespace: 'pam-writeoff-v1@pam',
  lines: ({ request, because }) => [
    ['request', request],
    ['because', quoteOrDash(because)],
  ],
  claims: (lines) => ({ because: unquoteLine(lines, 'because') }),
  faults: { request: VERSION_FAULTS.request },
  travels: { about: 'request', as: 'comment', stands: ['comment'], account: 'any' },
  example: { request: EXAMPLE.request, because: EXAMPLE.text },
};
`;

const BRAKES = `import type { Instant } from '../../model/instant.ts';
import type { ShelfKind } from './shelf-kind.ts';

export interface Brakes {
  readonly newest: Instant;
}

declare module '../../model/open-record.ts' {
  interface ShelfShapes {
    readonly brakes: Brakes;
  }
}

export const brakes: ShelfKind<'brakes'> = {
  path: 'open/brakes.json',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'brakes.schema.json',
    title: 'pam brakes',
    description: 'A brake.',
    type: 'object',
    additionalProperties: false,
    required: ['newest'],
    properties: { newest: { $ref: 'entry.schema.json#/$defs/instant' } },
  },
  fold: (before, events, { at }) => (events.length === 0 ? before : { newest: at }),
};
`;

/** One line in a registry; `mark` must stand in it. */
function list(registry: string, line: string, mark: string, instead: string): void {
  const path = join(copy, registry);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(mark);
  writeFileSync(path, `${line}\n${text.replace(mark, instead)}`);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(copy, path)), { recursive: true });
  writeFileSync(join(copy, path), text);
}

/** How many tests of these files ran under a title with this word, all of them well. */
function passed(word: string, ...files: readonly string[]): number {
  const args = ['run', '--config', 'test/vitest.config.ts', ...files, '-t', word, '--reporter', 'json'];
  const { stdout } = spawnSync(join(project, 'node_modules/.bin/vitest'), args, {
    cwd: copy,
    encoding: 'utf8',
  });
  const { testResults } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    readonly testResults: readonly {
      readonly message: string;
      readonly assertionResults: readonly {
        readonly ancestorTitles: readonly string[];
        readonly status: string;
        readonly failureMessages: readonly string[];
      }[];
    }[];
  };
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  const wrong = [
    ...testResults.map(({ message }) => message),
    ...all.flatMap(({ failureMessages }) => failureMessages),
  ];
  expect(wrong.filter((one) => one !== '')).toEqual([]);
  return all.filter(
    ({ ancestorTitles, status }) => status === 'passed' && ancestorTitles.join(' ').split(' ').includes(word),
  ).length;
}

describe('one more statement', () => {
  it('is one file and its line in the registry', { timeout: 240_000 }, () => {
    write('src/trust/statements/writeoff.ts', WRITEOFF);
    const line = "import { writeoff } from './writeoff.ts';";
    list('src/trust/statements/registry.ts', line, '  policy,\n', '  policy,\n  writeoff,\n');
    expect(run('tsc', '--noEmit')).toBe('');
    expect(passed('writeoff', 'test/conformance/statements.test.ts')).toBe(6);
  });
});

describe('one more file of open/', () => {
  it('is one file and its line in the registry', { timeout: 240_000 }, () => {
    write('src/rules/shelves/brakes.ts', BRAKES);
    const line = "import { brakes } from './brakes.ts';";
    list('src/rules/shelves/registry.ts', line, '  beats,\n', '  beats,\n  brakes,\n');
    expect(run('tsc', '--noEmit')).toBe('');
    expect(passed('brakes', 'test/conformance/shelves.test.ts')).toBe(3);
  });
});

describe('one more event', () => {
  it('is one file and its line in the registry', { timeout: 240_000 }, () => {
    write('src/rules/events/used.ts', USED);
    const line = "import { used } from './used.ts';";
    list('src/rules/events/registry.ts', line, '  heartbeat,\n', '  heartbeat,\n  used,\n');
    expect(run('tsc', '--noEmit')).toBe('');
    expect(passed('used', 'test/conformance/events.test.ts')).toBe(6);
    const schema = readFileSync(join(copy, 'schemas/entry.schema.json'), 'utf8');
    expect(schema).toContain('It was used.');
  });
});

describe('one more kind of notice', () => {
  it('is a file and a line in the registry, and a short test', { timeout: 480_000 }, () => {
    write('src/notices/pager/pager.ts', PAGER);
    const registry = 'src/notices/registry.ts';
    list(registry, "import { pager } from './pager/pager.ts';", 'new Map([', 'new Map([[pager.kind, pager],');
    write('test/adapters/notices-pager.test.ts', PAGER_TEST);
    expect(run('tsc', '--noEmit')).toBe('');
    expect(passed('pager', 'test/conformance/notices.test.ts', 'test/adapters/notices-pager.test.ts')).toBe(
      24,
    );
    const schema = readFileSync(join(copy, 'schemas/pam.schema.json'), 'utf8');
    expect(schema).toContain('A pager on a belt.');
  });
});

describe('one more target and one more source', () => {
  it('are a file and a line in a registry each, and a short test', { timeout: 480_000 }, () => {
    write('src/targets/shelf/shelf.ts', SHELF);
    const targets = 'src/targets/registry.ts';
    list(targets, "import { shelf } from './shelf/shelf.ts';", 'new Map([', 'new Map([[shelf.kind, shelf],');
    write('src/sources/board/board.ts', BOARD);
    const sources = 'src/sources/registry.ts';
    list(sources, "import { board } from './board/board.ts';", 'new Map([', 'new Map([[board.kind, board],');
    write('test/adapters/targets-shelf.test.ts', SHELF_TEST);
    write('test/adapters/sources-board.test.ts', BOARD_TEST);
    expect(run('tsc', '--noEmit')).toBe('');
    const ofTarget = ['test/conformance/targets.test.ts', 'test/adapters/targets-shelf.test.ts'];
    expect(passed('shelf', ...ofTarget)).toBe(13);
    const ofSource = ['test/conformance/sources.test.ts', 'test/adapters/sources-board.test.ts'];
    expect(passed('board', ...ofSource)).toBe(7);
    const schema = readFileSync(join(copy, 'schemas/pam.schema.json'), 'utf8');
    expect(schema).toContain('A board on the wall.');
  });
});
