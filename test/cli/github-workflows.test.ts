/**
 * The workflows that `pam init --github` writes, carried out: every script as it stands, by bash, in fresh clones of a real
 * remote, with the program that was vendored there. Here proposals are branches; the same scripts run on pull
 * requests.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Event, type Hosting, type JobRan, runJob } from './actions-runner.ts';
import { listOf, parse } from './expectations.ts';
import { type Shipped, shipped } from './shipped-workflows.ts';
import { runStock, tempDir } from './program.ts';
import { approved, askBastion, bench, type Bench, commitToMain, must, stockGit } from './workbench.ts';

const PUSH: Event = { name: 'push' };
const SCHEDULE: Event = { name: 'schedule' };
const NOTHING_KEPT = 'no kept head on this machine';

let team: Bench;
let bare: string;
let hosting: Hosting;
let ahead = 0;
let flows: Shipped;

beforeAll(async () => {
  team = await bench({ processes: true, remote: true, config: 'sweep_within: 1h\n' });
  bare = team.bare ?? '';
  flows = await shipped(team.alice);
  const { bundle, files: written } = flows;
  commitToMain(team.alice, { ...written, 'policy/targets.yaml': targets() }, true);
  await must(team.alice.pam(['ratify', '--yes']));
  // What every account with write may have set for the repository: nothing that holds a key reads it.
  const vars = {
    PAM_ROOT: `sha256:${'0'.repeat(64)}`,
    PAM_BUNDLE: `sha256:${'0'.repeat(64)}`,
    PAM_EXECUTOR: 'x',
  };
  const secret = (name: string): string => readFileSync(team.key(name), 'utf8').trimEnd();
  hosting = {
    remote: bare,
    vars,
    environments: {
      'pam-apply': {
        vars: { PAM_APPLY_ROOT: team.trustRoot, PAM_APPLY_BUNDLE: bundle },
        secrets: { PAM_EXECUTOR_KEY: secret('pam-apply'), PAM_BASTION_CA_KEY: secret('ca') },
      },
      'pam-sweep': {
        vars: { PAM_SWEEP_ROOT: team.trustRoot, PAM_SWEEP_BUNDLE: bundle },
        secrets: { PAM_EXECUTOR_KEY: secret('pam-sweep') },
      },
    },
    token: () => 'ghs_ofthisrun',
    caches: new Map(),
    ahead: () => ahead,
  };
});

/** The example of the setup page, with a real CA, beside the targets of the bench. */
const targets = (): string => `targets:
  bastion:
    provider: ssh-ca
    config: { ca_key_env: PAM_BASTION_CA_KEY, ca_public_key: "${team.publicKey('ca')}", krl_env: PAM_BASTION_KRL, extensions: [permit-pty] }
  web-sudo: { provider: sudoers, config: { directory_env: PAM_SUDOERS_DIR } }
  legacy: { provider: command, config: { plugin: legacy, env: [LEGACY_STATE] } }
`;

const apply = async (event: Event = PUSH): Promise<JobRan> =>
  await runJob(hosting, 'pam-apply.yml', 'apply', event);
const sweep = async (event: Event = SCHEDULE): Promise<JobRan> =>
  await runJob(hosting, 'pam-sweep.yml', 'sweep', event);
const step = (ran: JobRan, name: string): JobRan['steps'][number] => {
  const found = ran.steps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no step ${name}`);
  return found;
};
const good = (ran: JobRan): JobRan => {
  expect(ran.steps.filter(({ outcome }) => outcome !== 'success')).toEqual([]);
  expect(ran.result).toBe('success');
  return ran;
};
const refs = (): string =>
  stockGit(bare, team.alice.env, ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads']);
const state = async (id: string): Promise<string> => {
  const told = parse((await must(team.dana.pam(['status', id, '--json', '--all']))).out);
  return String(listOf(told, 'grants')[0]?.['state']);
};

/** Files below these directories that hold a line of the key. */
function leftovers(key: string, dirs: readonly string[]): readonly string[] {
  const line = readFileSync(team.key(key), 'utf8').split('\n')[2] ?? '';
  expect(line.length).toBeGreaterThan(30);
  return dirs.flatMap((dir) =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => readFileSync(path).includes(line)),
  );
}

async function listed(certificate: string): Promise<string> {
  const place = tempDir();
  const krl = await runStock('git', ['-C', bare, 'cat-file', 'blob', 'pam-krl:bastion.krl'], {
    cwd: place,
    env: { ...team.alice.env, LC_ALL: 'C' },
  });
  if (krl.code !== 0) return 'no list';
  stockGit(team.alice.clone, team.alice.env, ['fetch', '-q', 'origin', 'pam-krl']);
  const script = `git -C "$1" cat-file blob FETCH_HEAD:bastion.krl > krl; printf '%s\\n' "$2" > cert.pub; ssh-keygen -Q -f krl cert.pub`;
  const told = await runStock('bash', ['-c', script, '-', team.alice.clone, certificate.trim()], {
    cwd: place,
    env: team.alice.env,
  });
  return told.out;
}

describe.skipIf(process.platform !== 'linux')(
  'from a push to the end of a grant, by the shipped scripts',
  () => {
    let id: string;
    let certificate: string;

    test('the first push puts the signed policy in force', async () => {
      const ran = good(await apply());
      expect(step(ran, 'Apply').err).toContain(NOTHING_KEPT);
      // Hosts that cannot find a list let nobody in: there is one before there is anything to list.
      expect(refs()).toContain('refs/heads/pam-krl ');
      expect(stockGit(bare, team.alice.env, ['ls-tree', '--name-only', 'pam-krl'])).toBe('bastion.krl');
    });

    test('a sweep with nothing to do leaves its trace, so that grants may begin', async () => {
      const ran = good(await sweep());
      expect(step(ran, 'Sweep').err).toContain(NOTHING_KEPT);
      expect(stockGit(bare, team.alice.env, ['log', '-1', '--format=%s', 'pam-ledger'])).toMatch(
        /^heartbeat/u,
      );
    });

    test('what was merged and approved is granted, and its subject takes the certificate from the ledger', async () => {
      id = await approved(team, await askBastion(team.dana));
      const ran = good(await apply());
      expect(step(ran, 'Apply').out).toContain('1 granted');
      certificate = (await must(team.dana.pam(['status', id, '--certificate']))).out;
      expect(certificate).toMatch(/^ssh-ed25519-cert-v01@openssh\.com /u);
    });

    test('the head that one run verified is there for the next, and each executor has its own', async () => {
      const ran = good(await apply(SCHEDULE));
      expect(step(ran, 'Apply').err).not.toContain(NOTHING_KEPT);
      expect(step(good(await sweep()), 'Sweep').err).not.toContain(NOTHING_KEPT);
    });

    test('no key is left anywhere: not on the machine, not in a cache, not in a ref', async () => {
      const ran = good(await apply());
      const dirs = [ran.temp, ran.workspace, ran.home, ...hosting.caches.values()];
      for (const key of ['pam-apply', 'pam-sweep', 'ca']) expect(leftovers(key, dirs)).toEqual([]);
      for (const { out, err } of ran.steps) expect(`${out}${err}`).not.toMatch(/PRIVATE KEY|ghs_ofthisrun/u);
    });

    test('what pam prints is between two lines that make it mere text to the runner', async () => {
      const { out } = step(good(await sweep()), 'Sweep');
      expect(out).toMatch(/^::stop-commands::([0-9a-f-]{36})\n(?:.*\n)*::\1::\n$/u);
    });

    test('a stop ends it at the next sweep, and hosts find its serial on the branch with the list', async () => {
      await must(team.alice.pam(['revoke', id, '--reason', 'the wrong host', '--yes']));
      expect(await listed(certificate)).toMatch(/: ok$/mu);
      expect(step(good(await sweep()), 'Sweep').out).toContain('1 revoked.');
      expect(await listed(certificate)).toContain('REVOKED');
      expect(await state(id)).toBe('ended');
    });

    test('a second list goes on top of the first, and a spoilt one does not stop the next', async () => {
      const other = await approved(team, await askBastion(team.dana));
      good(await apply());
      const second = (await must(team.dana.pam(['status', other, '--certificate']))).out;
      commitToKrl({ 'bastion.krl': 'this is no list' });
      await must(team.alice.pam(['revoke', other, '--reason', 'done', '--yes']));
      good(await sweep());
      expect(await listed(second)).toContain('REVOKED');
      // The first one too: it was lost with the spoilt list, and sweep asks about a day's endings again.
      expect(await listed(certificate)).toContain('REVOKED');
      expect(stockGit(bare, team.alice.env, ['rev-list', '--count', 'pam-krl'])).toBe('4');
    });

    test('what is past its end is swept, whoever else has done nothing', async () => {
      const third = await approved(team, await askBastion(team.dana));
      good(await apply());
      expect(await state(third)).toBe('live');
      ahead = 601;
      team.later(601);
      expect(step(good(await sweep()), 'Sweep').out).toContain('1 revoked.');
      expect(await state(third)).toBe('ended');
      stockGit(team.alice.clone, team.alice.env, ['fetch', '-q', 'origin']);
      expect(parse((await must(team.alice.pam(['audit', '--json']))).out)).toMatchObject({ ok: true });
    });
  },
);

/** Somebody with write access pushes to the branch of lists. */
function commitToKrl(files: Readonly<Record<string, string>>): void {
  const place = tempDir();
  stockGit(place, team.alice.env, ['clone', '-q', '--branch', 'pam-krl', bare, 'clone']);
  const mallory = {
    ...team.erin,
    clone: join(place, 'clone'),
    git: (...args: readonly string[]) => stockGit(join(place, 'clone'), team.erin.env, args),
  };
  commitToMain(mallory, files, false);
  mallory.git('push', '-q', 'origin', 'HEAD:pam-krl');
}

describe.skipIf(process.platform !== 'linux')('what must not work', () => {
  test('[P11] a dispatch with more than an id runs nothing of it', async () => {
    const before = refs();
    for (const input of [
      'REQ-1; touch "$RUNNER_TEMP/owned"',
      '$(touch "$RUNNER_TEMP/owned")',
      '--help',
      'x\n20261122-orders-dba-7k3fq2',
    ]) {
      const ran = await apply({ name: 'workflow_dispatch', inputs: { id: input } });
      expect(ran.result).toBe('failure');
      expect(step(ran, 'Apply')).toMatchObject({ code: 2, out: expect.stringContaining('not a request id') });
      expect(readdirSync(ran.temp)).not.toContain('owned');
    }
    expect(refs()).toBe(before);
  });

  test('a dispatch with an id takes that request', async () => {
    const ran = await apply({ name: 'workflow_dispatch', inputs: { id: '20200101-bastion-root-aaaaaa' } });
    expect(step(ran, 'Apply').out).not.toContain('not a request id');
    expect(step(ran, 'Apply').err).toContain('20200101-bastion-root-aaaaaa');
  });

  test('another branch than main starts no executor', async () => {
    team.erin.git('fetch', '-q', 'origin');
    team.erin.git('push', '-q', 'origin', 'origin/main:refs/heads/mine');
    const elsewhere = { name: 'workflow_dispatch', ref: 'refs/heads/mine' };
    expect((await apply(elsewhere)).result).toBe('skipped');
    expect((await sweep(elsewhere)).result).toBe('skipped');
  });

  test('without its key an executor says so and does nothing', async () => {
    const before = refs();
    const bareHands: Hosting = {
      ...hosting,
      environments: { 'pam-sweep': { vars: hosting.environments['pam-sweep']?.vars ?? {}, secrets: {} } },
    };
    const ran = await runJob(bareHands, 'pam-sweep.yml', 'sweep', SCHEDULE);
    expect(step(ran, 'Sweep')).toMatchObject({ outcome: 'failure', code: 2 });
    expect(step(ran, 'Sweep').err).toContain('an executor needs a name and a key');
    expect(refs()).toBe(before);
  });

  test('the helper gives the token to GitHub alone', async () => {
    const ran = good(await sweep());
    const asked = async (host: string): Promise<string> =>
      (
        await runStock('git', ['credential', 'fill'], {
          cwd: ran.workspace,
          env: {
            PATH: team.alice.env['PATH'] ?? '',
            HOME: ran.home,
            GITHUB_TOKEN: 'ghs_x',
            GIT_TERMINAL_PROMPT: '0',
          },
          stdin: `protocol=https\nhost=${host}\n\n`,
        })
      ).out;
    expect(await asked('github.com')).toContain('username=x-access-token\npassword=ghs_x\n');
    expect(await asked('github.com.evil.example')).not.toContain('ghs_x');
    expect(await asked('example.com')).not.toContain('ghs_x');
  });

  test('[X76] a main that no machine can bring into a work tree, with attributes that change bytes: a sweep runs', async () => {
    const { git } = team.alice;
    const before = git('rev-parse', 'origin/main');
    const blob = git('hash-object', '-w', 'pam.yaml');
    const attributes = join(tempDir(), 'attributes');
    writeFileSync(attributes, '* text eol=crlf\n');
    // A name that git itself refuses to bring into a work tree, on machines of GitHub's too.
    const careless = ['-c', 'core.protectNTFS=false'];
    const add = (path: string, oid: string): string =>
      git(...careless, 'update-index', '--add', '--cacheinfo', `100644,${oid},${path}`);
    git(...careless, 'read-tree', before);
    add('git~1', blob);
    add('.gitattributes', git('hash-object', '-w', attributes));
    const hostile = git('commit-tree', '-p', before, '-m', 'an odd name', git(...careless, 'write-tree'));
    git('push', '-q', 'origin', `${hostile}:main`);
    const ran = await sweep();
    expect(step(ran, 'Main')).toMatchObject({ outcome: 'failure' });
    expect(step(ran, 'Only the program that PAM_BUNDLE names')).toMatchObject({ outcome: 'success' });
    expect(step(ran, 'Sweep')).toMatchObject({ outcome: 'success' });
    expect(ran.result).toBe('failure');
    const mended = git('commit-tree', '-p', hostile, '-m', 'as it was', `${before}^{tree}`);
    git('push', '-q', 'origin', `${mended}:main`);
    git('reset', '-q', '--hard', mended);
  });

  // Last: main stays changed.
  test.each([
    ['a changed program', { '.github/pam/dist/main.cjs': 'console.log("owned")' }],
    ['one file more', { '.github/pam/dist/more.cjs': '' }],
    ['another package', { '.github/pam/package.json': '{ "type": "module", "imports": {} }' }],
  ] as const)('%s on main stops every job before it runs, but no sweep', async (_what, change) => {
    commitToMain(team.alice, { ...flows.files, ...change }, true);
    const before = refs();
    const stopped = await apply();
    expect(stopped.result).toBe('failure');
    expect(step(stopped, 'Only the program that PAM_BUNDLE names')).toMatchObject({ outcome: 'failure' });
    expect(stopped.steps.filter(({ out }) => out.includes('owned'))).toEqual([]);
    for (const name of ['Apply', 'Tell', 'Keep what was verified']) {
      expect(step(stopped, name)).toMatchObject({ outcome: 'skipped' });
    }
    // Access still ends: by the very program that PAM_BUNDLE names, as an earlier sweep kept it.
    const ended = await sweep();
    expect(step(ended, 'Sweep')).toMatchObject({ outcome: 'success' });
    expect(ended.steps.slice(-1)).toMatchObject([
      { outcome: 'failure', out: expect.stringContaining('another program') },
    ]);
    expect(ended.steps.filter(({ out }) => out.includes('owned'))).toEqual([]);
    // A machine that kept none has nothing that may run.
    const unkept = await runJob({ ...hosting, caches: new Map() }, 'pam-sweep.yml', 'sweep', SCHEDULE);
    expect(step(unkept, 'Sweep')).toMatchObject({ outcome: 'skipped' });
    expect(unkept.result).toBe('failure');
    expect(refs()).toBe(before);
    for (const path of Object.keys(change))
      if (!(path in flows.files)) team.alice.git('rm', '-q', '--', path);
  });
});
