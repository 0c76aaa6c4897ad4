/** The machine and the line before it do what GitHub is known to do: the tests of our workflows rest on that. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { type Github, startGithub } from '../github/github.ts';
import { type Event, type Hosting, type JobRan, runJob } from './actions-runner.ts';
import { ActionsService } from './actions-service.ts';
import { tempDir } from './program.ts';

const PLACE = '.github/workflows';
const job = (says: string, more: string = ''): string => `permissions: {}
on: { workflow_dispatch: { inputs: { id: {} } }, schedule: [{ cron: '7 * * * *' }] }
jobs:
  one:
    runs-on: ubuntu-24.04
${more}    steps:
      - name: Say
        env: { VARIABLE: "\${{ vars.V }}", SECRET: "\${{ secrets.S }}", TOKEN: "\${{ github.token }}", ID: "\${{ inputs.id }}" }
        run: echo "${says} [$VARIABLE] [$SECRET] [$ID]"
`;
const KEYED = '    environment: keyed\n';

interface World {
  readonly hosting: Hosting;
  readonly hub: Github;
  readonly actions: ActionsService;
  /** Commits files on top of main and pushes them to `branch`. */
  readonly push: (branch: string, files: Readonly<Record<string, string>>) => string;
  readonly ask: (method: string, path: string, body?: unknown, who?: string) => Promise<number>;
}

const open: Github[] = [];
afterEach(async () => {
  for (const hub of open.splice(0)) await hub.close();
});

async function world(files: Readonly<Record<string, string>>): Promise<World> {
  const top = tempDir();
  const bare = join(top, 'bare');
  const clone = join(top, 'clone');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: top,
    GIT_AUTHOR_NAME: 'm',
    GIT_AUTHOR_EMAIL: 'm@x',
    GIT_COMMITTER_NAME: 'm',
    GIT_COMMITTER_EMAIL: 'm@x',
  };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', [...args], { env, cwd: top, encoding: 'utf8' }).trim();
  git('init', '-q', '--bare', '-b', 'main', bare);
  git('init', '-q', '-b', 'main', clone);
  git('-C', clone, 'remote', 'add', 'origin', bare);
  const push: World['push'] = (branch, changed) => {
    if (branch !== 'main') git('-C', clone, 'checkout', '-q', '-B', 'side', 'main');
    for (const [path, text] of Object.entries(changed)) {
      mkdirSync(join(clone, path, '..'), { recursive: true });
      writeFileSync(join(clone, path), text);
    }
    git('-C', clone, 'add', '-A');
    git('-C', clone, 'commit', '-q', '-m', branch);
    git('-C', clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
    const commit = git('-C', clone, 'rev-parse', 'HEAD');
    git('-C', clone, 'checkout', '-q', 'main');
    return commit;
  };
  push('main', files);
  const hub = await startGithub({ bare, owner: 'acme', repo: 'access', accounts: { alice: {}, bob: {} } });
  open.push(hub);
  const hosting: Hosting = {
    remote: bare,
    vars: { V: "the repository's" },
    environments: { keyed: { vars: { V: "the environment's" }, secrets: { S: 'the key' } } },
    token: (permissions) => `ghs_${Object.values(permissions).join('_')}`,
    caches: new Map(),
    ahead: () => 0,
  };
  const tokens = { alice: hub.token('alice'), bob: hub.token('bob') };
  const ask: World['ask'] = async (method, path, body, who = 'alice') =>
    (
      await fetch(`${hub.url}/repos/acme/access/${path}`, {
        method,
        headers: {
          'user-agent': 'test',
          authorization: `token ${who === 'bob' ? tokens.bob : tokens.alice}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    ).status;
  return { hosting, hub, actions: new ActionsService(hosting, hub, 'alice'), push, ask };
}

const said = ({ steps, result }: JobRan): readonly string[] => [
  result,
  ...steps.map(({ out }) => out.trim()),
];

describe.skipIf(process.platform !== 'linux')('the machine', () => {
  test('runs the file of the ref: of a pull request its own, of everything else that of its branch', async () => {
    const { hosting, push, ask } = await world({ [`${PLACE}/w.yml`]: job('of main') });
    push('mine', { [`${PLACE}/w.yml`]: job('of the pull request') });
    expect(await ask('POST', 'pulls', { title: 'Mine', head: 'mine', base: 'main' })).toBe(201);
    const run = async (event: Event): Promise<string> =>
      said(await runJob(hosting, 'w.yml', 'one', event))[1] ?? '';
    for (const name of ['pull_request', 'pull_request_review']) {
      expect(await run({ name, ref: 'refs/pull/1/merge' })).toContain('of the pull request');
    }
    for (const name of ['push', 'schedule', 'workflow_dispatch'])
      expect(await run({ name })).toContain('of main');
    expect(await run({ name: 'workflow_dispatch', ref: 'refs/heads/mine' })).toContain('of the pull request');
  });

  test('gives a fork no variables, no secrets, and a token that reads', async () => {
    const { hosting } = await world({
      [`${PLACE}/w.yml`]: job('$TOKEN', '    permissions: { contents: write, issues: read }\n'),
    });
    expect(said(await runJob(hosting, 'w.yml', 'one', { name: 'pull_request', fork: true }))).toEqual([
      'success',
      'ghs_read_read [] [] []',
    ]);
    expect(said(await runJob(hosting, 'w.yml', 'one', { name: 'pull_request' }))).toEqual([
      'success',
      "ghs_write_read [the repository's] [] []",
    ]);
  });

  test('keeps an environment for the branches of its rule', async () => {
    const { hosting, push, ask } = await world({ [`${PLACE}/w.yml`]: job('it says', KEYED) });
    expect(said(await runJob(hosting, 'w.yml', 'one', { name: 'push' }))).toEqual([
      'success',
      "it says [the environment's] [the key] []",
    ]);
    push('mine', { [`${PLACE}/w.yml`]: job('hand it over', KEYED) });
    await ask('POST', 'pulls', { title: 'Mine', head: 'mine', base: 'main' });
    for (const ref of ['refs/heads/mine', 'refs/pull/1/merge', 'refs/tags/main']) {
      if (ref.startsWith('refs/tags/')) {
        execFileSync('git', ['-C', hosting.remote, 'update-ref', ref, 'refs/heads/mine']);
      }
      expect(said(await runJob(hosting, 'w.yml', 'one', { name: 'push', ref }))).toEqual(['failure']);
    }
  });

  test('that is cancelled runs only what says so', async () => {
    const step = (name: string, when: string): string =>
      `      - name: ${name}\n${when === '' ? '' : `        if: \${{ ${when} }}\n`}        run: echo ran\n`;
    const steps = `${step('First', '')}${step('Second', '')}${step('Third', '!cancelled()')}${step('Fourth', 'cancelled()')}`;
    const { hosting } = await world({
      [`${PLACE}/w.yml`]: `jobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n${steps}`,
    });
    const outcomes = async (event: Event): Promise<readonly string[]> => {
      const ran = await runJob(hosting, 'w.yml', 'one', event);
      return [ran.result, ...ran.steps.map(({ outcome }) => outcome)];
    };
    const [ok, no] = ['success', 'skipped'];
    expect(await outcomes({ name: 'push' })).toEqual([ok, ok, ok, ok, no]);
    expect(await outcomes({ name: 'push', cancelledAt: 'Second' })).toEqual(['cancelled', ok, no, no, ok]);
  });
});

describe.skipIf(process.platform !== 'linux')('the line', () => {
  const inGroup = (group: string, more: string = ''): string =>
    `    concurrency: { group: "${group}"${more} }\n`;
  const dispatch = async (at: World, file: string, id: string, ref: string = 'main'): Promise<void> => {
    expect(await at.ask('POST', `actions/workflows/${file}/dispatches`, { ref, inputs: { id } })).toBe(204);
    at.actions.admit();
  };
  const carried = async (at: World): Promise<readonly string[]> =>
    (await at.actions.carryOut()).map(
      ({ event, ran }) => `${event.inputs?.['id'] ?? event.name} ${ran?.result ?? 'never'}`,
    );
  const ends = ({ hub }: World): readonly (string | null)[] => hub.runs.map(({ conclusion }) => conclusion);

  test('holds one that waits: a newer one takes its place', async () => {
    const at = await world({ [`${PLACE}/w.yml`]: job('it', inGroup('g')) });
    for (const id of ['a', 'b', 'c']) await dispatch(at, 'w.yml', id);
    expect(ends(at)).toEqual([null, 'cancelled', null]);
    expect(await carried(at)).toEqual(['a success', 'c success']);
    expect(ends(at)).toEqual(['success', 'cancelled', 'success']);
  });

  test('of two groups does not meet; one without a group waits for nothing', async () => {
    const at = await world({
      [`${PLACE}/w.yml`]: job('it', inGroup('g-${{ inputs.id }}')),
      [`${PLACE}/free.yml`]: job('free'),
    });
    for (const id of ['a', 'b', 'b', 'c']) await dispatch(at, 'w.yml', id);
    for (const id of ['x', 'y']) await dispatch(at, 'free.yml', id);
    const all = await carried(at);
    expect([...all].sort()).toEqual(['a', 'b', 'b', 'c', 'x', 'y'].map((id) => `${id} success`));
  });

  test('with `queue: max` holds all', async () => {
    const at = await world({ [`${PLACE}/w.yml`]: job('it', inGroup('g', ', queue: max')) });
    for (const id of ['a', 'b', 'c']) await dispatch(at, 'w.yml', id);
    expect(await carried(at)).toEqual(['a success', 'b success', 'c success']);
  });

  test('is everybody’s: a workflow on any branch ends what is under way in it, in whatever case it says the name', async () => {
    const at = await world({
      [`${PLACE}/w.yml`]: job('it', inGroup('pam-sweep')),
      [`${PLACE}/other.yml`]: job('other'),
    });
    at.push('mine', {
      [`${PLACE}/other.yml`]: job('mine', inGroup('PAM-Sweep', ', cancel-in-progress: true')),
    });
    await dispatch(at, 'w.yml', 'sweep');
    await dispatch(at, 'other.yml', 'mine', 'mine');
    expect(await carried(at)).toEqual(['mine success']);
    expect(ends(at)).toEqual(['cancelled', 'success']);
  });

  test('obeys everybody with write: runs are cancelled and run again with the file of then; workflows are switched off', async () => {
    const at = await world({ [`${PLACE}/w.yml`]: job('the old one') });
    await dispatch(at, 'w.yml', 'a');
    const [{ id } = { id: 0 }] = at.hub.runs;
    expect(await at.ask('POST', `actions/runs/${id}/cancel`, undefined, 'bob')).toBe(202);
    expect(await carried(at)).toEqual(['a never']);
    at.push('main', { [`${PLACE}/w.yml`]: job('the new one') });
    expect(await at.ask('POST', `actions/runs/${id}/rerun`, undefined, 'bob')).toBe(201);
    const [again] = await at.actions.carryOut();
    expect(again?.ran?.steps[0]?.out).toContain('the old one');
    expect(at.actions.schedule('w.yml')).toBe(true);
    expect(await carried(at)).toEqual(['schedule success']);
    expect(await at.ask('PUT', 'actions/workflows/w.yml/disable', undefined, 'bob')).toBe(204);
    expect(at.actions.schedule('w.yml')).toBe(false);
  });

  test('knows no schedule of an account that is gone', async () => {
    const at = await world({ [`${PLACE}/w.yml`]: job('it') });
    expect(at.actions.schedule('w.yml')).toBe(true);
    at.hub.deleteAccount('alice');
    expect(at.actions.schedule('w.yml')).toBe(false);
  });
});

test.skipIf(process.platform !== 'linux')(
  'the hourly example starts both for 55 minutes, and goes on when one is switched off',
  async () => {
    const hourly = readFileSync(
      fileURLToPath(new URL('../../docs/examples/github/pam-often.yml', import.meta.url)),
      'utf8',
    );
    const { hosting } = await world({ [`${PLACE}/pam-often.yml`]: hourly });
    const programs = tempDir();
    const log = join(programs, 'log');
    const stub = (name: string, script: string): void => {
      writeFileSync(join(programs, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n${script}`);
      chmodSync(join(programs, name), 0o755);
    };
    stub('sleep', '');
    stub('gh', '[ "$3" != pam-sweep.yml ]\n');
    const PATH = `${programs}:${process.env['PATH'] ?? ''}`;
    const ran = await runJob(hosting, 'pam-often.yml', 'start', { name: 'schedule', env: { PATH } });
    expect(ran.result).toBe('success');
    expect(ran.steps[0]?.out.match(/::warning title=pam-sweep was not started/gu)).toHaveLength(12);
    const started = ['pam-sweep', 'pam-apply'].map(
      (one) => `gh workflow run ${one}.yml --repo acme/access --ref main`,
    );
    const rounds = Array.from({ length: 12 }, () => started);
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toEqual(
      rounds.flatMap((round, at) => (at === 0 ? round : ['sleep 300', ...round])),
    );
  },
);

test.skipIf(process.platform !== 'linux')(
  'an approved request starts the red runs of its earlier reviews anew, each of them at most twice',
  async () => {
    const check = readFileSync(
      fileURLToPath(new URL('../../src/templates/github/pam-check.yml', import.meta.url)),
      'utf8',
    );
    const { hosting } = await world({ [`${PLACE}/pam-check.yml`]: check });
    const programs = tempDir();
    const log = join(programs, 'log');
    const runs = join(programs, 'runs.json');
    const listed = [
      { id: 11, run_attempt: 1 },
      { id: 12, run_attempt: 3 },
      { id: 13, run_attempt: 2 },
    ];
    writeFileSync(runs, JSON.stringify({ workflow_runs: listed }));
    // The list by its last argument as gh does it; the run 11 is not started.
    const gh = `#!/bin/sh
echo "$*" >> ${log}
case "$*" in
  *--jq*) for last; do :; done; jq -r "$last" ${runs} ;;
  */11/rerun) exit 1 ;;
esac
`;
    writeFileSync(join(programs, 'gh'), gh, { mode: 0o755 });
    const PATH = `${programs}:${process.env['PATH'] ?? ''}`;
    const again = async (sha: string): Promise<JobRan> =>
      await runJob(hosting, 'pam-check.yml', 'again', {
        name: 'pull_request_review',
        ref: 'refs/heads/main',
        env: { PATH },
        payload: { pull_request: { number: 1, head: { sha } } },
      });
    const sha = 'a'.repeat(40);
    const ran = await again(sha);
    expect(ran.result).toBe('success');
    expect(ran.steps[0]?.out).toContain('::warning title=pam-check::an earlier run was not started anew');
    const [list, ...started] = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(list).toContain(`runs?event=pull_request_review&status=failure&head_sha=${sha}&per_page=20`);
    expect(started).toEqual(
      [11, 13].map((run) => `api --silent -X POST repos/acme/access/actions/runs/${run}/rerun`),
    );
    // What is no commit asks for nothing.
    expect((await again('x&per_page=1')).result).toBe('success');
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toHaveLength(3);
  },
);
