/** What `pam init --github` writes beside policy, for a team whose access repository was begun without it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWorkflow, type Workflow } from '../catalogue/workflow-rules.ts';
import { parse } from './expectations.ts';
import { tempDir } from './program.ts';
import { type Actor, must } from './workbench.ts';

export interface Shipped {
  /** The value of `PAM_BUNDLE`. */
  readonly bundle: string;
  /** `.github` and the setup page, by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly check: Workflow;
  readonly apply: Workflow;
  readonly sweep: Workflow;
}

export async function shipped(who: Actor): Promise<Shipped> {
  const elsewhere = tempDir();
  const bare = join(elsewhere, 'bare');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare], { env: { ...who.env } });
  const github = ['--github', 'acme/access', '--account', 'alice-ng=7', '--remote', bare];
  const began = await must(who.pam(['init', 'new', '--json', ...github], { cwd: elsewhere }));
  const { bundle, files } = parse(began.out) as {
    readonly bundle: string;
    readonly files: readonly string[];
  };
  const written = Object.fromEntries(
    files
      .filter((path) => /^(?:\.github|docs)\//u.test(path))
      .map((path) => [path, readFileSync(join(elsewhere, 'new', path), 'utf8')]),
  );
  const workflow = (name: string): Workflow =>
    readWorkflow(`${name}.yml`, written[`.github/workflows/${name}.yml`] ?? '');
  return {
    bundle,
    files: written,
    check: workflow('pam-check'),
    apply: workflow('pam-apply'),
    sweep: workflow('pam-sweep'),
  };
}
