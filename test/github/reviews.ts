/**
 * Reviews. Nobody approves their own pull request; a review names a commit of it. A merged one can still be approved
 * (cli/cli#5038, open in 2026), one that was closed without a merge cannot (humanmade/linter-bot#72, 2018). Everybody with
 * write may dismiss a review (docs.github.com: dismissing-a-pull-request-review). A review's words may be edited by its author; that
 * everybody with write may, as on the site, is not documented for the API: here they may, which is the worse of the two.
 * GitHub deletes no review that was submitted.
 */
import { type Account, atLeast } from './accounts.ts';
import {
  type Answer,
  type Asked,
  callerOf,
  type Listing,
  listing,
  notFound,
  numberIn,
  ok,
  Refusal,
  textIn,
  unprocessable,
} from './answers.ts';
import { associationOf } from './association.ts';
import { pullOf } from './find-pull.ts';
import { fullName, type Hub, instant, nodeId, type Pull, type Review, type ReviewState } from './hub.ts';
import { holdsCommit } from './pull-git.ts';
import { showUser } from './shapes.ts';

const STATES: Readonly<Record<string, ReviewState>> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
};
const DOING: Readonly<Record<string, string>> = {
  APPROVE: 'approve',
  REQUEST_CHANGES: 'request changes on',
};
export const LONGEST_BODY = 65_536;

export function showReview(hub: Hub, review: Review): Record<string, unknown> {
  const { pull } = review;
  const html = `${hub.web}/${fullName(hub.repository)}/pull/${pull.number}#pullrequestreview-${review.id}`;
  const api = `${hub.url}/repos/${fullName(hub.repository)}/pulls/${pull.number}`;
  return {
    id: review.id,
    node_id: nodeId('PRR', review.id),
    user: review.author.deleted ? null : showUser(hub, review.author),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: api,
    author_association: associationOf(hub, review.author),
    _links: { html: { href: html }, pull_request: { href: api } },
    ...(review.submittedAt === undefined ? {} : { submitted_at: instant(review.submittedAt) }),
    commit_id: review.commit,
  };
}

/** Nobody sees another's review before it is submitted. */
export function listReviews(hub: Hub, asked: Asked): Listing {
  const pull = pullOf(hub, asked);
  const seen = hub.reviews.filter(
    (one) => one.pull === pull && (one.state !== 'PENDING' || one.author === asked.token?.account),
  );
  return listing(seen, (one) => showReview(hub, one));
}

export const getReview = (hub: Hub, asked: Asked): Answer => ok(showReview(hub, reviewOf(hub, asked)));

export function createReview(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked);
  const author = callerOf(asked);
  const event = textIn(asked, 'event');
  const body = textIn(asked, 'body') ?? '';
  const commit = textIn(asked, 'commit_id') ?? pull.headSha;
  if (!holdsCommit(hub, pull, commit)) throw unprocessable('The commitOID is not part of the pull request');
  if (hub.reviews.some((one) => one.pull === pull && one.author === author && one.state === 'PENDING')) {
    throw unprocessable('User can only have one pending review per pull request');
  }
  if (event !== undefined) judge(hub, pull, author, event, body);
  if (body.length > LONGEST_BODY) throw tooLong();
  const review: Review = {
    id: hub.nextId(),
    pull,
    author,
    body,
    state: event === undefined ? 'PENDING' : stateOf(event),
    commit,
    submittedAt: event === undefined ? undefined : hub.now(),
  };
  hub.reviews.push(review);
  if (event !== undefined) wasReviewed(hub, pull, author);
  return ok(showReview(hub, review));
}

export function submitReview(hub: Hub, asked: Asked): Answer {
  const review = reviewOf(hub, asked);
  const by = callerOf(asked);
  const event = textIn(asked, 'event') ?? '';
  if (review.author !== by) throw notFound();
  if (review.state !== 'PENDING') throw unprocessable('Could not submit a review that was submitted before.');
  const body = textIn(asked, 'body') ?? review.body;
  judge(hub, review.pull, by, event, body);
  review.body = body;
  review.state = stateOf(event);
  review.submittedAt = hub.now();
  wasReviewed(hub, review.pull, by);
  return ok(showReview(hub, review));
}

export function updateReview(hub: Hub, asked: Asked): Answer {
  const review = reviewOf(hub, asked);
  const by = callerOf(asked);
  if (review.author !== by && !atLeast(by.role, 'write')) {
    throw new Refusal(403, 'Must have write access to edit the review of somebody else.');
  }
  const body = textIn(asked, 'body') ?? '';
  if (body.length > LONGEST_BODY) throw tooLong();
  review.body = body;
  return ok(showReview(hub, review));
}

/** Anybody who may write can dismiss; the words of the review stay as they were. */
export function dismissReview(hub: Hub, asked: Asked): Answer {
  const review = reviewOf(hub, asked);
  if (!atLeast(callerOf(asked).role, 'write')) throw notFound();
  if ((textIn(asked, 'message') ?? '') === '') throw unprocessable("Message can't be blank");
  if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED') {
    throw new Refusal(422, 'Validation Failed', [
      `Can not dismiss a ${review.state.toLowerCase()} pull request review`,
    ]);
  }
  dismiss(hub, review, callerOf(asked), textIn(asked, 'message') ?? '');
  return ok(showReview(hub, review));
}

export function dismiss(hub: Hub, review: Review, by: Account, message: string): void {
  const { pull, state } = review;
  hub.dismissals.push({ id: hub.nextId(), pull, review, by, state, message, at: hub.now() });
  review.state = 'DISMISSED';
}

/** What happened at a pull request; of all that GitHub tells there, the dismissals. */
export function listEvents(hub: Hub, asked: Asked): Listing {
  const pull = pullOf(hub, asked, 'issue_number');
  const found = hub.dismissals.filter((one) => one.pull === pull);
  return listing(found, (one) => ({
    id: one.id,
    node_id: nodeId('RDE', one.id),
    url: `${hub.url}/repos/${fullName(hub.repository)}/issues/events/${one.id}`,
    actor: showUser(hub, hub.accounts.shown(one.by)),
    event: 'review_dismissed',
    commit_id: null,
    commit_url: null,
    created_at: instant(one.at),
    performed_via_github_app: null,
    dismissed_review: {
      state: one.state.toLowerCase(),
      review_id: one.review.id,
      dismissal_message: one.message === '' ? null : one.message,
    },
  }));
}

function judge(hub: Hub, pull: Pull, author: Account, event: string, body: string): void {
  if (event === 'APPROVE' && pull.state === 'closed' && pull.merged === undefined) {
    throw unprocessable('Can only approve open pull requests');
  }
  const doing = DOING[event];
  if (author === pull.author && doing !== undefined) {
    throw unprocessable(`Can not ${doing} your own pull request`);
  }
  if (
    author === hub.accounts.actions &&
    event === 'APPROVE' &&
    !hub.settings.workflow.can_approve_pull_request_reviews
  ) {
    throw unprocessable('GitHub Actions is not permitted to approve pull requests.');
  }
  if (event !== 'APPROVE' && body.trim() === '') {
    throw unprocessable(
      `Body can't be blank for ${event === 'COMMENT' ? 'a comment' : 'a request for changes'}`,
    );
  }
}

const tooLong = (): Refusal => unprocessable(`Body is too long (maximum is ${LONGEST_BODY} characters)`);

function stateOf(event: string): ReviewState {
  const state = STATES[event];
  if (state === undefined) throw unprocessable(`Variable $event of type PullRequestReviewEvent was ${event}`);
  return state;
}

/** Whoever reviewed is no longer asked to. */
function wasReviewed(hub: Hub, pull: Pull, by: Account): void {
  pull.requested.delete(by);
  pull.updatedAt = hub.now();
}

function reviewOf(hub: Hub, asked: Asked): Review {
  const pull = pullOf(hub, asked);
  const id = numberIn(asked, 'review_id');
  const found = hub.reviews.find((one) => one.id === id && one.pull === pull);
  if (found === undefined) throw notFound();
  if (found.state === 'PENDING' && found.author !== asked.token?.account) throw notFound();
  return found;
}
