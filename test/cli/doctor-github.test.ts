/** `pam doctor` where GitHub is the forge: its settings by the API, its files from main, both in one diagnosis. */
import { beforeAll, describe, expect, test } from 'vitest';
import { listOf, parse } from './expectations.ts';
import { githubBench, type GithubBench } from './github-bench.ts';
import type { How, Ran } from './program.ts';
import { type Bench, commitToMain, must } from './workbench.ts';

let github: GithubBench;
let team: Bench;

beforeAll(async () => {
  github = await githubBench({ config: 'sweep_within: 1h\n' });
  team = github.team;
  github.hub.setRole('carol-gh', 'admin');
  await must(team.carol.pam(['catalog']));
});

const doctor = async (args: readonly string[] = [], how: Partial<How> = {}): Promise<Ran> =>
  await team.carol.pam(['doctor', '--json', ...args], how);
const ofForge = (ran: Ran): readonly string[] =>
  listOf(parse(ran.out), 'checks')
    .filter(({ area, state }) => area === 'forge' && state !== 'ok')
    .map(({ state, code }) => `${String(state)} ${String(code)}`);

const job = (name: string, on: string): string =>
  `name: ${name}\non: { workflow_dispatch: {} }\njobs:\n  it:\n    runs-on: ${on}\n    environment: ${name}\n    steps: []\n`;
const FILES: Readonly<Record<string, string>> = {
  '.github/CODEOWNERS': '/pam.yaml @alice-gh\n/policy/ @alice-gh\n/.github/ @alice-gh\n',
  '.github/workflows/pam-check.yml': 'name: pam-check\non: pull_request\njobs: {}\n',
  '.github/workflows/pam-apply.yml': job('pam-apply', 'ubuntu-24.04'),
  '.github/workflows/pam-sweep.yml': job('pam-sweep', 'ubuntu-24.04'),
};

describe('a repository at GitHub', () => {
  test('as it is made: everything that is to be switched on is named, with what to do', async () => {
    const ran = await doctor();
    expect(ran.code).toBe(4);
    expect(ofForge(ran)).toEqual([
      'problem E_FORGE_DELETE',
      'problem E_FORGE_REWRITE',
      'problem E_FORGE_PULL',
      'problem E_FORGE_OWNERS',
      'problem E_FORGE_LAST_PUSH',
      'warning W_FORGE_CHECK',
      'problem E_FORGE_DELETE',
      'problem E_FORGE_REWRITE',
      'problem E_FORGE_STATEMENTS',
      'problem E_FORGE_ENVIRONMENT',
      'problem E_FORGE_ENVIRONMENT',
      'problem E_FORGE_WORKFLOW',
      'problem E_FORGE_WORKFLOW',
      'problem E_FORGE_WORKFLOW',
      'problem E_FORGE_CODEOWNERS',
    ]);
  });

  test('init --apply-settings makes what the API can make, asked for, and says the rest', async () => {
    const { hub } = github;
    const before = structuredClone({ ...hub.settings });
    const apply = async (...args: readonly string[]): Promise<Ran> =>
      await team.carol.pam(['init', '.', '--github', 'acme/access', '--apply-settings', ...args]);
    const asked = await apply();
    expect(asked).toMatchObject({ code: 2 });
    expect(asked.err).toContain('--yes');
    expect({ ...hub.settings }).toEqual(before);
    const ran = await apply('--yes', '--json');
    expect(ran.code).toBe(0);
    const made = listOf(parse(ran.out), 'settings');
    expect(made.filter(({ state }) => state === 'made').length).toBeGreaterThan(8);
    expect(made.filter(({ state }) => state === 'failed' || state === 'unknown')).toEqual([]);
    expect(ofForge(await doctor())).toEqual([
      'problem E_FORGE_WORKFLOW',
      'problem E_FORGE_WORKFLOW',
      'problem E_FORGE_WORKFLOW',
      'problem E_FORGE_CODEOWNERS',
    ]);
    const text = (await apply('--yes')).out;
    expect(text).toContain('by hand: secret PAM_EXECUTOR_KEY of pam-apply\n  gh secret set PAM_EXECUTOR_KEY');
    expect(text).toMatch(/\n0 made, \d+ there already, \d+ left to you, 0 failed\./u);
    hub.set(before);
  });

  test('set up: nothing of the forge is left to do, and nobody was written to', async () => {
    const { hub } = github;
    commitToMain(team.alice, FILES, true);
    const standing = [{ type: 'deletion' }, { type: 'non_fast_forward' }];
    const review = {
      required_approving_review_count: 1,
      require_code_owner_review: true,
      dismiss_stale_reviews_on_push: false,
      require_last_push_approval: true,
      required_review_thread_resolution: false,
    };
    const checks = {
      strict_required_status_checks_policy: false,
      required_status_checks: [{ context: 'pam-check' }],
    };
    hub.settings.rulesets.push(
      { name: 'pam-ledger', include: ['refs/heads/pam-ledger'], rules: standing },
      {
        name: 'pam-statements',
        include: ['refs/heads/pam-statements/**'],
        rules: [...standing, { type: 'update' }],
      },
      {
        name: 'pam-main',
        include: ['refs/heads/main'],
        rules: [
          ...standing,
          { type: 'pull_request', parameters: review },
          { type: 'required_status_checks', parameters: checks },
        ],
      },
    );
    for (const name of ['pam-apply', 'pam-sweep']) {
      hub.settings.environments.push({ name, branches: ['main'] });
      hub.addRun({ workflow: `${name}.yml` });
    }
    const before = hub.requests.length;
    const ran = await doctor();
    expect(ofForge(ran)).toEqual([]);
    const asked = hub.requests.slice(before);
    expect(asked.length).toBeGreaterThan(8);
    expect(asked.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(ran.out).toContain('repo:acme/access:environment:pam-sweep');
    expect(ran.out).not.toContain(team.carol.env['GH_ENTERPRISE_TOKEN'] ?? 'no token');
  });

  test('[P5] Actions may approve: a warning with the command that switches it off', async () => {
    github.hub.settings.workflow.can_approve_pull_request_reviews = true;
    const ran = await team.carol.pam(['doctor']);
    github.hub.settings.workflow.can_approve_pull_request_reviews = false;
    expect(ran.out).toMatch(
      /\nwarning forge: Actions may create and approve .*\[W_FORGE_APPROVES\]\n {2}do: printf '%s' '.*' \| gh api -X PUT repos\/acme\/access\/actions\/permissions\/workflow/u,
    );
  });

  test('[P10] keys on a runner that pull requests can name, and a workflow that cannot be read', async () => {
    const changed = { '.github/workflows/pam-sweep.yml': job('pam-sweep', '[self-hosted, linux]') };
    // Good YAML with an anchor, which pam does not read: whether it runs there stays open.
    const odd = 'on: push\njobs:\n  x: &it { environment: pam-apply, runs-on: ubuntu-24.04 }\n  y: *it\n';
    commitToMain(team.alice, { ...changed, '.github/workflows/odd.yml': odd }, true);
    // Earlier runs can be run again with the workflow that was there.
    const rerun = 'warning W_FORGE_RERUN';
    expect(ofForge(await doctor())).toEqual([rerun, 'unknown W_FORGE_RUNNER', 'warning W_FORGE_RUNNER']);
    commitToMain(
      team.alice,
      { ...FILES, '.github/workflows/odd.yml': odd.replaceAll('pam-apply', 'docs') },
      true,
    );
    expect(ofForge(await doctor())).toEqual([rerun]);
  });

  test('an API that cannot be reached or takes no token: said once; offline: unknown', async () => {
    const gone = await doctor([], { env: { GITHUB_API_URL: 'http://127.0.0.1:9' } });
    expect({ code: gone.code, finds: ofForge(gone) }).toEqual({
      code: 1,
      finds: ['problem E_FORGE_NETWORK'],
    });
    const token = `ghp_${'0'.repeat(36)}`;
    const refused = await doctor([], { env: { GH_ENTERPRISE_TOKEN: token } });
    expect({ code: refused.code, finds: ofForge(refused) }).toEqual({
      code: 4,
      finds: ['problem E_FORGE_TOKEN'],
    });
    expect(`${refused.out}${refused.err}`).not.toContain(token);
    const offline = await doctor(['--offline']);
    expect({ code: offline.code, finds: ofForge(offline) }).toEqual({
      code: 3,
      finds: ['unknown E_FORGE_STALE'],
    });
  });

  test('a clock that is not the one of GitHub', async () => {
    const ran = await doctor([], { ahead: 600 });
    const clock = listOf(parse(ran.out), 'checks').filter(
      ({ area, state }) => area === 'clock' && state !== 'ok',
    );
    expect(clock).toMatchObject([{ code: 'E_CLOCK_FORGE', state: 'problem' }]);
  });
});
