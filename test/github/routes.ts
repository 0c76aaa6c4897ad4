/** Which operation is answered by whom, and which permission of a token it needs: one line each. */
import type { Answer, Asked, Listing } from './answers.ts';
import * as settings from './actions-settings.ts';
import * as apps from './apps.ts';
import * as comments from './comments.ts';
import type { Hub } from './hub.ts';
import * as labels from './labels.ts';
import { mergePull } from './merges.ts';
import { operationOf } from './openapi.ts';
import * as pulls from './pulls.ts';
import * as repositories from './repositories.ts';
import * as reviews from './reviews.ts';
import * as rules from './rules.ts';
import type { Permissions } from './tokens.ts';
import * as users from './users.ts';
import * as workflows from './workflows.ts';

export type Handler = (hub: Hub, asked: Asked) => Answer | Listing;

export interface Route {
  readonly id: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  /** One of these is enough. */
  readonly needs: Permissions;
  readonly handler: Handler;
}

const PULLS: Permissions = { pull_requests: 'read' };
const WRITE_PULLS: Permissions = { pull_requests: 'write' };
const TALK: Permissions = { issues: 'read', pull_requests: 'read' };
const WRITE_TALK: Permissions = { issues: 'write', pull_requests: 'write' };
const CONTENTS: Permissions = { contents: 'read' };
const WRITE_CONTENTS: Permissions = { contents: 'write' };
const ACTIONS: Permissions = { actions: 'read' };
const WRITE_ACTIONS: Permissions = { actions: 'write' };
const ADMIN: Permissions = { administration: 'read' };
const WRITE_ADMIN: Permissions = { administration: 'write' };
const NOTHING: Permissions = {};

const TABLE: readonly (readonly [id: string, needs: Permissions, handler: Handler])[] = [
  ['repos/get', NOTHING, repositories.getRepository],
  ['repos/get-branch', CONTENTS, repositories.getBranch],
  ['repos/get-commit', CONTENTS, repositories.getCommit],
  ['repos/list-commits', CONTENTS, repositories.listCommits],
  ['repos/compare-commits', CONTENTS, repositories.compare],
  ['repos/list-pull-requests-associated-with-commit', PULLS, repositories.pullsOfCommit],

  ['pulls/list', PULLS, pulls.listPulls],
  ['pulls/create', WRITE_PULLS, pulls.createPull],
  ['pulls/get', PULLS, pulls.getPull],
  ['pulls/update', WRITE_PULLS, pulls.updatePull],
  ['pulls/list-files', PULLS, pulls.listFiles],
  ['pulls/list-commits', PULLS, pulls.listCommits],
  ['pulls/list-requested-reviewers', PULLS, pulls.listRequested],
  ['pulls/request-reviewers', WRITE_PULLS, pulls.requestReviewers],
  ['pulls/merge', WRITE_CONTENTS, mergePull],

  ['pulls/list-reviews', PULLS, reviews.listReviews],
  ['pulls/create-review', WRITE_PULLS, reviews.createReview],
  ['pulls/get-review', PULLS, reviews.getReview],
  ['pulls/update-review', WRITE_PULLS, reviews.updateReview],
  ['pulls/submit-review', WRITE_PULLS, reviews.submitReview],
  ['pulls/dismiss-review', WRITE_PULLS, reviews.dismissReview],

  ['issues/list-comments', TALK, comments.listComments],
  ['issues/list-events', TALK, reviews.listEvents],
  ['issues/list-comments-for-repo', TALK, comments.listAllComments],
  ['issues/get-comment', TALK, comments.getComment],
  ['issues/create-comment', WRITE_TALK, comments.createComment],
  ['issues/update-comment', WRITE_TALK, comments.updateComment],
  ['issues/delete-comment', WRITE_TALK, comments.deleteComment],
  ['issues/list-labels-on-issue', TALK, labels.listLabels],
  ['issues/add-labels', WRITE_TALK, labels.addLabels],

  ['rate-limit/get', NOTHING, (hub, asked) => hub.limits.show(asked.token?.account)],
  ['users/get-authenticated', NOTHING, users.getMyself],
  ['users/get-by-username', NOTHING, users.getByLogin],
  ['users/get-by-id', NOTHING, users.getById],

  ['repos/get-branch-rules', NOTHING, rules.listBranchRules],
  ['repos/get-repo-rulesets', NOTHING, rules.listRulesets],
  ['repos/get-repo-ruleset', NOTHING, rules.getRuleset],
  ['repos/create-repo-ruleset', WRITE_ADMIN, rules.createRuleset],
  ['repos/update-repo-ruleset', WRITE_ADMIN, rules.updateRuleset],
  ['repos/get-branch-protection', ADMIN, rules.getProtection],

  ['actions/get-github-actions-permissions-repository', ADMIN, settings.getActions],
  ['actions/get-github-actions-default-workflow-permissions-repository', ADMIN, settings.getWorkflowDefaults],
  ['actions/get-custom-oidc-sub-claim-for-repo', ACTIONS, settings.getSubject],
  ['actions/set-github-actions-permissions-repository', WRITE_ADMIN, settings.setActions],
  ['actions/get-allowed-actions-repository', ADMIN, settings.getSelectedActions],
  ['actions/set-allowed-actions-repository', WRITE_ADMIN, settings.setSelectedActions],
  [
    'actions/set-github-actions-default-workflow-permissions-repository',
    WRITE_ADMIN,
    settings.setWorkflowDefaults,
  ],
  ['repos/create-or-update-environment', WRITE_ADMIN, settings.putEnvironment],
  ['repos/create-deployment-branch-policy', WRITE_ADMIN, settings.addBranchPolicy],
  ['repos/delete-deployment-branch-policy', WRITE_ADMIN, settings.removeBranchPolicy],
  ['actions/list-environment-variables', { environments: 'read' }, settings.listEnvironmentVariables],
  ['actions/create-environment-variable', { environments: 'write' }, settings.addEnvironmentVariable],
  ['actions/update-environment-variable', { environments: 'write' }, settings.changeEnvironmentVariable],
  ['actions/list-environment-secrets', { environments: 'read' }, settings.listEnvironmentSecrets],
  ['actions/list-repo-variables', { variables: 'read' }, settings.listVariables],
  ['actions/create-repo-variable', { variables: 'write' }, settings.addVariable],
  ['actions/update-repo-variable', { variables: 'write' }, settings.changeVariable],
  ['repos/get-all-environments', ACTIONS, settings.listEnvironments],
  ['repos/get-environment', ACTIONS, settings.getEnvironment],
  ['repos/list-deployment-branch-policies', ACTIONS, settings.listBranchPolicies],
  ['actions/list-repo-workflows', ACTIONS, workflows.listWorkflows],
  ['actions/get-workflow', ACTIONS, workflows.getWorkflow],
  ['actions/disable-workflow', WRITE_ACTIONS, workflows.disableWorkflow],
  ['actions/enable-workflow', WRITE_ACTIONS, workflows.enableWorkflow],
  ['actions/list-workflow-runs', ACTIONS, workflows.listRuns],
  ['actions/get-workflow-run', ACTIONS, workflows.getRun],
  ['actions/cancel-workflow-run', WRITE_ACTIONS, workflows.cancelRun],
  ['actions/re-run-workflow', WRITE_ACTIONS, workflows.runAgain],
  ['actions/create-workflow-dispatch', WRITE_ACTIONS, workflows.dispatchWorkflow],
  ['repos/create-dispatch-event', WRITE_CONTENTS, workflows.dispatchEvent],

  ['apps/get-authenticated', NOTHING, apps.getApp],
  ['apps/get-repo-installation', NOTHING, apps.getInstallation],
  ['apps/create-installation-access-token', NOTHING, apps.createInstallationToken],
];

/** Branch names, refs and the two ends of a comparison have slashes. */
const LONG = ['branch', 'ref', 'base', 'head'];

function routeOf(id: string, needs: Permissions, handler: Handler): Route {
  const { method, path } = operationOf(id);
  const names = [...path.matchAll(/\{([a-z_]+)\}/gu)].map((match) => match[1] ?? '');
  const pattern = path
    .replaceAll('.', '\\.')
    .replaceAll(/\{([a-z_]+)\}/gu, (_, name: string) => (LONG.includes(name) ? '(.+)' : '([^/]+)'));
  return { id, method, pattern: new RegExp(`^${pattern}$`, 'u'), names, needs, handler };
}

/** More words first: `branches/{branch}/protection` before `branches/{branch}`. */
export const ROUTES: readonly Route[] = TABLE.map((line) => routeOf(...line)).sort(
  (a, b) => b.pattern.source.length - a.pattern.source.length,
);

/** Short names for tests; any other operation goes by GitHub's own (`repos/get-branch`). */
const SHORT: Readonly<Record<string, string>> = {
  repository: 'repos/get',
  pulls: 'pulls/list',
  pull: 'pulls/get',
  open: 'pulls/create',
  files: 'pulls/list-files',
  commits: 'pulls/list-commits',
  reviews: 'pulls/list-reviews',
  review: 'pulls/create-review',
  merge: 'pulls/merge',
  comments: 'issues/list-comments',
  comment: 'issues/create-comment',
  'all-comments': 'issues/list-comments-for-repo',
  labels: 'issues/add-labels',
  reviewers: 'pulls/request-reviewers',
  'commit-pulls': 'repos/list-pull-requests-associated-with-commit',
  myself: 'users/get-authenticated',
  user: 'users/get-by-username',
  'user-by-id': 'users/get-by-id',
  dispatch: 'actions/create-workflow-dispatch',
};

export function operationNamed(name: string): string {
  const id = SHORT[name] ?? name;
  if (id !== '*' && id !== 'graphql' && !ROUTES.some((route) => route.id === id))
    throw new Error(`no operation is called ${name}`);
  return id;
}
