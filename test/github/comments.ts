/** Comments under a pull request. */
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

export function createComment(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked, 'issue_number');
  const at = hub.now();
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

export function updateComment(hub: Hub, asked: Asked): Answer {
  const id = numberIn(asked, 'comment_id');
  const comment = hub.comments.find((one) => one.id === id);
  if (comment === undefined) throw notFound();
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
