/** Accounts by token, by login, by number. */
import { type Answer, type Asked, callerOf, notFound, numberIn, ok, parameter, Refusal } from './answers.ts';
import type { Hub } from './hub.ts';
import { showProfile } from './shapes.ts';

export function getMyself(hub: Hub, asked: Asked): Answer {
  const account = callerOf(asked);
  if (asked.token?.kind === 'installation') throw new Refusal(403, 'Resource not accessible by integration');
  return ok(showProfile(hub, account));
}

export function getByLogin(hub: Hub, asked: Asked): Answer {
  const found = hub.accounts.byLogin(parameter(asked, 'username'));
  if (found === undefined) throw notFound();
  return ok(showProfile(hub, found));
}

export function getById(hub: Hub, asked: Asked): Answer {
  const found = hub.accounts.byId(numberIn(asked, 'account_id'));
  if (found === undefined || found.deleted) throw notFound();
  return ok(showProfile(hub, found));
}
