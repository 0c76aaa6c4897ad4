/** Does a proposal hold exactly the two files of its request, and nothing else? (DESIGN section 3) */
import type { ErrorCode } from '../model/error-codes.ts';
import { readable, type Repository, type TreeEntry } from '../model/git.ts';
import { requestPath, signaturePath, type Oid, type RequestId } from '../model/names.ts';

export const REQUEST_MAX_BYTES = 16 * 1024;
export const SIGNATURE_MAX_BYTES = 8 * 1024;

export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Whole trees of merge bases, kept, so that many proposals on one main read it once. */
export type ListTree = (commit: Oid) => Promise<readonly TreeEntry[]>;

/** What is wrong with the change from main to `head`; `undefined` when nothing is. Throws as `readable`. */
export async function faultOf(
  repository: Pick<Repository, 'mergeBase' | 'list'>,
  baseTree: ListTree,
  proposal: { readonly id: RequestId; readonly head: Oid; readonly main: Oid },
): Promise<Fault | undefined> {
  const { id, head, main } = proposal;
  // The cheap look first: most of what strangers push holds no request at all.
  const after = readable(await repository.list(head, ''), 'what it proposes');
  const wrongFile = faultOfFiles(id, after);
  if (wrongFile !== undefined) return wrongFile;
  const base = await repository.mergeBase(head, main);
  if (base === undefined) return outOfScope('it shares no history with main');
  // Merged as it is: main holds all of it, so there is no change left to look at.
  if (base === head) return undefined;
  return faultOfChange(id, await baseTree(base), after);
}

function faultOfFiles(id: RequestId, entries: readonly TreeEntry[]): Fault | undefined {
  const limits = [
    [requestPath(id), REQUEST_MAX_BYTES, 'E_YAML_SIZE'],
    [signaturePath(id), SIGNATURE_MAX_BYTES, 'E_PR_SIZE'],
  ] as const;
  for (const [path, maxBytes, tooLong] of limits) {
    const entry = entries.find((each) => each.path === path || each.path.startsWith(`${path}/`));
    if (entry === undefined) return outOfScope(`it does not hold ${path}`);
    if (entry.path !== path || entry.mode !== '100644') {
      return { code: 'E_GIT_MODE', message: `${path} is not a plain file (mode 100644)` };
    }
    if (entry.size === null) return { code: 'E_GIT_PARTIAL', message: `${path} is not in this clone` };
    if (entry.size > maxBytes) {
      return { code: tooLong, message: `${path} has ${entry.size} bytes; at most ${maxBytes} are allowed` };
    }
  }
  return undefined;
}

function faultOfChange(
  id: RequestId,
  before: readonly TreeEntry[],
  after: readonly TreeEntry[],
): Fault | undefined {
  const own = new Set([requestPath(id), signaturePath(id)]);
  const old = new Map(before.map((entry) => [entry.path, entry]));
  for (const entry of after) {
    const was = old.get(entry.path);
    old.delete(entry.path);
    if (own.has(entry.path)) {
      if (was !== undefined) return outOfScope(`${entry.path} is on main already`);
    } else if (was?.oid !== entry.oid || was.mode !== entry.mode) {
      return outOfScope(`it ${was === undefined ? 'adds' : 'changes'} ${entry.path}`);
    }
  }
  const [removed] = old.keys();
  return removed === undefined ? undefined : outOfScope(`it removes ${removed}`);
}

function outOfScope(why: string): Fault {
  return {
    code: 'E_PR_SCOPE',
    message: `a proposal adds the two files of its request and nothing else: ${why}`,
  };
}
