/** `pam init --github`: what it writes, what it leaves alone, what it refuses. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { documentOf, expectQuiet, type Json, parse } from './expectations.ts';
import { type Ran, runProgram, runStock, tempDir } from './program.ts';
import { stockGit } from './workbench.ts';

const FIELDS = ['root', 'seq', 'files', 'bundle'];
const BESIDE = [
  '.github/workflows/pam-check.yml',
  '.github/workflows/pam-apply.yml',
  '.github/workflows/pam-sweep.yml',
  '.github/CODEOWNERS',
  'docs/pam-setup.md',
];

let home: string;
let bare: string;
let place: string;
let env: Readonly<Record<string, string>>;

beforeEach(() => {
  home = tempDir();
  bare = join(home, 'access.git');
  place = join(home, 'access');
  execFileSync('git', ['init', '-q', '--bare', '--initial-branch=main', bare]);
  for (const name of ['alice', 'robot'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(home, name)]);
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    TMPDIR: home,
    PAM_PERSON: 'alice',
    PAM_KEY: join(home, 'alice'),
  };
});

const init = async (...args: readonly string[]): Promise<Ran> =>
  await runProgram(['init', place, '--github', 'acme/access', ...args], { cwd: home, env });
const first = async (...args: readonly string[]): Promise<Json> =>
  documentOf(
    await init('--json', '--account', 'alice-ng=1234567', '--remote', bare, ...args),
    'pam.init/1',
    FIELDS,
  );
const read = (path: string): string => readFileSync(join(place, path), 'utf8');
const publicKey = (name: string): string =>
  readFileSync(join(home, `${name}.pub`), 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ');

/** As the setup page says it, by stock programs. */
const digestOf = (dir: string): string =>
  `sha256:${execFileSync('bash', ['-c', "cd .github/pam && find . -type f -printf '%P\\0' | xargs -0 sha256sum | sed 's/^/sha256:/' | LC_ALL=C sort | sha256sum"], { cwd: dir, encoding: 'utf8' }).slice(0, 64)}`;

describe('a new access repository', () => {
  test('policy for GitHub, two executors, workflows, owners, the page, and the program that ran', async () => {
    const document = await first();
    expect(document).toMatchObject({ seq: 1, root: expect.stringMatching(/^sha256:/u) });
    expect(document['files']).toEqual(
      expect.arrayContaining([...BESIDE, 'pam.yaml', '.github/pam/dist/main.cjs']),
    );
    expect(parseYaml(read('pam.yaml'))).toEqual({
      version: 1,
      forge: { kind: 'github', repository: 'acme/access', remote: 'origin' },
      main: 'main',
      ledger: 'pam-ledger',
      incidents: { source: 'file' },
      sweep_within: '24h',
    });
    expect(parseYaml(read('policy/people.yaml'))).toMatchObject({
      people: { alice: { github: { login: 'alice-ng', id: 1234567 } } },
      services: {
        'pam-apply': { executes: { may: ['grant', 'revoke'] } },
        'pam-sweep': { executes: { may: ['revoke'] } },
      },
    });
    const owners = read('.github/CODEOWNERS')
      .split('\n')
      .filter((line) => line.startsWith('/'));
    expect(owners).toEqual(['/pam.yaml @alice-ng', '/policy/ @alice-ng', '/.github/ @alice-ng']);
  });

  test.each([
    ['watch', '1h', 'a machine of your own'],
    ['timer', '2h', 'a timer of your own'],
    ['hourly', '6h', 'a job at GitHub'],
    ['schedule', '24h', "GitHub's own schedule"],
  ])('--sweep-by %s promises no more than that way keeps', async (way, within, title) => {
    await first('--sweep-by', way);
    expect(parseYaml(read('pam.yaml'))).toMatchObject({ sweep_within: within });
    expect(read('pam.yaml')).toContain(`# What sweeps here is ${title}`);
    const again = await init('--sweep-by', way);
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toContain(`set sweep_within: ${within} in pam.yaml`);
  });

  test('everything is committed and on the remote, no private key among it', async () => {
    await first();
    expect(stockGit(place, env, ['status', '--porcelain'])).toBe('');
    const there = stockGit(bare, env, ['ls-tree', '-r', '--name-only', 'main']).split('\n');
    expect(there).toEqual(
      expect.arrayContaining([...BESIDE, '.github/pam/bin/pam.js', 'policy/people.yaml']),
    );
    for (const path of there.filter((one) => !one.startsWith('.github/pam/')))
      expect(stockGit(bare, env, ['show', `main:${path}`])).not.toContain('BEGIN OPENSSH');
    for (const name of ['pam-apply', 'pam-sweep']) {
      const [key] = readdirSync(join(home, 'state'), { recursive: true, encoding: 'utf8' }).filter((path) =>
        path.endsWith(`/${name}`),
      );
      expect(execFileSync('stat', ['-c', '%a', join(home, 'state', key ?? '')], { encoding: 'utf8' })).toBe(
        '600\n',
      );
    }
  });

  test('the program that lies there runs, and its digest is the one that init, the page and stock tools say', async () => {
    const { bundle } = await first();
    expect(digestOf(place)).toBe(bundle);
    expect(read('docs/pam-setup.md')).toContain(
      `| \`pam-apply\`; \`pam-sweep\` | variable | \`PAM_APPLY_BUNDLE\`; \`PAM_SWEEP_BUNDLE\` | \`${String(bundle)}\` |`,
    );
    const there = await runStock('node', [join(place, '.github/pam/bin/pam.js'), 'catalog', '--json'], {
      cwd: place,
      env,
    });
    expect(parse(there.out)).toMatchObject({ schema: 'pam.catalog/1' });
    expect(read('docs/pam-setup.md')).toContain('\nrepo:acme/access:environment:pam-sweep\n');
    expect(read('docs/pam-setup.md')).not.toMatch(/%[A-Z]+%/u);
  });

  test('what is there already stays: policy that was prepared, a workflow of our own', async () => {
    await writePolicy('acme/access');
    mkdirSync(join(place, '.github/workflows'), { recursive: true });
    writeFileSync(join(place, '.github/workflows/pam-sweep.yml'), 'mine\n');
    const ran = await init(
      '--json',
      '--remote',
      bare,
      '--executor',
      'robot',
      '--executor-key',
      join(home, 'robot'),
    );
    const { files } = documentOf(ran, 'pam.init/1', FIELDS);
    expect(files).not.toContain('policy/people.yaml');
    expect(files).not.toContain('.github/workflows/pam-sweep.yml');
    expect(read('.github/workflows/pam-sweep.yml')).toBe('mine\n');
    expect(read('.github/CODEOWNERS')).toContain('/policy/ @alice-ng @bob-r\n');
    expect(read('docs/pam-setup.md')).toContain('the service `robot`');
    expect(existsSync(join(home, 'state/pam/keys'))).toBe(false);
  });
});

/** Prepared by hand: two admins, one signature is enough; the executor `robot`. */
async function writePolicy(repository: string, threshold = 1): Promise<void> {
  mkdirSync(join(place, 'policy'), { recursive: true });
  writeFileSync(
    join(place, 'pam.yaml'),
    `version: 1\nforge: { kind: github, repository: ${repository}, remote: origin }\n`,
  );
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, 'bob')]);
  writeFileSync(
    join(place, 'policy/people.yaml'),
    `people:
  alice: { name: Alice, github: { login: alice-ng, id: 7 }, keys: [{ key: ${publicKey('alice')} }] }
  bob: { name: Bob, github: { login: bob-r, id: 8 }, keys: [{ key: ${publicKey('bob')} }] }
services:
  robot: { owner: alice, keys: [{ key: ${publicKey('robot')} }], executes: { targets: ["*"], may: [grant, revoke] } }
admins: { people: [alice, bob], threshold: ${threshold} }
`,
  );
  await Promise.resolve();
}

describe('an access repository that exists', () => {
  test('gets what is missing, for a pull request: nothing is committed, ledger and policy stay', async () => {
    const { root } = await first();
    const refs = stockGit(place, env, ['for-each-ref']);
    rmSync(join(place, 'docs'), { recursive: true });
    const ran = await init('--json');
    expect(documentOf(ran, 'pam.init/1', FIELDS)).toMatchObject({
      root,
      seq: null,
      files: ['docs/pam-setup.md'],
    });
    expect(stockGit(place, env, ['for-each-ref'])).toBe(refs);
    expect(stockGit(place, env, ['status', '--porcelain'])).toBe('');
    expect(expectQuiet(await init())).toContain('nothing was missing\n');
  });

  test('an older program is left alone and told; --upgrade rewrites it and nothing else', async () => {
    const { bundle } = await first();
    writeFileSync(join(place, '.github/pam/dist/main.cjs'), '// older\n');
    writeFileSync(join(place, '.github/pam/dist/gone.cjs'), '');
    rmSync(join(place, 'docs'), { recursive: true });
    const older = digestOf(place);
    const said = expectQuiet(await init());
    expect(said).toContain(`.github/pam holds another pam than this one, and is left alone: ${older}\n`);
    expect(said).toContain(`--upgrade puts this one in its place: ${String(bundle)}\n`);
    expect(digestOf(place)).toBe(older);
    rmSync(join(place, 'docs'), { recursive: true });
    const upgraded = documentOf(await init('--json', '--upgrade'), 'pam.init/1', FIELDS);
    expect(upgraded['bundle']).toBe(bundle);
    expect(digestOf(place)).toBe(bundle);
    expect(existsSync(join(place, 'docs'))).toBe(false);
    expect(stockGit(place, env, ['status', '--porcelain'])).toBe('D docs/pam-setup.md');
  });

  test('an upgrade does not follow a link out of the clone', async () => {
    await first();
    const precious = join(home, 'precious');
    mkdirSync(join(precious, 'pam'), { recursive: true });
    writeFileSync(join(precious, 'pam/letter'), 'dear');
    rmSync(join(place, '.github'), { recursive: true });
    symlinkSync(precious, join(place, '.github'));
    const ran = await init('--upgrade');
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain('.github/pam is reached through a link [E_USAGE]');
    expect(readFileSync(join(precious, 'pam/letter'), 'utf8')).toBe('dear');
  });
});

describe('refused before anything is on the remote', () => {
  const account = ['--account', 'alice-ng=7'];
  test.each([
    ['a name that is none', ['--github', 'access', ...account], 2, /"access" is not owner\/repository/u],
    [
      'no account',
      [],
      2,
      /which account on GitHub is yours\? \[E_USAGE\]\nhint: give --account "\$\(gh api user/u,
    ],
    ['an account without its number', ['--account', 'alice-ng'], 2, /is not login=number/u],
    [
      'a way of sweeping that is none',
      [...account, '--sweep-by', 'luck'],
      2,
      /give --sweep-by watch, timer/u,
    ],
    ['nothing to upgrade', [...account, '--upgrade'], 2, /no access repository here/u],
  ] as const)('%s', async (_what, args, code, says) => {
    const ran = await init('--remote', bare, ...args);
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err).toMatch(says);
    expect(stockGit(bare, env, ['for-each-ref'])).toBe('');
    expect(existsSync(place)).toBe(false);
  });

  test('no remote', async () => {
    const ran = await init(...account);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain('this clone has no remote origin [E_GIT_REMOTE]');
    expect(existsSync(join(place, 'pam.yaml'))).toBe(false);
  });

  test('an existing origin is enough', async () => {
    stockGit(home, env, ['clone', '-q', bare, place]);
    expectQuiet(await init(...account));
    expect(stockGit(bare, env, ['for-each-ref', '--format=%(refname)'])).toBe(
      'refs/heads/main\nrefs/heads/pam-ledger',
    );
  });

  test.each([
    [
      'another repository in pam.yaml',
      'acme/other',
      1,
      2,
      /pam\.yaml does not say that this is acme\/access/u,
    ],
    ['a first policy that one person cannot sign', 'acme/access', 2, 5, /\[E_POL_THRESHOLD\]/u],
  ] as const)('%s', async (_what, repository, threshold, code, says) => {
    await writePolicy(repository, threshold);
    const ran = await init('--remote', bare, '--executor', 'robot', '--executor-key', join(home, 'robot'));
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err).toMatch(says);
    expect(stockGit(bare, env, ['for-each-ref'])).toBe('');
  });

  test('--account, --upgrade and --sweep-by without --github', async () => {
    for (const args of [account, ['--upgrade'], ['--sweep-by', 'watch']]) {
      const ran = await runProgram(['init', place, ...args], { cwd: home, env });
      expect(ran).toMatchObject({ code: 2, out: '' });
      expect(ran.err).toContain('go with --github [E_USAGE]');
    }
  });
});

test('the digest is that of DESIGN: SHA-256 over the sorted lines `sha256:<hex>  <path>`', async () => {
  const { bundle } = await first();
  const top = join(place, '.github/pam');
  const sha = (bytes: Uint8Array | string): string =>
    `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const lines = readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${sha(readFileSync(path))}  ${path.slice(top.length + 1)}\n`);
  expect(sha([...lines].sort().join(''))).toBe(bundle);
});
