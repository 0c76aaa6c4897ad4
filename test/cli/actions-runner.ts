/**
 * A machine of GitHub's, as far as our workflows can tell: it evaluates the expressions, imitates the two actions in use,
 * and runs every `run:` as it stands, with bash, in a clone of a real remote. What it does not know it refuses, so that no
 * step is skipped unseen. Which run may begin, and when, is in `actions-service.ts`.
 *
 * - The workflow is the file of the event's ref. For `pull_request` and `pull_request_review` that is `refs/pull/N/merge`, so
 *   the pull request's own file (github/docs events-that-trigger-workflows.md; ossf/scorecard#3827).
 * - Pull requests of forks are given no variables (cilium/cilium#23169, mdn/content 452d2ec), no secrets, and a token that only
 *   reads (github/docs data/reusables/developer-site/pull_request_forked_repos_link.md).
 * - An environment is for the branches that its rule names, compared with the run's own ref, `refs/pull/N/merge` included
 *   (changelog 2025-11-07, in force since 8 Dec 2025). A job on any other ref fails before its first step.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Job, readWorkflow, type Step, type Workflow } from '../catalogue/workflow-rules.ts';
import { type Ran, runStock, tempDir } from './program.ts';

export type Value = string | number | boolean | null | undefined | { readonly [key: string]: Value };

/** A repository on GitHub: what its settings hold, and what runs leave behind. */
export interface Hosting {
  /** A bare repository. */
  readonly remote: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly environments: Readonly<
    Record<
      string,
      {
        readonly vars: Readonly<Record<string, string>>;
        readonly secrets: Readonly<Record<string, string>>;
        /** Default: main alone. */
        readonly branches?: readonly string[];
      }
    >
  >;
  /** The token of a job with these permissions. */
  readonly token: (permissions: Readonly<Record<string, string>>) => string;
  /** Key to directory. */
  readonly caches: Map<string, string>;
  /** Seconds that the clocks of these machines are ahead. */
  readonly ahead: () => number;
}

export interface Event {
  readonly name: string;
  readonly ref?: string;
  readonly payload?: Readonly<Record<string, Value>>;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Of a pull request whose branch lies in a fork. */
  readonly fork?: true;
  /** The commit whose file runs, where it is not the ref's newest one: a run that is started again. */
  readonly sha?: string;
  /** The name of the step before which a person with write, or another run of the group, cancels this one. */
  readonly cancelledAt?: string;
  /** More of the environment of every step: where the API is. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface StepRan {
  readonly name: string;
  readonly outcome: 'success' | 'failure' | 'skipped';
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface JobRan {
  /** As GitHub shows it. */
  readonly name: string;
  readonly result: 'success' | 'failure' | 'skipped' | 'cancelled';
  readonly steps: readonly StepRan[];
  /** The job summary. */
  readonly summary: string;
  /** The machine's temporary directory, as the job left it. */
  readonly temp: string;
  readonly workspace: string;
  readonly home: string;
}

let runs = 0;

const MAIN = 'refs/heads/main';

/** The file that GitHub runs for this event. */
export function workflowFor({ remote }: Hosting, file: string, { ref = MAIN, sha }: Event): Workflow {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', remote, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [, pull] = /^refs\/pull\/(\d+)\/merge$/u.exec(ref) ?? [];
  const merged = (): string => git('merge-tree', '--write-tree', MAIN, `refs/pull/${pull}/head`).trimEnd();
  const tree = sha ?? (pull === undefined ? ref : merged());
  return readWorkflow(file, git('cat-file', 'blob', `${tree}:.github/workflows/${file}`));
}

/** Where a job stands in line: names are the repository's, have no case, and any workflow may say them. */
export interface InLine {
  readonly group: string | undefined;
  readonly cancels: boolean;
  /** `queue: max`: others may wait as well. On github.com since May 2026, not on Enterprise Server. */
  readonly queues: boolean;
}

export function lineOf(job: Job, event: Event): InLine {
  const context = { github: githubOf(event), inputs: event.inputs ?? {} };
  const written = job.concurrency;
  if (written === undefined) return { group: undefined, cancels: false, queues: false };
  const said = (typeof written === 'string' ? { group: written } : written) as Readonly<
    Record<string, unknown>
  >;
  return {
    group: text(evaluate(String(said['group']), context)).toLowerCase(),
    cancels: said['cancel-in-progress'] === true,
    queues: said['queue'] === 'max',
  };
}

const githubOf = ({ name, payload, ref = MAIN }: Event): Readonly<Record<string, Value>> => ({
  event_name: name,
  event: payload ?? {},
  ref,
});

export async function runJob(hosting: Hosting, file: string, id: string, event: Event): Promise<JobRan> {
  const job = workflowFor(hosting, file, event).jobs[id];
  if (job === undefined) throw new Error(`${file} has no job ${id}`);
  const machine = machineFor(hosting, job, event);
  const name = job.name === undefined ? id : text(evaluate(job.name, machine.context({})));
  const done: StepRan[] = [];
  const ended = (result: JobRan['result']): JobRan => ({ name, result, steps: done, ...machine.left() });
  if (job.if !== undefined && !truthy(evaluate(job.if, machine.context({})))) return ended('skipped');
  if (!mayUse(hosting, job, event)) return ended('failure');
  let failed = false;
  let cancelled = false;
  const outcomes: Record<string, Value> = {};
  for (const step of job.steps) {
    const label = step.name ?? step.uses ?? '';
    if (event.cancelledAt === label) cancelled = true;
    const context = { ...machine.context(outcomes), cancelled };
    const wanted = step.if === undefined ? !failed && !cancelled : truthy(evaluate(step.if, context));
    const ran = wanted ? await machine.run(step, context) : null;
    const outcome = ran === null ? 'skipped' : ran.code === 0 ? 'success' : 'failure';
    if (outcome === 'failure') failed = true;
    if (step.id !== undefined) outcomes[step.id] = { outcome };
    done.push({ name: label, outcome, code: ran?.code ?? null, out: ran?.out ?? '', err: ran?.err ?? '' });
  }
  return ended(cancelled ? 'cancelled' : failed ? 'failure' : 'success');
}

/** "Branch X is not allowed to deploy to ... due to environment protection rules." */
function mayUse(hosting: Hosting, { environment: name }: Job, { ref = MAIN }: Event): boolean {
  const environment = typeof name === 'string' ? hosting.environments[name] : undefined;
  return (environment?.branches ?? ['main']).some((one) => name === undefined || ref === `refs/heads/${one}`);
}

interface Machine {
  readonly context: (steps: Readonly<Record<string, Value>>) => Context;
  readonly run: (step: Step, context: Context) => Promise<Pick<Ran, 'code' | 'out' | 'err'>>;
  readonly left: () => Pick<JobRan, 'summary' | 'temp' | 'workspace' | 'home'>;
}

type Context = Readonly<Record<string, Value>>;

const CLOCK = (seconds: number): string =>
  `data:text/javascript,${encodeURIComponent(
    `const Real=Date;globalThis.Date=class extends Real{constructor(...a){if(a.length===0)super(Real.now()+${seconds * 1000});else super(...a);}static now(){return Real.now()+${seconds * 1000};}};`,
  )}`;

function machineFor(hosting: Hosting, job: Job, event: Event): Machine {
  const top = tempDir();
  const temp = join(top, 'temp');
  const workspace = join(top, 'work');
  const home = join(top, 'home');
  const summary = join(top, 'summary');
  for (const dir of [temp, workspace, home]) mkdirSync(dir);
  const environment = typeof job.environment === 'string' ? hosting.environments[job.environment] : undefined;
  const ref = event.ref ?? MAIN;
  runs += 1;
  const permissions = (job.permissions ?? {}) as Readonly<Record<string, string>>;
  const github = {
    ...githubOf(event),
    run_id: runs,
    run_attempt: 1,
    token: hosting.token(event.fork === true ? readOnly(permissions) : permissions),
  };
  const base: Readonly<Record<string, string>> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    RUNNER_TEMP: temp,
    // Where `mktemp` goes, so that a test sees what a job leaves behind.
    TMPDIR: temp,
    GITHUB_ACTIONS: 'true',
    CI: 'true',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/access',
    GITHUB_WORKSPACE: workspace,
    GITHUB_EVENT_NAME: event.name,
    GITHUB_REF: ref,
    GITHUB_STEP_SUMMARY: summary,
    ...(hosting.ahead() === 0 ? {} : { NODE_OPTIONS: `--import=${CLOCK(hosting.ahead())}` }),
    ...event.env,
  };
  const shell = async (script: string, env: Readonly<Record<string, string>>): Promise<Ran> => {
    const file = join(top, 'step.sh');
    writeFileSync(file, script);
    return await runStock('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', file], {
      cwd: workspace,
      env: { ...base, ...env },
    });
  };
  const actions: Readonly<Record<string, (given: Readonly<Record<string, string>>) => Promise<string>>> = {
    'actions/checkout': async ({ ref: asked = '' }) => {
      const branch = asked.replace(/^refs\/heads\//u, '');
      // As the action does: a name that is not whole stands for all that begin like it.
      const which = asked === branch ? `${branch}*` : branch;
      return await Promise.resolve(`git init --quiet --initial-branch=main .
git remote add origin "file://${hosting.remote}"
git fetch --quiet --depth=1 --no-tags origin "+refs/heads/${which}:refs/remotes/origin/${which}"
git checkout --quiet -B "${branch}" "refs/remotes/origin/${branch}"`);
    },
    'actions/cache/restore': async ({ path = '', key = '', 'restore-keys': prefix = '' }) => {
      const found =
        hosting.caches.get(key) ?? [...hosting.caches].reverse().find(([one]) => one.startsWith(prefix))?.[1];
      if (found !== undefined) cpSync(found, path, { recursive: true });
      return await Promise.resolve('true');
    },
    'actions/cache/save': async ({ path = '', key = '' }) => {
      if (!existsSync(path)) return await Promise.resolve('echo "nothing to save"');
      const kept = tempDir();
      cpSync(path, kept, { recursive: true });
      hosting.caches.set(key, kept);
      return await Promise.resolve('true');
    },
  };
  return {
    context: (steps) => ({
      github,
      runner: { temp },
      vars: event.fork === true ? {} : { ...hosting.vars, ...environment?.vars },
      // Only an environment has any here, as the setup page demands.
      secrets: event.fork === true ? {} : (environment?.secrets ?? {}),
      inputs: event.inputs ?? {},
      steps,
    }),
    run: async (step, context) => {
      const env = filled(step.env ?? {}, context);
      if (step.run !== undefined) return await shell(step.run, env);
      const [name = ''] = step.uses?.split('@') ?? [];
      const action = actions[name];
      if (action === undefined) throw new Error(`this machine does not know ${step.uses ?? 'such a step'}`);
      return await shell(await action(filled(step.with ?? {}, context)), env);
    },
    left: () => ({
      summary: existsSync(summary) ? readFileSync(summary, 'utf8') : '',
      temp,
      workspace,
      home,
    }),
  };
}

const readOnly = (permissions: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(permissions).map(([name]) => [name, 'read']));

function filled(
  values: Readonly<Record<string, unknown>>,
  context: Context,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, text(evaluate(String(value), context))]),
  );
}

/** A text with `${{ }}` in it; one that is nothing else keeps its type. */
function evaluate(template: string, context: Context): Value {
  const whole = /^\$\{\{(.*)\}\}$/su.exec(template.trim());
  if (whole !== null && !whole[1]?.includes('${{')) return expression(whole[1] ?? '', context);
  return template.replace(/\$\{\{(.*?)\}\}/gsu, (_hole, inner: string) => text(expression(inner, context)));
}

function text(value: Value): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') throw new Error('a context is no text');
  return String(value);
}

const truthy = (value: Value): boolean => Boolean(value);

/** `||`, `&&`, `==`, `!`, `cancelled()`, names with dots, and strings: what our workflows use. */
function expression(source: string, context: Context): Value {
  const tokens = source.match(/'[^']*'|\|\||&&|==|!|[A-Za-z_][\w.-]*(?:\(\))?|\S/gu) ?? [];
  let at = 0;
  const either = (): Value => {
    let left = both();
    while (tokens[at] === '||') {
      at += 1;
      const right = both();
      left = truthy(left) ? left : right;
    }
    return left;
  };
  const both = (): Value => {
    let left = same();
    while (tokens[at] === '&&') {
      at += 1;
      const right = same();
      left = truthy(left) ? right : left;
    }
    return left;
  };
  const same = (): Value => {
    const left = one();
    if (tokens[at] !== '==') return left;
    at += 1;
    return left === one();
  };
  const one = (): Value => {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '!') return !truthy(one());
    if (token === 'cancelled()') return context['cancelled'];
    if (token.startsWith("'")) return token.slice(1, -1);
    if (!/^[A-Za-z_][\w.-]*$/u.test(token)) throw new Error(`this machine cannot evaluate ${source}`);
    return token
      .split('.')
      .reduce<Value>(
        (value, name) => (typeof value === 'object' && value !== null ? value[name] : undefined),
        context,
      );
  };
  const value = either();
  if (at !== tokens.length) throw new Error(`this machine cannot evaluate ${source}`);
  return value;
}
