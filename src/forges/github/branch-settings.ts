/** Rules for main and the ledger, by rulesets or by classic branch protection. */
import type { ErrorCode } from '../../model/error-codes.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { Setting } from '../../model/forge.ts';
import { isAbsent, lookAt } from './look-at.ts';

interface Guard {
  readonly deletes: boolean;
  readonly rewrites: boolean;
  readonly pulls: boolean;
  readonly owners: boolean;
  /** Names of required checks. */
  readonly checks: readonly string[];
  /** What keeps an executor's plain push away. */
  readonly closed: readonly string[];
  /** Rulesets that keep the branch standing. */
  readonly rulesets: readonly number[];
}

const OPEN: Guard = {
  deletes: false,
  rewrites: false,
  pulls: false,
  owners: false,
  checks: [],
  closed: [],
  rulesets: [],
};
/** Rules that a push without pull request, check or signature does not meet. */
const CLOSING = ['pull_request', 'required_status_checks', 'required_signatures', 'update', 'merge_queue'];
const CHECK = 'pam-check';
/** A branch with more has an administrator who reads them. */
const MOST_RULESETS = 10;
const RULESETS = 'Settings > Rules > Rulesets';

export async function branchSettings(
  github: GitHub,
  { main, ledger }: { readonly main: string; readonly ledger: string },
  admin: boolean,
): Promise<readonly Setting[]> {
  return [
    ...(await guarded(github, main, admin, mainSettings)),
    ...(await guarded(github, ledger, admin, ledgerSettings)),
  ];
}

type Judge = (branch: string, guard: Guard, hidden: boolean) => readonly Setting[];

async function guarded(
  github: GitHub,
  branch: string,
  admin: boolean,
  judge: Judge,
): Promise<readonly Setting[]> {
  return await lookAt('E_FORGE_RULES', `the rules of ${branch}`, async () => {
    const rules = await rulesOf(github, branch);
    // Rules add up, so classic protection is only asked where rulesets leave something open.
    const settled = judge(branch, rules, false).every(({ ok }) => ok === true);
    const classic = settled ? OPEN : await protectionOf(github, branch, admin);
    return [
      ...judge(branch, classic === null ? rules : both(rules, classic), classic === null),
      ...(await bypasses(github, branch, [...new Set(rules.rulesets)].slice(0, MOST_RULESETS))),
    ];
  });
}

const both = (a: Guard, b: Guard): Guard => ({
  deletes: a.deletes || b.deletes,
  rewrites: a.rewrites || b.rewrites,
  pulls: a.pulls || b.pulls,
  owners: a.owners || b.owners,
  checks: [...a.checks, ...b.checks],
  closed: [...a.closed, ...b.closed],
  rulesets: [...a.rulesets, ...b.rulesets],
});

/** What is on is on; what is off by rulesets may be on by a protection that this token may not see. */
function setting(
  code: ErrorCode,
  ok: boolean,
  hidden: boolean,
  words: readonly [string, string, string],
): Setting {
  const [good, bad, hint] = words;
  if (ok) return { code, ok, message: good };
  if (!hidden) return { code, ok, message: bad, hint };
  const unseen = `${bad}, unless classic branch protection forbids it, which this token may not see`;
  return {
    code,
    ok: null,
    message: unseen,
    hint: `${hint}; to see more the token needs administration: read`,
  };
}

const standing: Judge = (branch, guard, hidden) => [
  setting('E_FORGE_DELETE', guard.deletes, hidden, [
    `nobody may delete ${branch}`,
    `${branch} may be deleted`,
    `${RULESETS}: restrict deletions of ${branch}`,
  ]),
  setting('E_FORGE_REWRITE', guard.rewrites, hidden, [
    `nobody may rewrite ${branch}`,
    `${branch} may be rewritten`,
    `${RULESETS}: block force pushes to ${branch}`,
  ]),
];

const mainSettings: Judge = (branch, guard, hidden) => [
  ...standing(branch, guard, hidden),
  setting('E_FORGE_PULL', guard.pulls, hidden, [
    `${branch} changes by pull request only`,
    `anybody who may write can push to ${branch} without a pull request`,
    `${RULESETS}: require a pull request before merging into ${branch}`,
  ]),
  setting('E_FORGE_OWNERS', guard.owners, hidden, [
    `code owners review what changes on ${branch}`,
    `${branch} does not ask code owners for policy/ and .github/`,
    `${RULESETS}: require review from code owners on ${branch}`,
  ]),
  setting('W_FORGE_CHECK', guard.checks.includes(CHECK), hidden, [
    `${CHECK} has to pass before merging into ${branch}`,
    `${branch} takes pull requests whose ${CHECK} did not pass`,
    `${RULESETS}: require the status check ${CHECK} on ${branch}`,
  ]),
];

const ledgerSettings: Judge = (branch, guard, hidden) => [
  ...standing(branch, guard, hidden),
  {
    code: 'W_FORGE_LEDGER',
    ok: guard.closed.length === 0,
    message:
      guard.closed.length === 0
        ? `executors may push to ${branch}`
        : `${branch} asks for ${guard.closed.join(', ')}, which no executor's push has`,
    hint: `${RULESETS}: for ${branch} only deletions and force pushes are to be forbidden`,
  },
];

async function rulesOf(github: GitHub, branch: string): Promise<Guard> {
  const rules = await github.askAll(
    'GET /repos/{owner}/{repo}/rules/branches/{branch}',
    { branch },
    { doing: `read the rules of ${branch}`, needs: 'metadata: read', most: 500 },
  );
  return rules.map(guardOf).reduce(both, OPEN);
}

function guardOf(rule: unknown): Guard {
  const fields = fieldsOf(rule, 'a rule');
  const { type } = fields;
  const parameters =
    fields['parameters'] === undefined ? {} : fieldsOf(fields['parameters'], 'its parameters');
  return {
    deletes: type === 'deletion',
    rewrites: type === 'non_fast_forward',
    pulls: type === 'pull_request',
    owners: type === 'pull_request' && parameters['require_code_owner_review'] === true,
    checks: type === 'required_status_checks' ? contextsOf(parameters, 'required_status_checks') : [],
    closed: typeof type === 'string' && CLOSING.includes(type) ? [type] : [],
    rulesets:
      type === 'deletion' || type === 'non_fast_forward' ? [numberOf(fields, 'ruleset_id', 'a rule')] : [],
  };
}

function contextsOf(fields: Fields, key: string): readonly string[] {
  const list = fields[key] === undefined ? [] : listOf(fields[key], key);
  return list.flatMap((one) => {
    const { context } = fieldsOf(one, 'a check');
    return typeof context === 'string' ? [context] : [];
  });
}

/** Accounts on the bypass list may still delete and rewrite; the list is shown to those who may change it. */
async function bypasses(
  github: GitHub,
  branch: string,
  rulesets: readonly number[],
): Promise<readonly Setting[]> {
  const code = 'W_FORGE_BYPASS';
  return await lookAt(code, `who may go around the rules of ${branch}`, async () => {
    const found: Setting[] = [];
    for (const id of rulesets) {
      const wanted = { doing: `read the ruleset ${id}`, needs: 'administration: write' };
      const route = 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}';
      const fields = fieldsOf(await github.ask(route, { ruleset_id: id }, wanted), 'the ruleset');
      const name = textOf(fields, 'name', 'the ruleset');
      const actors = fields['bypass_actors'];
      if (actors === undefined) {
        const message = `who may go around the ruleset ${name} is not shown to this token`;
        found.push({ code, ok: null, message, hint: 'the token needs administration: write' });
        continue;
      }
      const ok = listOf(actors, 'the bypass list').length === 0;
      const message = ok
        ? `nobody may go around the ruleset ${name}`
        : `somebody may go around the ruleset ${name}, and delete or rewrite ${branch}`;
      found.push({ code, ok, message, hint: `${RULESETS} > ${name}: empty the bypass list` });
    }
    return found;
  });
}

/** `null` when this token may not see it. Administrators are told that there is none; anybody else cannot know. */
async function protectionOf(github: GitHub, branch: string, admin: boolean): Promise<Guard | null> {
  try {
    const wanted = { doing: `read the protection of ${branch}`, needs: 'administration: read' };
    const route = 'GET /repos/{owner}/{repo}/branches/{branch}/protection';
    return protectionIn(fieldsOf(await github.ask(route, { branch }, wanted), 'the protection'));
  } catch (error) {
    if (isAbsent(error)) return admin ? OPEN : null;
    if (error instanceof Error && 'code' in error && error.code === 'E_FORGE_FORBIDDEN') return null;
    throw error;
  }
}

function protectionIn(found: Fields): Guard {
  const enabled = (key: string): boolean => {
    const value = found[key];
    return typeof value === 'object' && value !== null && 'enabled' in value && value.enabled === true;
  };
  const part = (key: string): Fields | undefined => {
    const value = found[key];
    return value === undefined || value === null ? undefined : fieldsOf(value, key);
  };
  // The repository's admins go around it unless it says otherwise.
  const binds = enabled('enforce_admins');
  const reviews = part('required_pull_request_reviews');
  const checks = part('required_status_checks');
  const named = checks === undefined ? [] : contextsOf(checks, 'checks');
  return {
    deletes: binds && !enabled('allow_deletions'),
    rewrites: binds && !enabled('allow_force_pushes'),
    pulls: reviews !== undefined,
    owners: reviews?.['require_code_owner_reviews'] === true,
    checks: named,
    closed: [
      ...(reviews === undefined ? [] : ['pull_request']),
      ...(checks === undefined ? [] : ['required_status_checks']),
      ...(enabled('required_signatures') ? ['required_signatures'] : []),
    ],
    rulesets: [],
  };
}
