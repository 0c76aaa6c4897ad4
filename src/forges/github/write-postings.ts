/** Reviews and comments, as GitHub takes them. */
import type { GitHub } from '../../github/api.ts';
import type { PostedComment, Pull, Review } from '../pulls/pull-port.ts';

const WRITE_PULLS = 'pull requests: write';

export async function review(
  github: GitHub,
  { number }: Pull,
  { event, body, commit }: Review,
  arrived: () => Promise<boolean>,
): Promise<void> {
  await github.ask(
    'POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    { pull_number: number, commit_id: commit, event, body },
    { doing: `post the review of pull request ${number}`, needs: WRITE_PULLS, arrived },
  );
}

export async function comment(
  github: GitHub,
  { number }: Pick<Pull, 'number'>,
  body: string,
  arrived?: () => Promise<boolean>,
): Promise<void> {
  await github.ask(
    'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
    { issue_number: number, body },
    {
      doing: `comment on pull request ${number}`,
      needs: WRITE_PULLS,
      ...(arrived === undefined ? {} : { arrived }),
    },
  );
}

export async function editComment(
  github: GitHub,
  { number }: Pick<Pull, 'number'>,
  { id }: Pick<PostedComment, 'id'>,
  body: string,
): Promise<void> {
  await github.ask(
    'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
    { comment_id: id, body },
    { doing: `update the comment on pull request ${number}`, needs: WRITE_PULLS },
  );
}
