/** The parts of a notice, from what is known of a request: its record, its terms, or the request itself while it waits. */
import type { Decision } from '../../model/decision.ts';
import type { GrantTerms } from '../../model/entry.ts';
import type { Instant } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import type { Notice } from '../../model/notice.ts';
import type { OpenRecord, SeenPart } from '../../model/open-record.ts';
import type { Policy } from '../../model/policy.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { decide } from '../decide.ts';
import { roleOf } from '../exact-grant.ts';
import { nextStep } from '../next-step.ts';
import { type Candidate, isRequest, type Situation, snapshotOf } from '../situation.ts';
import { namesNow } from '../who-can-approve.ts';

export const blankNotice = (
  { root, seq }: Pick<ChainState, 'root' | 'seq'>,
  at: Instant,
  event: Notice['event'],
): Notice => ({
  schema: 'pam.notice/1',
  root,
  seq,
  at,
  event,
  id: null,
  role: null,
  risk: null,
  requester: null,
  subject: null,
  target: null,
  permissions: [],
  duration: null,
  until: null,
  why: null,
  who_now: [],
  next: null,
  place: null,
  left_out: 0,
});

export function aboutSeen(
  policy: Policy,
  id: RequestId,
  { requester, subject, role, proposal }: Pick<SeenPart, 'requester' | 'subject' | 'role' | 'proposal'>,
): Partial<Notice> {
  const { risk = null, target = null } = roleOf(policy, role) ?? {};
  return { id, role, risk, requester, subject, target, place: addressOf(proposal) };
}

export const aboutGrant = (
  policy: Policy,
  { subject, role, target, permissions, duration, end }: GrantTerms,
): Partial<Notice> => ({
  role,
  risk: roleOf(policy, role)?.risk ?? null,
  subject,
  target,
  permissions,
  duration,
  until: end,
});

/** Whole, but for what stands behind `#`: that part of an address may hold what its reader alone is to see. */
function addressOf(place: string): string | null {
  const [address = ''] = place.split('#');
  return address === '' ? null : address;
}

export interface Waiting {
  readonly notice: Notice;
  /** By the evidence alone: neither a missing merge nor a halt of this run makes it less. */
  readonly decision: Decision;
}

/** Of a request that is seen and not decided. `undefined` where its file cannot be read. */
export function waitingNotice(
  situation: Situation,
  state: ChainState,
  candidate: Candidate,
  record: OpenRecord,
  now: Instant,
  event: Notice['event'],
): Waiting | undefined {
  const { request, id } = candidate;
  if (!isRequest(request)) return undefined;
  const { policy, index } = state;
  const snapshot = { ...snapshotOf(situation, candidate, request, record, index), policy, halts: [] };
  const decision = decide({ ...snapshot, evidenceOnly: true }, now);
  const { requester, subject, role, duration, justification } = request;
  const place = record.seen?.proposal ?? candidate.place;
  return {
    decision,
    notice: {
      ...blankNotice(state, now, event),
      ...aboutSeen(policy, id, { requester, subject, role, proposal: place }),
      permissions: decision.grant?.permissions ?? [],
      duration,
      why: justification,
      who_now: namesNow(decision.helpers, now),
      next: nextStep(policy.config.forge, candidate, { ...decision, next: null }),
    },
  };
}
