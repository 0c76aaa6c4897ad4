/** Are pam's workflows on, and did they run lately? GitHub drops schedules when it is busy, and stops them after 60 idle days. */
import { type Fields, fieldsOf, listOf, textOf, textOrNull } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { Setting } from '../../model/forge.ts';
import { type Instant, parseInstant, plus } from '../../model/instant.ts';
import { lookAt } from './look-at.ts';

const NEEDS = 'actions: read';
/** Much longer than any schedule of ours, and than GitHub is usually late. */
const LATE_SECONDS = 2 * 3600;
const WORKFLOWS = [
  { file: 'pam-check.yml', runs: false },
  { file: 'pam-apply.yml', runs: true },
  { file: 'pam-sweep.yml', runs: true },
] as const;

export async function workflowSettings(github: GitHub, now: Instant): Promise<readonly Setting[]> {
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
      settings.push(judgeState(file, state));
      if (runs && state === 'active') settings.push(judgeRun(file, await lastRun(github, file), now));
    }
    return settings;
  });
}

function judgeState(file: string, state: string | undefined): Setting {
  const code = 'E_FORGE_WORKFLOW';
  if (state === 'active') return { code, ok: true, message: `${file} is on` };
  if (state === undefined) {
    const hint = 'pam init --github writes it; it counts once it is on the default branch';
    return { code, ok: false, message: `there is no workflow ${file}`, hint };
  }
  const why = state === 'disabled_inactivity' ? ' after 60 days without activity' : '';
  return { code, ok: false, message: `${file} is switched off${why}`, hint: `gh workflow enable ${file}` };
}

async function lastRun(github: GitHub, file: string): Promise<Fields | undefined> {
  const answer = fieldsOf(
    await github.ask(
      'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs',
      { workflow_id: file, per_page: 1, status: 'completed' },
      { doing: `read the runs of ${file}`, needs: NEEDS },
    ),
    'the runs',
  );
  const [last] = listOf(answer['workflow_runs'] ?? [], 'the runs');
  return last === undefined ? undefined : fieldsOf(last, 'a run');
}

function judgeRun(file: string, run: Fields | undefined, now: Instant): Setting {
  const code = 'W_FORGE_RUN';
  const hint = `gh workflow run ${file}, and look at its log`;
  if (run === undefined) return { code, ok: false, message: `${file} has never run to its end`, hint };
  const at = parseInstant(textOf(run, 'created_at', 'a run'));
  const conclusion = textOrNull(run, 'conclusion', 'a run') ?? 'nothing';
  if (conclusion !== 'success') {
    return { code, ok: false, message: `the last run of ${file} ended with ${conclusion}`, hint };
  }
  const late = at === undefined || plus(at, LATE_SECONDS) < now;
  const message = `the last run of ${file} was ${at ?? 'at no time that can be read'}`;
  return { code, ok: !late, message, hint };
}
