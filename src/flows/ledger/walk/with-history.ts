/**
 * A clone whose history was cut (a CI checkout, say) is deepened until a question about its history has an answer:
 * a little first, since the newest verified head is mostly near, then all of it.
 */
import { PamError } from '../../../model/error.ts';
import type { Desk } from '../../desk.ts';

/** Commits to bring at a time; `null` = all that are left. */
const STEPS = [128, 2048, null] as const;

/** @throws PamError `E_GIT_SHALLOW` where there is no remote to ask, or it may not be asked */
export async function withHistory<T>(
  desk: Pick<Desk, 'remote' | 'hint' | 'progress'>,
  question: () => Promise<T>,
): Promise<T> {
  for (const by of STEPS) {
    try {
      return await question();
    } catch (error) {
      if (!isCut(error) || desk.remote === null) throw error;
      const remote = await desk.remote.open();
      desk.progress(by === null ? 'bringing the rest of the history' : `bringing ${by} more commits`);
      if (!(await remote.deepen([desk.hint.main, desk.hint.ledger], by))) throw error;
    }
  }
  return await question();
}

/** A remembered commit may itself lie below the cut: then it is missing altogether. */
const CUT: ReadonlySet<string> = new Set(['E_GIT_SHALLOW', 'E_GIT_PARTIAL', 'E_GIT_OBJECT']);
const isCut = (error: unknown): boolean => error instanceof PamError && CUT.has(error.code);
