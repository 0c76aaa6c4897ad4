/**
 * What a run asks of GitHub's API: a job's token has 1,000 requests an hour, for all jobs of the repository together, so the
 * number of open pull requests must not be a factor. Counted on the double.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { githubBench, type GithubBench } from './github-bench.ts';
import { ask, type Bench, must } from './workbench.ts';

/** Of one run of `apply`, of `sweep`, or of what writes the comments. */
const MOST = 5;

let world: GithubBench;
const asking = ['dana', 'dana', 'erin', 'erin'] as const;

beforeAll(async () => {
  world = await githubBench({});
});
afterAll(async () => {
  await world.hub.close();
});

/** What it asked, by the operation's name. */
async function askedBy(run: () => Promise<unknown>): Promise<readonly (string | undefined)[]> {
  const before = world.hub.requests.length;
  await run();
  return world.hub.requests.slice(before).map(({ operation }) => operation);
}

const runs: readonly (readonly [string, (team: Bench) => Promise<unknown>])[] = [
  ['apply', async ({ apply }) => await must(apply.pam(['apply']))],
  ['sweep', async ({ sweep }) => await must(sweep.pam(['sweep']))],
  ['comments', async ({ apply }) => await must(apply.pam(['check', '--proposal', 'open', '--comment']))],
];

describe('requests to the API', () => {
  test('[X116] are as many with eight open pull requests as with four, and at most five a run', async () => {
    const { team } = world;
    const counts: Record<string, number[]> = {};
    for (const _round of [1, 2]) {
      for (const name of asking) await ask(team[name], 'bastion-root', '--for', '10m', '--ticket', 'OPS-1');
      // What is new costs more, once.
      for (const [, run] of runs) await run(team);
      for (const [name, run] of runs) {
        const asked = await askedBy(async () => await run(team));
        expect({ name, asked, few: asked.length <= MOST }).toMatchObject({ few: true });
        (counts[name] ??= []).push(asked.length);
      }
    }
    for (const [few, many] of Object.values(counts)) expect(many).toBe(few);
  });
});
