/**
 * Workflows as they lie on the default branch, their runs, and the two ways to start them from outside. Everybody with write
 * may cancel a run, start an old one again with its old file (docs.github.com: canceling-a-workflow; re-running-workflows-and-jobs:
 * same commit and ref, for 30 days), and switch a workflow off.
 */
import { parse } from 'yaml';
import { atLeast } from './accounts.ts';
import {
  type Answer,
  type Asked,
  callerOf,
  created,
  type Listing,
  listing,
  notFound,
  numberIn,
  ok,
  parameter,
  Refusal,
  textIn,
} from './answers.ts';
import { fullName, type Hub, instant, nodeId, type Run } from './hub.ts';
import { showCommit, showRepository, showUser } from './shapes.ts';

const PLACE = '.github/workflows';

interface Workflow {
  readonly id: number;
  readonly file: string;
  readonly name: string;
  readonly state: string;
  /** What it says under `on`, by event. */
  readonly on: Readonly<Record<string, unknown>>;
}

/** A number that a file name keeps. */
const idOf = (file: string): number =>
  [...file].reduce((sum, one) => (sum * 33 + (one.codePointAt(0) ?? 0)) % 100_000_007, 5);

function workflowsOf(hub: Hub, branch: string = hub.repository.defaultBranch): readonly Workflow[] {
  const tip = hub.git.heads().get(branch);
  if (tip === undefined) return [];
  return hub.git
    .list(tip, PLACE)
    .filter((path) => /\.ya?ml$/u.test(path))
    .map((path) => {
      const file = path.slice(PLACE.length + 1);
      const written = recordOf(parse(hub.git.read(tip, path) ?? ''));
      const name = written['name'];
      return {
        id: idOf(file),
        file,
        name: typeof name === 'string' ? name : path,
        state: hub.settings.workflowStates[file] ?? 'active',
        on: eventsOf(written['on']),
      };
    });
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

function eventsOf(on: unknown): Readonly<Record<string, unknown>> {
  if (typeof on === 'string') return { [on]: null };
  if (Array.isArray(on)) return Object.fromEntries(on.map((one) => [String(one), null]));
  return recordOf(on);
}

/** By number or by file name. */
function workflowOf(hub: Hub, asked: Asked): Workflow {
  const wanted = parameter(asked, 'workflow_id');
  const found = workflowsOf(hub).find((one) => one.file === wanted || String(one.id) === wanted);
  if (found === undefined) throw notFound();
  return found;
}

function showWorkflow(hub: Hub, workflow: Workflow): Record<string, unknown> {
  const api = `${hub.url}/repos/${fullName(hub.repository)}/actions/workflows/${workflow.id}`;
  const web = `${hub.web}/${fullName(hub.repository)}`;
  const at = instant(hub.repository.createdAt);
  return {
    id: workflow.id,
    node_id: nodeId('W', workflow.id),
    name: workflow.name,
    path: `${PLACE}/${workflow.file}`,
    state: workflow.state,
    created_at: at,
    updated_at: at,
    url: api,
    html_url: `${web}/blob/${hub.repository.defaultBranch}/${PLACE}/${workflow.file}`,
    badge_url: `${web}/workflows/${encodeURIComponent(workflow.name)}/badge.svg`,
  };
}

export const listWorkflows = (hub: Hub): Listing =>
  listing(workflowsOf(hub), (one) => showWorkflow(hub, one), 'workflows');

export const getWorkflow = (hub: Hub, asked: Asked): Answer => ok(showWorkflow(hub, workflowOf(hub, asked)));

/** Newest first. */
export function listRuns(hub: Hub, asked: Asked): Listing {
  const { file } = workflowOf(hub, asked);
  const wanted = (name: string, value: string | null): boolean =>
    !asked.query.has(name) || asked.query.get(name) === value;
  const found = hub.runs
    .filter((one) => one.workflow === file)
    .filter((one) => isWithin(asked.query.get('created'), instant(one.at)))
    .filter((one) => wanted('branch', one.branch) && wanted('event', one.event))
    .filter((one) => wanted('status', one.status) || wanted('status', one.conclusion))
    .reverse();
  return listing(found, (one) => showRun(hub, one), 'workflow_runs');
}

/** `created=<from>..<to>`, as its search syntax has it. */
function isWithin(range: string | null, at: string): boolean {
  const [from = '', to = '~'] = (range ?? '').split('..');
  return from <= at && at <= to;
}

function showRun(hub: Hub, run: Run): Record<string, unknown> {
  const api = `${hub.url}/repos/${fullName(hub.repository)}/actions`;
  const self = `${api}/runs/${run.id}`;
  const at = instant(run.at);
  const { commit } = showCommit(hub, hub.git.commit(run.sha)) as { readonly commit: Record<string, unknown> };
  const { author, committer, message, tree } = commit;
  return {
    id: run.id,
    name: run.workflow,
    node_id: nodeId('WFR', run.id),
    head_branch: run.branch,
    head_sha: run.sha,
    path: `${PLACE}/${run.workflow}`,
    display_title: run.workflow,
    run_number: hub.runs.filter((one) => one.workflow === run.workflow).indexOf(run) + 1,
    run_attempt: run.attempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: idOf(run.workflow),
    url: self,
    html_url: `${hub.web}/${fullName(hub.repository)}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: at,
    updated_at: at,
    run_started_at: at,
    actor: showUser(hub, hub.accounts.shown(run.by)),
    triggering_actor: showUser(hub, hub.accounts.shown(run.by)),
    jobs_url: `${self}/jobs`,
    logs_url: `${self}/logs`,
    check_suite_url: `${self}/check-suite`,
    artifacts_url: `${self}/artifacts`,
    cancel_url: `${self}/cancel`,
    rerun_url: `${self}/rerun`,
    workflow_url: `${api}/workflows/${idOf(run.workflow)}`,
    head_commit: {
      id: run.sha,
      tree_id: (tree as { readonly sha: string }).sha,
      message,
      timestamp: (committer as { readonly date: string }).date,
      author,
      committer,
    },
    repository: showRepository(hub, 'read'),
    head_repository: showRepository(hub, 'read'),
  };
}

function runOf(hub: Hub, asked: Asked): Run {
  const id = numberIn(asked, 'run_id');
  const found = hub.runs.find((one) => one.id === id);
  if (found === undefined) throw notFound();
  return found;
}

function needWrite(asked: Asked, what: string): void {
  if (!atLeast(callerOf(asked).role, 'write')) throw new Refusal(403, `Must have write access to ${what}.`);
}

export const getRun = (hub: Hub, asked: Asked): Answer => ok(showRun(hub, runOf(hub, asked)));

export function cancelRun(hub: Hub, asked: Asked): Answer {
  const run = runOf(hub, asked);
  needWrite(asked, 'cancel a run');
  if (run.status === 'completed') {
    throw new Refusal(409, 'Cannot cancel a workflow run that is completed.');
  }
  run.status = 'completed';
  run.conclusion = 'cancelled';
  return { status: 202, body: {} };
}

const RUN_AGAIN_MS = 30 * 86_400_000;

export function runAgain(hub: Hub, asked: Asked): Answer {
  const run = runOf(hub, asked);
  needWrite(asked, 're-run a run');
  if (run.status !== 'completed') throw new Refusal(403, 'This workflow is already running');
  if (hub.now().getTime() - run.at.getTime() > RUN_AGAIN_MS) {
    throw new Refusal(403, 'Unable to re-run this workflow run because it was created over a month ago');
  }
  run.attempt += 1;
  run.status = 'queued';
  run.conclusion = null;
  return created({});
}

export const disableWorkflow = (hub: Hub, asked: Asked): Answer => setState(hub, asked, 'disabled_manually');
export const enableWorkflow = (hub: Hub, asked: Asked): Answer => setState(hub, asked, 'active');

function setState(hub: Hub, asked: Asked, state: string): Answer {
  const { file } = workflowOf(hub, asked);
  needWrite(asked, 'switch a workflow on or off');
  hub.settings.workflowStates[file] = state;
  return { status: 204 };
}

export function dispatchWorkflow(hub: Hub, asked: Asked): Answer {
  const { file, state } = workflowOf(hub, asked);
  const by = callerOf(asked);
  if (!atLeast(by.role, 'write')) throw new Refusal(403, 'Must have write access to start a workflow.');
  const ref = (textIn(asked, 'ref') ?? '').replace(/^refs\/heads\//u, '');
  const sha = hub.git.heads().get(ref);
  if (sha === undefined) throw new Refusal(422, `No ref found for: ${ref}`);
  const there = workflowsOf(hub, ref).find((one) => one.file === file);
  if (there === undefined || !Object.hasOwn(there.on, 'workflow_dispatch')) {
    throw new Refusal(422, "Workflow does not have 'workflow_dispatch' trigger");
  }
  if (state !== 'active') {
    throw new Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow");
  }
  const inputs = recordOf(asked.body['inputs']);
  askInputs(recordOf(recordOf(there.on['workflow_dispatch'])['inputs']), inputs);
  hub.dispatches.push({ to: file, by: by.login, ref, payload: inputs });
  const event = 'workflow_dispatch';
  const id = hub.nextId();
  hub.runs.push({
    id,
    workflow: file,
    event,
    branch: ref,
    status: 'queued',
    conclusion: null,
    at: hub.now(),
    by,
    sha,
    attempt: 1,
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, String(value)])),
  });
  if (asked.body['return_run_details'] !== true) return { status: 204 };
  return ok({
    workflow_run_id: id,
    run_url: `${hub.url}/repos/${fullName(hub.repository)}/actions/runs/${id}`,
    html_url: `${hub.web}/${fullName(hub.repository)}/actions/runs/${id}`,
  });
}

function askInputs(
  declared: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): void {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(declared, name));
  if (unknown.length > 0) throw new Refusal(422, `Unexpected inputs provided: ${JSON.stringify(unknown)}`);
  for (const [name, value] of Object.entries(declared)) {
    const { required, default: usual } = recordOf(value);
    if (required === true && usual === undefined && given[name] === undefined) {
      throw new Refusal(422, `Required input '${name}' not provided`);
    }
  }
}

/** `repository_dispatch`; a name, and at most ten keys, are for the description to ask. */
export function dispatchEvent(hub: Hub, asked: Asked): Answer {
  const by = callerOf(asked);
  if (!atLeast(by.role, 'write')) throw notFound();
  const eventType = textIn(asked, 'event_type') ?? '';
  const payload = recordOf(asked.body['client_payload']);
  hub.dispatches.push({ to: 'repository', by: by.login, eventType, payload });
  return { status: 204 };
}
