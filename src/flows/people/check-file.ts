/** A request file before it is proposed: its shape and its pre-checks. */
import { join } from 'node:path';
import { readRequest } from '../../documents/request-file.ts';
import { plainBytes, plainFilesBelow, readPlainFile } from '../../files/plain-file.ts';
import type { Reason } from '../../model/decision.ts';
import { expected, type Issue, PamError } from '../../model/error.ts';
import type { IncidentState } from '../../model/incident.ts';
import { isUnreadable } from '../../model/git.ts';
import { isOid, type Oid } from '../../model/names.ts';
import { judgeRequest } from '../../rules/judge-request.ts';
import { roleOf } from '../../rules/exact-grant.ts';
import { openBeside } from '../../rules/open-requests.ts';
import { beneficiaries } from '../../rules/people.ts';
import { judgeApprovers } from '../../rules/who-can-approve.ts';
import { type Desk, mainRef } from '../desk.ts';
import { incidentStates } from '../gather/gather.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { REQUEST_MAX_BYTES } from '../gather/requests-on-main.ts';

export interface Checked {
  readonly issues: readonly Issue[];
  readonly reasons: readonly Reason[];
}

export async function checkFile(
  desk: Desk,
  view: LedgerView,
  path: string,
  bytes: Uint8Array,
): Promise<Checked> {
  try {
    const request = readRequest(bytes, path);
    const { policy } = view.state;
    const incident = request.incident === undefined ? null : await incidentNow(desk, view, request.incident);
    const judged = judgeRequest({
      policy,
      request,
      incident,
      now: desk.clock(),
      seenAt: null,
      beside: openBeside(view.state.index, request),
    });
    const role = roleOf(policy, request.role);
    const gain = beneficiaries(policy, request.requester, request.subject);
    const never = role === undefined ? [] : judgeApprovers(policy, role, gain);
    const reasons = [...judged, ...never].map(({ code, ok, message }) => ({ code, ok, message }));
    return { issues: [], reasons };
  } catch (cause) {
    const error = expected(cause);
    const { code, message } = error;
    return { issues: error.issues.length > 0 ? error.issues : [{ file: path, code, message }], reasons: [] };
  }
}

async function incidentNow(desk: Desk, view: LedgerView, id: string): Promise<IncidentState | null> {
  const main = await desk.repository.resolve(mainRef(desk, view.state.policy.config));
  return (await incidentStates(desk, view, main, [id])).get(id) ?? null;
}

/** One that cannot be read is an issue of that file: its pusher may have made it a link, a pipe or too large. */
export async function checkFileAt(
  desk: Desk,
  view: LedgerView,
  path: string,
  place: string,
): Promise<Checked> {
  const { workTree } = desk.repository;
  const inside = workTree !== null && !path.startsWith('..') ? workTree : undefined;
  const file = readPlainFile(place, REQUEST_MAX_BYTES, inside);
  if (file.state === 'read') return await checkFile(desk, view, path, file.bytes);
  if (file.state === 'absent') throw new PamError('E_USAGE', `cannot read ${place}`);
  return { issues: [{ file: path, code: 'E_REQ_FILE', message: `the file ${file.why}` }], reasons: [] };
}

/** Request files of the work tree that the base does not hold as they are: what a proposal would bring. */
export async function requestFilesSince(desk: Desk, base: string): Promise<readonly string[]> {
  const { repository } = desk;
  if (repository.workTree === null) throw new PamError('E_USAGE', '--base needs a work tree');
  const commit = await commitNamed(desk, base);
  if (commit === undefined)
    throw new PamError('E_USAGE', `there is no branch or commit ${JSON.stringify(base)}`);
  const top = repository.workTree;
  const below = plainFilesBelow(join(top, 'requests'), MOST_FILES);
  if (below === undefined)
    throw new PamError('E_REQ_FILE', `requests/ of this work tree holds more than ${MOST_FILES} files`);
  const paths = below
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `requests/${name}`)
    .sort();
  const before = await repository.read(
    paths.map((path) => ({ treeish: commit, path })),
    REQUEST_MAX_BYTES,
  );
  const same = (path: string, at: number): boolean => {
    const known = before[at];
    if (known === undefined || isUnreadable(known)) return false;
    return plainBytes(join(top, path), REQUEST_MAX_BYTES, top)?.equals(known) === true;
  };
  return paths.filter((path, at) => !same(path, at));
}

const MOST_FILES = 200_000;

/** A branch of this clone or of a remote (`origin/main`), a full ref, or a whole commit id. */
export async function commitNamed({ repository }: Desk, name: string): Promise<Oid | undefined> {
  if (isOid(name)) return name;
  const refs = [name, `refs/heads/${name}`, `refs/remotes/${name}`].filter((one) => one.startsWith('refs/'));
  const found = await Promise.all(refs.map((ref) => repository.resolve(ref)));
  return found.find((one) => one !== undefined);
}
