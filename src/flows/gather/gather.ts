/**
 * Gather: everything that deciding needs, read once into one immutable `Situation`. What cannot be read is a halt
 * or an unknown there, never an exception that hides the rest.
 */
import type { Reason } from '../../model/decision.ts';
import { expected } from '../../model/error.ts';
import type { Forge } from '../../model/forge.ts';
import type { Instant } from '../../model/instant.ts';
import type { IncidentState } from '../../model/incident.ts';
import type { Oid, RequestId } from '../../model/names.ts';
import type { Signed } from '../../model/statement.ts';
import { type Candidate, isRequest, type Situation } from '../../rules/situation.ts';
import { sortPostings } from '../../rules/judge-postings.ts';
import { namedEntry } from '../../rules/verify-approvals.ts';
import { namedPoint } from '../../trust/statement-text.ts';
import { type Desk, mainRef } from '../desk.ts';
import type { Freshness } from '../ledger/fetch-state.ts';
import { daysAround, isStoppable, isUndecided } from './about.ts';
import { candidateOf } from './read-candidate.ts';
import { readProposals } from './read-proposals.ts';
import { readStatements, type ReadStatements, topicOf } from './read-statements.ts';
import { haltsOf } from './halts.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { type OnMain, requestsOnMain } from './requests-on-main.ts';
import { witnessesOf } from '../ledger/walk/witness.ts';

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
  const open = [...view.state.index.records.values()].filter(isUndecided).map(({ id }) => id);
  const ids = only === undefined ? open : [...only];
  const onMain = await lookAtMain(desk, main, ids, only === undefined ? days : []);
  const forge = await desk.forge(config);
  const proposed = await orHalt(halts, [], async () => {
    const taken = onMain.candidates.map((one) => one.id);
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
  const candidates = [...onMain.candidates, ...proposed.flatMap(proposalCandidate)];
  const stoppable = [...view.state.index.records.values()].filter(isStoppable);
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
  const unread = [
    ...onMain.faults,
    ...[...flooded.values()].map(({ code, message }): Reason => ({ code, ok: false, message })),
  ];
  // A caller that asked for this id alone gets no other answer.
  if (only !== undefined) halts.push(...unread);
  if (broken !== null) halts.push({ code: broken.code, ok: false, message: broken.message });
  const { approvals, stops, postings } = sortPostings(view.state.policy, found);
  const witnesses = await orHalt(halts, new Map(), () => witnessesOf(desk, view, pointsOf(view, approvals)));
  // A stop may hide in a flood, and main may hold what it does not show: nothing is decided about those ids.
  const isAside = ({ id }: Candidate): boolean =>
    flooded.has(id) || (only === undefined && onMain.unread.has(id));
  const named = candidates.flatMap(({ request }) => (isRequest(request) ? (request.incident ?? []) : []));
  return {
    state: view.state,
    providers: desk.providers,
    main: main ?? null,
    halts,
    unread: only === undefined ? unread : [],
    candidates: candidates.filter((one) => !isAside(one)),
    aside: candidates.filter(isAside),
    approvals,
    stops,
    postings,
    incidents: await incidentStates(desk, view, main, named),
    witnesses,
  };
}

async function lookAtMain(
  desk: Desk,
  main: Oid | undefined,
  ids: readonly RequestId[],
  days: readonly string[],
): Promise<OnMain> {
  if (main === undefined) return { candidates: [], unread: new Set(), faults: [] };
  const { repository, hint } = desk;
  return await requestsOnMain({ repository, branch: hint.main }, main, ids, days);
}

/** Ids whose proposals say nothing any more. */
const settled = ({ state }: LedgerView): readonly RequestId[] =>
  [...state.index.records.values()].filter((one) => !isUndecided(one)).map(({ id }) => id);

async function orHalt<T>(halts: Reason[], otherwise: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const error = expected(cause);
    halts.push({ code: error.code, ok: false, message: error.message });
    return otherwise;
  }
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
    } catch (cause) {
      const error = expected(cause);
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
  const before = recorded.flatMap(({ text }) => namedPoint(text, 'approval')?.seq ?? []);
  return [...before, ...found.flatMap((signed) => namedEntry(policy, signed) ?? [])];
}
