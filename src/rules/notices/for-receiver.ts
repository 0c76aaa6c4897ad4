/** What of a run's notices one receiver gets: by its filters, without reasons where it wants none, and never more than a run may send. */
import { NOTICE_EVENTS, type Notice } from '../../model/notice.ts';
import type { NotifyConfig } from '../../model/policy.ts';

/** Of one run, to one receiver: a pusher may open many requests, and must not bury what else is told. */
export const MOST_NOTICES = 20;

/** The most urgent first, each kind in the order in which it happened. The last one says how many are missing. */
export function noticesFor(config: NotifyConfig, all: readonly Notice[]): readonly Notice[] {
  const wanted = all
    .filter((notice) => isWanted(config, notice))
    .toSorted((a, b) => urgency(a) - urgency(b))
    .map((notice) => (showsWhy(config, notice) ? notice : { ...notice, why: null }));
  const sent = wanted.slice(0, MOST_NOTICES);
  const left = wanted.length - sent.length;
  return sent.map((notice, at) => (at === sent.length - 1 ? { ...notice, left_out: left } : notice));
}

const urgency = ({ event }: Notice): number => (event === 'test' ? -1 : NOTICE_EVENTS.indexOf(event));

/** `roles` and `risk` choose among requests; what is about none is told to all that ask for it. */
function isWanted({ on, roles, risk }: NotifyConfig, notice: Notice): boolean {
  if (!on.includes(notice.event)) return false;
  if (notice.id === null) return true;
  if (roles !== undefined && (notice.role === null || !roles.includes(notice.role))) return false;
  return risk === undefined || (notice.risk !== null && risk.includes(notice.risk));
}

/** A role that is gone from policy may have been one for emergencies. What is about no request holds no person's reason. */
const showsWhy = ({ why }: NotifyConfig, notice: Notice): boolean =>
  notice.id === null || (why ?? (notice.risk !== null && notice.risk !== 'break-glass'));
