/** One request as it stands now: its newest bytes, what the ledger knows, and the decision on its evidence. */
import type { Decision } from '../../model/decision.ts';
import { expected, PamError } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { About, Topic } from '../../model/forge.ts';
import { isRequestId, type RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import type { Request } from '../../model/request.ts';
import { decide, type Snapshot } from '../../rules/decide.ts';
import { recordedVerdict } from '../../rules/recorded-verdict.ts';
import { type Candidate, isRequest, type Situation, snapshotOf } from '../../rules/situation.ts';
import { type Desk, mainRef } from '../desk.ts';
import { fetchState, needAnswer } from '../ledger/fetch-state.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { aboutAll, aboutOne } from './about.ts';
import { gather } from './gather.ts';
import { policyHalts } from './halts.ts';
import { type Fresh, isShortId, requestNamed } from './name-request.ts';
import { topicOf } from './read-statements.ts';
import { headFromHere, keepHead } from '../ledger/kept-head.ts';
import { type LedgerView, readLedger } from '../ledger/read-ledger.ts';

export interface Looked {
  readonly id: RequestId;
  readonly view: LedgerView;
  readonly situation: Situation;
  readonly candidate: Candidate | null;
  readonly record: OpenRecord | null;
  /** `null` when there is no readable request file (any more). */
  readonly judged: {
    readonly request: Request;
    readonly snapshot: Snapshot;
    readonly decision: Decision;
  } | null;
  readonly now: Instant;
}

/** What a command is about to ask, by the ledger as this machine verified it last. */
type AboutWhat = (known: ChainState | undefined, now: Instant) => About;

/**
 * What a person's command starts with: the newest state, verified, and remembered.
 * @param about what comes in the same conversation
 */
export async function freshLedger(desk: Desk, about?: AboutWhat): Promise<Fresh> {
  const known = about === undefined ? undefined : await headFromHere(desk, null);
  const freshness = await fetchState(desk, about?.(known?.state, desk.clock()));
  const view = await readLedger(desk, null, known);
  if (view.firstUse)
    desk.note(`first use here: the trust root ${view.state.root} is now pinned on this machine`);
  for (const trouble of view.troubles)
    desk.note(`the ledger is in doubt: ${trouble.message} [${trouble.code}]`);
  const main = await desk.repository.resolve(mainRef(desk, view.state.policy.config));
  const policy = main === undefined ? [] : await policyHalts(desk, view, main);
  for (const one of policy) desk.note(`no grants for now: ${one.message} [${one.code}]`);
  await keepHead(desk, null, view);
  return { view, freshness };
}

/** The recorded decision where there is one, else the one that would be taken now. */
export function verdictOf({ judged, record }: Looked): Decision | null {
  return judged === null ? null : recordedVerdict(record, judged.snapshot.requestSha256, judged.decision);
}

/** Where statements about it are published: where `seen` found it, or where its proposal is now. */
export function topicOfLooked({ id, record, candidate }: Looked): Topic {
  const proposed = candidate === null || candidate.merged ? null : candidate.place;
  return { name: id, place: topicOf({ id, seen: record?.seen ?? null }).place ?? proposed };
}

/** @param text an id, or the number or URL of its pull request */
export async function lookAtRequest(desk: Desk, text: string): Promise<Looked> {
  const about = isRequestId(text)
    ? (known: ChainState | undefined): About => aboutOne(text, known)
    : isShortId(text)
      ? aboutAll
      : undefined;
  const fresh = await freshLedger(desk, about);
  return await lookAt(desk, fresh, await requestNamed(desk, fresh, text));
}

export async function lookAt(desk: Desk, { view, freshness }: Fresh, id: RequestId): Promise<Looked> {
  const now = desk.clock();
  const situation = await gather(desk, view, freshness, now, new Set([id]));
  return lookIn(desk, { view, freshness }, situation, id, now);
}

/**
 * Several at once, for as many questions as one takes. Where something of one of them cannot be read, each is looked at by
 * itself, so that it hurts itself alone; one that cannot be looked at is an error in its place.
 */
export async function lookAtAll(
  desk: Desk,
  fresh: Fresh,
  ids: readonly RequestId[],
): Promise<ReadonlyMap<RequestId, Looked | PamError>> {
  const now = desk.clock();
  const situation = await gather(desk, fresh.view, fresh.freshness, now, new Set(ids));
  const isWhole = !situation.halts.some(({ code }) => OF_ONE_REQUEST.test(code));
  const all = new Map<RequestId, Looked | PamError>();
  for (const id of ids) {
    try {
      all.set(id, isWhole ? lookIn(desk, fresh, situation, id, now) : await lookAt(desk, fresh, id));
    } catch (error) {
      all.set(id, expected(error));
    }
  }
  return all;
}

/** What a pusher or a poster can bring about at one request. */
const OF_ONE_REQUEST = /^E_(?:FORGE|GIT|REQ|PR)_/u;

function lookIn(
  desk: Desk,
  { view, freshness }: Fresh,
  situation: Situation,
  id: RequestId,
  now: Instant,
): Looked {
  // A flood must not keep a person from stopping it; `halts` keep it from being approved.
  const candidate = [...situation.candidates, ...situation.aside].find((one) => one.id === id) ?? null;
  const record = view.state.index.records.get(id) ?? null;
  const unread = situation.halts.find(({ code }) => /^E_FORGE_(?!STALE)/u.test(code));
  if (candidate === null && record === null && unread !== undefined)
    throw new PamError(unread.code, unread.message);
  if (unread !== undefined) desk.note(`what was posted about ${id} cannot be read: ${unread.message}`);
  if (candidate === null && record?.grant == null) needAnswer(freshness, id);
  if (candidate === null && record === null) {
    throw new PamError('E_ID_UNKNOWN', `there is no request ${id}`, {
      hint: 'see `pam status` for what is open, and `pam log` for what was',
    });
  }
  if (candidate === null || !isRequest(candidate.request)) {
    return { id, view, situation, candidate, record, judged: null, now };
  }
  const { request } = candidate;
  const snapshot = { ...snapshotOf(situation, candidate, request, record), evidenceOnly: true };
  return {
    id,
    view,
    situation,
    candidate,
    record,
    judged: { request, snapshot, decision: decide(snapshot, now) },
    now,
  };
}
