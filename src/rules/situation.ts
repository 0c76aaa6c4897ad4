/** What `gather` found, once, for one run: everything that planning and deciding may know. */
import type { Reason } from '../model/decision.ts';
import type { IncidentState } from '../model/incident.ts';
import type { Found } from '../model/forge.ts';
import type { Oid, RequestId, Sha256 } from '../model/names.ts';
import type { OpenIndex, OpenRecord } from '../model/open-record.ts';
import type { Request } from '../model/request.ts';
import type { Signed, Witnesses } from '../model/statement.ts';
import type { ChainState } from '../trust/chain-state.ts';
import type { Snapshot } from './decide.ts';
import { remarksOn } from './judge-postings.ts';
import { openBeside } from './open-requests.ts';
import type { ProviderFacts } from './provider-facts.ts';

/** One id's newest bytes: main's if it is there, else the proposal's. */
export interface Candidate {
  readonly id: RequestId;
  readonly place: string;
  /** The proposal's newest commit; `null` for what is read from main. */
  readonly head: Oid | null;
  readonly merged: boolean;
  readonly bytes: string;
  readonly requestSha256: Sha256;
  readonly signatureSha256: Sha256;
  /** `<id>.yaml.sig` as it lies in Git; `null` when there is none. */
  readonly signature: Uint8Array | null;
  /** What is wrong with the file, or the request that it holds. */
  readonly request: Request | Reason;
  readonly statement: Signed | null;
}

export interface Situation {
  readonly state: ChainState;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  readonly main: Oid | null;
  readonly halts: readonly Reason[];
  /** What was said about some id could not be read whole: nothing is decided about it, and the run says so. */
  readonly unread: readonly Reason[];
  readonly candidates: readonly Candidate[];
  /** Left out of `candidates`, since not all that was said about them could be read: they may be stopped, and no more. */
  readonly aside: readonly Candidate[];
  readonly approvals: ReadonlyMap<RequestId, readonly Signed[]>;
  /** Everything that was posted about an id where the forge knows accounts, clicks without a text too. */
  readonly postings: ReadonlyMap<RequestId, readonly Found[]>;
  readonly stops: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly incidents: ReadonlyMap<string, IncidentState>;
  readonly witnesses: Witnesses;
}

export function isRequest(one: Request | Reason): one is Request {
  return 'id' in one;
}

/** One request of it, as `decide` takes it. @param index with what this very run sees, where that is not recorded yet */
export function snapshotOf(
  situation: Situation,
  one: Candidate,
  request: Request,
  record: OpenRecord | null,
  index: OpenIndex = situation.state.index,
): Snapshot {
  const { state } = situation;
  // Once recorded, the recorded evidence is the evidence: it is what audit will decide on again.
  const evidence = record?.grant?.evidence ?? null;
  return {
    root: state.root,
    policy: state.policy,
    providers: situation.providers,
    id: one.id,
    request,
    requestText: one.bytes,
    requestSha256: one.requestSha256,
    signatureSha256: one.signatureSha256,
    statement: one.statement,
    record,
    beside: openBeside(index, request),
    merged: one.merged,
    approvals: evidence?.approvals ?? situation.approvals.get(one.id) ?? [],
    stops: situation.stops.get(one.id) ?? [],
    incident: request.incident === undefined ? null : (situation.incidents.get(request.incident) ?? null),
    witnesses: situation.witnesses,
    halts: situation.halts,
    remarks: remarksOn(state.policy, request, situation.postings.get(one.id) ?? [], evidence !== null),
    evidenceOnly: false,
  };
}
