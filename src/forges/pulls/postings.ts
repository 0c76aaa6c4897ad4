/**
 * What was posted at a pull request. Clicks are intent, signatures are authority, and neither is judged here
 * (`rules/judge-postings.ts`).
 */
import { expected, type PamError } from '../../model/error.ts';
import { readSignedBlock } from '../signed-block.ts';
import type { Dated, PullDoubt, PullPlace, PullWork } from './pull-port.ts';

export interface Postings {
  /** Oldest first. */
  readonly found: readonly Dated[];
  /** Why something may be missing: a flood of reviews must not hide what stands in the comments. */
  readonly doubts: readonly PamError[];
}

export async function readPostings(
  work: Pick<PullWork, 'reviews' | 'comments'>,
  pull: PullPlace,
): Promise<Postings> {
  const doubts: PamError[] = [];
  const readable = async <T>(read: (doubt: PullDoubt) => Promise<readonly T[]>): Promise<readonly T[]> => {
    const doubt: PullDoubt = (error) => void doubts.push(error);
    try {
      return await read(doubt);
    } catch (cause) {
      const error = expected(cause);
      doubt(error);
      return [];
    }
  };
  const reviews = await readable(async (doubt) => await work.reviews(pull, doubt));
  const comments = await readable(async (doubt) => await work.comments(pull, doubt));
  const said = comments.map(({ by, body, at, place }) => ({
    at,
    place,
    signed: readSignedBlock(body) ?? null,
    posted: { by, intent: 'comment' as const },
  }));
  const found = [...reviews, ...said].filter(
    ({ signed, posted }) => signed !== null || posted.intent !== 'comment',
  );
  return { found: oldestFirst(found), doubts };
}

/** Of one pull request or of several. */
export const oldestFirst = (found: readonly Dated[]): readonly Dated[] =>
  found.toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
