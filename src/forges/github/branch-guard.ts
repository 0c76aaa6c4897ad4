/** What rules a branch has, read from rulesets and from classic branch protection. */
import { type Fields, fieldsOf, listOf, numberOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import { isAbsent } from './look-at.ts';

export interface Guard {
  readonly deletes: boolean;
  readonly rewrites: boolean;
  readonly pulls: boolean;
  readonly owners: boolean;
  /** What is pushed to a pull request last is approved by another account than the one that pushed it. */
  readonly lastPush: boolean;
  /** A push to the branch is refused, unless it makes it. */
  readonly updates: boolean;
  /** Making the branch is refused. */
  readonly creations: boolean;
  /** A push to the pull request takes approvals away. */
  readonly dismisses: boolean;
  /** Names of required checks. */
  readonly checks: readonly string[];
  /** What keeps an executor's plain push away. */
  readonly closed: readonly string[];
  /** Rulesets that keep the branch standing. */
  readonly rulesets: readonly number[];
}

export const OPEN: Guard = {
  deletes: false,
  rewrites: false,
  pulls: false,
  owners: false,
  lastPush: false,
  updates: false,
  creations: false,
  dismisses: false,
  checks: [],
  closed: [],
  rulesets: [],
};
/** Rules that a push without pull request, check or signature does not meet. */
const CLOSING = ['pull_request', 'required_status_checks', 'required_signatures', 'update', 'merge_queue'];
/** Rules that keep a branch as it is. */
const KEEPS = ['deletion', 'non_fast_forward', 'update'];
/** Rules add up. */
export const both = (a: Guard, b: Guard): Guard => ({
  deletes: a.deletes || b.deletes,
  rewrites: a.rewrites || b.rewrites,
  pulls: a.pulls || b.pulls,
  owners: a.owners || b.owners,
  lastPush: a.lastPush || b.lastPush,
  updates: a.updates || b.updates,
  creations: a.creations || b.creations,
  dismisses: a.dismisses || b.dismisses,
  checks: [...a.checks, ...b.checks],
  closed: [...a.closed, ...b.closed],
  rulesets: [...a.rulesets, ...b.rulesets],
});

export async function rulesOf(github: GitHub, branch: string): Promise<Guard> {
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
    lastPush: type === 'pull_request' && parameters['require_last_push_approval'] === true,
    updates: type === 'update',
    creations: type === 'creation',
    dismisses: type === 'pull_request' && parameters['dismiss_stale_reviews_on_push'] === true,
    checks: type === 'required_status_checks' ? contextsOf(parameters, 'required_status_checks') : [],
    closed: typeof type === 'string' && CLOSING.includes(type) ? [type] : [],
    rulesets: KEEPS.includes(String(type)) ? [numberOf(fields, 'ruleset_id', 'a rule')] : [],
  };
}

function contextsOf(fields: Fields, key: string): readonly string[] {
  const list = fields[key] === undefined ? [] : listOf(fields[key], key);
  return list.flatMap((one) => {
    const { context } = fieldsOf(one, 'a check');
    return typeof context === 'string' ? [context] : [];
  });
}

/** `null` when this token may not see it. Administrators are told that there is none; anybody else cannot know. */
export async function protectionOf(github: GitHub, branch: string, admin: boolean): Promise<Guard | null> {
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
    lastPush: reviews?.['require_last_push_approval'] === true,
    updates: false,
    creations: false,
    dismisses: reviews?.['dismiss_stale_reviews'] === true,
    checks: named,
    closed: [
      ...(reviews === undefined ? [] : ['pull_request']),
      ...(checks === undefined ? [] : ['required_status_checks']),
      ...(enabled('required_signatures') ? ['required_signatures'] : []),
    ],
    rulesets: [],
  };
}
