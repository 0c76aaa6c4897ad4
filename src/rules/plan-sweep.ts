/**
 * What has to end, and why. Pure: the index, the policy in force, and what was found out about stops and
 * incidents. Doubt never ends a grant early and never keeps one past its end.
 */
import type { Reason } from '../model/decision.ts';
import type { EndCause, EndingEvent } from './events/ending.ts';
import type { StoppedEvent } from './events/stopped.ts';
import { type Instant, instantOf, plus } from '../model/instant.ts';
import type { IncidentState } from '../model/incident.ts';
import type { RequestId, Sha256 } from '../model/names.ts';
import { mayBeLive, type OpenIndex, type OpenRecord } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import type { Signed } from '../model/statement.ts';
import { identityOf } from './exact-grant.ts';
import { compromisedBelow } from './grant-keys.ts';
import type { ProviderFacts } from './provider-facts.ts';
import { groundOf, judgeAllStops, type JudgedStops } from './judge-stop.ts';

export interface SweepFacts {
  readonly root: Sha256;
  readonly policy: Policy;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  readonly index: OpenIndex;
  readonly stops: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly incidents: ReadonlyMap<string, IncidentState>;
}

export interface Ending {
  readonly id: RequestId;
  readonly record: OpenRecord;
  /** For people: "expired", "stopped by dana: done". */
  readonly why: string;
  /**
   * To be recorded before anything is done about it; `null` when the recorded end is the cause and no other grant can
   * need the access. Shared access is announced even then: an executor that grants it to another person meanwhile
   * either stands in the ledger before this (and keeps it) or waits until it is done.
   */
  readonly event: EndingEvent | StoppedEvent | null;
}

export interface SweepPlan {
  /** Access to take away now, oldest end first. */
  readonly end: readonly Ending[];
  /** Stops of what is not live: recording them is all. */
  readonly drop: readonly StoppedEvent[];
  /** Ended or failed within a day: ask the target once more. */
  readonly recheck: readonly OpenRecord[];
}

export function planSweep(facts: SweepFacts, now: Instant): SweepPlan {
  const end: Ending[] = [];
  const drop: StoppedEvent[] = [];
  const recheck: OpenRecord[] = [];
  for (const record of facts.index.records.values()) {
    if (mayBeLive(record)) {
      const ending = endingOf(facts, record, now);
      if (ending !== undefined) end.push(ending);
    } else if (record.state === 'seen' || record.state === 'scheduled' || record.state === 'refused') {
      const stop = stopOf(facts, record, now);
      if (stop !== undefined) drop.push(stop.event);
    } else if (record.state === 'ended' || record.state === 'failed') {
      if (record.grant?.granting != null && now < recheckUntil(record)) recheck.push(record);
    }
  }
  const order = (a: Ending, b: Ending): number =>
    orderKey(a.record) < orderKey(b.record) ? -1 : orderKey(a.record) > orderKey(b.record) ? 1 : 0;
  return { end: end.sort(order), drop, recheck };
}

const orderKey = (record: OpenRecord): string =>
  `${record.grant?.end ?? ''} ${record.grant?.target ?? ''} ${record.id}`;

/** A day after its end, however early an entry says that it was gone. */
function recheckUntil({ final_at: at, grant }: OpenRecord): Instant {
  const end = grant?.end ?? at;
  return at === null || end === null ? FIRST_INSTANT : plus(at > end ? at : end, 86_400);
}

const FIRST_INSTANT = instantOf(0);

function endingOf(facts: SweepFacts, record: OpenRecord, now: Instant): Ending | undefined {
  const { id, grant } = record;
  if (grant === null) return undefined;
  if (record.state === 'ending') {
    return {
      id,
      record,
      why: `${record.ending?.cause ?? 'ending'}: ${record.ending?.because ?? ''}`,
      event: null,
    };
  }
  if (grant.end <= now) {
    const why = `its end ${grant.end} has come`;
    const shared = facts.providers.get(grant.provider)?.objects === 'shared';
    return { id, record, why, event: shared ? { type: 'ending', id, cause: 'expired', because: why } : null };
  }
  const stop = stopOf(facts, record, now);
  if (stop !== undefined) return { id, record, why: stop.why, event: stop.event };
  const cause = causeOf(facts, record);
  if (cause === undefined) return undefined;
  const event: EndingEvent = { type: 'ending', id, cause: cause[0], because: cause[1] };
  return { id, record, why: cause[1], event };
}

function stopOf(
  facts: SweepFacts,
  record: OpenRecord,
  now: Instant,
): { readonly event: StoppedEvent; readonly why: string } | undefined {
  const { stop } = stopsOf(facts, record, now);
  if (stop === undefined) return undefined;
  const why = `stopped by ${stop.signer}${stop.because === null ? '' : `: ${stop.because}`}`;
  return { event: { type: 'stopped', id: record.id, statement: stop.signed }, why };
}

function stopsOf({ root, policy, stops }: SweepFacts, record: OpenRecord, now: Instant): JudgedStops {
  const found = stops.get(record.id) ?? [];
  if (record.seen === null || found.length === 0) return { stop: undefined, refused: [] };
  return judgeAllStops(groundOf(root, policy, record), found, now);
}

/** So many refused stops of one id are told one by one. */
const MOST_TOLD = 3;

/**
 * Stops that were found on an id that is still open, signed by a key that pam knows, and not counted. None is passed
 * over in silence; one that counts makes the others needless. What an unknown key signed is nothing, so a stranger
 * cannot fill the report.
 */
export function stopsNotTaken(facts: SweepFacts, now: Instant): readonly Reason[] {
  return [...facts.index.records.values()].flatMap((record): readonly Reason[] => {
    if (record.final_at !== null || record.state === 'ending') return [];
    const { stop, refused } = stopsOf(facts, record, now);
    if (stop !== undefined) return [];
    const all = [...new Set(refused.map(({ signer, why }) => `${signer} (${why.message}) [${why.code}]`))];
    const told = all.slice(0, MOST_TOLD).map((who) => `a stop of ${record.id} by ${who} does not count`);
    const more = all.length - told.length;
    const rest = more > 0 ? [`${more} more stops of ${record.id} by known keys do not count`] : [];
    return [...told, ...rest].map((message) => ({ code: 'E_STOP_UNTAKEN', ok: false, message }));
  });
}

/** Why a running grant must end before its recorded end. */
function causeOf(facts: SweepFacts, record: OpenRecord): readonly [EndCause, string] | undefined {
  const { policy } = facts;
  const { grant, seen } = record;
  if (grant === null) return undefined;
  const bad = compromisedBelow(policy, grant);
  if (bad !== undefined)
    return ['compromised', `it rests on the key ${bad}, compromised before it was recorded`];
  const gone = [grant.subject, ...(seen?.owners ?? [])].find((id) => identityOf(policy, id) === undefined);
  if (gone !== undefined) return ['subject', `${gone} is no longer in policy`];
  if (!Object.hasOwn(policy.targets, grant.target))
    return ['target', `target ${grant.target} is no longer in policy`];
  const incident = grant.incident === null ? undefined : facts.incidents.get(grant.incident);
  if (incident?.state === 'closed') return ['incident', `incident ${grant.incident} closed: ${incident.why}`];
  return undefined;
}
