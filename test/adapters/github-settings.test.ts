/** What `doctor` says of a repository's settings at GitHub: each read from the double, switched off there, and hidden. */
import { describe, expect, it, test } from 'vitest';
import { settingsOf } from '../../src/forges/github/settings.ts';
import { openGitHub } from '../../src/github/api.ts';
import type { Setting, Sweeps } from '../../src/model/forge.ts';
import { instantOf, plus } from '../../src/model/instant.ts';
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
        require_last_push_approval: true,
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

const STATEMENTS: RulesetSetting = {
  name: 'pam-statements',
  include: ['refs/heads/pam-statements/**'],
  rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }, { type: 'update' }],
};

/** A repository that is set up as pam's own page says. */
async function setUp(): Promise<Stage> {
  const at = await stage();
  at.push('main', Object.fromEntries(FILES.map((file) => [`.github/workflows/${file}`, WORKFLOW])));
  at.hub.settings.rulesets.push(MAIN, LEDGER, STATEMENTS);
  for (const name of ['pam-apply', 'pam-sweep'])
    at.hub.settings.environments.push({ name, branches: ['main'] });
  for (const file of FILES) at.hub.addRun({ workflow: file });
  return at;
}

async function settings(
  at: Stage,
  token: string = at.hub.token('carol'),
  later = 0,
  sweeps: Partial<{ within: number; last: number }> = {},
): Promise<readonly Setting[]> {
  const env = { PATH: process.env['PATH'], GITHUB_API_URL: at.hub.url, GH_ENTERPRISE_TOKEN: token };
  const github = openGitHub({ owner: 'acme', name: 'access', id: undefined }, env);
  const now = instantOf(Date.now() + later * 1000);
  const { within = null, last } = sweeps;
  const known: Sweeps = { within, last: last === undefined ? null : plus(now, -last) };
  return await settingsOf(github, { main: 'main', ledger: 'pam-ledger', now, sweeps: known });
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
  (main: RulesetSetting, ledger: RulesetSetting = LEDGER, ...more: readonly RulesetSetting[]) =>
  (at: Stage) => {
    at.hub.settings.rulesets.splice(0, 9, main, ledger, ...(more.length === 0 ? [STATEMENTS] : more));
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
        "E_FORGE_LAST_PUSH: main takes what is pushed after an approval, a workflow that reads the executors' keys for example",
      ],
    ],
    [
      'the last push needs no approval',
      rulesets(
        without(MAIN, 'pull_request', [
          {
            type: 'pull_request',
            parameters: { ...MAIN.rules[2]?.parameters, require_last_push_approval: false },
          },
        ]),
      ),
      [
        "E_FORGE_LAST_PUSH: main takes what is pushed after an approval, a workflow that reads the executors' keys for example",
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
      ['E_FORGE_WORKFLOW: pam-apply.yml is switched off by hand; every account with write may do that'],
    ],
    [
      'runs that are refused before they start, as without a budget',
      ({ hub }) => {
        hub.addRun({ workflow: 'pam-sweep.yml', conclusion: 'startup_failure' });
      },
      ['W_FORGE_RUN: runs of pam-sweep.yml end before they start (startup_failure)'],
    ],
    [
      'runs that anybody with write cancelled, replaced or sent elsewhere say nothing',
      ({ hub }) => {
        hub.addRun({ workflow: 'pam-sweep.yml', conclusion: 'cancelled' });
        hub.addRun({ workflow: 'pam-sweep.yml', conclusion: 'skipped', event: 'workflow_dispatch' });
        hub.addRun({ workflow: 'pam-apply.yml', conclusion: 'failure', branch: 'pam/x' });
        hub.addRun({ workflow: 'pam-apply.yml', status: 'in_progress', conclusion: null });
      },
      [],
    ],
    [
      '[X106] no rule keeps stops',
      ({ hub }) => {
        hub.settings.rulesets.splice(0, 9, MAIN, LEDGER);
      },
      [
        'E_FORGE_STATEMENTS: a stop may be deleted and moved by everybody who may write: branches pam-statements/... are not protected',
      ],
    ],
    [
      '[X106] a stop may be deleted',
      rulesets(MAIN, LEDGER, without(STATEMENTS, 'deletion')),
      [
        'E_FORGE_STATEMENTS: a stop may be deleted by everybody who may write: branches pam-statements/... are not protected',
      ],
    ],
    [
      '[X106] a push may put a commit on top of a stop, which hides it',
      rulesets(MAIN, LEDGER, without(STATEMENTS, 'update')),
      [
        'E_FORGE_STATEMENTS: a stop may be moved by everybody who may write: branches pam-statements/... are not protected',
      ],
    ],
    [
      'no stop can be published',
      rulesets(MAIN, LEDGER, STATEMENTS, {
        name: 'all',
        include: ['refs/heads/pam-statements/**'],
        rules: [{ type: 'creation' }, { type: 'required_signatures' }],
      }),
      [
        'E_FORGE_STATEMENTS: no stop can be pushed to pam-statements/...: creation, required_signatures is asked for there',
      ],
    ],
    [
      'administrators may take a stop away',
      rulesets(MAIN, LEDGER, {
        ...STATEMENTS,
        bypass: [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'always' }],
      }),
      [
        'W_FORGE_BYPASS: somebody may go around the ruleset pam-statements, and delete or rewrite branches pam-statements/...',
      ],
    ],
    [
      'a rule takes approvals away',
      rulesets(
        without(MAIN, 'pull_request', [
          {
            type: 'pull_request',
            parameters: { ...MAIN.rules[2]?.parameters, dismiss_stale_reviews_on_push: true },
          },
        ]),
      ),
      [
        'W_FORGE_DISMISS: main dismisses approvals when a pull request changes, also by "Update branch": signed ones have to be given again',
      ],
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

  describe('[P7] runs that do not come', () => {
    const HOUR = 3600;
    const late = async (at: Stage, later: number, sweeps = {}): Promise<readonly string[]> =>
      off(await settings(at, at.hub.token('carol'), later, sweeps))
        .filter((one) => one.startsWith('W_FORGE_RUN'))
        .map((one) => one.replace(/(?<=\.yml).*/u, ''));
    const BOTH = ['W_FORGE_RUN: the last run of pam-apply.yml', 'W_FORGE_RUN: the last run of pam-sweep.yml'];

    it('a schedule that is hours late, as GitHub often is, is no finding; a day is', async () => {
      const at = await setUp();
      expect(await late(at, 12 * HOUR)).toEqual([]);
      expect(await late(at, 25 * HOUR)).toEqual(BOTH);
    });

    it('where policy promises sweeps within a time, sweeps are late by that', async () => {
      const at = await setUp();
      expect(await late(at, 3 * HOUR, { within: 2 * HOUR })).toEqual(BOTH.slice(1));
      expect(await late(at, 30 * HOUR, { within: 48 * HOUR })).toEqual([]);
      // Another machine sweeps.
      expect(await late(at, 3 * HOUR, { within: 2 * HOUR, last: HOUR })).toEqual([]);
      expect(await late(at, 3 * HOUR, { within: 2 * HOUR, last: 3 * HOUR })).toEqual(BOTH.slice(1));
    });

    it('never, and no workflow at all', async () => {
      const idle = await stage();
      idle.push('main', { [`.github/workflows/pam-sweep.yml`]: WORKFLOW });
      expect(off(await settings(idle))).toEqual(
        expect.arrayContaining([
          'E_FORGE_WORKFLOW: there is no workflow pam-check.yml',
          'W_FORGE_RUN: pam-sweep.yml has never run to its end',
        ]),
      );
    });

    it('a good run behind a long line of others is found', async () => {
      const at = await setUp();
      for (let count = 0; count < 31; count += 1)
        at.hub.addRun({ workflow: 'pam-sweep.yml', conclusion: 'cancelled', event: 'workflow_dispatch' });
      expect(await late(at, 0)).toEqual([]);
    });

    it('a schedule that ended with the account behind it, while pushes go on', async () => {
      const at = await setUp();
      const runs = (event: string, hours: number): void => {
        at.hub.addRun({
          workflow: 'pam-apply.yml',
          event,
          at: new Date(Date.now() + hours * HOUR * 1000),
        });
      };
      runs('push', 23);
      expect(await late(at, 23 * HOUR)).toEqual([]);
      runs('push', 30);
      const said = off(await settings(at, at.hub.token('carol'), 30 * HOUR));
      expect(said).toContainEqual(
        expect.stringMatching(/^W_FORGE_RUN: the schedule of pam-apply\.yml last started a run at 2/u),
      );
      runs('schedule', 30);
      expect(await late(at, 30 * HOUR)).toEqual(BOTH.slice(1));
    });

    it('executors on a machine of their own: no workflow, no environment, nothing missing', async () => {
      const at = await stage();
      at.push('main', { '.github/workflows/pam-check.yml': WORKFLOW });
      at.hub.settings.rulesets.push(MAIN, LEDGER, STATEMENTS);
      const own = { within: HOUR, last: 60 };
      expect(off(await settings(at, at.hub.token('carol'), 0, own))).toEqual([]);
      expect(off(await settings(at, at.hub.token('carol'), 0, { within: HOUR, last: 2 * HOUR }))).toEqual([
        'E_FORGE_ENVIRONMENT: there is no environment pam-apply',
        'E_FORGE_ENVIRONMENT: there is no environment pam-sweep',
        'E_FORGE_WORKFLOW: there is no workflow pam-apply.yml',
        'E_FORGE_WORKFLOW: there is no workflow pam-sweep.yml',
      ]);
    });
  });

  it('runs from before a change of their workflow can be run again: told, with the way to end it', async () => {
    const at = await setUp();
    // Commits of this stage are of the first of January.
    const told = async (day: string): Promise<readonly Setting[]> => {
      const later = (Date.parse(`${day}T00:00:00Z`) - Date.now()) / 1000;
      const found = await settings(at, at.hub.token('carol'), later);
      return found.filter(({ code, ok }) => code === 'W_FORGE_RERUN' && ok !== true);
    };
    at.hub.addRun({ workflow: 'pam-apply.yml', at: new Date('2025-12-20T00:00:00Z') });
    at.hub.addRun({ workflow: 'pam-apply.yml', at: new Date('2025-12-31T00:00:00Z') });
    expect(await told('2026-01-10')).toEqual([]);
    at.push('main', { '.github/workflows/pam-apply.yml': `${WORKFLOW}# mended\n` });
    const says = (count: number): string =>
      `runs of pam-apply.yml from before its last change (2026-01-01T00:00:00Z) can be run again, as it was then: ${count}`;
    const [found] = await told('2026-01-10');
    expect(found?.message).toBe(says(2));
    expect(found?.hint).toContain('| xargs -n 1 gh run delete');
    expect((await told('2026-01-25')).map(({ message }) => message)).toEqual([says(1)]);
    expect(await told('2026-02-10')).toEqual([]);
  });

  it('main is not the default branch: nothing runs by schedule', async () => {
    const at = await stage({ defaultBranch: 'develop' });
    expect(off(await settings(at))[0]).toBe(
      'E_FORGE_DEFAULT: the default branch is develop, not main: no schedule runs there, and jobs that are not on main are skipped',
    );
  });

  it('the command that makes a missing rule is said once, and mends the ruleset of that name', async () => {
    const at = await setUp();
    rulesets(MAIN, { ...LEDGER, rules: [] })(at);
    const found = (await settings(at)).filter(({ ok }) => ok === false);
    expect(found.map(({ hint }) => hint)).toEqual([
      `printf '%s' '${JSON.stringify({
        name: 'pam-ledger',
        target: 'branch',
        enforcement: 'active',
        bypass_actors: [],
        conditions: {
          ref_name: { include: ['refs/heads/pam-ledger', 'refs/heads/pam-krl'], exclude: [] },
        },
        rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }],
      })}' | gh api -X PUT repos/acme/access/rulesets/701 --input -`,
      'the command for pam-ledger above makes this rule, too',
    ]);
    at.hub.settings.rulesets.length = 0;
    const none = (await settings(at)).filter(({ ok }) => ok === false);
    const commands = none.flatMap(({ hint }) => (hint?.startsWith('printf ') === true ? [hint] : []));
    expect(commands.map((one) => one.replace(/^.* \| /u, ''))).toEqual(
      Array.from({ length: 3 }, () => 'gh api -X POST repos/acme/access/rulesets --input -'),
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
    at.hub.settings.rulesets.splice(0, 9, STATEMENTS);
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
          require_last_push_approval: true,
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
      'W_FORGE_BYPASS',
      'E_FORGE_ACTIONS',
      'W_FORGE_APPROVES',
      'E_FORGE_ENVIRONMENT',
      'E_FORGE_WORKFLOW',
      'E_FORGE_OIDC',
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

  describe('[P6] the exact sub that a cloud has to ask for', () => {
    const NAMED =
      'exactly the sub repo:acme/access:environment:pam-apply or repo:acme/access:environment:pam-sweep';
    const told = async (subject: Readonly<Record<string, unknown>>): Promise<Setting | undefined> => {
      const at = await setUp();
      at.hub.settings.subject = subject;
      return (await settings(at)).find(({ code }) => code === 'E_FORGE_OIDC');
    };
    const numbered = async (): Promise<string> => {
      const at = await setUp();
      const { owner, id } = (await at.ask('carol', 'GET', '/repos/acme/access')).body as {
        readonly owner: { readonly id: number };
        readonly id: number;
      };
      return `repo:acme@${owner.id}/access@${id}`;
    };

    it('without numbers, where GitHub says so', async () => {
      const found = await told({ use_default: true, use_immutable_subject: false });
      expect(found).toMatchObject({ ok: true, message: expect.stringContaining(NAMED) });
    });

    it('with the numbers of owner and repository, as new repositories have it', async () => {
      const prefix = await numbered();
      for (const subject of [
        { use_default: true, use_immutable_subject: true },
        { use_default: true, use_immutable_subject: true, sub_claim_prefix: prefix },
      ]) {
        const found = await told(subject);
        expect(found).toMatchObject({ ok: true });
        expect(found?.message).toContain(
          `exactly the sub ${prefix}:environment:pam-apply or ${prefix}:environment:pam-sweep`,
        );
      }
    });

    it('both, and never as right, where GitHub does not say', async () => {
      for (const subject of [{ use_default: true }, { use_default: true, sub_claim_prefix: 'repo:x/y' }]) {
        const found = await told(subject);
        expect(found).toMatchObject({ ok: null });
        expect(found?.message).toContain(NAMED);
        expect(found?.message).toContain(`${await numbered()}:environment:pam-apply`);
      }
    });

    it('what it is made of, where that was changed', async () => {
      const found = await told({ use_default: false, include_claim_keys: ['repo', 'ref'] });
      expect(found).toMatchObject({ ok: null, message: expect.stringContaining('made of repo, ref,') });
    });
  });

  it('a repository that cannot be read is an error, not a list of unknowns', async () => {
    const at = await setUp();
    await expect(settings(at, at.hub.token('mallory'))).rejects.toMatchObject({ code: 'E_FORGE_NOT_FOUND' });
  });
});

describe('what main holds of the forge', () => {
  const runners = (text: string, isHosted = true): readonly string[] => {
    const { data } = readYaml(Buffer.from(text), 'x.yml', 65_536);
    const files = [{ path: 'x.yml', document: { data } }];
    return judgeRunners(files, isHosted).map(({ state, code }) => `${state} ${code}`);
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

  test('[P10] on an Enterprise Server no label is a machine of GitHub', () => {
    expect(runners(job('ubuntu-24.04'), false)).toEqual(['warning W_FORGE_RUNNER']);
    expect(runners(job('{ group: pam-only }'), false)).toEqual(['unknown W_FORGE_RUNNER']);
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
