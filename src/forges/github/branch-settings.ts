/** Rules for main, the ledger and the branches of statements, by rulesets or by classic branch protection. */
import type { ErrorCode } from '../../model/error-codes.ts';
import { fieldsOf, listOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import { expected } from '../../model/error.ts';
import type { Setting } from '../../model/forge.ts';
import { both, type Guard, OPEN, protectionOf, rulesOf } from './branch-guard.ts';
import { lookAt } from './look-at.ts';
import {
  apiCommand,
  type Branches,
  CHECK,
  rulesetCommand,
  rulesetIds,
  STATEMENTS,
  wantedRulesets,
} from './wanted-rules.ts';

/** A branch with more has an administrator who reads them. */
const MOST_RULESETS = 10;
/** A name that a stop could have: rules are asked by name, of branches that are not there as well. */
const PROBE = `${STATEMENTS}/20260101-doctor-000000.0000000000000000`;

export async function branchSettings(
  github: GitHub,
  branches: Branches,
  admin: boolean,
): Promise<readonly Setting[]> {
  const ids = await idsIfShown(github);
  const fixFor = (ruleset: string): string => {
    const wanted = wantedRulesets(branches).find(({ name }) => name === ruleset);
    return wanted === undefined ? '' : rulesetCommand(github, wanted, ids.get(ruleset));
  };
  return [
    ...(await guarded(github, branches.main, admin, { judge: mainSettings, fix: fixFor('pam-main') })),
    ...(await guarded(github, branches.ledger, admin, { judge: ledgerSettings, fix: fixFor('pam-ledger') })),
    ...(await statementSettings(github, fixFor(STATEMENTS))),
  ];
}

/** Only for the words of a command: without the list it makes a new ruleset. */
async function idsIfShown(github: GitHub): Promise<ReadonlyMap<string, number>> {
  try {
    return await rulesetIds(github);
  } catch (error) {
    expected(error);
    return new Map();
  }
}

async function statementSettings(github: GitHub, fix: string): Promise<readonly Setting[]> {
  const code = 'E_FORGE_STATEMENTS';
  return await lookAt(code, `the rules of ${STATEMENTS}`, async () => {
    const guard = await rulesOf(github, PROBE);
    const closed = [
      ...(guard.creations ? ['creation'] : []),
      ...guard.closed.filter((type) => type !== 'update'),
    ];
    const missing = [
      ...(guard.deletes ? [] : ['deleted']),
      // A push that adds a commit hides the statement below it, as one that rewrites does.
      ...(guard.updates ? [] : ['moved']),
    ];
    const opened = closed.length === 0;
    return [
      {
        code,
        ok: missing.length === 0,
        message:
          missing.length === 0
            ? `a stop that is on a branch ${STATEMENTS}/... stays there`
            : `a stop may be ${missing.join(' and ')} by everybody who may write: branches ${STATEMENTS}/... are not protected`,
        hint: fix,
      },
      {
        code,
        ok: opened,
        message: opened
          ? `stops may be pushed to ${STATEMENTS}/...`
          : `no stop can be pushed to ${STATEMENTS}/...: ${closed.join(', ')} is asked for there`,
        hint: `gh api repos/{owner}/{repo}/rules/branches/${PROBE} says which ruleset: let it leave out ${STATEMENTS}/**`,
      },
      ...(await bypasses(github, `branches ${STATEMENTS}/...`, guard.rulesets)),
    ];
  });
}

interface Judged {
  readonly judge: Judge;
  /** The command that makes the ruleset. */
  readonly fix: string;
}

type Judge = (branch: string, guard: Guard, hidden: boolean, fix: string) => readonly Setting[];

async function guarded(
  github: GitHub,
  branch: string,
  admin: boolean,
  { judge, fix }: Judged,
): Promise<readonly Setting[]> {
  return await lookAt('E_FORGE_RULES', `the rules of ${branch}`, async () => {
    const rules = await rulesOf(github, branch);
    // Rules add up, so classic protection is only asked where rulesets leave something open.
    const settled = judge(branch, rules, false, fix).every(({ ok }) => ok === true);
    const classic = settled ? OPEN : await protectionOf(github, branch, admin);
    const found = judge(branch, classic === null ? rules : both(rules, classic), classic === null, fix);
    return [...saidOnce(found, fix, branch), ...(await bypasses(github, branch, rules.rulesets))];
  });
}

/** One ruleset mends them all, and its command is long. */
function saidOnce(found: readonly Setting[], fix: string, branch: string): readonly Setting[] {
  const first = found.findIndex(({ ok, hint }) => ok !== true && hint?.includes(fix) === true);
  return found.map((one, at) =>
    at === first || one.hint?.includes(fix) !== true
      ? one
      : { ...one, hint: `the command for ${branch} above makes this rule, too` },
  );
}

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
    hint: `to see more the token needs administration: read; to make the rule: ${hint}`,
  };
}

const standing: Judge = (branch, guard, hidden, fix) => [
  setting('E_FORGE_DELETE', guard.deletes, hidden, [
    `nobody may delete ${branch}`,
    `${branch} may be deleted`,
    fix,
  ]),
  setting('E_FORGE_REWRITE', guard.rewrites, hidden, [
    `nobody may rewrite ${branch}`,
    `${branch} may be rewritten`,
    fix,
  ]),
];

const mainSettings: Judge = (branch, guard, hidden, fix) => [
  ...standing(branch, guard, hidden, fix),
  setting('E_FORGE_PULL', guard.pulls, hidden, [
    `${branch} changes by pull request only`,
    `anybody who may write can push to ${branch} without a pull request`,
    fix,
  ]),
  setting('E_FORGE_OWNERS', guard.owners, hidden, [
    `code owners review what changes on ${branch}`,
    `${branch} does not ask code owners for policy/ and .github/`,
    fix,
  ]),
  setting('E_FORGE_LAST_PUSH', guard.lastPush, hidden, [
    `what is pushed to a pull request last is approved before it reaches ${branch}`,
    `${branch} takes what is pushed after an approval, a workflow that reads the executors' keys for example`,
    fix,
  ]),
  setting('W_FORGE_CHECK', guard.checks.includes(CHECK), hidden, [
    `${CHECK} has to pass before merging into ${branch}`,
    `${branch} takes pull requests whose ${CHECK} did not pass`,
    fix,
  ]),
  {
    code: 'W_FORGE_DISMISS',
    ok: !guard.dismisses,
    message: guard.dismisses
      ? `${branch} dismisses approvals when a pull request changes, also by "Update branch": signed ones have to be given again`
      : `no rule of ${branch} that was read dismisses approvals`,
    hint: `switch off "Dismiss stale pull request approvals when new commits are pushed", or: ${fix}`,
  },
];

const ledgerSettings: Judge = (branch, guard, hidden, fix) => [
  ...standing(branch, guard, hidden, fix),
  {
    code: 'W_FORGE_LEDGER',
    ok: guard.closed.length === 0,
    message:
      guard.closed.length === 0
        ? `executors may push to ${branch}`
        : `${branch} asks for ${guard.closed.join(', ')}, which no executor's push has`,
    hint: `gh api repos/{owner}/{repo}/rules/branches/${branch} says which ruleset: only deletions and force pushes are to be forbidden`,
  },
];

/** Accounts on the bypass list may still delete and rewrite; the list is shown to those who may change it. */
async function bypasses(
  github: GitHub,
  branch: string,
  rulesets: readonly number[],
): Promise<readonly Setting[]> {
  const code = 'W_FORGE_BYPASS';
  const some = [...new Set(rulesets)].slice(0, MOST_RULESETS);
  return await lookAt(code, `who may go around the rules of ${branch}`, async () => {
    const found: Setting[] = [];
    for (const id of some) {
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
      const hint = apiCommand(github, 'PUT', `rulesets/${id}`, { bypass_actors: [] });
      found.push({ code, ok, message, hint });
    }
    return found;
  });
}
