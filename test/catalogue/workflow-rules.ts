/** Catalogue, group P: what holds for every workflow that `pam init --github` writes. Each rule names what breaks it. */
import { parse } from 'yaml';

export interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly run?: string;
  readonly if?: string;
  readonly id?: string;
  readonly 'timeout-minutes'?: unknown;
  readonly env?: Readonly<Record<string, unknown>>;
}

export interface Job {
  readonly name?: string;
  readonly if?: string;
  readonly 'runs-on': unknown;
  readonly 'timeout-minutes'?: unknown;
  readonly environment?: unknown;
  readonly permissions?: unknown;
  readonly concurrency?: unknown;
  readonly secrets?: unknown;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly file: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

export function readWorkflow(file: string, text: string): Workflow {
  const data = parse(text) as Omit<Workflow, 'file' | 'text'>;
  return { ...data, file, text };
}

/** Every action in use. The commits were compared with what many public workflows pin for these versions. */
const ACTIONS: Readonly<Record<string, string>> = {
  'actions/checkout': 'de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2',
  'actions/cache/restore': 'cdf6c1fa76f9f475f3d7449005a359c84ca0f306 # v5.0.3',
  'actions/cache/save': 'cdf6c1fa76f9f475f3d7449005a359c84ca0f306 # v5.0.3',
};

/** What each job may do, and nothing else. */
const PERMISSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'pam-check.yml check': { contents: 'read', 'pull-requests': 'read' },
  // Runs anew what ran before, and reads nothing of the repository.
  'pam-check.yml again': { actions: 'write' },
  'pam-apply.yml apply': { contents: 'write', 'pull-requests': 'write' },
  'pam-sweep.yml sweep': { contents: 'write', 'pull-requests': 'read' },
};

/** A step that runs whatever became of those before it. */
const ALWAYS = '${{ !cancelled() }}';

/** It may start runs again, which every account with write may, and sees nothing: no action, no clone, no program. */
const onlyRunsAnew = ({ permissions, steps }: Job): boolean =>
  JSON.stringify(permissions) === '{"actions":"write"}' &&
  steps.every(({ uses, run }) => uses === undefined && run?.includes('node ') === false);

const OF_PULL_REQUESTS =
  /^(?:pull_request.*|merge_group|issue_comment|issues|discussion.*|workflow_run|fork)$/u;

interface Place {
  readonly where: string;
  readonly workflow: Workflow;
  readonly job: Job;
  readonly steps: readonly Step[];
}

const places = (all: readonly Workflow[]): readonly Place[] =>
  all.flatMap((workflow) =>
    Object.entries(workflow.jobs).map(([name, job]) => ({
      where: `${workflow.file} ${name}`,
      workflow,
      job,
      steps: job.steps,
    })),
  );

const meetsStrangers = ({ workflow }: Place): boolean =>
  Object.keys(workflow.on).some((event) => OF_PULL_REQUESTS.test(event));

const stepsOf = (
  all: readonly Workflow[],
): readonly (Place & { readonly step: Step; readonly at: string })[] =>
  places(all).flatMap((place) =>
    place.steps.map((step) => ({
      ...place,
      step,
      at: `${place.where}: ${step.name ?? step.uses ?? '?'}`,
    })),
  );

const all = JSON.stringify;
const isAction = (step: Step, name: string): boolean => step.uses?.startsWith(name) === true;

export const rules: Readonly<Record<string, (workflows: readonly Workflow[]) => readonly string[]>> = {
  '[P1] no event runs a pull request with the rights of main, and every checkout is of main': (shipped) => [
    ...shipped
      .filter(({ on }) => 'pull_request_target' in on || 'workflow_run' in on)
      .map(({ file }) => `${file}: on`),
    ...stepsOf(shipped)
      .filter(({ step }) => isAction(step, 'actions/checkout') && step.with?.['ref'] !== 'refs/heads/main')
      .map(({ at }) => at),
    ...stepsOf(shipped)
      .filter(({ step }) =>
        /refs\/pull|FETCH_HEAD:(?!\$name)|checkout|git (?:pull|merge|reset)/u.test(step.run ?? ''),
      )
      .map(({ at }) => at),
  ],

  '[P2] no expression inside a script: what comes from outside comes by environment': (shipped) =>
    stepsOf(shipped)
      .filter(({ step }) => step.run?.includes('${{') === true)
      .map(({ at }) => at),

  '[P3] every action is one we know, pinned to the commit of the version beside it': (shipped) => [
    ...shipped.flatMap(({ file, text }) =>
      [...text.matchAll(/^\s*(?:- )?uses:\s*(.*)$/gmu)]
        .map(([, used]) => used ?? '')
        .filter((used) => {
          const [name, pin] = used.split(/@(.*)/su);
          return pin === undefined || ACTIONS[name ?? ''] !== pin.trimEnd();
        })
        .map((used) => `${file}: ${used}`),
    ),
    // What the line pattern above does not see.
    ...stepsOf(shipped)
      .filter(({ step }) => step.uses !== undefined && !/@[0-9a-f]{40}$/u.test(step.uses))
      .map(({ at }) => at),
    ...places(shipped)
      .filter(({ job }) => 'uses' in job || 'container' in job || 'services' in job)
      .map(({ where }) => where),
  ],

  '[P4] every job has exactly its permissions, and nothing is inherited': (shipped) => [
    ...shipped
      .filter(({ permissions }) => all(permissions) !== '{}')
      .map(({ file }) => `${file}: permissions`),
    ...places(shipped)
      .filter(({ where, job }) => all(job.permissions) !== all(PERMISSIONS[where]))
      .map(({ where }) => where),
  ],

  '[P4] a job that meets pull requests only reads, and no secret is anywhere near it': (shipped) =>
    places(shipped)
      .filter(meetsStrangers)
      .filter(
        ({ job, workflow }) =>
          (all(job.permissions ?? 'write').includes('write') && !onlyRunsAnew(job)) ||
          job.environment !== undefined ||
          /\bsecrets\b/u.test(all({ ...workflow, text: '' })),
      )
      .map(({ where }) => where),

  '[P4] secrets are those of an environment, and only the step that needs one sees it': (shipped) => [
    ...places(shipped)
      .filter(({ job }) => /\bsecrets\./u.test(all(job)) && job.environment === undefined)
      .map(({ where }) => where),
    ...shipped
      .filter((workflow) => /\bsecrets\b|github\.token/u.test(all({ ...workflow, text: '', jobs: {} })))
      .map(({ file }) => file),
    ...places(shipped)
      .filter(({ job }) => /\bsecrets\b|github\.token/u.test(all({ ...job, steps: [] })))
      .map(({ where }) => where),
    ...stepsOf(shipped)
      .filter(({ step }) => step.uses !== undefined && /\bsecrets\.|github\.token/u.test(all(step)))
      .map(({ at }) => at),
    ...stepsOf(shipped)
      .filter(
        ({ step }) =>
          step.run !== undefined && /\bsecrets\./u.test(all(step)) && !step.run.includes('as_file '),
      )
      .map(({ at }) => at),
  ],

  '[P4] apply and sweep each have an environment of their own, for main alone': (shipped) => {
    const keyed = places(shipped).filter(({ job }) => /\bsecrets\./u.test(all(job)));
    const names = keyed.map(({ job }) => job.environment);
    return [
      ...keyed
        .filter(({ job }) => job.if !== "${{ github.ref == 'refs/heads/main' }}")
        .map(({ where }) => where),
      ...(all(names) === all(['pam-apply', 'pam-sweep']) ? [] : [`environments: ${all(names)}`]),
    ];
  },

  '[P4] no token stays in the clone that a job works in': (shipped) =>
    stepsOf(shipped)
      .filter(
        ({ step }) => isAction(step, 'actions/checkout') && step.with?.['persist-credentials'] !== false,
      )
      .map(({ at }) => at),

  '[P4] a variable of an environment has a name of its own, and none of the repository stands in for it': (
    shipped,
  ) =>
    places(shipped).flatMap(({ where, job }) => {
      const read = [...all(job).matchAll(/\bvars\.([A-Z_]+)/gu)].map(([, name = '']) => name);
      const { environment } = job;
      const own = typeof environment === 'string' ? environment.toUpperCase().replace('-', '_') : undefined;
      return read
        .filter((name) =>
          own === undefined ? /^PAM_(?:APPLY|SWEEP)_/u.test(name) : !name.startsWith(`${own}_`),
        )
        .map((name) => `${where}: ${name}`);
    }),

  '[P7] apply and sweep run twice an hour, not in the same minute and not at the full hour': (shipped) => {
    const crons = shipped.flatMap(({ on }) =>
      ((on['schedule'] ?? []) as readonly { readonly cron: string }[]).map(({ cron }) => cron),
    );
    const minutes = crons.map((cron) => {
      const [, first, second] = /^(\d\d?),(\d\d?) \* \* \* \*$/u.exec(cron) ?? [];
      return Number(second) - Number(first) === 30 ? Number(first) : NaN;
    });
    const [one = NaN, other = NaN] = minutes;
    return minutes.length === 2 && one > 0 && other > 0 && Math.abs(one - other) >= 10 ? [] : crons;
  },

  '[P8] no run of ours cancels another or takes the place of one that waits to do something else': (
    shipped,
  ) => {
    const groups = places(shipped).map(({ job, where }) => {
      const { group, ...rest } = (job.concurrency ?? {}) as Readonly<Record<string, unknown>>;
      return { where, group, rest };
    });
    // What a group must tell apart. A sweep is in none: any workflow on any branch may enter a group and end what is in it.
    const apart: Readonly<Record<string, readonly string[]>> = {
      'pam-apply.yml apply': ['inputs.id'],
      'pam-check.yml check': ["'pam-precheck' || 'pam-check'", 'github.event.pull_request.number'],
    };
    return [
      ...groups
        .filter(({ where, group, rest }) => {
          const words = apart[where];
          if (words === undefined) return group !== undefined;
          const named = typeof group === 'string' && words.every((word) => group.includes(word));
          // Nothing that Enterprise Server does not know, as `queue` is.
          return !named || all(rest) !== '{"cancel-in-progress":false}';
        })
        .map(({ where }) => where),
      ...shipped.filter((workflow) => 'concurrency' in workflow).map(({ file }) => file),
      ...places(shipped)
        .filter(({ job }) => !(Number(job['timeout-minutes']) > 0 && Number(job['timeout-minutes']) <= 30))
        .map(({ where }) => `${where}: timeout`),
    ];
  },

  '[P9] caches belong to one executor each: no job of pull requests has one, no two share a prefix': (
    shipped,
  ) => [
    ...stepsOf(shipped)
      .filter(({ step }) => /artifact|setup-/u.test(step.uses ?? '') || step.with?.['cache'] !== undefined)
      .map(({ at }) => at),
    ...stepsOf(shipped)
      .filter(({ step }) => isAction(step, 'actions/cache'))
      .filter((place) => {
        const { environment } = place.job;
        const prefix = `${String(environment)}-`;
        const { key, 'restore-keys': more = prefix } = place.step.with ?? {};
        return (
          meetsStrangers(place) ||
          environment === undefined ||
          !String(key).startsWith(`${prefix}\${{ github.run_id }}`) ||
          String(more) !== prefix
        );
      })
      .map(({ at }) => at),
  ],

  '[P10] every job runs on a machine that GitHub makes for it': (shipped) =>
    places(shipped)
      .filter(
        ({ job }) => !/^ubuntu-\d\d\.\d\d$/u.test(String(job['runs-on'])) || Array.isArray(job['runs-on']),
      )
      .map(({ where }) => where),

  '[P11] what a person types into a dispatch is compared with the form of an id before it is used': (
    shipped,
  ) =>
    stepsOf(shipped)
      .filter(({ step }) => /\binputs\./u.test(all(step)))
      .filter(({ step }) => {
        const [name] =
          Object.entries(step.env ?? {}).find(([, value]) => /\binputs\./u.test(String(value))) ?? [];
        const script = step.run ?? '';
        const judged = script.indexOf(`[[ "$${name ?? ''}" =~ ^[0-9]{8}-[a-z0-9-]{1,40}-[a-z0-9]{6}$ ]] || `);
        const used = script.indexOf(`ids=("$${name ?? ''}")`);
        return name === undefined || judged < 0 || used < judged;
      })
      .map(({ at }) => at),

  'each job checks the program before anything of it runs': (shipped) =>
    places(shipped)
      .filter(({ job, steps }) => {
        if (onlyRunsAnew(job)) return false;
        const judged = steps.findIndex(({ run }) => run?.includes('!= "$PAM_BUNDLE"') === true);
        const used = steps.findIndex(
          ({ run }) => run?.includes('"$RUNNER_TEMP/pam-program/bin/pam.js"') === true,
        );
        const other = steps.some(({ run }) => run?.includes('.github/pam/bin') === true);
        const condition = steps[judged]?.if ?? ALWAYS;
        return judged < 0 || used < 0 || used < judged || condition !== ALWAYS || other;
      })
      .map(({ where }) => where),

  '[X76] nothing that a pusher shapes stands before the sweep with the power to keep it from running': (
    shipped,
  ) => {
    const [sweep] = places(shipped).filter(({ where }) => where === 'pam-sweep.yml sweep');
    const steps = sweep?.steps ?? [];
    const at = steps.findIndex(({ name }) => name === 'Sweep');
    return [
      ...(at < 0 || steps[at]?.if !== "${{ !cancelled() && steps.program.outcome == 'success' }}"
        ? ['Sweep']
        : []),
      ...steps
        .slice(1, Math.max(at, 0))
        .filter((step) => step.if !== ALWAYS)
        .map(({ name = '?' }) => name),
      // What may take long without end: what is fetched. All of it leaves time for the sweep.
      ...steps
        .slice(0, Math.max(at, 0))
        .filter((step) => step.uses !== undefined || /git fetch/u.test(step.run ?? ''))
        .filter((step) => !(Number(step['timeout-minutes']) <= 5))
        .map(({ name = '?' }) => `${name}: timeout`),
    ];
  },

  'steps that say the same are the same text in every job': (shipped) => {
    const first = new Map<string, string>();
    return stepsOf(shipped)
      .filter(({ step }) => step.run !== undefined)
      .filter(({ step: { name = '', run = '' } }) => {
        const known = first.get(name) ?? run;
        first.set(name, known);
        return known !== run;
      })
      .map(({ at }) => at);
  },
};
