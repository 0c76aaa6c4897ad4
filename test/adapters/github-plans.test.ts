/** What `pam init --github --apply-settings` plans and makes, on the double: from nothing, over what is there, and where it may not. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { planSettings } from '../../src/forges/github/plan-settings.ts';
import { settingsOf } from '../../src/forges/github/settings.ts';
import { openGitHub, type GitHub } from '../../src/github/api.ts';
import type { SettingPlan } from '../../src/model/forge.ts';
import { instantOf } from '../../src/model/instant.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { stage, type Stage } from '../github/stage.ts';

const ROOT = sha256('root');
const BUNDLE = sha256('bundle');
const WANTED = {
  root: ROOT,
  bundle: BUNDLE,
  executors: { apply: 'pam-apply', sweep: 'sweeper' },
};
const BRANCHES = { main: 'main', ledger: 'pam-ledger' };

function openAs(at: Stage, token: string): GitHub {
  const env = { PATH: process.env['PATH'], GITHUB_API_URL: at.hub.url, GH_ENTERPRISE_TOKEN: token };
  return openGitHub({ owner: 'acme', name: 'access', id: undefined }, env);
}

const plansOf = async (
  at: Stage,
  token: string = at.hub.token('carol'),
  wanted: Partial<typeof WANTED> | { readonly root: null } = {},
): Promise<readonly SettingPlan[]> =>
  await planSettings(openAs(at, token), BRANCHES, { ...WANTED, ...wanted });

async function makeAll(plans: readonly SettingPlan[]): Promise<void> {
  for (const plan of plans.filter(({ state }) => state === 'missing')) await plan.make();
}

const inState = (plans: readonly SettingPlan[], state: SettingPlan['state']): readonly string[] =>
  plans.filter((one) => one.state === state).map(({ title }) => title);

const SECRETS = ['secret PAM_EXECUTOR_KEY of pam-apply', 'secret PAM_EXECUTOR_KEY of pam-sweep'];

describe('from a repository as GitHub makes it', () => {
  it('everything is made, nothing is left for doctor but what is on main, and a second time nothing is', async () => {
    const at = await stage();
    const plans = await plansOf(at);
    expect(at.hub.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(inState(plans, 'missing')).toEqual([
      "Actions: on, GitHub's own actions only, pinned by commit",
      'environment pam-apply: for main alone, without reviewers or timers',
      'variable PAM_APPLY_ROOT of pam-apply',
      'variable PAM_APPLY_BUNDLE of pam-apply',
      'environment pam-sweep: for main alone, without reviewers or timers',
      'variable PAM_SWEEP_ROOT of pam-sweep',
      'variable PAM_SWEEP_BUNDLE of pam-sweep',
      'variable PAM_SWEEP_EXECUTOR of pam-sweep',
      'variable PAM_ROOT of the repository',
      'variable PAM_BUNDLE of the repository',
      'ruleset pam-ledger: pam-ledger, pam-krl',
      'ruleset pam-krl-free: pam-krl/**',
      'ruleset pam-statements: pam-statements/**',
      'ruleset pam-main: main',
    ]);
    await makeAll(plans);
    const { settings } = at.hub;
    expect(settings.actions).toMatchObject({ allowed_actions: 'selected', sha_pinning_required: true });
    expect(
      settings.environments.map(({ name, branches, variables }) => ({ name, branches, variables })),
    ).toEqual([
      {
        name: 'pam-apply',
        branches: ['main'],
        variables: { PAM_APPLY_ROOT: ROOT, PAM_APPLY_BUNDLE: BUNDLE },
      },
      {
        name: 'pam-sweep',
        branches: ['main'],
        variables: { PAM_SWEEP_ROOT: ROOT, PAM_SWEEP_BUNDLE: BUNDLE, PAM_SWEEP_EXECUTOR: 'sweeper' },
      },
    ]);
    expect(settings.variables).toEqual({ PAM_ROOT: ROOT, PAM_BUNDLE: BUNDLE });
    const sweeps = { within: null, last: null };
    const now = instantOf(Date.now());
    const found = await settingsOf(openAs(at, at.hub.token('carol')), { ...BRANCHES, now, sweeps });
    expect(found.filter(({ ok }) => ok !== true).map(({ code }) => code)).toEqual(
      Array.from({ length: 3 }, () => 'E_FORGE_WORKFLOW'),
    );
    const again = await plansOf(at);
    expect(inState(again, 'missing')).toEqual([]);
    expect(inState(again, 'by hand')).toEqual(SECRETS);
    expect(again.find(({ state }) => state === 'by hand')?.command).toBe(
      'gh secret set PAM_EXECUTOR_KEY --repo acme/access --env pam-apply < /path/to/pam-apply',
    );
  });

  it('a secret that is there is not asked for; a root that this machine has not pinned is', async () => {
    const at = await stage();
    at.hub.settings.environments.push({
      name: 'pam-apply',
      branches: ['main'],
      secrets: ['PAM_EXECUTOR_KEY'],
    });
    const plans = await plansOf(at, at.hub.token('carol'), { root: null });
    expect(inState(plans, 'by hand')).toEqual([
      'variable PAM_APPLY_ROOT of pam-apply',
      'variable PAM_SWEEP_ROOT of pam-sweep',
      SECRETS[1],
      'variable PAM_ROOT of the repository',
    ]);
  });
});

describe('over what is there', () => {
  it('[X150] [X151] what is weaker is mended, what a team added or asks more of stays', async () => {
    const at = await stage();
    const { settings } = at.hub;
    settings.environments.push({ name: 'pam-sweep', branches: ['dev', 'main'], reviewers: ['bob'] });
    settings.variables = { PAM_ROOT: 'sha256:other', OURS: 'x' };
    settings.rulesets.push({
      name: 'pam-main',
      enforcement: 'evaluate',
      include: ['~DEFAULT_BRANCH'],
      bypass: [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'always' }],
      rules: [
        { type: 'required_linear_history' },
        {
          type: 'pull_request',
          parameters: {
            required_approving_review_count: 2,
            require_code_owner_review: false,
            dismiss_stale_reviews_on_push: true,
            require_last_push_approval: false,
            required_review_thread_resolution: true,
          },
        },
        {
          type: 'required_status_checks',
          parameters: {
            strict_required_status_checks_policy: true,
            required_status_checks: [{ context: "lint'; touch /tmp/pwned; echo '" }],
          },
        },
      ],
    });
    const plans = await plansOf(at);
    // What GitHub answered stands in the command as text, whatever it is.
    const told = plans.find(({ title }) => title.startsWith('ruleset pam-main'))?.command ?? '';
    const shell = execFileSync('sh', ['-c', `gh() { cat; }\n${told}`], { encoding: 'utf8' });
    expect(JSON.parse(shell)).toMatchObject({ name: 'pam-main', enforcement: 'active' });
    await makeAll(plans);
    expect(settings.environments[0]).toMatchObject({ name: 'pam-sweep', branches: ['main'] });
    expect(settings.environments[0]).not.toHaveProperty('reviewers');
    expect(settings.variables).toEqual({ PAM_ROOT: ROOT, OURS: 'x', PAM_BUNDLE: BUNDLE });
    const main = settings.rulesets.find(({ name }) => name === 'pam-main');
    expect(main).toMatchObject({
      enforcement: 'active',
      bypass: [],
      include: ['~DEFAULT_BRANCH', 'refs/heads/main'],
    });
    const rules = Object.fromEntries(main?.rules.map(({ type, parameters }) => [type, parameters]) ?? []);
    expect(Object.keys(rules).toSorted()).toEqual([
      'deletion',
      'non_fast_forward',
      'pull_request',
      'required_linear_history',
      'required_status_checks',
    ]);
    expect(rules['pull_request']).toMatchObject({
      required_approving_review_count: 2,
      require_code_owner_review: true,
      dismiss_stale_reviews_on_push: false,
      require_last_push_approval: true,
      required_review_thread_resolution: true,
    });
    expect(rules['required_status_checks']).toMatchObject({
      strict_required_status_checks_policy: true,
      required_status_checks: [{ context: "lint'; touch /tmp/pwned; echo '" }, { context: 'pam-check' }],
    });
    expect(inState(await plansOf(at), 'missing')).toEqual([]);
  });
});

describe('who may not', () => {
  it('what cannot be seen is told as unknown, with the permission; what may not be written fails alone', async () => {
    const at = await stage();
    const plans = await plansOf(at, at.fine('bob', { contents: 'write' }));
    expect(inState(plans, 'unknown').slice(0, 3)).toEqual([
      "Actions: on, GitHub's own actions only, pinned by commit",
      'Actions: the token of a job reads, and approves nothing',
      'environment pam-apply: for main alone, without reviewers or timers',
    ]);
    expect(plans.find(({ state }) => state === 'unknown')?.command).toMatch(/administration[=:] ?read/u);
    const [ruleset] = plans.filter(({ title }) => title.startsWith('ruleset'));
    await expect(ruleset?.make()).rejects.toMatchObject({ code: 'E_FORGE_FORBIDDEN' });
    expect(at.hub.settings.rulesets).toEqual([]);
  });

  it('a repository that cannot be read is an error', async () => {
    const at = await stage();
    await expect(plansOf(at, at.hub.token('mallory'))).rejects.toMatchObject({ code: 'E_FORGE_NOT_FOUND' });
  });
});
