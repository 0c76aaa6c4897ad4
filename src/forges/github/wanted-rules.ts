/**
 * The rulesets that a repository needs, once for all that speak of them: what `doctor` says is missing, the command that makes it,
 * and what `pam init --github --apply-settings` makes. The setup page shows the same ones.
 *
 * Shapes: https://docs.github.com/en/rest/repos/rules#create-a-repository-ruleset
 */
import { fieldsOf, numberOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub, Parameters, Route } from '../../github/api.ts';

export interface Branches {
  readonly main: string;
  readonly ledger: string;
}

export interface WantedRuleset {
  readonly name: string;
  /** Patterns of branches, without `refs/heads/`. */
  readonly branches: readonly string[];
  readonly rules: readonly {
    readonly type: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
  }[];
}

export const CHECK = 'pam-check';
/** Every stop, delegation and brake is a branch below it. */
export const STATEMENTS = 'pam-statements';

const STANDING = [{ type: 'deletion' }, { type: 'non_fast_forward' }] as const;

export function wantedRulesets({ main, ledger }: Branches): readonly WantedRuleset[] {
  return [
    { name: 'pam-ledger', branches: [ledger, 'pam-krl'], rules: STANDING },
    // A branch below its name would keep it from being made.
    { name: 'pam-krl-free', branches: ['pam-krl/**'], rules: [{ type: 'creation' }] },
    // A push that only adds a commit would hide the statement as well, so updates are refused; its signer creates the branch.
    { name: STATEMENTS, branches: [`${STATEMENTS}/**`], rules: [...STANDING, { type: 'update' }] },
    {
      name: 'pam-main',
      branches: [main],
      rules: [
        ...STANDING,
        {
          type: 'pull_request',
          parameters: {
            required_approving_review_count: 1,
            require_code_owner_review: true,
            dismiss_stale_reviews_on_push: false,
            // Else a commit that is pushed after the approval travels with it: a workflow, say, that reads the executors' keys.
            require_last_push_approval: true,
            required_review_thread_resolution: false,
          },
        },
        {
          type: 'required_status_checks',
          parameters: {
            strict_required_status_checks_policy: false,
            required_status_checks: [{ context: CHECK }],
          },
        },
      ],
    },
  ];
}

/** As the API takes it, for a new ruleset and for one that is changed. */
export const rulesetBody = ({ name, branches, rules }: WantedRuleset): Readonly<Record<string, unknown>> => ({
  name,
  target: 'branch',
  enforcement: 'active',
  bypass_actors: [],
  conditions: { ref_name: { include: branches.map((one) => `refs/heads/${one}`), exclude: [] } },
  rules,
});

/** What this repository's own rulesets are called. Their names are unique, so one that is there is changed. */
export async function rulesetIds(github: GitHub): Promise<ReadonlyMap<string, number>> {
  const listed = await github.askSome(
    'GET /repos/{owner}/{repo}/rulesets',
    { includes_parents: false },
    { doing: 'read the rulesets', needs: 'metadata: read', pages: 1 },
  );
  return new Map(
    listed.map((one) => {
      const fields = fieldsOf(one, 'a ruleset');
      return [textOf(fields, 'name', 'a ruleset'), numberOf(fields, 'id', 'a ruleset')];
    }),
  );
}

/** A line for a shell, whatever stands in the body: names of checks and patterns are GitHub's answers. */
export function apiCommand(
  github: GitHub,
  method: 'POST' | 'PUT',
  path: string,
  body: Readonly<Record<string, unknown>>,
): string {
  const { owner, name } = github.repository;
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  return `printf '%s' '${quoted}' | gh api -X ${method} repos/${owner}/${name}/${path} --input -`;
}

/** The command that makes a ruleset as it has to be, or mends the one of that name. */
export function rulesetCommand(github: GitHub, ruleset: WantedRuleset, id: number | undefined): string {
  return id === undefined
    ? apiCommand(github, 'POST', 'rulesets', rulesetBody(ruleset))
    : apiCommand(github, 'PUT', `rulesets/${id}`, rulesetBody(ruleset));
}

export async function write(
  github: GitHub,
  route: Route,
  body: Readonly<Record<string, unknown>>,
  doing: string,
): Promise<void> {
  // Octokit takes objects and lists in a body as well; `Parameters` is what the other questions need.
  await github.ask(route, body as unknown as Parameters, { doing, needs: 'administration: write' });
}
