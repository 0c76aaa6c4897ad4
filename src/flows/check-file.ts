/** A request file before it is proposed: its shape and its pre-checks. And the policy on main, before it is signed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNewPolicy } from '../documents/policy-files.ts';
import { readRequest } from '../documents/request-file.ts';
import type { Reason } from '../model/decision.ts';
import { type Issue, PamError } from '../model/error.ts';
import type { IncidentState } from '../model/incident.ts';
import { isUnreadable } from '../model/git.ts';
import { isOid } from '../model/names.ts';
import { judgeRequest } from '../rules/judge-request.ts';
import { openBeside } from '../rules/open-requests.ts';
import { treeDigest } from '../trust/digest.ts';
import { type Desk, mainRef } from './desk.ts';
import { incidentStates } from './gather.ts';
import type { LedgerView } from './read-ledger.ts';
import { REQUEST_MAX_BYTES } from './requests-on-main.ts';
import { policyFilesOf } from './walk-ledger.ts';

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
    return { issues: [], reasons: judged.map(({ code, ok, message }) => ({ code, ok, message })) };
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    const { code, message } = error;
    return { issues: error.issues.length > 0 ? error.issues : [{ file: path, code, message }], reasons: [] };
  }
}

async function incidentNow(desk: Desk, view: LedgerView, id: string): Promise<IncidentState | null> {
  const main = await desk.repository.resolve(mainRef(desk, view.state.policy.config));
  return (await incidentStates(desk, view, main, [id])).get(id) ?? null;
}

/** Request files of the work tree that the base does not hold as they are: what a proposal would bring. */
export async function requestFilesSince(desk: Desk, base: string): Promise<readonly string[]> {
  const { repository } = desk;
  if (repository.workTree === null) throw new PamError('E_USAGE', '--base needs a work tree');
  const refs = [base, `refs/heads/${base}`, `refs/remotes/${base}`].filter((one) => one.startsWith('refs/'));
  const found = await Promise.all(refs.map((ref) => repository.resolve(ref)));
  const commit = isOid(base) ? base : found.find((one) => one !== undefined);
  if (commit === undefined)
    throw new PamError('E_USAGE', `there is no branch or commit ${JSON.stringify(base)}`);
  const top = repository.workTree;
  const paths = namesIn(join(top, 'requests'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `requests/${name}`)
    .sort();
  const before = await repository.read(
    paths.map((path) => ({ treeish: commit, path })),
    REQUEST_MAX_BYTES,
  );
  const was = before.map((one) => (one === undefined || isUnreadable(one) ? new Uint8Array() : one));
  return paths.filter((path, at) => !readFileSync(join(top, path)).equals(was[at] ?? new Uint8Array()));
}

/** A work tree without requests has no such directory. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/** Throws with every issue when the policy on main could not be signed as it is; else what an admin should know. */
export async function checkPolicyOnMain(desk: Desk): Promise<readonly Issue[]> {
  const main =
    (await desk.repository.resolve(mainRef(desk, desk.hint))) ??
    (await desk.repository.resolve(`refs/heads/${desk.hint.main}`));
  if (main === undefined)
    throw new PamError('E_POL_MISSING', `there is no branch ${desk.hint.main}`, {
      exit: 4,
      hint: 'go to a clone of the access repository, or make a new one with `pam init`',
    });
  const files = await policyFilesOf(desk.repository, main);
  return readNewPolicy(files, treeDigest(files), desk.providers, desk.clock()).warnings;
}
