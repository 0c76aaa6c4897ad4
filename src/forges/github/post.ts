/** Posting: signed statements as reviews or comments, and pam's own comment, which is updated in place. */
import type { GitHub } from '../../github/api.ts';
import { PamError } from '../../model/error.ts';
import type { Account, Found, Posting } from '../../model/forge.ts';
import type { Oid } from '../../model/names.ts';
import { travelsOf } from '../../trust/statements/registry.ts';
import { isMarked, markedComment, postingBody } from '../pull-request-text.ts';
import { ownAccount } from './accounts.ts';
import { readComments, readPostings } from './postings.ts';
import type { Pull } from './pulls.ts';

type Event = 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT';
const EVENTS = { approve: 'APPROVE', object: 'REQUEST_CHANGES', comment: null } as const;

const WRITE_PULLS = 'pull requests: write';

export async function post(github: GitHub, pull: Pull, posting: Posting, me: Account | null): Promise<void> {
  // What a flood hides may be said twice; what has to be said is never kept back by it.
  const { found: there } = await readPostings(github, pull);
  if (there.some((one) => isSame(one, posting, me))) return;
  const arrived = async (): Promise<boolean> => {
    const { found, doubts } = await readPostings(github, pull);
    if (found.some((one) => isSame(one, posting, me))) return true;
    if (doubts[0] !== undefined) throw doubts[0];
    return false;
  };
  const mine = me !== null && me.id === pull.author.id;
  const { type, head } = posting;
  const body = postingBody(posting);
  const { as, stands } = travelsOf(type);
  // GitHub takes nobody's verdict on their own pull request, and asks for no changes to a closed one.
  const taken = !mine && (as !== 'object' || pull.open);
  const event = taken ? EVENTS[as] : null;
  if (event === null && !stands.includes('comment')) {
    throw new PamError('E_FORGE_OWN', `GitHub lets nobody approve their own pull request (${pull.place})`, {
      hint: 'another approver has to sign, or somebody else opens the pull request',
    });
  }
  const reviewAs = async (how: Event): Promise<void> => {
    await review(github, pull, { event: how, body, commit: head ?? pull.apiHead }, arrived);
  };
  if (event !== null) await reviewAs(event);
  else await commentOr(github, pull, { body, arrived }, async () => await reviewAs('COMMENT'));
}

/** Posted by this account, still standing, and meant the same way. */
function isSame({ signed, posted }: Found, { signed: wanted, type }: Posting, me: Account | null): boolean {
  if (signed?.text !== wanted.text || signed.armor !== wanted.armor || posted === null) return false;
  if (me !== null && posted.by.id !== me.id) return false;
  return travelsOf(type).stands.some((intent) => intent === posted.intent);
}

async function review(
  github: GitHub,
  { number }: Pull,
  { event, body, commit }: { readonly event: Event; readonly body: string; readonly commit: Oid },
  arrived: () => Promise<boolean>,
): Promise<void> {
  await github.ask(
    'POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    { pull_number: number, commit_id: commit, event, body },
    { doing: `post the review of pull request ${number}`, needs: WRITE_PULLS, arrived },
  );
}

interface Comment {
  readonly body: string;
  readonly arrived?: () => Promise<boolean>;
}

async function comment(
  github: GitHub,
  { number }: Pick<Pull, 'number'>,
  { body, arrived }: Comment,
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

/** Where somebody used up the 2,500 comments that GitHub takes, there are still reviews. */
async function commentOr(
  github: GitHub,
  pull: Pull,
  said: Comment,
  otherwise: () => Promise<void>,
): Promise<void> {
  try {
    await comment(github, pull, said);
  } catch (error) {
    if (!(error instanceof PamError) || error.code !== 'E_FORGE_FORBIDDEN') throw error;
    await otherwise();
  }
}

/** GitHub refuses longer ones. */
const MOST_CHARACTERS = 60_000;

const refuse = (error: PamError): never => {
  throw error;
};

export async function tell(github: GitHub, pull: Pull, markdown: string): Promise<void> {
  if (markdown.length > MOST_CHARACTERS) {
    throw new PamError('E_BUG', `a comment of ${markdown.length} characters does not fit`);
  }
  const body = markedComment(markdown);
  const isOwn = await ownAccount(github);
  // Anybody may write the mark: only what this account wrote is ever written over.
  const old = (await readComments(github, pull, refuse)).find((one) => isMarked(one.body) && isOwn(one.by));
  if (old === undefined) {
    await comment(github, pull, { body });
    return;
  }
  if (old.body.replaceAll('\r\n', '\n') === body) return;
  await github.ask(
    'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
    { comment_id: old.id, body },
    { doing: `update the comment on pull request ${pull.number}`, needs: WRITE_PULLS },
  );
}
