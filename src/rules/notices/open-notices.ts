/**
 * What no entry says and people wait for: a request that has its approvals, one that others may approve by now, and access that is past its
 * end and not gone. Pure. Each comes with a key under which an executor remembers that it told it.
 */
import type { Instant } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import type { Notice } from '../../model/notice.ts';
import { mayBeLive, type OpenRecord } from '../../model/open-record.ts';
import type { ExecutorRight } from '../../model/policy.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { roleOf } from '../exact-grant.ts';
import { executesOn } from '../people.ts';
import type { Situation } from '../situation.ts';
import { aboutGrant, aboutSeen, blankNotice, waitingNotice } from './notice-about.ts';

export interface OpenNotice {
  readonly notice: Notice;
  readonly id: RequestId;
  /** Names one moment of one version of one request. */
  readonly key: string;
}

/** @param executor tells only of targets where it may act: others have executors of their own */
export function waitingNotices(
  situation: Situation,
  state: ChainState,
  executor: string,
  now: Instant,
): readonly OpenNotice[] {
  return situation.candidates.flatMap((candidate): OpenNotice[] => {
    const { id, requestSha256: digest } = candidate;
    const record = state.index.records.get(id);
    if (record?.state !== 'seen' || record.seen?.request_sha256 !== digest) return [];
    const { target = '' } = roleOf(state.policy, record.seen.role) ?? {};
    if (!mayAct(state, executor, target, 'grant')) return [];
    const waiting = waitingNotice(situation, state, candidate, record, now, 'approved');
    if (waiting === undefined) return [];
    const { notice, decision } = waiting;
    if (decision.verdict === 'approved') return [{ id, key: `approved ${id} ${digest}`, notice }];
    // Each step adds people, so each is told.
    const open = decision.helpers.flatMap(({ capacity, from }) =>
      capacity === 'fallback' && from !== null && from <= now ? [from] : [],
    );
    const newest = open.toSorted().at(-1);
    if (decision.verdict !== 'pending' || newest === undefined) return [];
    const next = `pam approve ${id} --reason "..."`;
    return [
      { id, key: `fallback ${id} ${digest} ${newest}`, notice: { ...notice, event: 'fallback', next } },
    ];
  });
}

/** @param gone what this run saw gone, though it could not record that */
export function overdueNotices(
  state: ChainState,
  executor: string,
  gone: ReadonlySet<RequestId>,
  now: Instant,
): readonly OpenNotice[] {
  return [...state.index.records.values()].flatMap((record): OpenNotice[] => {
    const { id, grant } = record;
    if (grant === null || !isOverdue(record, now) || gone.has(id)) return [];
    if (!mayAct(state, executor, grant.target, 'revoke')) return [];
    const notice: Notice = {
      ...blankNotice(state, now, 'overdue'),
      ...(record.seen === null ? {} : aboutSeen(state.policy, id, record.seen)),
      ...aboutGrant(state.policy, grant),
      id,
      why: `its end has come, and it is not confirmed gone after ${record.attempts} failed tries`,
      next: `pam status ${id}`,
    };
    return [{ id, key: `overdue ${id}`, notice }];
  });
}

const isOverdue = (record: OpenRecord, now: Instant): boolean =>
  mayBeLive(record) && record.grant !== null && record.grant.end <= now;

/** A target that is gone from policy has no executor of its own any more. */
const mayAct = ({ policy }: ChainState, executor: string, target: string, right: ExecutorRight): boolean =>
  executesOn(policy, executor, target, right) ||
  (right === 'revoke' && !Object.hasOwn(policy.targets, target));
