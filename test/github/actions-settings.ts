/** What a repository's settings say of Actions, and its environments: what `doctor` looks at. */
import { type Answer, type Asked, type Listing, listing, notFound, ok, parameter } from './answers.ts';
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
