/**
 * What `pam init --github --apply-settings` makes at GitHub: settings of Actions, environments, their variables, rulesets. Each is
 * read first; what is there stays. Secrets are named and left to a person: to send one it has to be sealed for GitHub.
 *
 * Shapes: https://docs.github.com/en/rest/actions/permissions, /rest/deployments/environments, /rest/actions/variables
 */
import { type Fields, fieldsOf, listOf, numberOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub, Route } from '../../github/api.ts';
import { expected } from '../../model/error.ts';
import type { SettingPlan, WantedSettings } from '../../model/forge.ts';
import { JOB_TOKEN } from './actions-settings.ts';
import { ONLY_CHOSEN_BRANCHES } from './environment-settings.ts';
import { isAbsent } from './look-at.ts';
import { planRules } from './plan-rules.ts';
import { variableIn } from './variables.ts';
import { apiCommand, type Branches, write } from './wanted-rules.ts';

const ADMIN = 'administration: write';
const ENVIRONMENTS = 'environments: write';
const SECRET = 'PAM_EXECUTOR_KEY';

export async function planSettings(
  github: GitHub,
  branches: Branches,
  wanted: WantedSettings,
): Promise<readonly SettingPlan[]> {
  // Without the repository itself nothing else can be asked.
  await github.ask(
    'GET /repos/{owner}/{repo}',
    {},
    { doing: 'read the repository', needs: 'metadata: read' },
  );
  const plans: (SettingPlan | readonly SettingPlan[])[] = [
    await planned(
      "Actions: on, GitHub's own actions only, pinned by commit",
      async () => await planActions(github),
    ),
    await planned(
      'Actions: the token of a job reads, and approves nothing',
      async () => await planToken(github),
    ),
  ];
  for (const name of ['pam-apply', 'pam-sweep']) {
    plans.push(
      await planned(
        `environment ${name}: for ${branches.main} alone, without reviewers or timers`,
        async () => await planEnvironment(github, name, branches.main),
      ),
    );
    for (const [variable, value] of variablesOf(name, wanted))
      plans.push(await planVariable(github, { environment: name, variable, value }));
    plans.push(await planned(`secret ${SECRET} of ${name}`, async () => await planSecret(github, name)));
  }
  for (const [variable, value] of [
    ['PAM_ROOT', wanted.root],
    ['PAM_BUNDLE', wanted.bundle],
  ] as const)
    plans.push(await planVariable(github, { environment: null, variable, value }));
  plans.push(await planRules(github, branches, planned));
  return plans.flat();
}

type Look = () => Promise<Omit<SettingPlan, 'title'>>;

/** What this token may not see is no reason to leave out the rest. */
async function planned(title: string, look: Look): Promise<SettingPlan> {
  try {
    return { title, ...(await look()) };
  } catch (cause) {
    const { message, hint } = expected(cause);
    const command = hint === undefined ? message : `${message}; ${hint}`;
    return { title, state: 'unknown', command, make: async () => await Promise.reject(expected(cause)) };
  }
}

const nothing = async (): Promise<void> => {
  await Promise.resolve();
};

/** Names of their own, which no variable of the repository can stand in for: every account with write may set those. */
function variablesOf(
  environment: string,
  { root, bundle, executors }: WantedSettings,
): readonly (readonly [string, string | null])[] {
  const prefix = environment.toUpperCase().replace('-', '_');
  const service = environment === 'pam-apply' ? executors.apply : executors.sweep;
  return [
    [`${prefix}_ROOT`, root],
    [`${prefix}_BUNDLE`, bundle],
    ...(service === null || service === environment ? [] : [[`${prefix}_EXECUTOR`, service] as const]),
  ];
}

async function planActions(github: GitHub): ReturnType<Look> {
  const route = 'GET /repos/{owner}/{repo}/actions/permissions';
  const found = fieldsOf(
    await github.ask(route, {}, { doing: 'read the settings of Actions', needs: ADMIN }),
    'the settings of Actions',
  );
  const chosen = found['allowed_actions'] === 'selected' ? await selectedActions(github) : {};
  const ok =
    found['enabled'] === true &&
    found['sha_pinning_required'] === true &&
    chosen['github_owned_allowed'] === true &&
    chosen['verified_allowed'] !== true &&
    listOf(chosen['patterns_allowed'] ?? [], 'the patterns').length === 0;
  const body = { enabled: true, allowed_actions: 'selected', sha_pinning_required: true };
  const selected = { github_owned_allowed: true, verified_allowed: false, patterns_allowed: [] };
  const commands = [
    apiCommand(github, 'PUT', 'actions/permissions', body),
    apiCommand(github, 'PUT', 'actions/permissions/selected-actions', selected),
  ];
  return {
    state: ok ? 'there' : 'missing',
    command: commands.join(' && '),
    make: async () => {
      await write(github, 'PUT /repos/{owner}/{repo}/actions/permissions', body, 'set what Actions may run');
      const actions = 'PUT /repos/{owner}/{repo}/actions/permissions/selected-actions';
      await write(github, actions, selected, 'set which actions may run');
    },
  };
}

async function selectedActions(github: GitHub): Promise<Fields> {
  const route = 'GET /repos/{owner}/{repo}/actions/permissions/selected-actions';
  const wanted = { doing: 'read which actions may run', needs: ADMIN };
  return fieldsOf(await github.ask(route, {}, wanted), 'the actions that may run');
}

async function planToken(github: GitHub): ReturnType<Look> {
  const path = 'actions/permissions/workflow';
  const found = fieldsOf(
    await github.ask(
      `GET /repos/{owner}/{repo}/${path}`,
      {},
      { doing: 'read what a job may do', needs: ADMIN },
    ),
    'the default permissions',
  );
  const ok = Object.entries(JOB_TOKEN).every(([key, value]) => found[key] === value);
  return {
    state: ok ? 'there' : 'missing',
    command: apiCommand(github, 'PUT', path, JOB_TOKEN),
    make: async () => {
      await write(
        github,
        `PUT /repos/{owner}/{repo}/${path}`,
        JOB_TOKEN,
        'set what the token of a job may do',
      );
    },
  };
}

async function planEnvironment(github: GitHub, name: string, main: string): ReturnType<Look> {
  const route = 'GET /repos/{owner}/{repo}/environments/{environment_name}';
  const found = await orAbsent(async () =>
    fieldsOf(
      await github.ask(route, { environment_name: name }, { doing: `read ${name}`, needs: 'actions: read' }),
      'the environment',
    ),
  );
  const policies = found === undefined ? [] : await policiesOf(github, name, found);
  const others = policies.filter((one) => one.branch !== main);
  const hasMain = policies.length > others.length;
  const waits = listOf(found?.['protection_rules'] ?? [], 'the rules').some(
    (one) => fieldsOf(one, 'a rule')['type'] !== 'branch_policy',
  );
  const { owner, name: repo } = github.repository;
  const below = `repos/${owner}/${repo}/environments/${name}/deployment-branch-policies`;
  const commands = [
    apiCommand(github, 'PUT', `environments/${name}`, ONLY_CHOSEN_BRANCHES),
    ...(hasMain ? [] : [`gh api -X POST ${below} -f name=${main}`]),
    ...others.map(({ id }) => `gh api -X DELETE ${below}/${id}`),
  ];
  return {
    state: hasMain && others.length === 0 && !waits ? 'there' : 'missing',
    command: commands.join(' && '),
    make: async () => {
      const environment = { environment_name: name };
      const one = 'PUT /repos/{owner}/{repo}/environments/{environment_name}';
      await write(github, one, { ...environment, ...ONLY_CHOSEN_BRANCHES }, `make ${name}`);
      const list = '/repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies';
      if (!hasMain)
        await write(github, `POST ${list}`, { ...environment, name: main }, `let ${main} use ${name}`);
      for (const { id, branch } of others) {
        const policy = { ...environment, branch_policy_id: id };
        await write(github, `DELETE ${list}/{branch_policy_id}`, policy, `keep ${branch} from ${name}`);
      }
    },
  };
}

async function policiesOf(
  github: GitHub,
  name: string,
  found: Fields,
): Promise<readonly { readonly id: number; readonly branch: string }[]> {
  const policy = found['deployment_branch_policy'] ?? null;
  if (policy === null || fieldsOf(policy, 'the policy')['custom_branch_policies'] !== true) return [];
  const answer = fieldsOf(
    await github.ask(
      'GET /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies',
      { environment_name: name, per_page: 100 },
      { doing: `read which branches may use ${name}`, needs: 'actions: read' },
    ),
    'the branch policies',
  );
  return listOf(answer['branch_policies'] ?? [], 'the branch policies').map((one) => {
    const fields = fieldsOf(one, 'a branch policy');
    const branch = textOf(fields, 'name', 'a branch policy');
    // A tag called main is another thing.
    return {
      id: numberOf(fields, 'id', 'a branch policy'),
      branch: fields['type'] === 'tag' ? `tag ${branch}` : branch,
    };
  });
}

interface Variable {
  /** `null`: of the repository. */
  readonly environment: string | null;
  readonly variable: string;
  readonly value: string | null;
}

async function planVariable(
  github: GitHub,
  { environment, variable, value }: Variable,
): Promise<SettingPlan> {
  const { owner, name: repo } = github.repository;
  const place = environment === null ? 'the repository' : environment;
  const title = `variable ${variable} of ${place}`;
  const where = environment === null ? '' : ` --env ${environment}`;
  const set = `gh variable set ${variable} --repo ${owner}/${repo}${where} --body`;
  if (value === null) return { title, state: 'by hand', command: `${set} sha256:...`, make: nothing };
  const path = environment === null ? 'actions/variables' : 'environments/{environment_name}/variables';
  const list = `/repos/{owner}/{repo}/${path}` as const;
  const of = environment === null ? {} : { environment_name: environment };
  return await planned(title, async () => {
    const wanted = {
      doing: `read the variables of ${place}`,
      needs: environment === null ? 'variables: read' : ENVIRONMENTS,
    };
    // An environment that is not there yet has none.
    const found = await orAbsent(async () => await variableIn(github, `GET ${list}`, of, variable, wanted));
    return {
      state: found?.['value'] === value ? 'there' : 'missing',
      command: `${set} ${value}`,
      make: async () => {
        const route: Route = found === undefined ? `POST ${list}` : `PATCH ${list}/{name}`;
        await write(github, route, { ...of, name: variable, value }, `set ${variable} of ${place}`);
      },
    };
  });
}

async function planSecret(github: GitHub, environment: string): ReturnType<Look> {
  const { owner, name: repo } = github.repository;
  const wanted = { doing: `read the names of the secrets of ${environment}`, needs: ENVIRONMENTS };
  const route = 'GET /repos/{owner}/{repo}/environments/{environment_name}/secrets';
  const answer = await orAbsent(async () =>
    fieldsOf(
      await github.ask(route, { environment_name: environment, per_page: 100 }, wanted),
      'the secrets',
    ),
  );
  const names = listOf(answer?.['secrets'] ?? [], 'the secrets').map(
    (one) => fieldsOf(one, 'a secret')['name'],
  );
  return {
    state: names.includes(SECRET) ? 'there' : 'by hand',
    command: `gh secret set ${SECRET} --repo ${owner}/${repo} --env ${environment} < /path/to/${environment}`,
    make: nothing,
  };
}

async function orAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
