/** The check of pull requests and the comment on them, as the shipped workflows run them, against a double of GitHub. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Event, type Hosting, type JobRan, runJob } from './actions-runner.ts';
import { githubBench, type GithubBench } from './github-bench.ts';
import { shipped } from './shipped-workflows.ts';
import { ask, commitToMain, must, write } from './workbench.ts';

let world: GithubBench;
let hosting: Hosting;
let id: string;
let number: number;

beforeAll(async () => {
  world = await githubBench({});
  const { team, hub } = world;
  const flows = await shipped(team.alice);
  commitToMain(team.alice, flows.files, true);
  const level = (text: string | undefined): 'read' | 'write' => (text === 'write' ? 'write' : 'read');
  hosting = {
    remote: team.bare ?? '',
    vars: { PAM_ROOT: team.trustRoot, PAM_BUNDLE: flows.bundle },
    environments: {
      'pam-apply': {
        vars: { PAM_APPLY_ROOT: team.trustRoot, PAM_APPLY_BUNDLE: flows.bundle },
        secrets: { PAM_EXECUTOR_KEY: readFileSync(team.key('pam-apply'), 'utf8').trimEnd() },
      },
    },
    caches: new Map(),
    ahead: () => 0,
    token: ({ contents, 'pull-requests': pulls }) =>
      hub.actionsToken({ contents: level(contents), pull_requests: level(pulls), metadata: 'read' }),
  };
  const asked = await ask(team.dana, 'bastion-root', '--for', '10m', '--ticket', 'OPS-1');
  id = asked.id;
  number = Number(/\/pull\/(\d+)$/u.exec(asked.proposal)?.[1]);
});
afterAll(async () => {
  await world.hub.close();
});

/** A merge queue's branch has main's files and those of the pull request; none of these changes a workflow. */
const at = (name: string, payload: Event['payload'], pull?: number): Event => ({
  name,
  ref: pull === undefined ? 'refs/heads/main' : `refs/pull/${pull}/merge`,
  env: { GITHUB_API_URL: world.hub.url, GITHUB_SERVER_URL: world.hub.url },
  ...(payload === undefined ? {} : { payload }),
});
const check = async (name: string, of: number): Promise<JobRan> =>
  await runJob(hosting, 'pam-check.yml', 'check', at(name, { pull_request: { number: of } }, of));
const judged = (ran: JobRan): JobRan['steps'][number] | undefined =>
  ran.steps.find(({ name }) => name === 'Judge');

describe.skipIf(process.platform !== 'linux')('a pull request', () => {
  test('that waits: its change is fine, its reviews are not enough, and the summary says why', async () => {
    const changed = await check('pull_request', number);
    expect(changed).toMatchObject({ name: 'pam-precheck', result: 'success' });
    expect(changed.summary).toContain(id);
    const reviewed = await check('pull_request_review', number);
    expect(reviewed).toMatchObject({ name: 'pam-check', result: 'failure' });
    expect(judged(reviewed)?.code).toBe(8);
  });

  test('gets one comment, which is updated in place, from a step that has no key', async () => {
    const push: Event = {
      name: 'push',
      env: { GITHUB_API_URL: world.hub.url, GITHUB_SERVER_URL: world.hub.url },
    };
    const told = (ran: JobRan): JobRan['steps'][number] | undefined =>
      ran.steps.find(({ name }) => name === 'Tell');
    // A comment that cannot be written is told, and makes no run red.
    world.hub.hostile('comment', '502');
    const silent = await runJob(hosting, 'pam-apply.yml', 'apply', push);
    world.hub.honest();
    expect(silent.result).toBe('success');
    expect(told(silent)?.out).toContain('::warning title=Comments::');
    for (const round of [1, 2]) {
      const ran = await runJob(hosting, 'pam-apply.yml', 'apply', push);
      expect({ round, result: ran.result, err: ran.steps.map(({ err }) => err).join('') }).toMatchObject({
        result: 'success',
      });
      expect(told(ran)?.out).not.toContain('::warning');
      const comments = await world.call('alice', 'GET', `/issues/${number}/comments`);
      expect(comments).toMatchObject([{ body: expect.stringContaining(id) }]);
    }
  });

  test('that was approved is green, on its own and in a merge queue', async () => {
    await must(world.team.alice.pam(['approve', id, '--yes']));
    expect(await check('pull_request_review', number)).toMatchObject({
      name: 'pam-check',
      result: 'success',
    });
    const head_ref = `refs/heads/gh-readonly-queue/main/pr-${number}-${'a'.repeat(40)}`;
    const queued = await runJob(
      hosting,
      'pam-check.yml',
      'check',
      at('merge_group', { merge_group: { head_ref } }),
    );
    expect(queued).toMatchObject({ name: 'pam-check', result: 'success' });
  });

  test('without a number is nothing that could be green', async () => {
    const head_ref = 'refs/heads/gh-readonly-queue/main/pr-1; touch owned-';
    for (const event of [at('merge_group', { merge_group: { head_ref } }), at('pull_request_review', {})]) {
      const ran = await runJob(hosting, 'pam-check.yml', 'check', event);
      expect(ran.result).toBe('failure');
      expect(judged(ran)?.out).toContain('this run has no pull request');
    }
  });

  test('of a fork of a public repository has no variables: it is red, and says that this is why', async () => {
    const ran = await runJob(hosting, 'pam-check.yml', 'check', {
      ...at('pull_request', { pull_request: { number } }, number),
      fork: true,
    });
    expect(ran).toMatchObject({ name: 'pam-precheck', result: 'failure' });
    const program = ran.steps.find(({ name }) => name === 'Only the program that PAM_BUNDLE names');
    expect(program?.out).toContain("no variables: a fork's pull request");
    expect(program?.out).not.toContain('is not what PAM_BUNDLE names');
  });

  /** Erin pushes to a branch of hers, on top of what is there already, and opens a pull request if there is none. */
  const push = async (branch: string, files: Readonly<Record<string, string>>): Promise<number> => {
    const { erin } = world.team;
    erin.git('fetch', '-q', 'origin');
    erin.git('checkout', '-q', '-B', 'mine', 'origin/main');
    for (const [path, text] of Object.entries(files)) write(erin.clone, path, text);
    erin.git('add', '-A');
    erin.git('commit', '-q', '-m', branch);
    erin.git('push', '-q', 'origin', `HEAD:${branch}`);
    erin.git('checkout', '-q', 'main');
    return await world.open(erin, branch, branch);
  };

  test('that brings its own program is judged by that of main, as long as it leaves the workflow alone', async () => {
    const pull = await push('another-program', {
      '.github/pam/dist/main.cjs': 'console.log("owned"); process.exit(0)',
      [`requests/2026/11/${id}.yaml`]: 'owned\n',
    });
    for (const name of ['pull_request', 'pull_request_review']) {
      const ran = await check(name, pull);
      expect(ran.result).toBe('failure');
      expect(judged(ran)?.out).toContain('E_PR_SCOPE');
      expect(judged(ran)?.out).not.toContain('owned');
    }
  });

  test('[F9] that brings its own workflow is judged by that one: the check is green, and apply grants nothing', async () => {
    const { team, hub } = world;
    const asked = await ask(team.erin, 'bastion-root', '--for', '10m', '--ticket', 'OPS-9');
    const pull = Number(/\/pull\/(\d+)$/u.exec(asked.proposal)?.[1]);
    team.erin.git('fetch', '-q', 'origin', asked.branch);
    team.erin.git('checkout', '-q', '-B', 'mine', 'FETCH_HEAD');
    const lie = `on: { pull_request: {}, pull_request_review: {} }
jobs: { check: { name: pam-check, runs-on: ubuntu-24.04, steps: [{ name: Judge, run: echo all is well }] } }
`;
    write(team.erin.clone, '.github/workflows/pam-check.yml', lie);
    team.erin.git('add', '-A');
    team.erin.git('commit', '-q', '-m', 'a green lie');
    team.erin.git('push', '-q', 'origin', `HEAD:${asked.branch}`);
    team.erin.git('checkout', '-q', 'main');
    // The double follows a push when it is asked something.
    await world.call('erin', 'GET', `/pulls/${pull}`);
    expect(await check('pull_request_review', pull)).toMatchObject({
      name: 'pam-check',
      result: 'success',
      steps: [{ name: 'Judge', out: 'all is well\n' }],
    });
    // Somebody believes it.
    hub.merge(pull, 'squash', 'bob-gh');
    const ran = await team.apply.pam(['apply', asked.id]);
    expect([ran.code, ran.out]).toEqual([8, expect.not.stringContaining('granted')]);
    await must(team.apply.pam(['apply']));
    team.erin.git('fetch', '-q', 'origin', '+refs/heads/pam-ledger:refs/remotes/origin/pam-ledger');
    const told = await must(team.erin.pam(['status', asked.id, '--json', '--all']));
    expect(told.out).not.toContain('"live"');
    expect((await must(team.erin.pam(['log', asked.id]))).out).not.toMatch(/grant/u);
  });
});
