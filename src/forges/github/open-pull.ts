/** Opening the pull request of a request. It must exist; reviewers, labels and a run of `apply` are a courtesy. */
import type { GitHub } from '../../github/api.ts';
import { fieldsOf, numberOf, textOf } from '../../github/answer-shape.ts';
import { expected, PamError } from '../../model/error.ts';
import type { NewProposal, ProposalFacts } from '../../model/forge.ts';
import { pullRequestBody, pullRequestTitle } from '../pull-request-text.ts';
import { readAuthor } from './accounts.ts';
import { startApply, tried } from './start-workflow.ts';

export interface Opening {
  readonly github: GitHub;
  readonly main: string;
  readonly note: (line: string) => void;
}

const MOST_REVIEWERS = 15;
/** A refusal made nothing, so to ask again makes nothing twice. */
const MOST_AGAIN = 2;

/** Its page. */
export async function openPull(at: Opening, proposal: NewProposal, branch: string): Promise<string> {
  const { github, main } = at;
  const what = 'the new pull request';
  const fields = fieldsOf(await create(github, main, proposal, branch), what);
  const number = numberOf(fields, 'number', what);
  const { login } = readAuthor(fields['user'], what);
  await Promise.all([
    askForReviews(at, number, proposal.facts, login),
    addLabels(at, number, proposal.facts),
    startApply(github, main),
  ]);
  return textOf(fields, 'html_url', what);
}

async function create(
  github: GitHub,
  main: string,
  { id, facts }: NewProposal,
  head: string,
): Promise<unknown> {
  const parameters = {
    title: pullRequestTitle(facts),
    body: pullRequestBody(id, facts),
    head,
    base: main,
    maintainer_can_modify: false,
  };
  try {
    for (let again = MOST_AGAIN; ; again -= 1) {
      try {
        return await github.ask('POST /repos/{owner}/{repo}/pulls', parameters, {
          doing: `open a pull request for ${id}`,
          needs: 'pull requests: write',
        });
      } catch (error) {
        if (!(error instanceof PamError) || error.code !== 'E_FORGE_REFUSED' || again === 0) throw error;
        // A branch that was pushed a moment ago is not there for every machine of GitHub's yet; to look takes a moment, too.
        await tried(github, 'GET /repos/{owner}/{repo}/branches/{branch}', { branch: head });
      }
    }
  } catch (cause) {
    const error = expected(cause);
    throw new PamError(error.code, error.message, {
      hint: `${error.hint === undefined ? '' : `${error.hint}; `}the branch ${head} is pushed: open its pull request at GitHub, or ask again`,
    });
  }
}

async function askForReviews(
  at: Opening,
  number: number,
  facts: ProposalFacts,
  author: string,
): Promise<void> {
  const logins = facts.approvers.flatMap(({ login }) => login ?? []);
  const others = logins
    .filter((login) => login.toLowerCase() !== author.toLowerCase())
    .slice(0, MOST_REVIEWERS);
  if (others.length === 0) return;
  const ask = async (reviewers: readonly string[]): Promise<PamError | undefined> =>
    await tried(at.github, 'POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers', {
      pull_number: number,
      reviewers,
    });
  const error = await ask(others);
  if (error === undefined) return;
  // GitHub takes all or none: one who may not read the repository must not keep the others from hearing of it.
  const alone = error.code === 'E_FORGE_REFUSED' && others.length > 1;
  const left = alone ? [] : others;
  for (const login of alone ? others : []) {
    if ((await ask([login])) !== undefined) left.push(login);
  }
  if (left.length > 0) {
    at.note(`GitHub did not ask ${left.join(', ')} for a review: tell them about pull request ${number}`);
  }
}

async function addLabels(at: Opening, number: number, { risk }: ProposalFacts): Promise<void> {
  const labels = ['pam', ...(risk === '' ? [] : [`pam: ${risk}`])];
  await tried(at.github, 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels', {
    issue_number: number,
    labels,
  });
}
