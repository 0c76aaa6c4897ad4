/**
 * Comments under a pull request. Everybody with write may edit and delete those of others: github/docs
 * content/communities/moderating-comments-and-conversations/managing-disruptive-comments.md. An edit moves the comment's own
 * `updated_at`, which `since` compares; whether it moves that of the pull request, as a new comment does, is not documented,
 * and here it does not. A comment that is deleted leaves nothing.
 */
import { atLeast } from './accounts.ts';
import {
  type Answer,
  type Asked,
  callerOf,
  created,
  invalid,
  type Listing,
  listing,
  notFound,
  numberIn,
  ok,
  Refusal,
  textIn,
} from './answers.ts';
import { associationOf } from './association.ts';
import { pullOf } from './find-pull.ts';
import { type Comment, fullName, type Hub, instant, nodeId } from './hub.ts';
import { LONGEST_BODY } from './reviews.ts';
import { showUser } from './shapes.ts';

function showComment(hub: Hub, comment: Comment): Record<string, unknown> {
  const { id, pull, author } = comment;
  const api = `${hub.url}/repos/${fullName(hub.repository)}/issues`;
  return {
    id,
    node_id: nodeId('IC', id),
    url: `${api}/comments/${id}`,
    html_url: `${hub.web}/${fullName(hub.repository)}/pull/${pull.number}#issuecomment-${id}`,
    issue_url: `${api}/${pull.number}`,
    user: showUser(hub, hub.accounts.shown(author)),
    body: comment.body,
    created_at: instant(comment.createdAt),
    updated_at: instant(comment.updatedAt),
    author_association: associationOf(hub, author),
    performed_via_github_app: null,
    reactions: showReactions(`${api}/comments/${id}/reactions`),
  };
}

const REACTIONS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'eyes', 'rocket'];
const showReactions = (url: string): Record<string, unknown> => ({
  url,
  total_count: 0,
  ...Object.fromEntries(REACTIONS.map((one) => [one, 0])),
});

export function listComments(hub: Hub, asked: Asked): Listing {
  const pull = pullOf(hub, asked, 'issue_number');
  const since = Date.parse(asked.query.get('since') ?? '1970-01-01T00:00:00Z');
  const found = hub.comments.filter((one) => one.pull === pull && one.updatedAt.getTime() >= since);
  return listing(found, (one) => showComment(hub, one));
}

/** Of the whole repository: by number, or by time when `sort` says so. */
export function listAllComments(hub: Hub, asked: Asked): Listing {
  const { query } = asked;
  const since = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z');
  const sort = query.get('sort');
  const at = (one: Comment): number => (sort === 'updated' ? one.updatedAt : one.createdAt).getTime();
  const found = hub.comments
    .filter((one) => one.updatedAt.getTime() >= since)
    .sort((a, b) => (sort === null ? 0 : at(a) - at(b)) || a.id - b.id);
  // Without `sort` the direction is overlooked: docs.github.com, rest/issues/comments.
  const down = sort !== null && query.get('direction') === 'desc';
  return listing(down ? found.reverse() : found, (one) => showComment(hub, one));
}

/** digitaldrywood/detent#1540 (2026): so many, and then nobody can comment there. */
const MOST_COMMENTS = 2500;

export function createComment(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked, 'issue_number');
  const at = hub.now();
  if (hub.comments.filter((one) => one.pull === pull).length >= MOST_COMMENTS) {
    throw new Refusal(403, `Commenting is disabled on issues with more than ${MOST_COMMENTS} comments`);
  }
  const comment: Comment = {
    id: hub.nextId(),
    pull,
    author: callerOf(asked),
    body: bodyOf(asked),
    createdAt: at,
    updatedAt: at,
  };
  hub.comments.push(comment);
  pull.updatedAt = at;
  return created(showComment(hub, comment));
}

function commentOf(hub: Hub, asked: Asked): Comment {
  const id = numberIn(asked, 'comment_id');
  const comment = hub.comments.find((one) => one.id === id);
  if (comment === undefined) throw notFound();
  return comment;
}

export const getComment = (hub: Hub, asked: Asked): Answer => ok(showComment(hub, commentOf(hub, asked)));

export function deleteComment(hub: Hub, asked: Asked): Answer {
  const comment = commentOf(hub, asked);
  const by = callerOf(asked);
  if (by !== comment.author && !atLeast(by.role, 'write')) {
    throw new Refusal(403, 'Must have write access to delete the comment of somebody else.');
  }
  hub.comments.splice(hub.comments.indexOf(comment), 1);
  return { status: 204 };
}

export function updateComment(hub: Hub, asked: Asked): Answer {
  const comment = commentOf(hub, asked);
  const by = callerOf(asked);
  if (by !== comment.author && !atLeast(by.role, 'write')) {
    throw new Refusal(403, 'Must have write access to edit the comment of somebody else.');
  }
  comment.body = bodyOf(asked);
  comment.updatedAt = hub.now();
  return ok(showComment(hub, comment));
}

function bodyOf(asked: Asked): string {
  const body = textIn(asked, 'body') ?? '';
  const trouble = (message: string): Refusal =>
    invalid({ resource: 'IssueComment', code: 'unprocessable', field: 'data', message });
  if (body.trim() === '') throw trouble('Body cannot be blank');
  if (body.length > LONGEST_BODY) throw trouble(`Body is too long (maximum is ${LONGEST_BODY} characters)`);
  return body;
}
