/** Every operation of the double is asked once and answered as GitHub's description says; nothing is described in vain. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { OPERATIONS } from './openapi.ts';
import { ROUTES } from './routes.ts';
import { stage } from './stage.ts';

const WORKFLOW = `name: apply
on:
  workflow_dispatch:
    inputs: { id: {} }
jobs: {}
`;
const PULL_REQUEST_RULE = {
  type: 'pull_request',
  parameters: {
    required_approving_review_count: 1,
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: true,
    require_last_push_approval: false,
    required_review_thread_resolution: false,
  },
};

test('what the routes answer is what was extracted', () => {
  expect(ROUTES.map(({ id }) => id).sort()).toEqual(Object.keys(OPERATIONS).sort());
});

describe('each operation', () => {
  test('is answered as described', async () => {
    const { hub, push, ask, askWith, tip } = await stage();
    const seen = new Map<string, number>();
    const go = async (login: string, method: string, path: string, body?: unknown): Promise<unknown> => {
      const said = await ask(login, method, path, body);
      note(said.status);
      return said.body;
    };
    const note = (status: number): void => {
      seen.set(hub.requests.at(-1)?.operation ?? '?', status);
    };
    const idOf = (body: unknown): number => (body as { readonly id: number }).id;

    push('pam/one', { '.github/workflows/apply.yml': WORKFLOW, 'a file': 'one\n' });
    await go('alice', 'POST', 'pulls', { title: 'One', head: 'pam/one', base: 'main' });
    await go('alice', 'GET', 'pulls?state=all');
    await go('alice', 'PATCH', 'pulls/1', { body: 'why' });
    await go('alice', 'GET', 'pulls/1');
    await go('alice', 'GET', 'pulls/1/files');
    await go('alice', 'GET', 'pulls/1/commits');
    await go('alice', 'POST', 'pulls/1/requested_reviewers', { reviewers: ['bob'] });
    await go('alice', 'GET', 'pulls/1/requested_reviewers');
    await go('alice', 'POST', 'issues/1/labels', { labels: ['pam'] });
    await go('alice', 'GET', 'issues/1/labels');
    const comment = idOf(await go('alice', 'POST', 'issues/1/comments', { body: 'hello' }));
    await go('alice', 'PATCH', `issues/comments/${comment}`, { body: 'hello again' });
    await go('alice', 'GET', 'issues/1/comments');
    await go('alice', 'GET', 'issues/comments?since=2026-01-01T00:00:00Z');
    await go('alice', 'GET', `issues/comments/${comment}`);
    await go('bob', 'DELETE', `issues/comments/${comment}`);

    const draft = idOf(await go('bob', 'POST', 'pulls/1/reviews', { body: 'a draft' }));
    await go('bob', 'POST', `pulls/1/reviews/${draft}/events`, { event: 'APPROVE' });
    await go('bob', 'PUT', `pulls/1/reviews/${draft}`, { body: 'edited' });
    await go('bob', 'GET', `pulls/1/reviews/${draft}`);
    await go('bob', 'PUT', `pulls/1/reviews/${draft}/dismissals`, { message: 'no more' });
    await go('bob', 'GET', 'pulls/1/reviews');
    await go('bob', 'GET', 'issues/1/events');
    await go('bob', 'PUT', 'pulls/1/merge', { merge_method: 'rebase' });
    await go('bob', 'GET', `commits/${tip('main')}/pulls`);
    await go('bob', 'GET', 'commits/main');
    await go('bob', 'GET', 'branches/main');
    await go('bob', 'GET', 'compare/main...pam/one');
    await go('bob', 'GET', '/repos/acme/access');
    await go('bob', 'GET', '/user');
    await go('bob', 'GET', '/users/alice');
    await go('bob', 'GET', '/user/1001');
    await go('bob', 'GET', '/rate_limit');

    hub.settings.rulesets.push({
      name: 'main',
      include: ['~DEFAULT_BRANCH'],
      rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }, PULL_REQUEST_RULE],
    });
    hub.settings.protections['main'] = { allow_deletions: { enabled: false } };
    hub.settings.environments.push({ name: 'pam-apply', branches: ['main'], reviewers: ['bob'] });
    hub.addRun({ workflow: 'apply.yml' });
    hub.addRun({ workflow: 'apply.yml', status: 'in_progress', conclusion: null });
    await go('carol', 'GET', 'rules/branches/main');
    const [ruleset] = (await go('carol', 'GET', 'rulesets')) as unknown[];
    await go('carol', 'GET', `rulesets/${idOf(ruleset)}`);
    await go('carol', 'PUT', `rulesets/${idOf(ruleset)}`, { enforcement: 'active' });
    const deletion = {
      rules: [{ type: 'deletion' }],
      conditions: { ref_name: { include: ['~ALL'], exclude: [] } },
    };
    await go('carol', 'POST', 'rulesets', { name: 'all', enforcement: 'disabled', ...deletion });
    await go('carol', 'GET', 'branches/main/protection');
    await go('carol', 'GET', 'actions/permissions');
    await go('carol', 'GET', 'actions/permissions/workflow');
    await go('carol', 'PUT', 'actions/permissions', { enabled: true, allowed_actions: 'selected' });
    await go('carol', 'PUT', 'actions/permissions/selected-actions', { github_owned_allowed: true });
    await go('carol', 'GET', 'actions/permissions/selected-actions');
    await go('carol', 'PUT', 'actions/permissions/workflow', { default_workflow_permissions: 'read' });
    await go('carol', 'GET', 'actions/oidc/customization/sub');
    await go('carol', 'POST', 'actions/variables', { name: 'A', value: '1' });
    await go('carol', 'PATCH', 'actions/variables/A', { value: '2' });
    await go('carol', 'GET', 'actions/variables');
    await go('carol', 'GET', 'commits?path=a+file');
    await go('carol', 'GET', 'environments');
    await go('carol', 'GET', 'environments/pam-apply');
    await go('carol', 'GET', 'environments/pam-apply/deployment-branch-policies');
    const chosen = { protected_branches: false, custom_branch_policies: true };
    await go('carol', 'PUT', 'environments/new', { deployment_branch_policy: chosen });
    const policies = 'environments/new/deployment-branch-policies';
    const policy = idOf(await go('carol', 'POST', policies, { name: 'dev' }));
    await go('carol', 'DELETE', `${policies}/${policy}`);
    await go('carol', 'POST', 'environments/new/variables', { name: 'A', value: '1' });
    await go('carol', 'PATCH', 'environments/new/variables/A', { value: '2' });
    await go('carol', 'GET', 'environments/new/variables');
    await go('carol', 'GET', 'environments/new/secrets');
    await go('carol', 'GET', 'actions/workflows');
    await go('carol', 'GET', 'actions/workflows/apply.yml');
    const listed = await go('carol', 'GET', 'actions/workflows/apply.yml/runs');
    const [run] = (listed as { readonly workflow_runs: readonly unknown[] }).workflow_runs;
    await go('carol', 'GET', `actions/runs/${idOf(run)}`);
    await go('carol', 'POST', `actions/runs/${idOf(run)}/cancel`);
    await go('carol', 'POST', `actions/runs/${idOf(run)}/rerun`);
    await go('carol', 'PUT', 'actions/workflows/apply.yml/disable');
    await go('carol', 'PUT', 'actions/workflows/apply.yml/enable');
    const dispatch = { ref: 'main', inputs: { id: 'x' } };
    await go('carol', 'POST', 'actions/workflows/apply.yml/dispatches', dispatch);
    await go('carol', 'POST', 'dispatches', { event_type: 'pam' });

    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    hub.addApp({ id: 7, slug: 'pam', publicKey, permissions: { contents: 'read' } });
    const jwt = signed({ iss: 7, iat: seconds(), exp: seconds() + 300 }, privateKey);
    note((await askWith(jwt, 'GET', '/app')).status);
    const installation = await askWith(jwt, 'GET', 'installation');
    note(installation.status);
    const tokens = `/app/installations/${idOf(installation.body)}/access_tokens`;
    note((await askWith(jwt, 'POST', tokens)).status);

    expect([...seen].filter(([, status]) => status >= 300)).toEqual([]);
    expect([...seen.keys()].sort()).toEqual(Object.keys(OPERATIONS).sort());
  });
});

const seconds = (): number => Math.floor(Date.now() / 1000);

function signed(claims: unknown, key: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createSign('sha256').update(text).sign(key, 'base64url')}`;
}
