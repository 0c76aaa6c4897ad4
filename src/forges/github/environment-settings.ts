/**
 * The environments that hold the executors' keys. Only main may use them: a workflow on any other branch, the ledger's
 * too, is written by every pusher there. So "protected branches" is not enough.
 */
import { type Fields, fieldsOf, listOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { Setting, Sweeps } from '../../model/forge.ts';
import type { Instant } from '../../model/instant.ts';
import { isSwept } from './is-swept.ts';
import { lookAt } from './look-at.ts';
import { apiCommand } from './wanted-rules.ts';

const NEEDS = 'actions: read';
const ENVIRONMENTS = ['pam-apply', 'pam-sweep'] as const;

interface Watched {
  readonly main: string;
  readonly sweeps: Sweeps;
  readonly now: Instant;
}

export async function environmentSettings(
  github: GitHub,
  { main, sweeps, now }: Watched,
): Promise<readonly Setting[]> {
  return await lookAt('E_FORGE_ENVIRONMENT', 'the environments pam-apply and pam-sweep', async () => {
    const wanted = { doing: 'read the environments', needs: NEEDS };
    const answer = fieldsOf(
      await github.ask('GET /repos/{owner}/{repo}/environments', { per_page: 100 }, wanted),
      'the environments',
    );
    const listed = listOf(answer['environments'] ?? [], 'the environments').map((one) =>
      fieldsOf(one, 'an environment'),
    );
    const settings: Setting[] = [];
    for (const name of ENVIRONMENTS) {
      const found = listed.find((one) => textOf(one, 'name', 'an environment').toLowerCase() === name);
      settings.push(
        ...(found === undefined
          ? [absent(github, name, main, isSwept(sweeps, now))]
          : await judge(github, name, found, main)),
      );
    }
    return settings;
  });
}

/** For a machine of one's own the keys never come to GitHub. */
function absent(github: GitHub, name: string, main: string, swept: boolean): Setting {
  const code = 'E_FORGE_ENVIRONMENT';
  if (swept) return { code, ok: true, message: `no environment ${name}: GitHub holds no key of an executor` };
  return {
    code,
    ok: false,
    message: `there is no environment ${name}`,
    hint: makeCommand(github, name, main),
  };
}

/** `PUT` leaves out reviewers and timers, and so takes them away. */
export const ONLY_CHOSEN_BRANCHES = {
  deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
} as const;

function makeCommand(github: GitHub, name: string, main: string): string {
  const { owner, name: repo } = github.repository;
  const made = apiCommand(github, 'PUT', `environments/${name}`, ONLY_CHOSEN_BRANCHES);
  return `${made} && gh api -X POST repos/${owner}/${repo}/environments/${name}/deployment-branch-policies -f name=${main}; then its secret PAM_EXECUTOR_KEY (docs/pam-setup.md)`;
}

async function judge(github: GitHub, name: string, found: Fields, main: string): Promise<readonly Setting[]> {
  const branches = await branchesOf(github, name, found);
  const ok = branches.length === 1 && branches[0] === main;
  const waits = listOf(found['protection_rules'] ?? [], 'the rules').filter((one) => {
    const { type } = fieldsOf(one, 'a rule');
    return type === 'required_reviewers' || type === 'wait_timer';
  });
  return [
    {
      code: 'E_FORGE_ENVIRONMENT',
      ok,
      message: ok
        ? `only ${main} may use the environment ${name}`
        : `the secrets of ${name} are for ${branches.length === 0 ? 'no branch' : branches.join(', ')}, not for ${main} alone`,
      hint: `${makeCommand(github, name, main)}; branches that are not ${main} go by gh api -X DELETE .../deployment-branch-policies/<id>`,
    },
    {
      code: 'W_FORGE_WAITS',
      ok: waits.length === 0,
      message:
        waits.length === 0 ? `${name} waits for nobody` : `jobs in ${name} wait for a person or a timer`,
      hint: `${apiCommand(github, 'PUT', `environments/${name}`, ONLY_CHOSEN_BRANCHES)} takes reviewers and timers away, or sweeps come late`,
    },
  ];
}

async function branchesOf(github: GitHub, name: string, found: Fields): Promise<readonly string[]> {
  const policy = found['deployment_branch_policy'];
  if (policy === null || policy === undefined) return ['every branch'];
  if (fieldsOf(policy, 'the branch policy')['custom_branch_policies'] !== true)
    return ['all protected branches'];
  const answer = fieldsOf(
    await github.ask(
      'GET /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies',
      { environment_name: name, per_page: 100 },
      { doing: `read which branches may use ${name}`, needs: NEEDS },
    ),
    'the branch policies',
  );
  return listOf(answer['branch_policies'] ?? [], 'the branch policies').map((one) => {
    const fields = fieldsOf(one, 'a branch policy');
    const pattern = textOf(fields, 'name', 'a branch policy');
    return fields['type'] === 'tag' ? `tags ${pattern}` : pattern;
  });
}
