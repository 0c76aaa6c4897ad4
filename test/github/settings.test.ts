/** Rules, environments and workflows: what `doctor` will read. */
import { describe, expect, test } from 'vitest';
import { stage, type Stage } from './stage.ts';

const SWEEP = `on:
  schedule: [{ cron: "*/5 * * * *" }]
  workflow_dispatch:
    inputs:
      id: { required: true }
      note: {}
jobs: {}
`;
const CHECK = 'name: check\non: pull_request\njobs: {}\n';

async function withWorkflows(): Promise<Stage> {
  const on = await stage();
  on.push('main', {
    '.github/workflows/sweep.yml': SWEEP,
    '.github/workflows/check.yaml': CHECK,
    '.github/workflows/README.md': '',
  });
  return on;
}

describe('rules', () => {
  test('of a branch are those in force of every ruleset that names it', async () => {
    const on = await stage();
    const rules = async (branch: string): Promise<string[]> =>
      (
        (await on.ask('rita', 'GET', `rules/branches/${encodeURIComponent(branch)}`)).body as {
          type: string;
        }[]
      ).map(({ type }) => type);
    on.hub.settings.rulesets.push(
      { name: 'main', include: ['~DEFAULT_BRANCH'], rules: [{ type: 'deletion' }] },
      { name: 'ledger', include: ['refs/heads/pam-ledger'], rules: [{ type: 'non_fast_forward' }] },
      { name: 'off', include: ['~ALL'], enforcement: 'disabled', rules: [{ type: 'creation' }] },
      { name: 'try', include: ['~ALL'], enforcement: 'evaluate', rules: [{ type: 'update' }] },
      {
        name: 'ours',
        include: ['refs/heads/pam/*'],
        exclude: ['refs/heads/pam/x'],
        rules: [{ type: 'creation' }],
      },
    );
    expect(await rules('main')).toEqual(['deletion']);
    expect(await rules('pam-ledger')).toEqual(['non_fast_forward']);
    expect(await rules('pam/one')).toEqual(['creation']);
    expect(await rules('pam/x')).toEqual([]);
    expect(await rules('pam/one/two')).toEqual([]);
  });

  test('who may go around them is said to admins only', async () => {
    const on = await stage();
    const bypass = [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'always' }];
    on.hub.settings.rulesets.push({ name: 'main', include: ['~ALL'], rules: [{ type: 'deletion' }], bypass });
    expect((await on.ask('bob', 'GET', 'rulesets/700')).body).not.toHaveProperty('bypass_actors');
    expect((await on.ask('carol', 'GET', 'rulesets/700')).body).toMatchObject({ bypass_actors: bypass });
    expect((await on.ask('carol', 'GET', 'rulesets/701')).status).toBe(404);
  });

  test('classic protection: none, and none of a branch that is not there', async () => {
    const on = await stage();
    const said = async (branch: string): Promise<unknown> =>
      (await on.ask('carol', 'GET', `branches/${branch}/protection`)).body;
    expect(await said('main')).toMatchObject({ message: 'Branch not protected' });
    expect(await said('other')).toMatchObject({ message: 'Branch not found' });
    on.hub.settings.protections['main'] = { allow_force_pushes: { enabled: true } };
    expect(await said('main')).toMatchObject({ allow_force_pushes: { enabled: true } });
    expect((await on.ask('bob', 'GET', 'branches/main/protection')).status).toBe(404);
    const token = on.fine('carol', { contents: 'read' });
    expect((await on.askWith(token, 'GET', 'branches/main/protection')).status).toBe(403);
  });
});

test('settings of Actions are for admins, and for tokens that were given administration', async () => {
  const on = await stage();
  for (const path of ['actions/permissions', 'actions/permissions/workflow']) {
    expect((await on.ask('bob', 'GET', path)).body).toMatchObject({
      message: 'Must have admin rights to Repository.',
    });
    expect((await on.askWith(on.fine('bob', { administration: 'read' }), 'GET', path)).status).toBe(403);
    expect((await on.askWith(on.fine('carol', { administration: 'read' }), 'GET', path)).status).toBe(200);
    expect((await on.askWith(on.fine('carol', { actions: 'read' }), 'GET', path)).status).toBe(403);
  }
});

describe('environments', () => {
  test('say which branches may use them', async () => {
    const on = await stage();
    on.hub.settings.environments.push({ name: 'pam-apply', branches: ['main'] }, { name: 'pam-sweep' });
    expect((await on.ask('bob', 'GET', 'environments')).body).toMatchObject({
      total_count: 2,
      environments: [
        { deployment_branch_policy: { protected_branches: false, custom_branch_policies: true } },
        { deployment_branch_policy: null, protection_rules: [] },
      ],
    });
    expect(
      (await on.ask('bob', 'GET', 'environments/pam-apply/deployment-branch-policies')).body,
    ).toMatchObject({
      branch_policies: [{ name: 'main' }],
    });
    expect((await on.ask('bob', 'GET', 'environments/other')).status).toBe(404);
  });
});

describe('workflows', () => {
  test('are the files of the default branch; a state is set beside them', async () => {
    const on = await withWorkflows();
    on.hub.settings.workflowStates['sweep.yml'] = 'disabled_inactivity';
    expect((await on.ask('bob', 'GET', 'actions/workflows')).body).toMatchObject({
      total_count: 2,
      workflows: [
        { name: 'check', path: '.github/workflows/check.yaml', state: 'active' },
        { name: '.github/workflows/sweep.yml', state: 'disabled_inactivity' },
      ],
    });
    on.push('side', { '.github/workflows/other.yml': CHECK });
    expect((await on.ask('bob', 'GET', 'actions/workflows/other.yml')).status).toBe(404);
  });

  test('start by hand where they say so, with the inputs that they name', async () => {
    const on = await withWorkflows();
    const start = async (file: string, body: unknown, login: string = 'bob'): Promise<number> =>
      (await on.ask(login, 'POST', `actions/workflows/${file}/dispatches`, body)).status;
    expect(await start('nothing.yml', { ref: 'main' })).toBe(404);
    expect(await start('check.yaml', { ref: 'main' })).toBe(422);
    const nowhere = { ref: 'nowhere', inputs: { id: '1' } };
    expect(
      (await on.ask('bob', 'POST', 'actions/workflows/sweep.yml/dispatches', nowhere)).body,
    ).toMatchObject({
      message: 'No ref found for: nowhere',
    });
    expect(await start('sweep.yml', { ref: 'main' })).toBe(422);
    expect(await start('sweep.yml', { ref: 'main', inputs: { id: '1', other: '2' } })).toBe(422);
    expect(await start('sweep.yml', { ref: 'main', inputs: { id: '1' } }, 'rita')).toBe(403);
    expect(on.hub.dispatches).toEqual([]);
    expect(await start('sweep.yml', { ref: 'main', inputs: { id: '1' } })).toBe(204);
    expect(on.hub.dispatches).toEqual([{ to: 'sweep.yml', by: 'bob', ref: 'main', payload: { id: '1' } }]);
    on.hub.settings.workflowStates['sweep.yml'] = 'disabled_manually';
    expect(await start('sweep.yml', { ref: 'main', inputs: { id: '1' } })).toBe(422);
  });

  test('have runs, newest first, chosen by event and outcome', async () => {
    const on = await withWorkflows();
    on.hub.addRun({ workflow: 'sweep.yml', at: new Date('2026-01-01T00:00:00Z') });
    on.hub.addRun({ workflow: 'sweep.yml', conclusion: 'failure', at: new Date('2026-01-02T00:00:00Z') });
    on.hub.addRun({ workflow: 'check.yaml' });
    const runs = async (query: string): Promise<unknown> =>
      (await on.ask('bob', 'GET', `actions/workflows/sweep.yml/runs${query}`)).body;
    expect(await runs('')).toMatchObject({
      total_count: 2,
      workflow_runs: [
        { conclusion: 'failure', created_at: '2026-01-02T00:00:00Z', head_sha: on.tip('main') },
        { conclusion: 'success', event: 'schedule', created_at: '2026-01-01T00:00:00Z' },
      ],
    });
    expect(await runs('?status=success')).toMatchObject({ total_count: 1 });
    expect(await runs('?event=push')).toMatchObject({ total_count: 0, workflow_runs: [] });
  });

  test('are cancelled, run again and switched off by every account with write', async () => {
    const on = await withWorkflows();
    const start = async (login: string): Promise<number> =>
      (
        await on.ask(login, 'POST', 'actions/workflows/sweep.yml/dispatches', {
          ref: 'main',
          inputs: { id: '1' },
        })
      ).status;
    expect(await start('bob')).toBe(204);
    const runs = (await on.ask('bob', 'GET', 'actions/workflows/sweep.yml/runs')).body as {
      readonly workflow_runs: readonly { readonly id: number; readonly head_sha: string }[];
    };
    const [{ id, head_sha: sha } = { id: 0, head_sha: '' }] = runs.workflow_runs;
    const act = async (login: string, what: string): Promise<number> =>
      (await on.ask(login, 'POST', `actions/runs/${id}/${what}`)).status;
    const run = async (): Promise<unknown> => (await on.ask('bob', 'GET', `actions/runs/${id}`)).body;
    expect(await act('rita', 'cancel')).toBe(403);
    expect(await act('alice', 'cancel')).toBe(202);
    expect(await act('alice', 'cancel')).toBe(409);
    expect(await run()).toMatchObject({ status: 'completed', conclusion: 'cancelled' });
    // Again with the commit of then, and so with its workflow file, however main went on.
    on.push('main', { 'a file': 'new\n' });
    expect(await act('alice', 'rerun')).toBe(201);
    expect(await run()).toMatchObject({ status: 'queued', run_attempt: 2, head_sha: sha });
    on.hub.later(31 * 86_400);
    expect(await act('alice', 'cancel')).toBe(202);
    expect(await act('alice', 'rerun')).toBe(403);

    const turn = async (login: string, what: string): Promise<number> =>
      (await on.ask(login, 'PUT', `actions/workflows/sweep.yml/${what}`)).status;
    expect(await turn('rita', 'disable')).toBe(403);
    expect(await turn('alice', 'disable')).toBe(204);
    expect((await on.ask('bob', 'GET', 'actions/workflows/sweep.yml')).body).toMatchObject({
      state: 'disabled_manually',
    });
    expect(await start('bob')).toBe(422);
    expect(await turn('alice', 'enable')).toBe(204);
    expect(await start('bob')).toBe(204);
  });

  test('and the repository’s own event: a name, at most ten keys', async () => {
    const on = await stage();
    const send = async (body: unknown, login: string = 'bob'): Promise<number> =>
      (await on.ask(login, 'POST', 'dispatches', body)).status;
    const keys = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]));
    await send({ event_type: 'pam', client_payload: keys(11) });
    await send({ event_type: '' });
    expect(on.hub.takeFaults()).toHaveLength(2);
    expect(await send({ event_type: 'pam' }, 'rita')).toBe(404);
    expect(await send({ event_type: 'pam', client_payload: keys(10) })).toBe(204);
    expect(on.hub.dispatches).toMatchObject([{ to: 'repository', by: 'bob', eventType: 'pam' }]);
  });
});

describe('commits', () => {
  test('compare: ahead, behind, both, neither; and nothing in common', async () => {
    const on = await stage();
    on.push('one', { a: '1' });
    on.push('two', { b: '1' });
    const status = async (basehead: string): Promise<unknown> =>
      (await on.ask('bob', 'GET', `compare/${basehead}`)).body;
    expect(await status('main...one')).toMatchObject({
      status: 'ahead',
      ahead_by: 1,
      files: [{ filename: 'a' }],
    });
    expect(await status('one...main')).toMatchObject({ status: 'behind', behind_by: 1, files: [] });
    expect(await status('one...two')).toMatchObject({
      status: 'diverged',
      merge_base_commit: { sha: on.tip('main') },
    });
    expect(await status(`${on.tip('one')}...one`)).toMatchObject({ status: 'identical', total_commits: 0 });
    expect(await status('main...nowhere')).toMatchObject({ message: 'Not Found' });
  });

  test('pull requests of a commit that nobody knows are 422', async () => {
    const on = await stage();
    expect((await on.ask('bob', 'GET', `commits/${'0'.repeat(40)}/pulls`)).status).toBe(422);
    expect((await on.ask('bob', 'GET', `commits/${on.tip('main')}/pulls`)).body).toEqual([]);
  });

  test('a rename, a mode, a binary file and a name with a space are files like any other', async () => {
    const on = await stage();
    on.push('one', { 'a dir/ä file': 'some text that is long enough to be found again\n', bin: '\0\u0001' });
    await on.ask('alice', 'POST', 'pulls', { title: 'x', head: 'one', base: 'main' });
    const said = await on.ask('alice', 'GET', 'pulls/1/files');
    expect(said.body).toMatchObject([
      { filename: 'a dir/ä file', status: 'added', additions: 1 },
      { filename: 'bin', status: 'added', additions: 0 },
    ]);
    on.hub.merge(1);
    on.push('two', { 'other name': 'some text that is long enough to be found again\n' });
    const { git } = await import('../adapters/git-workbench.ts');
    git(on.clone, 'rm', '-q', 'a dir/ä file');
    git(on.clone, 'commit', '-q', '--amend', '-m', 'renamed');
    git(on.clone, 'push', '-q', '-f', 'origin', 'HEAD:two');
    await on.ask('alice', 'POST', 'pulls', { title: 'x', head: 'two', base: 'main' });
    expect((await on.ask('alice', 'GET', 'pulls/2/files')).body).toMatchObject([
      { filename: 'other name', status: 'renamed', previous_filename: 'a dir/ä file' },
    ]);
  });
});
