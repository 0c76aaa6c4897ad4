/** What both doubles are asked, in order, and every difference with its reason. */

export interface Step {
  readonly name: string;
  readonly as: 'alice' | 'bob' | 'carol' | 'mallory';
  readonly method: string;
  /** `{name}` stands for what a step saved. */
  readonly path: string;
  readonly body?: unknown;
  /** The `id` of the answer is kept under this name. */
  readonly save?: string;
  /** What emulate answers instead, and why that is not GitHub, or not ours to say. */
  readonly differs?: readonly [status: number, why: string];
}

const GET = (name: string, path: string, differs?: Step['differs'], as: Step['as'] = 'alice'): Step => ({
  name,
  as,
  method: 'GET',
  path,
  ...(differs === undefined ? {} : { differs }),
});
const REVIEWED = [201, 'a review is answered with 200, says the description'] as const;
const NO_PART = [404, 'it has no such operation'] as const;
const STRANGER = [403, 'a private repository is not even there for a stranger: 404'] as const;

export const STEPS: readonly Step[] = [
  GET('myself', '/user'),
  GET('by login', '/users/bob'),
  GET('by login: nobody', '/users/nobody'),
  GET('the repository', '/repos/acme/access'),
  GET('the repository, a stranger', '/repos/acme/access', STRANGER, 'mallory'),
  GET('a branch', 'branches/main'),
  GET('a branch that is not there', 'branches/nothing'),
  GET('compare', 'compare/main...one'),
  GET('protection where there is none', 'branches/main/protection', undefined, 'carol'),
  {
    name: 'open',
    as: 'alice',
    method: 'POST',
    path: 'pulls',
    body: { title: 'One', head: 'one', base: 'main' },
  },
  {
    name: 'open another',
    as: 'bob',
    method: 'POST',
    path: 'pulls',
    body: { title: 'Two', head: 'two', base: 'main' },
  },
  GET('a pull request', 'pulls/1'),
  GET('a pull request that is not there', 'pulls/99'),
  GET('pull requests', 'pulls'),
  GET('pull requests, page 1', 'pulls?per_page=1'),
  GET('pull requests, page 2', 'pulls?per_page=1&page=2'),
  GET('pull requests, of a head', 'pulls?head=acme:one'),
  GET('commits', 'pulls/1/commits'),
  { name: 'change', as: 'alice', method: 'PATCH', path: 'pulls/1', body: { title: 'One more', body: 'why' } },
  { name: 'close', as: 'alice', method: 'PATCH', path: 'pulls/2', body: { state: 'closed' } },
  GET('pull requests, closed', 'pulls?state=closed'),
  { name: 'reopen', as: 'alice', method: 'PATCH', path: 'pulls/2', body: { state: 'open' } },
  {
    name: 'ask a reviewer',
    as: 'alice',
    method: 'POST',
    path: 'pulls/1/requested_reviewers',
    body: { reviewers: ['bob'] },
    differs: [200, 'the description says 201'],
  },
  GET('asked reviewers', 'pulls/1/requested_reviewers', NO_PART),
  { name: 'label', as: 'alice', method: 'POST', path: 'issues/1/labels', body: { labels: ['pam'] } },
  GET('labels', 'issues/1/labels'),
  {
    name: 'comment',
    as: 'alice',
    method: 'POST',
    path: 'issues/1/comments',
    body: { body: 'hello' },
    save: 'comment',
  },
  {
    name: 'comment without words',
    as: 'alice',
    method: 'POST',
    path: 'issues/1/comments',
    body: { body: '' },
  },
  {
    name: 'change a comment',
    as: 'alice',
    method: 'PATCH',
    path: 'issues/comments/{comment}',
    body: { body: 'again' },
  },
  GET('comments', 'issues/1/comments'),
  GET('comments of what is not there', 'issues/99/comments'),
  GET('reviews before any', 'pulls/1/reviews'),
  {
    name: 'approve',
    as: 'bob',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'APPROVE', body: 'fine' },
    save: 'approval',
    differs: REVIEWED,
  },
  {
    name: 'refuse',
    as: 'carol',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'REQUEST_CHANGES', body: 'no' },
    save: 'refusal',
    differs: REVIEWED,
  },
  {
    name: 'begin a review',
    as: 'carol',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { body: 'later' },
    save: 'draft',
    differs: REVIEWED,
  },
  {
    name: 'submit it',
    as: 'carol',
    method: 'POST',
    path: 'pulls/1/reviews/{draft}/events',
    body: { event: 'COMMENT' },
  },
  GET('a review', 'pulls/1/reviews/{approval}'),
  GET('reviews', 'pulls/1/reviews'),
  GET('reviews, a page in the middle', 'pulls/1/reviews?per_page=1&page=2'),
  {
    name: 'dismiss',
    as: 'carol',
    method: 'PUT',
    path: 'pulls/1/reviews/{refusal}/dismissals',
    body: { message: 'old' },
  },
  {
    name: 'dismiss again',
    as: 'carol',
    method: 'PUT',
    path: 'pulls/1/reviews/{refusal}/dismissals',
    body: { message: 'old' },
  },
  {
    name: 'approve, a stranger',
    as: 'mallory',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'APPROVE' },
    differs: STRANGER,
  },
  {
    name: 'merge, a stranger',
    as: 'mallory',
    method: 'PUT',
    path: 'pulls/1/merge',
    body: {},
    differs: STRANGER,
  },
  {
    name: 'merge another head',
    as: 'bob',
    method: 'PUT',
    path: 'pulls/1/merge',
    body: { sha: '0'.repeat(40) },
    differs: [422, 'the description says 409'],
  },
  { name: 'merge', as: 'bob', method: 'PUT', path: 'pulls/1/merge', body: { merge_method: 'squash' } },
  {
    name: 'merge again',
    as: 'bob',
    method: 'PUT',
    path: 'pulls/1/merge',
    body: {},
    differs: [422, 'the description says 405'],
  },
  GET('a merged pull request', 'pulls/1'),
  {
    name: 'approve what is merged',
    as: 'carol',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'APPROVE' },
    differs: REVIEWED,
  },
  GET('workflows', 'actions/workflows'),
  GET('what is left of the limit', '/rate_limit'),

  // What emulate lets pass, or cannot do. Last, because from here on the two tell different stories.
  GET('by number', '/user/{bob}', NO_PART),
  GET('pull requests of a commit', 'commits/main/pulls', NO_PART),
  GET('rules of a branch', 'rules/branches/main', NO_PART),
  GET('rulesets', 'rulesets', NO_PART),
  GET('settings of Actions', 'actions/permissions', NO_PART, 'carol'),
  GET('environments', 'environments', NO_PART),
  {
    name: 'start a workflow by event',
    as: 'alice',
    method: 'POST',
    path: 'dispatches',
    body: { event_type: 'x' },
    differs: NO_PART,
  },
  {
    name: 'edit a review',
    as: 'bob',
    method: 'PUT',
    path: 'pulls/1/reviews/{approval}',
    body: { body: 'edited' },
    differs: [
      422,
      'it edits only reviews that wait; GitHub lets words of submitted ones change, which is why they are signed',
    ],
  },
  {
    name: 'approve the own',
    as: 'alice',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'APPROVE' },
    differs: [201, 'GitHub forbids it'],
  },
  {
    name: 'refuse the own',
    as: 'alice',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'REQUEST_CHANGES', body: 'no' },
    differs: [201, 'GitHub forbids it'],
  },
  {
    name: 'approve another commit',
    as: 'bob',
    method: 'POST',
    path: 'pulls/2/reviews',
    body: { event: 'APPROVE', commit_id: '0'.repeat(40) },
    differs: [201, 'it does not look'],
  },
  {
    name: 'refuse without words',
    as: 'carol',
    method: 'POST',
    path: 'pulls/1/reviews',
    body: { event: 'REQUEST_CHANGES' },
    differs: [201, 'GitHub wants words'],
  },
  {
    name: 'dismiss a comment',
    as: 'carol',
    method: 'PUT',
    path: 'pulls/1/reviews/{draft}/dismissals',
    body: { message: 'x' },
    differs: [200, 'GitHub dismisses verdicts only'],
  },
  {
    name: 'reopen what is merged',
    as: 'alice',
    method: 'PATCH',
    path: 'pulls/1',
    body: { state: 'open' },
    differs: [200, 'what is merged stays merged'],
  },
  {
    name: 'open the same again',
    as: 'alice',
    method: 'POST',
    path: 'pulls',
    body: { title: 'Two', head: 'two', base: 'main' },
    differs: [201, 'it does not look'],
  },
  {
    name: 'open without difference',
    as: 'alice',
    method: 'POST',
    path: 'pulls',
    body: { title: 'x', head: 'same', base: 'main' },
    differs: [201, 'it does not look'],
  },
  {
    name: 'open from nowhere',
    as: 'alice',
    method: 'POST',
    path: 'pulls',
    body: { title: 'x', head: 'nowhere', base: 'main' },
    differs: [201, 'it does not look'],
  },
  {
    name: 'open onto nowhere',
    as: 'alice',
    method: 'POST',
    path: 'pulls',
    body: { title: 'x', head: 'two', base: 'nowhere' },
    differs: [201, 'it does not look'],
  },
  // What ours does not do.
  GET('teams', '/orgs/acme/teams', [200, 'ours has no teams: pam asks for reviewers by name']),
];

/** Fields that only emulate gives, or gives as another type: `<step> <path>`. */
export const ONLY_THEIRS: readonly (readonly [what: RegExp, why: string])[] = [
  [
    /^(?:pull requests|ask).* (?:\[\])?\.(?:additions|changed_files|comments|commits|deletions|maintainer_can_modify|merge(?:able(?:_state)?|d|d_by)|rebaseable|review_comments):/u,
    'GitHub says these of one pull request, not in lists, nor where reviewers are asked',
  ],
  [
    /(?:review|dismiss|submit|approve|refuse).* (?:\[\])?\.(?:(?:created|updated)_at:|submitted_at:null)/u,
    'the description knows submitted_at alone, and a text or nothing',
  ],
  [
    /(?:author|committer)\./u,
    'it finds accounts by e-mail address; nothing in Git proves one, and ours has none',
  ],
  [/requested_reviewers/u, 'who has reviewed is no longer asked, on GitHub'],
  [
    /(?:owner|user)\.(?:description|hooks_url|issues_url|members_url|public_members_url):/u,
    'an organization that owns something is shown as any account',
  ],
  [
    /^(?:open|close|change|reopen|ask|a merged|a pull|pull requests).* (?:\[\])?\.(?:head|base)\.repo\.(?:allow|delete)_/u,
    'settings of merging stand in the whole repository',
  ],
  [
    /merge_commit_sha:null|\.mergeable:boolean|\.rebaseable:boolean/u,
    'ours makes the trial merge of an open one, and knows nothing of a closed one',
  ],
  [/description:null/u, 'the description wants a text in lists'],
  [/^what is left/u, 'limits of what pam does not ask'],
];

/** Fields that only ours gives. */
export const ONLY_OURS: readonly (readonly [what: RegExp, why: string])[] = [
  [
    /(?:owner|user)\.(?:followers|following|gists|organizations|received_events|starred|subscriptions)_url:|(?:owner|user)\.gravatar_id:/u,
    'the description demands them of every account, an organization too',
  ],
  [/^a branch /u, 'it gives a short commit and no protection, which the description demands'],
  [
    /^commits .*(?:tree\.url|parents)/u,
    'its commits through the API have no parents; the description demands the URL',
  ],
  [/^compare .*(?:author|committer):null/u, 'it finds accounts by e-mail address'],
  [/active_lock_reason:null/u, 'may be left out'],
  [
    /merge_commit_sha:string|\.mergeable:null|\.rebaseable:null/u,
    'ours makes the trial merge of an open one, and knows nothing of a closed one',
  ],
  [/(?:network|subscribers)_count:/u, 'the description demands them'],
  [/description:string/u, 'the description wants a text in lists'],
];
