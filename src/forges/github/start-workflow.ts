/**
 * Workflows that `pam init --github` writes, started at once instead of at the schedule's time, which GitHub may miss by
 * hours. A courtesy: a token that may not start them, or a repository without them, keeps nothing else from being done.
 */
import type { GitHub, Parameters, Route } from '../../github/api.ts';
import { failureOf, type PamError } from '../../model/error.ts';

/** So that `seen` does not wait for the schedule. */
export const startApply = async (github: GitHub, main: string): Promise<void> =>
  await started(github, main, 'pam-apply.yml');

/** So that a stop does not. */
export const startSweep = async (github: GitHub, main: string): Promise<void> =>
  await started(github, main, 'pam-sweep.yml');

async function started(github: GitHub, main: string, file: string): Promise<void> {
  await tried(github, 'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches', {
    workflow_id: file,
    ref: main,
  });
}

/** @returns why it could not be done */
export async function tried(
  github: GitHub,
  route: Route,
  parameters: Parameters,
): Promise<PamError | undefined> {
  return await failureOf(github.ask(route, parameters, { doing: 'do what is only a courtesy' }));
}
