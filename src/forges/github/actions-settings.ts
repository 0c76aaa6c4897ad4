/** What the repository lets its workflows do. */
import { fieldsOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { Setting } from '../../model/forge.ts';
import { lookAt } from './look-at.ts';
import { apiCommand } from './wanted-rules.ts';

/** What `pam` needs of the token of a job: nothing that a workflow does not ask for itself. */
export const JOB_TOKEN = {
  default_workflow_permissions: 'read',
  can_approve_pull_request_reviews: false,
} as const;

const NEEDS = 'administration: read';

export async function actionsSettings(github: GitHub): Promise<readonly Setting[]> {
  return [
    ...(await lookAt('E_FORGE_ACTIONS', 'whether Actions run', async () => {
      const wanted = { doing: 'read whether Actions are on', needs: NEEDS };
      const found = fieldsOf(
        await github.ask('GET /repos/{owner}/{repo}/actions/permissions', {}, wanted),
        'the settings of Actions',
      );
      const ok = found['enabled'] === true;
      const message = ok ? 'Actions are on' : 'Actions are off: nothing is checked, granted or swept here';
      return [
        {
          code: 'E_FORGE_ACTIONS',
          ok,
          message,
          hint: apiCommand(github, 'PUT', 'actions/permissions', { enabled: true }),
        },
      ];
    })),
    ...(await lookAt('W_FORGE_APPROVES', 'what the token of a job may do', async () => {
      const wanted = { doing: 'read what the token of a job may do', needs: NEEDS };
      const found = fieldsOf(
        await github.ask('GET /repos/{owner}/{repo}/actions/permissions/workflow', {}, wanted),
        'the default permissions',
      );
      const approves = found['can_approve_pull_request_reviews'] !== false;
      const reads = found['default_workflow_permissions'] === 'read';
      return [
        {
          code: 'W_FORGE_APPROVES',
          ok: !approves,
          message: approves
            ? 'Actions may create and approve pull requests: it never counts, but it looks like an approval'
            : 'Actions may not approve pull requests',
          hint: apiCommand(github, 'PUT', 'actions/permissions/workflow', JOB_TOKEN),
        },
        {
          code: 'W_FORGE_TOKEN',
          ok: reads,
          message: reads
            ? 'the token of a job only reads unless its workflow says more'
            : 'the token of every job may write unless its workflow says less',
          hint: apiCommand(github, 'PUT', 'actions/permissions/workflow', JOB_TOKEN),
        },
      ];
    })),
  ];
}
