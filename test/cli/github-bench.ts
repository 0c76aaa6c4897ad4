/** A team whose forge is GitHub: everybody in a clone of their own, pushing by git, asking a double of its API. */
import { startGithub, type Github } from '../github/github.ts';
import { type Actor, bench, type Bench, PEOPLE } from './workbench.ts';

export const ACCOUNTS: Readonly<Record<string, number>> = {
  alice: 1001,
  bob: 1002,
  carol: 1003,
  dana: 1004,
  erin: 1005,
};
export const REPOSITORY = 'acme/access';
const REPOSITORY_ID = 500_001;

export interface GithubBench {
  readonly team: Bench;
  readonly hub: Github;
  /** Opens a pull request from a branch, as somebody does on the site. Gives its number. */
  readonly open: (who: Actor, branch: string, title: string) => Promise<number>;
  /** Any call of the API as somebody. */
  readonly call: (who: string, method: string, path: string, body?: object) => Promise<unknown>;
}

export interface GithubPlan {
  readonly threshold?: 1 | 2;
  /** Added to `init`. */
  readonly init?: readonly string[];
  readonly config?: string;
  /** Replaces the catalogue. */
  readonly roles?: string;
  /** Policy names the repository by its number too. */
  readonly pinned?: boolean;
}

export async function githubBench(plan: GithubPlan = {}): Promise<GithubBench> {
  let hub: Github | undefined;
  const env = (name: string): Readonly<Record<string, string>> => {
    if (hub === undefined) return {};
    const token = PEOPLE.some((one) => one === name)
      ? hub.token(`${name}-gh`)
      : hub.actionsToken({ contents: 'write', pull_requests: 'write', issues: 'write', metadata: 'read' });
    return { GITHUB_API_URL: hub.url, GH_ENTERPRISE_TOKEN: token };
  };
  const team = await bench({
    remote: true,
    ...plan,
    github: {
      forge: `{ kind: github, repository: ${REPOSITORY}, ${plan.pinned === true ? `id: ${REPOSITORY_ID}, ` : ''}remote: origin }`,
      init: plan.init ?? [],
      accounts: ACCOUNTS,
      env,
    },
  });
  if (team.bare === null) throw new Error('there is no remote');
  const accounts = Object.fromEntries(Object.entries(ACCOUNTS).map(([name, id]) => [`${name}-gh`, { id }]));
  const [owner = '', repo = ''] = REPOSITORY.split('/');
  hub = await startGithub({ bare: team.bare, owner, repo, accounts, repositoryId: REPOSITORY_ID });
  const started = hub;
  const call = async (who: string, method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${started.url}/repos/${REPOSITORY}${path}`, {
      method,
      headers: {
        authorization: `token ${started.token(`${who}-gh`)}`,
        'user-agent': 'test',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  };
  return {
    team,
    hub,
    call,
    open: async (who, branch, title) => {
      const pull = await call(who.name, 'POST', '/pulls', { title, head: branch, base: 'main' });
      return (pull as { readonly number: number }).number;
    },
  };
}
