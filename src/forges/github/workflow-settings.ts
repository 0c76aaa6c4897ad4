/**
 * Are pam's workflows on, and do they run? GitHub's schedule is best effort: hours late is common, so only a day is late for it
 * (orgs/community#210888, #210625), and it ends with the account that last changed it (#109354) or after 60 idle days.
 * Every account with write may cancel a run, start one elsewhere or switch a workflow off: a run that was cancelled or skipped says
 * nothing, one that ended well says that all is well.
 */
import { fieldsOf, listOf, textOf, textOrNull } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { Setting, Sweeps } from '../../model/forge.ts';
import { type Instant, instantOf, parseInstant, plus } from '../../model/instant.ts';
import { isSwept } from './is-swept.ts';
import { lookAt } from './look-at.ts';

const NEEDS = 'actions: read';
const DAY_SECONDS = 24 * 3600;
/** For so long a run can be run again, with the workflow of its commit and the secrets of today. */
const RERUN_DAYS = 30;
const SOME_RUNS = 30;
/** What tells how a run went; `cancelled` and `skipped` are what became of a place in a line. */
const ENDINGS = ['success', 'failure', 'startup_failure', 'timed_out'];
const WORKFLOWS = [
  { file: 'pam-check.yml', runs: false },
  { file: 'pam-apply.yml', runs: true },
  { file: 'pam-sweep.yml', runs: true },
] as const;

interface Watched {
  readonly main: string;
  readonly now: Instant;
  readonly sweeps: Sweeps;
}

export async function workflowSettings(github: GitHub, watched: Watched): Promise<readonly Setting[]> {
  return await lookAt('E_FORGE_WORKFLOW', 'the workflows', async () => {
    const answer = fieldsOf(
      await github.ask(
        'GET /repos/{owner}/{repo}/actions/workflows',
        { per_page: 100 },
        { doing: 'read the workflows', needs: NEEDS },
      ),
      'the workflows',
    );
    const listed = listOf(answer['workflows'] ?? [], 'the workflows').map((one) =>
      fieldsOf(one, 'a workflow'),
    );
    const settings: Setting[] = [];
    for (const { file, runs } of WORKFLOWS) {
      const found = listed.find((one) => textOf(one, 'path', 'a workflow') === `.github/workflows/${file}`);
      const state = found === undefined ? undefined : textOf(found, 'state', 'a workflow');
      settings.push(judgeState(file, state, runs && isSwept(watched.sweeps, watched.now)));
      if (!runs || state === undefined) continue;
      if (state === 'active')
        settings.push(judgeRuns(file, await runsOf(github, file, watched.main), watched));
      settings.push(...(await judgeReruns(github, file, watched)));
    }
    return settings;
  });
}

function judgeState(file: string, state: string | undefined, elsewhere: boolean): Setting {
  const code = 'E_FORGE_WORKFLOW';
  if (state === 'active') return { code, ok: true, message: `${file} is on` };
  if (state === undefined && elsewhere) {
    return { code, ok: true, message: `there is no workflow ${file}: a machine of your own does that` };
  }
  if (state === undefined) {
    const hint = 'pam init --github writes it; it counts once it is on the default branch';
    return { code, ok: false, message: `there is no workflow ${file}`, hint };
  }
  const why: Readonly<Record<string, string>> = {
    disabled_inactivity: ' after 60 days without activity',
    disabled_manually: ' by hand; every account with write may do that',
  };
  return {
    code,
    ok: false,
    message: `${file} is switched off${why[state] ?? ''}`,
    hint: `gh workflow enable ${file}`,
  };
}

interface Run {
  readonly at: Instant | undefined;
  /** `null` while it goes on. */
  readonly conclusion: string | null;
  readonly event: string;
}

interface Runs {
  /** Newest first, of main. */
  readonly newest: readonly Run[];
  readonly good: Run | undefined;
  readonly scheduled: Run | undefined;
}

async function runsOf(github: GitHub, file: string, main: string): Promise<Runs> {
  const newest = await listRuns(github, file, { branch: main, per_page: SOME_RUNS });
  // Of a long line of failures or dispatches the one that is wanted may be further back.
  const older = async (
    found: Run | undefined,
    only: Readonly<Record<string, string>>,
  ): Promise<Run | undefined> =>
    found ??
    (newest.length < SOME_RUNS
      ? undefined
      : (await listRuns(github, file, { branch: main, per_page: 1, ...only }))[0]);
  return {
    newest,
    good: await older(
      newest.find(({ conclusion }) => conclusion === 'success'),
      { status: 'success' },
    ),
    scheduled: await older(
      newest.find(({ event }) => event === 'schedule'),
      { event: 'schedule' },
    ),
  };
}

async function listRuns(
  github: GitHub,
  file: string,
  only: Readonly<Record<string, string | number>>,
): Promise<readonly Run[]> {
  const { runs } = await askRuns(github, file, only);
  return runs.map((one) => {
    const run = fieldsOf(one, 'a run');
    return {
      at: parseInstant(textOf(run, 'created_at', 'a run')),
      conclusion: textOrNull(run, 'conclusion', 'a run'),
      event: textOf(run, 'event', 'a run'),
    };
  });
}

async function askRuns(
  github: GitHub,
  file: string,
  only: Readonly<Record<string, string | number>>,
): Promise<{ readonly runs: readonly unknown[]; readonly total: number }> {
  const answer = fieldsOf(
    await github.ask(
      'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs',
      { workflow_id: file, ...only },
      { doing: `read the runs of ${file}`, needs: NEEDS },
    ),
    'the runs',
  );
  const runs = listOf(answer['workflow_runs'] ?? [], 'the runs');
  const total = answer['total_count'];
  return { runs, total: typeof total === 'number' ? total : runs.length };
}

function judgeRuns(file: string, { newest, good, scheduled }: Runs, { sweeps, now }: Watched): Setting {
  const code = 'W_FORGE_RUN';
  const hint = `gh workflow run ${file}, and look at its log`;
  const isSweep = file === 'pam-sweep.yml';
  if (isSweep && isSwept(sweeps, now)) {
    return { code, ok: true, message: `sweeps come: the last on the ledger was ${sweeps.last ?? 'never'}` };
  }
  const last = newest.find(({ conclusion }) => ENDINGS.includes(conclusion ?? ''));
  if (last?.conclusion === 'startup_failure') {
    return {
      code,
      ok: false,
      message: `runs of ${file} end before they start (startup_failure)`,
      hint: `${hint}; where the minutes of the month or the budget for Actions are used up, nothing is granted or swept until there are new ones: sweep on a machine of your own`,
    };
  }
  if (last !== undefined && last.conclusion !== 'success') {
    const message = `the last run of ${file} ended with ${last.conclusion ?? 'nothing'}`;
    return {
      code,
      ok: false,
      message,
      hint: `${hint}; where there is no log, the minutes of the month or the budget for Actions may be used up`,
    };
  }
  if (good === undefined) return { code, ok: false, message: `${file} has never run to its end`, hint };
  // Applying follows a push; its schedule is only for what waits for a time.
  const limit = isSweep ? (sweeps.within ?? DAY_SECONDS) : Math.max(sweeps.within ?? 0, DAY_SECONDS);
  if (isOlder(good, now, limit)) {
    const message = `the last run of ${file} that ended well was ${good.at ?? 'at no time that can be read'}`;
    return {
      code,
      ok: false,
      message,
      hint: `${hint}; is there a budget for Actions left, and does its schedule still run? Best is a machine of your own (docs/pam-setup.md)`,
    };
  }
  return judgeSchedule(file, scheduled, newest[0]?.at ?? now, { code, hint, rests: limit >= DAY_SECONDS });
}

/** A schedule that ended while other runs go on shows only once no account pushes any more. */
function judgeSchedule(
  file: string,
  scheduled: Run | undefined,
  newest: Instant,
  { code, hint, rests }: { readonly code: 'W_FORGE_RUN'; readonly hint: string; readonly rests: boolean },
): Setting {
  if (rests && scheduled !== undefined && isOlder(scheduled, newest, DAY_SECONDS)) {
    return {
      code,
      ok: false,
      message: `the schedule of ${file} last started a run at ${scheduled.at ?? 'no time that can be read'}, others ran until ${newest}`,
      hint: `it ends with the account that last changed it: change the minutes of its cron line on main from an account that stays; ${hint}`,
    };
  }
  return { code, ok: true, message: `${file} runs; the last one was ${newest}` };
}

const isOlder = ({ at }: Run, now: Instant, seconds: number): boolean =>
  at === undefined || plus(at, seconds) < now;

/**
 * Every account with write may run a run again for 30 days, with the workflow file of its commit and the secrets of today
 * (docs.github.com, re-running workflows and jobs): a flaw that was mended on main stays in use that long.
 */
async function judgeReruns(
  github: GitHub,
  file: string,
  { main, now }: Watched,
): Promise<readonly Setting[]> {
  const path = `.github/workflows/${file}`;
  return await lookAt('W_FORGE_RERUN', `runs of ${file} that can be run again`, async () => {
    const changes = listOf(
      await github.ask(
        'GET /repos/{owner}/{repo}/commits',
        { sha: main, path, per_page: 2 },
        { doing: `read the changes of ${path}`, needs: 'contents: read' },
      ),
      'the changes',
    );
    // The first one is the file itself.
    const [newest, before] = changes;
    if (newest === undefined || before === undefined) return [];
    const commit = fieldsOf(fieldsOf(newest, 'a commit')['commit'], 'a commit');
    const date = Date.parse(textOf(fieldsOf(commit['committer'], 'a committer'), 'date', 'a committer'));
    if (Number.isNaN(date)) return [];
    const changed = instantOf(date);
    const oldest = plus(now, -RERUN_DAYS * DAY_SECONDS);
    if (changed <= oldest) return [];
    const { total } = await askRuns(github, file, { created: `${oldest}..${changed}`, per_page: 1 });
    if (total === 0) return [];
    return [
      {
        code: 'W_FORGE_RERUN',
        ok: false,
        message: `runs of ${file} from before its last change (${changed}) can be run again, as it was then: ${total}`,
        hint: `if that change mended something: gh run list --workflow ${file} --created '<${changed}' --limit 1000 --json databaseId --jq '.[].databaseId' | xargs -n 1 gh run delete`,
      },
    ];
  });
}
