/** The check of pull requests and the comment on them, as the shipped workflows run them, against a double of GitHub. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Event, type Hosting, type JobRan, runJob } from './actions-runner.ts';
import { githubBench, type GithubBench } from './github-bench.ts';
import { type Shipped, shipped } from './shipped-workflows.ts';
import { ask, commitToMain, must, write } from './workbench.ts';

let world: GithubBench;
let flows: Shipped;
let hosting: Hosting;
let id: string;
let number: number;

beforeAll(async () => {
  world = await githubBench({});
  const { team, hub } = world;
  flows = await shipped(team.alice);
  commitToMain(team.alice, flows.files, true);
  const level = (text: string | undefined): 'read' | 'write' => (text === 'write' ? 'write' : 'read');
  hosting = {
    remote: team.bare ?? '',
    vars: { PAM_ROOT: team.trustRoot, PAM_BUNDLE: flows.bundle },
    environments: {},
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

const at = (name: string, payload: Event['payload']): Event => ({
  name,
  ref: 'refs/pull/1/merge',
  env: { GITHUB_API_URL: world.hub.url, GITHUB_SERVER_URL: world.hub.url },
  ...(payload === undefined ? {} : { payload }),
});
const check = async (name: string, of: number): Promise<JobRan> =>
  await runJob(hosting, flows.check, 'check', at(name, { pull_request: { number: of } }));
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

  test('gets one comment, which is updated in place, from a job that may not do more', async () => {
    const push: Event = {
      name: 'push',
      env: { GITHUB_API_URL: world.hub.url, GITHUB_SERVER_URL: world.hub.url },
    };
    for (const round of [1, 2]) {
      const ran = await runJob(hosting, flows.apply, 'tell', push);
      expect({ round, result: ran.result, err: ran.steps.map(({ err }) => err).join('') }).toMatchObject({
        result: 'success',
      });
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
      flows.check,
      'check',
      at('merge_group', { merge_group: { head_ref } }),
    );
    expect(queued).toMatchObject({ name: 'pam-check', result: 'success' });
  });

  test('without a number is nothing that could be green', async () => {
    const head_ref = 'refs/heads/gh-readonly-queue/main/pr-1; touch owned-';
    for (const event of [at('merge_group', { merge_group: { head_ref } }), at('pull_request_review', {})]) {
      const ran = await runJob(hosting, flows.check, 'check', event);
      expect(ran.result).toBe('failure');
      expect(judged(ran)?.out).toContain('this run has no pull request');
    }
  });

  test('[F9] that brings its own program and its own workflow is judged by those of main', async () => {
    const { erin } = world.team;
    erin.git('fetch', '-q', 'origin');
    erin.git('checkout', '-q', '-B', 'mine', 'origin/main');
    write(erin.clone, '.github/pam/dist/main.cjs', 'console.log("owned"); process.exit(0)');
    write(erin.clone, '.github/workflows/pam-check.yml', 'name: pam-check\n');
    write(erin.clone, `requests/2026/11/${id}.yaml`, 'owned\n');
    erin.git('add', '-A');
    erin.git('commit', '-q', '-m', 'mine');
    erin.git('push', '-q', 'origin', 'mine');
    const pull = await world.open(erin, 'mine', 'mine');
    for (const name of ['pull_request', 'pull_request_review']) {
      const ran = await check(name, pull);
      expect(ran.result).toBe('failure');
      expect(judged(ran)?.out).toContain('E_PR_SCOPE');
      expect(judged(ran)?.out).not.toContain('owned');
    }
  });
});
