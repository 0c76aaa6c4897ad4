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

export type Name = Omit<TreeEntry, 'size'>;

/** Whole trees of merge bases, kept, so that many proposals on one main read it once. */
export type ListTree = (commit: Oid) => Promise<readonly Name[]>;

/** What is wrong with the change from main to `head`; `undefined` when nothing is. Throws as `readable`. */
export async function faultOf(
  repository: Pick<Repository, 'mergeBase' | 'list' | 'names'>,
  baseTree: ListTree,
  proposal: { readonly id: RequestId; readonly head: Oid; readonly main: Oid },
): Promise<Fault | undefined> {
  const { id, head, main } = proposal;
  // The cheap look first: most of what strangers push holds no request at all.
  const after = readable(await repository.names(head, ''), 'what it proposes');
  // Of all that it holds only its own files have a size to look at.
  const sizeOf = async (path: string): Promise<number | null> =>
    readable(await repository.list(head, path), path)[0]?.size ?? null;
  const wrongFile = await faultOfFiles(id, after, sizeOf);
  if (wrongFile !== undefined) return wrongFile;
  const base = await repository.mergeBase(head, main);
  if (base === undefined) return outOfScope('it shares no history with main');
  // Merged as it is: main holds all of it, so there is no change left to look at.
  if (base === head) return undefined;
  return faultOfChange(id, await baseTree(base), after);
}

async function faultOfFiles(
  id: RequestId,
  entries: readonly Name[],
  sizeOf: (path: string) => Promise<number | null>,
): Promise<Fault | undefined> {
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
    const size = await sizeOf(path);
    if (size === null) return { code: 'E_GIT_PARTIAL', message: `${path} is not in this clone` };
    if (size > maxBytes) {
      return { code: tooLong, message: `${path} has ${size} bytes; at most ${maxBytes} are allowed` };
    }
  }
  return undefined;
}

function faultOfChange(id: RequestId, before: readonly Name[], after: readonly Name[]): Fault | undefined {
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
