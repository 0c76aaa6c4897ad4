/**
 * Test files that only `npm run test:long` runs: a dozen seconds and more each, on real git, real processes or an emulated
 * GitHub. What they prove is proved in the short run on other floors, or by one of their kind that stays there.
 *
 * `npm run test:rest` runs them and every file of which the short run takes a sample, at full size: after `npm test` all has
 * run that `npm run test:long` runs, and nothing twice.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Asked of the process that vitest was started as: what its tests start may be a vitest of its own (`vitest.config.ts`). */
export const isRest = process.env['PAM_REST'] === '1';

export const inLongRunOnly: readonly string[] = [
  ...[
    'clone-files',
    'earlier-policy',
    'executor-doubt',
    'executor-targets',
    'executor-trouble',
    'forge-git-branches',
    'git-bring-along',
    'git-fetch',
    'git-network',
    'git-repository',
    'git-write-commit',
    'github-ahead',
    'github-api',
    'github-forge',
    'github-plans',
    'github-settings',
    'hostile-history',
    'ledger-attacks',
    'ledger-cases',
    'merge-bases',
    'notices',
    'signing-keys',
    'sshsig-oracle',
    'targets-ssh-ca',
    'targets-sudoers',
  ].map((name) => `test/adapters/${name}.test.ts`),
  ...[
    'a-request',
    'b-yaml',
    'c-keys',
    'c-policy',
    'd-signature',
    'e-approval',
    'f-policy',
    'h-forge',
    'hostile-files',
    'i-time',
    'l-targets',
    'q-floods',
    'q-slow-targets',
    'r-presence',
    'z-good',
  ].map((name) => `test/catalogue/${name}.test.ts`),
  ...[
    'commands',
    'completion-shells',
    'doctor',
    'doctor-github',
    'actions-runner',
    'first-use',
    'github-budget',
    'github-check',
    'github-road',
    'github-week',
    'github-workflows',
    'hostile',
    'hostile-clone',
    'identity',
    'init-github',
    'interrupted-commands',
    'interrupted-executors',
    'interrupts',
    'large-ledger',
    'own-places',
    'plain-git-road',
    'policy-before',
    'policy-keys',
    'streams',
    'sweep-trace',
    'team',
    'workflow-lists',
  ].map((name) => `test/cli/${name}.test.ts`),
  'test/conformance/forges.test.ts',
  'test/conformance/one-more-forge.test.ts',
  'test/conformance/one-more.test.ts',
  'test/crash/interrupts.test.ts',
  ...[
    'brackets',
    'entries',
    'everything-hostile',
    'failing-doors',
    'hostile-trees',
    'policies',
    'requests',
  ].map((name) => `test/fuzz/${name}.test.ts`),
  ...['asking', 'hostile', 'merges', 'operations', 'pulls', 'reviews', 'second-opinion', 'settings'].map(
    (name) => `test/github/${name}.test.ts`,
  ),
];

const ASKS_FOR_SIZE = /^(?:import|\} from) .*'(?:\.\.?\/)+size\.ts';$/mu;

/**
 * Files that the short run does not run, or not whole: a test file that is shorter there imports `size.ts` itself, which
 * `catalogue/joined-runs.test.ts` holds everybody to.
 * @param root of the project; the paths are relative to it, sorted
 */
export function filesOfTheRest(root: string): readonly string[] {
  const shortened = filesThatAskForSize(root).filter((path) => path.endsWith('.test.ts'));
  return [...new Set([...inLongRunOnly, ...shortened])].sort();
}

export function filesThatAskForSize(root: string): readonly string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('test', name))
    .filter((path) => path.endsWith('.ts') && ASKS_FOR_SIZE.test(readFileSync(join(root, path), 'utf8')))
    .sort();
}
