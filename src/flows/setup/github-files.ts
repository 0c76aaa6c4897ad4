/** What a team gets on GitHub, beside policy: workflows, code owners, and the page that says what to switch on. */
import codeOwners from '../../templates/github/codeowners.txt';
import applyWorkflow from '../../templates/github/pam-apply.yml';
import checkWorkflow from '../../templates/github/pam-check.yml';
import setupPage from '../../templates/github/pam-setup.md';
import sweepWorkflow from '../../templates/github/pam-sweep.yml';
import type { Sha256 } from '../../model/names.ts';
import type { Policy } from '../../model/policy.ts';
import { accountOf } from '../../rules/people.ts';

export interface GithubFacts {
  /** `owner/name` */
  readonly repository: string;
  /** Digest of the program in `.github/pam`. */
  readonly bundle: Sha256;
  readonly policy: Policy;
}

export function githubFiles(facts: GithubFacts): ReadonlyMap<string, string> {
  const { repository, bundle, policy } = facts;
  const page = fill(setupPage, {
    REPOSITORY: repository,
    BUNDLE: bundle,
    APPLY: executorOf(policy, true) ?? 'pam-apply',
    SWEEP: executorOf(policy, false) ?? 'pam-sweep',
  });
  return new Map([
    ['.github/workflows/pam-check.yml', checkWorkflow],
    ['.github/workflows/pam-apply.yml', applyWorkflow],
    ['.github/workflows/pam-sweep.yml', sweepWorkflow],
    ['.github/CODEOWNERS', fill(codeOwners, { OWNERS: ownerLines(policy) })],
    ['docs/pam-setup.md', page],
  ]);
}

/** The first service that may grant, or the first that may only take away. */
export function executorOf(policy: Policy, grants: boolean): string | undefined {
  return Object.entries(policy.services).find(
    ([, { executes }]) => executes !== undefined && executes.may.includes('grant') === grants,
  )?.[0];
}

const OWNED = ['/pam.yaml', '/policy/', '/.github/'];

function ownerLines(policy: Policy): string {
  const logins = policy.admins.people.flatMap((name) => accountOf(policy, 'github', name)?.login ?? []);
  if (logins.length > 0)
    return OWNED.map((path) => `${path} ${logins.map((one) => `@${one}`).join(' ')}`).join('\n');
  return [
    '# No admin in policy/people.yaml has a `github` account yet.',
    ...OWNED.map((path) => `# ${path} @login`),
  ].join('\n');
}

function fill(template: string, holes: Readonly<Record<string, string>>): string {
  return template.replace(/%([A-Z]+)%/gu, (hole, name: string) => holes[name] ?? hole);
}
