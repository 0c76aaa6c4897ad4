/** Posting: signed statements as reviews or comments, and pam's own comment, which is updated in place. */
import { failureOf, PamError } from '../../model/error.ts';
import type { Account, Found, Posting } from '../../model/forge.ts';
import { travelsOf } from '../../trust/statements/registry.ts';
import { isMarked, markedComment, postingBody } from '../pull-request-text.ts';
import { readPostings } from './postings.ts';
import type { Event, Pull, PullPlace, PullPort, PullWork } from './pull-port.ts';

type Arrived = () => Promise<boolean>;

const EVENTS = { approve: 'APPROVE', object: 'REQUEST_CHANGES', comment: null } as const;

export async function post(
  { title }: Pick<PullPort, 'title'>,
  work: PullWork,
  pull: Pull,
  posting: Posting,
): Promise<void> {
  const me = await work.whoami();
  // What a flood hides may be said twice; what has to be said is never kept back by it.
  const { found: there } = await readPostings(work, pull);
  if (there.some((one) => isSame(one, posting, me))) return;
  const arrived: Arrived = async () => {
    const { found, doubts } = await readPostings(work, pull);
    if (found.some((one) => isSame(one, posting, me))) return true;
    if (doubts[0] !== undefined) throw doubts[0];
    return false;
  };
  const mine = me !== null && me.id === pull.author.id;
  const { type, head } = posting;
  const { as, stands } = travelsOf(type);
  const body = postingBody(posting);
  if (as === 'approve' && !pull.open && !pull.merged) {
    throw new PamError('E_FORGE_PLACE', `${pull.place} is closed, and ${title} takes no approval there`, {
      hint: 'reopen it first, then approve',
    });
  }
  // Forges take no author's verdict on their own pull request, and ask for no changes to a closed one.
  const taken = !mine && (as !== 'object' || pull.open);
  const event = taken ? EVENTS[as] : null;
  if (event === null && !stands.includes('comment')) {
    throw new PamError('E_FORGE_OWN', `${title} lets nobody approve their own pull request (${pull.place})`, {
      hint: 'another approver has to sign, or somebody else opens the pull request',
    });
  }
  const reviewAs = async (how: Event): Promise<void> => {
    await work.review(pull, { event: how, body, commit: head ?? pull.apiHead }, arrived);
  };
  if (event !== null) return await reviewAs(event);
  // Rather a review than a comment: no other account can delete one, and the check of the pull request starts by it.
  const error = await failureOf(reviewAs('COMMENT'));
  if (error === undefined) return;
  if (!UNTAKEN.has(error.code)) throw error;
  await work.comment(pull, body, arrived);
}

/** No review is taken: its commit is none of the pull request's any more, say, or reviews are for others. */
const UNTAKEN: ReadonlySet<string> = new Set(['E_FORGE_REFUSED', 'E_FORGE_FORBIDDEN']);

/** Posted by this account, still standing, and meant the same way. */
function isSame({ signed, posted }: Found, { signed: wanted, type }: Posting, me: Account | null): boolean {
  if (signed?.text !== wanted.text || signed.armor !== wanted.armor || posted === null) return false;
  if (me !== null && posted.by.id !== me.id) return false;
  return travelsOf(type).stands.some((intent) => intent === posted.intent);
}

/** GitHub refuses longer ones than 65,536, and others take as much. */
const MOST_CHARACTERS = 60_000;

const refuse = (error: PamError): never => {
  throw error;
};

/** @param told pull requests, each with what its comment says from now on */
export async function tell(
  work: PullWork,
  told: readonly { readonly pull: PullPlace; readonly markdown: string }[],
): Promise<void> {
  const isOwn = await work.ownAccount();
  await work.readAhead(told.map(({ pull }) => pull));
  let failed: PamError | undefined;
  for (const { pull, markdown } of told) {
    const error = await failureOf(tellOne(work, isOwn, pull, markdown));
    if (error?.code === 'E_INTERRUPTED') throw error;
    failed ??= error;
  }
  if (failed !== undefined) throw failed;
}

async function tellOne(
  work: PullWork,
  isOwn: (account: Account) => boolean,
  pull: PullPlace,
  markdown: string,
): Promise<void> {
  if (markdown.length > MOST_CHARACTERS) {
    throw new PamError('E_BUG', `a comment of ${markdown.length} characters does not fit`);
  }
  const body = markedComment(markdown);
  // Anybody may write the mark: only what this account wrote is ever written over.
  const old = (await work.comments(pull, refuse)).find((one) => isMarked(one.body) && isOwn(one.by));
  if (old === undefined) await work.comment(pull, body);
  else if (old.body.replaceAll('\r\n', '\n') !== body) await work.edit(pull, old, body);
}
