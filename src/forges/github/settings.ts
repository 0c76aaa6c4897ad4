/**
 * What a team has to switch on at GitHub, and whether it is on (`doctor`). Reads settings, changes none. What this token
 * may not see is unknown, with the permission that it takes; only an answer that says so makes a setting good.
 */
import type { GitHub } from '../../github/api.ts';
import { type Fields, fieldsOf, textOf } from '../../github/answer-shape.ts';
import type { Setting, Sweeps } from '../../model/forge.ts';
import { type Instant, secondsBetween } from '../../model/instant.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../../trust/keyring.ts';
import { actionsSettings } from './actions-settings.ts';
import { branchSettings } from './branch-settings.ts';
import { environmentSettings } from './environment-settings.ts';
import { lookAt } from './look-at.ts';
import { subjectSettings } from './subject-settings.ts';
import { workflowSettings } from './workflow-settings.ts';

export interface Watched {
  readonly main: string;
  readonly ledger: string;
  readonly now: Instant;
  readonly sweeps: Sweeps;
}

const PATIENCE_MS = 60_000;

export async function settingsOf(github: GitHub, watched: Watched): Promise<readonly Setting[]> {
  const asked = github.within(PATIENCE_MS);
  // Without the repository itself nothing else can be asked: that is an error, not a list of unknowns.
  const repository = fieldsOf(
    await asked.ask(
      'GET /repos/{owner}/{repo}',
      {},
      { doing: 'read the repository', needs: 'metadata: read' },
    ),
    'the repository',
  );
  const permissions = repository['permissions'];
  const admin =
    typeof permissions === 'object' &&
    permissions !== null &&
    'admin' in permissions &&
    permissions.admin === true;
  return [
    judgeDefault(github, repository, watched.main),
    ...(await branchSettings(asked, watched, admin)),
    ...(await actionsSettings(asked)),
    ...(await environmentSettings(asked, watched)),
    ...(await workflowSettings(asked, watched)),
    ...(await subjectSettings(asked, repository)),
    ...(await lookAt('E_CLOCK_FORGE', 'the clock of GitHub', async () =>
      judgeClock(await asked.time(), watched.now),
    )),
  ];
}

/** An executor that is ahead ends access early, one that is behind ends it late. */
function judgeClock(there: Instant | undefined, here: Instant): readonly Setting[] {
  if (there === undefined) return [];
  const apart = Math.abs(secondsBetween(here, there));
  const ok = apart <= CLOCK_TOLERANCE_SECONDS;
  const message = ok
    ? 'this clock and that of GitHub agree'
    : `this clock says ${here}, GitHub's says ${there}`;
  return [{ code: 'E_CLOCK_FORGE', ok, message, hint: 'set the clock of this machine right (NTP)' }];
}

/** Schedules run on the default branch alone, and a dispatch takes the workflow's inputs from there. */
function judgeDefault({ repository: { owner, name } }: GitHub, found: Fields, main: string): Setting {
  const code = 'E_FORGE_DEFAULT';
  const branch = textOf(found, 'default_branch', 'the repository');
  return branch === main
    ? { code, ok: true, message: `${main} is the default branch` }
    : {
        code,
        ok: false,
        message: `the default branch is ${branch}, not ${main}: no schedule runs there, and jobs that are not on ${main} are skipped`,
        hint: `gh repo edit ${owner}/${name} --default-branch ${main}`,
      };
}
