/** What `doctor` says of a repository's settings at GitHub: each read from the double, switched off there, and hidden. */
import { describe, expect, it, test } from 'vitest';
import { settingsOf } from '../../src/forges/github/settings.ts';
import { openGitHub } from '../../src/github/api.ts';
import type { Setting } from '../../src/model/forge.ts';
import { instantOf } from '../../src/model/instant.ts';
import { judgeCodeOwners, judgeRunners } from '../../src/forges/github/judge-workflows.ts';
import { type Stage, stage } from '../github/stage.ts';
import type { RulesetSetting } from '../github/hub.ts';
import { readYaml } from '../../src/documents/yaml.ts';

const FILES = ['pam-check.yml', 'pam-apply.yml', 'pam-sweep.yml'] as const;
const WORKFLOW = 'on: workflow_dispatch\njobs: {}\n';
type Rules = RulesetSetting['rules'];

const LEDGER: RulesetSetting = {
  name: 'pam-ledger',
  include: ['refs/heads/pam-ledger'],
  rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }],
};
const MAIN: RulesetSetting = {
  name: 'pam-main',
  include: ['~DEFAULT_BRANCH'],
  rules: [
    { type: 'deletion' },
    { type: 'non_fast_forward' },
    {
      type: 'pull_request',
      parameters: {
        required_approving_review_count: 1,
        require_code_owner_review: true,
        dismiss_stale_reviews_on_push: false,
        require_last_push_approval: false,
        required_review_thread_resolution: false,
      },
    },
    {
      type: 'required_status_checks',
      parameters: {
        strict_required_status_checks_policy: false,
        required_status_checks: [{ context: 'pam-check' }],
      },
    },
  ],
};

/** A repository that is set up as pam's own page says. */
async function setUp(): Promise<Stage> {
  const at = await stage();
  at.push('main', Object.fromEntries(FILES.map((file) => [`.github/workflows/${file}`, WORKFLOW])));
  at.hub.settings.rulesets.push(MAIN, LEDGER);
  for (const name of ['pam-apply', 'pam-sweep'])
    at.hub.settings.environments.push({ name, branches: ['main'] });
  for (const file of FILES) at.hub.addRun({ workflow: file });
  return at;
}

async function settings(
  at: Stage,
  token: string = at.hub.token('carol'),
  later = 0,
): Promise<readonly Setting[]> {
  const env = { PATH: process.env['PATH'], GITHUB_API_URL: at.hub.url, GH_ENTERPRISE_TOKEN: token };
  const github = openGitHub({ owner: 'acme', name: 'access', id: undefined }, env);
  const now = instantOf(Date.now() + later * 1000);
  return await settingsOf(github, { main: 'main', ledger: 'pam-ledger', now });
}

const off = (found: readonly Setting[]): readonly string[] =>
  found.filter(({ ok }) => ok === false).map(({ code, message }) => `${code}: ${message}`);
const hidden = (found: readonly Setting[]): readonly string[] =>
  found.filter(({ ok }) => ok === null).map(({ code }) => code);

/** One ruleset with a rule less, or another one in its place. */
const without = (ruleset: RulesetSetting, type: string, instead: Rules = []): RulesetSetting => ({
  ...ruleset,
  rules: [...ruleset.rules.filter((one) => one.type !== type), ...instead],
});
const rulesets =
  (main: RulesetSetting, ledger: RulesetSetting = LEDGER) =>
  (at: Stage) => {
    at.hub.settings.rulesets.splice(0, 9, main, ledger);
  };

describe('settings at GitHub', () => {
  it('all as the setup page says: nothing is off, nothing is hidden, nothing was written', async () => {
    const at = await setUp();
    const found = await settings(at);
    expect(off(found)).toEqual([]);
    expect(hidden(found)).toEqual([]);
    expect(found.length).toBeGreaterThan(18);
    expect(at.hub.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  const cases: readonly (readonly [string, (at: Stage) => void, readonly string[]])[] = [
    ['main may be deleted', rulesets(without(MAIN, 'deletion')), ['E_FORGE_DELETE: main may be deleted']],
    [
      'main may be rewritten',
      rulesets(without(MAIN, 'non_fast_forward')),
      ['E_FORGE_REWRITE: main may be rewritten'],
    ],
    [
      'the ledger may be deleted',
      rulesets(MAIN, without(LEDGER, 'deletion')),
      ['E_FORGE_DELETE: pam-ledger may be deleted'],
    ],
    [
      'the ledger may be rewritten',
      rulesets(MAIN, without(LEDGER, 'non_fast_forward')),
      ['E_FORGE_REWRITE: pam-ledger may be rewritten'],
    ],
    [
      'a ruleset that is only tried out binds nobody',
      rulesets(MAIN, { ...LEDGER, enforcement: 'evaluate' }),
      ['E_FORGE_DELETE: pam-ledger may be deleted', 'E_FORGE_REWRITE: pam-ledger may be rewritten'],
    ],
    [
      'no pull request is asked for',
      rulesets(without(MAIN, 'pull_request')),
      [
        'E_FORGE_PULL: anybody who may write can push to main without a pull request',
        'E_FORGE_OWNERS: main does not ask code owners for policy/ and .github/',
      ],
    ],
    [
      'code owners are not asked',
      rulesets(
        without(MAIN, 'pull_request', [
          {
            type: 'pull_request',
            parameters: { ...MAIN.rules[2]?.parameters, require_code_owner_review: false },
          },
        ]),
      ),
      ['E_FORGE_OWNERS: main does not ask code owners for policy/ and .github/'],
    ],
    [
      'another check is asked for',
      rulesets(
        without(MAIN, 'required_status_checks', [
          {
            type: 'required_status_checks',
            parameters: {
              strict_required_status_checks_policy: false,
              required_status_checks: [{ context: 'lint' }],
            },
          },
        ]),
      ),
      ['W_FORGE_CHECK: main takes pull requests whose pam-check did not pass'],
    ],
    [
      'a rule that no executor meets',
      rulesets(MAIN, { ...LEDGER, rules: [...LEDGER.rules, { type: 'required_signatures' }] }),
      ["W_FORGE_LEDGER: pam-ledger asks for required_signatures, which no executor's push has"],
    ],
    [
      'administrators may go around the rules of the ledger',
      rulesets(MAIN, {
        ...LEDGER,
        bypass: [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'always' }],
      }),
      ['W_FORGE_BYPASS: somebody may go around the ruleset pam-ledger, and delete or rewrite pam-ledger'],
    ],
    [
      '[P5] Actions may approve',
      ({ hub }) => {
        hub.settings.workflow.can_approve_pull_request_reviews = true;
      },
      [
        'W_FORGE_APPROVES: Actions may create and approve pull requests: it never counts, but it looks like an approval',
      ],
    ],
    [
      'the token of a job may write',
      ({ hub }) => {
        hub.settings.workflow.default_workflow_permissions = 'write';
      },
      ['W_FORGE_TOKEN: the token of every job may write unless its workflow says less'],
    ],
    [
      'Actions are off',
      ({ hub }) => {
        hub.settings.actions = { enabled: false, sha_pinning_required: false };
      },
      ['E_FORGE_ACTIONS: Actions are off: nothing is checked, granted or swept here'],
    ],
    [
      'no environments',
      ({ hub }) => {
        hub.settings.environments.length = 0;
      },
      [
        'E_FORGE_ENVIRONMENT: there is no environment pam-apply',
        'E_FORGE_ENVIRONMENT: there is no environment pam-sweep',
      ],
    ],
    [
      'an environment for every branch',
      ({ hub }) => {
        hub.settings.environments.splice(0, 1, { name: 'pam-apply' });
      },
      ['E_FORGE_ENVIRONMENT: the secrets of pam-apply are for every branch, not for main alone'],
    ],
    [
      'an environment for protected branches: the ledger, too, is one',
      ({ hub }) => {
        const policy = { protected_branches: true, custom_branch_policies: false };
        hub.settings.environments.splice(0, 1, { name: 'pam-apply', policy });
      },
      ['E_FORGE_ENVIRONMENT: the secrets of pam-apply are for all protected branches, not for main alone'],
    ],
    [
      'an environment for more than main',
      ({ hub }) => {
        hub.settings.environments.splice(1, 1, { name: 'pam-sweep', branches: ['main', 'pam/**'] });
      },
      ['E_FORGE_ENVIRONMENT: the secrets of pam-sweep are for main, pam/**, not for main alone'],
    ],
    [
      'sweeps wait for a click',
      ({ hub }) => {
        hub.settings.environments.splice(1, 1, { name: 'pam-sweep', branches: ['main'], reviewers: ['bob'] });
      },
      ['W_FORGE_WAITS: jobs in pam-sweep wait for a person or a timer'],
    ],
    [
      '[P7] GitHub switched the schedule off',
      ({ hub }) => {
        hub.settings.workflowStates['pam-sweep.yml'] = 'disabled_inactivity';
      },
      ['E_FORGE_WORKFLOW: pam-sweep.yml is switched off after 60 days without activity'],
    ],
    [
      'somebody switched it off',
      ({ hub }) => {
        hub.settings.workflowStates['pam-apply.yml'] = 'disabled_manually';
      },
      ['E_FORGE_WORKFLOW: pam-apply.yml is switched off'],
    ],
    [
      'the last run failed',
      ({ hub }) => {
        hub.addRun({ workflow: 'pam-sweep.yml', conclusion: 'failure' });
      },
      ['W_FORGE_RUN: the last run of pam-sweep.yml ended with failure'],
    ],
  ];
  it.each(cases)('%s', async (_what, breaks, finds) => {
    const at = await setUp();
    breaks(at);
    const found = await settings(at);
    expect(off(found)).toEqual(finds);
    expect(hidden(found)).toEqual([]);
    expect(found.filter(({ ok, hint }) => ok === false && hint === undefined)).toEqual([]);
  });

  it('[P7] a schedule that does not come: late after two hours, or never', async () => {
    const at = await setUp();
    const runs = async (later: number): Promise<readonly string[]> =>
      off(await settings(at, at.hub.token('carol'), later)).filter((one) => one.startsWith('W_FORGE_RUN'));
    expect(await runs(7000)).toEqual([]);
    const late = await runs(7300);
    expect(late.map((one) => one.replace(/ was .*/u, ''))).toEqual([
      'W_FORGE_RUN: the last run of pam-apply.yml',
      'W_FORGE_RUN: the last run of pam-sweep.yml',
    ]);
    const idle = await stage();
    idle.push('main', { [`.github/workflows/pam-sweep.yml`]: WORKFLOW });
    expect(off(await settings(idle))).toEqual(
      expect.arrayContaining([
        'E_FORGE_WORKFLOW: there is no workflow pam-check.yml',
        'W_FORGE_RUN: pam-sweep.yml has never run to its end',
      ]),
    );
  });

  it('a clock that is not the one of GitHub', async () => {
    const at = await setUp();
    const clock = async (later: number): Promise<readonly string[]> =>
      off(await settings(at, at.hub.token('carol'), later)).filter((one) => one.startsWith('E_CLOCK_FORGE'));
    expect(await clock(250)).toEqual([]);
    expect(await clock(360)).toHaveLength(1);
    expect(await clock(-360)).toHaveLength(1);
  });

  it('classic branch protection is as good, if it binds administrators', async () => {
    const at = await setUp();
    at.hub.settings.rulesets.length = 0;
    const url = `${at.hub.url}/repos/acme/access/branches/x/protection`;
    const on = { enabled: true };
    const no = { enabled: false };
    const standing = { enforce_admins: { url, ...on }, allow_deletions: no, allow_force_pushes: no };
    Object.assign(at.hub.settings.protections, {
      main: {
        ...standing,
        required_pull_request_reviews: {
          url,
          dismiss_stale_reviews: false,
          require_code_owner_reviews: true,
          require_last_push_approval: false,
        },
        required_status_checks: {
          url,
          contexts: ['pam-check'],
          contexts_url: url,
          checks: [{ context: 'pam-check', app_id: null }],
        },
      },
      'pam-ledger': standing,
    });
    at.push('pam-ledger', {});
    expect(off(await settings(at))).toEqual([]);
    Object.assign(at.hub.settings.protections, {
      'pam-ledger': { ...standing, enforce_admins: { url, ...no } },
    });
    expect(off(await settings(at))).toEqual([
      'E_FORGE_DELETE: pam-ledger may be deleted',
      'E_FORGE_REWRITE: pam-ledger may be rewritten',
    ]);
  });

  it('what a token may not see is unknown, and says which permission it takes', async () => {
    const at = await setUp();
    const found = await settings(at, at.fine('bob', { contents: 'read' }));
    expect(off(found)).toEqual([]);
    expect(hidden(found)).toEqual([
      'W_FORGE_BYPASS',
      'W_FORGE_BYPASS',
      'E_FORGE_ACTIONS',
      'W_FORGE_APPROVES',
      'E_FORGE_ENVIRONMENT',
      'E_FORGE_WORKFLOW',
    ]);
    const hints = found.filter(({ ok }) => ok === null).map(({ hint }) => hint);
    expect(hints.map((hint) => /(?:administration|actions)[=:] ?(?:read|write)/u.test(hint ?? ''))).toEqual(
      hints.map(() => true),
    );
    // Rules are for everybody to see; a protection that is not there looks like one that is hidden.
    at.hub.settings.rulesets.splice(0, 9, MAIN);
    expect(hidden(await settings(at, at.fine('bob', { contents: 'read' })))).toEqual(
      expect.arrayContaining(['E_FORGE_DELETE', 'E_FORGE_REWRITE']),
    );
  });

  it('[P6] the exact sub that a cloud has to ask for is told', async () => {
    const at = await setUp();
    const told = (await settings(at)).find(({ code }) => code === 'E_FORGE_OIDC');
    expect(told?.message).toContain(
      'exactly the sub repo:acme/access:environment:pam-apply or repo:acme/access:environment:pam-sweep',
    );
  });

  it('a repository that cannot be read is an error, not a list of unknowns', async () => {
    const at = await setUp();
    await expect(settings(at, at.hub.token('mallory'))).rejects.toMatchObject({ code: 'E_FORGE_NOT_FOUND' });
  });
});

describe('what main holds of the forge', () => {
  const runners = (text: string): readonly string[] => {
    const { data } = readYaml(Buffer.from(text), 'x.yml', 65_536);
    return judgeRunners([{ path: 'x.yml', document: { data } }]).map(({ state, code }) => `${state} ${code}`);
  };
  const job = (on: string, environment = 'pam-apply'): string =>
    `on: push\njobs:\n  apply:\n    runs-on: ${on}\n    environment: ${environment}\n`;

  test.each([
    ['ubuntu-24.04', 'ok W_FORGE_RUNNER'],
    ['self-hosted', 'warning W_FORGE_RUNNER'],
    ['[ubuntu-24.04]', 'ok W_FORGE_RUNNER'],
    ['[self-hosted, linux]', 'warning W_FORGE_RUNNER'],
    ['${{ vars.RUNNER }}', 'warning W_FORGE_RUNNER'],
    ['{ group: pam-only }', 'unknown W_FORGE_RUNNER'],
    ['{ labels: [ubuntu-24.04] }', 'warning W_FORGE_RUNNER'],
    ['null', 'warning W_FORGE_RUNNER'],
  ])('[P10] a job that holds a key on %s: %s', (on, expected) => {
    expect(runners(job(on))).toEqual([expected]);
    expect(runners(job(on, '{ name: pam-sweep }'))).toEqual([expected]);
    expect(runners(job(on, 'docs'))).toEqual(['ok W_FORGE_RUNNER']);
  });

  const owned = (text: string | null): readonly string[] =>
    judgeCodeOwners(text).map(({ state, message }) => `${state}: ${message}`);

  test('code owners of policy and workflows', () => {
    const good = '# who\n/pam.yaml @alice\n/policy/ @alice @bob\n/.github/ @alice # us\n';
    expect(owned(good)).toEqual(['ok: pam.yaml, policy/, .github/ have code owners']);
    expect(owned('* @alice\n')).toEqual(['ok: pam.yaml, policy/, .github/ have code owners']);
    expect(owned(null)).toEqual(['problem: main has no CODEOWNERS file']);
    expect(owned('/policy/ @alice\n')).toEqual(['problem: nobody owns pam.yaml, .github/ in CODEOWNERS']);
    // The last line that matches counts, and one without names takes owners away.
    expect(owned(`${good}/policy/\n`)).toEqual(['problem: nobody owns policy/ in CODEOWNERS']);
    expect(owned('/policy/roles.yaml @alice\n/pam.yaml @alice\n/.github/ @alice\n')).toEqual([
      'problem: nobody owns policy/ in CODEOWNERS',
    ]);
    expect(owned('# /policy/ @alice\n')).toEqual([
      'problem: nobody owns pam.yaml, policy/, .github/ in CODEOWNERS',
    ]);
  });
});
