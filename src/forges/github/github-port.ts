/** GitHub behind the port of pull-request forges. */
import type { GitHub } from '../../github/api.ts';
import { pullsOf } from '../pulls/find-pulls.ts';
import type { Dated, PostedComment, PullPort } from '../pulls/pull-port.ts';
import { ownAccount, whoami } from './accounts.ts';
import { openPull } from './open-pull.ts';
import { comment, editComment, review } from './write-postings.ts';
import { readComments, readReviews } from './postings.ts';
import { readAhead } from './read-ahead.ts';
import { startSweep } from './start-workflow.ts';
import { numberIn, pullLists } from './pulls.ts';

export interface GitHubPlace {
  readonly github: GitHub;
  /** The main branch's name, as in `pam.yaml`. */
  readonly main: string;
  readonly note: (line: string) => void;
}

/** Once: who asks again wants to know what is new. */
function taken<T>(ahead: Map<number, T>, number: number): T | undefined {
  const found = ahead.get(number);
  ahead.delete(number);
  return found;
}

/** All questions of one piece of work end within this time: a forge that answers slowly must not hold up a sweep. */
const PATIENCE_MS = 180_000;
/** What only saves questions has a time of its own, so that it never takes theirs. */
const AHEAD_MS = 45_000;

export function githubPort({ github: conversation, main, note }: GitHubPlace): PullPort {
  const { owner, name } = conversation.repository;
  return {
    kind: 'github',
    title: 'GitHub',
    repository: `${owner}/${name}`,
    headRef: (number) => `refs/pull/${number}/head`,
    numberIn: (place) => numberIn(place, owner, name),
    begin: () => {
      const github = conversation.within(PATIENCE_MS);
      const ahead = {
        reviews: new Map<number, readonly Dated[]>(),
        comments: new Map<number, readonly PostedComment[]>(),
      };
      return {
        pulls: pullsOf(pullLists(github, main)),
        readAhead: async (pulls) => {
          const hurried = conversation.within(AHEAD_MS);
          for (const [number, { reviews, comments }] of await readAhead(hurried, pulls)) {
            ahead.reviews.set(number, reviews);
            ahead.comments.set(number, comments);
          }
        },
        reviews: async (pull, doubt) =>
          taken(ahead.reviews, pull.number) ?? (await readReviews(github, pull, doubt)),
        comments: async (pull, doubt) =>
          taken(ahead.comments, pull.number) ?? (await readComments(github, pull, doubt)),
        create: async (proposal, branch) => await openPull({ github, main, note }, proposal, branch),
        review: async (pull, what, arrived) => await review(github, pull, what, arrived),
        comment: async (pull, body, arrived) => await comment(github, pull, body, arrived),
        edit: async (pull, old, body) => await editComment(github, pull, old, body),
        startSweep: async () => await startSweep(github, main),
        whoami: async () => await whoami(github),
        ownAccount: async () => await ownAccount(github),
      };
    },
  };
}
