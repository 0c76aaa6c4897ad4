/** What a repository's settings say of Actions, and its environments: what `doctor` looks at. */
import {
  type Answer,
  type Asked,
  created,
  type Listing,
  listing,
  notFound,
  ok,
  parameter,
  Refusal,
  textIn,
} from './answers.ts';
import { type EnvironmentSetting, fullName, type Hub, instant, nodeId } from './hub.ts';
import { showUser } from './shapes.ts';

export const getActions = (hub: Hub): Answer => ok(hub.settings.actions);
export const getSubject = (hub: Hub): Answer => ok(hub.settings.subject);
export const getWorkflowDefaults = (hub: Hub): Answer => ok(hub.settings.workflow);

const idOf = (hub: Hub, environment: EnvironmentSetting): number =>
  400 + hub.settings.environments.indexOf(environment);

function showEnvironment(hub: Hub, environment: EnvironmentSetting): Record<string, unknown> {
  const { name, branches, reviewers } = environment;
  const id = idOf(hub, environment);
  const at = instant(hub.repository.createdAt);
  const policy =
    environment.policy ??
    (branches === undefined ? null : { protected_branches: false, custom_branch_policies: true });
  const path = `${fullName(hub.repository)}/environments/${encodeURIComponent(name)}`;
  return {
    id,
    node_id: nodeId('EN', id),
    name,
    url: `${hub.url}/repos/${path}`,
    html_url: `${hub.web}/${fullName(hub.repository)}/deployments/activity_log?environments_filter=${encodeURIComponent(name)}`,
    created_at: at,
    updated_at: at,
    protection_rules: [
      ...(policy === null ? [] : [{ id: id * 10, node_id: nodeId('GA', id), type: 'branch_policy' }]),
      ...(reviewers === undefined
        ? []
        : [
            {
              id: id * 10 + 1,
              node_id: nodeId('GB', id),
              type: 'required_reviewers',
              prevent_self_review: false,
              reviewers: reviewers.map((login) => ({
                type: 'User',
                reviewer: showUser(hub, hub.accounts.named(login)),
              })),
            },
          ]),
    ],
    deployment_branch_policy: policy,
  };
}

export const listEnvironments = (hub: Hub): Listing =>
  listing(hub.settings.environments, (one) => showEnvironment(hub, one), 'environments');

function environmentOf(hub: Hub, asked: Asked): EnvironmentSetting {
  const name = parameter(asked, 'environment_name').toLowerCase();
  const found = hub.settings.environments.find((one) => one.name.toLowerCase() === name);
  if (found === undefined) throw notFound();
  return found;
}

export const getEnvironment = (hub: Hub, asked: Asked): Answer =>
  ok(showEnvironment(hub, environmentOf(hub, asked)));

export function listBranchPolicies(hub: Hub, asked: Asked): Listing {
  const environment = environmentOf(hub, asked);
  const show = (name: string): unknown => {
    const id = idOf(hub, environment) * 100 + (environment.branches ?? []).indexOf(name);
    return { id, node_id: nodeId('GP', id), name, type: 'branch' };
  };
  return listing(environment.branches ?? [], show, 'branch_policies');
}

const DONE: Answer = { status: 204 };

export function setActions(hub: Hub, asked: Asked): Answer {
  hub.settings.actions = { ...hub.settings.actions, ...asked.body };
  return DONE;
}

/** 409 unless actions are chosen (docs.github.com, set allowed actions for a repository). */
export function setSelectedActions(hub: Hub, asked: Asked): Answer {
  if (hub.settings.actions['allowed_actions'] !== 'selected') throw new Refusal(409, 'Conflict');
  hub.settings.selectedActions = asked.body;
  return DONE;
}

export const getSelectedActions = (hub: Hub): Answer => {
  if (hub.settings.actions['allowed_actions'] !== 'selected') throw new Refusal(409, 'Conflict');
  return ok(hub.settings.selectedActions);
};

export function setWorkflowDefaults(hub: Hub, asked: Asked): Answer {
  Object.assign(hub.settings.workflow, asked.body);
  return DONE;
}

/** What is left out of the body is taken away, but for branches that were chosen. */
export function putEnvironment(hub: Hub, asked: Asked): Answer {
  const name = parameter(asked, 'environment_name');
  const { environments } = hub.settings;
  const at = environments.findIndex((one) => one.name.toLowerCase() === name.toLowerCase());
  const old = environments[at];
  const policy = (asked.body['deployment_branch_policy'] ?? null) as EnvironmentSetting['policy'] & object;
  const made: EnvironmentSetting = {
    name: old?.name ?? name,
    policy,
    ...(old?.branches === undefined ? {} : { branches: old.branches }),
    ...(old?.variables === undefined ? {} : { variables: old.variables }),
    ...(old?.secrets === undefined ? {} : { secrets: old.secrets }),
  };
  if (at === -1) environments.push(made);
  else environments[at] = made;
  return ok(showEnvironment(hub, made));
}

function change(hub: Hub, old: EnvironmentSetting, changed: Partial<EnvironmentSetting>): EnvironmentSetting {
  const made = { ...old, ...changed };
  hub.settings.environments[hub.settings.environments.indexOf(old)] = made;
  return made;
}

export function addBranchPolicy(hub: Hub, asked: Asked): Answer {
  const old = environmentOf(hub, asked);
  if (old.policy?.custom_branch_policies !== true) throw notFound();
  const name = textIn(asked, 'name') ?? '';
  change(hub, old, { branches: [...(old.branches ?? []), name] });
  const { items, show } = listBranchPolicies(hub, asked);
  return ok(show(items.at(-1) as never));
}

export function removeBranchPolicy(hub: Hub, asked: Asked): Answer {
  const old = environmentOf(hub, asked);
  const first = idOf(hub, old) * 100;
  const at = Number(parameter(asked, 'branch_policy_id')) - first;
  if (old.branches?.[at] === undefined) throw notFound();
  change(hub, old, { branches: old.branches.toSpliced(at, 1) });
  return DONE;
}

const showVariable =
  (hub: Hub, variables: Readonly<Record<string, string>>) =>
  (name: string): unknown => {
    const at = instant(hub.repository.createdAt);
    return { name, value: variables[name], created_at: at, updated_at: at };
  };

const listedVariables = (hub: Hub, variables: Readonly<Record<string, string>>): Listing =>
  listing(Object.keys(variables), showVariable(hub, variables), 'variables');

export const listVariables = (hub: Hub): Listing => listedVariables(hub, hub.settings.variables);
export const listEnvironmentVariables = (hub: Hub, asked: Asked): Listing =>
  listedVariables(hub, environmentOf(hub, asked).variables ?? {});

/** `there`: it has to exist already, or not yet. */
function withVariable(
  old: Readonly<Record<string, string>>,
  asked: Asked,
  there: boolean,
): Readonly<Record<string, string>> {
  const name = there ? parameter(asked, 'name') : (textIn(asked, 'name') ?? '');
  if (Object.hasOwn(old, name) !== there)
    throw there ? notFound() : new Refusal(409, 'Already exists - Variable already exists');
  return { ...old, [name]: textIn(asked, 'value') ?? '' };
}

export function addVariable(hub: Hub, asked: Asked): Answer {
  hub.settings.variables = withVariable(hub.settings.variables, asked, false);
  return created({});
}

export function changeVariable(hub: Hub, asked: Asked): Answer {
  hub.settings.variables = withVariable(hub.settings.variables, asked, true);
  return DONE;
}

export function addEnvironmentVariable(hub: Hub, asked: Asked): Answer {
  const old = environmentOf(hub, asked);
  change(hub, old, { variables: withVariable(old.variables ?? {}, asked, false) });
  return created({});
}

export function changeEnvironmentVariable(hub: Hub, asked: Asked): Answer {
  const old = environmentOf(hub, asked);
  change(hub, old, { variables: withVariable(old.variables ?? {}, asked, true) });
  return DONE;
}

export function listEnvironmentSecrets(hub: Hub, asked: Asked): Listing {
  const at = instant(hub.repository.createdAt);
  const show = (name: string): unknown => ({ name, created_at: at, updated_at: at });
  return listing(environmentOf(hub, asked).secrets ?? [], show, 'secrets');
}
