/**
 * Group P: the workflows that `pam init --github` writes, and the page beside them. Every rule is also tried on shipped
 * workflows with one thing changed, so that a rule that finds nothing cannot hide. What these scripts do when they run is in
 * `test/cli/github-workflows.test.ts`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { initFiles } from '../../src/flows/setup/init-files.ts';
import { DEFAULT_WAY } from '../../src/flows/setup/sweep-ways.ts';
import { readWorkflow, rules, type Workflow } from './workflow-rules.ts';

const textOf = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../src/templates/github/${name}`, import.meta.url)), 'utf8');
const FILES = ['pam-check.yml', 'pam-apply.yml', 'pam-sweep.yml'] as const;
type File = (typeof FILES)[number];
const shipped = FILES.map((file) => readWorkflow(file, textOf(file)));

/** The shipped three, one of them with each `from` replaced. */
function planted(file: File, changes: readonly (readonly [from: string, to: string])[]): readonly Workflow[] {
  let text = textOf(file);
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${file} no longer holds ${from}`);
    text = text.replace(from, () => to);
  }
  return shipped.map((one) => (one.file === file ? readWorkflow(file, text) : one));
}

describe('every shipped workflow', () => {
  test.each(Object.entries(rules))('%s', (_name, rule) => {
    expect(rule(shipped)).toEqual([]);
  });
});

test('the hourly example breaks none of the rules that are not about a job with a key', () => {
  const path = fileURLToPath(new URL('../../docs/examples/github/pam-often.yml', import.meta.url));
  const hourly = [readWorkflow('pam-often.yml', readFileSync(path, 'utf8'))];
  const held = Object.entries(rules).filter(([name]) => /^\[P(?:1|2|3|9|10|11)\]/u.test(name));
  expect(held.map(([, rule]) => rule(hourly))).toEqual([[], [], [], [], [], []]);
  expect(hourly[0]?.jobs['start']).toMatchObject({
    permissions: { actions: 'write' },
    if: "${{ github.ref == 'refs/heads/main' }}",
  });
});

const bad: readonly (readonly [rule: string, what: string, file: File, from: string, to: string])[] = [
  ['[P1]', 'pull_request_target', 'pam-check.yml', '  pull_request:\n', '  pull_request_target:\n'],
  [
    '[P1]',
    'workflow_run',
    'pam-apply.yml',
    '  workflow_dispatch:\n    inputs:',
    '  workflow_run: { workflows: [pam-check] }\n  workflow_dispatch:\n    inputs:',
  ],
  [
    '[P1]',
    'the head checked out',
    'pam-check.yml',
    'ref: refs/heads/main',
    'ref: ${{ github.event.pull_request.head.sha }}',
  ],
  // An action fetches every branch whose name begins like a name that is not whole.
  ['[P1]', 'a ref that other branches match', 'pam-sweep.yml', 'ref: refs/heads/main', 'ref: main'],
  [
    '[P1]',
    'the head checked out by git',
    'pam-check.yml',
    '          code=0\n',
    '          git fetch origin refs/pull/1/head\n          code=0\n',
  ],
  [
    '[P2]',
    'the title in a script',
    'pam-check.yml',
    '          code=0\n',
    '          echo "${{ github.event.pull_request.title }}"\n          code=0\n',
  ],
  [
    '[P2]',
    'even a number',
    'pam-check.yml',
    '--proposal "$PR_NUMBER"',
    '--proposal "${{ github.event.pull_request.number }}"',
  ],
  ['[P3]', 'a tag', 'pam-check.yml', '@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2', '@v6'],
  ['[P3]', 'a commit without its version', 'pam-check.yml', ' # v6.0.2', ''],
  [
    '[P3]',
    'another commit',
    'pam-sweep.yml',
    '@cdf6c1fa76f9f475f3d7449005a359c84ca0f306 # v5.0.3',
    '@cdf6c1fa76f9f475f3d7449005a359c84ca0f307 # v5.0.3',
  ],
  ['[P3]', 'an action of somebody else', 'pam-apply.yml', 'actions/checkout@', 'tj-actions/changed-files@'],
  [
    '[P3]',
    'an image',
    'pam-sweep.yml',
    '    environment: pam-sweep\n',
    '    environment: pam-sweep\n    container: node:latest\n',
  ],
  [
    '[P4] every job',
    'a job without permissions',
    'pam-sweep.yml',
    '    permissions:\n      contents: write # the ledger branch\n      pull-requests: read # a stop may stand in a review or a comment\n',
    '',
  ],
  [
    '[P4] every job',
    'more than it needs',
    'pam-sweep.yml',
    'pull-requests: read # a stop',
    'pull-requests: write # a stop',
  ],
  [
    '[P4] every job',
    'id-token where nobody asked',
    'pam-apply.yml',
    '      contents: write # the ledger branch\n',
    '      contents: write # the ledger branch\n      id-token: write\n',
  ],
  [
    '[P4] every job',
    'rights for the whole file',
    'pam-check.yml',
    'permissions: {}',
    'permissions: read-all',
  ],
  [
    '[P4] a job that meets',
    'a pull request job that writes',
    'pam-check.yml',
    'contents: read',
    'contents: write',
  ],
  [
    '[P4] a job that meets',
    'a pull request job without permissions',
    'pam-check.yml',
    '    permissions:\n      contents: read\n      pull-requests: read\n',
    '',
  ],
  [
    '[P4] a job that meets',
    'a secret in a pull request job',
    'pam-check.yml',
    'GITHUB_TOKEN: ${{ github.token }}',
    'GITHUB_TOKEN: ${{ secrets.BOT_TOKEN }}',
  ],
  [
    '[P4] a job that meets',
    'all secrets, as one',
    'pam-check.yml',
    'GITHUB_TOKEN: ${{ github.token }}',
    'ALL: ${{ toJSON(secrets) }}',
  ],
  [
    '[P4] a job that meets',
    'an environment',
    'pam-check.yml',
    '    timeout-minutes: 10\n',
    '    timeout-minutes: 10\n    environment: pam-apply\n',
  ],
  [
    '[P4] secrets are',
    'the step that comments with the key',
    'pam-apply.yml',
    '          PAM_ROOT: ${{ vars.PAM_APPLY_ROOT }}\n        run: |\n          # What pam prints',
    '          PAM_ROOT: ${{ vars.PAM_APPLY_ROOT }}\n          KEY: ${{ secrets.PAM_EXECUTOR_KEY }}\n        run: |\n          # What pam prints',
  ],
  [
    '[P4] secrets are',
    'the key for the whole job',
    'pam-sweep.yml',
    '    environment: pam-sweep\n',
    '    environment: pam-sweep\n    env: { KEY: "${{ secrets.PAM_EXECUTOR_KEY }}" }\n',
  ],
  [
    '[P4] secrets are',
    'the key for an action',
    'pam-sweep.yml',
    '          persist-credentials: false\n',
    '          persist-credentials: false\n          ssh-key: ${{ secrets.PAM_EXECUTOR_KEY }}\n',
  ],
  [
    '[P4] secrets are',
    'the token for the whole file',
    'pam-sweep.yml',
    'permissions: {}\n',
    'permissions: {}\nenv: { T: "${{ github.token }}" }\n',
  ],
  [
    '[P4] apply and sweep',
    'one environment for both',
    'pam-sweep.yml',
    'environment: pam-sweep',
    'environment: pam-apply',
  ],
  [
    '[P4] apply and sweep',
    'any branch',
    'pam-sweep.yml',
    "    if: ${{ github.ref == 'refs/heads/main' }}\n",
    '',
  ],
  [
    '[P4] no token',
    'credentials left in the clone',
    'pam-apply.yml',
    '          persist-credentials: false\n',
    '',
  ],
  [
    '[P4] a variable of',
    'one of the repository as a way out',
    'pam-sweep.yml',
    'vars.PAM_SWEEP_ROOT }}',
    'vars.PAM_SWEEP_ROOT || vars.PAM_ROOT }}',
  ],
  [
    '[P4] a variable of',
    'one of an environment without it',
    'pam-check.yml',
    'vars.PAM_BUNDLE',
    'vars.PAM_APPLY_BUNDLE',
  ],
  ['[P7]', 'once a day', 'pam-sweep.yml', "'22,52 * * * *'", "'0 3 * * *'"],
  ['[P7]', 'more minutes than a team has', 'pam-sweep.yml', "'22,52 * * * *'", "'4-59/5 * * * *'"],
  ['[P7]', 'both at once', 'pam-sweep.yml', "'22,52 * * * *'", "'7,37 * * * *'"],
  ['[P7]', 'when everybody does', 'pam-sweep.yml', "'22,52 * * * *'", "'0,30 * * * *'"],
  [
    '[P8]',
    'a sweep in a group that any workflow may enter',
    'pam-sweep.yml',
    '    steps:\n',
    '    concurrency: { group: pam-sweep, cancel-in-progress: false }\n    steps:\n',
  ],
  [
    '[P8]',
    'an apply that is cut short',
    'pam-apply.yml',
    'cancel-in-progress: false',
    'cancel-in-progress: true',
  ],
  ['[P8]', 'no word about it', 'pam-apply.yml', '      cancel-in-progress: false\n', ''],
  [
    '[P8]',
    'one for an id behind one for everything due',
    'pam-apply.yml',
    'group: pam-apply-${{ inputs.id }}',
    'group: pam-apply',
  ],
  [
    '[P8]',
    'what Enterprise Server does not know',
    'pam-apply.yml',
    '      cancel-in-progress: false\n',
    '      cancel-in-progress: false\n      queue: max\n',
  ],
  [
    '[P8]',
    'a precheck in the place of a check',
    'pam-check.yml',
    "group: ${{ github.event_name == 'pull_request' && 'pam-precheck' || 'pam-check' }}-",
    'group: pam-check-',
  ],
  ['[P8]', 'for ever', 'pam-sweep.yml', '    timeout-minutes: 25\n', ''],
  ['[P9]', 'a prefix that both write', 'pam-sweep.yml', 'restore-keys: pam-sweep-', 'restore-keys: pam-'],
  [
    '[P9]',
    'a key that another job may write',
    'pam-sweep.yml',
    'key: pam-sweep-${{ github.run_id }}',
    'key: pam-apply-${{ github.run_id }}',
  ],
  [
    '[P9]',
    'a cache in a pull request job',
    'pam-check.yml',
    '      - name: Judge\n',
    '      - name: Heads\n        uses: actions/cache/save@cdf6c1fa76f9f475f3d7449005a359c84ca0f306 # v5.0.3\n        with: { path: x, key: "pam-apply-1" }\n      - name: Judge\n',
  ],
  [
    '[P9]',
    'an artifact',
    'pam-apply.yml',
    '      - name: Apply\n',
    '      - uses: actions/download-artifact@cdf6c1fa76f9f475f3d7449005a359c84ca0f306 # v5.0.3\n      - name: Apply\n',
  ],
  [
    '[P10]',
    'a machine of our own',
    'pam-sweep.yml',
    'runs-on: ubuntu-24.04',
    'runs-on: [self-hosted, linux]',
  ],
  ['[P10]', 'a machine that moves', 'pam-check.yml', 'runs-on: ubuntu-24.04', 'runs-on: ubuntu-latest'],
  [
    '[P11]',
    'an id that nobody looked at',
    'pam-apply.yml',
    '            [[ "$ID" =~ ^[0-9]{8}-[a-z0-9-]{1,40}-[a-z0-9]{6}$ ]] || { echo "::error::that is not a request id"; exit 2; }\n',
    '',
  ],
  ['[P11]', 'a pattern without an end', 'pam-apply.yml', '-[a-z0-9]{6}$ ]]', '-[a-z0-9]{6} ]]'],
  [
    'each job checks',
    'no comparison',
    'pam-check.yml',
    '          if [ "$found" != "$PAM_BUNDLE" ]; then',
    '          if false; then',
  ],
  [
    'each job checks',
    'a comparison that may be skipped',
    'pam-apply.yml',
    '        id: program\n',
    "        id: program\n        if: ${{ vars.PAM_BUNDLE != '' }}\n",
  ],
  [
    'each job checks',
    'the program of the work tree',
    'pam-apply.yml',
    '"$RUNNER_TEMP/pam-program/bin/pam.js" apply',
    '.github/pam/bin/pam.js apply',
  ],
  [
    '[X76]',
    'a sweep after all others were green',
    'pam-sweep.yml',
    "        if: ${{ !cancelled() && steps.program.outcome == 'success' }}\n        env:\n          GITHUB_TOKEN: ${{ github.token }}\n          XDG",
    '        env:\n          GITHUB_TOKEN: ${{ github.token }}\n          XDG',
  ],
  [
    '[X76]',
    'a step that only runs after the one before',
    'pam-sweep.yml',
    '        id: program\n        if: ${{ !cancelled() }}\n',
    '        id: program\n',
  ],
  ['[X76]', 'a fetch that may take all the time', 'pam-sweep.yml', '        timeout-minutes: 4\n', ''],
  ['[X76]', 'a main that may take all the time', 'pam-sweep.yml', '        timeout-minutes: 5\n', ''],
  [
    'steps that say',
    'another helper in one of them',
    'pam-sweep.yml',
    'username=x-access-token',
    'username=someone',
  ],
];

describe('each rule finds what breaks it', () => {
  test.each(bad)('%s ... %s', (start, _what, file, from, to) => {
    const named = Object.entries(rules).filter(([name]) => name.startsWith(start));
    expect(named).toHaveLength(1);
    for (const [, rule] of named) expect(rule(planted(file, [[from, to]]))).not.toEqual([]);
  });

  test('every rule has a planted workflow', () => {
    expect(Object.keys(rules).filter((name) => !bad.some(([start]) => name.startsWith(start)))).toEqual([]);
  });
});

const scripts = shipped.flatMap(({ file, jobs }) =>
  Object.entries(jobs).flatMap(([job, { steps }]) =>
    steps.flatMap(({ name, run }) =>
      run === undefined ? [] : [[`${file} ${job}: ${name ?? ''}`, run] as const],
    ),
  ),
);

function shellcheck(script: string): string {
  return spawnSync('shellcheck', ['--shell=bash', '--severity=style', '-'], {
    // As GitHub starts bash.
    input: `set -eo pipefail\n${script}`,
    encoding: 'utf8',
  }).stdout;
}

describe.skipIf(spawnSync('shellcheck', ['--version']).error !== undefined)('shellcheck', () => {
  test.each(scripts)('%s', (_where, run) => {
    expect(shellcheck(run)).toBe('');
  });
  test('finds something where there is something', () => {
    expect(shellcheck('rm -rf $HOME/$1\n')).toContain('SC2086');
  });
});

describe('the page beside them', () => {
  const page = textOf('pam-setup.md');

  test('[P6] prints the exact `sub` that a cloud must ask for, and warns of anything wider', () => {
    const subs = page.split('\n').filter((line) => line.startsWith('repo:'));
    expect(subs).toEqual([
      'repo:%REPOSITORY%:environment:pam-apply',
      'repo:%REPOSITORY%:environment:pam-sweep',
    ]);
    expect(page).toContain('never for\n`repo:%REPOSITORY%:*`');
  });

  test('[P10] says what a shared machine of our own gives away', () => {
    expect(page).toMatch(/On a self-hosted runner that pull requests share/u);
  });

  test('every variable and secret that a workflow reads is in its table, and the other way round', () => {
    const read = new Set(
      shipped.flatMap(({ text }) =>
        [...text.matchAll(/\b(?:vars|secrets)\.([A-Z_]+)/gu)].map(([, name]) => name),
      ),
    );
    const table = page.split('\n').filter((line) => /^\| .* \| (?:secret|variable) \|/u.test(line));
    const told = new Set(
      table.flatMap((line) => [...line.matchAll(/`(PAM_[A-Z_]+)`/gu)].map(([, name]) => name)),
    );
    expect(told).toEqual(read);
  });

  test('the permissions that it tells are those of the jobs', () => {
    for (const { jobs } of shipped) {
      for (const { permissions } of Object.values(jobs)) {
        const told = Object.entries(permissions as Readonly<Record<string, string>>);
        expect(page).toContain(told.map(([name, level]) => `${name}: ${level}`).join('; '));
      }
    }
  });
});

test('[P7] the shipped setup grants nothing new while sweeps are missing', () => {
  const files = initFiles({
    admin: 'alice',
    adminKey: 'ssh-ed25519 AAAA',
    executor: 'pam-apply',
    executorKey: 'ssh-ed25519 AAAA',
    remote: 'origin',
    github: { repository: 'acme/access', account: undefined, sweeper: undefined, sweepBy: DEFAULT_WAY },
  });
  expect(parse(files.get('pam.yaml') ?? '')).toMatchObject({ sweep_within: '24h' });
});
