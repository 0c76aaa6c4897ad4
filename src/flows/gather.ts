/**
 * Gather: everything that deciding needs, read once into one immutable `Situation`. What cannot be read is a halt
 * or an unknown there, never an exception that hides the rest.
 */
import { readRequest } from '../documents/request-file.ts';
import type { Reason } from '../model/decision.ts';
import { PamError } from '../model/error.ts';
import type { Forge } from '../model/forge.ts';
import type { TreeEntry } from '../model/git.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { IncidentState } from '../model/incident.ts';
import { isRequestId, type Oid, requestPath, type RequestId, signaturePath } from '../model/names.ts';
import type { Signed } from '../model/statement.ts';
import { type Candidate, isRequest, type Situation } from '../rules/situation.ts';
import { sortPostings } from '../rules/judge-postings.ts';
import { namedEntry } from '../rules/verify-approvals.ts';
import { splitSigned } from '../trust/armor.ts';
import { sha256 } from '../trust/digest.ts';
import { claimsOf } from '../trust/statement-text.ts';
import { type Desk, mainRef } from './desk.ts';
import type { Freshness } from './fetch-state.ts';
import { readProposals } from './read-proposals.ts';
import { readStatements, type ReadStatements, topicOf } from './read-statements.ts';
import { haltsOf } from './halts.ts';
import type { LedgerView } from './read-ledger.ts';
import { witnessesOf } from './witness.ts';

export const REQUEST_MAX_BYTES = 16 * 1024;
export const SIGNATURE_MAX_BYTES = 8 * 1024;

/** @param only look at these ids alone (beside what the halts need) */
export async function gather(
  desk: Desk,
  view: LedgerView,
  freshness: Freshness,
  now: Instant,
  only?: ReadonlySet<RequestId>,
): Promise<Situation> {
  const { config } = view.state.policy;
  const main = await desk.repository.resolve(mainRef(desk, config));
  const halts = [...(await haltsOf(desk, view, main, freshness, now))];
  const days = daysAround(now);
  const open = [...view.state.index.records.values()]
    .filter(({ state }) => UNDECIDED.has(state))
    .map(({ id }) => id);
  const ids = only === undefined ? open : [...only];
  const onMain =
    main === undefined ? [] : await candidatesOnMain(desk, main, ids, only === undefined ? days : []);
  const forge = await desk.forge(config);
  const proposed = await orHalt(halts, [], async () => {
    const taken = onMain.map((one) => one.id);
    const skip = new Set(only === undefined ? [...taken, ...settled(view)] : taken);
    const wanted = {
      ids: ids.filter((id) => !skip.has(id)),
      days: only === undefined ? days : [],
      skip,
    };
    const { found, flooded } = await readProposals(forge, wanted);
    if (flooded !== null) desk.note(`${flooded}; new proposals wait until there are fewer`);
    return found;
  });
  const candidates = [...onMain, ...proposed.flatMap(proposalCandidate)];
  const stoppable = [...view.state.index.records.values()].filter(
    (one) => one.seen !== null && one.final_at === null,
  );
  const topics = [
    ...new Set([
      ...candidates.map(({ id }) => id),
      ...(only === undefined ? stoppable.map(({ id }) => id) : ids),
    ]),
  ];
  const places = new Map(candidates.map((one) => [one.id, one.merged ? null : one.place]));
  const wantedTopics = topics.map((id) => {
    const { place } = topicOf({ id, seen: view.state.index.records.get(id)?.seen ?? null });
    return { name: id, place: place ?? places.get(id) ?? null };
  });
  const none: ReadStatements = { found: new Map(), flooded: new Map(), broken: null };
  const { found, flooded, broken } = await orHalt(halts, none, () => readStatements(forge, wantedTopics));
  const unread = [...flooded.values()].map(({ code, message }): Reason => ({ code, ok: false, message }));
  // Whoever asked for this id alone gets no other answer.
  if (only !== undefined) halts.push(...unread);
  if (broken !== null) halts.push({ code: broken.code, ok: false, message: broken.message });
  const { approvals, stops, postings } = sortPostings(view.state.policy, found);
  const named = candidates.flatMap(({ request }) => (isRequest(request) ? (request.incident ?? []) : []));
  return {
    state: view.state,
    providers: desk.providers,
    main: main ?? null,
    halts,
    unread: only === undefined ? unread : [],
    // A stop may hide in a flood, so nothing is decided about that id until it can be read.
    candidates: candidates.filter(({ id }) => !flooded.has(id)),
    approvals,
    stops,
    postings,
    incidents: await incidentStates(desk, view, main, named),
    witnesses: await witnessesOf(desk, view, pointsOf(view, approvals)),
  };
}

/** Ids whose proposals say nothing any more. */
const settled = ({ state }: LedgerView): readonly RequestId[] =>
  [...state.index.records.values()].filter((one) => !UNDECIDED.has(one.state)).map(({ id }) => id);

const UNDECIDED: ReadonlySet<string> = new Set(['unseen', 'seen', 'scheduled', 'granting', 'refused']);

/** Yesterday, today and tomorrow as `YYYYMMDD`. */
export function daysAround(now: Instant): string[] {
  return [-86_400, 0, 86_400].map((offset) => plus(now, offset).slice(0, 10).replaceAll('-', ''));
}

async function orHalt<T>(halts: Reason[], otherwise: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    halts.push({ code: error.code, ok: false, message: error.message });
    return otherwise;
  }
}

/** Requests in main's tree: those with these ids, and those dated on these days. Never all of history. */
async function candidatesOnMain(
  desk: Desk,
  main: Oid,
  ids: readonly RequestId[],
  days: readonly string[],
): Promise<Candidate[]> {
  const wanted = new Set(ids);
  const months = new Set([...ids, ...days].map((one) => `requests/${one.slice(0, 4)}/${one.slice(4, 6)}`));
  const listed = (
    await Promise.all([...months].sort().map((month) => desk.repository.list(main, month)))
  ).flat();
  const files = new Map(listed.map((one) => [one.path, one]));
  const found = listed.flatMap(({ path }) => {
    const id = path.slice(path.lastIndexOf('/') + 1, -'.yaml'.length);
    const ours = isRequestId(id) && requestPath(id) === path;
    return ours && (wanted.has(id) || days.includes(id.slice(0, 8))) ? [id] : [];
  });
  const large = found.flatMap((id) => tooLarge(desk, id, files) ?? []);
  const readable = found.filter((id) => !large.some((one) => one.id === id));
  // All at once: each question walks down to the month's directory again.
  const paths = readable.flatMap((id) => [requestPath(id), signaturePath(id)]);
  const wantedFiles = paths.map((path) => ({ treeish: main, path }));
  const blobs = await desk.repository.read(wantedFiles, REQUEST_MAX_BYTES);
  const read = readable.map((id, at) => {
    const bytes = blobs[at * 2] ?? new Uint8Array();
    const candidate = candidateOf(
      { id, place: `${desk.hint.main}:${requestPath(id)}`, head: null, merged: true },
      bytes,
      blobs[at * 2 + 1],
    );
    const both = [files.get(requestPath(id)), files.get(signaturePath(id))];
    const odd = both.find((one) => one !== undefined && one.mode !== '100644');
    const fault: Reason = { code: 'E_GIT_MODE', ok: false, message: `${odd?.path} is not a plain file` };
    return odd === undefined ? candidate : { ...candidate, request: fault };
  });
  return [...read, ...large].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * A file that is larger than it may be is never read: its size says enough. So that it is refused once all the same,
 * Git's name of the blobs stands for their bytes. That name proves nothing, and need not: whatever else it may fit is
 * as large, and a small file never has this digest, since what it is over is no request.
 */
function tooLarge(desk: Desk, id: RequestId, files: ReadonlyMap<string, TreeEntry>): Candidate | undefined {
  const limits = [
    [files.get(requestPath(id)), REQUEST_MAX_BYTES, 'E_YAML_SIZE'],
    [files.get(signaturePath(id)), SIGNATURE_MAX_BYTES, 'E_PR_SIZE'],
  ] as const;
  for (const [file, most, code] of limits) {
    if (file === undefined || file.size <= most) continue;
    const message = `${file.path} has ${file.size} bytes; at most ${most} are allowed`;
    const place = `${desk.hint.main}:${requestPath(id)}`;
    const unread = candidateOf({ id, place, head: null, merged: true }, new Uint8Array(), undefined);
    const requestSha256 = sha256(limits.map(([one]) => `unread ${one?.size} ${one?.oid}\n`).join(''));
    return { ...unread, requestSha256, request: { code, ok: false, message } };
  }
  return undefined;
}

function proposalCandidate(proposal: Awaited<ReturnType<Forge['proposals']>>[number]): Candidate[] {
  const { id, place, head, files } = proposal;
  const at = { id, place, head, merged: false };
  if (files !== undefined) return [candidateOf(at, files.request, files.signature)];
  const none = candidateOf(at, new Uint8Array(), undefined);
  const { code, message } = proposal.fault ?? {
    code: 'E_PR_SCOPE',
    message: 'the proposal holds no request',
  };
  return [{ ...none, request: { code, ok: false, message } }];
}

export function candidateOf(
  at: Pick<Candidate, 'id' | 'place' | 'head' | 'merged'>,
  bytes: Uint8Array,
  signature: Uint8Array | undefined,
): Candidate {
  const { id } = at;
  return {
    ...at,
    bytes: Buffer.from(bytes).toString('utf8'),
    requestSha256: sha256(bytes),
    signatureSha256: sha256(signature ?? new Uint8Array()),
    signature: signature ?? null,
    request: orReason(() => readRequest(bytes, requestPath(id))),
    statement: signature === undefined ? null : signedOf(signature),
  };
}

function orReason<T>(read: () => T): T | Reason {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    const more = error.issues.map((one) => `${one.line ?? 0}:${one.col ?? 0} ${one.message}`).join('; ');
    return {
      code: error.code,
      ok: false,
      message: more === '' ? error.message : `${error.message}: ${more}`,
    };
  }
}

function signedOf(bytes: Uint8Array): Signed | null {
  try {
    return splitSigned(bytes);
  } catch (error) {
    if (error instanceof PamError) return null;
    throw error;
  }
}

export async function incidentStates(
  desk: Desk,
  view: LedgerView,
  main: Oid | undefined,
  named: readonly string[],
): Promise<ReadonlyMap<string, IncidentState>> {
  const source = desk.incidents(view.state.policy.config, main);
  const states = new Map<string, IncidentState>();
  for (const id of new Set(named)) {
    try {
      states.set(id, await source.state(id));
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      states.set(id, { state: 'unknown', why: error.message });
    }
  }
  return states;
}

/** Ledger points that approvals name, recorded ones included. */
function pointsOf(view: LedgerView, approvals: ReadonlyMap<RequestId, readonly Signed[]>): number[] {
  const { policy, index } = view.state;
  const recorded = [...index.records.values()].flatMap(({ grant }) => grant?.evidence?.approvals ?? []);
  const found = [...approvals.values()].flat();
  // Recorded ones were verified by the policy of their time.
  const before = recorded.flatMap(({ text }) => claimsOf(text).ledger?.seq ?? []);
  return [...before, ...found.flatMap((signed) => namedEntry(policy, signed) ?? [])];
}
