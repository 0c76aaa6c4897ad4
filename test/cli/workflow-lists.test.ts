/**
 * The steps of the shipped sweep that bring revocation lists and publish them, and the script of the setup page by which
 * hosts take them, on branches that a pusher shaped. Every script as it stands, by bash, with real git and ssh-keygen.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { readWorkflow } from '../catalogue/workflow-rules.ts';
import { tempDir } from './program.ts';

const template = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../src/templates/github/${name}`, import.meta.url)), 'utf8');
const steps = readWorkflow('pam-sweep.yml', template('pam-sweep.yml')).jobs['sweep']?.steps ?? [];
const scriptOf = (name: string): string => steps.find((step) => step.name === name)?.run ?? 'exit 99';
const READ = scriptOf('The revocation lists as hosts have them');
const PUBLISH = scriptOf('The revocation lists for the hosts');
const HOST = /^#!\/bin\/sh\n[^`]*/mu.exec(template('pam-setup.md'))?.[0] ?? 'exit 99';

const ENV = {
  PATH: process.env['PATH'] ?? '',
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'm',
  GIT_AUTHOR_EMAIL: 'm@x',
  GIT_COMMITTER_NAME: 'm',
  GIT_COMMITTER_EMAIL: 'm@x',
};

let ca: string;
let honest: Buffer;
beforeAll(() => {
  const place = tempDir();
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(place, 'ca')]);
  ca = join(place, 'ca.pub');
  honest = list(7, 'serial: 655360');
});

/** A real revocation list. */
function list(number: number | bigint, ...lines: readonly string[]): Buffer {
  const place = tempDir();
  writeFileSync(join(place, 'spec'), `${lines.join('\n')}\n`);
  execFileSync('ssh-keygen', ['-q', '-k', '-f', 'krl', '-s', ca, '-z', String(number), 'spec'], {
    cwd: place,
  });
  return readFileSync(join(place, 'krl'));
}

const serialsIn = (path: string): readonly string[] =>
  execFileSync('ssh-keygen', ['-Q', '-l', '-f', path], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('serial: '))
    .map((line) => line.slice('serial: '.length));

class Remote {
  readonly bare = join(tempDir(), 'r.git');
  readonly seed = tempDir();
  constructor() {
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', this.bare], { env: ENV });
    this.git(['init', '-q', '-b', 'main', '.']);
    this.git(['remote', 'add', 'origin', this.bare]);
    this.git(['commit', '-q', '--allow-empty', '-m', 'main']);
    this.git(['push', '-q', 'origin', 'HEAD:main']);
  }
  git(args: readonly string[], input?: string | Buffer): string {
    return execFileSync('git', [...args], {
      cwd: this.seed,
      env: ENV,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      ...(input === undefined ? {} : { input }),
    }).trim();
  }
  blob(bytes: string | Buffer): string {
    return this.git(['hash-object', '-w', '--stdin'], bytes);
  }
  tree(lines: readonly string[]): string {
    return this.git(['mktree', '--missing'], lines.map((line) => `${line}\n`).join(''));
  }
  push(branch: string, tree: string, parents: readonly string[] = []): string {
    const commit = this.git(['commit-tree', '-m', 'x', ...parents.flatMap((one) => ['-p', one]), tree]);
    this.git(['push', '-q', 'origin', `${commit}:refs/heads/${branch}`]);
    return commit;
  }
  /** The pam-krl that jobs published before the pusher came. */
  publishHonest(): string {
    return this.push('pam-krl', this.tree([`100644 blob ${this.blob(honest)}\tbastion.krl`]));
  }
  branches(): readonly string[] {
    return execFileSync('git', ['-C', this.bare, 'for-each-ref', '--format=%(refname:short)', 'refs/heads'], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n');
  }
}

interface Job {
  readonly read: { readonly code: number | null; readonly said: string };
  readonly lists: string;
  readonly publish: () => { readonly code: number | null; readonly said: string };
}

/** Both steps of one run; between them the test may write lists, as `pam sweep` does. */
function job({ bare }: Remote): Job {
  const temp = tempDir();
  const work = join(temp, 'work');
  execFileSync('git', ['clone', '-q', '--depth=1', '-b', 'main', `file://${bare}`, work], { env: ENV });
  const lists = join(temp, 'pam-krl');
  const env = {
    ...ENV,
    HOME: temp,
    GITHUB_WORKSPACE: work,
    GITHUB_TOKEN: 'x',
    RUNNER_TEMP: temp,
    LISTS: lists,
  };
  const run = (script: string) => {
    writeFileSync(join(temp, 'step.sh'), script);
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['--noprofile', '--norc', '-eo', 'pipefail', join(temp, 'step.sh')],
      {
        cwd: work,
        env,
        encoding: 'utf8',
        timeout: 120_000,
      },
    );
    return { code: status, said: `${stdout}${stderr}` };
  };
  return { read: run(READ), lists, publish: () => run(PUBLISH) };
}

/** What a host has after its minute. */
function onHost({ bare }: Remote): readonly string[] | 'no list' {
  const place = tempDir();
  execFileSync('git', ['init', '-q', '--bare', place], { env: ENV });
  execFileSync('git', ['-C', place, 'remote', 'add', 'origin', `file://${bare}`], { env: ENV });
  const to = join(place, 'revoked.krl');
  execFileSync('sh', ['-c', HOST], { env: { ...ENV, LISTS: place, REVOKED: to } });
  return readdirSync(place).includes('revoked.krl') ? serialsIn(to) : 'no list';
}

/** What a pusher may do to `pam-krl`, on top of the honest commit. */
const SHAPES: readonly (readonly [string, (remote: Remote, before: string) => void])[] = [
  [
    'a directory among the lists',
    (r, on) =>
      r.push(
        'pam-krl',
        r.tree([`040000 tree ${r.tree([`100644 blob ${r.blob('x')}\tx`])}\ta.krl`, mine(r)]),
        [on],
      ),
  ],
  [
    'a directory in place of the list',
    (r, on) => r.push('pam-krl', r.tree([`040000 tree ${r.tree([mine(r)])}\tbastion.krl`]), [on]),
  ],
  [
    'a link',
    (r, on) => r.push('pam-krl', r.tree([`120000 blob ${r.blob('/etc/passwd')}\ta.krl`, mine(r)]), [on]),
  ],
  [
    'a submodule',
    (r, on) => r.push('pam-krl', r.tree([`160000 commit ${'1'.repeat(40)}\ta.krl`, mine(r)]), [on]),
  ],
  [
    'a submodule with its file',
    (r, on) =>
      r.push(
        'pam-krl',
        r.tree([
          `100644 blob ${r.blob('[submodule "a"]\n\tpath = a.krl\n\turl = ext::sh -c "touch owned"\n')}\t.gitmodules`,
          `160000 commit ${'1'.repeat(40)}\ta.krl`,
          mine(r),
        ]),
        [on],
      ),
  ],
  [
    'a list beyond all bounds',
    (r, on) =>
      r.push('pam-krl', r.tree([`100644 blob ${r.blob(Buffer.alloc(17_000_000))}\ta.krl`, mine(r)]), [on]),
  ],
  [
    'a thousand files',
    (r, on) =>
      r.push(
        'pam-krl',
        r.tree([mine(r), ...Array.from({ length: 1000 }, (_, n) => `100644 blob ${r.blob('x')}\tz${n}.krl`)]),
        [on],
      ),
  ],
  [
    'names of every kind',
    (r, on) =>
      r.push(
        'pam-krl',
        r.tree([
          mine(r),
          ...[
            '-rf.krl',
            ' a.krl',
            'a b.krl',
            '$(id).krl',
            'a\u00e9.krl',
            `${'a'.repeat(300)}.krl`,
            '..krl',
            '.krl',
            'A.KRL',
            'a.krl.krl',
          ].map((name) => `100644 blob ${r.blob('x')}\t${name}`),
        ]),
        [on],
      ),
  ],
  [
    'a program of a list',
    (r, on) => r.push('pam-krl', r.tree([`100755 blob ${r.blob(honest)}\tbastion.krl`]), [on]),
  ],
  [
    'no list',
    (r, on) =>
      r.push(
        'pam-krl',
        r.tree([
          `100644 blob ${r.blob('')}\tbastion.krl`,
          `100644 blob ${r.blob('ssh-ed25519 AAAA')}\tb.krl`,
        ]),
        [on],
      ),
  ],
  [
    'half a list',
    (r, on) =>
      r.push('pam-krl', r.tree([`100644 blob ${r.blob(honest.subarray(0, 60))}\tbastion.krl`]), [on]),
  ],
  ['an empty tree', (r, on) => r.push('pam-krl', r.tree([]), [on])],
  [
    'a merge of three',
    (r, on) => r.push('pam-krl', r.tree([mine(r)]), [on, r.push('x', r.tree([])), r.push('y', r.tree([]))]),
  ],
];

const mine = (remote: Remote): string => `100644 blob ${remote.blob(honest)}\tbastion.krl`;

describe.skipIf(process.platform !== 'linux')('[X76] whatever a pusher makes of pam-krl', () => {
  test.each(SHAPES)(
    '%s: the lists are read without an error, and the next one reaches the hosts',
    (_what, shape) => {
      const remote = new Remote();
      shape(remote, remote.publishHonest());
      const { read, lists, publish } = job(remote);
      expect(read).toMatchObject({ code: 0 });
      const found = readdirSync(lists).filter((name) => name.endsWith('.krl'));
      for (const name of found) expect(serialsIn(join(lists, name))).toEqual(['655360']);
      // What `pam sweep` then writes.
      writeFileSync(join(lists, 'bastion.krl'), list(9, 'serial: 655360', 'serial: 720896'));
      expect(publish()).toMatchObject({ code: 0 });
      expect(remote.branches().filter((name) => name.startsWith('pam-krl'))).toEqual(['pam-krl']);
      expect(onHost(remote)).toEqual(['655360', '720896']);
    },
  );

  test('an honest list is found as it is, and one that did not change is not published anew', () => {
    const remote = new Remote();
    const on = remote.publishHonest();
    const { read, lists, publish } = job(remote);
    expect(read).toEqual({ code: 0, said: '' });
    expect(readFileSync(join(lists, 'bastion.krl'))).toEqual(honest);
    expect(publish()).toEqual({ code: 0, said: '' });
    expect(remote.git(['ls-remote', 'origin', 'refs/heads/pam-krl'])).toContain(on);
  });

  test('another job that was faster makes this one red, and takes nothing away', () => {
    const remote = new Remote();
    const on = remote.publishHonest();
    const slow = job(remote);
    writeFileSync(join(slow.lists, 'bastion.krl'), list(9, 'serial: 1'));
    remote.push('pam-krl', remote.tree([`100644 blob ${remote.blob(list(8, 'serial: 2'))}\tbastion.krl`]), [
      on,
    ]);
    expect(slow.publish().code).toBe(1);
    expect(onHost(remote)).toEqual(['2']);
  });
});

describe.skipIf(process.platform !== 'linux')(
  '[X77] a branch below its name keeps pam-krl from existing',
  () => {
    test.each([
      ['one', ['pam-krl/x']],
      [
        'one, and some that look like what stands in',
        ['pam-krl/x', 'pam-krl-1/x', 'pam-krl-2', 'pam-krl-x/y', 'pam-krl-000000000000'],
      ],
    ])('%s: the lists are published all the same, hosts find them, and it is said', (_what, branches) => {
      const remote = new Remote();
      for (const branch of branches) remote.push(branch, remote.tree([]));
      const first = job(remote);
      expect(first.read.code).toBe(0);
      writeFileSync(join(first.lists, 'bastion.krl'), list(9, 'serial: 1'));
      const published = first.publish();
      expect(published.code).toBe(0);
      expect(published.said).toContain('::error title=The branch pam-krl cannot be used');
      expect(onHost(remote)).toEqual(['1']);

      // The next run goes on from there, and comes back once the way is free.
      const second = job(remote);
      expect(serialsIn(join(second.lists, 'bastion.krl'))).toEqual(['1']);
      writeFileSync(join(second.lists, 'bastion.krl'), list(10, 'serial: 1', 'serial: 2'));
      expect(second.publish().code).toBe(0);
      expect(onHost(remote)).toEqual(['1-2']);
      const standIns = remote
        .branches()
        .filter((name) => /^pam-krl-[0-9a-f]{12}$/u.test(name) && !name.endsWith('000000'));
      expect(standIns).toHaveLength(1);

      remote.git(['push', '-q', 'origin', ':refs/heads/pam-krl/x']);
      const third = job(remote);
      writeFileSync(join(third.lists, 'bastion.krl'), list(11, 'serial: 1', 'serial: 2', 'serial: 3'));
      expect(third.publish()).toEqual({ code: 0, said: '' });
      expect(remote.branches()).toContain('pam-krl');
      expect(onHost(remote)).toEqual(['1-3']);
    });

    test('numbers of 64 bits are compared as what they are', () => {
      const remote = new Remote();
      for (const [branch, number] of [
        ['pam-krl', 9n],
        ['pam-krl-00000000000a', 18446744073709551615n],
        ['pam-krl-00000000000b', 10n],
      ] as const)
        remote.push(
          branch,
          remote.tree([`100644 blob ${remote.blob(list(number, `serial: ${number % 100n}`))}\tbastion.krl`]),
        );
      expect(onHost(remote)).toEqual(['15']);
      expect(serialsIn(join(job(remote).lists, 'bastion.krl'))).toEqual(['15']);
    });
  },
);

test('the directory of lists is made even where nothing can be fetched', () => {
  const remote = new Remote();
  const { read, lists } = job(remote);
  expect(read).toEqual({ code: 0, said: '' });
  expect(readdirSync(lists)).toEqual([]);
  mkdirSync(join(lists, 'x'));
});
