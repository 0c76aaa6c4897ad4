/**
 * Requests that main holds. Anybody may push main: a month's directory or a file that cannot be read stops the requests
 * in it, and no other.
 */
import type { Reason } from '../../model/decision.ts';
import { isUnreadable, type Repository, type TreeEntry, type Unreadable } from '../../model/git.ts';
import { isRequestId, type Oid, requestPath, type RequestId, signaturePath } from '../../model/names.ts';
import type { Candidate } from '../../rules/situation.ts';
import { sha256 } from '../../trust/digest.ts';
import { candidateOf } from './read-candidate.ts';

export const REQUEST_MAX_BYTES = 16 * 1024;
export const SIGNATURE_MAX_BYTES = 8 * 1024;

export interface OnMain {
  readonly candidates: readonly Candidate[];
  /** Ids that main may hold or not: nothing is decided about them. Those that were asked for, and those that were met. */
  readonly unread: ReadonlySet<RequestId>;
  /** Why, once for each directory or file. */
  readonly faults: readonly Reason[];
}

/**
 * Those with these ids, and those dated on these days (`YYYYMMDD`). Never all of history.
 * @param branch main's name, for their places
 */
export async function requestsOnMain(
  { repository, branch }: { readonly repository: Repository; readonly branch: string },
  main: Oid,
  ids: readonly RequestId[],
  days: readonly string[],
): Promise<OnMain> {
  const months = [...new Set([...ids, ...days].map(monthOf))].sort();
  const listed = await Promise.all(months.map(async (month) => await repository.list(main, month)));
  const files = new Map<string, TreeEntry>();
  const unread = new Set<RequestId>();
  const faults: Reason[] = [];
  for (const [at, month] of months.entries()) {
    const entries = listed[at] ?? [];
    if (isUnreadable(entries)) {
      faults.push(faultOf(month, entries));
      for (const id of ids) if (monthOf(id) === month) unread.add(id);
    } else for (const entry of entries) files.set(entry.path, entry);
  }
  const found = idsAmong(files, new Set(ids), days);
  const large = found.flatMap((id) => tooLarge(branch, id, files) ?? []);
  const readable = found.filter((id) => !large.some((one) => one.id === id));
  // All at once: each question walks down to the month's directory again.
  const paths = readable.flatMap((id) => [requestPath(id), signaturePath(id)]);
  const wanted = paths.map((path) => ({ treeish: main, path }));
  const blobs = await repository.read(wanted, REQUEST_MAX_BYTES);
  const read = readable.flatMap((id, at): Candidate[] => {
    const [request, signature] = blobs.slice(at * 2, at * 2 + 2);
    if (isUnreadable(request) || isUnreadable(signature)) {
      unread.add(id);
      if (isUnreadable(request)) faults.push(faultOf(requestPath(id), request));
      if (isUnreadable(signature)) faults.push(faultOf(signaturePath(id), signature));
      return [];
    }
    const place = `${branch}:${requestPath(id)}`;
    const here = { id, place, head: null, merged: true };
    const candidate = candidateOf(here, request ?? new Uint8Array(), signature);
    const both = [files.get(requestPath(id)), files.get(signaturePath(id))];
    const odd = both.find((one) => one !== undefined && one.mode !== '100644');
    const fault: Reason = { code: 'E_GIT_MODE', ok: false, message: `${odd?.path} is not a plain file` };
    return [odd === undefined ? candidate : { ...candidate, request: fault }];
  });
  return { candidates: [...read, ...large].sort((a, b) => (a.id < b.id ? -1 : 1)), unread, faults };
}

/** The directory of an id, or of a day. */
const monthOf = (one: string): string => `requests/${one.slice(0, 4)}/${one.slice(4, 6)}`;

const faultOf = (path: string, { unreadable, why }: Unreadable): Reason => ({
  code: unreadable,
  ok: false,
  message: `${path} on main cannot be read: ${why}`,
});

function idsAmong(
  files: ReadonlyMap<string, TreeEntry>,
  wanted: ReadonlySet<RequestId>,
  days: readonly string[],
): readonly RequestId[] {
  return [...files.keys()].flatMap((path) => {
    const id = path.slice(path.lastIndexOf('/') + 1, -'.yaml'.length);
    const ours = isRequestId(id) && requestPath(id) === path;
    return ours && (wanted.has(id) || days.includes(id.slice(0, 8))) ? [id] : [];
  });
}

/**
 * A file that is larger than it may be is never read: its size says enough. So that it is refused once all the same,
 * Git's name of the blobs stands for their bytes. That name proves nothing, and need not: whatever else it may fit is
 * as large, and a small file never has this digest, since what it is over is no request.
 */
function tooLarge(
  branch: string,
  id: RequestId,
  files: ReadonlyMap<string, TreeEntry>,
): Candidate | undefined {
  const limits = [
    [files.get(requestPath(id)), REQUEST_MAX_BYTES, 'E_YAML_SIZE'],
    [files.get(signaturePath(id)), SIGNATURE_MAX_BYTES, 'E_PR_SIZE'],
  ] as const;
  for (const [file, most, code] of limits) {
    if (file === undefined || file.size === null || file.size <= most) continue;
    const message = `${file.path} has ${file.size} bytes; at most ${most} are allowed`;
    const place = `${branch}:${requestPath(id)}`;
    const unread = candidateOf({ id, place, head: null, merged: true }, new Uint8Array(), undefined);
    const requestSha256 = sha256(limits.map(([one]) => `unread ${one?.size} ${one?.oid}\n`).join(''));
    return { ...unread, requestSha256, request: { code, ok: false, message } };
  }
  return undefined;
}
